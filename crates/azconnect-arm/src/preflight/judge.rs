//! What the facts mean: pure functions, one for each check.

use azconnect_core::{Error, ErrorKind, SubscriptionId};
use azconnect_credential::{Check, CheckReport};

use super::action::{allowed, needed};
use super::check::PreflightCheck;
use super::options;
use super::read::Facts;
use crate::client::register_command;
use crate::resource::sku::Sku;
use crate::resource::usage::Usage;
use crate::spec::{GroupChoice, NetworkChoice, VmSpec};

/// The checks, in the order of [`PreflightCheck`].
pub(super) fn judge(subscription: SubscriptionId, spec: &VmSpec, facts: &Facts) -> CheckReport {
    let checks = [
        Some(specification(spec)),
        Some(token(facts)),
        Some(subscription_state(facts)),
        Some(role(spec, facts)),
        Some(region(spec, facts)),
        Some(group(spec, facts)),
        network(spec, facts),
        Some(size(spec, facts)),
        Some(cores(spec, facts)),
        options::check(spec, facts),
        addresses(spec, facts),
        image(facts),
        image_fit(spec, facts),
        terms(facts),
        Some(providers(subscription, facts)),
    ];
    checks.into_iter().flatten().collect()
}

/// The check of a fact that could not be read. Absence, a refused identity and invalid input fail it; any other error
/// leaves it unknown.
pub(super) fn unread(check: PreflightCheck, error: &Error) -> Check {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unauthenticated | ErrorKind::InvalidInput => {
            check.failed_by(error).with_cause(error.message())
        }
        ErrorKind::PermissionDenied => check
            .unknown("the identity may not read this", "nothing, if the provisioning succeeds")
            .with_diagnosis(error.diagnosis().clone()),
        _ => check.unknown_by(error),
    }
}

fn specification(spec: &VmSpec) -> Check {
    match spec.check() {
        Ok(()) => PreflightCheck::Specification.passed("names, rules and addresses are valid"),
        Err(error) => PreflightCheck::Specification.failed_by(&error),
    }
}

fn token(facts: &Facts) -> Check {
    let reads = [facts.subscription.as_ref().err(), facts.permissions.as_ref().err(), facts.group.as_ref().err()];
    match reads.into_iter().flatten().find(|error| error.kind() == ErrorKind::Unauthenticated) {
        Some(error) => unread(PreflightCheck::Token, error),
        None if facts.subscription.is_ok() || facts.permissions.is_ok() || facts.group.is_ok() => {
            PreflightCheck::Token.passed("the service accepts the identity")
        }
        None => match &facts.subscription {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                // A refusal of permission comes after the token was accepted.
                PreflightCheck::Token.passed("the service knows the identity")
            }
            Err(error) => PreflightCheck::Token.unknown_by(error),
            Ok(_) => PreflightCheck::Token.passed("the service accepts the identity"),
        },
    }
}

fn subscription_state(facts: &Facts) -> Check {
    let check = PreflightCheck::Subscription;
    match &facts.subscription {
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

fn role(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Role;
    let permissions = match &facts.permissions {
        Err(error) => return unread(check, error),
        Ok(permissions) => permissions,
    };
    let creates = matches!((&spec.group, &facts.group), (GroupChoice::Create(_), Ok(None)));
    let missing: Vec<&str> = needed(spec, creates).into_iter().filter(|action| !allowed(permissions, action)).collect();
    match missing.split_first() {
        None => check.passed("every action that is needed is allowed"),
        Some((first, rest)) => check.failed(
            format!(
                "{first} is not allowed{}",
                if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) }
            ),
            format!("ask for Contributor on the resource group, or a role with: {}", missing.join(", ")),
        ),
    }
}

fn region(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Region;
    match &facts.locations {
        Err(error) => unread(check, error),
        Ok(locations) if locations.iter().any(|known| known.name.eq_ignore_ascii_case(&spec.location)) => {
            check.passed(format!("{} can be used", spec.location))
        }
        Ok(locations) => {
            let some: Vec<&str> = locations.iter().take(8).map(|known| known.name.as_str()).collect();
            check.failed(
                format!("the subscription has no region {}", spec.location),
                format!("choose another region, such as {}", some.join(", ")),
            )
        }
    }
}

