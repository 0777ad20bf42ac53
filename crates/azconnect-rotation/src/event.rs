//! What happens in a rotation, as it is recorded.

use std::collections::BTreeMap;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::{KeyHolder, Marker, Retirement, SinkId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::policy::Policy;
use crate::problem::Problem;

/// A consumer as the terms of a rotation name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SinkTerms {
    /// Its stable name, by which a later run finds it among the bound consumers.
    pub sink: SinkId,
    /// What the consumer is, in words for a person.
    pub title: String,
    /// Whether the old secret must stay alive while this consumer has no proof for the new one.
    pub required: bool,
    /// Whether a receipt counts as proof where verification is inconclusive.
    pub accept_receipt: bool,
    /// The host that receives the secret, where somebody else names it, as it was when the consumer was bound: it gets no
    /// secret once it names another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// Why a key is being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemovalCause {
    /// It is the old secret, and everybody has proved the new one.
    Superseded,
    /// It carries our marker, but its secret was lost with the answer.
    Lost,
    /// It is the new secret of a rotation that is being undone.
    RolledBack,
}

/// One thing that was intended or that happened. Events hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "it is held one at a time, and the large one begins a rotation")]
#[allow(missing_docs, reason = "the fields of an event are named as in the state they change")]
pub enum RotationEvent {
    /// A rotation begins on these terms, which hold until its end.
    Begun {
        rotation: String,
        title: String,
        policy: Policy,
        sinks: Vec<SinkTerms>,
        retire: Vec<KeyId>,
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
        /// Who holds the keys to retire, of those that the issuer listed.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        holders: BTreeMap<KeyId, KeyHolder>,
        /// Whether the caller said by name that no consumer need take the secret.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        without_consumers: bool,
    },
    /// Another process takes over. Writing this fences off the one before; what that one proved is proved again.
    Resumed,
    /// An operator asks a blocked rotation to go on.
    Unblocked,
    /// A blocked rotation tries again by itself, since its cause may have passed.
    Retried,
    /// An operator leaves a consumer out: nothing more is proved of it, on the way forward or back.
    SinkLeftOut { sink: SinkId },
    /// An operator takes the new secret as it is: these consumers are left out, and the old one goes.
    TakenAsIs { sinks: Vec<SinkId> },
    /// An operator ends what is under way. Both secrets stay, unless nobody was given the new one.
    Abandoned,
    /// The connection leaves: nothing more is done for it, and every sealed copy is to be destroyed.
    Disconnected,
    /// A key that had been adopted is adopted no longer, and stays.
    Unadopted { key: KeyId },
    /// A secret is about to be asked for under this marker, to end then.
    MintIntended {
        marker: Marker,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The issuer refused, and provably minted nothing.
    MintRefused { marker: Marker, problem: Problem },
    /// No answer: a secret may exist under this marker.
    MintUnanswered { marker: Marker, problem: Problem },
    /// The issuer minted a secret, and it is sealed under `sealed`.
    Minted {
        marker: Marker,
        key: KeyId,
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
        sealed: SecretId,
        #[serde(with = "time::serde::rfc3339")]
        minted_at: OffsetDateTime,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<KeyHolder>,
        /// Whether the issuer's list has shown it: it was found there after its answer was lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        listed: bool,
    },
    /// The issuer's list was read, and no key carries the marker.
    MarkerAbsent { marker: Marker },
    /// The issuer's list of keys could not be read.
    MarkerUnread { marker: Marker, problem: Problem },
    /// Several reads did not list the marker: it goes on the orphan watch.
    MarkerWatched {
        marker: Marker,
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// The orphan watch over a marker ended without finding it.
    MarkerDropped { marker: Marker },
    /// The new secret is not accepted yet.
    ProofDeferred { problem: Problem },
    /// The new secret is accepted by its issuer.
    Proven { evidence: String },
    /// These consumers are about to receive the new secret.
    PushIntended { sinks: Vec<SinkId> },
    /// A consumer took the new secret; `evidence` is its receipt.
    Pushed {
        sink: SinkId,
        evidence: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
    },
    /// A consumer did not take the new secret, or its answer was lost.
    PushFailed { sink: SinkId, problem: Problem },
    /// A consumer proved that what it holds now works.
    SinkVerified { sink: SinkId, evidence: String },
    /// A consumer could not prove that what it holds works; `rejected` if that is refused.
    SinkUnverified { sink: SinkId, rejected: bool, problem: Problem },
    /// An optional consumer used up its attempts, and the rotation goes on without it.
    SinkGivenUp { sink: SinkId },
    /// A consumer was bound while the rotation was under way: it takes part.
    SinkJoined { terms: SinkTerms },
    /// A consumer takes part on other terms than the rotation began with.
    SinkRebound { terms: SinkTerms },
    /// Every required consumer has proof. The grace begins.
    CutOver,
    /// Everything was proved again, and the old secret may go.
    Cleared { evidence: String },
    /// The last proof before the removal is missing.
    GateHeld { problem: Problem },
    /// A consumer was found to hold something else at the last proof.
    SinkDisproved { sink: SinkId, problem: Problem },
    /// A key is about to be removed.
    RemovalIntended {
        key: KeyId,
        cause: RemovalCause,
        marker: Option<Marker>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<KeyHolder>,
    },
    /// The issuer accepted the removal, or does not list the key.
    RemovalAnswered { key: KeyId, answer: Retirement },
    /// The issuer refused the removal or did not answer, or the list could not be read afterwards.
    RemovalFailed { key: KeyId, problem: Problem },
    /// The issuer's list was read after the removal: whether it still has the key.
    KeyRead { key: KeyId, listed: bool },
    /// The key is gone: absent in spaced reads.
    Removed { key: KeyId },
    /// The sealed copy of a removed secret is destroyed.
    Forgotten { key: KeyId },
    /// The rotation turns back: the consumers are to hold the old secret again.
    RollbackBegun { problem: Problem },
    /// The old secret was proved before it is given back.
    OldProven { evidence: String },
    /// Whether the old secret still works could not be found out.
    OldUnproven { problem: Problem },
    /// A consumer holds the old secret again, with proof.
    Restored {
        sink: SinkId,
        evidence: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
    },
    /// A consumer could not be given the old secret back; or it took it, which its receipt says, and the proof is missing.
    RestoreFailed {
        sink: SinkId,
        problem: Problem,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
    },
    /// Every consumer that had the new secret was found to hold the old one, so the new one may go.
    BackCleared { evidence: String },
    /// The last proof before the new secret is removed again is missing.
    BackHeld { problem: Problem },
    /// A consumer that had been given the old secret back was found to hold something else.
    RestoreUndone { sink: SinkId, problem: Problem },
    /// Nothing safe can be done without a person. Both secrets are alive.
    Blocked { problem: Problem },
    /// The new secret is in place, and every key to retire is gone.
    Rotated,
    /// The rotation was undone, or never had an effect; the old secret serves on.
    RolledBack { problem: Problem },
}

impl RotationEvent {
    /// The name of its kind in the journal, such as `minted`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Resumed => "resumed",
            Self::Unblocked => "unblocked",
            Self::Retried => "retried",
            Self::SinkLeftOut { .. } => "sink_left_out",
            Self::TakenAsIs { .. } => "taken_as_is",
            Self::Abandoned => "abandoned",
            Self::Disconnected => "disconnected",
            Self::Unadopted { .. } => "unadopted",
            Self::MintIntended { .. } => "mint_intended",
            Self::MintRefused { .. } => "mint_refused",
            Self::MintUnanswered { .. } => "mint_unanswered",
            Self::Minted { .. } => "minted",
            Self::MarkerAbsent { .. } => "marker_absent",
            Self::MarkerUnread { .. } => "marker_unread",
            Self::MarkerWatched { .. } => "marker_watched",
            Self::MarkerDropped { .. } => "marker_dropped",
            Self::ProofDeferred { .. } => "proof_deferred",
            Self::Proven { .. } => "proven",
            Self::PushIntended { .. } => "push_intended",
            Self::Pushed { .. } => "pushed",
            Self::PushFailed { .. } => "push_failed",
            Self::SinkVerified { .. } => "sink_verified",
            Self::SinkUnverified { .. } => "sink_unverified",
            Self::SinkGivenUp { .. } => "sink_given_up",
            Self::SinkJoined { .. } => "sink_joined",
            Self::SinkRebound { .. } => "sink_rebound",
            Self::CutOver => "cut_over",
            Self::Cleared { .. } => "cleared",
            Self::GateHeld { .. } => "gate_held",
            Self::SinkDisproved { .. } => "sink_disproved",
            Self::RemovalIntended { .. } => "removal_intended",
            Self::RemovalAnswered { .. } => "removal_answered",
            Self::RemovalFailed { .. } => "removal_failed",
            Self::KeyRead { .. } => "key_read",
            Self::Removed { .. } => "removed",
            Self::Forgotten { .. } => "forgotten",
            Self::RollbackBegun { .. } => "rollback_begun",
            Self::OldProven { .. } => "old_proven",
            Self::OldUnproven { .. } => "old_unproven",
            Self::Restored { .. } => "restored",
            Self::RestoreFailed { .. } => "restore_failed",
            Self::BackCleared { .. } => "back_cleared",
            Self::BackHeld { .. } => "back_held",
            Self::RestoreUndone { .. } => "restore_undone",
            Self::Blocked { .. } => "blocked",
            Self::Rotated => "rotated",
            Self::RolledBack { .. } => "rolled_back",
        }
    }
}
