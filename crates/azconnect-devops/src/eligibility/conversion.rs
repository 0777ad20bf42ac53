//! Whether a connection can be converted to workload identity federation, and if not, by which rule.

use azconnect_credential::{Check, CheckReport};
use serde::Serialize;

use crate::document::{AuthorizationScheme, ConnectionType, Endpoint, EnvironmentName, shown};
use crate::name::ProjectRef;

/// Which connections a conversion takes beyond those that are safe by every reading of the documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConversionRules {
    /// Connections that other projects see too, converted from the project that owns them.
    pub shared: bool,
    /// Connections with an application of one's own. Its federated credential must exist before the conversion.
    pub manual: bool,
}

impl ConversionRules {
    /// Only what is safe by every reading: created by Azure DevOps, seen by one project.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes connections that other projects see too.
    #[must_use]
    pub fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Takes connections with an application of one's own.
    #[must_use]
    pub fn with_manual(mut self, manual: bool) -> Self {
        self.manual = manual;
        self
    }
}

/// Whether a connection seen from a project can be converted: yes, if the report is [clear](CheckReport::is_clear). Only
/// what stands in the way or is worth knowing is in it.
///
/// The codes of the checks: `low-permission`, `inexact-number`, `type-not-supported`, `already-federated`,
/// `scheme-not-supported`, `environment-not-supported`, `manual-creation`, `shared-from-another-project`, `shared`,
/// `shared-owner-unknown`, `not-ready`, `disabled`.
pub fn conversion_checks(endpoint: &Endpoint, project: &ProjectRef, rules: ConversionRules) -> CheckReport {
    if endpoint.type_name().is_none() || endpoint.document().get("data").is_none() || endpoint.authorization().is_none()
    {
        // Nothing else can be judged from the part of a document that the service shows here.
        return CheckReport::from(vec![Check::failed(
            "low-permission",
            "permission",
            "only the connection's id and name may be seen",
            "ask for the role Administrator on the connection",
        )]);
    }
    if endpoint.is_scheme(AuthorizationScheme::WorkloadIdentityFederation) {
        return CheckReport::from(vec![Check::failed(
            "already-federated",
            "scheme",
            "it signs in by workload identity federation already",
            "nothing needs to be done",
        )]);
    }
    let mut checks = CheckReport::new();
    checks.extend(kind(endpoint));
    checks.extend(environment(endpoint));
    checks.extend(creation(endpoint, rules));
    checks.extend(sharing(endpoint, project, rules));
    checks.extend(state(endpoint));
    checks
}

fn kind(endpoint: &Endpoint) -> Option<Check> {
    if !endpoint.is_type(ConnectionType::AzureRm) {
        let message = format!("a connection of type {} has no such scheme", shown(endpoint.type_name()));
        return Some(Check::failed(
            "type-not-supported",
            "type",
            message,
            "only connections to Azure Resource Manager can be converted",
        ));
    }
    (!endpoint.is_scheme(AuthorizationScheme::ServicePrincipal)).then(|| {
        let message = format!("its scheme is {}, not a service principal", shown(endpoint.scheme()));
        Check::failed(
            "scheme-not-supported",
            "scheme",
            message,
            "create a new connection with workload identity federation",
        )
    })
}

fn environment(endpoint: &Endpoint) -> Option<Check> {
    let environment = endpoint.environment()?;
    matches!(environment, EnvironmentName::AzureStack | EnvironmentName::AzureUsGovernment).then(|| {
        let message = format!("Azure DevOps converts no connection to {environment}");
        Check::failed(
            "environment-not-supported",
            "environment",
            message,
            "keep the secret, or create a new connection by hand",
        )
    })
}

fn creation(endpoint: &Endpoint, rules: ConversionRules) -> Option<Check> {
    if endpoint.has_inexact_number() {
        return Some(Check::failed(
            "inexact-number",
            "document",
            "it holds a number that cannot be written back exactly",
            "convert this connection in the portal",
        ));
    }
    if endpoint.is_automatic() {
        return None;
    }
    Some(allowed_if(
        rules.manual,
        Check::failed(
            "manual-creation",
            "creation",
            "its application is one of your own, which the portal does not convert",
            "add the federated credential to the application first, then convert with ConversionRules::with_manual",
        ),
    ))
}

