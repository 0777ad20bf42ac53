//! Whether a connection's secret can be refreshed, and if not, by which rule.

use azconnect_credential::{Check, CheckReport};

use crate::document::{
    AuthorizationScheme, ConnectionType, Endpoint, OperationState, RegistryType, ServicePrincipalProof, shown,
};
use crate::name::ProjectRef;

/// Whether the secret of a connection seen from a project can be refreshed: yes, if the report is
/// [clear](CheckReport::is_clear). Only what stands in the way or is worth knowing is in it.
///
/// The codes of the checks: `low-permission`, `inexact-number`, `type-not-supported`, `scheme-not-supported`,
/// `scheme-without-secret`, `certificate`, `registry-type-not-supported`, `automatic-creation`,
/// `shared-from-another-project`, `shared-owner-unknown`, `shared`, `not-ready`, `setup-failed`, `disabled`, `incomplete`.
///
/// ```
/// use azconnect_devops::{Endpoint, ProjectRef, refresh_checks};
///
/// let endpoint = Endpoint::from_json(br#"{"id":"5e47a0d8-c745-44f8-8f93-784f18ff31c4","type":"azurerm","data":{},
///     "url":"https://management.azure.com/","authorization":{"scheme":"ManagedServiceIdentity","parameters":{}}}"#)?;
/// let checks = refresh_checks(&endpoint, &ProjectRef::new("Web")?);
/// assert!(checks.of("scheme-without-secret").is_some_and(|check| check.blocks()));
/// # Ok::<(), azconnect_core::Error>(())
/// ```
pub fn refresh_checks(endpoint: &Endpoint, project: &ProjectRef) -> CheckReport {
    if endpoint.type_name().is_none() || endpoint.document().get("data").is_none() || endpoint.authorization().is_none()
    {
        // Nothing else can be judged from the part of a document that the service shows here.
        return CheckReport::from(vec![Check::failed(
            "low-permission",
            "permission",
            "only the connection's id and name may be seen",
            "ask for the role Administrator on the connection; a secret cannot be changed without it",
        )]);
    }
    let mut checks = CheckReport::new();
    kind(endpoint, &mut checks);
    creation(endpoint, &mut checks);
    sharing(endpoint, project, &mut checks);
    state(endpoint, &mut checks);
    checks
}

fn kind(endpoint: &Endpoint, checks: &mut CheckReport) {
    match endpoint.connection_type() {
        Some(ConnectionType::AzureRm) => azurerm(endpoint, checks),
        Some(ConnectionType::DockerRegistry) => docker(endpoint, checks),
        _ => checks.push(Check::failed(
            "type-not-supported",
            "type",
            format!("a connection of type {} holds no secret that is refreshed here", shown(endpoint.type_name())),
            "use a connection to Azure Resource Manager, or to a Docker registry of type Others",
        )),
    }
}

fn azurerm(endpoint: &Endpoint, checks: &mut CheckReport) {
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::ServicePrincipal) => {
            if endpoint.service_principal_proof() == Some(&ServicePrincipalProof::Certificate) {
                checks.push(Check::failed(
                    "certificate",
                    "scheme",
                    "it signs in with a certificate, not with a secret",
                    "replace the certificate, or change the connection to a secret first",
                ));
            }
            for key in ["tenantid", "serviceprincipalid"] {
                require(endpoint, key, checks);
            }
        }
        Some(AuthorizationScheme::WorkloadIdentityFederation) => checks.push(Check::failed(
            "scheme-without-secret",
            "scheme",
            "it signs in by workload identity federation, so it holds no secret",
            "nothing needs to be refreshed",
        )),
        Some(AuthorizationScheme::ManagedServiceIdentity) => checks.push(Check::failed(
            "scheme-without-secret",
            "scheme",
            "it signs in with the agent's managed identity, so it holds no secret",
            "nothing needs to be refreshed",
        )),
        _ => checks.push(Check::failed(
            "scheme-not-supported",
            "scheme",
            format!("its scheme {} holds no client secret", shown(endpoint.scheme())),
            "use a connection with a service principal and a secret",
        )),
    }
}

fn docker(endpoint: &Endpoint, checks: &mut CheckReport) {
    if endpoint.registry_type() != Some(&RegistryType::Others) {
        checks.push(Check::failed(
            "registry-type-not-supported",
            "registry",
            format!(
                "a Docker connection of registry type {} is not refreshed here",
                shown(endpoint.data("registrytype"))
            ),
            "use registry type Others with the application's client id as user name",
        ));
        return;
    }
    if !endpoint.is_scheme(AuthorizationScheme::UsernamePassword) {
        checks.push(Check::failed(
            "scheme-not-supported",
            "scheme",
            format!("its scheme {} holds no password", shown(endpoint.scheme())),
            "use a connection with user name and password",
        ));
        return;
    }
    for key in ["registry", "username"] {
        require(endpoint, key, checks);
    }
}

fn require(endpoint: &Endpoint, key: &str, checks: &mut CheckReport) {
    if endpoint.parameter(key).is_none_or(str::is_empty) {
        checks.push(Check::failed(
            "incomplete",
            "parameters",
            format!("it has no {key}"),
            "complete the connection in the portal",
        ));
    }
}

fn creation(endpoint: &Endpoint, checks: &mut CheckReport) {
    if endpoint.has_inexact_number() {
        checks.push(Check::failed(
            "inexact-number",
            "document",
            "it holds a number that cannot be written back exactly",
            "change this connection in the portal",
        ));
    }
    if endpoint.is_automatic() {
        checks.push(Check::failed(
            "automatic-creation",
            "creation",
            "Azure DevOps created its application and manages its secret",
            "convert it to workload identity federation, or create a connection by hand with an application of your own",
        ));
    }
}

