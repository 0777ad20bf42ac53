//! Whether a connection is of a kind that holds a secret which can be refreshed.

use azconnect_core::ClientId;
use azconnect_credential::{Check, CheckReport};

use crate::document::{
    AuthorizationScheme, ConnectionType, Endpoint, RegistryType, ServicePrincipalProof, holds_application_key, shown,
};

/// Finds what stands in the way by type, scheme and parameters.
pub(super) fn kind(endpoint: &Endpoint, checks: &mut CheckReport) {
    match endpoint.connection_type() {
        Some(ConnectionType::AzureRm) => service_principal(endpoint, checks),
        Some(ConnectionType::DockerRegistry) => docker(endpoint, checks),
        Some(ConnectionType::Generic) => user(endpoint, checks),
        Some(ConnectionType::Kubernetes) => kubernetes(endpoint, checks),
        _ => checks.push(Check::failed(
            "type-not-supported",
            "type",
            format!("a connection of type {} holds no secret that is refreshed here", shown(endpoint.type_name())),
            "use a connection to Azure Resource Manager, a Docker registry, Kubernetes, or of type Generic",
        )),
    }
}

/// A service principal with a key: the scheme of Azure Resource Manager and of Azure Container Registry.
fn service_principal(endpoint: &Endpoint, checks: &mut CheckReport) {
    match endpoint.authorization_scheme() {
        Some(AuthorizationScheme::ServicePrincipal) => {
            if endpoint.service_principal_proof() == Some(&ServicePrincipalProof::Certificate) {
                checks.push(certificate());
            }
            require(endpoint, &["tenantid", "serviceprincipalid"], checks);
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

/// It does not use the secret that is rotated, so it is neither broken by a rotation nor a consumer of it.
fn certificate() -> Check {
    Check::failed(
        "certificate",
        "scheme",
        "it signs in with a certificate, and holds no client secret",
        "leave it out of the rotation, which does not break it; or say by name that the client secret takes the place of \
         its certificate: with_certificate_replaced",
    )
}

fn docker(endpoint: &Endpoint, checks: &mut CheckReport) {
    match endpoint.registry_type() {
        Some(RegistryType::Others) => {
            user(endpoint, checks);
            require(endpoint, &["registry"], checks);
        }
        Some(RegistryType::DockerHub) => user(endpoint, checks),
        Some(RegistryType::AzureContainerRegistry) => {
            service_principal(endpoint, checks);
            if checks.is_clear() {
                require(endpoint, &["loginServer"], checks);
            }
        }
        _ => checks.push(Check::failed(
            "registry-type-not-supported",
            "registry",
            format!(
                "a Docker connection of registry type {} is not refreshed here",
                shown(endpoint.data("registrytype"))
            ),
            "use registry type Others or Docker Hub with user name and password, or ACR with a service principal",
        )),
    }
}

/// A user name and a password. Whose password it is, is known only where the user name is a client id.
fn user(endpoint: &Endpoint, checks: &mut CheckReport) {
    if !endpoint.is_scheme(AuthorizationScheme::UsernamePassword) {
        checks.push(Check::failed(
            "scheme-not-supported",
            "scheme",
            format!("its scheme {} holds no password", shown(endpoint.scheme())),
            "use a connection with user name and password",
        ));
        return;
    }
    require(endpoint, &["username"], checks);
    let user = endpoint.parameter("username").unwrap_or_default().trim();
    if !user.is_empty() && user.parse::<ClientId>().is_err() {
        let cause = format!("its user {} is no application, so it holds no client secret", shown(Some(user)));
        let remedy = "for a client secret its user name is the application's client id";
        checks.push(Check::failed("user-is-no-application", "application", cause, remedy));
    }
}

fn kubernetes(endpoint: &Endpoint, checks: &mut CheckReport) {
    if holds_application_key(endpoint) {
        if endpoint.parameter("spnCreationMethod").is_some_and(|method| method.eq_ignore_ascii_case("automatic")) {
            checks.push(super::automatic());
        }
        return;
    }
    let kubeconfig = endpoint.data("authorizationType").is_some_and(|own| own.eq_ignore_ascii_case("Kubeconfig"));
    checks.push(match kubeconfig {
        true => Check::failed(
            "kubeconfig",
            "scheme",
            "it holds a kubeconfig, which is shown to nobody, so that no single secret in it can be replaced",
            "write a new kubeconfig by hand, or use a connection of authorization type AzureSubscription",
        ),
        false => Check::failed(
            "cluster-token",
            "scheme",
            "it holds a token of the cluster's own service account, which is no client secret",
            "nothing needs to be refreshed when an application's secret is rotated",
        ),
    });
}

fn require(endpoint: &Endpoint, keys: &[&str], checks: &mut CheckReport) {
    for key in keys.iter().filter(|key| endpoint.parameter(key).is_none_or(str::is_empty)) {
        checks.push(Check::failed(
            "incomplete",
            "parameters",
            format!("it has no {key}"),
            "complete the connection in the portal",
        ));
    }
}
