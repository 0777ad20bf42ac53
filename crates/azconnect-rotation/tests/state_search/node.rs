//! One state of the machine, with the truth beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use azconnect_core::KeyId;
use azconnect_credential::{Marker, SinkId};
use azconnect_rotation::state::Mint;
use azconnect_rotation::{Policy, RotationEvent, RotationState};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::canon::fingerprint;
use crate::truth::Truth;

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const LIFETIME: Duration = Duration::from_secs(90 * 86_400);

#[derive(Clone, Debug)]
pub struct Node {
    pub state: RotationState,
    pub truth: Truth,
}

/// Few tries, and spans that are far apart from each other, so that there are few states.
pub fn policy() -> Policy {
    let seconds = Duration::from_secs;
    Policy::default()
        .with_lifetime(LIFETIME)
        .with_attempts(2)
        .with_absence_reads(2)
        .with_absence_spacing(seconds(60))
        .with_pause(seconds(60))
        .with_retry_budget(seconds(100))
        .with_proof_timeout(seconds(100))
        .with_settle(seconds(60))
        .with_grace(seconds(900))
        .with_orphan_watch(seconds(240))
}

pub fn sink(number: usize) -> SinkId {
    SinkId::new(["a", "b"][number]).unwrap()
}

pub fn sink_number(sink: &SinkId) -> usize {
    usize::from(sink.as_str() == "b")
}

pub fn key(number: u32) -> KeyId {
    Uuid::from_u128(u128::from(number)).into()
}

pub fn key_number(key: KeyId) -> u32 {
    let digits = key.to_string().replace('-', "");
    u32::try_from(u128::from_str_radix(&digits, 16).unwrap()).unwrap()
}

pub fn marker(number: u32) -> Marker {
    Marker::new(format!("azconnect {number}")).unwrap()
}

pub fn marker_number(marker: &Marker) -> u32 {
    marker.as_str().rsplit(' ').next().unwrap().parse().unwrap()
}

impl Node {
    pub fn now(&self) -> OffsetDateTime {
        START + Duration::from_secs(self.truth.now.unsigned_abs())
    }

    pub fn wait_until(&mut self, until: OffsetDateTime) {
        self.truth.now = (until - START).whole_seconds().max(self.truth.now + 1);
    }

    pub fn fingerprint(&self) -> u128 {
        fingerprint(&self.state, &self.truth, self.truth.now)
    }

    /// Records an event that is written as the journal has it.
    pub fn write(&mut self, event: Value) {
        let event: RotationEvent =
            serde_json::from_value(event.clone()).unwrap_or_else(|error| panic!("{error}: {event}"));
        self.record(&event);
    }

    pub fn record(&mut self, event: &RotationEvent) {
        let now = self.now();
        if event.kind() == "rotated" {
            self.truth.vouched_at = self.truth.proved_at;
        }
        match std::mem::take(&mut self.state).evolve(event, now) {
            Ok(state) => self.state = state,
            Err(error) => self.truth.accuse(format!("an event that cannot follow: {error}: {event:?}")),
        }
    }

    pub fn begin(&mut self, retire: &[u32]) {
        let bound = (0..self.truth.held.len()).filter(|sink| self.truth.bound[*sink]);
        let terms: Vec<_> = bound.map(|number| terms(number, self.truth.required[number])).collect();
        let retire: Vec<_> = retire.iter().map(|number| key(*number)).collect();
        let waived = self.truth.waived;
        self.write(json!({
            "event": "begun", "rotation": "r", "title": "t", "policy": policy(), "sinks": terms, "retire": retire,
            "ends_at": rfc3339(self.now() + LIFETIME), "without_consumers": waived,
        }));
    }

    pub fn minted(&mut self, number: u32, marker_number: u32, listed: bool) {
        let now = self.now();
        self.truth.sealed.insert(marker_number);
        self.write(json!({
            "event": "minted", "marker": marker(marker_number), "key": key(number), "listed": listed,
            "sealed": format!("sealed/{marker_number}"), "minted_at": rfc3339(now), "ends_at": rfc3339(now + LIFETIME),
            "holder": "application",
        }));
    }

    /// The new secret, while a rotation has one.
    pub fn new_key(&self) -> Option<u32> {
        match &self.state.rotation.as_ref()?.mint {
            Mint::Sealed(new) => Some(key_number(new.key)),
            _ => None,
        }
    }

    /// The keys that the machine still has in view.
    pub fn known(&self) -> BTreeSet<u32> {
        self.state.ledger.keys().chain(self.state.removals.keys()).map(|key| key_number(*key)).collect()
    }
}

pub fn terms(number: usize, required: bool) -> Value {
    json!({"sink": sink(number), "title": sink(number), "required": required, "accept_receipt": false})
}

pub fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}
