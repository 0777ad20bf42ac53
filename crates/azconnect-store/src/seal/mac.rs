//! Marks that only a holder of a sealing key can make: HMAC-SHA256 under a key of its own, derived from the sealing key.

use aws_lc_rs::hmac;
use azconnect_core::Error;

use super::{SealingKeyError, SealingKeyId, SealingKeys};

/// A mark: the id of the sealing key, and the tag that was computed with the key derived from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mac([u8; Self::LENGTH]);

impl Mac {
    pub(crate) const TAG_LENGTH: usize = 32;
    pub(crate) const LENGTH: usize = SealingKeyId::LENGTH + Self::TAG_LENGTH;

    /// What a column holds, if it has the length of a mark. Whether it is a true one, [`SealingKeys::is_marked`] says.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id of the key that made it, or is said to have.
    pub(crate) fn key_id(&self) -> Option<SealingKeyId> {
        self.parts().map(|(id, _)| id)
    }

    fn parts(&self) -> Option<(SealingKeyId, &[u8])> {
        let (id, tag) = self.0.split_first_chunk()?;
        Some((SealingKeyId(*id), tag))
    }
}

/// What a mark covers: a label, then fields. Each field follows its length, so that no two messages read the same.
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// Begins with a label, which says what is marked and in which version of its form.
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::with_capacity(256)).bytes(label.as_bytes())
    }

    #[must_use]
    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    #[must_use]
    pub(crate) fn number(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }
}

impl SealingKeys {
    /// Marks a message with the current key.
    pub(crate) fn mark(&self, message: &Message) -> Result<Mac, Error> {
        let key = self.current();
        let tag = hmac::sign(key.marks(), &message.0);
        let mac = Mac::from_bytes(&[key.id().as_bytes(), tag.as_ref()].concat());
        mac.ok_or_else(|| SealingKeyError::Cryptography.into())
    }

    /// Marks a message with the key of an id, which must be one of these.
    pub(crate) fn mark_with(&self, id: SealingKeyId, message: &Message) -> Result<Mac, Error> {
        let tag = self.digest(id, message).ok_or(SealingKeyError::Cryptography)?;
        let mac = Mac::from_bytes(&[id.as_bytes(), tag.as_slice()].concat());
        mac.ok_or_else(|| SealingKeyError::Cryptography.into())
    }

    /// What the key of an id makes of a message; it is not to be stored.
    pub(crate) fn digest(&self, id: SealingKeyId, message: &Message) -> Option<[u8; Mac::TAG_LENGTH]> {
        hmac::sign(self.key(id)?.marks(), &message.0).as_ref().try_into().ok()
    }

    /// Whether a mark is of this message, and was made with one of these keys.
    pub(crate) fn is_marked(&self, message: &Message, mac: &Mac) -> bool {
        mac.parts()
            .is_some_and(|(id, tag)| self.key(id).is_some_and(|key| hmac::verify(key.marks(), &message.0, tag).is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::SealingKey;
    use super::*;

    fn keys() -> SealingKeys {
        SealingKeys::new(SealingKey::generate().unwrap())
    }

    #[test]
    fn a_mark_is_of_its_message_and_key_only() {
        let keys = keys();
        let message = || Message::new("label").bytes(b"ab").bytes(b"c").number(7);
        let mac = keys.mark(&message()).unwrap();
        assert!(keys.is_marked(&message(), &mac));
        for other in [
            Message::new("label").bytes(b"a").bytes(b"bc").number(7),
            Message::new("label").bytes(b"abc").number(7),
            Message::new("labe").bytes(b"lab").bytes(b"c").number(7),
            Message::new("label").bytes(b"ab").bytes(b"c").number(8),
            message().bytes(b""),
        ] {
            assert!(!keys.is_marked(&other, &mac));
        }
        assert!(!self::keys().is_marked(&message(), &mac), "another key's mark counts");
    }

    #[test]
    fn any_flipped_bit_of_a_mark_shows() {
        let keys = keys();
        let message = Message::new("label");
        let mac = keys.mark(&message).unwrap();
        for bit in 0..Mac::LENGTH * 8 {
            let mut bytes = mac.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.is_marked(&message, &Mac(bytes)), "bit {bit}");
        }
        assert_eq!(Mac::from_bytes(&mac.0[1..]), None);
    }

    #[test]
    fn a_mark_of_a_previous_key_counts_until_the_key_is_dropped() {
        let old = || SealingKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap();
        let message = Message::new("label");
        let mac = SealingKeys::new(old()).mark(&message).unwrap();
        let both = keys().with_previous(old());
        assert!(both.is_marked(&message, &mac));
        assert!(!both.is_marked(&message, &both.mark(&Message::new("other")).unwrap()));
        assert!(!keys().is_marked(&message, &mac));
    }
}
