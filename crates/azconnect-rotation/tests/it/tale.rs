//! A rotation told event by event, at exact moments, to ask what comes next.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, KeyId};
use azconnect_credential::Marker;
use azconnect_rotation::state::SinkProgress;
use azconnect_rotation::{Action, Problem, RemovalCause, RotationEvent, RotationState, SinkTerms, decide};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::stage::sink;

/// What is known of a subject whose first rotation ended a minute before, and the moment.
#[derive(Clone)]
pub struct Tale {
    pub state: RotationState,
    pub now: OffsetDateTime,
}

/// The secret that the first rotation minted, and that the second one is to retire.
pub fn old() -> KeyId {
    Uuid::from_u128(1).into()
}

/// The secret that the second rotation minted.
pub fn new() -> KeyId {
    Uuid::from_u128(2).into()
}

pub fn marker(n: u32) -> Marker {
    Marker::new(format!("azconnect {n}")).unwrap()
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A refusal of which it is known that nothing was changed.
pub fn refused() -> Problem {
    Problem::from(&Error::new(ErrorKind::Conflict, "busy").with_effect(Effect::None))
}

/// A refusal of which it is not known whether something was changed.
pub fn lost() -> Problem {
    Problem::from(&Error::new(ErrorKind::Unexpected, "the answer was lost").with_effect(Effect::Unknown))
}

pub fn terms(name: &str, required: bool) -> SinkTerms {
    serde_json::from_value(json!({"sink": name, "title": name, "required": required, "accept_receipt": false})).unwrap()
}

pub fn pushed(name: &str) -> RotationEvent {
    RotationEvent::Pushed { sink: sink(name), evidence: "taken".into(), revision: None }
}

pub fn verified(name: &str) -> RotationEvent {
    RotationEvent::SinkVerified { sink: sink(name), evidence: "it works".into() }
}

pub fn push_failed(name: &str, problem: Problem) -> RotationEvent {
    RotationEvent::PushFailed { sink: sink(name), problem }
}

pub fn restored(name: &str) -> RotationEvent {
    RotationEvent::Restored { sink: sink(name), evidence: "it works".into(), receipt: None, revision: None }
}

pub fn push_back_failed(name: &str, problem: Problem) -> RotationEvent {
    RotationEvent::RestoreFailed { sink: sink(name), problem, receipt: None, revision: None }
}

pub fn pushing(names: &[&str]) -> RotationEvent {
    RotationEvent::PushIntended { sinks: names.iter().map(|name| sink(name)).collect() }
}

pub fn proven() -> RotationEvent {
    RotationEvent::Proven { evidence: "accepted".into() }
}

pub fn old_proven() -> RotationEvent {
    RotationEvent::OldProven { evidence: "accepted".into() }
}

pub fn cleared() -> RotationEvent {
    RotationEvent::Cleared { evidence: "all proved".into() }
}

pub fn back_cleared() -> RotationEvent {
    RotationEvent::BackCleared { evidence: "all proved".into() }
}

pub fn turns_back() -> RotationEvent {
    RotationEvent::RollbackBegun { problem: refused() }
}

pub fn removing(key: KeyId, cause: RemovalCause) -> RotationEvent {
    RotationEvent::RemovalIntended { key, cause, marker: None, holder: None }
}

/// The removal of a secret that turned up under a marker.
pub fn removing_lost(key: KeyId, n: u32) -> RotationEvent {
    RotationEvent::RemovalIntended { key, cause: RemovalCause::Lost, marker: Some(marker(n)), holder: None }
}

pub fn answered(key: KeyId) -> RotationEvent {
    event(json!({"event": "removal_answered", "key": key, "answer": "accepted"}))
}

pub fn read(key: KeyId, listed: bool) -> RotationEvent {
    RotationEvent::KeyRead { key, listed }
}

pub fn event(value: Value) -> RotationEvent {
    serde_json::from_value(value).unwrap()
}

fn minted(n: u32, key: KeyId) -> RotationEvent {
    event(json!({
        "event": "minted", "marker": marker(n), "key": key, "sealed": format!("sealed/{n}"),
        "ends_at": "2026-12-01T00:00:00Z", "minted_at": "2026-01-01T00:00:00Z", "listed": true,
    }))
}

fn begun(sinks: &[SinkTerms], retire: &[KeyId]) -> RotationEvent {
    event(json!({
        "event": "begun", "rotation": "r", "title": "t", "policy": {}, "sinks": sinks, "retire": retire,
        "ends_at": "2026-12-01T00:00:00Z",
    }))
}

impl Tale {
    /// A rotation has begun; no secret was asked for yet.
    pub fn begun(sinks: &[SinkTerms]) -> Self {
        let start = Self { state: RotationState::default(), now: datetime!(2026-01-01 0:00 UTC) };
        start
            .then(begun(&[], &[]))
            .then(RotationEvent::MintIntended { marker: marker(1), ends_at: None })
            .then(minted(1, old()))
            .then(RotationEvent::Rotated)
            .after(seconds(60))
            .then(begun(sinks, &[old()]))
    }

    /// The new secret is minted and proved; the consumers, all required, hold the old one.
    pub fn proven(names: &[&str]) -> Self {
        let sinks: Vec<_> = names.iter().map(|name| terms(name, true)).collect();
        Self::minted(&sinks).then(proven())
    }

    /// The new secret is minted, and has settled.
    pub fn minted(sinks: &[SinkTerms]) -> Self {
        Self::begun(sinks)
            .then(RotationEvent::MintIntended { marker: marker(2), ends_at: None })
            .then(minted(2, new()))
            .after(seconds(600))
    }

    /// The only consumer has proof, and the grace has passed.
    pub fn after_the_grace() -> Self {
        Self::proven(&["a"]).serves("a").then(RotationEvent::CutOver).after(seconds(3600))
    }

    /// The only consumer was given the old secret back.
    pub fn given_back() -> Self {
        Self::proven(&["a"]).serves("a").then(turns_back()).then(old_proven()).then(restored("a"))
    }

    pub fn serves(self, name: &str) -> Self {
        self.then(pushing(&[name])).then(pushed(name)).then(verified(name))
    }

    #[track_caller]
    pub fn then(mut self, event: RotationEvent) -> Self {
        self.state = self.state.evolve(&event, self.now).unwrap();
        self
    }

    pub fn after(mut self, pause: Duration) -> Self {
        self.now += pause;
        self
    }

    /// The clock is set back.
    pub fn before(mut self, pause: Duration) -> Self {
        self.now -= pause;
        self
    }

    pub fn next(&self) -> Action {
        decide(&self.state, self.now)
    }

    /// What is to be recorded next.
    #[track_caller]
    pub fn concluded(&self) -> RotationEvent {
        match self.next() {
            Action::Record(event) => *event,
            other => panic!("{other:?}"),
        }
    }

    /// How long nothing can be done.
    #[track_caller]
    pub fn waits(&self) -> Duration {
        match self.next() {
            Action::Wait { until, .. } => (until - self.now).try_into().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub fn sink(&self, name: &str) -> &SinkProgress {
        let sinks = &self.state.rotation.as_ref().unwrap().sinks;
        sinks.iter().find(|progress| progress.terms.sink == sink(name)).unwrap()
    }
}
