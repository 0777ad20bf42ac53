//! Creating a federated credential so that the call may be repeated: afterwards exactly one trusts issuer and subject.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};

use super::{FederatedCredential, LIMIT, NewFederatedCredential};
use crate::application::ApplicationRef;
use crate::client::GraphClient;

const OPERATION: &str = "graph.federated_credential.ensure";

/// The pauses before each reading that looks for a creation whose answer was lost: the list may lag behind it.
const PAUSES: [Duration; 4] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// How many times a creation is sent while no reading shows its result. The service keeps issuer and subject unique, so
/// the second cannot double the first.
const ROUNDS: u32 = 2;

impl GraphClient {
    /// Has an application trust an issuer and a subject, and returns the federated identity credential that says so,
    /// under whichever name. Idempotent, also across processes: it lists, creates only what is absent, and settles a
    /// lost answer or the service's *already exists* by reading again.
    ///
    /// Whether tokens are accepted yet is another matter: that may take minutes. Secrets handled: none. Permission:
    /// `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Documents: Microsoft Graph,
    /// *List federatedIdentityCredentials* and *Create federatedIdentityCredential*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field, before anything is sent. [`Conflict`](ErrorKind::Conflict)
    /// with the field and effect [`None`](Effect::None): `audience` if issuer and subject are trusted for another one,
    /// `name` if the name stands for another trust, `federated_credentials` if the application has 20 already; what
    /// somebody else made is never changed. With effect [`Unknown`](Effect::Unknown) it may exist all the same.
    ///
    /// # Cancel safety
    /// Not cancel safe, but to be repeated: that finds what was created.
    pub async fn ensure_federated_credential(
        &self,
        application: impl Into<ApplicationRef>,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        self.ensured(application.into(), wish).await.map_err(|error| error.in_operation(OPERATION))
    }

    async fn ensured(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        wish.check()?;
        if let Some(known) = wish.fulfilled_by(&self.federated_credentials(application).await?)? {
            return Ok(known);
        }
        let (mut effect, mut round) = (Effect::None, 0);
        loop {
            round += 1;
            let error = match self.create_federated_credential(application, wish).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            if error.effect() != Effect::None {
                // Once one attempt's effect is unknown, the whole call's is: a later refusal proves nothing about it.
                effect = Effect::Unknown;
            }
            if leaves_doubt(&error)
                && let Some(found) = self.found_later(application, wish).await?
            {
                return Ok(found);
            }
            if error.effect() == Effect::None || round == ROUNDS {
                return Err(unsettled(error, effect));
            }
        }
    }

    /// Looks for the credential after an answer that left it unknown whether it exists, with pauses in which the list
    /// may catch up. A list that cannot be read settles nothing.
    async fn found_later(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<Option<FederatedCredential>, Error> {
        for pause in PAUSES {
            self.clock().sleep(pause).await;
            let Ok(listed) = self.federated_credentials(application).await else { continue };
            if let Some(found) = settled(&listed, wish)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl NewFederatedCredential {
    /// The credential of an application that fulfils this wish already, under whichever name, or none.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where it cannot be fulfilled beside them, with the field `audience` if issuer and
    /// subject are trusted for another one, `name` if the name stands for another trust, and `federated_credentials` if
    /// the application has 20 already.
    pub fn fulfilled_by(&self, listed: &[FederatedCredential]) -> Result<Option<FederatedCredential>, Error> {
        match settled(listed, self)? {
            None if listed.iter().filter(|one| !self.deleted.contains(&one.id)).count() >= LIMIT => Err(full()),
            known => Ok(known),
        }
    }
}

/// What a list shows about a wish: the credential that fulfils it, an error if it cannot be fulfilled, or neither.
fn settled(
    listed: &[FederatedCredential],
    wish: &NewFederatedCredential,
) -> Result<Option<FederatedCredential>, Error> {
    let listed = || listed.iter().filter(|one| !wish.deleted.contains(&one.id));
    // Before the name: a credential that fulfils the wish counts under whichever name it was made.
    if let Some(known) = listed().find(|one| one.trusts(&wish.issuer, &wish.subject)) {
        if known.accepts(&wish.audience) {
            return Ok(Some(known.clone()));
        }
        let message = "issuer and subject are trusted already, for another audience";
        let advice = "an application trusts an issuer and a subject for one audience: change that federated credential, \
                      or delete it if nothing uses it";
        return Err(conflict("audience", message, advice));
    }
    if listed().any(|one| one.name.as_deref() == Some(wish.name.as_str())) {
        let message = "a federated credential of this name trusts another issuer or subject";
        return Err(conflict("name", message, "choose another name, or delete that one if nothing uses it"));
    }
    Ok(None)
}

/// Whether it may exist although the creation failed: the answer was lost, or the service says that it exists.
fn leaves_doubt(error: &Error) -> bool {
    // A conflict that is worth repeating is the busy directory's, and not that of an existing credential.
    let exists = error.kind() == ErrorKind::Conflict && error.retry() == Retry::No;
    error.effect() != Effect::None || exists
}

fn unsettled(error: Error, effect: Effect) -> Error {
    match effect {
        Effect::None => error,
        _ => error.with_effect(effect).with_advice(
            "the federated credential may exist: do the same again in a minute, which finds it or creates it, and never \
             makes two",
        ),
    }
}

fn full() -> Error {
    conflict(
        "federated_credentials",
        "the application has 20 federated credentials, which is as many as it may",
        "delete one that nothing uses any longer, or use another application",
    )
}

fn conflict(field: &str, message: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Conflict, message).with_field(field).with_effect(Effect::None).with_advice(advice)
}
