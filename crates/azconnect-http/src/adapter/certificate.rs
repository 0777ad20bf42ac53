//! Why a service's certificate was not trusted, and what to do about it.

use std::error::Error as StdError;
use std::io;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use rustls::CertificateError;

/// What is wrong with a certificate, and the remedy.
struct Distrust {
    message: &'static str,
    advice: &'static str,
}

const UNKNOWN_ISSUER: Distrust = Distrust {
    message: "is signed by nobody that this machine trusts",
    advice: "check the address, and whether a proxy stands in between; if the service or the proxy has a certificate authority \
             of its own, or a certificate signed by itself, add that as a root with with_root_certificate or in the machine's \
             certificate store",
};

const EXPIRED: Distrust = Distrust {
    message: "has expired",
    advice: "check this machine's clock; if it is right, ask whoever runs the service to renew the certificate",
};

const NOT_YET: Distrust = Distrust {
    message: "is not valid yet",
    advice: "check this machine's clock; if it is right, ask whoever runs the service to replace the certificate",
};

const WRONG_NAME: Distrust = Distrust {
    message: "is for another name",
    advice: "check the address, and what the name resolves to: another service answers there, or the certificate lacks this name",
};

const REVOKED: Distrust = Distrust {
    message: "was revoked",
    advice: "send nothing there; ask whoever runs the service to replace the certificate",
};

const INVALID: Distrust = Distrust {
    message: "is not valid",
    advice: "check the address, and what stands in between; ask whoever runs the service to replace the certificate",
};

/// The error for a service whose certificate is not trusted, if that is what failed. Nothing was sent: the certificate is
/// checked before the request goes out.
pub(super) fn distrusted(error: &reqwest::Error, host: &str) -> Option<Error> {
    let Distrust { message, advice } = match fault(error)? {
        // One that signed itself as an authority is told as `Other`, and has the same remedy.
        CertificateError::UnknownIssuer | CertificateError::Other(_) => UNKNOWN_ISSUER,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => NOT_YET,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => WRONG_NAME,
        CertificateError::Revoked => REVOKED,
        _ => INVALID,
    };
    let error = Error::new(ErrorKind::Unavailable, format!("the certificate of {host} {message}"));
    Some(error.with_effect(Effect::None).with_retry(Retry::No).with_advice(advice))
}

/// The fault of a certificate among the causes of an error.
fn fault<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e CertificateError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault);
        }
        // An error of input and output passes over the one that it holds when asked for its source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = held.map(|held| held as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}
