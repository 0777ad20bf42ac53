//! By whose answer a connection's secret is known to work.
//!
//! Azure DevOps signs in through a connection to Azure. Of a registry it proves nothing, since its test asks Docker Hub
//! whatever the registry is, so the registry's own login is asked. For other types it offers no test.

use azconnect_credential::{Assessment, Candidate, Check, CredentialVerdict};

use crate::document::{ConnectionType, Endpoint, EndpointChange, RegistryType, shown};
use crate::endpoint::Endpoints;
use crate::verify::{RegistryCheck, not_verifiable};

/// The registry of a connection to Docker Hub that names none.
pub(super) const DOCKER_HUB: &str = "index.docker.io";

/// Who is asked.
enum Prover<'a> {
    /// Azure DevOps, which signs in through the connection.
    Service,
    /// The registry, by its address, with a user's name.
    Registry(&'a str, &'a str),
    /// Nobody: the service has no test for the type, or the connection names too little.
    Nobody,
}

impl<'a> Prover<'a> {
    fn of(endpoint: &'a Endpoint) -> Self {
        match endpoint.connection_type() {
            Some(ConnectionType::AzureRm) => Self::Service,
            Some(ConnectionType::DockerRegistry) => match (registry(endpoint), endpoint.application()) {
                (Some(registry), Some(user)) => Self::Registry(registry, user),
                _ => Self::Nobody,
            },
            _ => Self::Nobody,
        }
    }
}

/// The registry that a Docker connection logs in to.
pub(super) fn registry(endpoint: &Endpoint) -> Option<&str> {
    match endpoint.registry_type() {
        Some(RegistryType::AzureContainerRegistry) => endpoint.parameter("loginServer"),
        Some(RegistryType::DockerHub) => {
            Some(endpoint.parameter("registry").filter(|own| !own.trim().is_empty()).unwrap_or(DOCKER_HUB))
        }
        _ => endpoint.parameter("registry"),
    }
}

/// A warning where nobody can be asked, since a push would then stay unproven.
pub(super) async fn unverifiable(check: &RegistryCheck, endpoint: &Endpoint) -> Option<Check> {
    match Prover::of(endpoint) {
        Prover::Service => None,
        Prover::Registry(registry, _) => {
            let error = check.reachable(registry).await.err()?;
            let check = Check::unknown_by("not-verifiable", "verification", &error);
            Some(check.with_cause(format!("its secret cannot be verified: {}", error.message())).as_warning())
        }
        Prover::Nobody => Some(
            Check::unknown(
                "not-verifiable",
                "verification",
                format!("its secret cannot be verified: {}", no_test(endpoint)),
                "bind it with its receipt as proof (with_receipt_as_proof), and look at its server after the rotation",
            )
            .as_warning(),
        ),
    }
}

/// Tries the candidate, and the change that would store it, before it is stored.
pub(super) async fn test(
    endpoints: &Endpoints,
    check: &RegistryCheck,
    endpoint: &Endpoint,
    (candidate, change): (&Candidate<'_>, &EndpointChange<'_>),
) -> Assessment {
    match Prover::of(endpoint) {
        Prover::Service => endpoints.verify_change(endpoint, change, candidate.minted_at).await,
        Prover::Registry(registry, user) => check.verify(registry, user, candidate).await,
        Prover::Nobody => nobody(endpoint),
    }
}

/// Tries what the connection holds, or where that cannot be done, the candidate.
pub(super) async fn verify(
    endpoints: &Endpoints,
    check: &RegistryCheck,
    endpoint: &Endpoint,
    candidate: &Candidate<'_>,
) -> Assessment {
    match Prover::of(endpoint) {
        Prover::Service => endpoints.verify_stored(endpoint, candidate.minted_at).await,
        Prover::Registry(registry, user) => check.verify(registry, user, candidate).await,
        Prover::Nobody => nobody(endpoint),
    }
}

fn nobody(endpoint: &Endpoint) -> Assessment {
    if endpoint.is_type(ConnectionType::DockerRegistry) {
        return not_verifiable();
    }
    Assessment::new(CredentialVerdict::Inconclusive, no_test(endpoint))
        .with_service_code("NotVerifiable")
        .with_advice("bind the connection with its receipt as proof, and look at its server by hand")
}

fn no_test(endpoint: &Endpoint) -> String {
    format!("Azure DevOps offers no test for a connection of type {}", shown(endpoint.type_name()))
}
