//! An optional consumer that could not be made: it stays in sight.

use async_trait::async_trait;
use azconnect_core::{Diagnosis, Effect, Error};
use azconnect_credential::{
    Assessment, Candidate, Check, CheckReport, CredentialSink, PushReceipt, SinkId, SinkReport,
};

/// Stands for a consumer that could not be made, so that a plan shows it with the reason, and a rotation under way that knows it
/// does not lose it.
pub(super) struct AbsentSink {
    id: SinkId,
    title: String,
    reason: Diagnosis,
}

impl AbsentSink {
    pub(super) fn new(id: SinkId, title: String, reason: &Error) -> Self {
        Self { id, title, reason: reason.diagnosis().clone().with_effect(Effect::None) }
    }
}

#[async_trait]
impl CredentialSink for AbsentSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let check = Check::failed_by("binding-not-built", "binding", &Error::from(self.reason.clone()));
        Ok(SinkReport::new(&self.title).with_checks(CheckReport::from(vec![check])))
    }

    async fn push(&self, _: &Candidate<'_>) -> Result<PushReceipt, Error> {
        Err(Error::from(self.reason.clone()))
    }

    async fn verify(&self, _: &Candidate<'_>) -> Assessment {
        Assessment::inconclusive(&Error::from(self.reason.clone()))
    }
}
