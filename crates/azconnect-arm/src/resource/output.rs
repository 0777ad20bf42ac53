//! What a script in a machine put out: read on request, and shown by nothing else.

use std::fmt;
use std::sync::Arc;

use azconnect_core::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The output of a script or an extension. It may hold any secret that the script had, so it is no part of a `Debug`, a
/// message or a serialised view: only [`ScriptOutput::expose`] reads it.
#[derive(Clone)]
pub struct ScriptOutput(Arc<Secret>);

impl ScriptOutput {
    /// The output as it came.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Secret::new(text)))
    }

    /// The text itself. Show it only to whoever wrote the script, and store it nowhere.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether nothing was put out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for ScriptOutput {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for ScriptOutput {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_as(&other.0)
    }
}

impl Eq for ScriptOutput {}

impl fmt::Debug for ScriptOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptOutput(***)")
    }
}

impl Serialize for ScriptOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A view goes to pages and logs: the text is left out, as if there were none.
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for ScriptOutput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Secret::deserialize(deserializer).map(|text| Self(Arc::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_expose_shows_it() {
        let output: ScriptOutput = serde_json::from_str(r#""s3cr3t""#).unwrap();
        assert_eq!((output.expose(), format!("{output:?}")), ("s3cr3t", "ScriptOutput(***)".to_owned()));
        assert_eq!(serde_json::to_string(&output).unwrap(), "null");
        assert!(output == ScriptOutput::new("s3cr3t") && output != ScriptOutput::default());
    }
}
