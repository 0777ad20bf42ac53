//! Signed tokens by which the holder of a certificate's key says something of itself (RFC 7515, RFC 7523).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use azconnect_core::{Error, Secret};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};

use super::fault;
use super::pair::Pair;

/// How an assertion is signed, and by which hash it names its certificate.
///
/// Document: Microsoft's *Application certificate credentials*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssertionForm {
    /// `PS256`, the certificate named by its SHA-256 (`x5t#S256`): what Entra ID recommends.
    Ps256,
    /// `RS256`, the certificate named by its SHA-1 (`x5t`): what AD FS knows, and Graph's proofs of possession.
    Rs256,
}

/// Signs claims. With `chain` the whole chain travels along (`x5c`), by which an application that trusts a subject and an
/// issuer knows a certificate that nobody registered.
pub(super) fn sign(
    pair: &Pair,
    (form, chain): (AssertionForm, bool),
    claims: &impl Serialize,
) -> Result<Secret, Error> {
    let header = Value::Object(header(pair, form, chain));
    let written = |value: &dyn Fn() -> serde_json::Result<Vec<u8>>| value().map_err(|_| fault::unsigned());
    let header = written(&|| serde_json::to_vec(&header))?;
    let claims = written(&|| serde_json::to_vec(claims))?;
    let mut token = URL_SAFE_NO_PAD.encode(header);
    // Grown once: whoever has the whole token is taken for the application, so no half of it stays behind.
    token.reserve(claims.len() * 2 + 2048);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = pair.key.sign(form, token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Secret::new(token))
}

fn header(pair: &Pair, form: AssertionForm, chain: bool) -> Map<String, Value> {
    let der = pair.leaf.der.as_slice();
    let mut header = Map::new();
    header.insert("alg".to_owned(), pair.key.algorithm(form).into());
    header.insert("typ".to_owned(), "JWT".into());
    let (name, hash) = match form {
        AssertionForm::Ps256 => ("x5t#S256", digest(&SHA256, der)),
        AssertionForm::Rs256 => ("x5t", digest(&SHA1_FOR_LEGACY_USE_ONLY, der)),
    };
    header.insert(name.to_owned(), URL_SAFE_NO_PAD.encode(hash.as_ref()).into());
    if chain {
        // Padded base64 with the ordinary letters, unlike everything else in a token (RFC 7515, section 4.1.6).
        let all = std::iter::once(der).chain(pair.above.iter().map(Vec::as_slice));
        header.insert("x5c".to_owned(), all.map(|der| Value::from(STANDARD.encode(der))).collect());
    }
    header
}