fn sharing(endpoint: &Endpoint, project: &ProjectRef, checks: &mut CheckReport) {
    let count = endpoint.projects().count();
    if endpoint.is_shared() != Some(true) && count < 2 {
        return;
    }
    match endpoint.projects().next() {
        None => checks.push(
            Check::unknown(
                "shared-owner-unknown",
                "sharing",
                "it is shared, and the projects that see it are hidden",
                "ask for the role Administrator on the connection to see which project owns it",
            )
            .as_warning(),
        ),
        Some(owner) if project.means(owner.id, owner.project) => checks.push(Check::passed(
            "shared",
            "sharing",
            format!("{count} projects see it and get the new secret too"),
        )),
        Some(owner) => checks.push(Check::failed(
            "shared-from-another-project",
            "sharing",
            format!("it belongs to project {} and is only shared with this one", shown(owner.project.or(owner.id))),
            "refresh it from the project that owns it",
        )),
    }
}

fn state(endpoint: &Endpoint, checks: &mut CheckReport) {
    let status = endpoint.operation_status();
    let failed = status.is_some_and(|status| status.is(&OperationState::Failed));
    if failed {
        let why = status.and_then(|status| status.message).map(|message| shown(Some(message))).unwrap_or_default();
        checks.push(Check::failed(
            "setup-failed",
            "state",
            format!("Azure DevOps could not set it up: {why}"),
            "repair or delete the connection in the portal",
        ));
    } else if endpoint.is_ready() == Some(false) {
        checks.push(Check::failed(
            "not-ready",
            "state",
            "Azure DevOps is still setting it up",
            "wait until it is ready",
        ));
    }
    if endpoint.is_disabled() == Some(true) {
        checks.push(Check::failed("disabled", "state", "it is disabled", "enable the connection, or leave it out"));
    }
}

#[cfg(test)]
mod tests {
    use azconnect_credential::CheckStatus;
    use serde_json::{Value, json};

    use super::*;

    fn rules(change: impl FnOnce(&mut Value)) -> Vec<(String, CheckStatus)> {
        let mut document = json!({
            "id": "1dfdea68-9549-409e-abee-c5da69cfec5f", "name": "deploy", "type": "AzureRM", "isReady": true,
            "url": "https://management.azure.com/", "isShared": false,
            "data": {"creationMode": "Manual"},
            "authorization": {"scheme": "ServicePrincipal", "parameters":
                {"tenantId": "t", "serviceprincipalid": "c", "authenticationType": "spnKey"}},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": "p1", "name": "Web"}, "name": "deploy"}]
        });
        change(&mut document);
        let endpoint = Endpoint::from_value(document).unwrap();
        let checks = refresh_checks(&endpoint, &ProjectRef::new("Web").unwrap());
        checks.into_iter().map(|check| (check.code, check.status)).collect()
    }

    fn only(rule: &str, change: impl FnOnce(&mut Value)) {
        assert_eq!(rules(change), [(rule.to_owned(), CheckStatus::Failed)]);
    }

    #[test]
    fn an_ordinary_connection_has_no_finding() {
        assert_eq!(rules(|_| ()), []);
    }

    #[test]
    fn every_reason_to_refuse_has_its_rule() {
        only("low-permission", |d| drop(d.as_object_mut().unwrap().remove("data")));
        only("low-permission", |d| drop(d.as_object_mut().unwrap().remove("type")));
        only("type-not-supported", |d| d["type"] = "generic".into());
        only("scheme-without-secret", |d| d["authorization"]["scheme"] = "WorkloadIdentityFederation".into());
        only("scheme-not-supported", |d| d["authorization"]["scheme"] = "PublishProfile".into());
        only("certificate", |d| d["authorization"]["parameters"]["authenticationType"] = "spnCertificate".into());
        only("automatic-creation", |d| d["data"]["creationMode"] = "Automatic".into());
        only("not-ready", |d| d["isReady"] = false.into());
        only("setup-failed", |d| d["operationStatus"] = json!({"state": "Failed", "statusMessage": "x"}));
        only("disabled", |d| d["isDisabled"] = true.into());
        only("incomplete", |d| d["authorization"]["parameters"]["tenantId"] = "".into());
    }

    #[test]
    fn sharing_matters_by_owner() {
        let share = |owner: &'static str| {
            move |d: &mut Value| {
                d["isShared"] = true.into();
                d["serviceEndpointProjectReferences"] = json!([
                    {"projectReference": {"id": "p0", "name": owner}}, {"projectReference": {"id": "p9", "name": "Other"}}
                ]);
            }
        };
        only("shared-from-another-project", share("Mobile"));
        assert_eq!(rules(share("Web")), [("shared".to_owned(), CheckStatus::Passed)]);
        let hidden = rules(|d| {
            d["isShared"] = true.into();
            d["serviceEndpointProjectReferences"] = Value::Null;
        });
        assert_eq!(hidden, [("shared-owner-unknown".to_owned(), CheckStatus::Unknown)]);
    }

    #[test]
    fn a_docker_registry_must_be_of_type_others() {
        let docker = |kind: &'static str| {
            move |d: &mut Value| {
                d["type"] = "dockerregistry".into();
                d["data"] = json!({"registrytype": kind});
                d["authorization"] =
                    json!({"scheme": "UsernamePassword", "parameters": {"registry": "r", "username": "u"}});
            }
        };
        assert_eq!(rules(docker("others")), []);
        only("registry-type-not-supported", docker("ACR"));
    }
}
