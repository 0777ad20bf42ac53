//! Reading JSON by hand, so that every complaint names the path of the field and the remedy.

use azconnect_core::Error;
use serde_json::Value;
use uuid::Uuid;

/// A value in a document, with the path that leads to it.
pub(crate) struct Node<'a> {
    path: String,
    value: std::borrow::Cow<'a, Value>,
}

impl Node<'static> {
    /// Parses a whole document. `name` is what its own path is called.
    pub(crate) fn document(name: &str, text: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text).map_err(|error| {
            Error::invalid(name, format!("is not JSON: line {}, column {}", error.line(), error.column()))
                .with_advice("correct the text there; the fields are described at Seed and Faults::add_json")
        })?;
        Ok(Self { path: name.to_owned(), value: std::borrow::Cow::Owned(value) })
    }
}

impl<'a> Node<'a> {
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Where it stands in the document.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// A complaint about this value.
    pub(crate) fn wrong(&self, message: &str, remedy: &str) -> Error {
        Error::invalid(self.path.clone(), format!("{} {message}", self.path)).with_advice(remedy)
    }

    /// Refuses a field that nobody would read.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let Value::Object(map) = self.value() else { return Err(self.wrong("is not an object", "write it in braces")) };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                Err(Error::invalid(format!("{}.{key}", self.path), format!("{}.{key} is not known", self.path))
                    .with_advice(format!("remove or correct it; the fields here are {}", known.join(", "))))
            }
        }
    }

    /// A field that is there, even as `null`.
    pub(crate) fn present(&self, key: &str) -> Option<Node<'_>> {
        let value = self.value().get(key)?;
        Some(Node { path: format!("{}.{key}", self.path), value: std::borrow::Cow::Borrowed(value) })
    }

    /// A field that may be absent or `null`.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Node<'_>>, Error> {
        if !self.value().is_object() {
            return Err(self.wrong("is not an object", "write it in braces"));
        }
        Ok(self.present(key).filter(|node| !node.value().is_null()))
    }

    /// A field that must be there.
    pub(crate) fn required(&self, key: &str) -> Result<Node<'_>, Error> {
        self.optional(key)?.ok_or_else(|| {
            Error::invalid(format!("{}.{key}", self.path), format!("{}.{key} is missing", self.path))
                .with_advice("add the field")
        })
    }

    pub(crate) fn text(&self) -> Result<&str, Error> {
        self.value().as_str().ok_or_else(|| self.wrong("is not a text", "write it in quotation marks"))
    }

    /// A whole number from 0 on.
    pub(crate) fn number(&self) -> Result<u32, Error> {
        self.value()
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong("is not a whole number from 0 on", "give such a number, without quotation marks"))
    }

    /// A whole number with a sign.
    pub(crate) fn signed(&self) -> Result<i64, Error> {
        self.value()
            .as_i64()
            .filter(|number| number.unsigned_abs() <= 36_500)
            .ok_or_else(|| self.wrong("is not a whole number of days", "give a number from -36500 to 36500"))
    }

    pub(crate) fn flag(&self) -> Result<bool, Error> {
        self.value().as_bool().ok_or_else(|| self.wrong("is neither true nor false", "write true or false"))
    }

    pub(crate) fn guid(&self) -> Result<Uuid, Error> {
        let wrong = || self.wrong("is not a GUID", "write it as 00000000-0000-0000-0000-000000000000");
        let text = self.text()?;
        if text.len() != 36 {
            return Err(wrong());
        }
        Uuid::parse_str(text).map_err(|_| wrong())
    }

    pub(crate) fn items(&self) -> Result<Vec<Node<'_>>, Error> {
        let items = self.value().as_array().ok_or_else(|| self.wrong("is not a list", "write it in brackets"))?;
        let node =
            |(index, value)| Node { path: format!("{}[{index}]", self.path), value: std::borrow::Cow::Borrowed(value) };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// The fields of an object, in order.
    pub(crate) fn fields(&self) -> Result<Vec<(String, Node<'_>)>, Error> {
        let map = self.value().as_object().ok_or_else(|| self.wrong("is not an object", "write it in braces"))?;
        Ok(map.keys().filter_map(|key| Some((key.clone(), self.present(key)?))).collect())
    }

    /// Reads every item of a list that may be absent.
    pub(crate) fn each<T>(&self, key: &str, read: impl Fn(&Node<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        match self.optional(key)? {
            Some(list) => list.items()?.iter().map(read).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// A text that may be absent.
    pub(crate) fn maybe_text(&self, key: &str) -> Result<Option<String>, Error> {
        self.optional(key)?.map(|node| node.text().map(str::to_owned)).transpose()
    }

    /// A GUID that may be absent.
    pub(crate) fn maybe_guid(&self, key: &str) -> Result<Option<Uuid>, Error> {
        self.optional(key)?.map(|node| node.guid()).transpose()
    }

    /// True or false, or the given value if absent.
    pub(crate) fn flag_or(&self, key: &str, absent: bool) -> Result<bool, Error> {
        self.optional(key)?.map_or(Ok(absent), |node| node.flag())
    }

    /// The texts of a list that may be absent.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        self.each(key, |item| item.text().map(str::to_owned))
    }

    /// The GUIDs of a list that may be absent.
    pub(crate) fn guids(&self, key: &str) -> Result<Vec<Uuid>, Error> {
        self.each(key, |item| item.guid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_the_path_and_the_remedy() {
        let node = Node::document("seed", r#"{"tenants":[{"id":"x","colour":1}]}"#).unwrap();
        let tenants = node.required("tenants").unwrap();
        let items = tenants.items().unwrap();
        let unknown = items[0].only(&["id"]).unwrap_err();
        assert_eq!(unknown.field(), Some("seed.tenants[0].colour"));
        assert!(unknown.advice().contains("id"));
        let wrong = items[0].required("id").unwrap().guid().unwrap_err();
        assert_eq!(wrong.field(), Some("seed.tenants[0].id"));
        assert_eq!(items[0].required("name").err().unwrap().message(), "seed.tenants[0].name is missing");
    }

    #[test]
    fn broken_json_names_the_place() {
        let error = Node::document("seed", "{\n  oops").err().unwrap();
        assert!(error.message().contains("line 2"), "{error}");
    }
}
