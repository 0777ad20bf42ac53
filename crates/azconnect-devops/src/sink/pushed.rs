//! What a sink pushes, and what follows for the connection.

use azconnect_credential::{Check, CheckReport};

use crate::document::{AuthorizationScheme, ConnectionType, Endpoint};

/// What a sink pushes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pushed {
    /// A client secret, a password or a key.
    #[default]
    Secret,
    /// A certificate with its private key, in PEM.
    Certificate,
}

/// The checks of a connection that shall take a certificate: it must sign in with one already, and then nothing stands in the
/// way that stands in the way of a secret.
pub(super) fn of_certificate(endpoint: &Endpoint, checks: CheckReport) -> CheckReport {
    let checks = checks.into_iter().filter(|check| check.code != "certificate");
    checks.chain(no_certificate(endpoint)).collect()
}

fn no_certificate(endpoint: &Endpoint) -> Option<Check> {
    let azure = endpoint.is_type(ConnectionType::AzureRm) && endpoint.is_scheme(AuthorizationScheme::ServicePrincipal);
    // Others are refused by their type or scheme, and would be told twice.
    (azure && endpoint.certificate_holder().is_none()).then(|| {
        Check::failed(
            "no-certificate",
            "credential",
            "it signs in with a client secret, and a certificate is rotated",
            "leave this connection out, or bind it to the rotation of the client secret; to change it over, give it the \
             certificate once by hand",
        )
    })
}
