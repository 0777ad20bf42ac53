//! Whose secret a connection holds: that of the application which is rotated, or of another.

use azconnect_core::{ClientId, TenantId};
use azconnect_credential::Check;

use crate::document::{AuthorizationScheme, Endpoint, shown};

/// What stands in the way of pushing this application's secret.
pub(super) fn checks(endpoint: &Endpoint, tenant: TenantId, client: ClientId) -> Vec<Check> {
    let mut checks = Vec::new();
    if !is_guid(endpoint.application(), &client.to_string()) {
        checks.push(Check::failed(
            "other-application",
            "application",
            format!("it signs in as {}, not as the application whose secret is rotated", shown(endpoint.application())),
            "leave this connection out, or rotate the application that it belongs to",
        ));
    }
    // A service principal's connection has to name its tenant; others may.
    let named = endpoint.tenant();
    let unnamed = named.is_none() && !endpoint.is_scheme(AuthorizationScheme::ServicePrincipal);
    if !unnamed && !is_guid(named, &tenant.to_string()) {
        checks.push(Check::failed(
            "other-tenant",
            "tenant",
            format!("it signs in to {}, not to the application's tenant {tenant}", shown(named)),
            "correct the connection's tenant id, or leave it out; for an application of another tenant than the \
             organization's name that tenant",
        ));
    }
    checks
}

fn is_guid(found: Option<&str>, expected: &str) -> bool {
    found.is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
}
