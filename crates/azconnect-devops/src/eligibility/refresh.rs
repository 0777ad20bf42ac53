//! Whether a connection's secret can be refreshed, and if not, by which rule.

use azconnect_credential::{Finding, Severity};

use crate::document::{
    AuthorizationScheme, ConnectionType, Endpoint, OperationState, RegistryType, ServicePrincipalProof, shown,
};
use crate::name::ProjectRef;

/// What is found about refreshing the secret of a connection seen from a project. No finding that
/// [blocks](Finding::blocks) means that it can be done.
///
/// The rules, by their stable names: `low-permission`, `inexact-number`, `type-not-supported`, `scheme-not-supported`,
/// `scheme-without-secret`, `certificate`, `registry-type-not-supported`, `automatic-creation`,
/// `shared-from-another-project`, `shared-owner-unknown`, `shared`, `not-ready`, `setup-failed`, `disabled`, `incomplete`.
///
/// ```
/// use azconnect_devops::{Endpoint, ProjectRef, refresh_findings};
///
/// let endpoint = Endpoint::from_json(br#"{"id":"5e47a0d8-c745-44f8-8f93-784f18ff31c4","type":"azurerm","data":{},
///     "url":"https://management.azure.com/","authorization":{"scheme":"ManagedServiceIdentity","parameters":{}}}"#)?;
/// let findings = refresh_findings(&endpoint, &ProjectRef::new("Web")?);
/// assert_eq!(findings[0].rule, "scheme-without-secret");
/// # Ok::<(), azconnect_core::Error>(())
/// ```
pub fn refresh_findings(endpoint: &Endpoint, project: &ProjectRef) -> Vec<Finding> {
    if endpoint.type_name().is_none() || endpoint.document().get("data").is_none() || endpoint.authorization().is_none()
    {
        return vec![blocker(
            "low-permission",
            "only the connection's id and name may be seen",
            "ask for the role Administrator on the connection; a secret cannot be changed without it",
        )];
    }
    let mut findings = Vec::new();
    kind(endpoint, &mut findings);
    creation(endpoint, &mut findings);
    sharing(endpoint, project, &mut findings);
    state(endpoint, &mut findings);
    findings
}

fn kind(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    match endpoint.connection_type() {
        Some(ConnectionType::AzureRm) => azurerm(endpoint, findings),
        Some(ConnectionType::DockerRegistry) => docker(endpoint, findings),
        _ => findings.push(blocker(
            "type-not-supported",
            format!("a connection of type {} holds no secret that is refreshed here", shown(endpoint.type_name())),
            "use a connection to Azure Resource Manager, or to a Docker registry of type Others",
        )),
    }
}

fn azurerm(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::ServicePrincipal) => {
            if endpoint.service_principal_proof() == Some(&ServicePrincipalProof::Certificate) {
                findings.push(blocker(
                    "certificate",
                    "it signs in with a certificate, not with a secret",
                    "replace the certificate, or change the connection to a secret first",
                ));
            }
            for key in ["tenantid", "serviceprincipalid"] {
                require(endpoint, key, findings);
            }
        }
        Some(AuthorizationScheme::WorkloadIdentityFederation) => findings.push(blocker(
            "scheme-without-secret",
            "it signs in by workload identity federation, so it holds no secret",
            "nothing needs to be refreshed",
        )),
        Some(AuthorizationScheme::ManagedServiceIdentity) => findings.push(blocker(
            "scheme-without-secret",
            "it signs in with the agent's managed identity, so it holds no secret",
            "nothing needs to be refreshed",
        )),
        _ => findings.push(blocker(
            "scheme-not-supported",
            format!("its scheme {} holds no client secret", shown(endpoint.scheme())),
            "use a connection with a service principal and a secret",
        )),
    }
}

