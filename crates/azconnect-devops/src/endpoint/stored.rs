//! What became of a connection's secret in a change of something else.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::entra::is_refusal;
use azconnect_credential::{Assessment, CredentialVerdict};

use super::Endpoints;
use crate::document::{Endpoint, EndpointChange, named};

/// The pauses before a refused secret is tested again: one replica of the directory may not know it yet.
const SECOND_LOOKS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];

/// A connection after a change, with what is known of the secret that it holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdatedEndpoint {
    /// The connection as it was read after the change.
    pub endpoint: Endpoint,
    /// What is known of the secret that it holds.
    pub secret: StoredSecret,
}

/// What is known of a connection's secret after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredSecret {
    /// The change put a new secret in its place. It was not tested here.
    Replaced,
    /// Azure DevOps signed in with it before the change and after it.
    Works,
    /// Nothing is known of what became of it, because Azure DevOps did not sign in with it before the change, could not say
    /// after it, or both. No sign that it is lost, and none that it is kept.
    Unproven {
        /// What the test before the change said.
        before: Assessment,
        /// What the test after the change said.
        after: Assessment,
    },
}

/// What was known of a connection's secret before it was written.
pub(super) enum Former {
    /// The write brings another one.
    Replaced,
    /// What a test said of the stored one, and under which names the connection showed that it holds secrets.
    Stored(Assessment, Vec<String>),
}

impl UpdatedEndpoint {
    /// A connection after a change, for an implementation of [`ServiceConnectionWriter`](crate::ServiceConnectionWriter).
    pub fn new(endpoint: Endpoint, secret: StoredSecret) -> Self {
        Self { endpoint, secret }
    }
}

impl Endpoints {
    /// Makes a change of a connection that sends no document, such as sharing it, and looks whether its secret survived.
    ///
    /// # Errors
    /// Those of the change, and that of a secret which worked before and is refused now.
    pub(crate) async fn keeping_secret(
        &self,
        before: &Endpoint,
        change: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let former = self.former_secret(before, &EndpointChange::new()).await;
        change.await?;
        // From here it may be seen no more: unshared from this project, or deleted with the last one.
        match self.get(before.id()).await {
            Ok(after) => self.with_stored_secret(former, after).await.map(drop),
            Err(_) => Ok(()),
        }
    }

    /// What is known of the stored secret before the write, where the change brings no other.
    pub(super) async fn former_secret(&self, current: &Endpoint, change: &EndpointChange<'_>) -> Former {
        if change.replaces_secret() {
            return Former::Replaced;
        }
        Former::Stored(self.verify_stored(current, None).await, masked(current))
    }

    /// Tests the stored secret again after the write.
    ///
    /// # Errors
    /// With effect [`Unknown`](Effect::Unknown), if it worked before and is refused now, or if the connection no longer shows
    /// that it holds one.
    pub(super) async fn with_stored_secret(
        &self,
        former: Former,
        endpoint: Endpoint,
    ) -> Result<UpdatedEndpoint, Error> {
        let Former::Stored(before, places) = former else {
            return Ok(UpdatedEndpoint::new(endpoint, StoredSecret::Replaced));
        };
        let left: Vec<String> = masked(&endpoint);
        let gone: Vec<String> =
            places.into_iter().filter(|place| !left.iter().any(|kept| kept.eq_ignore_ascii_case(place))).collect();
        if !gone.is_empty() {
            return Err(lost(&format!("connection {} shows no secret any more under {}", endpoint.id(), named(&gone))));
        }
        let after = self.stored_again(&endpoint, before.is_accepted()).await;
        if before.is_accepted() && refused(&after) {
            let what = format!("the secret of connection {} worked before, and is refused now", endpoint.id());
            return Err(lost(&format!("{what}: {}", after.evidence)));
        }
        let works = before.is_accepted() && after.is_accepted();
        let secret = if works { StoredSecret::Works } else { StoredSecret::Unproven { before, after } };
        Ok(UpdatedEndpoint::new(endpoint, secret))
    }

    /// The test of the stored secret after a write; where a refusal would be an alarm, it is tested more than once.
    async fn stored_again(&self, endpoint: &Endpoint, alarming: bool) -> Assessment {
        let clock = self.organization.client.pipeline().clock().clone();
        let mut assessment = self.verify_stored(endpoint, None).await;
        for pause in SECOND_LOOKS {
            if !(alarming && refused(&assessment)) {
                break;
            }
            clock.sleep(pause).await;
            assessment = self.verify_stored(endpoint, None).await;
        }
        assessment
    }
}

/// The names under which a connection, read by its id, shows that it holds a secret. Not the cached access token, which comes
/// and goes.
fn masked(endpoint: &Endpoint) -> Vec<String> {
    let names = endpoint.masked_parameters().filter(|name| !name.eq_ignore_ascii_case("accessToken"));
    names.map(str::to_owned).collect()
}

/// Whether a test says that the connection cannot sign in with what it holds, whatever the reason.
fn refused(assessment: &Assessment) -> bool {
    matches!(assessment.verdict, CredentialVerdict::Rejected | CredentialVerdict::Pending) || is_refusal(assessment)
}

fn lost(what: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("the change was made, and {what}"))
        .with_effect(Effect::Unknown)
        .with_service_code("StoredSecretLost")
        .in_operation("devops.endpoint.update")
        .with_advice(
            "put the connection's secret in again now: the change may have emptied it, or it no longer fits what was changed",
        )
}
