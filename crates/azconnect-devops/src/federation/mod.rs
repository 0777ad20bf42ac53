//! Workload identity federation: connections that hold no secret.

mod conversion;
mod create;
mod delete;
mod issuer;
mod migrate;
mod subject;
mod trust;

pub use self::create::{CreatedConnection, FederatedCreationError};
pub use self::issuer::{FederationIssuer, OLD_ISSUER_RETIRES, OldIssuerScan};
pub use self::trust::{FederatedCredentials, FederatedTrust};

use time::OffsetDateTime;

use crate::document::{AuthorizationScheme, Endpoint};
use crate::tolerant::moment;

impl Endpoint {
    /// Until when its conversion to workload identity federation can be undone, where it was converted.
    pub fn revert_deadline(&self) -> Option<OffsetDateTime> {
        self.data("revertSchemeDeadline").and_then(moment)
    }

    /// Whether it signs in by workload identity federation.
    pub fn is_federated(&self) -> bool {
        self.is_scheme(AuthorizationScheme::WorkloadIdentityFederation)
    }
}
