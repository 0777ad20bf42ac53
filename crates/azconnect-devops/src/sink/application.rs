//! Whose secret a connection holds: that of the application which is rotated, or of another.

use azconnect_core::{ClientId, TenantId};
use azconnect_credential::Check;

use crate::document::{AuthorizationScheme, ConnectionType, Endpoint, EnvironmentName, shown};

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

/// A failed check, if the connection signs in to another of Azure's clouds than the application's: the secret would be sent to
/// a login that does not know it. An Azure Stack may trust any of them.
pub(super) fn other_cloud(endpoint: &Endpoint, cloud: &EnvironmentName) -> Option<Check> {
    const AZURES_OWN: [EnvironmentName; 3] =
        [EnvironmentName::AzureCloud, EnvironmentName::AzureChinaCloud, EnvironmentName::AzureUsGovernment];
    let of_cluster = endpoint.parameter("azureEnvironment").map(EnvironmentName::from);
    let named = match endpoint.connection_type()? {
        ConnectionType::AzureRm => endpoint.environment().cloned().unwrap_or(EnvironmentName::AzureCloud),
        ConnectionType::Kubernetes => of_cluster?,
        _ => return None,
    };
    (AZURES_OWN.contains(&named) && AZURES_OWN.contains(cloud) && named != *cloud).then(|| {
        Check::failed(
            "other-cloud",
            "cloud",
            format!("it signs in to {named}, and the application lives in {cloud}"),
            "leave this connection out, or correct its environment",
        )
    })
}

fn is_guid(found: Option<&str>, expected: &str) -> bool {
    found.is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connection_to_another_of_azure_s_clouds_is_found() {
        let other = |kind: &str, environment: serde_json::Value, cloud: &str| {
            let parameters = json!({"azureEnvironment": environment});
            let document = json!({"id": "1dfdea68-9549-409e-abee-c5da69cfec5f", "type": kind,
                "data": {"environment": environment}, "authorization": {"scheme": "x", "parameters": parameters}});
            other_cloud(&Endpoint::from_value(document).unwrap(), &EnvironmentName::from(cloud)).is_some()
        };
        for kind in ["azurerm", "kubernetes"] {
            assert!(other(kind, json!("AzureCloud"), "AzureUSGovernment"));
            assert!(!other(kind, json!("azureusgovernment"), "AzureUSGovernment"));
            assert!(!other(kind, json!("AzureStack"), "AzureCloud"), "it may trust any login");
            assert!(!other(kind, json!("AzureCloud"), "Emulator"), "a cloud of the caller's own");
        }
        assert!(other("azurerm", json!(null), "AzureChinaCloud"), "without a name it is the public cloud");
        assert!(!other("generic", json!("AzureCloud"), "AzureChinaCloud"));
    }
}
