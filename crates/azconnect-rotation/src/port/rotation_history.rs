//! What a page or an auditor reads.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::SubjectId;

use crate::driver::Rotator;
use crate::history::HistoryEntry;

/// Tells what happened, and what is not finished. Reads only, and needs no lease.
///
/// Every implementation passes `azconnect_testkit::conformance::rotations`, which holds it to this:
///
/// - The history begins with `begun`, ends as the rotation did, and its times never go back.
/// - A subject of which nothing was recorded has an empty history.
/// - A subject is unfinished from the beginning of a rotation to its end.
#[async_trait]
pub trait RotationHistory: Send + Sync {
    /// Everything that happened to a subject, in order, over all its rotations.
    ///
    /// # Errors
    /// [`Corrupt`](azconnect_core::ErrorKind::Corrupt) for a journal that cannot be read; else what the journal says.
    async fn history(&self, subject: &SubjectId) -> Result<Vec<HistoryEntry>, Error>;

    /// The subjects with something left to do.
    ///
    /// # Errors
    /// What the journal says.
    async fn unfinished(&self) -> Result<Vec<SubjectId>, Error>;
}

#[async_trait]
impl RotationHistory for Rotator {
    async fn history(&self, subject: &SubjectId) -> Result<Vec<HistoryEntry>, Error> {
        Self::history(self, subject).await
    }

    async fn unfinished(&self) -> Result<Vec<SubjectId>, Error> {
        Self::unfinished(self).await
    }
}
