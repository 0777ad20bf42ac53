//! What a product calls to set an application up, as a port.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::account::{SetUp, SetupPlan, SetupStatus, TakenBack};
use crate::id::SetupId;
use crate::spec::SetupSpec;

/// Sets applications up at customers', and takes them back.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::setup` checks:
/// - a specification that would be refused is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), with every bad field
///   in its message, before any effect;
/// - `plan` changes nothing;
/// - `run` is durable: run again, or resumed, it goes on where it stopped, makes no second application, and mints no second
///   secret that stays;
/// - a name proves nothing: an application of the same name that carries no marker of this setup is a
///   [`Conflict`](azconnect_core::ErrorKind::Conflict) with its client id, and two are one with both;
/// - another specification under a name that is in use is a [`Conflict`](azconnect_core::ErrorKind::Conflict);
/// - a refusal names the step, the missing permission and who can give it, in the error's advice and in `status`; once it is
///   given, `resume` goes on;
/// - `undo` removes what was made and nothing else, names what it leaves, and may be repeated;
/// - what was never begun is [`NotFound`](azconnect_core::ErrorKind::NotFound) without effect.
///
/// # Cancel safety
/// Every future may be dropped: `resume` goes on from there, and `undo` takes back what was made.
#[async_trait]
pub trait Setup: Send + Sync {
    /// Looks at what is there and what would be made. Reads only.
    async fn plan(&self, id: SetupId, spec: SetupSpec) -> Result<SetupPlan, Error>;

    /// Sets it up. What stands already is returned as it is.
    async fn run(&self, plan: &SetupPlan) -> Result<SetUp, Error>;

    /// Goes on with a setup that was begun. One that is being taken back is a
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict).
    async fn resume(&self, id: &SetupId) -> Result<SetUp, Error>;

    /// Takes back what a setup made.
    async fn undo(&self, id: &SetupId) -> Result<TakenBack, Error>;

    /// How a setup stands. Reads the journal only.
    async fn status(&self, id: &SetupId) -> Result<SetupStatus, Error>;
}
