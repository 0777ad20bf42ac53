//! The published types of service connections: what each takes, and where.
//!
//! From the *Endpoint types* list of the REST reference. What it lacks is marked as `added` there: workload identity
//! federation, managed identities for container registries, and personal access tokens of GitHub, with the inputs
//! that other tools send.

use std::sync::LazyLock;

use serde::Deserialize;

/// A field of a service connection: in `data`, or in the parameters of a scheme.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Input {
    pub(super) id: String,
    #[serde(default)]
    pub(super) confidential: bool,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) data_type: DataType,
    pub(super) max_length: Option<usize>,
    /// Whether it holds no end of a line.
    #[serde(default)]
    pub(super) one_line: bool,
    /// The words it takes; any text where there are none.
    #[serde(default)]
    pub(super) values: Vec<String>,
    pub(super) default: Option<String>,
    /// The values of another input for which alone this one is there, as `scopeLevel == Subscription || …`.
    pub(super) visible_rule: Option<String>,
    #[serde(default, rename = "added")]
    _added: bool,
}

/// What the text of an input stands for.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum DataType {
    #[default]
    String,
    Guid,
    Boolean,
    Number,
}

impl DataType {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Guid => "guid",
            Self::Boolean => "boolean",
            Self::Number => "number",
        }
    }
}

/// An authentication scheme of a type, with its parameters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Scheme {
    #[serde(rename = "scheme")]
    pub(super) name: String,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) inputs: Vec<Input>,
    #[serde(default, rename = "added")]
    _added: bool,
}

/// A type of service connection.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) display_name: String,
    /// The address of a type that has one of its own; else empty.
    pub(super) url: String,
    #[serde(default)]
    pub(super) data: Vec<Input>,
    pub(super) schemes: Vec<Scheme>,
}

/// Every type. A test reads the file, so that it is never empty.
pub(super) static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../data/endpoint-types.json")).unwrap_or_default());

impl Kind {
    /// A type by its name, in any case.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn scheme(&self, name: &str) -> Option<&Scheme> {
        self.schemes.iter().find(|scheme| scheme.name.eq_ignore_ascii_case(name))
    }
}

impl Input {
    /// The input on which it depends whether this one is there, and the values for which it is.
    pub(super) fn rule(&self) -> Option<(&str, Vec<&str>)> {
        let cases: Vec<(&str, &str)> =
            self.visible_rule.as_deref()?.split("||").filter_map(|case| case.split_once("==")).collect();
        let (which, _) = cases.first()?;
        Some((which.trim(), cases.iter().map(|(_, value)| value.trim()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_type_is_there_and_every_rule_names_an_input() {
        assert_eq!(KINDS.len(), 24);
        for kind in KINDS.iter() {
            for inputs in std::iter::once(&kind.data).chain(kind.schemes.iter().map(|scheme| &scheme.inputs)) {
                for (which, values) in inputs.iter().filter_map(Input::rule) {
                    let depends = inputs.iter().find(|input| input.id == which).unwrap();
                    let words = &depends.values;
                    let known = words.is_empty() || values.iter().all(|value| words.iter().any(|word| word == value));
                    assert!(known, "{} {which}", kind.name);
                }
            }
        }
        let azure = Kind::named("AzureRM").unwrap();
        let subscription = azure.data.iter().find(|input| input.id == "subscriptionId").unwrap();
        assert_eq!(subscription.rule().unwrap(), ("scopeLevel", vec!["Subscription", "AzureMLWorkspace"]));
    }
}
