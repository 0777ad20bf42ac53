//! Who asks: whether the identity signs in, sees the subscription, and has a role that suffices.

use azconnect_core::{Error, ErrorKind, Retry, SubscriptionId};
use azconnect_credential::Check;
use azconnect_credential::entra::{PROPAGATION, assess, is_refusal};

use super::action::{JOIN_SECURITY_GROUP, RUN_COMMAND, needed};
use super::check::PreflightCheck;
use super::judge::unread;
use super::read::Facts;
use crate::resource::ResourceId;
use crate::resource::access::{Permissions, allowed};
use crate::spec::{GroupChoice, VmSpec};

/// The code by which the service refuses a token of another tenant than the subscription's.
const WRONG_TENANT: &str = "InvalidAuthenticationTokenTenant";

/// The check of a sign-in that gave no token.
pub(super) fn refused(error: &Error) -> Check {
    let by_entra = is_refusal(&assess(error, None, PROPAGATION));
    // What an identity of the caller's own refuses for good has no number of Entra ID.
    let for_good = error.retry() == Retry::No
        && matches!(
            error.kind(),
            ErrorKind::Unauthenticated
                | ErrorKind::PermissionDenied
                | ErrorKind::InvalidInput
                | ErrorKind::NotFound
                | ErrorKind::Unsupported
        );
    if by_entra || for_good {
        PreflightCheck::Token.failed_by(error).with_cause(error.message())
    } else {
        PreflightCheck::Token.unknown_by(error)
    }
}

/// Adds the checks of token, subscription and role, as far as they can be made. What it returns has to come first, before
/// any other check is worth making.
pub(super) fn judge(
    subscription: SubscriptionId,
    spec: &VmSpec,
    facts: &Facts,
    checks: &mut Vec<Check>,
) -> Option<&'static str> {
    if let Some(error) = refused_token(facts) {
        checks.push(unread(PreflightCheck::Token, error));
        return Some("the identity has to sign in first");
    }
    checks.push(PreflightCheck::Token.passed("the identity signs in"));
    let lacks_role = lacks_every_role(facts);
    let seen = subscription_state(facts, lacks_role);
    // Seen nowhere: then nothing in it is, and its role cannot be asked for either.
    let closed = facts.subscription.is_err() && seen.blocks();
    checks.push(seen);
    if closed {
        return Some("the subscription has to be found first");
    }
    if lacks_role {
        checks.push(no_role(subscription, spec, facts));
        return Some("the identity needs a role first");
    }
    checks.push(role(spec, facts));
    None
}

/// A refusal of the token itself, by the service for which it was made.
fn refused_token(facts: &Facts) -> Option<&Error> {
    let reads = [facts.subscription.as_ref().err(), facts.permissions.as_ref().err(), facts.group.as_ref().err()];
    let refuses =
        |error: &&Error| error.kind() == ErrorKind::Unauthenticated && error.service_code() != Some(WRONG_TENANT);
    reads.into_iter().flatten().find(refuses)
}

fn subscription_state(facts: &Facts, lacks_role: bool) -> Check {
    let check = PreflightCheck::Subscription;
    match &facts.subscription {
        // One replica may not know what another shows.
        Err(error) if error.kind() == ErrorKind::NotFound && matches!(facts.group, Ok(Some(_))) => {
            check.unknown("it is not shown, and its resource group is", "nothing, if the provisioning succeeds")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => check
            .failed(
                "it does not exist, or the identity has no role in it",
                "check its id and the tenant that the identity signs in to, and ask an administrator of the subscription \
                 for a role in it",
            )
            .with_error(error),
        Err(error) if error.kind() == ErrorKind::PermissionDenied && lacks_role => {
            check.skipped("it is shown to those who have a role in it")
        }
        Err(error) => unread(check, error),
        Ok(view) if matches!(view.state.as_str(), "Enabled" | "Warned" | "PastDue") => {
            check.passed(format!("{} is {}", view.display_name, view.state))
        }
        Ok(view) if view.state.is_empty() => check.unknown("its state is not shown", "check it in the portal"),
        Ok(view) => {
            check.failed(format!("{} is {}", view.display_name, view.state), "have the subscription's owner enable it")
        }
    }
}

/// Whether the identity may do nothing at all here. Only refusals say so: an identity of one group reads at least its group,
/// and an outage proves nothing.
fn lacks_every_role(facts: &Facts) -> bool {
    let nothing_listed = facts.permissions.as_ref().is_ok_and(Vec::is_empty);
    let unlisted = |error: &Error| matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound);
    match &facts.group {
        Ok(Some(_)) => false,
        // Not there, or not in sight: only the list of what it may do at the subscription tells.
        Ok(None) => nothing_listed,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            nothing_listed || facts.permissions.as_ref().is_err_and(unlisted)
        }
        Err(_) => false,
    }
}

