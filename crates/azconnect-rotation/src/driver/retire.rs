//! The last proof, and the removal.

use azconnect_core::{Error, KeyId, SecretId};
use azconnect_credential::CredentialVerdict;
use futures_util::future::join_all;

use super::issue::candidate;
use super::serve::assess;
use super::writer::Writer;
use crate::event::RotationEvent;
use crate::problem::Problem;
use crate::state::NewKey;

impl Writer<'_> {
    /// Proves everything once more: the new key is listed and authenticates, and every required consumer works.
    pub(super) async fn gate(&self) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let secret = self.open_sealed(&new.sealed).await?;
        let target = self.target;
        let required: Vec<_> = match &self.state().rotation {
            Some(rotation) => rotation.sinks.iter().filter(|sink| sink.terms.required).cloned().collect(),
            None => return Ok(()),
        };
        let offer = candidate(&new, &secret);
        let checks = async {
            let listed = target.issuer.inventory().await;
            let accepted = target.verifier.verify(&offer).await;
            let sinks = join_all(required.iter().map(|sink| assess(target, sink, &offer))).await;
            (listed, accepted, sinks)
        };
        let (listed, accepted, sinks) = checks.await;
        // Judged first: a missing proof may come with time, but a consumer that holds something else needs a push.
        let rejected =
            required.iter().zip(&sinks).find(|(_, assessment)| assessment.verdict == CredentialVerdict::Rejected);
        if let Some((sink, assessment)) = rejected {
            let event =
                RotationEvent::SinkDisproved { sink: sink.terms.sink.clone(), problem: Problem::from(assessment) };
            return self.append(vec![event]).await;
        }
        let held = match listed {
            Err(error) => Some(Problem::from(&error)),
            Ok(inventory) if inventory.key(new.key).is_none() => Some(unlisted(&new)),
            Ok(_) if !accepted.is_accepted() => Some(Problem::from(&accepted)),
            Ok(_) => sinks.iter().find(|assessment| !assessment.is_accepted()).map(Problem::from),
        };
        let event = match held {
            Some(problem) => RotationEvent::GateHeld { problem },
            None => RotationEvent::Cleared {
                evidence: format!(
                    "listed; {}; {} of {} consumers work",
                    accepted.evidence,
                    sinks.len(),
                    required.len()
                ),
            },
        };
        self.append(vec![event]).await
    }

    pub(super) async fn remove(&self, key: KeyId) -> Result<(), Error> {
        let issuer = self.target.issuer.clone();
        let event = match issuer.retire(key).await {
            Ok(answer) => RotationEvent::RemovalAnswered { key, answer },
            Err(error) => RotationEvent::RemovalFailed { key, problem: Problem::from(&error) },
        };
        self.append(vec![event]).await
    }

    pub(super) async fn check_removed(&self, key: KeyId) -> Result<(), Error> {
        let issuer = self.target.issuer.clone();
        let event = match issuer.inventory().await {
            Ok(inventory) => RotationEvent::KeyRead { key, listed: inventory.key(key).is_some() },
            Err(error) => RotationEvent::RemovalFailed { key, problem: Problem::from(&error) },
        };
        self.append(vec![event]).await
    }

    pub(super) async fn forget(&self, key: KeyId, sealed: SecretId) -> Result<(), Error> {
        // Destroyed before it is recorded: after a crash between the two it is destroyed again, which changes nothing.
        self.rotator.ports.secrets.remove(&sealed).await?;
        self.append(vec![RotationEvent::Forgotten { key }]).await
    }
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
