//! Where: the region, the resource group, and a network that is there already.

use azconnect_core::ErrorKind;
use azconnect_credential::Check;

use super::action::JOIN_SUBNET;
use super::check::PreflightCheck;
use super::judge::unread;
use super::read::Facts;
use crate::resource::ResourceId;
use crate::resource::access::allowed;
use crate::resource::network::VirtualNetwork;
use crate::spec::{GroupChoice, NetworkChoice, VmSpec};

pub(super) fn region(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Region;
    match &facts.locations {
        Err(error) => unread(check, error),
        Ok(_) if !facts.lacks_region(&spec.location) => check.passed(format!("{} can be used", spec.location)),
        Ok(locations) => {
            let some: Vec<&str> = locations.iter().take(8).map(|known| known.name.as_str()).collect();
            check.failed(
                format!("the subscription has no region {}", spec.location),
                format!("choose another region, such as {}", some.join(", ")),
            )
        }
    }
}

pub(super) fn group(spec: &VmSpec, facts: &Facts) -> Check {
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

/// The subnet, and whether the identity may attach an interface to it: judged at the network, which may be in a group of
/// others.
pub(super) fn network(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Network;
    let NetworkChoice::Existing(subnet) = &spec.network else { return None };
    let found = facts.existing_network.as_ref()?;
    if let Ok(network) = &found.network
        && let Some(wrong) = wrong_network(spec, subnet, network)
    {
        return Some(wrong);
    }
    let may_join = found.permissions.as_ref().map(|permissions| allowed(permissions, JOIN_SUBNET));
    let unreadable = found.network.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    Some(match (&found.network, may_join) {
        (Err(error), _) if !unreadable => unread(check, error),
        (_, Ok(false)) => {
            let network = subnet.after("virtualNetworks").unwrap_or_default();
            check.failed(
                format!("the identity may not attach a machine to {network}/{}", subnet.name()),
                format!("ask for a role with the action {JOIN_SUBNET} at {subnet}, such as Network Contributor"),
            )
        }
        (Err(_), Ok(true)) => check.unknown(
            "the identity may attach a machine to the subnet, and may not read its network",
            "check the subnet's name and its region, or ask for Reader on the network",
        ),
        (Err(error), Err(_)) => unread(check, error),
        (Ok(_), Err(error)) => unread(check, error),
        (Ok(found), Ok(true)) => check.passed(format!("{}/{} exists, and may be used", found.name, subnet.name())),
    })
}

/// What is wrong with the network whoever asks.
fn wrong_network(spec: &VmSpec, subnet: &ResourceId, found: &VirtualNetwork) -> Option<Check> {
    let check = PreflightCheck::Network;
    if !found.location.is_empty() && !found.location.eq_ignore_ascii_case(&spec.location) {
        return Some(check.failed(
            format!("{} is in {}, the machine in {}", found.name, found.location, spec.location),
            "choose a network in the machine's region",
        ));
    }
    let named = found.properties.subnets.iter().find(|known| known.name.eq_ignore_ascii_case(subnet.name()));
    let Some(named) = named else {
        let cause = format!("{} has no subnet {}", found.name, subnet.name());
        return Some(check.failed(cause, "check the subnet's name"));
    };
    let ranges = named.properties.address_prefix.iter().chain(&named.properties.address_prefixes);
    let is_ipv6 = |range: &String| range.contains(':');
    (spec.ipv6.is_some() && !ranges.clone().any(is_ipv6)).then(|| {
        check.failed(
            format!("{}/{} has no range of IPv6", found.name, subnet.name()),
            "give the subnet a range of IPv6, or build the machine without it",
        )
    })
}
