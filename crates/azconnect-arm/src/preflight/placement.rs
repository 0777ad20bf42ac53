//! Sizes and zones: each requirement by itself, and each placement as a whole.

use azconnect_core::ErrorKind;
use azconnect_credential::Check;

use super::check::PreflightCheck;
use super::judge::unread;
use super::known_sizes::is_known;
use super::options::{asked_for, problem};
use super::quota::{Short, short_of};
use super::read::Facts;
use super::validation::refusal_of;
use crate::provision::{Placement, placements};
use crate::resource::image::ImageVersion;
use crate::resource::sku::Sku;
use crate::spec::VmSpec;

/// What is known of one requirement at one placement.
enum Finding {
    Good,
    Bad(String),
    /// Why it is not known.
    Open(&'static str),
}

/// One placement with everything that is known of it.
struct Judged {
    placement: Placement,
    problems: Vec<String>,
    open: Vec<&'static str>,
}

/// The sizes at which nothing is known to be wrong, in the order in which they are tried.
pub(super) fn possible_sizes(spec: &VmSpec, facts: &Facts) -> Vec<String> {
    let judged = placements(spec).into_iter().map(|placement| judged(spec, facts, placement));
    let mut sizes: Vec<String> =
        judged.filter(|judged| judged.problems.is_empty()).map(|judged| judged.placement.size).collect();
    sizes.dedup();
    sizes
}

/// The numbers of the placements at which nothing is known to be wrong, in the order in which they are tried.
pub(super) fn candidates(spec: &VmSpec, facts: &Facts) -> Vec<usize> {
    let judged = placements(spec).into_iter().map(|placement| judged(spec, facts, placement));
    judged.enumerate().filter(|(_, judged)| judged.problems.is_empty()).map(|(at, _)| at).collect()
}

/// Passes if one placement has all that it needs. Each requirement may pass for another size, and no machine be possible.
pub(super) fn placement(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Placement;
    if excluded_by_one(spec, facts) {
        return check.skipped("one requirement rules out every placement already");
    }
    let judged: Vec<Judged> = placements(spec)
        .into_iter()
        .enumerate()
        .map(|(at, placement)| {
            let mut judged = judged(spec, facts, placement);
            judged.problems.extend(refusal_of(facts, at));
            judged
        })
        .collect();
    let bad: Vec<String> = judged.iter().filter(|one| !one.problems.is_empty()).map(told).collect();
    let bad = bad.join("; ");
    let possible = || judged.iter().filter(|one| one.problems.is_empty());
    let good: Vec<String> = possible().filter(|one| one.open.is_empty()).map(|one| one.placement.to_string()).collect();
    if !good.is_empty() {
        let cause = format!("{} can be used", good.join(", "));
        return check.passed(if bad.is_empty() { cause } else { format!("{cause}; {bad}") });
    }
    let open: Vec<String> = possible().map(|one| format!("{}: {}", one.placement, one.open.join(", "))).collect();
    if open.is_empty() {
        return check.failed(bad, "choose another size, zone or region, or have the quotas raised");
    }
    let cause = if bad.is_empty() { open.join("; ") } else { format!("{}; {bad}", open.join("; ")) };
    check.unknown(cause, "nothing, if the provisioning succeeds")
}

fn told(judged: &Judged) -> String {
    format!("{}: {}", judged.placement, judged.problems.join(", "))
}

/// Whether the check of one requirement alone failed: then it has said for each size what is wrong.
fn excluded_by_one(spec: &VmSpec, facts: &Facts) -> bool {
    size(spec, facts).blocks()
        || (asked_for(spec) && options(spec, facts).blocks())
        || cores(spec, facts).blocks()
        || image_fit(spec, facts).is_some_and(|check| check.blocks())
}

fn judged(spec: &VmSpec, facts: &Facts, placement: Placement) -> Judged {
    let zones: Vec<&str> = placement.zone.as_deref().into_iter().collect();
    let findings = [
        offered(facts, spec, &placement.size, &zones),
        enough_cores(facts, spec, &placement.size),
        offers_options(facts, spec, &placement.size),
        fits(facts, &placement.size),
    ];
    let mut judged = Judged { placement, problems: Vec::new(), open: Vec::new() };
    for finding in findings {
        match finding {
            Finding::Good => {}
            Finding::Bad(problem) => judged.problems.push(problem),
            Finding::Open(why) => judged.open.push(why),
        }
    }
    judged
}

/// What is known of a size, if the list could be read and has it.
pub(super) fn find<'a>(facts: &'a Facts, size: &str) -> Option<&'a Sku> {
    facts.sizes.as_ref().ok()?.iter().find(|sku| sku.name.eq_ignore_ascii_case(size))
}

