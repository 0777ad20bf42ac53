//! Quotas that do not depend on the size: machines, parts of the network, public addresses.

use azconnect_core::Error;
use azconnect_credential::Check;

use super::check::PreflightCheck;
use super::judge::unread;
use super::read::Facts;
use crate::resource::usage::Usage;
use crate::spec::{NetworkChoice, VmSpec};

/// How some quotas compare with what is needed of each.
pub(super) enum Short<'a> {
    Enough,
    /// One of them does not suffice for this many.
    By(&'a Usage, i64),
    /// None of them is in the list.
    NotShown,
}

/// Compares quotas, by their names, with what is needed of each.
pub(super) fn short_of<'a>(usages: &'a [Usage], needs: &[(&str, i64)]) -> Short<'a> {
    let known: Vec<(&Usage, i64)> =
        needs.iter().filter_map(|(name, wanted)| Some((named(usages, name)?, *wanted))).collect();
    match known.iter().find(|(usage, wanted)| usage.free() < *wanted) {
        Some((usage, wanted)) => Short::By(usage, *wanted),
        None if known.is_empty() => Short::NotShown,
        None => Short::Enough,
    }
}

/// The quota of a name, which differs in case from list to list.
pub(super) fn named<'a>(usages: &'a [Usage], name: &str) -> Option<&'a Usage> {
    usages.iter().find(|usage| !name.is_empty() && usage.name.value.eq_ignore_ascii_case(name))
}

/// Whether `count` more machines are allowed.
pub(super) fn machines(spec: &VmSpec, count: i64, facts: &Facts) -> Check {
    let remedy = "have the quota of machines raised, or delete some that are not needed";
    more(
        PreflightCheck::MachineQuota,
        spec,
        &facts.compute,
        &[("virtualMachines", count)],
        &free("machine", count),
        remedy,
    )
}

/// What is created of the network for `count` machines: an interface each, and for all of them a security group and a network
/// unless they exist.
pub(super) fn network(spec: &VmSpec, count: i64, facts: &Facts) -> Check {
    let mut needs = vec![("NetworkInterfaces", count)];
    if spec.security_group.is_none() {
        needs.push(("NetworkSecurityGroups", 1));
    }
    if matches!(spec.network, NetworkChoice::Create { .. }) {
        needs.push(("VirtualNetworks", 1));
    }
    let remedy = "have the quota raised, or delete what is not needed";
    let free = if count == 1 { "one of each is free" } else { "enough of each are free" };
    more(PreflightCheck::NetworkQuota, spec, &facts.network, &needs, free, remedy)
}

/// How many public addresses a machine gets: one of each family that it has.
pub(super) fn public_addresses(spec: &VmSpec) -> i64 {
    i64::from(spec.public_ip) + i64::from(spec.has_public_ipv6())
}

/// Whether `count` more public addresses, of both families together, are allowed.
pub(super) fn addresses(spec: &VmSpec, count: i64, facts: &Facts) -> Check {
    // The service documents no quota for those of IPv6 alone.
    let needs = [("StandardSkuPublicIpAddresses", count), ("PublicIPAddresses", count)];
    let remedy = "have the quota of public addresses raised, or delete some that are not needed";
    more(PreflightCheck::AddressQuota, spec, &facts.network, &needs, &free("public address", count), remedy)
}

fn free(what: &str, count: i64) -> String {
    if count == 1 { format!("a {what} is free") } else { format!("{count} are free") }
}

fn more(
    check: PreflightCheck,
    spec: &VmSpec,
    usages: &Result<Vec<Usage>, Error>,
    needs: &[(&str, i64)],
    free: &str,
    remedy: &str,
) -> Check {
    let usages = match usages {
        Err(error) => return unread(check, error),
        Ok(usages) => usages,
    };
    match short_of(usages, needs) {
        Short::Enough => check.passed(free),
        Short::By(usage, wanted) => check.failed(lack(usage, wanted, &spec.location), remedy),
        Short::NotShown => check.unknown("the quota is not shown", "check it in the portal"),
    }
}

/// How much of a quota is needed, allowed and used.
pub(super) fn lack(usage: &Usage, wanted: i64, location: &str) -> String {
    let is = if wanted == 1 { "is" } else { "are" };
    let (name, limit, used) = (&usage.name.value, usage.limit, usage.current_value);
    format!("{wanted} of {name} {is} needed in {location}, limit {limit}, used {used}")
}
