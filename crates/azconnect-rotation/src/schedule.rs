//! Many targets at once.

use azconnect_core::Error;
use azconnect_credential::SubjectId;
use futures_util::StreamExt;

use crate::driver::Rotator;
use crate::outcome::RotationOutcome;
use crate::target::Target;

/// How the run of one target ended.
pub type Run = (SubjectId, Result<RotationOutcome, Error>);

impl Rotator {
    /// Runs [`Rotator::rotate`] for every target, at most `at_once` at a time. One failure stops no other.
    ///
    /// The caller decides when to call it again: at the earliest [`RotationOutcome::run_again_at`], and after an error when the
    /// error's cause may have passed.
    pub async fn rotate_due(&self, targets: &[Target], at_once: usize) -> Vec<Run> {
        // Made before the first is polled: a closure that the stream kept would not be `Send` for every lifetime.
        let runs: Vec<_> = targets.iter().map(|target| self.run_one(target)).collect();
        futures_util::stream::iter(runs).buffer_unordered(at_once.max(1)).collect().await
    }

    async fn run_one(&self, target: &Target) -> Run {
        (target.subject().clone(), self.rotate(target).await)
    }
}
