//! Moving a connection away from the issuer that retires.

use azconnect_core::{Effect, Error, ErrorKind};

use super::subject::{EntraSubject, derived, organization_of};
use super::trust::{ensure, foreign};
use super::{FederatedCredentials, FederatedTrust, FederationIssuer};
use crate::background::Progress;
use crate::document::{AuthorizationScheme, Endpoint};
use crate::endpoint::Endpoints;

const OPERATION: &str = "devops.endpoint.migrate_issuer";

impl Endpoints {
    /// Moves a connection to the current issuer, and has its application trust that one. The trust in the old issuer stays
    /// until the caller removes it, since a pipeline that is running may still use it.
    ///
    /// The application trusts the new issuer before the connection names it: issuer and subject are put together by the
    /// form that they have in the field, which is not documented, and compared with what the service then returns. Only
    /// where that differs, the connection does not sign in until the returned trust is there, and the one that was
    /// prepared is removed again. For a connection that Azure DevOps created, the service keeps the trust itself and
    /// `credentials` is not needed.
    ///
    /// [`Pending`](Progress::Pending) where the service is still at work when the time is over. Read the connection and do
    /// it again: one that has moved already is only made to be trusted.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a connection that does not use the old issuer, and where the service
    /// answers that the conversion call is for changes of scheme only: it is not documented to take this one everywhere, and
    /// the advice then names the portal's way. Where the returned trust could not be added, with the advice to do it by
    /// hand. With effect [`None`](Effect::None) the connection and what its application trusts are as before.
    ///
    /// # Cancel safety
    /// Not cancel safe: read the connection and do it again.
    pub async fn migrate_issuer(
        &self,
        before: &Endpoint,
        credentials: Option<&dyn FederatedCredentials>,
    ) -> Result<Progress<Endpoint>, Error> {
        match (before.federation_issuer(), credentials) {
            (FederationIssuer::AzureDevOps, _) => {}
            (FederationIssuer::Entra, Some(credentials)) => return self.complete(before, credentials).await,
            _ => {
                // Effect none: nothing has been sent yet.
                return Err(Error::new(ErrorKind::Unsupported, "the connection does not use the issuer that retires")
                    .with_effect(Effect::None)
                    .in_operation(OPERATION)
                    .with_advice("nothing needs to be done"));
            }
        }
        // Asked for before anything is sent: afterwards the connection would name an issuer that its application does
        // not trust, and nobody could add the trust.
        if !before.is_automatic() && credentials.is_none() {
            return Err(Error::invalid("credentials", "are needed for a connection with an application of one's own")
                .with_advice("give the port that keeps the application's federated credentials"));
        }
        self.require_secret_permission(before.id()).await.map_err(|error| error.in_operation(OPERATION))?;
        let Some(credentials) = credentials else { return self.name_new_issuer(before).await.map_err(by_hand) };
        let prepared = prepare(before, credentials).await?;
        let after = match self.name_new_issuer(before).await {
            Ok(Progress::Done(after)) => after,
            Ok(pending) => return Ok(pending),
            Err(error) => return Err(self.after_failed_move(before, &prepared, by_hand(error)).await),
        };
        self.trust_moved(before, &after, &prepared).await?;
        Ok(Progress::Done(after))
    }

    async fn name_new_issuer(&self, before: &Endpoint) -> Result<Progress<Endpoint>, Error> {
        let moved = |endpoint: &Endpoint| {
            endpoint.is_federated() && endpoint.federation_issuer() != FederationIssuer::AzureDevOps
        };
        self.set_scheme(OPERATION, before, (&AuthorizationScheme::WorkloadIdentityFederation, &moved)).await
    }

    /// What becomes of the preparation after a failed move. That we changed nothing does not say that nobody did: it is taken
    /// back only where the connection was read again, and still names its old issuer.
    async fn after_failed_move(&self, before: &Endpoint, prepared: &Prepared<'_>, error: Error) -> Error {
        if error.effect() == Effect::None && self.names_the_same(before).await {
            return prepared.after(error).await;
        }
        let advice = format!(
            "the application trusts the old issuer and the new one: read the connection, and do it again; {}",
            error.advice()
        );
        error.with_effect(Effect::Unknown).with_advice(advice)
    }

    async fn names_the_same(&self, before: &Endpoint) -> bool {
        let now = self.get(before.id()).await.and_then(|now| FederatedTrust::of(&now));
        now.is_ok_and(|now| FederatedTrust::of(before).is_ok_and(|before| before.is_same(&now)))
    }

