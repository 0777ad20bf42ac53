//! A text that must never be seen by accident.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use zeroize::{Zeroize, Zeroizing};

/// A secret text: a client secret, a token, a private key in PEM.
///
/// It has no `Clone`, `Display`, `Serialize`, `PartialEq` or `Deref`; its `Debug` is the same for every secret, and its
/// memory is overwritten when it is dropped. Reading it takes [`Secret::expose`], a word a reviewer can search for.
///
/// ```
/// use azconnect_core::Secret;
///
/// let secret = Secret::new("s3cr3t");
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// assert_eq!(secret.expose(), "s3cr3t");
/// ```
///
/// ```compile_fail
/// let secret = azconnect_core::Secret::new("s3cr3t");
/// println!("{secret}");
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of a text. The text's own buffer becomes the secret's, so no copy is left behind.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Whatever receives it must not print, store or copy it beyond the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second owner of the same text: for handing a secret to a port that keeps it.
    ///
    /// Named, rather than `Clone`, so that each place where a secret multiplies can be found.
    pub fn duplicate(&self) -> Self {
        Self::new(self.expose())
    }

    /// Whether both hold the same text, in time that depends on their lengths only.
    pub fn same_as(&self, other: &Self) -> bool {
        // No early return: the time would tell how many characters of a guess are right.
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0_u8, |differences, (x, y)| differences | (x ^ y)) == 0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(SecretVisitor)
    }
}

/// Reads a secret without ever naming its value in an error.
struct SecretVisitor;

impl de::Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Secret, E> {
        // The parser's buffer is not ours to overwrite; our own copy is.
        let mut copy = bytes.to_vec();
        let text = std::str::from_utf8(&copy).map(Secret::new);
        copy.zeroize();
        text.map_err(|_| E::custom("a secret that is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_reveals_neither_text_nor_length() {
        assert_eq!(format!("{:?}", Secret::new("a")), format!("{:?}", Secret::new("a".repeat(99))));
    }

    #[test]
    fn same_as_compares_texts() {
        assert!(Secret::new("abc").same_as(&Secret::new("abc")));
        assert!(!Secret::new("abc").same_as(&Secret::new("abd")));
        assert!(!Secret::new("abc").same_as(&Secret::new("abcd")));
    }

    #[test]
    fn a_wrong_type_in_json_is_an_error_without_the_value() {
        let error = serde_json::from_str::<Secret>("[\"s3cr3t\"]").unwrap_err();
        assert!(!error.to_string().contains("s3cr3t"));
    }
}
