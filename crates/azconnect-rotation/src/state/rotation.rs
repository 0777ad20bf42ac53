//! A rotation that has begun and not ended.

use std::time::Duration;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::Marker;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{SinkProgress, Trial};
use crate::policy::Policy;
use crate::problem::Problem;

/// A rotation that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How long the new secret is to live, from when it is minted.
    pub lifetime: Duration,
    /// Whether the caller, or a person, said that no consumer need take the new secret.
    #[serde(default)]
    pub without_consumers: bool,
    /// How often the new secret was asked for in vain.
    #[serde(default)]
    pub minting: MintAttempts,
    /// How far the new secret has come: wanted, asked for, or sealed.
    pub mint: Mint,
    /// The proof that the issuer accepts the new secret.
    pub proof: Trial,
    /// The consumers, and how far each has come.
    pub sinks: Vec<SinkProgress>,
    /// Since when every required consumer has proof.
    #[serde(with = "time::serde::rfc3339::option")]
    pub cut_over_at: Option<OffsetDateTime>,
    /// The last proof of everything before the old secret is removed, and before the rotation is called done.
    pub gate: Trial,
    /// How often it was blocked in a row.
    #[serde(default)]
    pub blocks: u32,
    /// Whether it goes forward, back, or waits for a person.
    pub course: Course,
}

/// How often a new secret was asked for in vain, under whatever marker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MintAttempts {
    /// How often the issuer refused, or its answer was lost. An outage in which nothing was minted does not count.
    pub failures: u32,
    /// How many attempts failed, outages included.
    pub tries: u32,
    /// Since when the issuer has no time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub out_since: Option<OffsetDateTime>,
    /// When it was last found to have none.
    #[serde(with = "time::serde::rfc3339::option")]
    pub out_at: Option<OffsetDateTime>,
}

/// How far a rotation's new secret has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Mint {
    /// Not asked for yet, or refused so far.
    Wanted {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Which way a rotation goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "course", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a rotation has one")]
pub enum Course {
    /// The consumers are given the new secret.
    Forward,
    /// The consumers are given the old secret again, and the new one is removed.
    Back {
        /// Why the new secret is given up.
        problem: Problem,
        /// The proof of the old secret, before it is given back.
        old: Trial,
        /// The last proof of every consumer, before the new secret is removed.
        gate: Trial,
    },
    /// Nothing is done until a person says what, or until it is tried again by itself. Both secrets are alive.
    Blocked {
        /// Why nothing safe can be done, and what a person should do.
        problem: Problem,
        /// The course that is taken up again.
        was: Box<Course>,
        /// When it is tried again by itself; none if the cause does not pass by itself.
        #[serde(default, with = "time::serde::rfc3339::option")]
        retry_at: Option<OffsetDateTime>,
    },
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

    /// When a blocked rotation is tried again by itself, if it is.
    pub fn retried_at(&self) -> Option<OffsetDateTime> {
        match &self.course {
            Course::Blocked { retry_at, .. } => *retry_at,
            _ => None,
        }
    }

    /// Whether the new secret was asked for under this marker, and is still looked for.
    pub(crate) fn is_asked_for(&self, wanted: &str) -> bool {
        matches!(&self.mint, Mint::Asked { marker, .. } if marker.as_str() == wanted)
    }

    /// Whether a consumer may hold the new secret, or could until it was given the old one back.
    pub(crate) fn was_served(&self) -> bool {
        self.sinks.iter().any(SinkProgress::was_touched)
    }

    /// The first consumer that a person left out and that may hold the new secret: nobody proves that it does not.
    pub(crate) fn held_by_left_out(&self) -> Option<&SinkProgress> {
        self.sinks.iter().find(|sink| sink.left_out && (sink.touched || sink.in_flight) && !sink.restored)
    }

    /// Whether a consumer may hold the new secret now.
    pub(crate) fn may_be_held(&self) -> bool {
        self.sinks.iter().any(SinkProgress::may_hold_new)
    }
}
