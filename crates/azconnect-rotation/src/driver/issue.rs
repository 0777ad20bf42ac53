//! Minting, finding what was lost, and proving.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, KeyId, Secret, SecretId};
use azconnect_credential::{Candidate, CredentialVerdict, IssuedKey, KeyHolder, Marker, MintRequest, Minted};

use super::writer::Writer;
use crate::event::{RemovalCause, RotationEvent};
use crate::moment::later;
use crate::naming::{new_marker, sealed_name};
use crate::problem::Problem;
use crate::state::NewKey;

/// How often sealing is tried while the only copy of a new secret is in memory.
const SEALING_ATTEMPTS: u32 = 5;

impl Writer<'_> {
    pub(super) async fn record(&self, event: RotationEvent) -> Result<(), Error> {
        if let RotationEvent::MarkerDropped { marker } = &event {
            // It was sealed but never listed, so nobody can use it.
            self.destroy(&sealed_name(self.target.subject(), marker)?).await?;
        }
        self.append(vec![event]).await
    }

    /// The marker is durable before the request, so that a lost answer leaves something to look for.
    pub(super) async fn mint(&self) -> Result<(), Error> {
        let Some(lifetime) = self.state().rotation.as_ref().map(|rotation| rotation.lifetime) else { return Ok(()) };
        let now = self.clock().now();
        // Counted from here, however long ago the rotation began: it must outlive the next one.
        let ends_at = later(now, lifetime);
        let marker = new_marker(now, (self.rotator.ids)())?;
        let request = MintRequest::new(marker.clone(), ends_at);
        let intended = RotationEvent::MintIntended { marker: marker.clone(), ends_at: Some(ends_at) };
        self.append(vec![intended]).await?;
        let issuer = self.target.issuer.clone();
        match self.effect("the issuer", issuer.mint(&request)).await {
            Ok(minted) => self.keep(marker, minted).await,
            Err(error) if error.effect() == Effect::None => {
                self.append(vec![RotationEvent::MintRefused { marker, problem: Problem::from(&error) }]).await
            }
            Err(error) => {
                self.append(vec![RotationEvent::MintUnanswered { marker, problem: Problem::from(&error) }]).await
            }
        }
    }

    /// Seals and records a new secret; or, if another process has taken over, removes it again.
    async fn keep(&self, marker: Marker, minted: Minted) -> Result<(), Error> {
        let key = minted.key;
        // Asked before it is sealed: another process that finds it sealed may take it for its own.
        if let Err(lost) = self.renew().await
            && lost.kind() == ErrorKind::Conflict
        {
            self.take_back(key).await;
            return Err(lost);
        }
        let kept = self.seal(marker.clone(), minted).await;
        if let Err(error) = &kept
            && error.kind() == ErrorKind::Conflict
            && self.is_unwanted(&marker, key).await
        {
            self.take_back(key).await;
            self.destroy(&sealed_name(self.target.subject(), &marker)?).await?;
        }
        kept
    }

    /// Removes a key that this process has just made, and that the process which took over does not look for. If that
    /// fails, it is found by its marker.
    async fn take_back(&self, key: KeyId) {
        let issuer = self.target.issuer.clone();
        self.effect("the issuer", issuer.retire(key)).await.ok();
    }

    /// Whether the process that took over neither has the key nor looks for it.
    async fn is_unwanted(&self, marker: &Marker, key: KeyId) -> bool {
        let Ok((state, _)) = self.rotator.state(self.target.subject()).await else { return false };
        let looked_for = state.watch.contains_key(marker.as_str())
            || state.rotation.as_ref().is_some_and(|rotation| rotation.is_asked_for(marker.as_str()));
        !looked_for && !state.ledger.contains_key(&key)
    }

    async fn destroy(&self, sealed: &SecretId) -> Result<(), Error> {
        self.effect("the secret store's removal", self.rotator.ports.secrets.remove(sealed)).await
    }

    /// Sealed before journalled: the service shows a secret once, so a crash between the two must leave something to
    /// recover.
    async fn seal(&self, marker: Marker, minted: Minted) -> Result<(), Error> {
        let sealed = sealed_name(self.target.subject(), &marker)?;
        let ports = &self.rotator.ports;
        let minted_at = self.now();
        let mut attempt = 1;
        while let Err(error) = self.effect("the secret store", ports.secrets.put(&sealed, &minted.secret)).await {
            // The text is lost then, but not the key: the next run finds the marker in the journal and removes
            // what carries it.
            if attempt == SEALING_ATTEMPTS {
                return Err(error);
            }
            ports.clock.sleep(Duration::from_millis(200) * attempt).await;
            attempt += 1;
        }
        let event = RotationEvent::Minted {
            marker,
            key: minted.key,
            ends_at: minted.ends_at,
            sealed,
            minted_at,
            holder: Some(minted.holder),
            listed: false,
        };
        self.append(vec![event]).await
    }

    /// Looks for a marker: its secret is recovered if it was sealed and still wanted, and removed otherwise.
    pub(super) async fn search(&self, marker: Marker) -> Result<(), Error> {
        let inventory = match self.inventory().await? {
            Ok(inventory) if inventory.saw(KeyHolder::Application) => inventory,
            Ok(_) => {
                let problem = unseen(KeyHolder::Application);
                return self.append(vec![RotationEvent::MarkerUnread { marker, problem }]).await;
            }
            Err(error) => {
                return self.append(vec![RotationEvent::MarkerUnread { marker, problem: Problem::from(&error) }]).await;
            }
        };
        let state = self.state();
        let found: Vec<_> = inventory.carrying(&marker).cloned().collect();
        let [first, ..] = found.as_slice() else {
            return self.append(vec![RotationEvent::MarkerAbsent { marker }]).await;
        };
        let asked = state.rotation.as_ref().is_some_and(|rotation| rotation.is_asked_for(marker.as_str()));
        // With two keys under one marker, nobody knows to which of them the sealed secret belongs: both go.
        if asked && found.len() == 1 && self.recover(&marker, first).await? {
            return Ok(());
        }
        self.destroy(&sealed_name(self.target.subject(), &marker)?).await?;
        let unknown = found.iter().filter(|issued| !state.removals.contains_key(&issued.key));
        let removal = |issued: &IssuedKey| RotationEvent::RemovalIntended {
            key: issued.key,
            cause: RemovalCause::Lost,
            marker: Some(marker.clone()),
            holder: Some(issued.holder),
        };
        let removals: Vec<_> = unknown.map(removal).collect();
        match removals.is_empty() {
            // The look before has recorded it already.
            true => Ok(()),
            false => self.append(removals).await,
        }
    }

    /// Takes up a secret that was found again, if it is sealed and lives long enough.
    async fn recover(&self, marker: &Marker, issued: &IssuedKey) -> Result<bool, Error> {
        let sealed = sealed_name(self.target.subject(), marker)?;
        let Some(rotation) = self.state().rotation.clone() else { return Ok(false) };
        // The true moment is not known. Counting from now only makes the settling time longer.
        let minted_at = self.now();
        let Some(ends_at) = issued.ends_at else { return Ok(false) };
        let lives = ends_at > later(minted_at, rotation.policy.needed_to_rotate());
        if !lives || self.read("the secret store", self.rotator.ports.secrets.get(&sealed)).await?.is_none() {
            return Ok(false);
        }
        let event = RotationEvent::Minted {
            marker: marker.clone(),
            key: issued.key,
            ends_at,
            sealed,
            minted_at,
            holder: Some(issued.holder),
            listed: true,
        };
        self.append(vec![event]).await.map(|()| true)
    }

    pub(super) async fn prove(&self) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let Some(secret) = self.open_sealed(&new.sealed).await? else { return Ok(()) };
        let verifier = self.target.verifier.clone();
        let assessment = self.check("the proof", verifier.verify(&candidate(&new, &secret))).await;
        let event = if assessment.is_accepted() {
            RotationEvent::Proven { evidence: assessment.evidence }
        } else {
            RotationEvent::ProofDeferred { problem: Problem::from(&assessment) }
        };
        self.append(vec![event]).await
    }

    pub(super) async fn prove_old(&self, sealed: SecretId) -> Result<(), Error> {
        let Some(secret) = self.open_sealed(&sealed).await? else { return Ok(()) };
        let verifier = self.target.verifier.clone();
        let assessment = self.check("the proof", verifier.verify(&Candidate::new(&secret))).await;
        let event = match assessment.verdict {
            CredentialVerdict::Accepted => RotationEvent::OldProven { evidence: assessment.evidence },
            // No consumer is ever given a secret that the issuer refuses, so the way back is closed.
            CredentialVerdict::Rejected => RotationEvent::Blocked { problem: Problem::from(&assessment) },
            CredentialVerdict::Pending | CredentialVerdict::Inconclusive => {
                RotationEvent::OldUnproven { problem: Problem::from(&assessment) }
            }
        };
        self.append(vec![event]).await
    }

    pub(super) fn new_key(&self) -> Option<NewKey> {
        self.state().rotation.as_ref().and_then(|rotation| rotation.new_key()).cloned()
    }
}

/// The new secret as its consumers and proofs receive it.
pub(super) fn candidate<'a>(new: &NewKey, secret: &'a Secret) -> Candidate<'a> {
    Candidate::new(secret).with_key(new.key).with_minted_at(new.minted_at).with_ends_at(new.ends_at)
}

/// The keys of a holder that was not read say nothing, neither that they are there nor that they are gone.
pub(super) fn unseen(holder: KeyHolder) -> Problem {
    let holder = match holder {
        KeyHolder::Application => "the application",
        KeyHolder::ServicePrincipal => "the service principal",
        _ => "the holder",
    };
    let mut problem = Problem::lasting(
        format!("{holder} could not be read, so nothing is known of the keys that it holds"),
        "let the orchestrator read it, or end the rotation by hand",
    );
    problem.may_pass = true;
    problem
}
