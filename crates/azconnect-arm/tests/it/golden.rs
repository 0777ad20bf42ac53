//! A journal that an earlier version wrote is read by this one.

use azconnect_arm::{Phase, ProvisionEvent, ProvisionState, Step};
use azconnect_core::{Append, Epoch, Journal, Record, Sequence, StreamId};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::stage::{Stage, id};

/// Written by version 0.1.0 in a run against the emulator: the first zone lacked capacity, the machine ran and was
/// cleaned up; then another was refused, and was cleaned up by the run itself.
const JOURNAL: &str = include_str!("golden/provision.jsonl");

/// After so many entries the first machine runs.
const FINISHED: usize = 27;

fn records() -> Vec<Record> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = OffsetDateTime::parse(line["at"].as_str().unwrap(), &Rfc3339).unwrap();
        Record::new(line["kind"].as_str().unwrap(), line["payload"].to_string(), at)
    };
    JOURNAL.lines().map(read).collect()
}

async fn folded(records: Vec<Record>) -> ProvisionState {
    let stage = Stage::new();
    let stream = StreamId::new("provision/contoso/web").unwrap();
    stage.journal.append(Append::new(stream, Sequence::START, Epoch(1), records)).await.unwrap();
    stage.provisioner().state(&id()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_an_earlier_version_built_is_known() {
    let state = folded(records().into_iter().take(FINISHED).collect()).await;
    assert_eq!(state.phase, Phase::Finished);
    assert_eq!(state.placement, 1);
    assert_eq!(state.fingerprint.as_deref(), Some("SHA256:pfxS88gqq407Uxk/nlLs7ZjPnT56HEqc5Q9g5dYL7tQ"));
    assert!(state.address.is_some() && state.failure.is_none() && !state.clearing);
    let created = |step: Step| format!("{:?}", state.steps[&step]) == "Complete { created: true }";
    assert!([Step::Group, Step::Network, Step::Interface, Step::Machine].into_iter().all(created));
    assert_eq!(state.plan.unwrap().placements.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_version_cleaned_up_is_known() {
    let state = folded(records()).await;
    assert_eq!((state.phase, state.placement, &state.kept), (Phase::CleanedUp, 0, &None));
    let (step, error) = state.failure.unwrap();
    assert_eq!(step, Step::Machine);
    assert!(error.to_string().contains("InvalidParameter"), "{error}");
    assert_eq!(state.steps.len(), 6);
    assert!(state.steps.values().all(|step| format!("{step:?}") == "Removed"));
}

#[test]
fn what_is_read_keeps_its_kind_and_is_read_again_when_it_is_written() {
    for record in records() {
        let event: ProvisionEvent = serde_json::from_str(&record.payload).unwrap();
        assert_eq!(event.name(), record.kind);
        let written = serde_json::to_string(&event).unwrap();
        assert!(written.starts_with(&format!(r#"{{"event":"{}""#, record.kind)), "{written}");
        assert_eq!(serde_json::from_str::<ProvisionEvent>(&written).unwrap(), event);
    }
}
