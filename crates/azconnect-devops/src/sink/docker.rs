//! The half of the sink that knows connections to Docker registries.
//!
//! Azure DevOps proves nothing about them: its test asks Docker Hub, whatever the registry is. So the registry's own login
//! proves that a secret works, and what is known of the last push tells whether the connection holds that secret.

use azconnect_core::ClientId;
use azconnect_credential::{Assessment, Candidate, Check, CredentialVerdict};

use super::last_push::LastPush;
use super::other_application;
use crate::document::Endpoint;
use crate::tolerant::moment;
use crate::verify::{RegistryCheck, not_verifiable};

/// What stands in the way of pushing this application's secret: the user of the registry is its client id.
pub(super) fn checks(endpoint: &Endpoint, client: ClientId) -> Vec<Check> {
    other_application(endpoint.parameter("username"), client).into_iter().collect()
}

/// A warning if the registry cannot be asked, since a push would then stay unproven.
pub(super) async fn unverifiable(check: &RegistryCheck, endpoint: &Endpoint) -> Option<Check> {
    let error = check.reachable(endpoint.parameter("registry")?).await.err()?;
    let check = Check::unknown_by("not-verifiable", "verification", &error);
    Some(check.with_cause(format!("its secret cannot be verified: {}", error.message())).as_warning())
}

/// Logs in to the registry with the candidate.
pub(super) async fn test(check: &RegistryCheck, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
    match (endpoint.parameter("registry"), endpoint.parameter("username")) {
        (Some(registry), Some(user)) => check.verify(registry, user, candidate).await,
        _ => not_verifiable(),
    }
}

/// Logs in with the candidate, and accepts it only if the connection is known to hold it.
pub(super) async fn verify(
    check: &RegistryCheck,
    last: &LastPush,
    endpoint: &Endpoint,
    candidate: &Candidate<'_>,
) -> Assessment {
    let assessment = test(check, endpoint, candidate).await;
    if !assessment.is_accepted() {
        return assessment;
    }
    match holds(last, endpoint, candidate) {
        Ok(how) => Assessment::new(CredentialVerdict::Accepted, format!("{}; {how}", assessment.evidence)),
        Err(why) => Assessment::new(CredentialVerdict::Inconclusive, format!("{}, but {why}", assessment.evidence))
            .with_service_code("NotVerifiable")
            .with_advice("push the secret again: Azure DevOps shows to nobody what a connection holds"),
    }
}

/// How it is known that a connection whose secret cannot be read holds the candidate, or why it is not.
fn holds(last: &LastPush, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Result<&'static str, &'static str> {
    if candidate.revision.is_some() && candidate.revision == endpoint.modification_date() {
        return Ok("it was not changed since the push");
    }
    match (last.was(candidate.secret), candidate.minted_at, endpoint.modification_date().and_then(moment)) {
        (Some(true), ..) => Ok("it was pushed and read back"),
        (Some(false), ..) => Err("another secret was pushed last"),
        (None, Some(minted), Some(changed)) if changed >= minted => {
            Ok("the connection was changed after it was minted")
        }
        (None, Some(_), Some(_)) => Err("the connection was not changed since it was minted"),
        (None, ..) => Err("when the connection was changed is not known"),
    }
}
