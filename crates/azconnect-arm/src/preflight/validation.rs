//! The service's own check of the writes that would be sent: it knows the policies, and the quotas that may not be read.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::Check;

use super::check::PreflightCheck;
use super::placement::candidates;
use super::read::Facts;
use crate::client::Subscription;
use crate::error::{Class, Fault, is_absent};
use crate::key::{KeyKind, SshKey};
use crate::provision::{FleetPlan, ProvisionId, ProvisionPlan, Writes, fill, group_template, subscription_template};
use crate::spec::{FleetSpec, GroupChoice, VmSpec};

/// How many placements the service is asked about: the first that it lets pass is enough.
const MOST_ASKED: usize = 4;

/// How many machines are asked about in one template. It has at most 4 MB, and the user data of a machine up to 88 kB.
const MOST_TOGETHER: usize = 40;

/// The code by which a policy refuses a write.
const BY_POLICY: &str = "RequestDisallowedByPolicy";

/// What the service said to the machine at one placement.
pub(super) struct Asked {
    /// The number of the placement, in the order in which they are tried.
    pub(super) at: usize,
    pub(super) verdict: Result<(), Error>,
}

/// Why the service refuses the placement of a number, while it may let another one pass.
pub(super) fn refusal_of(facts: &Facts, at: usize) -> Option<String> {
    let error = facts.validation.iter().find(|asked| asked.at == at)?.verdict.as_ref().err()?;
    // A policy may be about the size, and that shows where another size passes; else it is about the machine.
    let by_size = facts.validation.last().is_some_and(|last| last.verdict.is_ok());
    (lacks_room(error) || (by_size && is_by_policy(error)))
        .then(|| format!("the service refuses it ({})", reason(error)))
}

/// Whether the refusal is about this size in this zone: there is none, or no room for it.
fn lacks_room(error: &Error) -> bool {
    // Asked beforehand, Compute has a code of its own for a lack of cores, and the quota is that of a family of sizes.
    let by_cores = |fault: &Fault| fault.code == "QuotaExceeded" && fault.quota.is_some();
    let no_size = |fault: &Fault| fault.code == "InvalidParameter" && fault.target.as_deref() == Some("vmSize");
    Fault::of(error).is_some_and(|fault| fault.class == Class::FallBack || by_cores(fault) || no_size(fault))
}

fn is_by_policy(error: &Error) -> bool {
    error.service_code() == Some(BY_POLICY)
}

fn reason(error: &Error) -> String {
    match error.service_code() {
        Some(code) => format!("{}, {code}", error.message()),
        None => error.message().to_owned(),
    }
}

/// What has to pass before the service is asked.
fn prerequisite(spec: &VmSpec, facts: &Facts) -> Option<&'static str> {
    let group = match (&facts.group, &spec.group) {
        (Ok(Some(group)), _) => group.properties.provisioning_state.as_deref() != Some("Deleting"),
        (Ok(None), GroupChoice::Create(_)) => true,
        _ => false,
    };
    if spec.check().is_err() {
        return Some("the specification has to be corrected first");
    }
    if !group {
        return Some("the resource group has to be usable first");
    }
    // Of one that may not be read, only an attempt tells.
    if facts.subscription.as_ref().is_ok_and(|view| matches!(view.state.as_str(), "Disabled" | "Deleted")) {
        return Some("the subscription has to be enabled first");
    }
    if facts.providers.iter().any(|(namespace, _)| facts.lacks_provider(namespace)) {
        return Some("the resource providers have to be registered first");
    }
    if facts.image.as_ref().is_err_and(is_absent) {
        return Some("an image has to be found first");
    }
    if facts.terms.as_ref().is_some_and(|terms| terms.as_ref().is_ok_and(|terms| !terms.properties.accepted)) {
        return Some("the image's terms have to be accepted first");
    }
    if facts.lacks_region(&spec.location) {
        return Some("a region of the subscription has to be chosen first");
    }
    candidates(spec, facts).is_empty().then_some("a placement has to be possible first")
}

/// What the service is asked about: machines that are alike, or one by itself.
struct Question {
    shared: ProvisionPlan,
    machines: Vec<ProvisionPlan>,
    /// Its private half is kept by nobody.
    public_key: String,
}

/// Asks the service about the placements at which nothing is known to be wrong, until it lets one pass.
pub(super) async fn ask(subscription: &Subscription, spec: &VmSpec, facts: &Facts) -> Vec<Asked> {
    let alone = || {
        let mut plan = ProvisionPlan::new(ProvisionId::new("preflight")?, subscription.id(), spec.clone())?;
        fill_in(&mut plan, facts);
        Ok(Question { shared: plan.clone(), machines: vec![plan], public_key: public_key(spec)? })
    };
    ask_until_passed(subscription, spec, facts, alone, |_| 1).await
}

