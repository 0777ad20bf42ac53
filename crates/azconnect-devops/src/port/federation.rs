//! The port that converts service connections to workload identity federation.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::CheckReport;

use super::{ConnectionAddress, ProjectAddress};
use crate::background::Progress;
use crate::document::Endpoint;
use crate::eligibility::ConversionRules;

/// Converts service connections from a secret to workload identity federation, and back.
///
/// What an implementation is held to:
/// - What [`eligibility`](Self::eligibility) finds to stand in the way, [`convert`](Self::convert) refuses as
///   [`Unsupported`](azconnect_core::ErrorKind::Unsupported) with that check's code as service code, and nothing changes.
/// - A connection that somebody changed since it was read is a [`Conflict`](azconnect_core::ErrorKind::Conflict).
/// - A conversion can be undone for seven days.
/// - The service may finish a conversion in the background. It is waited for within bounds; then the conversion is
///   [`Pending`](Progress::Pending), which is no failure.
#[async_trait]
pub trait FederationConverter: Send + Sync {
    /// What stands in the way of converting a connection, and what is worth knowing. Idempotent, without effect.
    async fn eligibility(&self, connection: &ConnectionAddress, rules: ConversionRules) -> Result<CheckReport, Error>;

    /// Converts a connection that was read before, and returns it as it is afterwards. **Not idempotent**: after effect
    /// [`Unknown`](azconnect_core::Effect::Unknown) reading the connection tells.
    async fn convert(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        rules: ConversionRules,
    ) -> Result<Progress<Endpoint>, Error>;

    /// Undoes the conversion of a connection that was read before. **Not idempotent**, as [`convert`](Self::convert).
    async fn revert(&self, project: &ProjectAddress, before: &Endpoint) -> Result<Progress<Endpoint>, Error>;
}
