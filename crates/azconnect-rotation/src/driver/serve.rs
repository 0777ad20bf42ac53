//! Giving secrets to consumers, and asking them for proof, all at once.

use azconnect_core::{Error, ErrorKind, SecretId};
use azconnect_credential::entra::is_refusal;
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, SinkId};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::issue::candidate;
use super::writer::Writer;
use crate::event::RotationEvent;
use crate::problem::Problem;
use crate::state::SinkProgress;
use crate::target::{SinkBinding, Target};

impl Writer<'_> {
    pub(super) async fn push(&self, sinks: Vec<SinkId>) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let secret = self.open_sealed(&new.sealed).await?;
        self.append(vec![RotationEvent::PushIntended { sinks: sinks.clone() }]).await?;
        let target = self.target;
        let (new, secret) = (&new, &secret);
        let pushes = sinks.into_iter().map(|sink| async move {
            match bound(target, &sink) {
                Ok(binding) => match binding.sink.push(&candidate(new, secret)).await {
                    Ok(receipt) => {
                        RotationEvent::Pushed { sink, evidence: receipt.evidence, revision: receipt.revision }
                    }
                    Err(error) => RotationEvent::PushFailed { sink, problem: Problem::from(&error) },
                },
                Err(error) => RotationEvent::PushFailed { sink, problem: Problem::from(&error) },
            }
        });
        self.record_as_they_come(pushes.collect()).await
    }

    pub(super) async fn verify(&self, sinks: Vec<SinkId>) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let secret = self.open_sealed(&new.sealed).await?;
        let target = self.target;
        let progress: Vec<_> = sinks.iter().filter_map(|sink| self.progress(sink)).collect();
        let (new, secret) = (&new, &secret);
        let checks = progress.into_iter().map(|progress| async move {
            let sink = progress.terms.sink.clone();
            let assessment = assess(target, &progress, &candidate(new, secret)).await;
            match assessment.verdict {
                CredentialVerdict::Accepted => RotationEvent::SinkVerified { sink, evidence: assessment.evidence },
                verdict => RotationEvent::SinkUnverified {
                    sink,
                    rejected: verdict == CredentialVerdict::Rejected,
                    problem: Problem::from(&assessment),
                },
            }
        });
        self.record_as_they_come(checks.collect()).await
    }

    pub(super) async fn restore(&self, sinks: Vec<SinkId>, sealed: SecretId) -> Result<(), Error> {
        let secret = self.open_sealed(&sealed).await?;
        let target = self.target;
        let progress: Vec<_> = sinks.iter().filter_map(|sink| self.progress(sink)).collect();
        let secret = &secret;
        let returns = progress.into_iter().map(|progress| async move {
            let sink = progress.terms.sink.clone();
            let old = Candidate::new(secret);
            let pushed = match bound(target, &sink) {
                Ok(binding) => binding.sink.push(&old).await,
                Err(error) => Err(error),
            };
            let receipt = match pushed {
                Ok(receipt) => receipt,
                Err(error) => return RotationEvent::RestoreFailed { sink, problem: Problem::from(&error) },
            };
            let held = SinkProgress { receipt: Some(receipt.evidence), revision: receipt.revision, ..progress };
            let assessment = assess(target, &held, &old).await;
            match assessment.verdict {
                CredentialVerdict::Accepted => RotationEvent::Restored { sink, evidence: assessment.evidence },
                _ => RotationEvent::RestoreFailed { sink, problem: Problem::from(&assessment) },
            }
        });
        self.record_as_they_come(returns.collect()).await
    }

    /// Records each outcome when it comes, so that a crash forgets as little as possible.
    async fn record_as_they_come(
        &self,
        mut work: FuturesUnordered<impl Future<Output = RotationEvent>>,
    ) -> Result<(), Error> {
        while let Some(event) = work.next().await {
            self.append(vec![event]).await?;
        }
        Ok(())
    }

    fn progress(&self, sink: &SinkId) -> Option<SinkProgress> {
        self.state().rotation.as_ref()?.sinks.iter().find(|progress| progress.terms.sink == *sink).cloned()
    }
}

/// Asks a consumer whether what it holds works. Where its terms accept a receipt, the receipt of the push takes the
/// place of an inconclusive answer, and never that of a rejection or of a sign-in that was refused.
pub(super) async fn assess(target: &Target, progress: &SinkProgress, candidate: &Candidate<'_>) -> Assessment {
    let binding = match bound(target, &progress.terms.sink) {
        Ok(binding) => binding,
        Err(error) => return Assessment::inconclusive(&error),
    };
    let held = candidate.with_revision(progress.revision.as_deref());
    let receipt = progress.receipt.as_deref().filter(|_| progress.terms.accept_receipt);
    by_agreement(receipt, binding.sink.verify(&held).await)
}

/// Lets a receipt take the place of an answer that said nothing. A sign-in that Entra ID refused said something: the
/// consumer cannot use the secret, even if the secret is not to blame.
fn by_agreement(receipt: Option<&str>, assessment: Assessment) -> Assessment {
    match (receipt, assessment.verdict) {
        (Some(receipt), CredentialVerdict::Inconclusive) if !is_refusal(&assessment) => {
            Assessment::new(CredentialVerdict::Accepted, format!("by agreement, its receipt: {receipt}"))
        }
        _ => assessment,
    }
}

fn bound<'a>(target: &'a Target, sink: &SinkId) -> Result<&'a SinkBinding, Error> {
    target.sink(sink).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, format!("the consumer {sink} of the rotation under way is not bound"))
            .with_advice("bind it again until the rotation has ended")
    })
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use azconnect_credential::entra::{EntraCode, PROPAGATION, judge};

    use super::*;

    #[test]
    fn a_receipt_stands_in_for_silence_and_for_no_refusal() {
        let silent = Assessment::inconclusive(&Error::new(ErrorKind::Unavailable, "the registry cannot be asked"));
        assert!(by_agreement(Some("stored"), silent.clone()).is_accepted());
        assert!(!by_agreement(None, silent).is_accepted());
        for refused in [700_016, 7_000_112, 90_002] {
            let assessment = judge(EntraCode::new(refused), None, PROPAGATION);
            assert!(!by_agreement(Some("stored"), assessment).is_accepted(), "{refused}");
        }
    }
}