/// The same about machines that share a group, a network and a security group, and are alike but for their names. `room` says
/// how many of them there is room for with a size.
pub(super) async fn ask_together(
    subscription: &Subscription,
    fleet: &FleetSpec,
    facts: &Facts,
    room: impl Fn(&str) -> usize,
) -> Vec<Asked> {
    let Some(first) = fleet.machines.first() else { return Vec::new() };
    let together = || {
        let plan = FleetPlan::new(ProvisionId::new("preflight")?, subscription.id(), fleet.clone())?;
        let (shared, mut machines) = (plan.foundation, plan.machines);
        machines.iter_mut().for_each(|machine| fill_in(machine, facts));
        Ok(Question { shared, machines, public_key: public_key(first)? })
    };
    ask_until_passed(subscription, first, facts, together, room).await
}

async fn ask_until_passed(
    subscription: &Subscription,
    spec: &VmSpec,
    facts: &Facts,
    question: impl FnOnce() -> Result<Question, Error>,
    room: impl Fn(&str) -> usize,
) -> Vec<Asked> {
    let mut asked = Vec::new();
    if prerequisite(spec, facts).is_some() {
        return asked;
    }
    let Ok(question) = question() else { return asked };
    for at in candidates(spec, facts).into_iter().take(MOST_ASKED) {
        let size = question.machines.first().and_then(|plan| plan.placements.get(at));
        let count = size.map_or(1, |placement| room(&placement.size)).clamp(1, MOST_TOGETHER);
        let verdict = ask_about(subscription, &question, facts, at, count).await;
        let goes_on = verdict.as_ref().is_err_and(|error| lacks_room(error) || is_by_policy(error));
        asked.push(Asked { at, verdict });
        if !goes_on {
            break;
        }
    }
    asked
}

fn fill_in(plan: &mut ProvisionPlan, facts: &Facts) {
    let image = facts.image.as_ref().ok();
    fill(plan, image, facts.sizes.as_deref().ok());
}

fn public_key(spec: &VmSpec) -> Result<String, Error> {
    match &spec.public_key {
        Some(own) => Ok(own.clone()),
        None => Ok(SshKey::generate(KeyKind::Ed25519)?.public),
    }
}

async fn ask_about(
    subscription: &Subscription,
    question: &Question,
    facts: &Facts,
    at: usize,
    count: usize,
) -> Result<(), Error> {
    let name = "azconnect-preflight";
    let shared = &question.shared;
    let machines = question.machines.get(..count).unwrap_or(&question.machines);
    let writes = Writes { shared, machines, at, public_key: &question.public_key };
    if matches!(facts.group, Ok(Some(_))) {
        let template = group_template(&writes)?;
        return subscription.group(shared.spec.group.name()).validate(name, &template).await;
    }
    // Nothing can be checked in a group that is not there, so the group is part of what is checked.
    let template = subscription_template(&writes)?;
    subscription.validate(name, &shared.spec.location, &template).await
}

pub(super) fn judge(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Validation;
    if let Some(first) = prerequisite(spec, facts) {
        return check.skipped(first);
    }
    // One that the service lets pass is enough, and it comes last.
    match facts.validation.last().map(|asked| &asked.verdict) {
        None => check.unknown("the service was not asked", "nothing, if the provisioning succeeds"),
        Some(Ok(())) => check.passed("the service's own check finds nothing wrong"),
        // The check of the placements has said so.
        Some(Err(error)) if lacks_room(error) => check.skipped("a placement has to be possible first"),
        Some(Err(error)) => refused(check, error),
    }
}

fn refused(check: PreflightCheck, error: &Error) -> Check {
    if error.kind() == ErrorKind::PermissionDenied && !is_by_policy(error) {
        return check
            .unknown("the identity may not have the service check it", "nothing, if the provisioning succeeds")
            .with_error(error);
    }
    // Named by the catalogue as something that somebody has to mend. Any other refusal may be about the template, which the
    // provisioning does not send.
    let known = Fault::of(error).is_some_and(|fault| fault.class == Class::CallerFixes && fault.is_known());
    let of_template = error.service_code().is_none_or(|code| code.starts_with("Invalid"));
    if !known || of_template {
        return check.unknown_by(error);
    }
    check.failed_by(error).with_cause(error.message())
}