/// Whether a size is offered here, to this subscription, in one of the zones.
fn offered(facts: &Facts, spec: &VmSpec, size: &str, zones: &[&str]) -> Finding {
    let location = &spec.location;
    if facts.sizes.is_err() {
        return Finding::Open("the sizes of the region could not be read");
    }
    let Some(sku) = find(facts, size) else {
        return Finding::Bad(format!("{size} is not offered in {location}"));
    };
    if let Some(reason) = sku.closed_in(location) {
        return Finding::Bad(format!("{size} is closed to this subscription in {location} ({reason})"));
    }
    let open = sku.zones_in(location);
    if !zones.is_empty() && !zones.iter().any(|zone| open.contains(zone)) {
        return Finding::Bad(format!("{size} is not in zone {} of {location}", zones.join(" or ")));
    }
    Finding::Good
}

/// Whether the quotas of processors suffice for one machine of a size.
fn enough_cores(facts: &Facts, spec: &VmSpec, size: &str) -> Finding {
    let Ok(usages) = &facts.compute else { return Finding::Open("the quotas could not be read") };
    let Some(sku) = find(facts, size) else { return Finding::Open("its processors are not known") };
    let Some(wanted) = sku.vcpus() else { return Finding::Open("its processors are not known") };
    let needs: Vec<(&str, i64)> = core_quotas(spec, sku).map(|name| (name, wanted)).collect();
    match short_of(usages, &needs) {
        Short::Enough => Finding::Good,
        Short::By(usage, wanted) => Finding::Bad(format!(
            "{size} needs {wanted} of {} in {}, limit {}, used {}",
            usage.name.value, spec.location, usage.limit, usage.current_value
        )),
        Short::NotShown => Finding::Open("its quotas are not shown"),
    }
}

/// Why it is not known whether the quotas of processors suffice for one machine of a size. `None` where it is.
pub(super) fn open_cores(facts: &Facts, spec: &VmSpec, size: &str) -> Option<&'static str> {
    match enough_cores(facts, spec, size) {
        Finding::Open(why) => Some(why),
        Finding::Good | Finding::Bad(_) => None,
    }
}

/// The names of the quotas that the processors of a machine count against. Spot machines have one of their own, whatever their
/// family.
pub(super) fn core_quotas<'a>(spec: &VmSpec, sku: &'a Sku) -> impl Iterator<Item = &'a str> {
    let family = sku.family.as_deref().unwrap_or_default();
    let is_spot = spec.spot.is_some();
    [("lowPriorityCores", is_spot), ("cores", !is_spot), (family, !is_spot)]
        .into_iter()
        .filter_map(|(name, counts)| counts.then_some(name))
}

/// Whether a size offers what is asked for beyond processors and memory.
fn offers_options(facts: &Facts, spec: &VmSpec, size: &str) -> Finding {
    if !asked_for(spec) {
        return Finding::Good;
    }
    let Some(sku) = find(facts, size) else { return Finding::Open("what it offers is not known") };
    let image = facts.image.as_ref().ok().map(|image| &image.properties);
    problem(spec, sku, image).map_or(Finding::Good, Finding::Bad)
}

/// Whether the image runs on a size: generation and architecture.
fn fits(facts: &Facts, size: &str) -> Finding {
    let image = match &facts.image {
        Err(_) => return Finding::Open("the image could not be read"),
        Ok(image) => image,
    };
    let Some(sku) = find(facts, size) else { return Finding::Open("its generations are not known") };
    match misfit(image, sku) {
        None => Finding::Good,
        Some(what) => Finding::Bad(format!("{size} does not run {what}")),
    }
}

