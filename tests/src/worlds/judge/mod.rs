//! The judge: keeps a truth of its own, taken from the emulator after every effect, and never reads the machine's flags.

mod change;
mod claim;
mod journal;
mod push;
mod removal;
mod seen;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect::core::{Epoch, Error, KeyId, Record};
use azconnect::rotation::{Resolution, RotationOutcome};
use azconnect_emulator::Emulator;

use self::seen::{Seen, Shown};
use super::call::Call;
use super::plan::Plan;
use super::product::Product;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, such as `I1`.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

impl Violation {
    /// A broken promise.
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// Who changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// It was so from the beginning.
    Seed,
    /// A process, whose request was answered or lost just now.
    Process(usize),
    /// A process whose request arrived late, when it may have been long gone.
    Late(usize),
    /// A person.
    Person,
}

/// Watches a world.
pub(super) struct Judge(Mutex<Seen>);

impl Judge {
    /// A judge of a world at its beginning.
    pub(in crate::worlds) fn new(plan: &Plan, product: Product, emulator: &Emulator) -> Self {
        let mut seen = Seen::new(plan, product);
        change::begin(&mut seen, emulator);
        Self(Mutex::new(seen))
    }

    /// Looks at the truth after somebody did something. Returns what has changed, in words.
    pub(in crate::worlds) fn observe(&self, emulator: &Emulator, now: Duration, actor: Actor) -> Vec<String> {
        change::observe(&mut self.seen(), emulator, now, actor)
    }

    /// A process is about to hand a call over to a service.
    pub(in crate::worlds) fn delivered(&self, process: usize, call: Call) {
        let mut seen = self.seen();
        let epoch = seen.runs[process].epoch;
        // The journal fences a writer off; what it asks of a service after that is an effect without a right.
        if call.has_effect() && epoch < seen.newest_epoch {
            let newest = seen.newest_epoch.0;
            seen.find(
                "I5",
                format!("process {process} asks to {call} in epoch {} after epoch {newest} has written", epoch.0),
            );
        }
    }

    /// A process was given the lease.
    pub(in crate::worlds) fn holds(&self, process: usize, epoch: Epoch) {
        self.seen().runs[process].epoch = epoch;
    }

    /// A process begins a run with this configuration.
    pub(in crate::worlds) fn begins(&self, process: usize, product: &Product) {
        self.seen().runs[process].product = product.clone();
    }

    /// A process is dead.
    pub(in crate::worlds) fn died(&self, process: usize) {
        self.seen().runs[process].epoch = Epoch(0);
    }

    /// An operator calls for this.
    pub(in crate::worlds) fn resolves(&self, process: usize, resolution: &Resolution) {
        self.seen().runs[process].resolution = Some(resolution.clone());
    }

    /// Somebody edited the configuration.
    pub(in crate::worlds) fn edited(&self, product: &Product) {
        let mut seen = self.seen();
        seen.policies.insert(product.policy);
    }

    /// Somebody enabled or disabled the application.
    pub(in crate::worlds) fn enabled(&self, enabled: bool, now: Duration) {
        let mut seen = self.seen();
        seen.enabled_changed_at = now;
        seen.disabled_since = if enabled { None } else { Some(seen.disabled_since.unwrap_or(now)) };
    }

    /// A person changed a connection without its secret.
    pub(in crate::worlds) fn touched(&self, connection: usize, now: Duration) {
        if let Some(connection) = self.seen().connections.get_mut(connection) {
            connection.touched_at = Some(now);
        }
    }

    /// Records became durable. Returns them in words.
    pub(in crate::worlds) fn appended(
        &self,
        process: usize,
        epoch: Epoch,
        records: &[Record],
        now: Duration,
    ) -> Vec<String> {
        journal::appended(&mut self.seen(), process, epoch, records, now)
    }

    /// A run ended.
    pub(in crate::worlds) fn concluded(&self, process: usize, outcome: &Result<RotationOutcome, Error>) {
        claim::concluded(&mut self.seen(), process, outcome);
    }

    /// Everything has ended: what must be true then, given what the machine says that it knows.
    pub(in crate::worlds) fn ended(&self, product: &Product, known: &str, now: Duration) {
        claim::ended(&mut self.seen(), product, known, now);
    }

    /// A violation that somebody else found.
    pub(in crate::worlds) fn find(&self, violation: Violation) {
        self.seen().found.get_or_insert(violation);
    }

    /// The first broken promise.
    pub(in crate::worlds) fn violation(&self) -> Option<Violation> {
        self.seen().found.clone()
    }

    /// The events of the busiest day since a moment.
    pub(in crate::worlds) fn busiest_day_since(&self, since: Duration) -> u64 {
        let first = since.as_secs() / 86_400 + 1;
        self.seen().events_a_day.range(first..).map(|(_, count)| *count).max().unwrap_or_default()
    }

    /// The newest live key with our marker.
    pub(in crate::worlds) fn newest_of_ours(&self) -> Option<KeyId> {
        let seen = self.seen();
        let ours = seen.keys.iter().filter(|(_, key)| key.marker.is_some() && key.died.is_none());
        ours.max_by_key(|(_, key)| key.number).map(|(id, _)| *id)
    }

    /// The oldest live key that a connection has ever held.
    pub(in crate::worlds) fn oldest_held(&self) -> Option<KeyId> {
        let seen = self.seen();
        let held = seen.keys.iter().filter(|(id, key)| seen.was_ever_held(**id) && key.died.is_none());
        held.min_by_key(|(_, key)| key.number).map(|(id, _)| *id)
    }

    /// The key whose secret a connection held before the one that it holds.
    pub(in crate::worlds) fn held_before(&self, connection: usize) -> Option<KeyId> {
        self.seen().connections.get(connection)?.before
    }

    /// Which of the bound connections still exist.
    pub(in crate::worlds) fn existing(&self) -> Vec<usize> {
        let seen = self.seen();
        let existing = seen.connections.iter().enumerate().filter(|(_, connection)| connection.shows != Shown::Gone);
        existing.map(|(number, _)| number).collect()
    }

    /// A text without ids.
    pub(in crate::worlds) fn plain(&self, text: &str) -> String {
        self.seen().names.plain(text)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
