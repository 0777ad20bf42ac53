//! One consumer of a secret, as data.

use azconnect_core::{ClientId, Error, TenantId, guid_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::record::ConnectionId;

guid_id!(
    /// The id of a service connection, which the service calls endpoint.
    EndpointId,
    "connection id"
);

/// Who receives the secret, with what it takes to find it again.
///
/// It is serialised with its `kind`. A kind that this program does not know survives reading and writing, and is refused by
/// name where it would be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundConsumer {
    /// A service connection of Azure DevOps (`service_connection`).
    ServiceConnection(BoundServiceConnection),
    /// A connection that the product itself keeps, with its sealed secret (`connection`).
    Connection(ConnectionId),
    /// The record of the secret that the product signs in with as this application (`own_record`).
    OwnRecord,
    /// A consumer of another kind: the product's own, or one of a later version.
    Other(OtherConsumer),
}

/// A service connection, as it was when it was bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BoundServiceConnection {
    /// The tenant whose settings say who acts in the organization.
    pub tenant: TenantId,
    /// The organization's name.
    pub organization: String,
    /// The project from which it is seen, by name or id.
    pub project: String,
    /// Its id, the same in every project.
    pub id: EndpointId,
    /// Its name, as last seen.
    pub name: String,
    /// Its type, as last seen, such as `azurerm`.
    pub type_name: String,
    /// The host that was agreed to receive the secret, where the connection names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// A consumer of a kind that this program does not know by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherConsumer {
    /// The name of its kind, such as `key_vault_secret`.
    pub kind: String,
    /// Everything else that is written of it. Never a secret.
    pub document: Map<String, Value>,
}

impl BoundServiceConnection {
    /// A service connection in a project, of which neither name nor type is known yet.
    pub fn new(tenant: TenantId, organization: impl Into<String>, project: impl Into<String>, id: EndpointId) -> Self {
        Self {
            tenant,
            organization: organization.into(),
            project: project.into(),
            id,
            name: String::new(),
            type_name: String::new(),
            destination: None,
        }
    }

    /// Sets its name and type, as they were seen.
    #[must_use]
    pub fn with_seen(mut self, name: impl Into<String>, type_name: impl Into<String>) -> Self {
        (self.name, self.type_name) = (name.into(), type_name.into());
        self
    }

    /// Sets the host that was agreed to receive the secret.
    #[must_use]
    pub fn with_destination(mut self, host: Option<String>) -> Self {
        self.destination = host;
        self
    }
}

impl OtherConsumer {
    /// A consumer of a kind of the product's own. The `id` of its document tells it from others of the kind.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a kind that is known here, or that is no plain name.
    pub fn new(kind: impl Into<String>, mut document: Map<String, Value>) -> Result<Self, Error> {
        let kind = kind.into();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if KINDS.contains(&kind.as_str())
            || PREFIXES.contains(&kind.as_str())
            || kind.is_empty()
            || kind.len() > 63
            || !kind.chars().all(is_plain)
        {
            return Err(Error::invalid("consumer.kind", "is a kind of this program's own, or no plain name")
                .with_advice("name the kind with 1 to 63 of a-z, 0-9 and _, such as key_vault_secret"));
        }
        document.shift_remove("kind");
        Ok(Self { kind, document })
    }
}

const SERVICE_CONNECTION: &str = "service_connection";
const CONNECTION: &str = "connection";
const OWN_RECORD: &str = "own_record";
const KINDS: [&str; 3] = [SERVICE_CONNECTION, CONNECTION, OWN_RECORD];

/// What begins the names of our own consumers, where that is another word than the kind: one of another kind must not be
/// taken for one of them.
const PREFIXES: [&str; 2] = ["devops", "own"];

/// A connection of the product's own, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenConnection {
    connection: ConnectionId,
}

impl BoundConsumer {
    /// The name of its kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::ServiceConnection(_) => SERVICE_CONNECTION,
            Self::Connection(_) => CONNECTION,
            Self::OwnRecord => OWN_RECORD,
            Self::Other(other) => &other.kind,
        }
    }

    /// The stable name by which it is bound once, and unbound: where a sink is made of it, that sink's id.
    pub fn name(&self, application: ClientId) -> String {
        match self {
            Self::ServiceConnection(bound) => {
                format!("devops:{}/{}", bound.organization.to_ascii_lowercase(), bound.id)
            }
            Self::Connection(id) => format!("connection:{id}"),
            Self::OwnRecord => format!("own:{application}"),
            Self::Other(other) => {
                let id = other.document.get("id").and_then(Value::as_str).unwrap_or_default();
                format!("{}:{id}", other.kind)
            }
        }
    }

    /// What it is and where, for a person.
    pub fn title(&self) -> String {
        match self {
            Self::ServiceConnection(bound) => format!(
                "service connection {:?} ({}) in {}/{}",
                bound.name, bound.type_name, bound.organization, bound.project
            ),
            Self::Connection(id) => format!("connection {id} of this product"),
            Self::OwnRecord => "the secret that this product signs in with".to_owned(),
            Self::Other(other) => {
                let id = other.document.get("id").and_then(Value::as_str).unwrap_or("without an id");
                format!("{} {id}", other.kind)
            }
        }
    }

    fn document(&self) -> Result<Map<String, Value>, serde_json::Error> {
        let value = match self {
            Self::ServiceConnection(bound) => serde_json::to_value(bound)?,
            Self::Connection(id) => serde_json::to_value(WrittenConnection { connection: id.clone() })?,
            Self::OwnRecord => Value::Object(Map::new()),
            Self::Other(other) => Value::Object(other.document.clone()),
        };
        let mut document = Map::new();
        document.insert("kind".to_owned(), self.kind().into());
        if let Value::Object(rest) = value {
            document.extend(rest);
        }
        Ok(document)
    }

    fn read(mut document: Map<String, Value>) -> Result<Self, String> {
        // `remove` would put the last field in its place: what is written again keeps its order.
        let Some(Value::String(kind)) = document.shift_remove("kind") else {
            return Err("a consumer does not say its kind".to_owned());
        };
        let named = |error: serde_json::Error| format!("a consumer of the kind {kind}: {error}");
        match kind.as_str() {
            SERVICE_CONNECTION => {
                serde_json::from_value(Value::Object(document)).map(Self::ServiceConnection).map_err(named)
            }
            CONNECTION => serde_json::from_value(Value::Object(document))
                .map(|WrittenConnection { connection }| Self::Connection(connection))
                .map_err(named),
            OWN_RECORD if document.is_empty() => Ok(Self::OwnRecord),
            OWN_RECORD => Err(format!("a consumer of the kind {kind} says something else")),
            _ => Ok(Self::Other(OtherConsumer { kind, document })),
        }
    }
}

impl Serialize for BoundConsumer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BoundConsumer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Map::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
