//! Events that cannot follow, and how they are named.

use azconnect_core::KeyId;
use azconnect_credential::Marker;
use azconnect_rotation::{RotationEvent, RotationState};
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;

use crate::tale;

fn marker(n: u32) -> Marker {
    Marker::new(format!("azconnect {n}")).unwrap()
}

fn event(value: Value) -> RotationEvent {
    serde_json::from_value(value).unwrap()
}

fn begun() -> RotationEvent {
    event(json!({
        "event": "begun", "rotation": "r", "title": "t", "policy": {}, "sinks": [], "retire": [],
        "ends_at": "2027-01-01T00:00:00Z",
    }))
}

fn minted(n: u32) -> RotationEvent {
    event(json!({
        "event": "minted", "marker": marker(n), "key": "00000000-0000-0000-0000-000000000007", "sealed": "sealed/x",
        "ends_at": "2027-01-01T00:00:00Z", "minted_at": "2026-01-01T00:00:00Z",
    }))
}

fn asked(n: u32) -> RotationEvent {
    RotationEvent::MintIntended { marker: marker(n), ends_at: None }
}

#[track_caller]
fn refused(before: &[RotationEvent], event: RotationEvent, why: &str) {
    let at = datetime!(2026-01-01 0:00 UTC);
    let state = before.iter().fold(RotationState::default(), |state, event| state.evolve(event, at).unwrap());
    let illegal = state.evolve(&event, at).unwrap_err();
    assert_eq!((illegal.event, illegal.state.as_str()), (event.kind(), why));
}

#[test]
fn what_cannot_follow_is_refused_by_its_name() {
    let key: KeyId = Uuid::from_u128(9).into();
    refused(&[], asked(1), "no rotation is under way");
    refused(&[], RotationEvent::Rotated, "no rotation is under way");
    refused(&[begun()], begun(), "a rotation is under way already");
    refused(&[begun(), asked(1)], asked(2), "no secret is wanted");
    refused(&[begun()], minted(1), "no secret was asked for under this marker");
    refused(&[begun(), asked(1)], minted(2), "no secret was asked for under this marker");
    refused(&[begun()], RotationEvent::MarkerAbsent { marker: marker(1) }, "nobody looks for this marker");
    refused(&[begun()], RotationEvent::MarkerDropped { marker: marker(1) }, "the marker is not on the orphan watch");
    refused(&[begun()], RotationEvent::CutOver, "there is no new secret");
    refused(&[begun()], RotationEvent::Unblocked, "nothing is blocked");
    refused(&[begun()], RotationEvent::OldProven { evidence: "e".into() }, "the rotation does not go back");
    refused(&[begun(), tale::turns_back()], tale::turns_back(), "the rotation does not go forward");
    let retiring = event(json!({
        "event": "begun", "rotation": "r", "title": "t", "policy": {}, "sinks": [], "retire": [key],
        "ends_at": "2027-01-01T00:00:00Z",
    }));
    let intended = event(json!({"event": "removal_intended", "key": key, "cause": "superseded"}));
    let answered = event(json!({"event": "removal_answered", "key": key, "answer": "accepted"}));
    let unadopted = RotationEvent::Unadopted { key };
    refused(&[retiring, intended, answered], unadopted, "its removal was asked for already");
    refused(&[begun()], RotationEvent::Removed { key }, "the key is not being removed");
    refused(&[begun()], RotationEvent::Forgotten { key }, "no sealed copy of the key is to be destroyed");
}

#[test]
fn the_kind_of_an_event_is_its_name_in_the_journal() {
    for event in [begun(), asked(1), minted(1), RotationEvent::CutOver, RotationEvent::Resumed] {
        assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.kind());
    }
}
