//! Plans and connections as text.

use azconnect::credential::{Check, CheckStatus, Expiry};
use azconnect::rotation::{Decision, Fate, PlannedKey, RotationPlan};
use azconnect_examples::page::hanging;
use azconnect_examples::short::Ids;
use azconnect_examples::table::table;
use azconnect_examples::when::relative;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::discover::Connection;
use crate::standing::Standing;

/// What is due, and what would be done.
pub fn plans(all: &[Standing], now: OffsetDateTime) -> String {
    let rows: Vec<_> = all
        .iter()
        .map(|Standing { plan, is_blocked, .. }| {
            let decision = match plan.decision {
                Decision::Resume if *is_blocked => "blocked: needs a person",
                Decision::Rotate => "rotate",
                Decision::Resume => "go on with the rotation under way",
                Decision::NotDue => "nothing: not due",
                Decision::Refuse => "nothing: checks forbid it",
                _ => "nothing",
            };
            vec![plan.title.clone(), expiry(plan.expiry, now), plan.sinks.len().to_string(), decision.to_owned()]
        })
        .collect();
    format!("\nPlan\n\n{}", table(&["application", "secret ends", "consumers", "what will be done"], &rows))
}

/// What becomes of each secret.
pub fn secrets(all: &[Standing], now: OffsetDateTime) -> String {
    let mut ids = Ids::default();
    let keys = || all.iter().flat_map(|one| one.plan.keys.iter().map(move |key| (one, key)));
    keys().for_each(|(_, key)| ids.learn(&name_of(key)));
    let rows: Vec<_> = keys()
        .map(|(one, key)| {
            let ends = key.issued.ends_at.map_or_else(|| "?".to_owned(), |end| relative(end, now));
            vec![one.plan.title.clone(), ids.shortened(&name_of(key)), ends, fate(one, key).to_owned()]
        })
        .collect();
    let mut text = format!("\nSecrets\n\n{}", table(&["application", "secret", "ends", "what becomes of it"], &rows));
    let foreign: Vec<_> = keys().filter(|(one, key)| fate(one, key) == NOT_OURS).collect();
    if !foreign.is_empty() {
        let said = "What is not ours stays. To hand a secret over, write its id under `adopt` of its application:";
        text.push_str(&format!("\n{}\n", hanging("  ", said)));
        for (_, key) in foreign {
            text.push_str(&format!("{}\n", hanging("    ", &format!("{}  {}", key.issued.key, name_of(key)))));
        }
    }
    text
}

fn name_of(key: &PlannedKey) -> String {
    key.issued.display_name.clone().unwrap_or_else(|| key.issued.key.to_string())
}

const NOT_OURS: &str = "not ours: stays";

fn fate(one: &Standing, key: &PlannedKey) -> &'static str {
    match (key.fate, one.plan.decision) {
        _ if one.new_key == Some(key.issued.key) => "ours: the new one",
        (Fate::Retire, Decision::Rotate | Decision::Resume) => "ours: will be removed",
        (Fate::Retire, _) => "ours: stays for now",
        _ => NOT_OURS,
    }
}

fn expiry(expiry: Expiry, now: OffsetDateTime) -> String {
    match expiry {
        Expiry::Fresh { ends_at } => relative(ends_at, now),
        Expiry::Due { ends_at } | Expiry::Overdue { ends_at } | Expiry::Expired { ends_at } => {
            format!("{}, {}", relative(ends_at, now), expiry.as_str())
        }
        Expiry::Never | Expiry::Unknown | Expiry::Gone => expiry.as_str().to_owned(),
    }
}

/// Where the consumers send their secrets, which somebody else may have written; empty where none says so.
pub fn destinations(all: &[Standing]) -> String {
    let sinks = all.iter().flat_map(|one| &one.plan.sinks);
    let hosts = sinks.filter_map(|sink| Some(vec![sink.report.title.clone(), sink.destination.clone()?]));
    let rows: Vec<_> = hosts.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\nHosts\n\n{}", table(&["consumer", "its secret goes to"], &rows))
}

/// What was found that stands in the way, or that somebody should look at; empty where there is nothing.
pub fn checks(all: &[Standing]) -> String {
    let mut text = String::new();
    for Standing { plan, .. } in all {
        for (about, check) in plan.all_checks() {
            text.push_str(&format!("{}\n", hanging(&format!("  {} ", weight(check)), &headline(plan, about))));
            text.push_str(&format!("{}\n", hanging("    ", &check.cause)));
            if !check.remedy.is_empty() {
                text.push_str(&format!("{}\n", hanging("    remedy: ", &check.remedy)));
            }
        }
    }
    if text.is_empty() { text } else { format!("\nChecks\n\n{text}") }
}

fn headline(plan: &RotationPlan, about: &str) -> String {
    if about == plan.title { about.to_owned() } else { format!("{}: {about}", plan.title) }
}

fn weight(check: &Check) -> &'static str {
    match check.status {
        _ if check.is_advisory => "!",
        CheckStatus::Failed => "✗",
        CheckStatus::Passed => "·",
        _ => "?",
    }
}

/// The service connections: where, what, and whether a new secret can be put into them.
pub fn connections(connections: &[Connection]) -> String {
    let mut places: Vec<_> = connections.iter().map(|one| (&one.organization, &one.project)).collect();
    places.dedup();
    let mut text = String::from("\nService connections\n");
    for (organization, project) in places {
        let here = connections.iter().filter(|one| (&one.organization, &one.project) == (organization, project));
        let rows: Vec<_> = here.map(|one| vec![one.name.clone(), one.kind.clone(), takes_a_secret(one)]).collect();
        let heading = [&*format!("{organization}/{project}"), "kind", "can it take a new secret?"];
        text.push_str(&format!("\n{}", table(&heading, &rows)));
    }
    text
}

fn takes_a_secret(connection: &Connection) -> String {
    match connection.checks.failures().next() {
        Some(check) => format!("no: {}", check.cause),
        None if connection.holder.is_none() => "no: it names no application".to_owned(),
        None => "yes".to_owned(),
    }
}

/// A connection as a JSON object.
pub fn connection_as_json(connection: &Connection) -> Value {
    json!({
        "id": connection.id.to_string(),
        "organization": connection.organization,
        "project": connection.project,
        "name": connection.name,
        "kind": connection.kind,
        "application": connection.holder.map(|holder| holder.to_string()),
        "checks": connection.checks,
    })
}
