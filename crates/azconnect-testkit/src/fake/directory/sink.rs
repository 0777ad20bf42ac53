//! Consumers.

use async_trait::async_trait;
use azconnect_core::{Effect, Error};
use azconnect_credential::{Assessment, Candidate, CredentialSink, CredentialVerdict, PushReceipt, SinkId, SinkReport};

use super::call::Call;
use super::late::LateRequest;
use super::verifier::assess;
use super::{Directory, conclude};
use crate::fake::faults::{Fault, proceed};

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
        if let Some(fault) = self.directory.meet_read(Call::Inspect(self.id.clone())).await {
            return Err(fault.error().with_effect(Effect::None));
        }
        let mut world = self.directory.world();
        let sink = world.existing_sink(&self.id)?;
        Ok(SinkReport::new(format!("the fake consumer {}", self.id))
            .with_checks(sink.checks.clone())
            .with_is_issuers_own(sink.is_issuers_own))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        let late = || LateRequest::Push(self.id.clone(), candidate.secret.duplicate());
        let fault = self.directory.meet(Call::Push(self.id.clone(), candidate.key), late).await;
        let receipt = self.pushed(candidate, fault)?;
        conclude(fault, receipt).await
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        if let Some(fault) = self.directory.meet_read(Call::VerifySink(self.id.clone())).await {
            return Assessment::inconclusive(&fault.error());
        }
        // In a block of its own: `assess` takes the lock again.
        let held = {
            let mut world = self.directory.world();
            match world.existing_sink(&self.id) {
                Ok(sink) => sink.secret.duplicate(),
                Err(error) => return Assessment::inconclusive(&error),
            }
        };
        // That the consumer works with another secret proves nothing of this one.
        if !held.same_as(candidate.secret) {
            return Assessment::new(CredentialVerdict::Rejected, "the consumer holds another secret")
                .with_advice("push again");
        }
        assess(&self.directory, candidate)
    }
}

impl Sink {
    fn pushed(&self, candidate: &Candidate<'_>, fault: Option<Fault>) -> Result<PushReceipt, Error> {
        let mut world = self.directory.world();
        // The other's change stays although the push is refused, so that a test can see it survive the next push.
        if let (Some(Fault::ChangedMeanwhile), Ok(sink)) = (fault, world.existing_sink(&self.id)) {
            sink.revision += 1;
            sink.note = format!("changed by somebody else in revision {}", sink.revision);
        }
        proceed(fault)?;
        let sink = world.existing_sink(&self.id)?;
        sink.take(candidate.secret.duplicate());
        Ok(PushReceipt::new(format!("revision {} holds it", sink.revision)))
    }
}
