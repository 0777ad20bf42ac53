//! Pseudo-random choices that a number reproduces.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A stream of numbers (splitmix64). Good for ids and choices; nothing here protects anything.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(crate) fn guid(&mut self) -> Uuid {
        let bits = (u128::from(self.number()) << 64) | u128::from(self.number());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// As many bytes in base64url as make a text of `length` characters.
    pub(crate) fn text(&mut self, length: usize) -> String {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.number().to_be_bytes());
        }
        let mut text = URL_SAFE_NO_PAD.encode(bytes);
        text.truncate(length);
        text
    }

    /// A personal access token: 52 characters of base32.
    pub(crate) fn pat(&mut self) -> String {
        const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
        let pick = |number: u64| {
            let index = usize::try_from(number % ALPHABET.len() as u64).unwrap_or_default();
            char::from(ALPHABET.get(index).copied().unwrap_or(b'a'))
        };
        (0..52).map(|_| pick(self.number())).collect()
    }

    /// A client secret as Entra ID makes them: 40 characters of letters, digits and `~._-`.
    pub(crate) fn client_secret(&mut self) -> String {
        const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789~._-";
        let pick = |number: u64| {
            let index = usize::try_from(number % ALPHABET.len() as u64).unwrap_or_default();
            char::from(ALPHABET.get(index).copied().unwrap_or(b'~'))
        };
        // The fourth and fifth characters of the real ones are always `8Q`.
        (0..40)
            .map(|place| match place {
                3 => '8',
                4 => 'Q',
                _ => pick(self.number()),
            })
            .collect()
    }
}

/// Scatters a number over all 64 bits.
pub(crate) fn mix(number: u64) -> u64 {
    let a = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}

/// A number for a text (FNV-1a, scattered).
pub(crate) fn hash(text: &str) -> u64 {
    mix(text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)))
}

/// An id that follows from a name: the same in every emulator.
pub(crate) fn named_guid(name: &str) -> Uuid {
    // Two hashes, because one fills only half of the bits.
    let bits = (u128::from(hash(name)) << 64) | u128::from(hash(&format!("{name}\u{1}")));
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_secret_has_forty_characters_of_the_alphabet() {
        let secret = Dice::new(7).client_secret();
        assert_eq!(secret.len(), 40);
        assert!(secret.chars().all(|c| c.is_ascii_alphanumeric() || "~._-".contains(c)));
        assert_ne!(secret, Dice::new(8).client_secret());
        assert_eq!(secret, Dice::new(7).client_secret());
    }
}
