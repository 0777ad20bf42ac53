//! What the program says: text for a person, or one JSON object a line.

use std::collections::BTreeMap;
use std::io::Write;

use azconnect::Disconnected;
use azconnect::core::Error;
use azconnect::credential::{
    Assessment, CheckReport, CheckStatus, ConnectionId, ConnectionRecord, CredentialVerdict, Expiry, ExpiryPolicy,
    SubjectId,
};
use azconnect::rotation::{HistoryEntry, Observer, RotationEvent, RotationOutcome, RotationState};
use azconnect_examples::end::Ending;
use azconnect_examples::page::hanging;
use azconnect_examples::short::Ids;
use azconnect_examples::table::table;
use azconnect_examples::when::{clock, day, moment, relative};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::offered::Offered;

/// Tells what happens.
#[derive(Clone, Debug)]
pub struct Teller {
    json: bool,
    /// Whether time passes as on the wall, so that a wait is worth telling.
    waits: bool,
}

impl Teller {
    pub fn new(json: bool, waits: bool) -> Self {
        Self { json, waits }
    }

    /// Everything that was looked at before the connection was saved.
    pub fn checked(&self, report: &CheckReport) {
        self.say(json!({"type": "checked", "clear": report.is_clear(), "checks": report}), || {
            let mut text = table(&["check", "status", "what was seen"], &rows(report));
            let remedies = remedies(report);
            if !remedies.is_empty() {
                text.push_str(&format!("\nwhat to do:\n{remedies}"));
            }
            text
        });
    }

    pub fn saved(&self, record: &ConnectionRecord) {
        self.say(json!({"type": "saved", "connection": record}), || {
            format!("\nsaved as {}: the record without a secret, the secret sealed beside it\n", record.id)
        });
    }

    pub fn not_saved(&self, report: &CheckReport, ending: Ending) {
        let failed: Vec<&str> = report.failures().map(|check| check.subject.as_str()).collect();
        self.say(json!({"type": "not_saved", "failed": failed, "exit_code": ending.code()}), || {
            let why = if failed.is_empty() { "the secret could not be proven".to_owned() } else { failed.join(", ") };
            format!("\n{}\n", hanging("nothing was saved: ", &why))
        });
    }

    /// A connection that an earlier run has saved.
    pub fn found(&self, record: &ConnectionRecord) {
        self.say(json!({"type": "found", "connection": record}), || {
            format!("{} was connected before: going on with it\n", record.id)
        });
    }

    /// A record that is there and cannot be read.
    pub fn unreadable(&self, name: &str, error: &Error) {
        let told = json!({"type": "unreadable", "connection": name, "message": error.to_string()});
        self.say(told, || format!("{}\n", hanging(&format!("  {name}: "), &format!("{error}: {}", error.advice()))));
    }

    /// The product's connections, the nearest end told in words.
    pub fn listed(&self, records: &[ConnectionRecord], now: OffsetDateTime, policy: &ExpiryPolicy) {
        let expiry = |record: &ConnectionRecord| record.expiry(now, policy);
        let all: Vec<Value> =
            records.iter().map(|record| json!({"connection": record, "expiry": expiry(record)})).collect();
        self.say(json!({"type": "listed", "connections": all}), || {
            if records.is_empty() {
                return "\nconnections: none\n".to_owned();
            }
            let row = |record: &ConnectionRecord| {
                let place = record.resource_group.as_ref().map_or("subscription", |group| group.as_str());
                let ends = ending(expiry(record), now);
                vec![record.id.to_string(), record.title().to_owned(), place.to_owned(), ends]
            };
            let rows: Vec<_> = records.iter().map(row).collect();
            format!("\n{}", table(&["connection", "name", "works in", "its secret ends"], &rows))
        });
    }

