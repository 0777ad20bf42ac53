//! Keys that wrap other keys: a vault's, a file's, or the caller's own.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::effect::Effect;
use crate::error::Error;
use crate::error_kind::ErrorKind;

/// 32 random bytes that are to be wrapped, or were unwrapped. Overwritten in memory when dropped, and never printed.
// Boxed, so that moving the key leaves no copy behind.
pub struct PlainKey(Box<Zeroizing<[u8; Self::LENGTH]>>);

impl PlainKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// Takes a key of 32 bytes. The caller overwrites its own copy.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut own = Box::new(Zeroizing::new([0; Self::LENGTH]));
        if bytes.len() != Self::LENGTH {
            return Err(Error::new(ErrorKind::Corrupt, "an unwrapped key must be exactly 32 bytes")
                .with_effect(Effect::None)
                .with_advice("restore the wrapped key from a backup"));
        }
        own.copy_from_slice(bytes);
        Ok(Self(own))
    }

    /// The bytes themselves. Whatever receives them must not print, store or copy them beyond the one call that needs them.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey(***)")
    }
}

/// The public name of a wrapping key, with its version, such as `https://contoso.vault.azure.net/keys/seal/0123…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrappingKeyId(Box<str>);

impl WrappingKeyId {
    /// The longest name in bytes: room for a vault's longest host, name and version.
    pub const MAX_LENGTH: usize = 300;

    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) unless it is 1 to 300 of `A-Z a-z 0-9 . _ : / @ -`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
        if (1..=Self::MAX_LENGTH).contains(&name.len()) && name.chars().all(fits) {
            return Ok(Self(name.into()));
        }
        Err(Error::invalid("wrapping_key", "the name must be 1 to 300 of A-Z a-z 0-9 . _ : / @ -"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WrappingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WrappingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKeyId({self})")
    }
}

/// A key as it is kept: which key wrapped it, and what only that key opens. It holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrappedKey {
    /// The key that wrapped it, with its version.
    pub key: WrappingKeyId,
    /// What that key made of it.
    pub blob: Vec<u8>,
}

impl WrappedKey {
    /// What a key made of another.
    pub fn new(key: WrappingKeyId, blob: Vec<u8>) -> Self {
        Self { key, blob }
    }
}

/// Wraps keys with a key that stays where it is, and unwraps them again.
///
/// What the suite `azconnect_testkit::conformance::key_wrap` enforces: what was wrapped is unwrapped, in its own context
/// only; a blob that was changed, cut or wrapped by another key is refused; wrapping twice gives two blobs; no key is shown.
///
/// Neither call changes anything, so every error has effect [`None`](Effect::None), the field `wrapping_key`, and advice by
/// its kind:
///
/// | Kind | What it says |
/// |---|---|
/// | [`NotFound`](ErrorKind::NotFound) | the wrapping key, or this version of it, is gone |
/// | [`PermissionDenied`](ErrorKind::PermissionDenied), [`Unauthenticated`](ErrorKind::Unauthenticated) | it is there, and this caller may not use it |
/// | [`Unavailable`](ErrorKind::Unavailable), [`Timeout`](ErrorKind::Timeout), [`Throttled`](ErrorKind::Throttled) | it could not be asked; the same call may succeed later |
/// | [`Corrupt`](ErrorKind::Corrupt) | what was to be unwrapped was changed, or is of another context or key |
///
/// Whether a blob was wrapped *by its owner* is not promised: whoever has a vault's public key can wrap with it.
#[async_trait]
pub trait KeyWrap: Send + Sync {
    /// The key that wraps now, with its version. What an earlier version wrapped is unwrapped all the same.
    async fn current(&self) -> Result<WrappingKeyId, Error>;

    /// Wraps a key for a context: a text that says what it is the key of.
    async fn wrap(&self, context: &str, key: &PlainKey) -> Result<WrappedKey, Error>;

    /// Unwraps a key that was wrapped for this context.
    async fn unwrap(&self, context: &str, wrapped: &WrappedKey) -> Result<PlainKey, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_key_has_32_bytes_and_shows_none() {
        for length in [0, 31, 33] {
            assert_eq!(PlainKey::from_bytes(&vec![7; length]).unwrap_err().kind(), ErrorKind::Corrupt);
        }
        let key = PlainKey::from_bytes(&[7; 32]).unwrap();
        assert_eq!((format!("{key:?}"), key.expose()), ("PlainKey(***)".to_owned(), &[7; 32]));
    }

    #[test]
    fn a_key_s_name_is_one_line_of_plain_characters() {
        let longest = format!("https://{}.vault.azure.net/keys/{}/{}", "v".repeat(24), "n".repeat(127), "0".repeat(32));
        assert_eq!(WrappingKeyId::new(&longest).unwrap().as_str(), longest);
        for bad in ["", "a b", "a\nb", "é", &"x".repeat(301)] {
            assert_eq!(WrappingKeyId::new(bad).unwrap_err().field(), Some("wrapping_key"));
        }
    }
}
