//! What the journal shows: intents, epochs, secrets that must not be there, and how much is written.

use std::time::Duration;

use azconnect::core::{Epoch, Record};
use azconnect::rotation::Resolution;
use serde_json::Value;

use super::claim;
use super::seen::Seen;
use crate::worlds::cloud::connection_id;

/// Takes in what became durable, and says it in words.
pub(super) fn appended(
    seen: &mut Seen,
    process: usize,
    epoch: Epoch,
    records: &[Record],
    now: Duration,
) -> Vec<String> {
    if epoch < seen.newest_epoch {
        let newest = seen.newest_epoch.0;
        seen.find("I5", format!("process {process} writes in epoch {} after epoch {newest}", epoch.0));
    }
    seen.newest_epoch = seen.newest_epoch.max(epoch);
    *seen.events_a_day.entry(now.as_secs() / 86_400).or_default() += records.len() as u64;
    let mut told = Vec::new();
    for record in records {
        if record.kind == "mint_intended" {
            let event: Value = serde_json::from_str(&record.payload).unwrap_or_default();
            seen.announced.extend(event["marker"].as_str().map(str::to_owned));
        }
        operated(seen, process, record);
        claimed(seen, process, record, now);
        told.push(seen.names.event(&record.kind, &record.payload));
        no_secret(seen, "the journal", &record.payload);
    }
    told
}

/// What a rotation says that it made, and that it is done.
fn claimed(seen: &mut Seen, process: usize, record: &Record, now: Duration) {
    match (record.kind.as_str(), seen.minted) {
        ("minted", _) => {
            let event: Value = serde_json::from_str(&record.payload).unwrap_or_default();
            seen.minted = event["key"].as_str().and_then(|key| key.parse().ok());
        }
        ("rotated", Some(key)) => claim::rotated(seen, process, key, now),
        _ => {}
    }
}

/// What an operator called for becomes so when it is recorded, and without a call it must not be.
fn operated(seen: &mut Seen, process: usize, record: &Record) {
    let called = seen.runs[process].resolution.clone();
    match (record.kind.as_str(), called) {
        ("begun" | "abandoned" | "disconnected", _) => {
            seen.left_out.clear();
            seen.taken_as_is = false;
        }
        ("sink_left_out", Some(Resolution::LeaveOut(sink))) => {
            let number = (0..3).find(|number| sink.as_str().ends_with(&connection_id(*number).to_string()));
            seen.left_out.extend(number);
        }
        ("taken_as_is", Some(Resolution::TakeAsIs)) => seen.taken_as_is = true,
        (kind @ ("sink_left_out" | "taken_as_is"), _) => {
            seen.find("I1", format!("process {process} records {kind}, and no operator called for it"));
        }
        _ => {}
    }
}

/// I10: no text of a secret.
pub(super) fn no_secret(seen: &mut Seen, place: &str, text: &str) {
    let leaked = seen.keys.iter().find(|(_, key)| !key.text.is_empty() && text.contains(&key.text)).map(|(id, _)| *id);
    if let Some(key) = leaked {
        let name = seen.name(key);
        seen.find("I10", format!("the text of {name} is in {place}"));
    }
}
