//! Consumers.

use async_trait::async_trait;
use azconnect_core::{Effect, Error};
use azconnect_credential::{Assessment, Candidate, CredentialSink, CredentialVerdict, PushReceipt, SinkId, SinkReport};

use super::Directory;
use super::call::Call;
use super::verifier::assess;
use crate::fake::faults::{Fault, answer, proceed};

pub(super) struct Sink {
    directory: Directory,
    id: SinkId,
}

impl Sink {
    pub(super) fn new(directory: Directory, id: SinkId) -> Self {
        Self { directory, id }
    }
}

#[async_trait]
impl CredentialSink for Sink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let mut world = self.directory.world();
        if let Some(fault) = world.call(Call::Inspect(self.id.clone())) {
            return Err(fault.error().with_effect(Effect::None));
        }
        let sink = world.sink(&self.id);
        Ok(SinkReport::new(format!("the fake consumer {}", self.id))
            .with_checks(sink.checks.clone())
            .with_is_issuers_own(sink.is_issuers_own))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        let mut world = self.directory.world();
        let fault = world.call(Call::Push(self.id.clone(), candidate.key));
        let sink = world.sink(&self.id);
        // The other's change stays although the push is refused, so that a test can see it survive the next push.
        if fault == Some(Fault::ChangedMeanwhile) {
            sink.revision += 1;
            sink.note = format!("changed by somebody else in revision {}", sink.revision);
        }
        proceed(fault)?;
        // Pushing the same again is no change: the revision counts changes.
        if !sink.secret.same_as(candidate.secret) {
            sink.secret = candidate.secret.duplicate();
            sink.revision += 1;
        }
        answer(fault, PushReceipt::new(format!("revision {} holds it", sink.revision)))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        // In a block of its own: `assess` takes the lock again.
        let held = {
            let mut world = self.directory.world();
            if let Some(fault) = world.call(Call::VerifySink(self.id.clone())) {
                return Assessment::inconclusive(&fault.error());
            }
            world.sink(&self.id).secret.duplicate()
        };
        // That the consumer works with another secret proves nothing of this one.
        if !held.same_as(candidate.secret) {
            return Assessment::new(CredentialVerdict::Rejected, "the consumer holds another secret")
                .with_advice("push again");
        }
        assess(&self.directory, candidate)
    }
}
