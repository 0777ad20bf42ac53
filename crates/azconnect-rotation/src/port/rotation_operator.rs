//! What a person asks for.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::SubjectId;

use crate::driver::Rotator;
use crate::outcome::RotationOutcome;
use crate::plan::RotationPlan;
use crate::resolution::Resolution;
use crate::target::Target;

/// Does what a person asks for: rotates now, due or not, says how a rotation goes on that does not end by itself, and ends
/// all work on a connection that leaves.
///
/// Every implementation passes `azconnect_testkit::conformance::rotations`, which holds it to this:
///
/// - What is not due is rotated all the same; what a finding forbids is not.
/// - A blocked rotation goes on once it is tried again, and ends if its cause is gone.
/// - A blocked rotation that is abandoned is under way no longer, and the next one may begin.
/// - Resolving where nothing is blocked changes nothing.
/// - A subject that was disconnected is not unfinished.
#[async_trait]
pub trait RotationOperator: Send + Sync {
    /// Looks at everything and says what [`RotationOperator::rotate_now`] would do. No effect.
    ///
    /// # Errors
    /// As [`Rotations::plan`](crate::Rotations::plan).
    async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error>;

    /// As [`Rotations::rotate`](crate::Rotations::rotate), due or not.
    ///
    /// # Errors
    /// As [`Rotations::rotate`](crate::Rotations::rotate).
    async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error>;

    /// Says how a rotation goes on that does not end by itself, and goes on from there.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a resolution that does not fit; else as
    /// [`Rotations::rotate`](crate::Rotations::rotate).
    async fn resolve(&self, target: &Target, resolution: Resolution) -> Result<RotationOutcome, Error>;

    /// Ends all work on a subject whose connection leaves, and destroys every sealed copy of its secrets. The keys stay at
    /// the service.
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) while another process works on the subject; else if a store fails.
    /// It may be repeated.
    async fn disconnect(&self, subject: &SubjectId) -> Result<(), Error>;
}

#[async_trait]
impl RotationOperator for Rotator {
    async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        Self::plan_now(self, target).await
    }

    async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error> {
        Self::rotate_now(self, target).await
    }

    async fn resolve(&self, target: &Target, resolution: Resolution) -> Result<RotationOutcome, Error> {
        Self::resolve(self, target, resolution).await
    }

    async fn disconnect(&self, subject: &SubjectId) -> Result<(), Error> {
        Self::disconnect(self, subject).await
    }
}
