//! What a scheduler calls.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::driver::Rotator;
use crate::outcome::RotationOutcome;
use crate::plan::RotationPlan;
use crate::target::Target;

/// Rotates what is due, and goes on with what is under way. A product's own scheduler calls it.
///
/// Every implementation passes `azconnect_testkit::conformance::rotations`, which holds it to this:
///
/// - A plan has no effect, and names what a rotation would retire.
/// - What is due is rotated, once; after that nothing is due, and nothing is under way.
/// - What is not due, or forbidden by a finding, changes nothing and records nothing.
/// - A blocked rotation is reported as blocked, again and again, and records nothing more.
/// - A policy that does not hold is refused by its field before anything else.
/// - While another process works on the subject, it is a [`Conflict`](azconnect_core::ErrorKind::Conflict).
#[async_trait]
pub trait Rotations: Send + Sync {
    /// Looks at everything and says what [`Rotations::rotate`] would do. No effect.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for terms that do not hold; else if the journal or the
    /// issuer cannot be read.
    async fn plan(&self, target: &Target) -> Result<RotationPlan, Error>;

    /// Goes on with the rotation under way, or begins one if it is due and nothing forbids it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for terms that do not hold;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) while another process works on the subject; else if a port
    /// fails. Whatever was recorded stays, and the next run goes on from there.
    ///
    /// # Cancel safety
    /// May be dropped at any moment, like a killed process; the next run goes on.
    async fn rotate(&self, target: &Target) -> Result<RotationOutcome, Error>;

    /// Goes on with what is under way, and begins nothing.
    ///
    /// # Errors
    /// As [`Rotations::rotate`].
    async fn resume(&self, target: &Target) -> Result<RotationOutcome, Error>;
}

#[async_trait]
impl Rotations for Rotator {
    async fn plan(&self, target: &Target) -> Result<RotationPlan, Error> {
        Self::plan(self, target).await
    }

    async fn rotate(&self, target: &Target) -> Result<RotationOutcome, Error> {
        Self::rotate(self, target).await
    }

    async fn resume(&self, target: &Target) -> Result<RotationOutcome, Error> {
        Self::resume(self, target).await
    }
}
