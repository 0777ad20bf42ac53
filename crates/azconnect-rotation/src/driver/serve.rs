//! Giving secrets to consumers, and asking them for proof, all at once.

use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretId};
use azconnect_credential::entra::is_refusal;
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, SinkId};
use futures_util::StreamExt;
use futures_util::stream::iter;

use super::issue::candidate;
use super::writer::Writer;
use crate::event::RotationEvent;
use crate::problem::Problem;
use crate::state::{GivenBack, NewKey, SinkProgress};
use crate::target::{SinkBinding, Target};

impl Writer<'_> {
    pub(super) async fn push(&self, sinks: Vec<SinkId>) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let Some(secret) = self.open_sealed(&new.sealed).await? else { return Ok(()) };
        self.append(vec![RotationEvent::PushIntended { sinks: sinks.clone() }]).await?;
        let (new, secret) = (&new, &secret);
        self.record_as_they_come(sinks.into_iter().map(|sink| self.push_one(sink, new, secret)).collect()).await
    }

    async fn push_one(&self, sink: SinkId, new: &NewKey, secret: &Secret) -> Result<RotationEvent, Error> {
        let binding = match bound(self.target, &sink) {
            Ok(binding) => binding,
            Err(error) => return Ok(RotationEvent::PushFailed { sink, problem: Problem::from(&error) }),
        };
        // It may have waited for its turn: the lease is asked for again before each.
        self.renew().await?;
        let progress = self.progress(&sink);
        let offer = candidate(new, secret).with_destination(destination(binding, progress.as_ref()));
        Ok(match self.effect("the consumer", binding.sink.push(&offer)).await {
            Ok(receipt) => RotationEvent::Pushed { sink, evidence: receipt.evidence, revision: receipt.revision },
            Err(error) => RotationEvent::PushFailed { sink, problem: Problem::from(&error) },
        })
    }

    pub(super) async fn verify(&self, sinks: Vec<SinkId>) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let Some(secret) = self.open_sealed(&new.sealed).await? else { return Ok(()) };
        let progress: Vec<_> = sinks.iter().filter_map(|sink| self.progress(sink)).collect();
        let (new, secret) = (&new, &secret);
        let checks = progress.into_iter().map(|progress| async move {
            let sink = progress.terms.sink.clone();
            let assessment = self.assess(&progress, &candidate(new, secret)).await;
            Ok(match assessment.verdict {
                CredentialVerdict::Accepted => RotationEvent::SinkVerified { sink, evidence: assessment.evidence },
                verdict => RotationEvent::SinkUnverified {
                    sink,
                    rejected: verdict == CredentialVerdict::Rejected,
                    problem: Problem::from(&assessment),
                },
            })
        });
        self.record_as_they_come(checks.collect()).await
    }

    pub(super) async fn restore(&self, sinks: Vec<SinkId>, sealed: SecretId) -> Result<(), Error> {
        let Some(secret) = self.open_sealed(&sealed).await? else { return Ok(()) };
        let progress: Vec<_> = sinks.iter().filter_map(|sink| self.progress(sink)).collect();
        let secret = &secret;
        self.record_as_they_come(progress.into_iter().map(|one| self.restore_one(one, secret)).collect()).await
    }

    /// Gives the old secret back, unless the consumer took it already, and asks for proof. One that only cannot be checked is
    /// not written to again.
    async fn restore_one(&self, progress: SinkProgress, secret: &Secret) -> Result<RotationEvent, Error> {
        let sink = progress.terms.sink.clone();
        let old = Candidate::new(secret);
        let taken = match progress.given_back.clone() {
            Some(taken) => taken,
            None => match self.give_back(&progress, &old).await? {
                Ok(taken) => taken,
                Err(error) => return Ok(restore_failed(sink, Problem::from(&error), None)),
            },
        };
        let (receipt, revision) = (Some(taken.receipt.clone()), taken.revision.clone());
        let held = SinkProgress { receipt: receipt.clone(), revision: revision.clone(), ..progress };
        let assessment = self.assess(&held, &old).await;
        Ok(match assessment.verdict {
            CredentialVerdict::Accepted => {
                RotationEvent::Restored { sink, evidence: assessment.evidence, receipt, revision }
            }
            // It refused what it holds, so it is given it again.
            CredentialVerdict::Rejected => restore_failed(sink, Problem::from(&assessment), None),
            _ => restore_failed(sink, Problem::from(&assessment), Some(taken)),
        })
    }

    async fn give_back(&self, progress: &SinkProgress, old: &Candidate<'_>) -> Result<Result<GivenBack, Error>, Error> {
        let binding = match bound(self.target, &progress.terms.sink) {
            Ok(binding) => binding,
            Err(error) => return Ok(Err(error)),
        };
        self.renew().await?;
        let old = old.with_destination(destination(binding, Some(progress)));
        let pushed = self.effect("the consumer", binding.sink.push(&old)).await;
        Ok(pushed.map(|receipt| GivenBack { receipt: receipt.evidence, revision: receipt.revision }))
    }

    /// Records each outcome when it comes, so that a crash forgets as little as possible; so many at once as the rotator
    /// says.
    async fn record_as_they_come(
        &self,
        work: Vec<impl Future<Output = Result<RotationEvent, Error>>>,
    ) -> Result<(), Error> {
        let mut outcomes = iter(work).buffer_unordered(self.rotator.fan_out.max(1));
        while let Some(event) = outcomes.next().await {
            self.append(vec![event?]).await?;
        }
        Ok(())
    }

    fn progress(&self, sink: &SinkId) -> Option<SinkProgress> {
        self.state().rotation.as_ref()?.sinks.iter().find(|progress| progress.terms.sink == *sink).cloned()
    }

    /// Asks consumers whether what they hold works; the answers come in the same order.
    pub(super) async fn assess_all(&self, sinks: &[SinkProgress], candidate: &Candidate<'_>) -> Vec<Assessment> {
        let checks: Vec<_> = sinks.iter().map(|sink| self.assess(sink, candidate)).collect();
        iter(checks).buffered(self.rotator.fan_out.max(1)).collect().await
    }

    /// Asks a consumer whether what it holds works. Where its terms accept a receipt, the receipt of the push takes the
    /// place of an inconclusive answer, and never that of a rejection or of a sign-in that was refused.
    async fn assess(&self, progress: &SinkProgress, candidate: &Candidate<'_>) -> Assessment {
        let binding = match bound(self.target, &progress.terms.sink) {
            Ok(binding) => binding,
            Err(error) => return Assessment::inconclusive(&error),
        };
        let held = candidate
            .with_revision(progress.revision.as_deref())
            .with_destination(destination(binding, Some(progress)));
        let receipt = progress.receipt.as_deref().filter(|_| progress.terms.accept_receipt);
        let assessment = self.check("the consumer's check", binding.sink.verify(&held)).await;
        if receipt.is_none() || assessment.verdict != CredentialVerdict::Inconclusive {
            return assessment;
        }
        // A receipt speaks for a consumer that was looked at and cannot be checked. While it cannot even be looked at,
        // somebody may have put another secret into it.
        if let Err(error) = self.read("the look at the consumer", binding.sink.inspect()).await {
            return Assessment::inconclusive(&error);
        }
        by_agreement(receipt, self.check("the consumer's check", binding.sink.verify(&held)).await)
    }
}

fn restore_failed(sink: SinkId, problem: Problem, taken: Option<GivenBack>) -> RotationEvent {
    let (receipt, revision) = taken.map(|taken| (taken.receipt, taken.revision)).unzip();
    RotationEvent::RestoreFailed { sink, problem, receipt, revision: revision.flatten() }
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

/// The host that a consumer's secret may go to. What the binding says by name holds at once, on the way back too.
fn destination<'a>(binding: &'a SinkBinding, progress: Option<&'a SinkProgress>) -> Option<&'a str> {
    binding.destination.as_deref().or_else(|| progress?.terms.destination.as_deref())
}

fn bound<'a>(target: &'a Target, sink: &SinkId) -> Result<&'a SinkBinding, Error> {
    target.sink(sink).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, format!("the consumer {sink} of the rotation under way is not bound"))
            .with_effect(Effect::None)
            .with_advice("bind it again until the rotation has ended, or leave it out by name")
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
