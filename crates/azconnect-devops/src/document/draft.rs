//! A document on its way out, with its secret in place only while it is written.

use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_http::SecretBuffer;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A document ready to be written. The secret is put in its place only while it is serialised.
pub(crate) struct Draft<'a> {
    pub(crate) document: Map<String, Value>,
    pub(crate) secret: Option<(String, &'a Secret)>,
}

impl Draft<'_> {
    /// The document as text, with the secret in it.
    pub(crate) fn text(&self) -> Result<Secret, Error> {
        let text = SecretBuffer::of_json(self).ok().and_then(SecretBuffer::into_secret);
        text.ok_or_else(|| Error::new(ErrorKind::Unexpected, "the connection cannot be written as JSON"))
    }
}

impl Serialize for Draft<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place: Vec<&str> = match &self.secret {
            Some((key, _)) => vec!["authorization", "parameters", key],
            None => Vec::new(),
        };
        Overlay { map: &self.document, place: &place, secret: self.secret.as_ref().map(|(_, secret)| *secret) }
            .serialize(serializer)
    }
}

/// An object with a secret in place of what it holds at one path.
struct Overlay<'a> {
    map: &'a Map<String, Value>,
    place: &'a [&'a str],
    secret: Option<&'a Secret>,
}

impl Serialize for Overlay<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Written straight to the output: no JSON tree ever holds the secret, since nobody would overwrite it there.
        let mut output = serializer.serialize_map(Some(self.map.len()))?;
        for (key, value) in self.map {
            match (self.place, self.secret, value) {
                ([last], Some(secret), _) if *last == key => output.serialize_entry(key, secret.expose())?,
                ([first, rest @ ..], secret, Value::Object(map)) if *first == key => {
                    output.serialize_entry(key, &Overlay { map, place: rest, secret })?;
                }
                _ => output.serialize_entry(key, value)?,
            }
        }
        output.end()
    }
}
