//! What is wrong with a text or a file that should be a certificate with its key.

use azconnect_core::Error;

/// The field that every refusal of a certificate names.
const FIELD: &str = "certificate";

const GIVE_BOTH: &str = "give the certificate and its private key in PEM, one after the other";

pub(super) fn wrong(message: &str, advice: &str) -> Error {
    Error::invalid(FIELD, message).with_advice(advice)
}

pub(super) fn broken_pem() -> Error {
    wrong("is no whole PEM", "copy the text from the first -----BEGIN to the last -----END, both lines included")
}

pub(super) fn too_large() -> Error {
    wrong(
        "is larger than any certificate with its key",
        "give one certificate, its chain and its key, and nothing else",
    )
}

pub(super) fn no_certificate() -> Error {
    wrong("holds a private key and no certificate", GIVE_BOTH)
}

pub(super) fn no_key() -> Error {
    wrong("holds no private key", GIVE_BOTH)
}

pub(super) fn nothing() -> Error {
    wrong("holds neither a certificate nor a private key", GIVE_BOTH)
}

pub(super) fn encrypted_key() -> Error {
    wrong(
        "holds a private key that is encrypted",
        "decrypt the key first, such as with `openssl pkey -in key.pem`, or give the certificate as a PFX file with its \
         password",
    )
}

pub(super) fn broken_certificate() -> Error {
    wrong("holds a certificate that cannot be read", "export the certificate again, in DER within PEM")
}

pub(super) fn unknown_key() -> Error {
    wrong(
        "holds a private key of a kind that is not known here",
        "use an RSA key of 2048 to 8192 bits in PKCS#8 or PKCS#1, or an elliptic one on P-256 or P-384",
    )
}

pub(super) fn no_pair() -> Error {
    wrong(
        "holds a private key that belongs to none of its certificates",
        "give the certificate that was issued for this key, with the chain if there is one",
    )
}

pub(super) fn several_pairs() -> Error {
    wrong("holds several certificates, each with its key", "give one certificate with its key")
}

pub(super) fn no_pfx() -> Error {
    wrong("is no PFX file", "export the certificate with its private key as PKCS#12 (.pfx or .p12)")
}

pub(super) fn wrong_password() -> Error {
    Error::invalid("certificate_password", "does not open the PFX file")
        .with_advice("give the password that was set when the file was exported; an empty one if none was")
}

pub(super) fn legacy_encryption() -> Error {
    wrong(
        "is a PFX file with legacy encryption (RC2 or Triple DES); its password is not the cause",
        "export it again with AES-256, or convert it, such as with `openssl pkcs12 -legacy -in old.pfx -nodes | openssl pkcs12 \
         -export -out new.pfx`",
    )
}

pub(super) fn unsupported_encryption() -> Error {
    wrong(
        "is a PFX file that is protected in a way that is not known here",
        "export it again with AES-256 and SHA-256, or give the certificate and its key in PEM",
    )
}

/// Entra ID says AADSTS5002738 to it, after a message about an algorithm that nobody chose.
pub(crate) fn needs_rsa() -> Error {
    wrong(
        "has an elliptic key, and Microsoft Entra ID accepts assertions of RSA keys only",
        "use a certificate with an RSA key of at least 2048 bits",
    )
}

/// The key could not sign: nothing about the input is known to be wrong.
pub(super) fn unsigned() -> Error {
    Error::new(azconnect_core::ErrorKind::Unexpected, "the private key could not sign")
        .with_effect(azconnect_core::Effect::None)
        .with_field(FIELD)
        .with_advice("check that the key is whole: read it anew")
}
