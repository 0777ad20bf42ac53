//! New service connections: built whole, and refused before any call where no such connection can exist.

mod azure;
mod docker;
mod generic;
mod ready;

use azconnect_core::{ClientId, Error, Secret, TenantId};
use azconnect_http::Call;
use serde_json::{Map, Value, json};

pub(crate) use self::azure::check_certificate;
pub use self::azure::{AzureConnection, AzureCredential};
pub use self::docker::{DockerConnection, DockerRegistry};
pub use self::generic::GenericConnection;
use crate::directory::Project;
use crate::document::{AuthorizationScheme, ConnectionType, Draft, Endpoint, field};
use crate::name::ProjectId;
use crate::organization::Organization;

/// A service connection that can be created, made by one of the builders.
pub struct NewConnection<'a> {
    draft: Draft<'a>,
    name: String,
    project: ProjectId,
}

impl std::fmt::Debug for NewConnection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConnection").field("name", &self.name).finish_non_exhaustive()
    }
}

impl NewConnection<'_> {
    /// The name that the connection will have.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The project for which it was built.
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// The application of one's own that it signs in as by workload identity federation.
    pub(crate) fn federated_application(&self) -> Option<(TenantId, ClientId)> {
        let authorization = self.draft.document.get("authorization")?;
        let federated =
            authorization.get("scheme")?.as_str()? == AuthorizationScheme::WorkloadIdentityFederation.as_str();
        let parameters = authorization.get("parameters")?.as_object()?;
        let text = |key: &str| field(parameters, key)?.1.as_str().filter(|_| federated);
        Some((text("tenantid")?.parse().ok()?, text("serviceprincipalid")?.parse().ok()?))
    }

    /// The document that would be sent, secret included: for tests, and for those who send it themselves.
    ///
    /// # Errors
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) if it cannot be JSON.
    pub fn preview(&self) -> Result<Secret, Error> {
        self.draft.text()
    }
}

/// The fields that a new connection of every type has.
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) connection_type: ConnectionType,
    pub(crate) url: &'a str,
    pub(crate) scheme: AuthorizationScheme,
    /// `false` where the service has work to do before the connection can be used, as the portal sends it.
    pub(crate) is_ready: bool,
    pub(crate) project: &'a Project,
}

impl Parts<'_> {
    /// Builds the document. The secret, where there is one, is named with the parameter that takes it.
    fn build<'s>(
        self,
        data: Map<String, Value>,
        mut parameters: Map<String, Value>,
        secret: Option<(&str, &'s Secret)>,
    ) -> Result<NewConnection<'s>, Error> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(Error::invalid("name", "is empty").with_advice("give the connection a name"));
        }
        if let Some((key, _)) = secret {
            // This marks the secret's place: its text enters only while the document is serialised.
            parameters.insert(key.to_owned(), Value::Null);
        }
        let project = json!({"id": self.project.id.to_string(), "name": self.project.name});
        let mut reference = json!({"projectReference": project, "name": name});
        let mut document = json!({
            "data": data, "name": name, "type": self.connection_type, "url": self.url,
            "authorization": {"parameters": parameters, "scheme": self.scheme},
            "isShared": false, "isReady": self.is_ready
        });
        if let Some(description) = self.description {
            for object in [&mut document, &mut reference] {
                if let Some(object) = object.as_object_mut() {
                    object.insert("description".to_owned(), description.into());
                }
            }
        }
        let Value::Object(mut document) = document else { return Err(Error::invalid("connection", "is no object")) };
        document.insert("serviceEndpointProjectReferences".to_owned(), Value::Array(vec![reference]));
        let secret = secret.map(|(key, secret)| (key.to_owned(), secret));
        Ok(NewConnection { draft: Draft { document, secret }, name: name.to_owned(), project: self.project.id })
    }
}

/// The pairs that have a value, as a JSON object.
fn texts(pairs: &[(&str, Option<&str>)]) -> Map<String, Value> {
    pairs.iter().filter_map(|(key, value)| value.map(|value| ((*key).to_owned(), value.into()))).collect()
}

impl Organization {
    /// Creates a connection. **Not idempotent**: sent once, and again only after an answer which proves that nothing was
    /// created. Follows Microsoft's *Create Service Endpoint*.
    ///
    /// The connection may not be ready yet: see [`Endpoints::wait_until_ready`](crate::Endpoints::wait_until_ready).
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) if one of this name exists. With effect
    /// [`Unknown`](azconnect_core::Effect::Unknown) it may exist: look for it with
    /// [`Endpoints::by_names`](crate::Endpoints::by_names).
    ///
    /// # Cancel safety
    /// Not cancel safe: the connection may exist afterwards, findable by its name.
    pub async fn create_connection(&self, connection: &NewConnection<'_>) -> Result<Endpoint, Error> {
        let project = self.versions.project_writes.then(|| connection.project.to_string());
        let tail = ["_apis", "serviceendpoint", "endpoints"].map(str::to_owned);
        let segments: Vec<String> = project.into_iter().chain(tail).collect();
        let url = self.url(&segments, &[])?;
        let call = Call::post("devops.endpoint.create", url).with_json(&connection.draft)?;
        let answer = self.send(call).await?;
        // The service said yes, so a connection exists even if its answer cannot be read.
        Endpoint::from_json(answer.body()).map_err(|error| {
            error
                .in_operation("devops.endpoint.create")
                .with_effect(azconnect_core::Effect::Unknown)
                .with_advice("look for the connection by its name: it may have been created")
        })
    }
}
