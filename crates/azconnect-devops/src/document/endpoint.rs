//! A service connection as the service wrote it.

use std::fmt;

use azconnect_core::{Error, ErrorKind};
pub use azconnect_credential::EndpointId;
use serde_json::{Map, Value};

use super::kind::Kind;
use super::number::inexact_number;
use super::shown;

/// A service connection: the service's JSON document, whole, with views that read from it.
///
/// Whatever the service writes into a connection is kept, known here or not, in its order, and goes back with the next
/// update. Every field but the id may be absent. Numbers survive because integers are kept as integers; a number that
/// this machine's arithmetic would round is noticed when the document is read, and such a connection is never written.
///
/// ```
/// use azconnect_devops::Endpoint;
///
/// let endpoint = Endpoint::from_json(br#"{
///     "id": "5e47a0d8-c745-44f8-8f93-784f18ff31c4", "type": "AzureRM", "name": "deploy", "somethingNew": {"a": 1},
///     "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantId": "t", "serviceprincipalkey": null}}
/// }"#)?;
/// assert!(endpoint.is_type("azurerm"));
/// assert_eq!(endpoint.parameter("tenantid"), Some("t"));
/// assert_eq!(endpoint.document()["somethingNew"]["a"], 1);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Endpoint {
    id: EndpointId,
    document: Map<String, Value>,
    kind: Kind,
    inexact: bool,
}

impl Endpoint {
    /// Reads a document from the text of an answer.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) unless it is a JSON object with an id; [`NotFound`](ErrorKind::NotFound) for
    /// `null`, with which the service answers for a connection that is missing.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let text = text.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(text);
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            malformed(&format!("is not JSON (line {}, column {})", error.line(), error.column()))
                .with_advice("report this with the request id; the answer may have been cut off on its way")
        })?;
        let mut endpoint = Self::from_value(value)?;
        // Looked for in the text, because in the parsed document the rounding has happened already.
        endpoint.inexact = inexact_number(text);
        Ok(endpoint)
    }

    /// Takes a document that was parsed already. Numbers that were rounded in parsing go unnoticed.
    ///
    /// # Errors
    /// As [`Endpoint::from_json`].
    pub fn from_value(value: Value) -> Result<Self, Error> {
        let document = match value {
            Value::Object(document) => document,
            Value::Null => {
                return Err(crate::dialect::null_connection());
            }
            _ => return Err(malformed("is not a JSON object")),
        };
        // Named, so that a record of a list that cannot be used can be found.
        let odd = |what: &str| match document.get("name").and_then(Value::as_str) {
            Some(name) => malformed(&format!("{what}; its name is {:?}", shown(Some(name)))),
            None => malformed(what),
        };
        let id = document.get("id").and_then(Value::as_str).ok_or_else(|| odd("has no id"))?;
        let id = id.parse().map_err(|_| odd("has an id that is not a GUID"))?;
        Ok(Self { id, kind: Kind::of(&document), document, inexact: false })
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The connection's id, the same in every project that sees it.
    pub fn id(&self) -> EndpointId {
        self.id
    }

    /// The whole document, with the fields that this crate does not know.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// The whole document, taken out of the connection.
    pub fn into_document(self) -> Map<String, Value> {
        self.document
    }

    /// Whether the document held a number that cannot be written back exactly. Such a connection is never written.
    pub fn has_inexact_number(&self) -> bool {
        self.inexact
    }
}

/// Shows what identifies a connection, and no parameter: any of them may be confidential.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("name", &self.name())
            .field("type", &self.type_name())
            .field("scheme", &self.scheme())
            .finish_non_exhaustive()
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("a service connection {what}"))
        .with_advice("report this with the request id")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5e47a0d8-c745-44f8-8f93-784f18ff31c4";

    #[test]
    fn null_is_not_found_and_an_odd_record_is_named() {
        assert_eq!(Endpoint::from_json(b"null").unwrap_err().kind(), ErrorKind::NotFound);
        for odd in ["[]", "{}", r#"{"id":7}"#, r#"{"id":"x"}"#, "{\"id\":\"5e47"] {
            assert_eq!(Endpoint::from_json(odd.as_bytes()).unwrap_err().kind(), ErrorKind::Unexpected, "{odd}");
        }
    }

    #[test]
    fn an_id_alone_is_enough() {
        let endpoint = Endpoint::from_json(format!("{{\"id\":\"{ID}\"}}").as_bytes()).unwrap();
        assert_eq!(endpoint.name(), None);
        assert_eq!(endpoint.is_ready(), None);
        assert!(endpoint.projects().next().is_none());
    }

    #[test]
    fn debug_shows_no_parameter() {
        let text = format!(r#"{{"id":"{ID}","authorization":{{"parameters":{{"apitoken":"s3cr3t-text"}}}}}}"#);
        let endpoint = Endpoint::from_json(text.as_bytes()).unwrap();
        assert!(!format!("{endpoint:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_number_that_would_be_rounded_is_noticed() {
        let read = |number: &str| {
            Endpoint::from_json(format!(r#"{{"id":"{ID}","n":{number}}}"#).as_bytes()).unwrap().has_inexact_number()
        };
        assert!(!read("18446744073709551615") && !read("-9223372036854775808") && !read("0.1") && !read("1e3"));
        assert!(read("18446744073709551616") && read("0.1000000000000000055511151231257827"));
    }
}
