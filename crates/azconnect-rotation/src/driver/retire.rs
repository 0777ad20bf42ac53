//! The last proof, and the removal.

use azconnect_core::{Error, KeyId, SecretId};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, Inventory, KeyHolder, Retirement};

use super::issue::{candidate, unseen};
use super::writer::Writer;
use crate::event::RotationEvent;
use crate::problem::Problem;
use crate::state::{NewKey, SinkProgress};

impl Writer<'_> {
    /// Proves everything once more: the new key is listed and authenticates, and every required consumer works.
    pub(super) async fn gate(&self) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let Some(secret) = self.open_sealed(&new.sealed).await? else { return Ok(()) };
        // An optional consumer may fail, but one of all must work.
        let served = self.sinks(|sink| (sink.terms.required || sink.has_proof()) && !sink.is_out());
        let state = self.state();
        let waived = state.rotation.as_ref().is_some_and(|known| known.without_consumers || known.retire.is_empty());
        let offer = candidate(&new, &secret);
        let verifier = self.target.verifier.clone();
        let listed = self.inventory().await?;
        let accepted = self.check("the proof", verifier.verify(&offer)).await;
        let sinks = self.assess_all(&served, &offer).await;
        // Judged first: a missing proof may come with time, but a consumer that holds something else needs a push.
        if let Some((sink, assessment)) = rejected(&served, &sinks) {
            let problem = Problem::from(assessment).about(&sink.terms.title);
            return self.append(vec![RotationEvent::SinkDisproved { sink: sink.terms.sink.clone(), problem }]).await;
        }
        let held = match listed {
            Err(error) => Some(Problem::from(&error)),
            Ok(inventory) if inventory.key(new.key).is_none() => Some(unlisted(&new)),
            Ok(_) if !accepted.is_accepted() => Some(Problem::from(&accepted)),
            Ok(_) if waived => unproven(&served, &sinks, |sink| sink.terms.required),
            Ok(_) => unproven(&served, &sinks, |sink| sink.terms.required).or_else(|| all_unproven(&served, &sinks)),
        };
        let event = match held {
            Some(problem) => RotationEvent::GateHeld { problem },
            None => {
                let work = sinks.iter().filter(|assessment| assessment.is_accepted()).count();
                let evidence = format!("listed; {}; {work} of {} consumers work", accepted.evidence, sinks.len());
                RotationEvent::Cleared { evidence }
            }
        };
        self.append(vec![event]).await
    }

    /// Proves that every consumer that had the new secret holds the old one, which works.
    pub(super) async fn gate_back(&self, sealed: SecretId) -> Result<(), Error> {
        let Some(secret) = self.open_sealed(&sealed).await? else { return Ok(()) };
        let old = Candidate::new(&secret);
        let had_new = self.sinks(SinkProgress::was_touched);
        let verifier = self.target.verifier.clone();
        let accepted = self.check("the proof", verifier.verify(&old)).await;
        let sinks = self.assess_all(&had_new, &old).await;
        if let Some((sink, assessment)) = rejected(&had_new, &sinks) {
            let problem = Problem::from(assessment).about(&sink.terms.title);
            return self.append(vec![RotationEvent::RestoreUndone { sink: sink.terms.sink.clone(), problem }]).await;
        }
        let held = match accepted.is_accepted() {
            true => unproven(&had_new, &sinks, |_| true),
            false => Some(Problem::from(&accepted)),
        };
        let event = match held {
            Some(problem) => RotationEvent::BackHeld { problem },
            None => RotationEvent::BackCleared {
                evidence: format!("{}; {} consumers hold the old secret and work", accepted.evidence, sinks.len()),
            },
        };
        self.append(vec![event]).await
    }

    pub(super) async fn remove(&self, key: KeyId) -> Result<(), Error> {
        let issuer = self.target.issuer.clone();
        let event = match self.effect("the issuer", issuer.retire(key)).await {
            Ok(answer) => RotationEvent::RemovalAnswered { key, answer },
            // Asked for once before, its answer may have been lost. An issuer that may not read every holder then refuses to
            // look for the key elsewhere; the list of the holder that had it tells.
            Err(_) if self.is_unlisted(key).await? => {
                RotationEvent::RemovalAnswered { key, answer: Retirement::NotListed }
            }
            Err(error) => RotationEvent::RemovalFailed { key, problem: Problem::from(&error) },
        };
        self.append(vec![event]).await
    }

    /// Whether the holder of a key was read, and does not list it.
    async fn is_unlisted(&self, key: KeyId) -> Result<bool, Error> {
        let holder = self.state().removals.get(&key).and_then(|removal| removal.holder);
        let read = self.inventory().await?;
        Ok(holder.is_some() && read.is_ok_and(|list| list.key(key).is_none() && unseen_holder(&list, holder).is_none()))
    }

    pub(super) async fn check_removed(&self, key: KeyId) -> Result<(), Error> {
        let read = self.inventory().await?;
        let holder = self.state().removals.get(&key).and_then(|removal| removal.holder);
        let event = match read {
            Err(error) => RotationEvent::RemovalFailed { key, problem: Problem::from(&error) },
            Ok(inventory) => match (inventory.key(key).is_some(), unseen_holder(&inventory, holder)) {
                (false, Some(holder)) => RotationEvent::RemovalFailed { key, problem: unseen(holder) },
                (listed, _) => RotationEvent::KeyRead { key, listed },
            },
        };
        self.append(vec![event]).await
    }

    pub(super) async fn forget(&self, key: KeyId, sealed: SecretId) -> Result<(), Error> {
        // Destroyed before it is recorded: after a crash between the two it is destroyed again, which changes nothing.
        self.effect("the secret store's removal", self.rotator.ports.secrets.remove(&sealed)).await?;
        self.append(vec![RotationEvent::Forgotten { key }]).await
    }

    fn sinks(&self, wanted: impl Fn(&SinkProgress) -> bool) -> Vec<SinkProgress> {
        let state = self.state();
        let sinks = state.rotation.as_ref().map(|rotation| rotation.sinks.as_slice()).unwrap_or_default();
        sinks.iter().filter(|sink| wanted(sink)).cloned().collect()
    }
}

