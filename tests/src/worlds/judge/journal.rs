//! What the journal shows: intents, epochs, secrets that must not be there, and how much is written.

use std::time::Duration;

use azconnect::core::{Epoch, Record};
use serde_json::Value;

use super::seen::Seen;

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
        told.push(seen.names.event(&record.kind, &record.payload));
        no_secret(seen, "the journal", &record.payload);
    }
    told
}

/// I10: no text of a secret.
pub(super) fn no_secret(seen: &mut Seen, place: &str, text: &str) {
    let leaked = seen.keys.iter().find(|(_, key)| !key.text.is_empty() && text.contains(&key.text)).map(|(id, _)| *id);
    if let Some(key) = leaked {
        let name = seen.name(key);
        seen.find("I10", format!("the text of {name} is in {place}"));
    }
}