    /// What a form would offer in the subscription.
    pub fn offered(&self, region: &str, offered: &Result<Offered, Error>) {
        let offered = match offered {
            Ok(offered) => offered,
            Err(error) => {
                let told = json!({"type": "not_offered", "message": error.to_string(), "advice": error.advice()});
                return self.say(told, || {
                    let why = format!("{error}: {}", error.advice());
                    format!("\n{}\n", hanging("what a form offers is not known: ", &why))
                });
            }
        };
        self.say(offered.as_json(region), || format!("\n{}", offered.as_text(region)));
    }

    pub fn tested(&self, assessment: &Assessment) {
        self.say(json!({"type": "tested", "assessment": assessment}), || {
            let sign = if assessment.verdict == CredentialVerdict::Accepted { "✓" } else { "✗" };
            let mut text = format!("\n{}\n", hanging(&format!("{sign} tested: "), &assessment.evidence));
            if let Some(diagnosis) = &assessment.diagnosis {
                text.push_str(&format!("{}\n", hanging("  remedy: ", diagnosis.advice())));
            }
            text
        });
    }

    pub fn rotating(&self) {
        if !self.json {
            self.say(Value::Null, || "\nrotating: the application mints a new secret for itself\n".to_owned());
        }
    }

    /// The rotation with its evidence, step by step, and how it ended.
    pub fn rotated(&self, outcome: &RotationOutcome, history: &[HistoryEntry], now: OffsetDateTime) {
        self.say(json!({"type": "rotated", "outcome": outcome, "history": history}), || {
            let mut ids = Ids::default();
            history.iter().for_each(|entry| ids.learn(&entry.proof));
            let row = |entry: &HistoryEntry| vec![clock(entry.at), entry.step.to_owned(), ids.shortened(&entry.proof)];
            let rows: Vec<_> = history.iter().map(row).collect();
            // Where nothing was due, nothing happened.
            let steps = if rows.is_empty() { String::new() } else { table(&["UTC", "step", "proof"], &rows) + "\n" };
            format!("\n{steps}{}\n", in_words(outcome, now))
        });
    }

    pub fn disconnected(&self, id: &ConnectionId, ended: Option<&Disconnected>) {
        let machines = ended.and_then(|ended| ended.machines.as_ref().ok()).map(Vec::len);
        let told = json!({
            "type": "disconnected", "connection": id, "machines_left": machines,
            "rotation_ended": ended.is_some_and(|ended| ended.rotation_ended),
        });
        self.say(told, || {
            if ended.is_none() {
                return format!("\nthere is no connection {id}: nothing is left to end\n");
            }
            let left = match machines {
                Some(0) => "no machine of ours is left there".to_owned(),
                Some(number) => format!("{number} of our machines still run there"),
                None => "whether machines of ours are left there is not known".to_owned(),
            };
            let text = format!(
                "its record and every sealed copy of its secret are destroyed; {left}; the key stays at Entra ID until \
                 the customer removes it"
            );
            format!("\n{}\n", hanging(&format!("disconnected {id}: "), &text))
        });
    }

    pub fn kept(&self, id: &ConnectionId) {
        self.say(json!({"type": "kept", "connection": id}), || {
            format!("\n{id} stays connected: run again without --keep to end it\n")
        });
    }

    fn say(&self, object: Value, text: impl FnOnce() -> String) {
        let told = if self.json { format!("{object}\n") } else { text() };
        // A reader that has gone away is no reason to stop.
        let _ = std::io::stdout().lock().write_all(told.as_bytes());
    }
}

impl Observer for Teller {
    fn recorded(&self, _: &SubjectId, _: &RotationEvent, _: OffsetDateTime, _: &RotationState) {}

    fn waiting(&self, _: &SubjectId, until: OffsetDateTime, why: &str) {
        if self.waits {
            let until = clock(until);
            self.say(json!({"type": "waiting", "until": until, "for": why}), || {
                format!("{}\n", hanging(&format!("  waits until {until}: "), why))
            });
        }
    }
}

