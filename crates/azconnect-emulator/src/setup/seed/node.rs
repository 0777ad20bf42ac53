//! Reading JSON by hand, so that every complaint names the path of the field and the remedy.

use serde_json::Value;
use uuid::Uuid;

use super::fault::SeedFault;

/// A value in a document, with the path that leads to it.
pub(crate) struct Node<'a> {
    path: String,
    value: std::borrow::Cow<'a, Value>,
}

impl Node<'static> {
    /// Parses a whole document. `name` is what its own path is called.
    pub(crate) fn document(name: &str, text: &str) -> Result<Self, SeedFault> {
        let value = serde_json::from_str(text).map_err(|error| SeedFault::NotJson {
            path: name.to_owned(),
            line: error.line(),
            column: error.column(),
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
    pub(crate) fn wrong(&self, complaint: &str, remedy: &str) -> SeedFault {
        SeedFault::WrongValue { path: self.path.clone(), complaint: complaint.to_owned(), remedy: remedy.to_owned() }
    }

    /// Refuses a field that nobody would read.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), SeedFault> {
        let Value::Object(map) = self.value() else { return Err(self.wrong("is not an object", "write it in braces")) };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(SeedFault::UnknownField {
                path: format!("{}.{key}", self.path),
                known: known.iter().map(|known| (*known).to_owned()).collect(),
            }),
        }
    }

    /// A field that is there, even as `null`.
    pub(crate) fn present(&self, key: &str) -> Option<Node<'_>> {
        let value = self.value().get(key)?;
        Some(Node { path: format!("{}.{key}", self.path), value: std::borrow::Cow::Borrowed(value) })
    }

    /// A field that may be absent or `null`.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Node<'_>>, SeedFault> {
        if !self.value().is_object() {
            return Err(self.wrong("is not an object", "write it in braces"));
        }
        Ok(self.present(key).filter(|node| !node.value().is_null()))
    }

    /// A field that must be there.
    pub(crate) fn required(&self, key: &str) -> Result<Node<'_>, SeedFault> {
        self.optional(key)?.ok_or_else(|| SeedFault::Missing { path: format!("{}.{key}", self.path) })
    }

    pub(crate) fn text(&self) -> Result<&str, SeedFault> {
        self.value().as_str().ok_or_else(|| self.wrong("is not a text", "write it in quotation marks"))
    }

    /// A whole number from 0 on.
    pub(crate) fn number(&self) -> Result<u32, SeedFault> {
        self.value()
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong("is not a whole number from 0 on", "give such a number, without quotation marks"))
    }

    /// A whole number with a sign.
    pub(crate) fn signed(&self) -> Result<i64, SeedFault> {
        self.value()
            .as_i64()
            .filter(|number| number.unsigned_abs() <= 36_500)
            .ok_or_else(|| self.wrong("is not a whole number of days", "give a number from -36500 to 36500"))
    }

    pub(crate) fn flag(&self) -> Result<bool, SeedFault> {
        self.value().as_bool().ok_or_else(|| self.wrong("is neither true nor false", "write true or false"))
    }

    pub(crate) fn guid(&self) -> Result<Uuid, SeedFault> {
        let wrong = || self.wrong("is not a GUID", "write it as 00000000-0000-0000-0000-000000000000");
        let text = self.text()?;
        if text.len() != 36 {
            return Err(wrong());
        }
        Uuid::parse_str(text).map_err(|_| wrong())
    }

    pub(crate) fn items(&self) -> Result<Vec<Node<'_>>, SeedFault> {
        let items = self.value().as_array().ok_or_else(|| self.wrong("is not a list", "write it in brackets"))?;
        let node =
            |(index, value)| Node { path: format!("{}[{index}]", self.path), value: std::borrow::Cow::Borrowed(value) };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// The fields of an object, in order.
    pub(crate) fn fields(&self) -> Result<Vec<(String, Node<'_>)>, SeedFault> {
        let map = self.value().as_object().ok_or_else(|| self.wrong("is not an object", "write it in braces"))?;
        Ok(map.keys().filter_map(|key| Some((key.clone(), self.present(key)?))).collect())
    }

    /// Reads every item of a list that may be absent.
    pub(crate) fn each<T>(
        &self,
        key: &str,
        read: impl Fn(&Node<'_>) -> Result<T, SeedFault>,
    ) -> Result<Vec<T>, SeedFault> {
        match self.optional(key)? {
            Some(list) => list.items()?.iter().map(read).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// A text that may be absent.
    pub(crate) fn maybe_text(&self, key: &str) -> Result<Option<String>, SeedFault> {
        self.optional(key)?.map(|node| node.text().map(str::to_owned)).transpose()
    }

    /// A GUID that may be absent.
    pub(crate) fn maybe_guid(&self, key: &str) -> Result<Option<Uuid>, SeedFault> {
        self.optional(key)?.map(|node| node.guid()).transpose()
    }

    /// True or false, or the given value if absent.
    pub(crate) fn flag_or(&self, key: &str, absent: bool) -> Result<bool, SeedFault> {
        self.optional(key)?.map_or(Ok(absent), |node| node.flag())
    }

    /// The texts of a list that may be absent.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, SeedFault> {
        self.each(key, |item| item.text().map(str::to_owned))
    }

    /// The GUIDs of a list that may be absent.
    pub(crate) fn guids(&self, key: &str) -> Result<Vec<Uuid>, SeedFault> {
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
        assert_eq!(unknown.path(), "seed.tenants[0].colour");
        assert!(unknown.advice().contains("id"));
        let wrong = items[0].required("id").unwrap().guid().unwrap_err();
        assert_eq!(wrong.path(), "seed.tenants[0].id");
        assert_eq!(items[0].required("name").err().unwrap().to_string(), "seed.tenants[0].name is missing");
    }

    #[test]
    fn broken_json_names_the_place() {
        let error = Node::document("seed", "{\n  oops").err().unwrap();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
