//! What the facts mean, check by check and in order: pure functions.

use azconnect_core::{Error, ErrorKind, SubscriptionId};
use azconnect_credential::{Check, CheckReport};

use super::check::PreflightCheck;
use super::read::Facts;
use super::{image, options, place, placement, presence, quota, standing, validation};
use crate::client::register_command;
use crate::spec::{NetworkChoice, VmSpec};

/// The checks, in the order of [`PreflightCheck`]. Without facts, nobody could sign in.
pub(super) fn judge(subscription: SubscriptionId, spec: &VmSpec, facts: &Result<Facts, Error>) -> CheckReport {
    let mut checks = vec![specification(spec)];
    let closed = match facts {
        Err(error) => {
            checks.push(standing::refused(error));
            Some("the identity has to sign in first")
        }
        Ok(facts) => standing::judge(subscription, spec, facts, &mut checks),
    };
    let open = facts.as_ref().ok().filter(|_| closed.is_none());
    for check in applicable(spec) {
        if checks.iter().any(|made| made.code == check.code()) {
            continue;
        }
        match open {
            Some(facts) => checks.extend(made(check, subscription, spec, facts)),
            None => checks.push(check.skipped(closed.unwrap_or_default())),
        }
    }
    checks.into()
}

/// The checks that a specification asks for.
fn applicable(spec: &VmSpec) -> impl Iterator<Item = PreflightCheck> {
    use PreflightCheck as Check;
    let network = matches!(spec.network, NetworkChoice::Existing(_));
    let address = spec.public_ip;
    let all = [
        (Check::Subscription, true),
        (Check::Role, true),
        (Check::Region, true),
        (Check::Group, true),
        (Check::Network, network),
        (Check::SecurityGroup, spec.security_group.is_some()),
        (Check::MachineName, true),
        (Check::DnsLabel, spec.dns_label.is_some()),
        (Check::Identities, !spec.identities.is_empty()),
        (Check::Size, true),
        (Check::Options, options::asked_for(spec)),
        (Check::CoreQuota, true),
        (Check::MachineQuota, true),
        (Check::NetworkQuota, true),
        (Check::AddressQuota, address),
        (Check::Image, true),
        (Check::ImageFit, true),
        (Check::Placement, true),
        (Check::Terms, true),
        (Check::Providers, true),
        (Check::Validation, true),
    ];
    all.into_iter().filter(|(_, wanted)| *wanted).map(|(check, _)| check)
}

fn made(check: PreflightCheck, subscription: SubscriptionId, spec: &VmSpec, facts: &Facts) -> Option<Check> {
    if let Some(first) = prerequisite(check, spec, facts) {
        return Some(check.skipped(first));
    }
    match check {
        PreflightCheck::Region => Some(place::region(spec, facts)),
        PreflightCheck::Group => Some(place::group(spec, facts)),
        PreflightCheck::Network => place::network(spec, facts),
        PreflightCheck::SecurityGroup => presence::security_group(spec, facts),
        PreflightCheck::MachineName => Some(presence::machine_name(spec, &facts.presence.names)),
        PreflightCheck::DnsLabel => presence::dns_label(spec, &facts.presence.names),
        PreflightCheck::Identities => presence::identities(facts),
        PreflightCheck::Size => Some(placement::size(spec, facts)),
        PreflightCheck::Options => Some(placement::options(spec, facts)),
        PreflightCheck::CoreQuota => Some(placement::cores(spec, facts)),
        PreflightCheck::MachineQuota => Some(quota::machines(spec, 1, facts)),
        PreflightCheck::NetworkQuota => Some(quota::network(spec, 1, facts)),
        PreflightCheck::AddressQuota => Some(quota::addresses(spec, quota::public_addresses(spec), facts)),
        PreflightCheck::Image => image::image(spec, facts),
        PreflightCheck::ImageFit => placement::image_fit(spec, facts),
        PreflightCheck::Placement => Some(placement::placement(spec, facts)),
        PreflightCheck::Terms => image::terms(spec, facts),
        PreflightCheck::Providers => Some(providers(subscription, facts)),
        PreflightCheck::Validation => Some(validation::judge(spec, facts)),
        PreflightCheck::Specification | PreflightCheck::Token | PreflightCheck::Subscription | PreflightCheck::Role => {
            None
        }
    }
}

/// What has to pass before a check is worth making.
fn prerequisite(check: PreflightCheck, spec: &VmSpec, facts: &Facts) -> Option<&'static str> {
    use PreflightCheck as Check;
    let everywhere = matches!(
        check,
        Check::Region
            | Check::Group
            | Check::Network
            | Check::SecurityGroup
            | Check::MachineName
            | Check::Identities
            | Check::Providers
            | Check::Subscription
            | Check::Role
    );
    if !everywhere && facts.lacks_region(&spec.location) {
        return Some("a region of the subscription has to be chosen first");
    }
    let by_compute =
        matches!(check, Check::Size | Check::Options | Check::CoreQuota | Check::MachineQuota | Check::ImageFit);
    if by_compute && facts.lacks_provider("Microsoft.Compute") {
        return Some("Microsoft.Compute has to be registered first");
    }
    let by_network = matches!(check, Check::NetworkQuota | Check::AddressQuota | Check::DnsLabel);
    if by_network && facts.lacks_provider("Microsoft.Network") {
        return Some("Microsoft.Network has to be registered first");
    }
    None
}

/// The check of a fact that could not be read. Absence, a refused identity and invalid input fail it; any other error
/// leaves it unknown.
pub(super) fn unread(check: PreflightCheck, error: &Error) -> Check {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unauthenticated | ErrorKind::InvalidInput => {
            check.failed_by(error).with_cause(error.message())
        }
        ErrorKind::PermissionDenied => {
            check.unknown("the identity may not read this", "nothing, if the provisioning succeeds").with_error(error)
        }
        _ => check.unknown_by(error),
    }
}

fn specification(spec: &VmSpec) -> Check {
    match spec.check() {
        Ok(()) => PreflightCheck::Specification.passed("names, rules and addresses are valid"),
        Err(error) => PreflightCheck::Specification.failed_by(&error),
    }
}

fn providers(subscription: SubscriptionId, facts: &Facts) -> Check {
    let check = PreflightCheck::Providers;
    let missing: Vec<&str> =
        facts.providers.iter().map(|(namespace, _)| *namespace).filter(|name| facts.lacks_provider(name)).collect();
    if !missing.is_empty() {
        let commands: Vec<String> = missing.iter().map(|name| register_command(name, subscription)).collect();
        return check.failed(format!("{} is not registered", missing.join(" and ")), commands.join("; "));
    }
    match facts.providers.iter().find_map(|(_, provider)| provider.as_ref().err()) {
        Some(error) => unread(check, error),
        None => check.passed("Microsoft.Compute and Microsoft.Network are registered"),
    }
}
