//! Certificates that an application signs in with: read from PEM or PFX, and turned into signed assertions.

mod assertion;
mod client_certificate;
mod fault;
mod key;
mod manner;
mod pair;
mod pem;
mod pfx;
mod proof;
mod self_signed;
mod signed;

pub use self::assertion::AssertionForm;
pub use self::client_certificate::ClientCertificate;
pub(crate) use self::manner::{Showing, single};
pub use self::proof::CertificateProof;