    /// Has the application trust what the connection names after its move, unless that is what was prepared.
    async fn trust_moved(&self, before: &Endpoint, after: &Endpoint, prepared: &Prepared<'_>) -> Result<(), Error> {
        let trust = FederatedTrust::of(after)?;
        // Whoever changes the connection meanwhile must not have another application trust it.
        if !same_application(before, &trust) {
            return Err(Error::new(ErrorKind::Conflict, "the connection names another application now")
                .in_operation(OPERATION)
                .with_advice(
                    "that one was not made to trust it; find out who changed the connection, and read it again",
                ));
        }
        let organization = before.parameter("workloadIdentityFederationIssuer").and_then(organization_of);
        let named = EntraSubject::parse(&trust.subject).map(|subject| subject.organization);
        if organization.zip(named).is_some_and(|(old, new)| !old.to_string().eq_ignore_ascii_case(new)) {
            return Err(foreign("subject", &trust.subject, "of another organization than its former issuer"));
        }
        if prepared.trust.as_ref().is_some_and(|ready| ready.is_same(&trust)) {
            return Ok(());
        }
        ensure(prepared.credentials, &trust, after.id(), self.organization().name()).await?;
        prepared.take_back().await
    }

    /// A connection that has moved already: only its trust may be missing.
    async fn complete(
        &self,
        before: &Endpoint,
        credentials: &dyn FederatedCredentials,
    ) -> Result<Progress<Endpoint>, Error> {
        let current = self.unchanged_since(before).await?;
        ensure(credentials, &FederatedTrust::of(&current)?, current.id(), self.organization().name()).await?;
        Ok(Progress::Done(current))
    }
}

/// The trust that an application was given before its connection needs it.
struct Prepared<'a> {
    credentials: &'a dyn FederatedCredentials,
    /// What the connection is expected to name; nothing where its old issuer names no organization.
    trust: Option<FederatedTrust>,
    /// Whether the application did not accept it before.
    made: bool,
}

async fn prepare<'a>(before: &Endpoint, credentials: &'a dyn FederatedCredentials) -> Result<Prepared<'a>, Error> {
    // Effect none, here and below: a document and the application's credentials are read, and nothing is written before.
    let old = FederatedTrust::of(before).map_err(|error| error.with_effect(Effect::None))?;
    let Some(organization) = organization_of(&old.issuer) else {
        return Ok(Prepared { credentials, trust: None, made: false });
    };
    let (issuer, subject) = derived(old.tenant, organization, before.id());
    let trust = FederatedTrust { issuer, subject, ..old };
    let known = credentials.count(&trust).await.map_err(|error| error.with_effect(Effect::None))?;
    if known == 0 {
        credentials.ensure(&trust).await.map_err(|error| {
            let advice = format!("the connection was left as it is; {}", error.advice());
            error.with_advice(advice)
        })?;
    }
    Ok(Prepared { credentials, trust: Some(trust), made: known == 0 })
}

impl Prepared<'_> {
    /// Takes the preparation back, since the connection stayed as it was.
    async fn after(&self, error: Error) -> Error {
        match self.take_back().await {
            Ok(()) => error,
            Err(left) => {
                let advice = format!("{}; {}", left.advice(), error.advice());
                error.with_effect(Effect::Unknown).with_advice(advice)
            }
        }
    }

    async fn take_back(&self) -> Result<(), Error> {
        let Some(trust) = self.trust.as_ref().filter(|_| self.made) else { return Ok(()) };
        self.credentials.remove(trust).await.map_err(|error| {
            let advice = format!(
                "the application {} trusts the subject {}, which the connection does not name: remove that federated credential",
                trust.client, trust.subject
            );
            error.with_effect(Effect::Unknown).with_advice(advice)
        })
    }
}

/// Whether a trust is one of the application that a connection signs in as.
fn same_application(connection: &Endpoint, trust: &FederatedTrust) -> bool {
    let is = |key: &str, id: String| connection.parameter(key).is_some_and(|own| own.eq_ignore_ascii_case(&id));
    is("tenantid", trust.tenant.to_string()) && is("serviceprincipalid", trust.client.to_string())
}

/// Turns a refusal of the call itself into the advice to move the connection in the portal.
fn by_hand(error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidInput {
        return error;
    }
    error
        .with_kind(ErrorKind::Unsupported)
        .with_message("the service does not move this connection to the current issuer by this call")
        .in_operation(OPERATION)
        .with_advice(
            "choose Update on the connection in the portal; or, while its conversion can still be undone, revert it and \
             convert it again",
        )
}
