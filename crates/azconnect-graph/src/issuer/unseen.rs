//! The service principal, which may hold keys that nobody sees.

use azconnect_core::{ClientId, Effect, Error, ErrorKind};
use azconnect_credential::Check;

use super::checks::{missing_principal, unreadable_principal};
use crate::client::GraphClient;
use crate::principal::ServicePrincipal;

/// Why the service principal is not seen. Either way its keys may be alive.
#[derive(Clone, Copy)]
pub(crate) enum Unseen {
    Closed,
    NotFound,
}

impl Unseen {
    pub(crate) fn check(self) -> Check {
        match self {
            Self::Closed => unreadable_principal(),
            Self::NotFound => missing_principal(),
        }
    }

    /// Why nobody can say that a key which the application does not list is gone.
    pub(crate) fn error(self, effect: Effect, operation: &'static str) -> Error {
        let (kind, why) = match self {
            Self::Closed => (ErrorKind::PermissionDenied, "the service principal may not be read"),
            Self::NotFound => (ErrorKind::Unavailable, "the service principal is not found"),
        };
        Error::new(kind, format!("the application does not list the key, and {why}: it may hold the key"))
            .with_effect(effect)
            .with_advice(self.check().remedy)
            .in_operation(operation)
    }
}

/// The service principal; or, if it may not be read or is not found, why it is not seen.
pub(crate) async fn service_principal(
    client: &GraphClient,
    application: ClientId,
) -> Result<Result<ServicePrincipal, Unseen>, Error> {
    match client.service_principal_by_client_id(application).await {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Err(Unseen::Closed)),
        // It may not exist, and also be hidden from the caller, or not have reached the replica that answered.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Err(Unseen::NotFound)),
        Err(error) => Err(error),
    }
}