fn docker(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    if endpoint.registry_type() != Some(&RegistryType::Others) {
        findings.push(blocker(
            "registry-type-not-supported",
            format!(
                "a Docker connection of registry type {} is not refreshed here",
                shown(endpoint.data("registrytype"))
            ),
            "use registry type Others with the application's client id as user name",
        ));
        return;
    }
    if !endpoint.is_scheme(AuthorizationScheme::UsernamePassword) {
        findings.push(blocker(
            "scheme-not-supported",
            format!("its scheme {} holds no password", shown(endpoint.scheme())),
            "use a connection with user name and password",
        ));
        return;
    }
    for key in ["registry", "username"] {
        require(endpoint, key, findings);
    }
}

fn require(endpoint: &Endpoint, key: &str, findings: &mut Vec<Finding>) {
    if endpoint.parameter(key).is_none_or(str::is_empty) {
        findings.push(blocker("incomplete", format!("it has no {key}"), "complete the connection in the portal"));
    }
}

fn creation(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    if endpoint.has_inexact_number() {
        findings.push(blocker(
            "inexact-number",
            "it holds a number that cannot be written back exactly",
            "change this connection in the portal",
        ));
    }
    if endpoint.is_automatic() {
        findings.push(blocker(
            "automatic-creation",
            "Azure DevOps created its application and manages its secret",
            "convert it to workload identity federation, or create a connection by hand with an application of your own",
        ));
    }
}

fn sharing(endpoint: &Endpoint, project: &ProjectRef, findings: &mut Vec<Finding>) {
    let count = endpoint.projects().count();
    if endpoint.is_shared() != Some(true) && count < 2 {
        return;
    }
    match endpoint.projects().next() {
        None => findings.push(Finding::new(
            Severity::Warning,
            "shared-owner-unknown",
            "it is shared, and the projects that see it are hidden",
            "ask for the role Administrator on the connection to see which project owns it",
        )),
        Some(owner) if project.means(owner.id, owner.project) => findings.push(Finding::new(
            Severity::Note,
            "shared",
            format!("{count} projects see it and get the new secret too"),
            "nothing needs to be done",
        )),
        Some(owner) => findings.push(blocker(
            "shared-from-another-project",
            format!("it belongs to project {} and is only shared with this one", shown(owner.project.or(owner.id))),
            "refresh it from the project that owns it",
        )),
    }
}

fn state(endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    let status = endpoint.operation_status();
    let failed = status.is_some_and(|status| status.is(&OperationState::Failed));
    if failed {
        let why = status.and_then(|status| status.message).map(|message| shown(Some(message))).unwrap_or_default();
        findings.push(blocker(
            "setup-failed",
            format!("Azure DevOps could not set it up: {why}"),
            "repair or delete the connection in the portal",
        ));
    } else if endpoint.is_ready() == Some(false) {
        findings.push(blocker("not-ready", "Azure DevOps is still setting it up", "wait until it is ready"));
    }
    if endpoint.is_disabled() == Some(true) {
        findings.push(blocker("disabled", "it is disabled", "enable the connection, or leave it out"));
    }
}

fn blocker(rule: &str, message: impl Into<String>, advice: &str) -> Finding {
    Finding::new(Severity::Blocker, rule, message, advice)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rules(change: impl FnOnce(&mut Value)) -> Vec<(String, Severity)> {
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
        let findings = refresh_findings(&endpoint, &ProjectRef::new("Web").unwrap());
        findings.into_iter().map(|finding| (finding.rule, finding.severity)).collect()
    }

    fn only(rule: &str, change: impl FnOnce(&mut Value)) {
        assert_eq!(rules(change), [(rule.to_owned(), Severity::Blocker)]);
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
        assert_eq!(rules(share("Web")), [("shared".to_owned(), Severity::Note)]);
        let hidden = rules(|d| {
            d["isShared"] = true.into();
            d["serviceEndpointProjectReferences"] = Value::Null;
        });
        assert_eq!(hidden, [("shared-owner-unknown".to_owned(), Severity::Warning)]);
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
