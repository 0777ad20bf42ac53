//! The calls that a directory takes, and their kinds.

use azconnect_core::KeyId;
use azconnect_credential::{Marker, SinkId};

/// One call through a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// The issuer's keys were listed.
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
    /// Listing the keys, by [`CredentialIssuer::inventory`](azconnect_credential::CredentialIssuer::inventory).
    Inventory,
    /// Minting, by [`CredentialIssuer::mint`](azconnect_credential::CredentialIssuer::mint).
    Mint,
    /// Removing a key, by [`CredentialIssuer::retire`](azconnect_credential::CredentialIssuer::retire).
    Retire,
    /// Trying a secret, by [`CredentialVerifier::verify`](azconnect_credential::CredentialVerifier::verify).
    Verify,
    /// Looking at a consumer, by [`CredentialSink::inspect`](azconnect_credential::CredentialSink::inspect).
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
