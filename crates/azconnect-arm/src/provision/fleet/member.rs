//! Which machine is a fleet's own: what stands under a member's name may be somebody else's.

use std::collections::BTreeMap;

use azconnect_core::{Effect, Error, ErrorKind};

use crate::provision::body::Ids;
use crate::provision::members::Members;
use crate::provision::plan::ProvisionPlan;
use crate::provision::state::{Phase, ProvisionState};
use crate::spec::{GroupChoice, NetworkChoice};

/// What the journal of a member's own says about it. The foundation's journal says only that the member was to be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was begun under its name.
    Unbegun,
    /// What was built under its name is gone.
    Gone,
    /// A machine of the fleet.
    Own,
    /// A machine or a fleet by itself, which the fleet must neither show as its own nor delete. Nothing of the fleet's stands
    /// under the name then: a journal takes a plan only after everything of the plan before it is gone.
    Foreign,
}

impl Standing {
    pub(super) fn of(foundation: &ProvisionPlan, state: &ProvisionState) -> Result<Self, Error> {
        Ok(match (state.phase, &state.plan) {
            (Phase::Empty, _) | (_, None) => Self::Unbegun,
            (Phase::CleanedUp, _) => Self::Gone,
            (_, Some(plan)) if stands_on(plan, foundation)? => Self::Own,
            _ => Self::Foreign,
        })
    }
}

/// Whether a plan is that of a machine on a foundation. The whole specification is not compared: what a machine shares with
/// the others is what makes it one of them.
fn stands_on(plan: &ProvisionPlan, foundation: &ProvisionPlan) -> Result<bool, Error> {
    let shared = Ids::of(foundation)?;
    let in_group = matches!(&plan.spec.group, GroupChoice::Existing(name) if name == foundation.spec.group.name());
    let in_subnet = matches!(&plan.spec.network, NetworkChoice::Existing(subnet) if subnet.is(&shared.subnet));
    let under_rules = plan.spec.security_group.as_ref().is_some_and(|group| group.is(&shared.security_group));
    let alike = plan.part.is_machine() && plan.subscription == foundation.subscription;
    Ok(alike && in_group && in_subnet && under_rules && plan.spec.rules.is_empty())
}

/// Refuses a machine of the caller's plan that was not made for the foundation.
pub(super) fn check_stands_on(plan: &ProvisionPlan, foundation: &ProvisionPlan) -> Result<(), Error> {
    if stands_on(plan, foundation)? {
        return Ok(());
    }
    Err(altered(&format!("has a machine {} that does not stand on the fleet's foundation", plan.spec.name)))
}

/// The error for a plan of the caller's that was altered by hand.
pub(super) fn altered(how: &str) -> Error {
    Error::invalid("plan", how).with_advice("make the plan with Fleet::plan or FleetPlan::new, and leave it as it is")
}

/// The error for a member under whose name somebody else's machine or fleet stands.
pub(super) fn foreign(member: &ProvisionPlan, state: &ProvisionState) -> Error {
    let what = state.plan.as_ref().map_or_else(String::new, |plan| {
        let kind = if plan.part.is_machine() { "machine" } else { "fleet" };
        format!("the {kind} {} in {}", plan.spec.name, plan.spec.group.name())
    });
    conflict(format!("{} is the name of {what}, which is not of this fleet: nothing of it was touched", member.id))
        .with_advice("let go of the name with Fleet::remove, which deletes nothing of it, then try again")
}

/// Refuses a new member under whose name something stands already: it would be deleted with the fleet.
pub(super) fn check_free(member: &ProvisionPlan, state: &ProvisionState) -> Result<(), Error> {
    if matches!(state.phase, Phase::Empty | Phase::CleanedUp) {
        return Ok(());
    }
    Err(conflict(format!("{} was begun already, and not as a machine of this fleet", member.id))
        .with_advice("choose another name for the machine, or clean up what has this one"))
}

/// Refuses a new member whose name is another's but for case: names of machines have no case, and those of journals have.
pub(super) fn check_names<'a>(
    new: impl Iterator<Item = &'a ProvisionPlan>,
    members: &'a Members,
    is_begun: bool,
) -> Result<(), Error> {
    let standing = members.standing().filter(|_| is_begun);
    let mut names: BTreeMap<_, _> = standing.map(|plan| (plan.spec.name.to_ascii_lowercase(), plan)).collect();
    for plan in new {
        if let Some(other) = names.insert(plan.spec.name.to_ascii_lowercase(), plan) {
            let message = format!("{} differs from {} in nothing but case", plan.spec.name, other.spec.name);
            return Err(conflict(message).with_advice("give every machine of a fleet a name of its own"));
        }
    }
    Ok(())
}

/// The member of a name: the one that is spelt so, else the only one that differs in nothing but case.
pub(super) fn find<'a>(members: &'a Members, name: &str) -> Result<&'a ProvisionPlan, Error> {
    let mut alike = members.standing().filter(|plan| plan.spec.name.eq_ignore_ascii_case(name));
    let exact = members.standing().find(|plan| plan.spec.name == name);
    let found = match (exact, alike.next(), alike.next()) {
        (Some(exact), _, _) => Ok(exact),
        (None, Some(only), None) => Ok(only),
        (None, Some(_), Some(_)) => Err(format!("{name} is the name of several machines but for case")),
        (None, None, _) => Err(format!("{name} is no machine of this fleet")),
    };
    found.map_err(|message| {
        Error::invalid("machine_name", message).with_advice("name the machines as Fleet::machines lists them")
    })
}

fn conflict(message: String) -> Error {
    Error::new(ErrorKind::Conflict, message).with_effect(Effect::None).with_field("machine_name")
}
