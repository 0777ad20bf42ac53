//! Five lines that say how things stand, before anything else is shown.

use azconnect::rotation::{Decision, RotationPlan};
use azconnect_examples::page::{names, width};
use azconnect_examples::when::{day, relative};
use time::OffsetDateTime;

/// The columns before the names.
const LABEL: usize = 13;

/// How many there are of everything, what is due, what goes on, what can wait, and what needs a person.
pub fn summary(plans: &[RotationPlan], connections: usize, now: OffsetDateTime) -> String {
    let secrets: usize = plans.iter().map(|plan| plan.keys.len()).sum();
    let these = |wanted: Decision| plans.iter().filter(move |plan| plan.decision == wanted);
    let titles = |wanted: Decision| these(wanted).map(|plan| plan.title.clone()).collect::<Vec<_>>();
    let next = these(Decision::NotDue).filter_map(|plan| plan.due_at).min();
    let mut waiting = titles(Decision::NotDue);
    if let (Some(at), Some(last)) = (next, waiting.last_mut()) {
        last.push_str(&format!("; next {} ({})", relative(at, now), day(at)));
    }
    let blocked: Vec<_> = plans.iter().filter(|plan| !plan.blockers().is_empty()).map(needs).collect();
    [
        format!(
            "{}, {}, {}",
            count(plans.len(), "application"),
            count(secrets, "secret"),
            count(connections, "service connection")
        ),
        line("due now", &titles(Decision::Rotate)),
        line("under way", &titles(Decision::Resume)),
        line("not due", &waiting),
        line("needs you", &blocked),
    ]
    .join("\n")
}

fn needs(plan: &RotationPlan) -> String {
    let mut about: Vec<_> = plan.blockers().into_iter().map(|(about, _)| about.to_owned()).collect();
    about.dedup();
    let reasons = count(about.len(), "reason");
    format!("{} ({reasons})", plan.title)
}

fn line(label: &str, all: &[String]) -> String {
    format!("  {:<11}{}", format!("{label}:"), names(all, width().saturating_sub(LABEL)))
}

/// A number of things.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