fn group(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Group;
    let name = spec.group.name();
    match (&facts.group, &spec.group) {
        (Err(error), _) => unread(check, error),
        (Ok(Some(group)), _) if group.properties.provisioning_state.as_deref() == Some("Deleting") => {
            check.failed(format!("{name} is being deleted"), "wait until it is gone, or choose another name")
        }
        (Ok(Some(_)), _) => check.passed(format!("{name} exists, and is not deleted afterwards")),
        (Ok(None), GroupChoice::Create(_)) => check.passed(format!("{name} is created")),
        (Ok(None), GroupChoice::Existing(_)) => {
            check.failed(format!("{name} does not exist"), "check its name, or have it created")
        }
    }
}

fn network(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Network;
    let NetworkChoice::Existing(subnet) = &spec.network else { return None };
    Some(match facts.existing_network.as_ref()? {
        Err(error) => unread(check, error),
        Ok(found) if !found.location.is_empty() && !found.location.eq_ignore_ascii_case(&spec.location) => check
            .failed(
                format!("{} is in {}", found.name, found.location),
                format!("choose a network in {}, or that region", spec.location),
            ),
        Ok(found) if !found.properties.subnets.iter().any(|known| known.name.eq_ignore_ascii_case(subnet.name())) => {
            check.failed(format!("{} has no subnet {}", found.name, subnet.name()), "check the subnet's name")
        }
        Ok(found) => check.passed(format!("{}/{} exists", found.name, subnet.name())),
    })
}

/// The reason why a size cannot be used; `None` if it can.
fn size_problem(spec: &VmSpec, sku: Option<&Sku>, size: &str) -> Option<String> {
    let location = &spec.location;
    let Some(sku) = sku else { return Some(format!("{size} is not offered in {location}")) };
    if let Some(reason) = sku.closed_in(location) {
        return Some(format!("{size} is closed to this subscription in {location} ({reason})"));
    }
    let open = sku.zones_in(location);
    let none_open = !spec.zones.is_empty() && !spec.zones.iter().any(|zone| open.contains(&zone.as_str()));
    none_open.then(|| format!("{size} is not in zone {} of {location}", spec.zones.join(" or ")))
}

pub(super) fn find<'a>(skus: &'a [Sku], size: &str) -> Option<&'a Sku> {
    skus.iter().find(|sku| sku.name.eq_ignore_ascii_case(size))
}

fn size(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Size;
    let skus = match &facts.skus {
        Err(error) => return unread(check, error),
        Ok(skus) => skus,
    };
    any_size(spec, check, |size| size_problem(spec, find(skus, size), size), "choose another size, zone or region")
}

/// Passes if one of the sizes passes, since the others are only fallen back to; the cause names what is wrong with
/// these.
pub(super) fn any_size(
    spec: &VmSpec,
    check: PreflightCheck,
    problem: impl Fn(&str) -> Option<String>,
    remedy: &str,
) -> Check {
    let problems: Vec<String> = spec.sizes.iter().filter_map(|size| problem(size)).collect();
    if problems.len() == spec.sizes.len() {
        return check.failed(problems.join("; "), remedy);
    }
    let good: Vec<&str> = spec.sizes.iter().filter(|size| problem(size).is_none()).map(String::as_str).collect();
    let mut cause = format!("{} can be used", good.join(", "));
    if !problems.is_empty() {
        cause = format!("{cause}; {}", problems.join("; "));
    }
    check.passed(cause)
}

fn cores(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::CoreQuota;
    let (skus, usages) = match (&facts.skus, &facts.compute) {
        (Err(error), _) | (_, Err(error)) if error.kind() != ErrorKind::NotFound => return unread(check, error),
        (Ok(skus), Ok(usages)) => (skus, usages),
        _ => return check.unknown("the quotas of the region are not shown", "check them in the portal"),
    };
    if !spec.sizes.iter().any(|size| find(skus, size).is_some()) {
        return check.unknown("no size is known here", "choose another size first");
    }
    let problem = |size: &str| {
        let Some(sku) = find(skus, size) else { return Some(format!("{size} is not offered")) };
        let wanted = sku.vcpus()?;
        // Spot machines have a quota of their own, whatever their family.
        let ordinary = ["cores", sku.family.as_deref().unwrap_or_default()];
        let names = if spec.spot.is_some() { &["lowPriorityCores"][..] } else { &ordinary[..] };
        let short = names.iter().filter_map(|name| quota(usages, name)).find(|usage| usage.free() < wanted)?;
        let Usage { name, current_value, limit, .. } = short;
        Some(format!(
            "{size} needs {wanted} of {} in {}, limit {limit}, used {current_value}",
            name.value, spec.location
        ))
    };
    any_size(spec, check, problem, "choose another size or region, or have the quota raised")
}

