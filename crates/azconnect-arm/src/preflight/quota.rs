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
    By(&'a Usage),
    /// None of them is in the list.
    NotShown,
}

pub(super) fn short_of<'a>(usages: &'a [Usage], names: &[&str], wanted: i64) -> Short<'a> {
    let named =
        |name: &&str| usages.iter().find(|usage| !name.is_empty() && usage.name.value.eq_ignore_ascii_case(name));
    let known: Vec<&Usage> = names.iter().filter_map(named).collect();
    match known.iter().find(|usage| usage.free() < wanted) {
        Some(usage) => Short::By(usage),
        None if known.is_empty() => Short::NotShown,
        None => Short::Enough,
    }
}

pub(super) fn machines(spec: &VmSpec, facts: &Facts) -> Check {
    let remedy = "have the quota of machines raised, or delete some that are not needed";
    one_more(PreflightCheck::MachineQuota, spec, &facts.compute, &["virtualMachines"], "a machine is free", remedy)
}

/// What is created of the network: an interface, and a security group and a network unless they exist.
pub(super) fn network(spec: &VmSpec, facts: &Facts) -> Check {
    let mut names = vec!["NetworkInterfaces"];
    if spec.security_group.is_none() {
        names.push("NetworkSecurityGroups");
    }
    if matches!(spec.network, NetworkChoice::Create { .. }) {
        names.push("VirtualNetworks");
    }
    let remedy = "have the quota raised, or delete what is not needed";
    one_more(PreflightCheck::NetworkQuota, spec, &facts.network, &names, "one of each is free", remedy)
}

pub(super) fn addresses(spec: &VmSpec, facts: &Facts) -> Check {
    let names = ["StandardSkuPublicIpAddresses", "PublicIPAddresses"];
    let remedy = "have the quota of public addresses raised, or delete some that are not needed";
    one_more(PreflightCheck::AddressQuota, spec, &facts.network, &names, "a public address is free", remedy)
}

fn one_more(
    check: PreflightCheck,
    spec: &VmSpec,
    usages: &Result<Vec<Usage>, Error>,
    names: &[&str],
    free: &str,
    remedy: &str,
) -> Check {
    let usages = match usages {
        Err(error) => return unread(check, error),
        Ok(usages) => usages,
    };
    match short_of(usages, names, 1) {
        Short::Enough => check.passed(free),
        Short::By(usage) => check.failed(
            format!("{} in {}: limit {}, used {}", usage.name.value, spec.location, usage.limit, usage.current_value),
            remedy,
        ),
        Short::NotShown => check.unknown("the quota is not shown", "check it in the portal"),
    }
}
