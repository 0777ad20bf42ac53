//! The half of the sink that knows connections to Azure Resource Manager.

use azconnect_core::{ClientId, TenantId};
use azconnect_credential::{Assessment, Candidate, Check};

use super::{is_guid, other_application};
use crate::document::Endpoint;
use crate::endpoint::Endpoints;

/// What stands in the way of pushing this application's secret.
pub(super) fn checks(endpoint: &Endpoint, tenant: TenantId, client: ClientId) -> Vec<Check> {
    let holder = endpoint.parameter("serviceprincipalid");
    let mut checks: Vec<Check> = other_application(holder, client).into_iter().collect();
    if !is_guid(endpoint.parameter("tenantid"), &tenant.to_string()) {
        checks.push(Check::failed(
            "other-tenant",
            "tenant",
            "it signs in to another tenant than the application's",
            "correct the connection's tenant id, or leave it out",
        ));
    }
    checks
}

/// Lets Azure DevOps sign in with the candidate, which it does not store.
pub(super) async fn test(endpoints: &Endpoints, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    endpoints.verify_candidate(endpoint, candidate).await
}

/// Lets Azure DevOps sign in with what the connection holds.
pub(super) async fn verify(endpoints: &Endpoints, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    endpoints.verify_stored(endpoint, candidate.minted_at).await
}
