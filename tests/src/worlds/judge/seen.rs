//! What the judge has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use azconnect::core::{Epoch, KeyId};
use azconnect::rotation::Resolution;
use time::OffsetDateTime;

use super::{Actor, Violation};
use crate::worlds::plan::{Plan, policy};
use crate::worlds::product::Product;
use crate::worlds::story::Names;

/// How old a proof may be when the machine acts on it: what a person does after the proof and before the effect is
/// nobody's fault. The machine's own bound is five minutes, and a call may take 45 seconds.
const PROOF_KEEPS: Duration = Duration::from_secs(350);

/// Everything that the judge knows.
pub(super) struct Seen {
    pub(super) plan: Plan,
    pub(super) keys: BTreeMap<KeyId, Key>,
    pub(super) connections: Vec<Connection>,
    pub(super) runs: Vec<Run>,
    pub(super) policies: BTreeSet<u8>,
    pub(super) announced: BTreeSet<String>,
    pub(super) newest_epoch: Epoch,
    /// The key that was last recorded as minted.
    pub(super) minted: Option<KeyId>,
    pub(super) events_a_day: BTreeMap<u64, u64>,
    pub(super) disabled_since: Option<Duration>,
    pub(super) enabled_changed_at: Duration,
    /// The consumers that an operator left out of the rotation under way, by number.
    pub(super) left_out: BTreeSet<usize>,
    /// Whether an operator took the new secret as it is.
    pub(super) taken_as_is: bool,
    pub(super) names: Names,
    pub(super) found: Option<Violation>,
    /// The wall time at which the world began.
    pub(super) began_at: OffsetDateTime,
}

/// A key of the application.
pub(super) struct Key {
    /// In the order in which they were made.
    pub(super) number: u32,
    pub(super) marker: Option<String>,
    pub(super) text: String,
    pub(super) ends_at: OffsetDateTime,
    pub(super) died: Option<(Duration, Actor)>,
}

/// A service connection.
pub(super) struct Connection {
    pub(super) shows: Shown,
    pub(super) since: Duration,
    /// Who put it there.
    pub(super) by: Actor,
    /// The key whose secret it held before.
    pub(super) before: Option<KeyId>,
    pub(super) ever: BTreeSet<KeyId>,
    /// When a person last changed it.
    pub(super) touched_at: Option<Duration>,
}

/// What a connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Key(KeyId),
    /// Nothing, or what was never a secret of the directory.
    Other,
    /// It was deleted.
    Gone,
}

/// A process at work.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) product: Product,
    pub(super) epoch: Epoch,
    /// What an operator called for in this run.
    pub(super) resolution: Option<Resolution>,
}

impl Connection {
    /// The number of the key that it holds.
    pub(super) fn number_held(&self, seen: &Seen) -> Option<u32> {
        match self.shows {
            Shown::Key(key) => seen.keys.get(&key).map(|key| key.number),
            Shown::Other | Shown::Gone => None,
        }
    }
}

impl Seen {
    pub(super) fn new(plan: &Plan, product: Product) -> Self {
        let connection = || Connection {
            shows: Shown::Other,
            since: Duration::ZERO,
            by: Actor::Seed,
            before: None,
            ever: BTreeSet::new(),
            touched_at: None,
        };
        Self {
            keys: BTreeMap::new(),
            connections: plan.connections.iter().map(|_| connection()).collect(),
            policies: BTreeSet::from([product.policy]),
            runs: vec![Run { product, epoch: Epoch(0), resolution: None }; plan.orchestrators.len()],
            announced: BTreeSet::new(),
            newest_epoch: Epoch(0),
            minted: None,
            events_a_day: BTreeMap::new(),
            disabled_since: None,
            enabled_changed_at: Duration::ZERO,
            left_out: BTreeSet::new(),
            taken_as_is: false,
            names: Names::default(),
            found: None,
            began_at: OffsetDateTime::UNIX_EPOCH,
            plan: plan.clone(),
        }
    }

    /// The first promise that is broken counts: what follows may be its consequence.
    pub(super) fn find(&mut self, invariant: &'static str, what: String) {
        self.found.get_or_insert(Violation::new(invariant, what));
    }

    pub(super) fn name(&self, key: KeyId) -> String {
        self.names.of(key)
    }

    pub(super) fn was_ever_held(&self, key: KeyId) -> bool {
        self.connections.iter().any(|connection| connection.ever.contains(&key))
    }

    /// Whether something happened so shortly ago that a proof from before it may still be acted upon.
    pub(super) fn is_recent(&self, at: Duration, now: Duration) -> bool {
        let weather = self.plan.weather;
        let lag = weather.add_lag.max(weather.remove_lag).max(weather.list_lag).max(weather.unlist_lag);
        now.saturating_sub(at) <= PROOF_KEEPS + lag
    }

    /// Whether a person changed a connection so shortly ago that the machine may not know.
    pub(super) fn was_touched(&self, connection: usize, now: Duration) -> bool {
        self.connections[connection].touched_at.is_some_and(|at| self.is_recent(at, now))
    }

    /// Whether a person killed a key so shortly ago that the machine may not know.
    pub(super) fn was_killed_by_hand(&self, key: KeyId, now: Duration) -> bool {
        matches!(self.keys.get(&key).and_then(|key| key.died), Some((at, Actor::Person)) if self.is_recent(at, now))
    }

    pub(super) fn is_alive(&self, key: KeyId, now: Duration) -> bool {
        self.keys.get(&key).is_some_and(|key| key.died.is_none() && key.ends_at > self.began_at + now)
    }

    /// The consumers of a configuration that must be served, without those that an operator left out.
    pub(super) fn required(&self, product: &Product) -> Vec<usize> {
        if self.taken_as_is {
            return Vec::new();
        }
        let required = product.bound.iter().filter(|(number, required)| **required && !self.left_out.contains(number));
        required.map(|(number, _)| *number).collect()
    }

    /// Whether a consumer is gone whose receipt counts where it cannot be asked: by agreement nobody looks any more, and
    /// what does not exist misses nothing.
    pub(super) fn is_gone_registry(&self, number: usize) -> bool {
        self.connections[number].shows == Shown::Gone && self.plan.connections[number].is_registry
    }

    /// What is left of a key's life.
    pub(super) fn rest_of(&self, key: KeyId, now: Duration) -> Duration {
        let ends_at = self.keys.get(&key).map_or(self.began_at, |key| key.ends_at);
        Duration::try_from(ends_at - (self.began_at + now)).unwrap_or_default()
    }

    /// The least of a duration over all terms that were ever configured: a rotation keeps those it began with.
    pub(super) fn least(&self, of: impl Fn(&azconnect::rotation::Policy) -> Duration) -> Duration {
        self.policies.iter().map(|number| of(&policy(*number))).min().unwrap_or_default()
    }

    /// How far two clocks may disagree; a day and more where somebody sets one.
    pub(super) fn skew(&self) -> Duration {
        let set = if self.plan.sets_a_clock() { Duration::from_secs(2 * 86_400) } else { Duration::ZERO };
        self.plan.skew() + set + Duration::from_secs(2)
    }
}
