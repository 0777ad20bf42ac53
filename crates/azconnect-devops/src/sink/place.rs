//! Which change puts a client secret into a connection.

use azconnect_core::Secret;

use crate::document::{AuthorizationScheme, Endpoint, EndpointChange};

/// The change that gives a connection this secret. Where it holds a certificate, the key takes the certificate's place: the
/// sink's checks let that happen by name only.
pub(super) fn change<'a>(endpoint: &Endpoint, secret: &'a Secret) -> EndpointChange<'a> {
    let change = EndpointChange::new();
    if endpoint.certificate_holder().is_some() {
        return change.with_client_secret(secret);
    }
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::Kubernetes) => change.with_confidential_parameter("spnKey", secret),
        _ => change.with_secret(secret),
    }
}