fn no_role(subscription: SubscriptionId, spec: &VmSpec, facts: &Facts) -> Check {
    let group = ResourceId::of_group(subscription, spec.group.name());
    let (cause, scope) = match (&facts.group, &facts.subscription) {
        // It is refused before anybody looks whether the group exists.
        (Err(_), Ok(_)) => (format!("the identity may not even read the resource group {}", spec.group.name()), group),
        (Ok(_), _) => ("the identity has no role".to_owned(), ResourceId::of_subscription(subscription)),
        _ => (format!("the identity has no role in the subscription or in {}", spec.group.name()), group),
    };
    let remedy = format!(
        "an administrator runs: az role assignment create --assignee CLIENT-ID --role Contributor --scope {scope}; a role \
         just granted takes some minutes"
    );
    PreflightCheck::Role.failed(cause, remedy)
}

fn role(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Role;
    let permissions = match &facts.permissions {
        Err(error) => return unread(check, error),
        Ok(permissions) => permissions,
    };
    let creates = matches!((&spec.group, &facts.group), (GroupChoice::Create(_), Ok(None)));
    // Of a security group that is elsewhere, what is allowed here says nothing.
    let is_of_here = |action: &&str| facts.security_group.is_none() || *action != JOIN_SECURITY_GROUP;
    let missing: Vec<&str> =
        needed(spec, creates).into_iter().filter(is_of_here).filter(|action| !allowed(permissions, action)).collect();
    match missing.split_first() {
        None => elsewhere(spec, facts).unwrap_or_else(|| probing(spec, permissions)),
        Some((first, rest)) => check.failed(
            format!(
                "{first} is not allowed{}",
                if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) }
            ),
            format!("ask for Contributor on the resource group, or a role with: {}", missing.join(", ")),
        ),
    }
}

/// What keeps the identity from using a network security group that is in a group of others.
fn elsewhere(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let (group, permissions) = (spec.security_group.as_ref()?, facts.security_group.as_ref()?);
    match permissions {
        Err(error) => Some(unread(PreflightCheck::Role, error)),
        Ok(permissions) if allowed(permissions, JOIN_SECURITY_GROUP) => None,
        Ok(_) => Some(PreflightCheck::Role.failed(
            format!("the identity may not use the network security group {}", group.name()),
            format!("ask for a role with the action {JOIN_SECURITY_GROUP} at {group}, such as Network Contributor"),
        )),
    }
}

/// Whether the agent can be probed. Only the caller knows whether it has a probe of its own, which needs no role.
fn probing(spec: &VmSpec, permissions: &[Permissions]) -> Check {
    if spec.agent.is_none() || allowed(permissions, RUN_COMMAND) {
        return PreflightCheck::Role.passed("every action that is needed is allowed");
    }
    PreflightCheck::Role.unknown(
        format!("{RUN_COMMAND} is not allowed, by which the agent is probed"),
        "ask for a role with this action, or probe the agent in a way of your own (Provisioner::with_probe)",
    )
}
