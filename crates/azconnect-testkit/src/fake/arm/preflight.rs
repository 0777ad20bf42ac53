//! What the fake finds before anything is created: every check that the real one makes, judged by what the fake knows.

use azconnect_arm::spec::Switch;
use azconnect_arm::{FleetSpec, GroupChoice, ImageChoice, NetworkChoice, PreflightCheck, VmSpec};
use azconnect_core::Error;
use azconnect_credential::{Check, CheckReport};

use super::world::{Access, World, cores};

pub(super) fn preflight(world: &World, spec: &VmSpec) -> CheckReport {
    look(world, spec.check(), std::slice::from_ref(spec))
}

pub(super) fn preflight_fleet(world: &World, fleet: &FleetSpec) -> CheckReport {
    look(world, fleet.check(), &fleet.machines)
}

/// All checks of machines that share a group and a network, in the order of [`PreflightCheck`].
fn look(world: &World, sound: Result<(), Error>, machines: &[VmSpec]) -> CheckReport {
    let specification = match sound {
        Ok(()) => PreflightCheck::Specification.passed("names, rules and addresses are valid"),
        Err(error) => PreflightCheck::Specification.failed_by(&error),
    };
    let Some(first) = machines.first() else { return vec![specification].into() };
    let any = |has: fn(&VmSpec) -> bool| machines.iter().any(has);
    let checks = [
        Some(specification),
        Some(PreflightCheck::Token.passed("the identity signs in")),
        Some(PreflightCheck::Subscription.passed("it is Enabled")),
        Some(role(world)),
        Some(PreflightCheck::Region.passed(format!("{} can be used", first.location))),
        Some(group(world, first)),
        matches!(first.network, NetworkChoice::Existing(_))
            .then(|| PreflightCheck::Network.passed("the subnet exists, and may be used")),
        any(|spec| spec.security_group.is_some()).then(|| PreflightCheck::SecurityGroup.passed("it exists")),
        Some(machine_name(world, machines)),
        any(|spec| spec.dns_label.is_some()).then(|| dns_label(world, machines)),
        any(|spec| !spec.identities.is_empty())
            .then(|| PreflightCheck::Identities.passed("they exist, and may be given to a machine")),
        Some(size(machines)),
        any(asks_for_options).then(|| PreflightCheck::Options.passed("the size offers them")),
        Some(core_quota(world, machines)),
        Some(quota(PreflightCheck::MachineQuota, machines.len(), world.machines_left(), "machines")),
        Some(PreflightCheck::NetworkQuota.passed("enough of each are free")),
        any(|spec| spec.public_ip).then(|| {
            let wanted = machines.iter().filter(|spec| spec.public_ip).count();
            quota(PreflightCheck::AddressQuota, wanted, world.addresses_left(), "public addresses")
        }),
        any(by_urn).then(|| PreflightCheck::Image.passed("the image exists")),
        any(by_urn).then(|| PreflightCheck::ImageFit.passed("the size runs it")),
        Some(placement(machines)),
        any(by_urn).then(|| PreflightCheck::Terms.passed("the image is sold without terms")),
        Some(PreflightCheck::Providers.passed("Microsoft.Compute and Microsoft.Network are registered")),
        Some(validation(world)),
    ];
    checks.into_iter().flatten().collect::<Vec<Check>>().into()
}

fn by_urn(spec: &VmSpec) -> bool {
    matches!(spec.image, ImageChoice::Urn(_))
}

fn asks_for_options(spec: &VmSpec) -> bool {
    !spec.data_disks.is_empty()
        || spec.spot.is_some()
        || spec.trusted_launch == Switch::On
        || spec.accelerated_networking == Switch::On
        || spec.os_disk_kind.starts_with("Premium")
}

fn role(world: &World) -> Check {
    match world.require(Access::Contributor, "Microsoft.Compute/virtualMachines/write") {
        Ok(()) => PreflightCheck::Role.passed("every action that is needed is allowed"),
        Err(error) => PreflightCheck::Role.failed_by(&error).with_cause("the role does not suffice"),
    }
}

fn group(world: &World, spec: &VmSpec) -> Check {
    let (check, name) = (PreflightCheck::Group, spec.group.name());
    match (&spec.group, world.has_group(name.as_str())) {
        (_, true) => check.passed(format!("{name} exists, and is not deleted afterwards")),
        (GroupChoice::Create(_), false) => check.passed(format!("{name} is created")),
        _ => check.failed(format!("{name} does not exist"), "check its name, or have it created"),
    }
}

fn machine_name(world: &World, machines: &[VmSpec]) -> Check {
    let check = PreflightCheck::MachineName;
    let is_taken = |spec: &&VmSpec| world.stranger_named(spec.group.name().as_str(), &spec.name, None).is_some();
    match machines.iter().find(is_taken) {
        None => check.passed("no machine has the name"),
        Some(spec) => check.failed(
            format!("a machine {} exists already in {}", spec.name, spec.group.name()),
            "choose another name: what others created is never changed",
        ),
    }
}

fn dns_label(world: &World, machines: &[VmSpec]) -> Check {
    let check = PreflightCheck::DnsLabel;
    match machines.iter().filter_map(|spec| spec.dns_label.as_deref()).find(|label| world.has_label(label, None)) {
        None => check.passed("the label is free"),
        Some(label) => check.failed(format!("{label} is taken"), "choose another label"),
    }
}

fn size(machines: &[VmSpec]) -> Check {
    match machines.iter().all(|spec| cores(&spec.sizes).is_some()) {
        true => PreflightCheck::Size.passed("the size is offered"),
        false => PreflightCheck::Size.failed("no size of the specification is offered here", "choose another size"),
    }
}

fn placement(machines: &[VmSpec]) -> Check {
    match size(machines).blocks() {
        true => PreflightCheck::Placement.skipped("one requirement rules out every placement already"),
        false => PreflightCheck::Placement.passed("the size can be used"),
    }
}

fn core_quota(world: &World, machines: &[VmSpec]) -> Check {
    let wanted: Option<u32> = machines.iter().map(|spec| cores(&spec.sizes)).sum();
    match wanted {
        Some(wanted) => quota(PreflightCheck::CoreQuota, wanted as usize, world.cores_left(), "cores"),
        None => PreflightCheck::CoreQuota.skipped("a size has to be chosen first"),
    }
}

fn quota(check: PreflightCheck, wanted: usize, left: u32, what: &str) -> Check {
    if wanted <= left as usize {
        return check.passed(format!("{left} {what} are left"));
    }
    check.failed(format!("{wanted} {what} are needed, and {left} are left"), "have the quota raised")
}

fn validation(world: &World) -> Check {
    match world.require(Access::Contributor, "Microsoft.Resources/deployments/validate/action") {
        Ok(()) => PreflightCheck::Validation.passed("the service's own check finds nothing wrong"),
        Err(_) => PreflightCheck::Validation
            .unknown("the identity may not have the service check it", "nothing, if the provisioning succeeds"),
    }
}
