//! The members that a service connection's body has, and their kinds: the contract of the REST reference.
//!
//! The service reads members in any case and passes over those that it does not know. Nothing says that it refuses them, so
//! that is a setting; what it never does is store and show what was misspelt.

use serde_json::{Map, Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::field;
use crate::service::devops::refusal;

/// What a member holds.
enum Kind {
    Text,
    Flag,
    /// Names and texts.
    Texts,
    /// An object with members of its own.
    Object(&'static Contract),
    List(&'static Contract),
    /// What only the service writes.
    Managed,
}

/// The members of one object, and how the service calls it.
struct Contract {
    name: &'static str,
    members: &'static [(&'static str, Kind)],
}

const PROJECT: Contract = Contract { name: "ProjectReference", members: &[("id", Kind::Text), ("name", Kind::Text)] };

const REFERENCE: Contract = Contract {
    name: "ServiceEndpointProjectReference",
    members: &[("projectReference", Kind::Object(&PROJECT)), ("name", Kind::Text), ("description", Kind::Text)],
};

const AUTHORIZATION: Contract =
    Contract { name: "EndpointAuthorization", members: &[("parameters", Kind::Texts), ("scheme", Kind::Text)] };

const ENDPOINT: Contract = Contract {
    name: "ServiceEndpoint",
    members: &[
        ("administratorsGroup", Kind::Managed),
        ("authorization", Kind::Object(&AUTHORIZATION)),
        ("createdBy", Kind::Managed),
        ("creationDate", Kind::Managed),
        ("data", Kind::Texts),
        ("description", Kind::Text),
        ("groupScopeId", Kind::Text),
        ("id", Kind::Text),
        ("isDisabled", Kind::Flag),
        ("isOutdated", Kind::Flag),
        ("isReady", Kind::Flag),
        ("isShared", Kind::Flag),
        ("modificationDate", Kind::Managed),
        ("modifiedBy", Kind::Managed),
        ("name", Kind::Text),
        ("operationStatus", Kind::Managed),
        ("owner", Kind::Text),
        ("readersGroup", Kind::Managed),
        ("serviceEndpointProjectReferences", Kind::List(&REFERENCE)),
        ("serviceManagementReference", Kind::Text),
        ("type", Kind::Text),
        ("url", Kind::Text),
    ],
};

/// How a body is read.
#[derive(Clone, Copy)]
pub(in crate::service::devops) struct Reader<'a> {
    /// The document that the body changes. What the service has added to it since this contract goes back as it came.
    pub(in crate::service::devops) stored: Option<&'a Map<String, Value>>,
    /// Whether a member that the contract does not have is refused.
    pub(in crate::service::devops) refuses_unknown: bool,
}

impl Reader<'_> {
    /// Reads a service connection: its members under their own names, each of its kind.
    pub(super) fn endpoint(self, body: Value) -> OrRefusal<Map<String, Value>> {
        match body {
            Value::Object(map) => self.object(map, &ENDPOINT, "", self.stored),
            _ => {
                let text = "Value cannot be null.\r\nParameter name: endpoint";
                Err(Refusal::new(400, "ArgumentNullException", text))
            }
        }
    }

    /// Reads what a test of a service connection is told of it.
    pub(in crate::service::devops) fn details(self, given: Map<String, Value>) -> OrRefusal<Map<String, Value>> {
        self.object(given, &ENDPOINT, "serviceEndpointDetails", None)
    }

    /// Reads a list of project references.
    pub(super) fn references(self, body: Value) -> OrRefusal<Vec<Value>> {
        match body {
            Value::Array(items) => self.list(items, &REFERENCE, ""),
            _ => Err(refusal::argument("A list of project references is expected.")),
        }
    }

    fn object(
        self,
        given: Map<String, Value>,
        contract: &Contract,
        at: &str,
        stored: Option<&Map<String, Value>>,
    ) -> OrRefusal<Map<String, Value>> {
        let mut read = Map::new();
        for (name, value) in given {
            let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            let known = contract.members.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
            match known {
                Some((known, kind)) => {
                    read.insert((*known).to_owned(), self.value(value, kind, &path)?);
                }
                None if stored.is_some_and(|stored| field(stored, &name).is_some()) => {
                    read.insert(name, value);
                }
                None if self.refuses_unknown => {
                    return Err(refusal::argument(format!(
                        "Could not find member '{name}' on object of type '{}'. Path '{path}', line 1, position 1.",
                        contract.name
                    )));
                }
                None => {}
            }
        }
        Ok(read)
    }

    fn list(self, items: Vec<Value>, contract: &Contract, at: &str) -> OrRefusal<Vec<Value>> {
        let items = items.into_iter().enumerate().map(|(index, item)| match item {
            Value::Object(map) => self.object(map, contract, &format!("{at}[{index}]"), None).map(Value::Object),
            _ => Err(unreadable(contract.name, &format!("{at}[{index}]"))),
        });
        items.collect()
    }

    fn value(self, value: Value, kind: &Kind, path: &str) -> OrRefusal<Value> {
        match (kind, value) {
            (_, Value::Null) => Ok(Value::Null),
            (Kind::Managed, value) => Ok(value),
            (Kind::Text, value) => text(value).ok_or_else(|| unreadable("string", path)),
            (Kind::Flag, value) => flag(&value).ok_or_else(|| unreadable("boolean", path)),
            (Kind::Texts, Value::Object(map)) => {
                let each = map.into_iter().map(|(key, value)| {
                    let path = format!("{path}.{key}");
                    text(value).map(|value| (key, value)).ok_or_else(|| unreadable("string", &path))
                });
                each.collect::<OrRefusal<Map<_, _>>>().map(Value::Object)
            }
            (Kind::Object(contract), Value::Object(map)) => self.object(map, contract, path, None).map(Value::Object),
            (Kind::List(contract), Value::Array(items)) => self.list(items, contract, path).map(Value::Array),
            (Kind::Texts, _) => Err(unreadable("dictionary", path)),
            (Kind::Object(contract) | Kind::List(contract), _) => Err(unreadable(contract.name, path)),
        }
    }
}

/// A text as the service reads one: numbers and words of logic are texts to it as well.
fn text(value: Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Null => Some(value),
        Value::Number(number) => Some(json!(number.to_string())),
        Value::Bool(flag) => Some(json!(flag.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn flag(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool),
        _ => None,
    }
}

fn unreadable(kind: &str, path: &str) -> Box<Refusal> {
    refusal::argument(format!("Error converting value to type '{kind}'. Path '{path}', line 1, position 1."))
}
