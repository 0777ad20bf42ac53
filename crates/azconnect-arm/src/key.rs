//! The key pair that opens the machine: aws-lc-rs makes and checks it, `ssh-key` writes and reads OpenSSH's form.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use azconnect_core::{Error, ErrorKind, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, PrivateKey};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Fingerprint, LineEnding, PublicKey};
use zeroize::Zeroizing;

/// The algorithm of a key pair, and the form in which its private key is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyKind {
    /// Ed25519, in OpenSSH's own form.
    #[default]
    Ed25519,
    /// RSA with 4,096 bits, as PKCS#8. Making one takes seconds of computing; a provisioning does so on a thread of its own,
    /// while the network is created.
    Rsa4096,
}

/// A key pair with which the administrator of a machine signs in by SSH.
#[derive(Debug)]
#[non_exhaustive]
pub struct SshKey {
    /// The private key in PEM, as `ssh -i` reads it.
    pub private: Secret,
    /// The public key in one line, such as `ssh-ed25519 AAAA…`, as in `authorized_keys`.
    pub public: String,
    /// The fingerprint of the public key, such as `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
}

impl SshKey {
    /// Makes a new key pair. Nothing is stored.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if this machine gives no random numbers.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        let private = match kind {
            KeyKind::Ed25519 => ed25519()?,
            KeyKind::Rsa4096 => {
                let key = RsaKeyPair::generate(KeySize::Rsa4096).map_err(|_| no_random())?;
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| unreadable())?;
                pem("PRIVATE KEY", der.as_ref())
            }
        };
        // Through `read`, so that a new key and one found sealed after a crash have their public half from one place.
        Self::read(private)
    }

    /// Reads a private key that [`SshKey::generate`] made, and derives its public key.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it is not a private key of one of these kinds.
    pub fn read(private: Secret) -> Result<Self, Error> {
        let public = if private.expose().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            openssh_public(&private)?
        } else {
            let line = rsa_line(&private)?;
            PublicKey::from_openssh(&line).map_err(|_| unreadable())?
        };
        let fingerprint = fingerprint(&public)?;
        let public = public.to_openssh().map_err(|_| unreadable())?;
        Ok(Self { private, public, fingerprint })
    }
}

/// Reads a public key in one line, as in `authorized_keys`, of a kind that the service takes. Returns it without its comment,
/// and its fingerprint.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) with the field `public_key`.
pub(crate) fn read_public(line: &str) -> Result<(String, String), Error> {
    let refused = |message: &str| {
        Error::invalid("public_key", message.to_owned())
            .with_advice("give one line of the form ssh-ed25519 AAAA…, or ssh-rsa AAAA… of at least 2,048 bits")
    };
    let key = PublicKey::from_openssh(line.trim()).map_err(|_| refused("is not a public key of OpenSSH"))?;
    let fits = match key.key_data() {
        KeyData::Ed25519(_) => true,
        KeyData::Rsa(key) => key.n.as_positive_bytes().is_some_and(|modulus| modulus.len() >= 256),
        _ => false,
    };
    if !fits {
        return Err(refused("is of a kind or length that Azure does not take"));
    }
    let public = PublicKey::from(key.key_data().clone()).to_openssh().map_err(|_| refused("cannot be written"))?;
    Ok((public, fingerprint(&key)?))
}

/// A new Ed25519 key in OpenSSH's form.
fn ed25519() -> Result<Secret, Error> {
    // Drawn into memory that is overwritten, since aws-lc-rs hands a key's seed out in memory that is not.
    let mut seed = Zeroizing::new([0_u8; Ed25519PrivateKey::BYTE_SIZE]);
    SystemRandom::new().fill(seed.as_mut()).map_err(|_| no_random())?;
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| unreadable())?;
    let public = Ed25519PublicKey::try_from(pair.public_key().as_ref()).map_err(|_| unreadable())?;
    let key = PrivateKey::from(Ed25519Keypair { public, private: Ed25519PrivateKey::from_bytes(&seed) });
    let text = key.to_openssh(LineEnding::LF).map_err(|_| unreadable())?;
    Ok(Secret::new(text.as_str()))
}

