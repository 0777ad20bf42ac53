//! What is known about one subject, as its events tell it.

mod evolve;
mod removal;
mod sink;

use std::collections::BTreeMap;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::Marker;
use serde::Serialize;
use time::OffsetDateTime;

use crate::policy::Policy;
use crate::problem::Problem;

pub use removal::Removal;
pub use sink::SinkProgress;

/// Everything known about one subject. It is a fold over its events, and holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RotationState {
    /// The keys that are ours and, as far as we know, alive: the only ones that may ever be removed.
    pub ledger: BTreeMap<KeyId, LedgerKey>,
    /// Markers under which a secret may still turn up.
    pub watch: BTreeMap<String, Watch>,
    /// The keys that are being removed, or were removed and may still be listed.
    pub removals: BTreeMap<KeyId, Removal>,
    /// Sealed copies of removed secrets that are to be destroyed.
    pub forget: BTreeMap<KeyId, SecretId>,
    /// The rotation under way; none between two rotations.
    pub rotation: Option<Rotation>,
    /// How the last rotation ended; none before the first end.
    pub last: Option<Ending>,
}

/// A key that the orchestrator minted, or that was adopted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerKey {
    /// The marker it was minted under; none if it was adopted.
    pub marker: Option<Marker>,
    /// Where its secret is sealed; none if it was adopted.
    pub sealed: Option<SecretId>,
    /// When it ends, where that is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
}

/// A marker on the orphan watch: its secret was never found, and may still turn up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ending {
    /// When the event that ended it was recorded.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Why it was rolled back; none if the secret was rotated.
    pub rolled_back: Option<Problem>,
}

/// A rotation that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rotation {
    /// Its unique id, a UUID in text form.
    pub id: String,
    /// What is rotated, in words for a person.
    pub title: String,
    /// The terms it began with, whatever the target says now.
    pub policy: Policy,
    /// The keys to be removed at the end.
    pub retire: Vec<KeyId>,
    /// When the new secret is asked to end.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// How far the new secret has come: wanted, asked for, or sealed.
    pub mint: Mint,
    /// The proof that the issuer accepts the new secret.
    pub proof: Trial,
    /// The consumers, and how far each has come.
    pub sinks: Vec<SinkProgress>,
    /// Since when every required consumer has proof.
    #[serde(with = "time::serde::rfc3339::option")]
    pub cut_over_at: Option<OffsetDateTime>,
    /// The last proof of everything before the old secret is removed.
    pub gate: Trial,
    /// Whether it goes forward, back, or waits for a person.
    pub course: Course,
}

/// How far a rotation's new secret has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Mint {
    /// Not asked for yet, or refused so far.
    Wanted {
        /// How many attempts were refused or remained without an answer.
        failures: u32,
        /// Not to be asked for before this.
        #[serde(with = "time::serde::rfc3339::option")]
        not_before: Option<OffsetDateTime>,
        /// Why the last attempt failed; none before the first.
        problem: Option<Problem>,
    },
    /// Asked for under a marker, and the answer is not recorded: it may exist.
    Asked {
        /// The marker it was asked for under.
        marker: Marker,
        /// The number of failed attempts before this one.
        failures: u32,
        /// Why there is no answer; none if the process ended meanwhile.
        problem: Option<Problem>,
        /// How many reads did not list it.
        absences: u32,
        /// When the issuer's list is to be read next.
        #[serde(with = "time::serde::rfc3339::option")]
        next_at: Option<OffsetDateTime>,
        /// The reads of the list that failed in a row.
        unread: Trial,
    },
    /// The new secret was minted, and is sealed in the `SecretStore`.
    Sealed(NewKey),
}

/// The new secret, of which only the `SecretStore` holds the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NewKey {
    /// Its public id, such as the `keyId` of a password in Microsoft Graph.
    pub key: KeyId,
    /// Its name in the `SecretStore`.
    pub sealed: SecretId,
    /// When the mint was answered, or when a lost one was found.
    #[serde(with = "time::serde::rfc3339")]
    pub minted_at: OffsetDateTime,
    /// When the issuer stops accepting it.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
}

/// A proof that may take several tries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trial {
    /// When it last succeeded; none since it last failed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub passed_at: Option<OffsetDateTime>,
    /// The first failure since the last success; none while it has not failed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub failing_since: Option<OffsetDateTime>,
    /// How many tries failed since the last success.
    pub failures: u32,
    /// The earliest moment of the next try; none to try at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub problem: Option<Problem>,
}

/// Which way a rotation goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "course", rename_all = "snake_case")]
pub enum Course {
    /// The consumers are given the new secret.
    Forward,
    /// The consumers are given the old secret again, and the new one is removed.
    Back {
        /// Why the new secret is given up.
        problem: Problem,
        /// The proof of the old secret, before it is given back.
        old: Trial,
    },
    /// Nothing is done until a person unblocks it. Both secrets are alive.
    Blocked {
        /// Why nothing safe can be done, and what a person should do.
        problem: Problem,
        /// The course that `unblock` takes up again.
        was: Box<Course>,
    },
}

impl RotationState {
    /// Whether nothing is left to do until something new begins.
    pub fn is_at_rest(&self) -> bool {
        self.rotation.is_none() && self.watch.is_empty() && self.removals.is_empty() && self.forget.is_empty()
    }

    /// Whether a removal for a cause is under way.
    pub(crate) fn is_removing(&self, wanted: crate::event::RemovalCause) -> bool {
        self.removals.values().any(|removal| removal.cause == wanted)
    }
}

impl Rotation {
    /// The new secret, once it is sealed.
    pub fn new_key(&self) -> Option<&NewKey> {
        match &self.mint {
            Mint::Sealed(new) => Some(new),
            _ => None,
        }
    }

    /// Why it is blocked, if it is.
    pub fn blocked(&self) -> Option<&Problem> {
        match &self.course {
            Course::Blocked { problem, .. } => Some(problem),
            _ => None,
        }
    }
}

impl Trial {
    /// Why it fails, if it has been failing for longer than it may.
    pub(crate) fn lasts_longer_than(&self, time: std::time::Duration, now: OffsetDateTime) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| self.failing_since.is_some_and(|since| now - since > time))
    }

    pub(crate) fn passed(&mut self, at: OffsetDateTime) {
        *self = Self { passed_at: Some(at), ..Self::default() };
    }

    pub(crate) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        // What fails now is no longer proved, however fresh the earlier proof is.
        self.passed_at = None;
        self.failing_since.get_or_insert(at);
        self.failures += 1;
        self.retry_at = Some(at + policy.pause_after(self.failures, problem.retry_after()));
        self.problem = Some(problem.clone());
    }
}
