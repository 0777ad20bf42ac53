//! The subscription: whether it is seen, enabled, of the tenant, and what the application may do in it.

use azconnect_arm::Fault;
use azconnect_arm::error::is_about_rights;
use azconnect_arm::resource::subscription::SubscriptionView;
use azconnect_core::{Error, ErrorKind, TenantId};
use azconnect_credential::{Check, ConnectionCheck};

use super::needs::ConnectionNeeds;
use super::place;
use super::read::{InSubscription, Inside};
use super::role;
use super::shown::shown;
use super::subject::Subject;

/// The code by which the service refuses a token of another tenant than the subscription's.
const WRONG_TENANT: &str = "InvalidAuthenticationTokenTenant";

/// The checks of everything in the subscription.
pub(super) fn judge(needs: &ConnectionNeeds, subject: &Subject<'_>, inside: &Inside) -> Vec<Check> {
    let Some(facts) = &inside.subscription else {
        return skipped(subject, &[], "the subscription has to be entered first");
    };
    if let Err(error) = &facts.view
        && error.service_code() == Some(WRONG_TENANT)
    {
        let mut checks = vec![elsewhere(error)];
        checks.extend(skipped(subject, &checks, "the subscription has to belong to the tenant"));
        return checks;
    }
    let seen = subscription(facts);
    let closed = seen.blocks();
    let mut checks = vec![seen];
    if closed {
        checks.extend(skipped(subject, &checks, "the subscription has to be found first"));
        return checks;
    }
    checks.push(of_view(ConnectionCheck::SubscriptionState, &facts.view, state));
    checks.push(of_view(ConnectionCheck::SubscriptionTenant, &facts.view, |view| owner(view, inside.tenant)));
    checks.push(role::judge(needs, subject, facts));
    checks.extend(place::judge(subject, facts));
    checks
}

/// All checks in the subscription that were not made.
fn skipped(subject: &Subject<'_>, made: &[Check], first: &str) -> Vec<Check> {
    let all = [
        (ConnectionCheck::Subscription, true),
        (ConnectionCheck::SubscriptionState, true),
        (ConnectionCheck::SubscriptionTenant, true),
        (ConnectionCheck::Role, true),
        (ConnectionCheck::Region, subject.region.is_some()),
        (ConnectionCheck::Providers, true),
        (ConnectionCheck::Group, subject.group.is_some()),
    ];
    let left = |check: ConnectionCheck| !made.iter().any(|made| made.code == check.code());
    all.into_iter().filter(|(check, wanted)| *wanted && left(*check)).map(|(check, _)| check.skipped(first)).collect()
}

fn elsewhere(error: &Error) -> Check {
    let right = Fault::of(error).and_then(|fault| fault.tenant);
    let cause = match right {
        Some(tenant) => format!("it belongs to the tenant {tenant}"),
        None => "it belongs to another tenant".to_owned(),
    };
    ConnectionCheck::SubscriptionTenant.failed(cause, error.advice()).with_error(error)
}

fn subscription(facts: &InSubscription) -> Check {
    let check = ConnectionCheck::Subscription;
    let group_is_seen = matches!(facts.group, Some(Ok(Some(_))));
    match &facts.view {
        Ok(view) => check.passed(shown(&view.display_name).unwrap_or("it is seen")),
        // One replica may not know what another shows.
        Err(error) if error.kind() == ErrorKind::NotFound && group_is_seen => check
            .unknown("it is not shown, and its resource group is", "nothing, if the work succeeds")
            .with_error(error),
        Err(error) if error.kind() == ErrorKind::NotFound && error.service_code().is_some() => check
            .failed(
                "it does not exist, or the application has no role in it",
                "check its id, and ask an administrator of the subscription for a role in it",
            )
            .with_error(error),
        Err(error) if error.kind() == ErrorKind::InvalidInput && error.service_code().is_some() => {
            check.failed_by(error)
        }
        // The service itself refuses a token that Entra ID has just given, as for a principal that was deleted meanwhile.
        Err(error) if error.kind() == ErrorKind::Unauthenticated && error.service_code().is_some() => {
            check.failed_by(error)
        }
        Err(error) => unread(check, error),
    }
}

fn of_view(
    check: ConnectionCheck,
    view: &Result<SubscriptionView, Error>,
    judge: impl Fn(&SubscriptionView) -> Check,
) -> Check {
    match view {
        Ok(view) => judge(view),
        Err(_) => check.unknown("the subscription is not shown", "nothing, if the work succeeds"),
    }
}

fn state(view: &SubscriptionView) -> Check {
    let check = ConnectionCheck::SubscriptionState;
    match view.state.to_ascii_lowercase().as_str() {
        "enabled" => check.passed("it is enabled"),
        "warned" | "pastdue" => check
            .passed(format!("it works still, and is {}", view.state))
            .with_remedy("have the subscription's owner settle its account")
            .as_warning(),
        "" => check.unknown("its state is not shown", "check it in the portal"),
        _ => {
            let state = shown(&view.state).unwrap_or("not enabled");
            check.failed(format!("it is {state}"), "have the subscription's owner enable it")
        }
    }
}

fn owner(view: &SubscriptionView, tenant: TenantId) -> Check {
    let check = ConnectionCheck::SubscriptionTenant;
    let tenant = tenant.to_string();
    let is_it = |other: &str| other.eq_ignore_ascii_case(&tenant);
    match view.tenant_id.as_deref().and_then(shown) {
        None => check.unknown("its tenant is not shown", "check it in the portal"),
        Some(owner) if is_it(owner) => check.passed("it belongs to the tenant"),
        // Azure Lighthouse: its owner has delegated it.
        Some(owner) if view.managed_by_tenants.iter().any(|manager| is_it(&manager.tenant_id)) => {
            check.passed(format!("it belongs to the tenant {owner}, which lets this one manage it"))
        }
        Some(owner) => check.failed(
            format!("it belongs to the tenant {owner}"),
            format!(
                "register an application in the tenant {owner}, give it a role in the subscription, and enter that one"
            ),
        ),
    }
}

/// The check of what could not be read.
pub(super) fn unread(check: ConnectionCheck, error: &Error) -> Check {
    if is_about_rights(error) {
        return check.unknown("the application may not read this", "nothing, if the work succeeds").with_error(error);
    }
    check.unknown_by(error)
}
