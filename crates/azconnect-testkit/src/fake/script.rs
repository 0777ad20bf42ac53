//! What was called, and what shall fail.

use azconnect_core::{Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{Marker, SinkId};

/// One call through a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// The keys were listed.
    Inventory,
    /// A key was to be minted.
    Mint(Marker),
    /// A key was to be removed.
    Retire(KeyId),
    /// A secret was tried, with its key where the caller named it.
    Verify(Option<KeyId>),
    /// A consumer was looked at.
    Inspect(SinkId),
    /// A consumer was to take a secret, with its key where the caller named it.
    Push(SinkId, Option<KeyId>),
    /// A consumer was to check what it holds.
    VerifySink(SinkId),
}

/// A kind of call that can be made to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Listing the keys.
    Inventory,
    /// Minting.
    Mint,
    /// Removing a key.
    Retire,
    /// Trying a secret.
    Verify,
    /// Looking at a consumer.
    Inspect(SinkId),
    /// Giving a consumer a secret.
    Push(SinkId),
    /// Having a consumer check what it holds.
    VerifySink(SinkId),
}

impl Call {
    /// What kind of call it was.
    pub fn step(&self) -> Step {
        match self {
            Self::Inventory => Step::Inventory,
            Self::Mint(_) => Step::Mint,
            Self::Retire(_) => Step::Retire,
            Self::Verify(_) => Step::Verify,
            Self::Inspect(sink) => Step::Inspect(sink.clone()),
            Self::Push(sink, _) => Step::Push(sink.clone()),
            Self::VerifySink(sink) => Step::VerifySink(sink.clone()),
        }
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before anything happens, which the caller cannot know: effect `Unknown`.
    Dropped,
    /// Everything happens, and the answer is lost: effect `Unknown`.
    AnswerLost,
    /// The service refuses with an error of this kind: effect `None`.
    Refused(ErrorKind),
    /// Somebody else changes the consumer between the read and the write of a push: refused as a conflict, effect
    /// `None`.
    ChangedMeanwhile,
}

impl Fault {
    /// Whether the call takes effect all the same.
    pub(super) fn applies(self) -> bool {
        self == Self::AnswerLost
    }

    pub(super) fn error(self) -> Error {
        match self {
            Self::Dropped => Error::new(ErrorKind::Unavailable, "scripted: the connection broke"),
            Self::AnswerLost => Error::new(ErrorKind::Timeout, "scripted: no answer came"),
            Self::Refused(kind) => Error::new(kind, "scripted: refused").with_effect(Effect::None),
            Self::ChangedMeanwhile => {
                Error::new(ErrorKind::Conflict, "scripted: somebody else changed it").with_effect(Effect::None)
            }
        }
    }
}
