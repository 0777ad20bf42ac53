//! PFX files (PKCS#12, RFC 7292), opened with a password.

use azconnect_core::{Error, Secret};
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Fault;

use super::fault;
use super::key::PrivateKey;

/// The largest file that is opened.
const LARGEST: usize = 256 * 1024;

/// The beginning of the object ids of PKCS#12's own ciphers, RC2 and Triple DES among them (RFC 7292, appendix C).
const LEGACY: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];

/// The keys and certificates of a file.
///
/// The library that opens it keeps the decrypted key in memory of its own, which it does not overwrite.
pub(super) fn open(bytes: &[u8], password: &Secret) -> Result<(Vec<PrivateKey>, Vec<Vec<u8>>), Error> {
    if bytes.len() > LARGEST {
        return Err(fault::too_large());
    }
    let archive =
        Pkcs12Archive::from_pkcs12(bytes, password.expose()).map_err(|fault| explain(&fault, is_legacy(bytes)))?;
    let keys = archive.keys.iter().map(|bag| PrivateKey::from_pkcs8(bag.key.as_der())).collect::<Result<_, Error>>()?;
    let certificates = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()).collect();
    Ok((keys, certificates))
}

/// The file says in the clear how it is encrypted.
fn is_legacy(bytes: &[u8]) -> bool {
    bytes.windows(LEGACY.len()).any(|window| window == LEGACY)
}

fn explain(found: &Fault, legacy: bool) -> Error {
    match found {
        // The code of the whole file was compared first, so this is the password whatever the cipher.
        Fault::MacError(_) | Fault::Pkcs5Error(_) | Fault::UnpadError => fault::wrong_password(),
        Fault::UnsupportedEncryptionScheme if legacy => fault::legacy_encryption(),
        Fault::UnsupportedEncryptionScheme | Fault::UnsupportedMacAlgorithm => fault::unsupported_encryption(),
        _ => fault::no_pfx(),
    }
}
