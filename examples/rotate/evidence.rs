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
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (at, event) in latest {
        let (step, proof) = (step(event, consumers), ids.shortened(&event.proof()));
        // What is asked again and again with the same answer is one line.
        let same = rows.last().is_some_and(|row| row.get(1..) == Some(&[step.clone(), proof.clone()]));
        if !same {
            rows.push(vec![time_of(*at), step, proof]);
        }
    }
    let earlier = match history.iter().filter(|entry| begun(entry)).count() {
        0 | 1 => String::new(),
        all => format!("; {} before it", count(all - 1, "rotation")),
    };
    let day = when::day(*first);
    format!("\nEvidence: {}, {day}{earlier}\n\n{}", plan.title, table(&["UTC", "step", "proof"], &rows))
}

/// The step, with the name of the consumer it is about.
pub fn step(event: &RotationEvent, consumers: &BTreeMap<SinkId, String>) -> String {
    match event.sink() {
        Some(sink) => format!("{} {}", event.step(), consumers.get(sink).map_or(sink.as_str(), String::as_str)),
        None => event.step().to_owned(),
    }
}