/// What of an image a size does not run. A capability that is not listed proves nothing against the size.
fn misfit(image: &ImageVersion, sku: &Sku) -> Option<String> {
    let lacks = |capability: &str, wanted: &Option<String>| {
        let (Some(offered), Some(wanted)) = (sku.capability(capability), wanted) else { return false };
        !offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted))
    };
    let (generation, architecture) = (&image.properties.hyper_v_generation, &image.properties.architecture);
    if lacks("HyperVGenerations", generation) {
        return Some(format!("generation {}", generation.as_deref().unwrap_or_default()));
    }
    lacks("CpuArchitectureType", architecture).then(|| architecture.clone().unwrap_or_default())
}

pub(super) fn size(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Size;
    if let Err(error) = &facts.sizes {
        return unlisted(spec, unread(check, error));
    }
    let zones: Vec<&str> = spec.zones.iter().map(String::as_str).collect();
    any_size(spec, check, |size| offered(facts, spec, size, &zones), "choose another size, zone or region")
}

/// Where the list may not be read, a name that nobody knows is pointed out. It may be newer than this library, so that alone
/// fails nothing.
fn unlisted(spec: &VmSpec, unread: Check) -> Check {
    let unheard: Vec<&str> = spec.sizes.iter().map(String::as_str).filter(|size| !is_known(size)).collect();
    if unheard.is_empty() {
        return unread;
    }
    let cause = format!("{}; {} is no size that this library knows", unread.cause, unheard.join(", "));
    unread.with_cause(cause).with_remedy("check the spelling of the size, or ask for Reader on the subscription")
}

pub(super) fn cores(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::CoreQuota;
    match (&facts.sizes, &facts.compute) {
        (Err(error), _) | (_, Err(error)) if error.kind() != ErrorKind::NotFound => return unread(check, error),
        (Ok(_), Ok(_)) => {}
        _ => return check.unknown("the quotas of the region are not shown", "check them in the portal"),
    }
    if !spec.sizes.iter().any(|size| find(facts, size).is_some()) {
        return check.skipped("a size has to be chosen first");
    }
    let found = |size: &str| match find(facts, size) {
        Some(_) => enough_cores(facts, spec, size),
        None => Finding::Bad(format!("{size} is not offered")),
    };
    any_size(spec, check, found, "choose another size or region, or have the quota raised")
}

pub(super) fn options(spec: &VmSpec, facts: &Facts) -> Check {
    let check = PreflightCheck::Options;
    if let Err(error) = &facts.sizes {
        return unread(check, error);
    }
    if !spec.sizes.iter().any(|size| find(facts, size).is_some()) {
        return check.skipped("a size has to be chosen first");
    }
    let found = |size: &str| match find(facts, size) {
        Some(_) => offers_options(facts, spec, size),
        None => Finding::Bad(format!("{size} is not offered")),
    };
    any_size(spec, check, found, "choose another size or image, or leave out what it does not offer")
}

pub(super) fn image_fit(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let (Ok(_), Ok(_)) = (&facts.image, &facts.sizes) else { return None };
    let check = PreflightCheck::ImageFit;
    if !spec.sizes.iter().any(|size| find(facts, size).is_some()) {
        return Some(check.skipped("a size has to be chosen first"));
    }
    let remedy = "choose an image of the size's generation and architecture";
    Some(any_size(spec, check, |size| fits(facts, size), remedy))
}

/// Passes if one of the sizes passes, since the others are only fallen back to; the cause names what is wrong with
/// these.
fn any_size(spec: &VmSpec, check: PreflightCheck, found: impl Fn(&str) -> Finding, remedy: &str) -> Check {
    let (mut good, mut bad, mut open) = (Vec::new(), Vec::new(), None);
    for size in &spec.sizes {
        match found(size) {
            Finding::Good => good.push(size.as_str()),
            Finding::Bad(problem) => bad.push(problem),
            Finding::Open(why) => open = Some((size, why)),
        }
    }
    if !good.is_empty() {
        bad.insert(0, format!("{} can be used", good.join(", ")));
        return check.passed(bad.join("; "));
    }
    match open {
        Some((size, why)) => check.unknown(format!("{size}: {why}"), "nothing, if the provisioning succeeds"),
        None => check.failed(bad.join("; "), remedy),
    }
}
