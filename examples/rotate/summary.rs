//! Five lines that say how things stand, before anything else is shown.

use azconnect::rotation::Decision;
use azconnect_examples::page::{names, width};
use azconnect_examples::when::{day, relative};
use time::OffsetDateTime;

use crate::standing::Standing;

/// The columns before the names.
const LABEL: usize = 13;

/// How many there are of everything, what is due, what goes on, what can wait, and what needs a person.
pub fn summary(all: &[Standing], connections: usize, now: OffsetDateTime) -> String {
    let plans: Vec<_> = all.iter().map(|one| &one.plan).collect();
    let secrets: usize = plans.iter().map(|plan| plan.keys.len()).sum();
    let these = |wanted: Decision| plans.iter().filter(move |plan| plan.decision == wanted);
    let titles = |wanted: Decision| these(wanted).map(|plan| plan.title.clone()).collect::<Vec<_>>();
    let next = these(Decision::NotDue).filter_map(|plan| plan.due_at).min();
    let mut waiting = titles(Decision::NotDue);
    if let (Some(at), Some(last)) = (next, waiting.last_mut()) {
        last.push_str(&format!("; next {} ({})", relative(at, now), day(at)));
    }
    let blocked: Vec<_> = all.iter().filter_map(needs).collect();
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

/// Why an application needs a person, if it does.
fn needs(one: &Standing) -> Option<String> {
    let title = &one.plan.title;
    if one.is_blocked {
        return Some(format!("{title} (its rotation is blocked)"));
    }
    let mut about: Vec<_> = one.plan.blockers().into_iter().map(|(about, _)| about.to_owned()).collect();
    about.dedup();
    (!about.is_empty()).then(|| format!("{title} ({})", count(about.len(), "reason")))
}

fn line(label: &str, all: &[String]) -> String {
    format!("  {:<11}{}", format!("{label}:"), names(all, width().saturating_sub(LABEL)))
}

/// A number of things.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
