//! A buffer that leaves no copy of what was written to it.

use std::io;

use azconnect_core::{Error, ErrorKind, Secret};
use bytes::Bytes;
use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

/// The first room that a buffer takes, which holds most bodies.
const FIRST_ROOM: usize = 1024;

/// Collects bytes that may be secret. It is overwritten when it is dropped, and so is each room that it outgrows, which an
/// ordinary buffer gives back as it is.
///
/// ```
/// use azconnect_http::SecretBuffer;
///
/// let mut buffer = SecretBuffer::new();
/// buffer.push(b"grant_type=client_credentials&client_secret=");
/// buffer.push(b"s3cr3t");
/// let body: bytes::Bytes = buffer.into();
/// # assert!(body.ends_with(b"=s3cr3t"));
/// ```
#[derive(Default)]
pub struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// A value as JSON, which is written straight into the buffer.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it cannot be JSON; nothing of it is shown.
    pub fn of_json(value: &impl Serialize) -> Result<Self, Error> {
        let mut buffer = Self::new();
        serde_json::to_writer(&mut buffer, value)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "the request cannot be written as JSON"))?;
        Ok(buffer)
    }

    /// Fields as a form, percent-encoded.
    pub fn of_form(fields: &[(&str, &str)]) -> Self {
        let mut buffer = Self::new();
        let mut encode = |text: &str, end: &[u8]| {
            url::form_urlencoded::byte_serialize(text.as_bytes()).for_each(|part| buffer.push(part.as_bytes()));
            buffer.push(end);
        };
        for (number, (name, value)) in fields.iter().enumerate() {
            encode(name, b"=");
            encode(value, if number + 1 < fields.len() { b"&" } else { b"" });
        }
        buffer
    }

    /// The number of bytes in it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let room = needed.max(self.0.capacity().saturating_mul(2)).max(FIRST_ROOM);
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.0);
            // The former room is overwritten here, as it is dropped.
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// The text as a secret, without a copy; `None` if it is not UTF-8.
    pub fn into_secret(mut self) -> Option<Secret> {
        match String::from_utf8(std::mem::take(&mut *self.0)) {
            Ok(text) => Some(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

impl AsRef<[u8]> for SecretBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<SecretBuffer> for Bytes {
    /// The bytes, which are overwritten when their last owner drops them.
    fn from(buffer: SecretBuffer) -> Self {
        Self::from_owner(buffer.0)
    }
}

impl io::Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBuffer(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(buffer: SecretBuffer) -> String {
        buffer.into_secret().unwrap().expose().to_owned()
    }

    proptest! {
        #[test]
        fn a_form_is_written_as_the_url_library_writes_it(fields in prop::collection::vec((".*", ".*"), 0..5)) {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let expected = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            prop_assert_eq!(text(SecretBuffer::of_form(&fields)), expected);
        }

        #[test]
        fn json_is_written_as_the_json_library_writes_it(value in prop::collection::vec(".{0,900}", 0..6)) {
            let expected = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(text(SecretBuffer::of_json(&value).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_no_text_is_no_secret() {
        let mut buffer = SecretBuffer::with_capacity(1);
        buffer.push(&[0xff, 0xfe]);
        assert_eq!((buffer.len(), buffer.is_empty(), format!("{buffer:?}").as_str()), (2, false, "SecretBuffer(***)"));
        assert!(buffer.into_secret().is_none());
    }
}
