//! The preflight of several machines that share a network: what each needs, and what all need together.

use azconnect_core::Error;
use azconnect_credential::{Check, CheckReport, CheckStatus};
use futures_util::future::join_all;

use super::check::PreflightCheck;
use super::merge::{Named, merge};
use super::read::{Facts, read};
use super::room::{Room, Wanted, cores};
use super::validation::ask_together;
use super::{judge, presence, quota};
use crate::client::Subscription;
use crate::spec::{FleetSpec, VmSpec};

/// How many machines' names are looked up at a time.
const READ_AT_ONCE: usize = 16;

/// Looks at everything that the machines of a fleet need, as [`preflight`](super::preflight()) does for one, and returns all
/// checks at once. Nothing is created or changed.
///
/// The quotas are judged for all machines together: processors by family and region, machines, interfaces, public addresses.
/// Each that does not suffice says how much is needed, allowed and used. A machine takes the next of its sizes where the first
/// has no room left, as the provisioning does. The service is asked about the writes of all machines, up to 40 that are alike
/// at a time. Machines that are alike but for their names are looked at once; what is said of some only begins with theirs.
/// For a fleet that grows, give it the new machines alone: those that run have their names and their share of the quotas.
pub async fn preflight_fleet(subscription: &Subscription, fleet: &FleetSpec) -> CheckReport {
    let specification = specification(fleet);
    let kinds = kinds(fleet);
    let mut read_of = Vec::new();
    for kind in &kinds {
        read_of.push(read(subscription, kind.like).await);
    }
    ask(subscription, fleet, &kinds, &mut read_of).await;
    let mut reports: Vec<Named<'_>> = Vec::new();
    for (kind, facts) in kinds.iter().zip(&read_of) {
        let like = judge::judge(subscription.id(), kind.like, facts);
        for some in kind.machines.chunks(READ_AT_ONCE) {
            let own: Vec<_> = some.iter().map(|machine| named(subscription, machine, &like)).collect();
            reports.extend(join_all(own).await);
        }
    }
    let together = together(fleet, &kinds, &read_of);
    let is_sound = specification.status == CheckStatus::Passed;
    let mut checks = vec![specification];
    for check in merge(&reports).into_iter().skip_while(|check| check.code == PreflightCheck::Specification.code()) {
        let asked = check.status != CheckStatus::Skipped;
        checks.push(match together.iter().find(|whole| asked && whole.code == check.code) {
            Some(whole) => whole.clone(),
            None if !is_sound && check.code == PreflightCheck::Validation.code() => {
                PreflightCheck::Validation.skipped("the specification has to be corrected first")
            }
            None => check,
        });
    }
    checks.into()
}

/// The report of a machine that is like another one: what is its own are its names.
async fn named<'a>(subscription: &Subscription, machine: &'a VmSpec, like: &CheckReport) -> Named<'a> {
    let asked = |check: PreflightCheck| like.of(check).is_some_and(|found| found.status != CheckStatus::Skipped);
    let mut report = like.clone();
    if asked(PreflightCheck::MachineName) || asked(PreflightCheck::DnsLabel) {
        let names = presence::read_names(subscription, machine).await;
        let own = [Some(presence::machine_name(machine, &names)), presence::dns_label(machine, &names)];
        for own in own.into_iter().flatten() {
            if let Some(known) = report.checks.iter_mut().find(|known| known.code == own.code) {
                *known = own;
            }
        }
    }
    (&machine.name, report)
}

/// Machines that are alike but for their names.
struct Kind<'a> {
    like: &'a VmSpec,
    machines: Vec<VmSpec>,
}

fn kinds(fleet: &FleetSpec) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for machine in &fleet.machines {
        let at = kinds.iter().position(|kind| are_alike(kind.like, machine)).unwrap_or(kinds.len());
        if at == kinds.len() {
            kinds.push(Kind { like: machine, machines: Vec::new() });
        }
        if let Some(kind) = kinds.get_mut(at) {
            kind.machines.push(machine.clone());
        }
    }
    kinds
}

/// Whether what stands in the way of one machine stands in the way of the other. One without a label is not looked at for one.
fn are_alike(one: &VmSpec, other: &VmSpec) -> bool {
    if one.dns_label.is_some() != other.dns_label.is_some() {
        return false;
    }
    let mut renamed = other.clone();
    renamed.name.clone_from(&one.name);
    renamed.dns_label.clone_from(&one.dns_label);
    renamed == *one
}

fn specification(fleet: &FleetSpec) -> Check {
    match fleet.check() {
        Ok(()) => PreflightCheck::Specification.passed("names, rules and addresses are valid"),
        Err(error) => PreflightCheck::Specification.failed_by(&error),
    }
}

/// Each machine of the fleet with what was read for its kind, in the order of the fleet. Empty if nobody could sign in.
fn wanted<'a>(fleet: &'a FleetSpec, kinds: &[Kind<'_>], read_of: &'a [Result<Facts, Error>]) -> Vec<Wanted<'a>> {
    let of = |machine: &'a VmSpec| {
        let at = kinds.iter().position(|kind| are_alike(kind.like, machine))?;
        Some((machine, read_of.get(at)?.as_ref().ok()?))
    };
    fleet.machines.iter().filter_map(of).collect()
}

/// Has the service check the writes of each kind, for as many machines as the quotas are known to have room for.
async fn ask(subscription: &Subscription, fleet: &FleetSpec, kinds: &[Kind<'_>], read_of: &mut [Result<Facts, Error>]) {
    let mut verdicts = Vec::new();
    let room = Room::of(&wanted(fleet, kinds, read_of));
    for (kind, facts) in kinds.iter().zip(read_of.iter()) {
        let Ok(facts) = facts else { continue };
        let given = |size: &str| match &room {
            Some(room) => room.given(size, |spec| are_alike(kind.like, spec)),
            None => kind.machines.len(),
        };
        let alike = FleetSpec::new(&fleet.name, kind.machines.clone());
        verdicts.push(ask_together(subscription, &alike, facts, given).await);
    }
    drop(room);
    for (facts, verdicts) in read_of.iter_mut().filter_map(|facts| facts.as_mut().ok()).zip(verdicts) {
        facts.validation = verdicts;
    }
}

/// The checks of what all machines need together.
fn together(fleet: &FleetSpec, kinds: &[Kind<'_>], read_of: &[Result<Facts, Error>]) -> Vec<Check> {
    let machines = wanted(fleet, kinds, read_of);
    let Some((first, facts)) = machines.first() else { return Vec::new() };
    let count = |machines: usize| i64::try_from(machines).unwrap_or(i64::MAX);
    let addresses = machines.iter().map(|(spec, _)| quota::public_addresses(spec)).sum();
    vec![
        cores(&machines),
        quota::machines(first, count(machines.len()), facts),
        quota::network(first, count(machines.len()), facts),
        quota::addresses(first, addresses, facts),
    ]
}
