//! The half of the sink that knows connections to Azure Resource Manager.

use azconnect_core::{ClientId, TenantId};
use azconnect_credential::{Assessment, Candidate, Finding};

use super::{is_guid, other_application};
use crate::document::Endpoint;
use crate::endpoint::Endpoints;

/// What stands in the way of pushing this application's secret.
pub(super) fn findings(endpoint: &Endpoint, tenant: TenantId, client: ClientId) -> Vec<Finding> {
    let holder = endpoint.parameter("serviceprincipalid");
    let mut findings: Vec<Finding> = other_application(holder, client).into_iter().collect();
    if !is_guid(endpoint.parameter("tenantid"), &tenant.to_string()) {
        findings.push(super::blocker(
            "other-tenant",
            "it signs in to another tenant than the application's",
            "correct the connection's tenant id, or leave it out",
        ));
    }
    findings
}

/// Lets Azure DevOps sign in with the candidate, which it does not store.
pub(super) async fn test(endpoints: &Endpoints, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    endpoints.verify_candidate(endpoint, candidate).await
}

/// Lets Azure DevOps sign in with what the connection holds.
pub(super) async fn verify(endpoints: &Endpoints, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    endpoints.verify_stored(endpoint, candidate.minted_at).await
}
