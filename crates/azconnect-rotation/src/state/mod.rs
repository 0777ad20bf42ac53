//! What is known about one subject, as its events tell it.

mod evolve;
mod evolve_rotation;
mod removal;
mod rotation;
mod sink;
mod trial;

use std::collections::BTreeMap;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::{KeyHolder, Marker, SinkId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::moment::{earlier, later};
use crate::policy::Policy;
use crate::problem::Problem;

pub use removal::Removal;
pub use rotation::{Course, Mint, MintAttempts, NewKey, Rotation};
pub use sink::{GivenBack, SinkProgress};
pub use trial::Trial;

/// Everything known about one subject. It is a fold over its events, and holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationState {
    /// The keys that are ours and, as far as we know, alive: the only ones that may ever be removed.
    pub ledger: BTreeMap<KeyId, LedgerKey>,
    /// Every marker under which a secret was asked for, until that secret would have ended, by the marker's text. Whatever
    /// carries one and is not known otherwise is ours, and lost.
    #[serde(default)]
    pub announced: BTreeMap<String, Announced>,
    /// Markers under which a secret may still turn up.
    pub watch: BTreeMap<String, Watch>,
    /// The keys that are being removed, or were removed and may still be listed.
    pub removals: BTreeMap<KeyId, Removal>,
    /// Sealed copies of removed secrets that are to be destroyed.
    pub forget: BTreeMap<KeyId, SecretId>,
    /// The rotation under way; none between two rotations.
    pub rotation: Option<Rotation>,
    /// The host that receives the secret of each consumer that is told it by somebody else, as it was last agreed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub destinations: BTreeMap<SinkId, String>,
    /// How the last rotation ended; none before the first end.
    pub last: Option<Ending>,
    /// How many rotations in a row were rolled back.
    #[serde(default)]
    pub setbacks: u32,
    /// When the last event was recorded; none before the first.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub recorded_at: Option<OffsetDateTime>,
}

/// A key that the orchestrator minted, or that was adopted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LedgerKey {
    /// The marker it was minted under; none if it was adopted.
    pub marker: Option<Marker>,
    /// Where its secret is sealed; none if it was adopted.
    pub sealed: Option<SecretId>,
    /// When it ends, where that is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// What holds it, where that is known.
    #[serde(default)]
    pub holder: Option<KeyHolder>,
    /// Whether a list has shown it since it was made.
    #[serde(default)]
    pub listed: bool,
}

/// A marker under which a secret was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Announced {
    /// The marker.
    pub marker: Marker,
    /// When the secret that was asked for ends: after that nothing lives under the marker.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
}

/// A marker on the orphan watch: its secret was never found, and may still turn up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Watch {
    /// The marker that the issuer's list is searched for.
    pub marker: Marker,
    /// The moment after which one last look ends the watch.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// When the issuer's list is to be read for it next.
    #[serde(with = "time::serde::rfc3339")]
    pub next_at: OffsetDateTime,
    /// When the issuer's list was last read without it; none before the first read.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_read_at: Option<OffsetDateTime>,
    /// How many reads were tried, those that failed included.
    pub reads: u32,
}

/// How, and when, a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ending {
    /// When the event that ended it was recorded.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Why it was rolled back; none if the secret was rotated.
    pub rolled_back: Option<Problem>,
    /// Whether a person ended it.
    #[serde(default)]
    pub abandoned: bool,
}

impl RotationState {
    /// Whether nothing is left to do until something new begins.
    pub fn is_at_rest(&self) -> bool {
        self.rotation.is_none() && self.watch.is_empty() && self.removals.is_empty() && self.forget.is_empty()
    }

    /// Every name of a sealed secret that the state knows.
    pub(crate) fn sealed_names(&self) -> impl Iterator<Item = &SecretId> {
        let new = self.rotation.as_ref().and_then(Rotation::new_key).map(|new| &new.sealed);
        self.ledger.values().filter_map(|known| known.sealed.as_ref()).chain(self.forget.values()).chain(new)
    }

    /// Why what an earlier rotation left behind cannot be cleaned up, if a person is needed for it.
    pub fn stuck(&self) -> Option<Problem> {
        if self.rotation.is_some() {
            return None;
        }
        let policy = Policy::default();
        let stuck = |(key, removal): (&KeyId, &Removal)| {
            removal.stuck(&policy).map(|problem| problem.clone().about(&format!("the removal of key {key}")))
        };
        self.removals.iter().find_map(stuck)
    }

    /// From when on the secret of the ledger that ends first is due, where that is known.
    pub fn due_at(&self, policy: &Policy) -> Option<OffsetDateTime> {
        let ends = self.ledger.values().filter_map(|key| key.ends_at).min();
        ends.map(|end| earlier(end, policy.rotate_before))
    }

    /// Until when nothing is begun by itself, after rotations that were rolled back.
    pub(crate) fn backs_off_until(&self) -> Option<OffsetDateTime> {
        let last = self.last.as_ref().filter(|_| self.setbacks > 0)?;
        Some(later(last.at, Policy::setback_pause(self.setbacks)))
    }

    /// Whether a removal for one of these causes is under way.
    pub(crate) fn is_removing(&self, wanted: &[crate::event::RemovalCause]) -> bool {
        self.removals.values().any(|removal| wanted.contains(&removal.cause))
    }

    /// Whether a secret carries a marker of ours and nobody knows its text: it is to be removed.
    pub(crate) fn is_stray(&self, key: KeyId, marker: &str) -> bool {
        let asked = self.rotation.as_ref().is_some_and(|rotation| rotation.is_asked_for(marker));
        let known = self.ledger.contains_key(&key) || self.removals.contains_key(&key) || asked;
        self.announced.contains_key(marker) && !known
    }

    /// Whether a marker was ever recorded here, as far as that is still known.
    pub(crate) fn knows_marker(&self, marker: &str) -> bool {
        let carries = |known: Option<&Marker>| known.is_some_and(|known| known.as_str() == marker);
        self.announced.contains_key(marker)
            || self.watch.contains_key(marker)
            || self.rotation.as_ref().is_some_and(|rotation| rotation.is_asked_for(marker))
            || self.ledger.values().any(|key| carries(key.marker.as_ref()))
            || self.removals.values().any(|removal| carries(removal.marker.as_ref()))
    }
}
