//! Which pipelines may use a connection.

use azconnect_core::Error;
use azconnect_http::{Call, Idempotency};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::document::EndpointId;
use crate::endpoint::Endpoints;

/// Which pipelines may use a connection without being asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PipelineGrants {
    /// Whether all pipelines of the project may use it.
    pub all: bool,
    /// The ids of the pipelines that were granted one by one.
    pub pipelines: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    all_pipelines: Option<Authorized>,
    #[serde(default = "Vec::new", deserialize_with = "crate::tolerant::list")]
    pipelines: Vec<Authorized>,
}

#[derive(Deserialize)]
struct Authorized {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    authorized: bool,
}

impl From<Wire> for PipelineGrants {
    fn from(wire: Wire) -> Self {
        Self {
            all: wire.all_pipelines.is_some_and(|all| all.authorized),
            pipelines: wire.pipelines.into_iter().filter(|one| one.authorized).filter_map(|one| one.id).collect(),
        }
    }
}

impl Endpoints {
    /// Which pipelines may use a connection. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) for a connection that the project does not see.
    pub async fn pipeline_grants(&self, id: EndpointId) -> Result<PipelineGrants, Error> {
        let call = Call::get("devops.pipeline_grant.get", self.grant_url(id)?);
        Ok(self.organization.read::<Wire>(call).await?.into())
    }

    /// Lets all pipelines of the project use a connection, or no longer all. Idempotent.
    ///
    /// # Errors
    /// [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) without Administer on the connection.
    pub async fn grant_all_pipelines(&self, id: EndpointId, authorized: bool) -> Result<PipelineGrants, Error> {
        self.grant(id, &json!({"allPipelines": {"authorized": authorized}})).await
    }

    /// Lets some pipelines use a connection, or no longer; others stay as they are. Idempotent.
    ///
    /// # Errors
    /// As [`Endpoints::grant_all_pipelines`].
    pub async fn grant_pipelines(
        &self,
        id: EndpointId,
        pipelines: &[u64],
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        let pipelines: Vec<Value> = pipelines.iter().map(|id| json!({"id": id, "authorized": authorized})).collect();
        self.grant(id, &json!({"pipelines": pipelines})).await
    }

    async fn grant(&self, id: EndpointId, body: &Value) -> Result<PipelineGrants, Error> {
        let url = self.grant_url(id)?;
        let call =
            Call::new("devops.pipeline_grant.set", Method::PATCH, url, Idempotency::Idempotent).with_json(body)?;
        Ok(self.organization.read::<Wire>(call).await?.into())
    }

    fn grant_url(&self, id: EndpointId) -> Result<url::Url, Error> {
        let (project, id) = (self.project.as_str(), id.to_string());
        self.organization.preview_url(&[&*project, "_apis", "pipelines", "pipelinepermissions", "endpoint", &id], &[])
    }
}
