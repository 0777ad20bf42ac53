//! What happened in a rotation, and what shows it.

use std::collections::BTreeMap;

use azconnect::credential::SinkId;
use azconnect::rotation::{RotationEvent, RotationPlan};
use azconnect_examples::short::Ids;
use azconnect_examples::table::table;
use azconnect_examples::when;
use time::OffsetDateTime;

use crate::summary::count;

/// The latest rotation's steps with time and proof; empty where nothing ever happened.
pub fn evidence(
    plan: &RotationPlan,
    history: &[(OffsetDateTime, RotationEvent)],
    consumers: &BTreeMap<SinkId, String>,
) -> String {
    let begun = |(_, event): &(OffsetDateTime, RotationEvent)| matches!(event, RotationEvent::Begun { .. });
    let latest = history.get(history.iter().rposition(begun).unwrap_or(0)..).unwrap_or_default();
    let Some((first, _)) = latest.first() else { return String::new() };
    let one_day = latest.iter().all(|(at, _)| at.date() == first.date());
    let time_of = if one_day { when::clock } else { when::day_and_clock };
    let mut ids = Ids::default();
    latest.iter().for_each(|(_, event)| ids.learn(&event.proof()));
    let mut shown: Vec<Row> = Vec::new();
    for (at, event) in latest {
        let (step, proof) = (step(event, consumers), ids.shortened(&event.proof()));
        // What is tried again and again with the same answer is told once: a request and its answer are two rows.
        match shown.iter_mut().rev().take(2).find(|row| (&row.step, &row.proof) == (&step, &proof)) {
            Some(row) => row.times += 1,
            None => shown.push(Row { at: time_of(*at), step, proof, times: 1 }),
        }
    }
    let rows: Vec<_> = shown.into_iter().map(Row::cells).collect();
    let earlier = match history.iter().filter(|entry| begun(entry)).count() {
        0 | 1 => String::new(),
        all => format!("; {} before it", count(all - 1, "rotation")),
    };
    let day = when::day(*first);
    format!("\nEvidence: {}, {day}{earlier}\n\n{}", plan.title, table(&["UTC", "step", "proof"], &rows))
}

/// What happened, once or several times in a row.
struct Row {
    at: String,
    step: String,
    proof: String,
    times: usize,
}

impl Row {
    fn cells(self) -> Vec<String> {
        let step = if self.times > 1 { format!("{} ({} times)", self.step, self.times) } else { self.step };
        vec![self.at, step, self.proof]
    }
}

/// The step, with the name of the consumer it is about.
pub fn step(event: &RotationEvent, consumers: &BTreeMap<SinkId, String>) -> String {
    match event.sink() {
        Some(sink) => format!("{} {}", event.step(), consumers.get(sink).map_or(sink.as_str(), String::as_str)),
        None => event.step().to_owned(),
    }
}
