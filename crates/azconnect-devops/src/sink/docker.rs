//! The half of the sink that knows connections to Docker registries.
//!
//! Azure DevOps proves nothing about them: its test asks Docker Hub, whatever the registry is. So the registry's own login
//! proves that a secret works.

use azconnect_core::ClientId;
use azconnect_credential::{Assessment, Candidate, Check};

use super::other_application;
use crate::document::Endpoint;
use crate::verify::{RegistryCheck, not_verifiable};

/// What stands in the way of pushing this application's secret: the user of the registry is its client id.
pub(super) fn checks(endpoint: &Endpoint, client: ClientId) -> Vec<Check> {
    other_application(endpoint.parameter("username"), client).into_iter().collect()
}

/// A warning if the registry cannot be asked, since a push would then stay unproven.
pub(super) async fn unverifiable(check: &RegistryCheck, endpoint: &Endpoint) -> Option<Check> {
    let error = check.reachable(endpoint.parameter("registry")?).await.err()?;
    let check = Check::unknown_by("not-verifiable", "verification", &error);
    Some(check.with_cause(format!("its secret cannot be verified: {}", error.message())).as_warning())
}

/// Logs in to the registry with the candidate.
pub(super) async fn test(check: &RegistryCheck, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    match (endpoint.parameter("registry"), endpoint.parameter("username")) {
        (Some(registry), Some(user)) => check.verify(registry, user, candidate).await,
        _ => not_verifiable(),
    }
}
