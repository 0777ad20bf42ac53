//! What the fake finds before anything is created.

use azconnect_arm::{PreflightCheck, VmSpec};
use azconnect_credential::{Check, CheckReport};

use super::world::{Access, World, cores};

pub(super) fn preflight(world: &World, spec: &VmSpec) -> CheckReport {
    CheckReport::from(vec![specification(spec), role(world), size(spec), quota(world, spec)])
}

fn specification(spec: &VmSpec) -> Check {
    match spec.check() {
        Ok(()) => PreflightCheck::Specification.passed("names, rules and ranges are allowed"),
        Err(error) => PreflightCheck::Specification.failed_by(&error),
    }
}

fn role(world: &World) -> Check {
    match world.require(Access::Contributor, "Microsoft.Compute/virtualMachines/write") {
        Ok(()) => PreflightCheck::Role.passed("the role suffices"),
        Err(error) => PreflightCheck::Role.failed_by(&error).with_cause("the role does not suffice"),
    }
}

fn size(spec: &VmSpec) -> Check {
    match cores(&spec.sizes) {
        Some(_) => PreflightCheck::Size.passed("the size is offered"),
        None => PreflightCheck::Size.failed("no size of the specification is offered here", "choose another size"),
    }
}

fn quota(world: &World, spec: &VmSpec) -> Check {
    let left = world.cores_left();
    match cores(&spec.sizes) {
        Some(wanted) if wanted <= left => PreflightCheck::CoreQuota.passed(format!("{left} cores are left")),
        Some(wanted) => PreflightCheck::CoreQuota
            .failed(format!("{wanted} cores are needed, and {left} are left"), "have the quota raised"),
        None => PreflightCheck::CoreQuota.unknown("no size is known here", "choose another size first"),
    }
}