fn quota<'a>(usages: &'a [Usage], name: &str) -> Option<&'a Usage> {
    usages.iter().find(|usage| !name.is_empty() && usage.name.value.eq_ignore_ascii_case(name))
}

fn addresses(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::AddressQuota;
    if !spec.public_ip {
        return None;
    }
    let usages = match &facts.network {
        Err(error) => return Some(unread(check, error)),
        Ok(usages) => usages,
    };
    let known: Vec<&Usage> =
        ["StandardSkuPublicIpAddresses", "PublicIPAddresses"].iter().filter_map(|name| quota(usages, name)).collect();
    Some(match known.iter().find(|usage| usage.free() < 1) {
        Some(usage) => check.failed(
            format!("{} in {}: limit {}, used {}", usage.name.value, spec.location, usage.limit, usage.current_value),
            "have the quota of public addresses raised, or delete some that are not needed",
        ),
        None if known.is_empty() => check.unknown("the quota is not shown", "check it in the portal"),
        None => check.passed("a public address is free"),
    })
}

fn image(facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Image;
    Some(match facts.image.as_ref()? {
        Err(error) => unread(check, error),
        Ok(image) => {
            let status = &image.properties.image_deprecation_status;
            match status.image_state.as_deref() {
                Some("Deprecated") => {
                    check.failed(format!("version {} is withdrawn", image.name), "choose a newer version or image")
                }
                Some("ScheduledForDeprecation") => {
                    let when = status.scheduled_deprecation_time.as_deref().unwrap_or("a date not given");
                    check.passed(format!("version {} exists, and is withdrawn at {when}", image.name))
                }
                _ => check.passed(format!("version {} exists", image.name)),
            }
        }
    })
}

fn image_fit(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let (Some(Ok(image)), Ok(skus)) = (&facts.image, &facts.skus) else { return None };
    if !spec.sizes.iter().any(|size| find(skus, size).is_some()) {
        return Some(PreflightCheck::ImageFit.unknown("no size is known here", "choose another size first"));
    }
    let generation = image.properties.hyper_v_generation.as_deref();
    let architecture = image.properties.architecture.as_deref();
    let problem = |size: &str| {
        let sku = find(skus, size)?;
        let runs = |capability: &str, wanted: Option<&str>| match (sku.capability(capability), wanted) {
            (Some(offered), Some(wanted)) => offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted)),
            // A capability that is not listed proves nothing against the size.
            _ => true,
        };
        if !runs("HyperVGenerations", generation) {
            return Some(format!("{size} does not run generation {}", generation.unwrap_or_default()));
        }
        if !runs("CpuArchitectureType", architecture) {
            return Some(format!("{size} does not run {}", architecture.unwrap_or_default()));
        }
        None
    };
    Some(any_size(spec, PreflightCheck::ImageFit, problem, "choose an image of the size's generation and architecture"))
}

fn terms(facts: &Facts) -> Option<Check> {
    let Some(Ok(image)) = &facts.image else { return None };
    Some(match &image.properties.plan {
        None => PreflightCheck::Terms.passed("the image is not sold on the marketplace"),
        // No fact that is read here tells whether the terms were accepted.
        Some(plan) => PreflightCheck::Terms.unknown(
            format!("the image is sold as {}/{}/{}", plan.publisher, plan.product, plan.name),
            format!(
                "accept its terms once: az vm image terms accept --publisher {} --offer {} --plan {}",
                plan.publisher, plan.product, plan.name
            ),
        ),
    })
}

fn providers(subscription: SubscriptionId, facts: &Facts) -> Check {
    let check = PreflightCheck::Providers;
    let missing: Vec<&str> = facts
        .providers
        .iter()
        .filter(|(_, provider)| provider.as_ref().is_ok_and(|provider| !provider.is_registered()))
        .map(|(namespace, _)| *namespace)
        .collect();
    if !missing.is_empty() {
        let commands: Vec<String> = missing.iter().map(|name| register_command(name, subscription)).collect();
        return check.failed(format!("{} is not registered", missing.join(" and ")), commands.join("; "));
    }
    match facts.providers.iter().find_map(|(_, provider)| provider.as_ref().err()) {
        Some(error) => unread(check, error),
        None => check.passed("Microsoft.Compute and Microsoft.Network are registered"),
    }
}
