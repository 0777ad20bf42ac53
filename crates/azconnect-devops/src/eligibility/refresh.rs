//! Whether a connection's secret can be refreshed, and if not, by which rule.

use azconnect_credential::{Check, CheckReport};

use super::kind::kind;
use crate::document::{ConnectionType, Endpoint, OperationState, RegistryType, shown};
use crate::name::ProjectRef;

/// Whether the secret of a connection seen from a project can be refreshed: yes, if the report is
/// [clear](CheckReport::is_clear). Only what stands in the way or is worth knowing is in it.
///
/// The kinds that can: a service principal's key in a connection to Azure Resource Manager or Azure Container Registry, the
/// password of one to another registry, to Docker Hub or of type Generic, and the key of an application in one to Kubernetes.
///
/// The codes of the checks: `low-permission`, `inexact-number`, `type-not-supported`, `scheme-not-supported`,
/// `scheme-without-secret`, `certificate`, `registry-type-not-supported`, `user-is-no-application`, `kubeconfig`,
/// `cluster-token`, `automatic-creation`, `shared-from-another-project`, `shared-owner-unknown`, `shared`, `not-ready`,
/// `setup-failed`, `disabled`, `incomplete`.
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

fn creation(endpoint: &Endpoint, checks: &mut CheckReport) {
    if endpoint.has_inexact_number() {
        checks.push(Check::failed(
            "inexact-number",
            "document",
            "it holds a number that cannot be written back exactly",
            "change this connection in the portal",
        ));
    }
    if endpoint.is_automatic() || is_automatic_registry(endpoint) {
        checks.push(automatic());
    }
}

/// A connection to Azure Container Registry has no `creationMode`: the object id of the application is kept only where Azure
/// DevOps made it.
fn is_automatic_registry(endpoint: &Endpoint) -> bool {
    endpoint.is_type(ConnectionType::DockerRegistry)
        && endpoint.registry_type() == Some(&RegistryType::AzureContainerRegistry)
        && endpoint.creation_mode().is_none()
        && endpoint.data("appObjectId").is_some_and(|id| !id.is_empty())
}

pub(super) fn automatic() -> Check {
    Check::failed(
        "automatic-creation",
        "creation",
        "Azure DevOps created its application and manages its secret",
        "convert it to workload identity federation, or create a connection by hand with an application of your own",
    )
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
        only("type-not-supported", |d| d["type"] = "ssh".into());
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

    const CLIENT: &str = "7c86b535-818b-423f-b0fd-19a2e9f32710";

    fn of(kind: &'static str, data: Value, authorization: Value) -> impl FnOnce(&mut Value) {
        move |document| {
            document["type"] = kind.into();
            (document["data"], document["authorization"]) = (data, authorization);
        }
    }

    fn user(name: &str) -> Value {
        json!({"scheme": "UsernamePassword", "parameters": {"registry": "r", "username": name}})
    }

    fn registry(kind: &str) -> Value {
        json!({"registrytype": kind})
    }

    fn principal(change: impl FnOnce(&mut Value)) -> Value {
        let mut authorization = json!({"scheme": "ServicePrincipal", "parameters": {"loginServer": "contoso.azurecr.io",
            "tenantid": "t", "serviceprincipalid": CLIENT, "authenticationType": "spnKey"}});
        change(&mut authorization);
        authorization
    }

    #[test]
    fn a_user_s_password_is_refreshed_in_registries_and_generic_connections() {
        assert_eq!(rules(of("dockerregistry", registry("others"), user(CLIENT))), []);
        assert_eq!(rules(of("dockerregistry", registry("DockerHub"), user(CLIENT))), []);
        assert_eq!(rules(of("generic", json!({}), user(CLIENT))), []);
        only("registry-type-not-supported", of("dockerregistry", registry("Brand-New"), user(CLIENT)));
        only("incomplete", of("generic", json!({}), user("")));
        for kind in ["generic", "dockerregistry"] {
            let token = json!({"scheme": "Token", "parameters": {"registry": "r", "username": CLIENT}});
            only("scheme-not-supported", of(kind, registry("Others"), token));
            only("user-is-no-application", of(kind, registry("Others"), user("ann")));
        }
    }

    #[test]
    fn an_azure_container_registry_takes_a_service_principal_s_key() {
        let with = |change: fn(&mut Value)| of("dockerregistry", registry("ACR"), principal(change));
        assert_eq!(rules(with(|_| ())), []);
        only("certificate", with(|own| own["parameters"]["authenticationType"] = "spnCertificate".into()));
        only("scheme-without-secret", with(|own| own["scheme"] = "WorkloadIdentityFederation".into()));
        only("scheme-without-secret", with(|own| own["scheme"] = "ManagedServiceIdentity".into()));
        only("scheme-not-supported", with(|own| own["scheme"] = "UsernamePassword".into()));
        only("incomplete", with(|own| own["parameters"]["loginServer"] = "".into()));
        let automatic = json!({"registrytype": "ACR", "appObjectId": CLIENT});
        only("automatic-creation", of("dockerregistry", automatic, principal(|_| ())));
    }

    #[test]
    fn a_kubernetes_connection_takes_an_application_s_key_and_nothing_else() {
        let with = |kind: &str, parameters: Value| {
            let authorization = json!({"scheme": "Kubernetes", "parameters": parameters});
            of("kubernetes", json!({"authorizationType": kind}), authorization)
        };
        assert_eq!(rules(with("AzureSubscription", json!({"spnId": CLIENT}))), []);
        let automatic = json!({"spnId": CLIENT, "spnCreationMethod": "Automatic"});
        only("automatic-creation", with("AzureSubscription", automatic));
        only("cluster-token", with("AzureSubscription", json!({"serviceAccountName": "deploy"})));
        only("cluster-token", with("ServiceAccount", json!({"spnId": CLIENT})));
        only("kubeconfig", with("Kubeconfig", json!({"spnId": CLIENT})));
    }
}
