//! The name that finds a secret whose answer was lost.

use std::fmt;

use azconnect_core::Error;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The display name under which a secret is minted: unique, chosen and recorded before the request is sent.
///
/// Only this name finds a secret that was created by a request whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    /// The longest marker, in characters.
    pub const MAX_LENGTH: usize = 90;

    /// Checks and takes a marker.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless it is 1 to 90 printable ASCII characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let printable = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !printable {
            return Err(Error::invalid("marker", "must be 1 to 90 printable ASCII characters"));
        }
        Ok(Self(text))
    }

    /// The marker as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_plain_and_bounded() {
        assert!(Marker::new("azconnect 0123").is_ok());
        for bad in ["", "a\nb", "ä", &"x".repeat(91)] {
            assert!(Marker::new(bad).is_err(), "{bad:?}");
        }
    }
}