fn sharing(endpoint: &Endpoint, project: &ProjectRef, rules: ConversionRules) -> Option<Check> {
    if endpoint.is_shared() != Some(true) && endpoint.projects().count() < 2 {
        return None;
    }
    let Some(owner) = endpoint.projects().next() else {
        return Some(Check::failed(
            "shared-owner-unknown",
            "sharing",
            "it is shared, and the projects that see it are hidden",
            "ask for the role Administrator on the connection",
        ));
    };
    if !project.means(owner.id, owner.project) {
        let message = format!("it belongs to project {}", shown(owner.project.or(owner.id)));
        return Some(Check::failed(
            "shared-from-another-project",
            "sharing",
            message,
            "convert it from the project that owns it",
        ));
    }
    Some(allowed_if(
        rules.shared,
        Check::failed(
            "shared",
            "sharing",
            "other projects see it too; the documentation asks that only one project uses it",
            "check with the other projects, then convert with ConversionRules::with_shared",
        ),
    ))
}

fn state(endpoint: &Endpoint) -> Option<Check> {
    if endpoint.is_disabled() == Some(true) {
        return Some(Check::failed("disabled", "state", "it is disabled", "enable the connection first"));
    }
    (endpoint.is_ready() == Some(false))
        .then(|| Check::failed("not-ready", "state", "it is not ready", "wait until it is, or repair it"))
}

/// What the caller's rules allow is a warning, and everything else stands in the way.
fn allowed_if(allowed: bool, check: Check) -> Check {
    if allowed { check.as_warning() } else { check }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(rules: ConversionRules, change: impl FnOnce(&mut Value)) -> Vec<(String, bool)> {
        let mut document = json!({
            "id": "1dfdea68-9549-409e-abee-c5da69cfec5f", "type": "azurerm", "isReady": true,
            "data": {"creationMode": "Automatic", "environment": "AzureCloud"},
            "authorization": {"scheme": "ServicePrincipal", "parameters": {}},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": "p1", "name": "Web"}}]
        });
        change(&mut document);
        let endpoint = Endpoint::from_value(document).unwrap();
        let checks = conversion_checks(&endpoint, &ProjectRef::new("Web").unwrap(), rules);
        checks.into_iter().map(|check| (check.code.clone(), check.blocks())).collect()
    }

    fn only(rule: &str, change: impl FnOnce(&mut Value)) {
        assert_eq!(found(ConversionRules::new(), change), [(rule.to_owned(), true)]);
    }

    fn share(document: &mut Value) {
        document["isShared"] = true.into();
    }

    #[test]
    fn each_rule_refuses_by_its_name() {
        assert_eq!(found(ConversionRules::new(), |_| ()), []);
        only("already-federated", |d| d["authorization"]["scheme"] = "workloadidentityfederation".into());
        only("scheme-not-supported", |d| d["authorization"]["scheme"] = "ManagedServiceIdentity".into());
        only("type-not-supported", |d| d["type"] = "dockerregistry".into());
        only("environment-not-supported", |d| d["data"]["environment"] = "AzureStack".into());
        only("manual-creation", |d| d["data"]["creationMode"] = "Manual".into());
        only("shared", share);
        only("shared-from-another-project", |d| {
            share(d);
            d["serviceEndpointProjectReferences"][0]["projectReference"]["name"] = "Mobile".into();
        });
        only("disabled", |d| d["isDisabled"] = true.into());
        only("not-ready", |d| d["isReady"] = false.into());
        only("low-permission", |d| drop(d.as_object_mut().unwrap().remove("data")));
    }

    #[test]
    fn wider_rules_turn_blockers_into_warnings() {
        assert_eq!(found(ConversionRules::new().with_shared(true), share), [("shared".to_owned(), false)]);
        let manual = found(ConversionRules::new().with_manual(true), |d| d["data"]["creationMode"] = "Manual".into());
        assert_eq!(manual, [("manual-creation".to_owned(), false)]);
    }
}
