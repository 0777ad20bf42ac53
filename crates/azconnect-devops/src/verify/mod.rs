//! Whether a connection's secret works.

mod proxy;
mod refusal;
mod registry;

use std::time::Duration;

use azconnect_core::{Error, Secret};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, entra};
use azconnect_http::{Call, Idempotency};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use self::proxy::ProxyResult;
pub use self::registry::RegistryCheck;
use crate::document::{ConnectionType, Draft, Endpoint, EndpointChange, RegistryType};
use crate::endpoint::Endpoints;

/// What a test through the service can say about a type of connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// The service signs in with the secret, so its answer is proof.
    SignsIn,
    /// The service asks another registry, so its answer says nothing.
    AsksElsewhere,
}

impl Endpoints {
    /// Lets Azure DevOps test the secret that a connection holds. Idempotent, without effect.
    ///
    /// `minted_at` is when that secret was minted, where it is known: a refusal soon after is
    /// [`Pending`](CredentialVerdict::Pending). A refusal by Azure for want of `Microsoft.Resources/subscriptions/read` says nothing of
    /// the secret, so it is [`Inconclusive`](CredentialVerdict::Inconclusive), as is everything that went wrong on the way.
    ///
    /// Follows Microsoft's *Execute Service Endpoint Request* with the data source `TestConnection`. For a Docker registry of
    /// type Others that asks Docker Hub, whatever the registry is: see [`RegistryCheck`].
    pub async fn verify_stored(&self, endpoint: &Endpoint, minted_at: Option<OffsetDateTime>) -> Assessment {
        if proof(endpoint) == Proof::AsksElsewhere {
            return not_verifiable();
        }
        let test = Test { details: None };
        self.test(endpoint, &test, minted_at).await
    }

    /// Sets how long after it was minted a refused secret may still be on its way to every replica of the directory. It is
    /// [`PROPAGATION`](entra::PROPAGATION) unless set.
    #[must_use]
    pub fn with_propagation(mut self, propagation: Duration) -> Self {
        self.propagation = propagation;
        self
    }

    /// Lets Azure DevOps test a secret as if the connection held it. Idempotent, without effect: nothing is stored.
    ///
    /// See [`Endpoints::verify_stored`] for what the verdicts mean.
    pub async fn verify_candidate(&self, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
        let change = EndpointChange::new().with_secret(candidate.secret);
        self.verify_change(endpoint, &change, candidate.minted_at).await
    }

    /// Lets Azure DevOps test a connection as if it had been changed.
    pub(crate) async fn verify_change(
        &self,
        endpoint: &Endpoint,
        change: &EndpointChange<'_>,
        minted_at: Option<OffsetDateTime>,
    ) -> Assessment {
        if proof(endpoint) == Proof::AsksElsewhere {
            return not_verifiable();
        }
        let draft = match change.draft(endpoint) {
            Ok(draft) => draft,
            Err(error) => return Assessment::inconclusive(&error),
        };
        let test = Test { details: Some(Details::of(&draft)) };
        self.test(endpoint, &test, minted_at).await
    }

    async fn test(&self, endpoint: &Endpoint, test: &Test<'_>, minted_at: Option<OffsetDateTime>) -> Assessment {
        match self.ask(endpoint, test).await {
            Ok(result) => {
                let now = self.organization.client.pipeline().clock().now();
                refusal::judge(&result, entra::age(minted_at, now), self.propagation)
            }
            Err(error) => Assessment::inconclusive(&error),
        }
    }

    async fn ask(&self, endpoint: &Endpoint, test: &Test<'_>) -> Result<ProxyResult, Error> {
        let id = endpoint.id().to_string();
        let project = self.project.as_str();
        let segments = [&*project, "_apis", "serviceendpoint", "endpointproxy"];
        let url = self.organization.url(&segments, &[("endpointId", &id)])?;
        // A POST that stores nothing, so it may be sent again.
        let call = Call::post("devops.endpoint.test", url).with_idempotency(Idempotency::Idempotent).with_json(test)?;
        let answer = self.organization.send(call).await?;
        // The result may repeat what the service was sent.
        let body: Value =
            azconnect_http::sensitive_json(&answer).map_err(|error| error.in_operation("devops.endpoint.test"))?;
        Ok(ProxyResult::read(&body))
    }
}

fn proof(endpoint: &Endpoint) -> Proof {
    if endpoint.is_type(ConnectionType::DockerRegistry) && endpoint.registry_type() != Some(&RegistryType::DockerHub) {
        Proof::AsksElsewhere
    } else {
        Proof::SignsIn
    }
}

/// Why a test of a Docker registry through the service says nothing.
pub(crate) fn not_verifiable() -> Assessment {
    Assessment::new(
        CredentialVerdict::Inconclusive,
        "Azure DevOps tests a Docker registry by asking Docker Hub, so its answer proves nothing",
    )
    .with_service_code("NotVerifiable")
    .with_advice("check the registry's own login, or accept that the connection was read back as written")
}

/// The request of a test.
struct Test<'a> {
    details: Option<Details<'a>>,
}

impl Serialize for Test<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("dataSourceDetails", &json!({"dataSourceName": "TestConnection"}))?;
        map.serialize_entry("resultTransformationDetails", &Map::new())?;
        if let Some(details) = &self.details {
            map.serialize_entry("serviceEndpointDetails", &details.0)?;
        }
        map.end()
    }
}

/// The fields of a connection that a test needs: type, address, data and authorization.
struct Details<'a>(Draft<'a>);

impl<'a> Details<'a> {
    fn of(draft: &Draft<'a>) -> Self {
        let wanted = ["type", "url", "data", "authorization"];
        let document = draft.document.iter().filter(|(key, _)| wanted.contains(&key.as_str()));
        Self(Draft {
            document: document.map(|(key, value)| (key.clone(), value.clone())).collect(),
            secret: draft.secret.as_ref().map(|(key, secret): &(String, &'a Secret)| (key.clone(), *secret)),
        })
    }
}
