//! A resource as the service wrote it, with everything in it.

use std::fmt;

use azconnect_core::Error;
use azconnect_http::{Response, json};
use http::header::ETAG;
use serde_json::Value;

/// A resource as JSON, with the fields that no type of ours knows, and the mark of the state in which it was read.
///
/// `Debug` shows nothing of it: a document may hold what its owner would not log.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The resource, to read and to change.
    pub value: Value,
    etag: Option<String>,
}

impl Document {
    /// A document of one's own, which replaces whatever is there.
    pub fn new(value: Value) -> Self {
        Self { value, etag: None }
    }

    /// The service's mark of the state that was read; `None` where it gives none, as Microsoft.Compute did for long.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The same document without its mark: written back, it replaces whatever is there.
    #[must_use]
    pub fn without_etag(mut self) -> Self {
        self.etag = None;
        self
    }

    /// A part of the document by its JSON pointer, such as `/properties/provisioningState`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// The document in an answer. Its mark stands in a header or in the document, by the service.
    pub(crate) fn read(answer: &Response) -> Result<Self, Error> {
        // A write may be answered without a body.
        let value: Value = if answer.body().trim_ascii().is_empty() { Value::Null } else { json(answer)? };
        let header = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = header.or_else(|| value.get("etag").and_then(Value::as_str)).filter(|etag| !etag.is_empty());
        Ok(Self { etag: etag.map(str::to_owned), value })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_from_the_header_or_the_document() {
        let read = |etag: Option<&str>, body: &str| {
            let answer = etag.into_iter().fold(http::Response::builder(), |answer, etag| answer.header("etag", etag));
            Document::read(&answer.body(body.to_owned().into()).unwrap()).unwrap()
        };
        assert_eq!(read(Some("\"1\""), r#"{"etag":"W/\"2\""}"#).etag(), Some("\"1\""));
        assert_eq!(read(None, r#"{"etag":"W/\"2\""}"#).etag(), Some("W/\"2\""));
        assert_eq!((read(None, "{}").etag(), read(None, "").value), (None, Value::Null));
        assert!(!format!("{:?}", read(None, r#"{"a":"s3cr3t"}"#)).contains("s3cr3t"));
    }
}
