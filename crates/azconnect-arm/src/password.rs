//! The password of a Windows machine's administrator, made here: no person chooses or types it.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use zeroize::Zeroizing;

/// The password of a Windows machine's administrator, and its name.
#[derive(Debug)]
#[non_exhaustive]
pub struct AdminPassword {
    /// The random name of the password, which is no secret: it tells this one from that of a machine which is built later
    /// under the same name.
    pub id: String,
    /// The password.
    pub password: Secret,
}

impl AdminPassword {
    /// A password under its random name.
    pub fn new(id: impl Into<String>, password: Secret) -> Self {
        Self { id: id.into(), password }
    }
}

/// How many characters a password has. The service takes 12 to 123; 32 of these are 192 random bits.
const LENGTH: usize = 32;

/// The characters of a password: 64, so that six random bits choose one without a bias. None of them is special to a shell, an
/// address or an XML document.
const ALPHABET: &[u8; 64] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.+=~!";

/// Makes a password that satisfies the service: characters of all four classes, and not the administrator's name.
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) if this machine gives no random numbers.
pub(crate) fn generate(admin: &str) -> Result<Secret, Error> {
    let random = SystemRandom::new();
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    loop {
        random.fill(bytes.as_mut()).map_err(|_| {
            Error::new(ErrorKind::Unavailable, "no password could be made: this machine gives no random numbers")
                .with_effect(Effect::None)
        })?;
        // Sized once, so that no smaller buffer with a part of the password is left behind.
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.extend(bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63))).map(|byte| char::from(*byte)));
        // Drawn again as a whole, rather than mended, so that every password that satisfies is equally likely.
        if satisfies(&text, admin) {
            return Ok(Secret::new(text.as_str()));
        }
    }
}

fn satisfies(text: &str, admin: &str) -> bool {
    let has = |class: fn(&char) -> bool| text.chars().any(|character| class(&character));
    has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_digit)
        && has(char::is_ascii_punctuation)
        && !text.to_ascii_lowercase().contains(&admin.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn passwords_differ_and_are_of_all_four_classes() {
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let password = generate("azureuser").unwrap();
            let text = password.expose();
            assert!(text.len() == LENGTH && satisfies(text, "azureuser"));
            assert!(seen.insert(text.to_owned()));
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_another_and_none_is_special() {
        let alphabet: BTreeSet<u8> = ALPHABET.iter().copied().collect();
        assert_eq!(alphabet.len(), 64);
        assert!(!alphabet.iter().any(|byte| b"'\"\\`$&<>|;%^(){}[] ,".contains(byte)));
        assert!(!satisfies("Ab3-azureuser", "AzureUser"));
    }
}
