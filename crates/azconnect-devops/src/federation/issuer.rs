//! The issuer of a connection's tokens: the old one retires.

use azconnect_core::{Error, ErrorKind};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::datetime;

use super::trust::ensure;
use super::{FederatedCredentials, FederatedTrust};
use crate::document::{AuthorizationScheme, Endpoint, EnvironmentName};
use crate::endpoint::{EndpointQuery, Endpoints};

/// When the issuer `https://vstoken.dev.azure.com/…` stops.
pub const OLD_ISSUER_RETIRES: OffsetDateTime = datetime!(2027-07-01 00:00 UTC);

/// Who issues the tokens with which a federated connection signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FederationIssuer {
    /// `https://vstoken.dev.azure.com/{organization}` with subject `sc://…`: retires at [`OLD_ISSUER_RETIRES`].
    AzureDevOps,
    /// `https://login.microsoftonline.com/{tenant}/v2.0`, or that of another cloud.
    Entra,
    /// The connection names no issuer, or one that is not known here.
    Unknown,
}

impl Endpoint {
    /// The issuer of the tokens with which it signs in, told by the address that the connection names.
    pub fn federation_issuer(&self) -> FederationIssuer {
        let issuer = self.parameter("workloadIdentityFederationIssuer").filter(|_| self.is_federated());
        issuer.map_or(FederationIssuer::Unknown, FederationIssuer::of)
    }
}

/// The hosts of Entra ID that issue tokens, in the public cloud, the one for the US government, and the one in China.
const ENTRA: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];

impl FederationIssuer {
    /// Whose address this is. One of a host that is not Microsoft's is unknown, whatever its path.
    pub(super) fn of(issuer: &str) -> Self {
        let Ok(url) = url::Url::parse(issuer) else { return Self::Unknown };
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.host_str() {
            Some("vstoken.dev.azure.com") if plain => Self::AzureDevOps,
            Some(host) if plain && ENTRA.contains(&host) && url.path().trim_end_matches('/').ends_with("/v2.0") => {
                Self::Entra
            }
            _ => Self::Unknown,
        }
    }
}

impl Endpoints {
    /// The connections of the project whose issuer retires. Idempotent, without effect.
    ///
    /// Only those to the public cloud: elsewhere the old issuer goes on (Microsoft's *Convert service connections to the
    /// Microsoft Entra issuer*). An application of several tenants is out of scope too, which a connection does not show.
    ///
    /// # Errors
    /// As [`Endpoints::list`].
    pub async fn with_old_issuer(&self) -> Result<Vec<Endpoint>, Error> {
        let query =
            EndpointQuery::new().with_scheme(AuthorizationScheme::WorkloadIdentityFederation).with_details(true);
        let public =
            |endpoint: &Endpoint| endpoint.environment().is_none_or(|name| *name == EnvironmentName::AzureCloud);
        let old =
            |endpoint: &Endpoint| endpoint.federation_issuer() == FederationIssuer::AzureDevOps && public(endpoint);
        // An odd record has no issuer either.
        Ok(self.scan(&query).await?.flatten().filter(old).collect())
    }

    /// Moves a connection to the current issuer, and has its application trust that one. The trust in the old issuer stays
    /// until the caller removes it, since a pipeline that is running may still use it.
    ///
    /// The new issuer and subject are known only from the service's answer. Between that answer and the new trust, a
    /// connection with an application of one's own does not sign in; for one that Azure DevOps created, it keeps the trust
    /// itself and `credentials` is not needed.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a connection that does not use the old issuer, and where the service
    /// answers that the conversion call is for changes of scheme only: it is not documented to take this one everywhere, and
    /// the advice then names the portal's way. As [`Endpoints::create_federated`] where the trust failed.
    ///
    /// # Cancel safety
    /// Not cancel safe: the connection may name the new issuer without the application trusting it; do it again.
    pub async fn migrate_issuer(
        &self,
        before: &Endpoint,
        credentials: Option<&dyn FederatedCredentials>,
    ) -> Result<Endpoint, Error> {
        if before.federation_issuer() != FederationIssuer::AzureDevOps {
            return Err(Error::new(ErrorKind::Unsupported, "the connection does not use the issuer that retires")
                .with_effect(azconnect_core::Effect::None)
                .in_operation("devops.endpoint.migrate_issuer")
                .with_advice("nothing needs to be done"));
        }
        // Asked for before anything is sent: afterwards the connection would name an issuer that its application does
        // not trust, and nobody could add the trust.
        if !before.is_automatic() && credentials.is_none() {
            return Err(Error::invalid("credentials", "are needed for a connection with an application of one's own")
                .with_advice("give the port that keeps the application's federated credentials"));
        }
        let after = self
            .set_scheme("devops.endpoint.migrate_issuer", before, &AuthorizationScheme::WorkloadIdentityFederation)
            .await
            .map_err(by_hand)?;
        if after.federation_issuer() == FederationIssuer::AzureDevOps {
            return Err(Error::new(ErrorKind::Conflict, "the connection still names the old issuer")
                .in_operation("devops.endpoint.migrate_issuer")
                .with_advice("read the connection again in a minute; the service may still be at work"));
        }
        if let Some(credentials) = credentials {
            let trust = FederatedTrust::of(&after)?;
            // Whoever changes the connection meanwhile must not have another application trust it.
            if same_application(before, &trust) {
                ensure(credentials, &trust, after.id(), self.organization().name()).await?;
            } else {
                return Err(Error::new(ErrorKind::Conflict, "the connection names another application now")
                    .in_operation("devops.endpoint.migrate_issuer")
                    .with_advice("nothing was trusted; find out who changed the connection, and read it again"));
            }
        }
        Ok(after)
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
        .in_operation("devops.endpoint.migrate_issuer")
        .with_advice(
            "choose Update on the connection in the portal; or, while its conversion can still be undone, revert it and \
             convert it again",
        )
}
