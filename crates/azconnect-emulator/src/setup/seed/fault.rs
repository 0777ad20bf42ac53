//! What can be wrong with a seed.

use azconnect_core::Error;

/// Why a seed cannot be used: where it is wrong, and how. A scripted fault's JSON is read in the same way.
///
/// It converts into [`Error`], with the path as its field and advice, so `?` passes it on. It never quotes a value, which
/// may be a secret.
///
/// ```
/// use azconnect_emulator::{Seed, SeedFault};
///
/// let fault = Seed::from_json(r#"{"tenants": [{"colour": 1}]}"#).unwrap_err();
/// assert!(matches!(&fault, SeedFault::UnknownField { path, .. } if path == "seed.tenants[0].colour"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedFault {
    /// The text is not JSON.
    #[error("is not JSON: line {line}, column {column}")]
    NotJson {
        /// What the document is called in paths, such as `seed`.
        path: String,
        /// The line, from 1 on.
        line: usize,
        /// The column, from 1 on.
        column: usize,
    },
    /// Nobody would read a field.
    #[error("{path} is not known")]
    UnknownField {
        /// The path of the field.
        path: String,
        /// The fields that are known there.
        known: Vec<String>,
    },
    /// A field that is needed is not there.
    #[error("{path} is missing")]
    Missing {
        /// The path of the field.
        path: String,
    },
    /// A value is not what its field takes.
    #[error("{path} {complaint}")]
    WrongValue {
        /// The path of the value.
        path: String,
        /// What is wrong with it, such as `is not a GUID`.
        complaint: String,
        /// What to write instead.
        remedy: String,
    },
}

impl SeedFault {
    /// Where it is, such as `seed.tenants[0].applications[1].clientId`.
    pub fn path(&self) -> &str {
        match self {
            Self::NotJson { path, .. }
            | Self::UnknownField { path, .. }
            | Self::Missing { path }
            | Self::WrongValue { path, .. } => path,
        }
    }

    /// What a person should do.
    pub fn advice(&self) -> String {
        match self {
            Self::NotJson { .. } => {
                "correct the text there; the fields are described at Seed and Faults::add_json, and by azconnect-emulator --schema".to_owned()
            }
            Self::UnknownField { known, .. } => {
                format!("remove or correct it; the fields here are {}", known.join(", "))
            }
            Self::Missing { .. } => "add the field".to_owned(),
            Self::WrongValue { remedy, .. } => remedy.clone(),
        }
    }
}

impl From<SeedFault> for Error {
    fn from(fault: SeedFault) -> Self {
        Self::invalid(fault.path(), fault.to_string()).with_advice(fault.advice()).with_source(fault)
    }
}
