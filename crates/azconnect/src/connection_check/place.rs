//! Where: region, resource providers and resource group.

use azconnect_arm::resource::group::ResourceGroup;
use azconnect_credential::{Check, ConnectionCheck};

use super::read::InSubscription;
use super::shown::shown;
use super::standing::unread;
use super::subject::Subject;

/// How many regions are named to choose from.
const NAMED: usize = 8;

/// The checks of the places that were named.
pub(super) fn judge(subject: &Subject<'_>, facts: &InSubscription) -> Vec<Check> {
    [region(subject, facts), providers(subject, facts), group(subject, facts)].into_iter().flatten().collect()
}

fn region(subject: &Subject<'_>, facts: &InSubscription) -> Option<Check> {
    let check = ConnectionCheck::Region;
    let region = subject.region.as_ref()?;
    let locations = match facts.locations.as_ref()? {
        Err(error) => return Some(unread(check, error)),
        Ok(locations) => locations,
    };
    // As a form offers them: no name for several regions, and no edge zone.
    let names = || locations.iter().filter(|known| known.takes_machines()).filter_map(|known| shown(&known.name));
    if names().any(|known| known.eq_ignore_ascii_case(region.as_str())) {
        return Some(check.passed(format!("the subscription may use {region}")));
    }
    let some: Vec<&str> = names().take(NAMED).collect();
    let remedy = match some.is_empty() {
        true => "choose another region".to_owned(),
        false => format!("choose another region, such as {}", some.join(", ")),
    };
    Some(check.failed(format!("the subscription has no region {region}"), remedy))
}

fn providers(subject: &Subject<'_>, facts: &InSubscription) -> Option<Check> {
    let check = ConnectionCheck::Providers;
    let names = |state: &dyn Fn(&str) -> bool| {
        let read = facts.providers.iter().filter_map(|(name, found)| Some((name, found.as_ref().ok()?)));
        read.filter(|(_, found)| state(&found.registration_state)).map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let is = |state: &str, name: &str| state.eq_ignore_ascii_case(name);
    let missing = names(&|state| !is(state, "Registered") && !is(state, "Registering"));
    let pending = names(&|state| is(state, "Registering"));
    let unread_one = facts.providers.iter().find_map(|(_, found)| found.as_ref().err());
    Some(match (missing.is_empty(), unread_one, pending.is_empty()) {
        (false, ..) => {
            let subscription = subject.subscription.map(|id| id.to_string()).unwrap_or_default();
            let command =
                |name: &&str| format!("az provider register --namespace {name} --subscription {subscription}");
            let commands: Vec<String> = missing.iter().map(command).collect();
            check.failed(
                format!("{} is not registered", missing.join(" and ")),
                format!("an administrator runs: {}", commands.join("; ")),
            )
        }
        (_, Some(error), _) => unread(check, error),
        (_, _, false) => check
            .unknown(format!("{} is being registered", pending.join(" and ")), "wait some minutes, and check again"),
        _ if facts.providers.is_empty() => return None,
        _ => check.passed("those that are needed are registered"),
    })
}

fn group(subject: &Subject<'_>, facts: &InSubscription) -> Option<Check> {
    let check = ConnectionCheck::Group;
    let name = subject.group.as_ref()?;
    Some(match facts.group.as_ref()? {
        Err(error) => unread(check, error),
        Ok(Some(group)) if is_deleting(group) => check.failed(
            format!("{name} is being deleted"),
            "wait until it is gone and have it created again, or name another one",
        ),
        Ok(Some(_)) => check.passed(format!("{name} exists")),
        Ok(None) => check.failed(format!("{name} does not exist"), "check its name, or have it created"),
    })
}

fn is_deleting(group: &ResourceGroup) -> bool {
    group.properties.provisioning_state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("Deleting"))
}
