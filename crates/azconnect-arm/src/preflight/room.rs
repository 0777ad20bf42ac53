//! For how many machines the quotas of processors suffice together.

use std::collections::BTreeMap;

use azconnect_core::ErrorKind;
use azconnect_credential::Check;

use super::check::PreflightCheck;
use super::judge::unread;
use super::placement::{core_quotas, find, open_cores, possible_sizes};
use super::quota::{lack, named};
use super::read::Facts;
use crate::resource::usage::Usage;
use crate::spec::VmSpec;

/// A machine, and what was read for those that are like it.
pub(super) type Wanted<'a> = (&'a VmSpec, &'a Facts);

/// Which machines of a fleet get processors, if each takes the first of its sizes with room, as the provisioning does.
pub(super) struct Room<'a> {
    usages: &'a [Usage],
    /// How much of each quota is taken, by its name in small letters.
    taken: BTreeMap<String, i64>,
    /// The machines that got a size, with it.
    placed: Vec<(Wanted<'a>, String)>,
    left_out: Vec<Wanted<'a>>,
}

impl<'a> Room<'a> {
    /// Lets the machines take their sizes in turn. `None` where the quotas or the sizes could not be read.
    pub(super) fn of(machines: &[Wanted<'a>]) -> Option<Self> {
        let (_, facts) = machines.first()?;
        let usages = facts.compute.as_ref().ok()?;
        if machines.iter().any(|(_, facts)| facts.sizes.is_err()) {
            return None;
        }
        let mut room = Self { usages, taken: BTreeMap::new(), placed: Vec::new(), left_out: Vec::new() };
        for &(spec, facts) in machines {
            match possible_sizes(spec, facts).into_iter().find(|size| room.has(spec, facts, size)) {
                Some(size) => room.take(spec, facts, size),
                None => room.left_out.push((spec, facts)),
            }
        }
        Some(room)
    }

    /// How many machines that are like one got a size.
    pub(super) fn given(&self, size: &str, is_like: impl Fn(&VmSpec) -> bool) -> usize {
        self.placed.iter().filter(|((spec, _), given)| given.eq_ignore_ascii_case(size) && is_like(spec)).count()
    }

    fn has(&self, spec: &VmSpec, facts: &Facts, size: &str) -> bool {
        needs(spec, facts, size).iter().all(|(name, wanted)| match named(self.usages, name) {
            Some(usage) => usage.free().saturating_sub(self.taken(name)) >= *wanted,
            None => true,
        })
    }

    fn take(&mut self, spec: &'a VmSpec, facts: &'a Facts, size: String) {
        for (name, wanted) in needs(spec, facts, &size) {
            let taken = self.taken.entry(name.to_ascii_lowercase()).or_default();
            *taken = taken.saturating_add(wanted);
        }
        self.placed.push(((spec, facts), size));
    }

    fn taken(&self, name: &str) -> i64 {
        self.taken.get(&name.to_ascii_lowercase()).copied().unwrap_or_default()
    }

    /// A size that was given although its quotas or its processors are not known, and which of them.
    fn open(&self) -> Option<(&str, &'static str)> {
        let open = |(spec, facts): &Wanted<'_>, size| Some((size, open_cores(facts, spec, size)?));
        self.placed.iter().find_map(|(machine, size)| open(machine, size.as_str()))
    }

    /// What is short for the machines that are left out, size by size: what all would need together that count against it.
    fn lacks(&self) -> Vec<String> {
        let mut told = Vec::new();
        let sizes =
            self.left_out.iter().flat_map(|(spec, facts)| spec.sizes.iter().map(move |size| (spec, facts, size)));
        for (spec, facts, size) in sizes {
            for (name, _) in needs(spec, facts, size) {
                let Some(usage) = named(self.usages, name) else { continue };
                let more: i64 = self.left_out.iter().filter_map(|(spec, facts)| need(spec, facts, size, name)).sum();
                let wanted = self.taken(name).saturating_add(more);
                let lacking = format!("{size}: {}", lack(usage, wanted, &spec.location));
                if usage.free() < wanted && !told.contains(&lacking) {
                    told.push(lacking);
                }
            }
        }
        told
    }
}

/// What a machine of a size needs of each quota that its processors count against. Empty where that is not known.
fn needs<'a>(spec: &VmSpec, facts: &'a Facts, size: &str) -> Vec<(&'a str, i64)> {
    let Some(sku) = find(facts, size) else { return Vec::new() };
    let Some(wanted) = sku.vcpus() else { return Vec::new() };
    core_quotas(spec, sku).map(|name| (name, wanted)).collect()
}

/// What a machine needs of a quota, if it may take the size.
fn need(spec: &VmSpec, facts: &Facts, size: &str, quota: &str) -> Option<i64> {
    spec.sizes.iter().find(|own| own.eq_ignore_ascii_case(size))?;
    needs(spec, facts, size).into_iter().find(|(name, _)| name.eq_ignore_ascii_case(quota)).map(|(_, wanted)| wanted)
}

/// Whether the quotas of processors suffice for all machines together.
pub(super) fn cores(machines: &[Wanted<'_>]) -> Check {
    let check = PreflightCheck::CoreQuota;
    let Some(room) = Room::of(machines) else { return unreadable(machines) };
    let offered = |(spec, facts): &Wanted<'_>| spec.sizes.iter().any(|size| find(facts, size).is_some());
    if !machines.iter().all(offered) {
        return check.skipped("a size has to be chosen first");
    }
    if !room.left_out.is_empty() {
        let lacks = room.lacks();
        // Left out for another reason, such as an image that runs on none of the sizes.
        if lacks.is_empty() {
            return check.skipped("a size has to be possible first");
        }
        let (fit, all) = (room.placed.len(), machines.len());
        return check.failed(
            format!("{fit} of {all} machines fit; {}", lacks.join("; ")),
            "have the quota raised, build fewer machines, or choose another size or region",
        );
    }
    if let Some((size, why)) = room.open() {
        return check.unknown(format!("{size}: {why}"), "nothing, if the provisioning succeeds");
    }
    let mut sizes: Vec<&String> = Vec::new();
    room.placed.iter().for_each(|(_, size)| {
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    });
    let counted: Vec<String> =
        sizes.into_iter().map(|size| format!("{} × {size}", room.given(size, |_| true))).collect();
    check.passed(format!("{} can be used", counted.join(", ")))
}

fn unreadable(machines: &[Wanted<'_>]) -> Check {
    let check = PreflightCheck::CoreQuota;
    let errors = machines.iter().flat_map(|(_, facts)| [facts.sizes.as_ref().err(), facts.compute.as_ref().err()]);
    match errors.flatten().find(|error| error.kind() != ErrorKind::NotFound) {
        Some(error) => unread(check, error),
        None => check.unknown("the quotas of the region are not shown", "check them in the portal"),
    }
}