/// The public key of a private key in OpenSSH's form.
fn openssh_public(private: &Secret) -> Result<PublicKey, Error> {
    let key = PrivateKey::from_openssh(private.expose()).map_err(|_| unreadable())?;
    // `ssh-key` takes the public half as it is written; a machine with the wrong one would be closed to its owner.
    if let KeypairData::Ed25519(pair) = key.key_data() {
        Ed25519KeyPair::from_seed_and_public_key(pair.private.as_ref(), pair.public.as_ref())
            .map_err(|_| unreadable())?;
    }
    Ok(key.public_key().clone())
}

/// The SHA-256 of the public key's binary form, as OpenSSH shows it.
fn fingerprint(public: &PublicKey) -> Result<String, Error> {
    let blob = public.to_bytes().map_err(|_| unreadable())?;
    let hash = digest(&SHA256, &blob).as_ref().try_into().map_err(|_| unreadable())?;
    Ok(Fingerprint::Sha256(hash).to_string())
}

/// The public key of an RSA key in PKCS#8, as a line of `authorized_keys`.
fn rsa_line(private: &Secret) -> Result<String, Error> {
    let body: Zeroizing<String> =
        Zeroizing::new(private.expose().lines().filter(|line| !line.starts_with("-----")).collect());
    let der = Zeroizing::new(BASE64.decode(body.as_bytes()).map_err(|_| unreadable())?);
    let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| unreadable())?;
    let (modulus, exponent) = integers(key.public_key().as_ref()).ok_or_else(unreadable)?;
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".as_slice(), exponent, modulus] {
        blob.extend(u32::try_from(part.len()).map_err(|_| unreadable())?.to_be_bytes());
        blob.extend(part);
    }
    Ok(format!("ssh-rsa {}", BASE64.encode(blob)))
}

/// The two integers of a DER `RSAPublicKey`, in the two's complement that SSH wants as well.
fn integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    Some((modulus, exponent))
}

/// The content of a DER element and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(length)).flatten()
}

fn pem(label: &str, der: &[u8]) -> Secret {
    let body = Zeroizing::new(BASE64.encode(der));
    // Sized once, so that no smaller buffer with a part of the key is left behind.
    let mut text = String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 64);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    Secret::new(text)
}

fn no_random() -> Error {
    Error::new(ErrorKind::Unavailable, "no key could be made: this machine gives no random numbers")
        .with_effect(azconnect_core::Effect::None)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "the private key cannot be read").with_field("private_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_are_read_back() {
        let first = SshKey::generate(KeyKind::Ed25519).unwrap();
        let second = SshKey::generate(KeyKind::Ed25519).unwrap();
        assert_ne!(first.public, second.public);
        assert!(first.public.starts_with("ssh-ed25519 AAAA"));
        let read = SshKey::read(first.private.duplicate()).unwrap();
        assert_eq!((read.public, read.fingerprint), (first.public.clone(), first.fingerprint.clone()));
        assert!(!format!("{first:?}").contains("OPENSSH"));
    }

    #[test]
    fn an_rsa_key_has_its_public_line() {
        let key = SshKey::generate(KeyKind::Rsa4096).unwrap();
        assert!(key.public.starts_with("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB"), "{}", key.public);
        assert_eq!(SshKey::read(key.private.duplicate()).unwrap().public, key.public);
    }

    #[test]
    fn a_key_with_the_public_half_of_another_is_refused() {
        let mut seed = Zeroizing::new([7_u8; Ed25519PrivateKey::BYTE_SIZE]);
        let own = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).unwrap();
        seed.fill(8);
        let public = Ed25519PublicKey::try_from(own.public_key().as_ref()).unwrap();
        let mixed = PrivateKey::from(Ed25519Keypair { public, private: Ed25519PrivateKey::from_bytes(&seed) });
        let text = Secret::new(mixed.to_openssh(LineEnding::LF).unwrap().as_str());
        assert_eq!(SshKey::read(text).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn something_else_is_no_key() {
        for text in ["", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "AAAA"] {
            assert_eq!(SshKey::read(Secret::new(text)).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