/// A row for each check. What keeps several from being made is said once.
fn rows(report: &CheckReport) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for check in report.iter() {
        match check.status {
            CheckStatus::Skipped => *skipped.entry(&check.cause).or_default() += 1,
            _ => rows.push(vec![check.subject.clone(), check.status.to_string(), check.cause.clone()]),
        }
    }
    let row = |(cause, count): (&str, usize)| vec![format!("{count} more"), "skipped".to_owned(), cause.to_owned()];
    rows.extend(skipped.into_iter().map(row));
    rows
}

/// What a person should do, each once, and the service's own words where something failed.
fn remedies(report: &CheckReport) -> String {
    let mut subjects: Vec<(&str, Vec<&str>)> = Vec::new();
    // What stands in the way comes first.
    let wrong = report.failures().chain(report.with_status(CheckStatus::Unknown));
    for check in wrong.filter(|check| !check.remedy.is_empty()) {
        match subjects.iter_mut().find(|(remedy, _)| *remedy == check.remedy) {
            Some((_, subjects)) => subjects.push(&check.subject),
            None => subjects.push((&check.remedy, vec![&check.subject])),
        }
    }
    let mut text = String::new();
    for (remedy, subjects) in subjects {
        text.push_str(&format!("{}\n", hanging("  ", &format!("{}: {remedy}", subjects.join(", ")))));
    }
    for said in report.failures().filter_map(|check| check.service_text.as_ref()) {
        let mut ids = Ids::default();
        ids.learn(said);
        text.push_str(&format!("{}\n", hanging("  the service says: ", &ids.shortened(said))));
    }
    text
}

fn ending(expiry: Expiry, now: OffsetDateTime) -> String {
    match expiry {
        Expiry::Fresh { ends_at } => format!("{} ({})", relative(ends_at, now), day(ends_at)),
        Expiry::Due { ends_at } => format!("{} ({}): to be rotated", relative(ends_at, now), day(ends_at)),
        Expiry::Overdue { ends_at } => format!("{} ({}): rotate it now", relative(ends_at, now), day(ends_at)),
        Expiry::Expired { ends_at } => format!("ended {}", relative(ends_at, now)),
        Expiry::Gone => "somebody removed it".to_owned(),
        Expiry::Never => "never".to_owned(),
        Expiry::Unknown => "not known".to_owned(),
    }
}

fn in_words(outcome: &RotationOutcome, now: OffsetDateTime) -> String {
    let again = outcome.run_again_at().map(|at| format!("; run again {} ({})", relative(at, now), moment(at)));
    let again = again.unwrap_or_default();
    match outcome {
        RotationOutcome::Rotated { .. } => "✓ rotated: the new secret is in place, and the old one is gone".to_owned(),
        RotationOutcome::NotDue { .. } | RotationOutcome::Idle { .. } => "✓ nothing is to be rotated".to_owned(),
        RotationOutcome::Waiting { what, .. } => hanging("… ", &format!("not finished: waits for {what}{again}")),
        RotationOutcome::RolledBack { problem, .. } => {
            let told = hanging("✗ ", &format!("rolled back, the old secret serves on: {problem}"));
            format!("{told}\n{}", hanging("  remedy: ", problem.advice()))
        }
        RotationOutcome::Blocked { problem, .. } => {
            let told = hanging("✗ ", &format!("needs a person: {problem}"));
            format!("{told}\n{}", hanging("  remedy: ", problem.advice()))
        }
        RotationOutcome::Refused { plan, .. } => {
            let blockers = plan.blockers();
            let lines = blockers.iter().map(|(about, check)| {
                let told = hanging("✗ ", &format!("not begun: {about}: {}", check.cause));
                format!("{told}\n{}", hanging("  remedy: ", &check.remedy))
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        _ => hanging("✗ ", &format!("ended in a way that this program does not know{again}")),
    }
}
