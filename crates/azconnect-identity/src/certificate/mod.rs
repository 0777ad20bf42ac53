//! Certificates that an application signs in with: read from PEM or PFX, and turned into signed assertions.

mod assertion;
mod client_certificate;
mod fault;
mod key;
mod pair;
mod pem;
mod pfx;
mod proof;
mod self_signed;

pub use self::assertion::AssertionForm;
pub use self::client_certificate::ClientCertificate;
pub use self::proof::CertificateProof;
pub(crate) use self::proof::single;
