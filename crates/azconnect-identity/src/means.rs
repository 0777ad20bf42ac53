//! The two kinds of secret by which an application proves who it is.

use std::sync::Arc;

use azconnect_core::{ClientId, Clock, Error, Secret};
use azconnect_credential::check_client_secret;

use crate::authority::Authority;
use crate::certificate::{ClientCertificate, Showing, single};
use crate::proof::Proof;

/// What a candidate's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// A client secret.
    ClientSecret,
    /// A certificate with its private key, in PEM, and how its assertions are shown.
    Certificate(Showing),
}

impl Means {
    /// Refuses a text that cannot be such a secret.
    pub(crate) fn check(self, secret: &Secret, authority: &Authority) -> Result<(), Error> {
        match self {
            Self::ClientSecret => check_client_secret(secret),
            Self::Certificate(_) => read(secret, authority).map(drop),
        }
    }

    /// The proof for one request, by a text that was checked.
    pub(crate) fn proof(self, secret: &Secret, of: (ClientId, &Authority), clock: &dyn Clock) -> Result<Proof, Error> {
        match self {
            Self::ClientSecret => Ok(Proof::Secret(Arc::new(secret.duplicate()))),
            Self::Certificate(showing) => {
                let assertion = single(&read(secret, of.1)?, of, showing, clock)?;
                Ok(Proof::Assertion(Arc::new(assertion)))
            }
        }
    }
}

impl Means {
    /// How the assertions of a certificate are shown.
    pub(crate) fn showing_mut(&mut self) -> Option<&mut Showing> {
        match self {
            Self::ClientSecret => None,
            Self::Certificate(showing) => Some(showing),
        }
    }
}

fn read(secret: &Secret, authority: &Authority) -> Result<ClientCertificate, Error> {
    let certificate = ClientCertificate::from_pem(secret)?;
    // AD FS may be told to take them; Entra ID takes none.
    if !authority.is_ad_fs() {
        certificate.require_rsa()?;
    }
    Ok(certificate)
}