/// What holds a key and was not seen: the holder, or anything that may be it where it is not known.
fn unseen_holder(inventory: &Inventory, holder: Option<KeyHolder>) -> Option<KeyHolder> {
    match holder {
        Some(holder) => (!inventory.saw(holder)).then_some(holder),
        None => inventory.unseen.iter().next().copied(),
    }
}

/// The first consumer that was found to hold something else.
fn rejected<'a>(
    sinks: &'a [SinkProgress],
    assessments: &'a [Assessment],
) -> Option<(&'a SinkProgress, &'a Assessment)> {
    sinks.iter().zip(assessments).find(|(_, assessment)| assessment.verdict == CredentialVerdict::Rejected)
}

/// Why the first consumer without proof has none, of those that need one.
fn unproven(
    sinks: &[SinkProgress],
    assessments: &[Assessment],
    needs: impl Fn(&SinkProgress) -> bool,
) -> Option<Problem> {
    let mut unproven = sinks.iter().zip(assessments).filter(|(_, assessment)| !assessment.is_accepted());
    let (sink, assessment) = unproven.find(|(sink, _)| needs(sink))?;
    Some(Problem::from(assessment).about(&sink.terms.title))
}

/// Why no consumer has proof, if none has.
fn all_unproven(sinks: &[SinkProgress], assessments: &[Assessment]) -> Option<Problem> {
    if assessments.iter().any(Assessment::is_accepted) {
        return None;
    }
    let nobody = || {
        Problem::lasting(
            "no consumer is left that has proved the new secret",
            "bind one, take the new secret as it is, or abandon this rotation",
        )
    };
    Some(unproven(sinks, assessments, |_| true).unwrap_or_else(nobody))
}

fn unlisted(new: &NewKey) -> Problem {
    let mut problem = Problem::lasting(
        format!("the new secret {} is not listed by its issuer", new.key),
        "somebody may have removed it: if so, do not remove the old one; rotate again after giving the consumers a working secret",
    );
    // A replica that lags behind lists too little, so the gate asks again before it takes this for the truth.
    problem.may_pass = true;
    problem
}
