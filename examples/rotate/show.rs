//! Plans, connections, outcomes and the ground truth as text.

use azconnect::core::Error;
use azconnect::credential::{Check, CheckStatus, Expiry};
use azconnect::rotation::{Decision, Fate, RotationOutcome, RotationPlan};
use azconnect_emulator::{Held, Truth};
use azconnect_examples::table::table;
use serde_json::{Value, json};

use crate::discover::Connection;

/// The plans: what is due, what goes, what stays, and what was found.
pub fn plans(plans: &[RotationPlan]) -> String {
    let rows: Vec<_> = plans
        .iter()
        .map(|plan| {
            let decision = match plan.decision {
                Decision::Rotate => "rotate",
                Decision::Resume => "go on with the rotation under way",
                Decision::NotDue => "nothing: not due",
                Decision::Refuse => "nothing: checks forbid it",
                _ => "nothing",
            };
            let consumers = plan.sinks.len().to_string();
            vec![plan.title.clone(), expiry(plan.expiry), consumers, decision.to_owned()]
        })
        .collect();
    let mut text =
        format!("\nPlan\n\n{}", table(&["application", "secret ends", "consumers", "what will be done"], &rows));
    let keys: Vec<_> = plans.iter().flat_map(|plan| plan.keys.iter().map(move |key| key_row(plan, key))).collect();
    text.push_str(&format!("\nSecrets\n\n{}", table(&["application", "secret", "ends", "what becomes of it"], &keys)));
    let checks: Vec<_> = plans
        .iter()
        .flat_map(|plan| plan.all_checks().into_iter().map(move |found| (plan, found)))
        .map(|(plan, (about, check))| {
            let about = if about == plan.title { String::new() } else { about.to_owned() };
            vec![plan.title.clone(), weight(check), about, check.cause.clone(), check.remedy.clone()]
        })
        .collect();
    if !checks.is_empty() {
        let heading = ["application", "", "about", "found", "remedy"];
        text.push_str(&format!("\nChecks\n\n{}", table(&heading, &checks)));
    }
    text
}

fn key_row(plan: &RotationPlan, key: &azconnect::rotation::PlannedKey) -> Vec<String> {
    let name = key.issued.display_name.clone().unwrap_or_else(|| key.issued.key.to_string());
    let ends = key.issued.ends_at.map_or_else(|| "?".to_owned(), |end| end.date().to_string());
    let fate = match (key.fate, plan.decision) {
        (Fate::Retire, Decision::Rotate | Decision::Resume) => "removed when the new one is proven everywhere",
        (Fate::Retire, _) => "ours: stays for now",
        _ => "not ours: stays",
    };
    vec![plan.title.clone(), name, ends, fate.to_owned()]
}

fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::Unknown => "unknown".to_owned(),
        Expiry::Fresh { ends_at } => format!("{} (fresh)", ends_at.date()),
        Expiry::Due { ends_at } => format!("{} (due)", ends_at.date()),
        Expiry::Expired { ends_at } => format!("{} (expired)", ends_at.date()),
    }
}

fn weight(check: &Check) -> String {
    match check.status {
        _ if check.is_advisory => "warning",
        CheckStatus::Failed => "FAILED",
        CheckStatus::Passed => "note",
        status => status.as_str(),
    }
    .to_owned()
}

/// The service connections: where, what, and whether a new secret can be put into them.
pub fn connections(connections: &[Connection]) -> String {
    let rows: Vec<_> = connections
        .iter()
        .map(|connection| {
            let place = format!("{}/{}", connection.organization, connection.project);
            let answer = match connection.checks.failures().next() {
                Some(check) => format!("no: {}", check.cause),
                None if connection.holder.is_none() => "no: it names no application".to_owned(),
                None => "yes".to_owned(),
            };
            vec![place, connection.name.clone(), connection.kind.clone(), answer]
        })
        .collect();
    let heading = ["project", "connection", "kind", "can it take a new secret?"];
    format!("\nService connections\n\n{}", table(&heading, &rows))
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

/// Whether an outcome counts as done, its word, its text, and the remedy.
pub fn outcome(outcome: &Result<RotationOutcome, Error>) -> (bool, &'static str, String, Option<String>) {
    match outcome {
        Ok(RotationOutcome::Rotated { .. }) => (true, "rotated", "rotated".to_owned(), None),
        Ok(RotationOutcome::NotDue { .. }) => (true, "not_due", "not due".to_owned(), None),
        Ok(RotationOutcome::Idle) => (true, "idle", "nothing under way".to_owned(), None),
        Ok(RotationOutcome::Waiting { until, why }) => {
            (true, "waiting", format!("waits for {why}"), Some(format!("run again after {until}")))
        }
        Ok(RotationOutcome::Refused { plan }) => {
            let blockers = plan.blockers();
            let said: Vec<_> = blockers.iter().map(|(about, check)| format!("{about}: {}", check.cause)).collect();
            let advice: Vec<_> = blockers.iter().map(|(_, check)| check.remedy.clone()).collect();
            (false, "refused", format!("not begun. {}", said.join("; ")), Some(advice.join("; ")))
        }
        Ok(RotationOutcome::RolledBack { problem, .. }) => {
            (false, "rolled_back", format!("rolled back: {problem}"), Some(problem.advice().to_owned()))
        }
        Ok(RotationOutcome::Blocked { problem }) => {
            (false, "blocked", format!("needs a person: {problem}"), Some(problem.advice().to_owned()))
        }
        Ok(_) => (false, "unknown", "ended in a way this program does not know".to_owned(), None),
        Err(error) => (false, "failed", error.to_string(), Some(error.advice().to_owned())),
    }
}

/// What the emulator itself knows.
pub fn truth(truth: &Truth) -> String {
    let secrets: Vec<_> = truth
        .applications
        .iter()
        .flat_map(|application| application.passwords.iter().map(move |password| (application, password)))
        .map(|(application, password)| {
            let state = match (password.live, password.accepted.everywhere) {
                (false, _) => "removed",
                (true, true) => "alive, accepted by every replica",
                (true, false) => "alive, not accepted (expired or not replicated)",
            };
            let name = password.display_name.clone().unwrap_or_default();
            vec![application.display_name.clone(), name, state.to_owned()]
        })
        .collect();
    let name_of = |key: &azconnect::core::KeyId| {
        let mut all = truth.applications.iter().flat_map(|application| &application.passwords);
        all.find(|password| password.key_id == *key)
            .and_then(|password| password.display_name.clone())
            .unwrap_or_default()
    };
    let connections: Vec<_> = truth
        .connections
        .iter()
        .filter_map(|connection| match &connection.holds {
            Held::Key(key) => Some(vec![
                format!("{}/{}", connection.organization, connection.name),
                name_of(key),
                if connection.secret_usable_now { "works" } else { "does not work" }.to_owned(),
            ]),
            _ => None,
        })
        .collect();
    format!(
        "\nWhat the emulator knows\n\n{}\n{}",
        table(&["application", "secret", "state"], &secrets),
        table(&["connection", "holds", ""], &connections)
    )
}
