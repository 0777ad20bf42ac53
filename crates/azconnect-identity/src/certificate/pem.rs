//! Blocks of PEM (RFC 7468), in any order and with anything between them.

use azconnect_core::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::fault;

/// The longest text that is read. A certificate is some kilobytes, and so is a key.
const LONGEST: usize = 256 * 1024;

/// The most blocks of one text: a chain has a handful.
const MOST: usize = 64;

/// The label of a certificate.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";

/// The label of a private key in PKCS#8, which says itself of what kind it is.
pub(super) const PKCS8: &str = "PRIVATE KEY";

/// The label of an RSA key in PKCS#1.
pub(super) const PKCS1: &str = "RSA PRIVATE KEY";

/// The label of an elliptic key in SEC 1.
pub(super) const SEC1: &str = "EC PRIVATE KEY";

/// The label of a private key in PKCS#8 that a password protects.
pub(super) const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// What stands between one pair of lines.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    /// Whether a password protects it in the way of old OpenSSL, which names the cipher in lines of its own.
    pub(super) has_headers: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Every block of a text.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, Error> {
    if text.len() > LONGEST {
        return Err(fault::too_large());
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, body) = begun.split_once("-----").ok_or_else(fault::broken_pem)?;
        let (body, after) = body.split_once("-----END ").ok_or_else(fault::broken_pem)?;
        let after = after.strip_prefix(label).and_then(|after| after.strip_prefix("-----"));
        rest = after.ok_or_else(fault::broken_pem)?;
        if found.len() == MOST {
            return Err(fault::too_large());
        }
        // No letter of base64 is a colon.
        let has_headers = body.contains(':');
        let der = if has_headers { Zeroizing::default() } else { decode(body)? };
        found.push(Block { label, has_headers, der });
    }
    Ok(found)
}

/// One block as it is written: lines of 64 letters.
pub(super) fn write(label: &str, der: &[u8], text: &mut Zeroizing<String>) {
    let mut letters = Zeroizing::new(vec![0; base64::encoded_len(der.len(), true).unwrap_or_default()]);
    let written = STANDARD.encode_slice(der, &mut letters).unwrap_or_default();
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for line in letters.get(..written).unwrap_or_default().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
}

/// How much room a block takes at most, so that a text of several never moves while it grows: a move leaves a copy behind.
pub(super) fn room(der: &[u8]) -> usize {
    der.len() * 2 + 128
}

fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut letters = Zeroizing::new(String::with_capacity(body.len()));
    letters.extend(body.chars().filter(|letter| !letter.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(letters.len())]);
    let length = STANDARD.decode_slice(letters.as_bytes(), &mut bytes).map_err(|_| fault::broken_pem())?;
    bytes.truncate(length);
    Ok(bytes)
}
