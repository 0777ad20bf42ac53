//! The version of a format, as a field of what is written.

use azconnect_core::{Effect, Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// The number of a format: written with every document, and required of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormatVersion<const N: u32>;

impl<const N: u32> Serialize for FormatVersion<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(N)
    }
}

impl<'de, const N: u32> Deserialize<'de> for FormatVersion<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        if found == N {
            return Ok(Self);
        }
        Err(de::Error::custom(format!("it has version {found}, and this program knows versions up to {N}")))
    }
}

/// What a document is, for the errors about one that cannot be read.
pub(crate) struct Format {
    /// In words: `the settings of the tenant`.
    pub(crate) what: &'static str,
    /// The field that errors name, such as `tenant_settings`.
    pub(crate) field: &'static str,
    /// The latest version.
    pub(crate) version: u64,
}

impl Format {
    /// Reads a document of this format.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a later version, whatever else it says; [`Corrupt`](ErrorKind::Corrupt)
    /// for anything else that cannot be read.
    pub(crate) fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, Error> {
        let value: Value = serde_json::from_str(text).map_err(|error| self.unreadable(&error))?;
        // Looked at before anything else: a later format may say anything in any place.
        match value.get("version").map(Value::as_u64) {
            Some(Some(version)) if (1..=self.version).contains(&version) => {
                serde_json::from_value(value).map_err(|error| self.unreadable(&error))
            }
            Some(other) => Err(self.too_new(other)),
            None => Err(self.corrupt(format!("{} do not say their version", self.what))),
        }
    }

    /// Writes a document of this format.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what JSON has no form for, such as a date beyond the year 9999.
    pub(crate) fn write<T: Serialize>(&self, value: &T) -> Result<String, Error> {
        serde_json::to_string(value).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("{} cannot be written", self.what))
                .with_field(self.field)
                .with_effect(Effect::None)
                .with_advice("check its dates: one beyond the year 9999 has no text form")
                .with_source(error)
        })
    }

    fn too_new(&self, version: Option<u64>) -> Error {
        let version = version.map_or_else(|| "something else than a number".to_owned(), |version| version.to_string());
        let message =
            format!("{} have version {version}, and this program knows versions up to {}", self.what, self.version);
        Error::new(ErrorKind::Unsupported, message)
            .with_field(format!("{}.version", self.field))
            .with_effect(Effect::None)
            .with_advice("use the newer version of the program that wrote it")
    }

    /// What the parser says of a document may quote it, and it holds no secret.
    fn unreadable(&self, error: &serde_json::Error) -> Error {
        self.corrupt(format!("{} cannot be read: {error}", self.what))
    }

    fn corrupt(&self, message: String) -> Error {
        Error::new(ErrorKind::Corrupt, message)
            .with_field(self.field)
            .with_effect(Effect::None)
            .with_advice("find out who changed it, and restore it from a backup, or save it anew")
    }
}
