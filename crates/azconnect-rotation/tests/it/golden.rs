//! A journal that an earlier version wrote is read by this one.

use azconnect_core::{Append, Epoch, Record, Sequence};
use azconnect_rotation::state::Course;
use azconnect_rotation::{RotationEvent, RotationState};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::stage::Stage;

/// Written by version 0.1.0 in four rotations of one application: the answer to a mint lost, the process killed, a
/// consumer changed by somebody else; a mint refused; the old secret given back; a removal refused, so blocked.
const JOURNAL: &str = include_str!("golden/rotation.jsonl");

/// Written in four more, with what people may say: an adoption taken back and other terms for a consumer; a consumer that
/// held the new secret again on the way back; a block that was tried again by itself, a consumer left out, the new secret
/// taken as it is; a rotation rolled back, abandoned, and the connection gone.
const WAYS_OUT: &str = include_str!("golden/ways_out.jsonl");

fn records() -> Vec<Record> {
    read(JOURNAL)
}

fn read(journal: &str) -> Vec<Record> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = OffsetDateTime::parse(line["at"].as_str().unwrap(), &Rfc3339).unwrap();
        Record::new(line["kind"].as_str().unwrap(), line["payload"].to_string(), at)
    };
    journal.lines().map(read).collect()
}

async fn folded(records: Vec<Record>) -> RotationState {
    let stage = Stage::new();
    let stream = stage.target().stream().unwrap();
    stage.journal.append(Append::new(stream, Sequence::START, Epoch(1), records)).await.unwrap();
    stage.rotator().state(stage.target().subject()).await.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_version_rotated_is_known() {
    let records = records();
    let ended = records.iter().position(|record| record.kind == "rotated").unwrap();
    let state = folded(records.into_iter().take(ended + 1).collect()).await;
    assert!(state.is_at_rest());
    assert!(state.last.unwrap().rolled_back.is_none());
    let ours: Vec<_> = state.ledger.keys().map(ToString::to_string).collect();
    assert_eq!(ours, ["fa4e0000-0000-4000-8000-000000000004"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_version_left_under_way_goes_on() {
    let state = folded(records()).await;
    assert!(!state.is_at_rest());
    assert_eq!((state.ledger.len(), state.removals.len(), state.watch.len(), state.forget.len()), (2, 1, 0, 0));
    let rotation = state.rotation.unwrap();
    assert_eq!(rotation.new_key().unwrap().key.to_string(), "fa4e0000-0000-4000-8000-000000000006");
    let Course::Blocked { problem, was, .. } = &rotation.course else { panic!("{:?}", rotation.course) };
    assert_eq!(problem.to_string(), "scripted: refused");
    assert_eq!(**was, Course::Forward);
    assert!(rotation.sinks.iter().all(|sink| sink.proof.is_some() && sink.may_hold_new()));
    assert!(state.last.unwrap().rolled_back.is_some());
}

#[test]
fn what_is_read_keeps_its_kind_and_is_read_again_when_it_is_written() {
    for record in records().into_iter().chain(read(WAYS_OUT)) {
        let event: RotationEvent = serde_json::from_str(&record.payload).unwrap();
        assert_eq!(event.kind(), record.kind);
        let written = serde_json::to_string(&event).unwrap();
        assert!(written.starts_with(&format!(r#"{{"event":"{}""#, record.kind)), "{written}");
        assert_eq!(serde_json::from_str::<RotationEvent>(&written).unwrap(), event);
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_out_that_was_recorded_is_read() {
    let state = folded(read(WAYS_OUT)).await;
    assert!(state.is_at_rest(), "the connection has left: {state:?}");
    assert!(state.ledger.is_empty() && state.announced.is_empty());
    assert!(state.last.unwrap().rolled_back.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_taken_as_it_is_goes_on_from_there() {
    let records = read(WAYS_OUT);
    let taken = records.iter().position(|record| record.kind == "taken_as_is").unwrap();
    let state = folded(records.into_iter().take(taken + 1).collect()).await;
    let rotation = state.rotation.unwrap();
    assert_eq!((&rotation.course, rotation.without_consumers), (&Course::Forward, true));
    assert!(rotation.sinks.iter().all(|sink| sink.left_out));
}
