//! What a person asks for.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::driver::Rotator;
use crate::outcome::RotationOutcome;
use crate::plan::RotationPlan;
use crate::target::Target;

/// Does what a person asks for: rotates now, due or not, and goes on after the cause of a block was removed.
///
/// Every implementation passes `azconnect_testkit::conformance::rotations`, which holds it to this:
///
/// - What is not due is rotated all the same; what a finding forbids is not.
/// - A blocked rotation goes on once it is unblocked, and ends if its cause is gone.
/// - Unblocking where nothing is blocked changes nothing.
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

    /// Lets a blocked rotation try again, after a person removed the cause.
    ///
    /// # Errors
    /// As [`Rotations::rotate`](crate::Rotations::rotate).
    async fn unblock(&self, target: &Target) -> Result<RotationOutcome, Error>;
}

#[async_trait]
impl RotationOperator for Rotator {
    async fn plan_now(&self, target: &Target) -> Result<RotationPlan, Error> {
        Self::plan_now(self, target).await
    }

    async fn rotate_now(&self, target: &Target) -> Result<RotationOutcome, Error> {
        Self::rotate_now(self, target).await
    }

    async fn unblock(&self, target: &Target) -> Result<RotationOutcome, Error> {
        Self::unblock(self, target).await
    }
}
