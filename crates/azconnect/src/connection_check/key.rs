//! Which of the application's keys a secret is, where the application may read itself.

use azconnect_core::{ClientId, Error, KeyId, Secret, TenantId};
use azconnect_credential::{Check, ConnectionCheck};
use azconnect_graph::PasswordCredential;
use azconnect_saga::within;

use super::needs::ConnectionNeeds;
use super::read::LONGEST_PAUSE;
use super::subject::Subject;
use crate::azure::Azure;

/// The check of the id that was entered, where the service says which id is the secret's.
pub(super) fn judge(subject: &Subject<'_>, found: Option<&PasswordCredential>) -> Option<Check> {
    let (given, found) = (subject.key?, found?.key?);
    let check = ConnectionCheck::KeyEntry;
    Some(match check_key(Some(given), Some(found)) {
        Ok(()) => check.passed("it is the id of this secret"),
        Err(error) => check.failed_by(&error),
    })
}

/// Refuses an id that is proven to be another secret's: whoever believes it removes, in the end, a key that somebody else needs.
pub(crate) fn check_key(given: Option<KeyId>, found: Option<KeyId>) -> Result<(), Error> {
    match (given, found) {
        (Some(given), Some(found)) if given != found => Err(Error::invalid("key", "is the id of another secret")
            .with_advice(format!("give {found}, which is the Secret ID of this secret, or leave it out"))),
        _ => Ok(()),
    }
}

/// The password of an application whose text a secret is, for somebody who waits. `None` where it cannot be found out: an
/// application without the right to read itself is the rule.
pub(crate) async fn password_of(
    azure: &Azure,
    needs: &ConnectionNeeds,
    (tenant, client): (TenantId, ClientId),
    secret: &Secret,
) -> Option<PasswordCredential> {
    let azure = azure.hurried(needs.time_limit, LONGEST_PAUSE);
    let acting = azure.identity_with_secret(tenant, client, secret.duplicate()).ok()?;
    let (graph, clock) = (acting.graph(), azure.pipeline().clock());
    let read = Box::pin(graph.password_of_secret(client, secret));
    within(&**clock, needs.time_limit, "Microsoft Graph", read).await.ok()?.ok()?
}
