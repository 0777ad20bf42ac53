//! Which change puts a secret into a connection.

use azconnect_core::{Error, Secret};

use super::pushed::Pushed;
use crate::create::check_certificate;
use crate::document::{AuthorizationScheme, Endpoint, EndpointChange};

/// The change that gives a connection this secret. Where it holds a certificate, a key takes the certificate's place: the
/// sink's checks let that happen by name only.
pub(super) fn change<'a>(endpoint: &Endpoint, pushed: Pushed, secret: &'a Secret) -> EndpointChange<'a> {
    let change = EndpointChange::new();
    if pushed == Pushed::Certificate {
        return change.with_certificate(secret);
    }
    if endpoint.certificate_holder().is_some() {
        return change.with_client_secret(secret);
    }
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::Kubernetes) => change.with_confidential_parameter("spnKey", secret),
        _ => change.with_secret(secret),
    }
}

/// Refuses a text that cannot be what is pushed, before anything is asked.
pub(super) fn require_kind(pushed: Pushed, secret: &Secret) -> Result<(), Error> {
    match pushed {
        Pushed::Secret => Ok(()),
        Pushed::Certificate => check_certificate(secret),
    }
}
