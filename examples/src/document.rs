//! Reading a JSON file by hand, so that every complaint names the path of the field, and none shows a value: what stands in
//! the wrong place may be a secret.

use std::str::FromStr;

use azconnect::core::Error;
use serde_json::Value;

/// The longest name of a field that a complaint repeats.
const LONGEST_NAME: usize = 30;

/// What is wrong with a file, and where. It converts into [`Error`], so `?` passes it on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {complaint}")]
#[non_exhaustive]
pub struct DocumentFault {
    /// Where it is, such as `product.applications[0].client`.
    pub path: String,
    /// What is wrong with it, such as `is not a GUID`.
    pub complaint: String,
    /// What to write instead.
    pub remedy: String,
}

impl From<DocumentFault> for Error {
    fn from(fault: DocumentFault) -> Self {
        // `Error` shows the field before the message.
        Self::invalid(fault.path.clone(), fault.complaint.clone()).with_advice(fault.remedy.clone()).with_source(fault)
    }
}

/// Parses a whole file. `name` is what its own path is called.
///
/// # Errors
/// The line and the column from which on it is not JSON.
pub fn parsed(name: &str, text: &str) -> Result<Value, DocumentFault> {
    serde_json::from_str(text).map_err(|error| DocumentFault {
        path: name.to_owned(),
        complaint: format!("is not JSON: line {}, column {}", error.line(), error.column()),
        remedy: "correct the text there".to_owned(),
    })
}

/// A value in a file, with the path that leads to it.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole file, under the name that its paths begin with.
    pub fn root(name: &str, value: &'a Value) -> Self {
        Self { path: name.to_owned(), value }
    }

    /// A complaint about this value.
    pub fn wrong(&self, complaint: impl Into<String>, remedy: impl Into<String>) -> DocumentFault {
        DocumentFault { path: self.path.clone(), complaint: complaint.into(), remedy: remedy.into() }
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Refuses what is no object, and a field of it that nobody would read.
    ///
    /// # Errors
    /// The path of the value or of the field.
    pub fn only(&self, known: &[&str]) -> Result<(), DocumentFault> {
        let map = self.value.as_object().ok_or_else(|| self.wrong("is not an object", "write it in braces"))?;
        let remedy = format!("the fields here are {}", known.join(", "));
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            // A name that is no plain word may be a value that slipped to the left of the colon.
            Some(key) if key.len() <= LONGEST_NAME && key.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Err(Node { path: format!("{}.{key}", self.path), value: self.value }.wrong("is not known", remedy))
            }
            Some(_) => Err(self.wrong("has a field that is not known", remedy)),
        }
    }

    /// A field that may be absent or `null`.
    pub fn optional(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Node { path: format!("{}.{key}", self.path), value })
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// The path of the field.
    pub fn required(&self, key: &str) -> Result<Node<'a>, DocumentFault> {
        let missing = || DocumentFault {
            path: format!("{}.{key}", self.path),
            complaint: "is missing".to_owned(),
            remedy: "add the field".to_owned(),
        };
        self.optional(key).ok_or_else(missing)
    }

    /// The items of a list.
    ///
    /// # Errors
    /// The path of the value that is no list.
    pub fn items(&self) -> Result<Vec<Node<'a>>, DocumentFault> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("is not a list", "write it in brackets"))?;
        let node = |(index, value)| Node { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// The path of the value that is none.
    pub fn text(&self) -> Result<&'a str, DocumentFault> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("is not a text", "write it in quotation marks"))?;
        match text.is_empty() {
            false => Ok(text),
            true => Err(self.wrong("is empty", "give a value")),
        }
    }

    /// An id.
    ///
    /// # Errors
    /// The path of the value that is none.
    pub fn id<T: FromStr<Err = Error>>(&self) -> Result<T, DocumentFault> {
        self.text()?.parse().map_err(|error: Error| self.wrong(error.message(), error.advice()))
    }
}
