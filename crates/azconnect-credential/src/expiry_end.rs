//! Where the end of a credential is known from, and the port that reads it.

use async_trait::async_trait;
use azconnect_core::{Diagnosis, KeyId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::record::ConnectionRecord;

/// Where the end of a credential is known from. The first of these that says one is believed: what the service lists counts more
/// than what a person has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndSource {
    /// The service lists the key with this end, under the id that the record names.
    ListedByKey,
    /// The service lists one key whose hint begins the secret, with this end.
    ListedByHint,
    /// The record says so: a person declared it, or it was read when the secret was minted or stored.
    Recorded,
    /// The service has refused the sign-in since the secret has ended: it ended at this moment or before. A later end that
    /// anybody said is not true.
    Refused,
    /// Nobody says it.
    Unknown,
}

impl EndSource {
    /// The stable name, as it is serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListedByKey => "listed_by_key",
            Self::ListedByHint => "listed_by_hint",
            Self::Recorded => "recorded",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// A key as the service lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListedEnd {
    /// The key.
    pub key: KeyId,
    /// How it was found.
    pub source: EndSource,
    /// When it ends, where the service says so.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<OffsetDateTime>,
}

impl ListedEnd {
    /// A key that was found, with its end.
    pub fn new(key: KeyId, source: EndSource, ends_at: Option<OffsetDateTime>) -> Self {
        Self { key, source, ends_at }
    }
}

/// What one read of the service says about a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReading {
    /// The key is listed.
    Listed(ListedEnd),
    /// Everything that may hold the key was read, and it is not there; or the service refuses the secret itself. The diagnosis says
    /// which. One such read proves nothing: a replica may be late.
    Absent(Diagnosis),
    /// The service says that the secret was right and has ended. That is about this very secret, so that one read proves it.
    Ended(Diagnosis),
    /// The secret has just signed in, so that it is neither gone nor ended; its end could not be read, or not be told.
    SignedIn(Diagnosis),
    /// It could not be read, or not be told: nothing was learnt.
    Unread(Diagnosis),
}

impl EndReading {
    /// Why the service did not say the end, where it did not.
    pub fn problem(&self) -> Option<&Diagnosis> {
        match self {
            Self::Listed(_) => None,
            Self::Absent(problem) | Self::Ended(problem) | Self::SignedIn(problem) | Self::Unread(problem) => {
                Some(problem)
            }
        }
    }
}

/// Reads the end of a connection's credential from the service.
///
/// `azconnect` reads it from Microsoft Graph; a product may put its own register of secrets in that place.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::end_reader` checks:
/// - the key that the record names is told with its end, whatever was known before; where the record names none, the one that an
///   earlier read has found;
/// - a key that nobody lists any more is [`Absent`](EndReading::Absent);
/// - what could not be read, or has no key, is [`Unread`](EndReading::Unread) and says why: silence is no answer;
/// - no secret is in what is read, or in a log.
#[async_trait]
pub trait EndReader: Send + Sync {
    /// Reads the end of the credential that a record names. Idempotent, without effect. `known` is the key that an earlier read
    /// found for it.
    ///
    /// Never an error: what could not be read is [`EndReading::Unread`].
    async fn end(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading;
}
