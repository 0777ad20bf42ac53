//! Minting, finding what was lost, and proving.

use std::time::Duration;

use azconnect_core::{Effect, Error, KeyId, Secret, SecretId};
use azconnect_credential::{Candidate, CredentialVerdict, Marker, MintRequest, Minted};

use super::writer::Writer;
use super::{new_marker, sealed_name};
use crate::event::{RemovalCause, RotationEvent};
use crate::problem::Problem;
use crate::state::{Mint, NewKey};

/// How often sealing is tried while the only copy of a new secret is in memory.
const SEALING_ATTEMPTS: u32 = 5;

impl Writer<'_> {
    pub(super) async fn record(&self, event: RotationEvent) -> Result<(), Error> {
        if let RotationEvent::MarkerDropped { marker } = &event {
            // It was sealed but never listed, so nobody can use it.
            self.rotator.ports.secrets.remove(&sealed_name(self.target.subject(), marker)?).await?;
        }
        self.append(vec![event]).await
    }

    /// The marker is durable before the request, so that a lost answer leaves something to look for.
    pub(super) async fn mint(&self) -> Result<(), Error> {
        let Some(ends_at) = self.state().rotation.as_ref().map(|rotation| rotation.ends_at) else { return Ok(()) };
        let marker = new_marker(self.rotator.ports.clock.now())?;
        let request = MintRequest::new(marker.clone(), ends_at);
        self.append(vec![RotationEvent::MintIntended { marker: marker.clone() }]).await?;
        let issuer = self.target.issuer.clone();
        match issuer.mint(&request).await {
            Ok(minted) => self.seal(marker, minted).await,
            Err(error) if error.effect() == Effect::None => {
                self.append(vec![RotationEvent::MintRefused { marker, problem: Problem::from(&error) }]).await
            }
            Err(error) => {
                self.append(vec![RotationEvent::MintUnanswered { marker, problem: Problem::from(&error) }]).await
            }
        }
    }

    /// Sealed before journalled: the service shows a secret once, so a crash between the two must leave something to
    /// recover.
    async fn seal(&self, marker: Marker, minted: Minted) -> Result<(), Error> {
        let sealed = sealed_name(self.target.subject(), &marker)?;
        let ports = &self.rotator.ports;
        let minted_at = ports.clock.now();
        let mut attempt = 1;
        while let Err(error) = ports.secrets.put(&sealed, &minted.secret).await {
            // The text is lost then, but not the key: the next run finds the marker in the journal and removes
            // what carries it.
            if attempt == SEALING_ATTEMPTS {
                return Err(error);
            }
            ports.clock.sleep(Duration::from_millis(200) * attempt).await;
            attempt += 1;
        }
        self.append(vec![RotationEvent::Minted { marker, key: minted.key, ends_at: minted.ends_at, sealed, minted_at }])
            .await
    }

    /// Looks for a marker: its secret is recovered if it was sealed and still wanted, and removed otherwise.
    pub(super) async fn search(&self, marker: Marker) -> Result<(), Error> {
        let issuer = self.target.issuer.clone();
        let inventory = match issuer.inventory().await {
            Ok(inventory) => inventory,
            Err(error) => {
                return self.append(vec![RotationEvent::MarkerUnread { marker, problem: Problem::from(&error) }]).await;
            }
        };
        let found: Vec<_> = inventory.carrying(&marker).map(|issued| (issued.key, issued.ends_at)).collect();
        let Some((key, ends_at)) = found.first().copied() else {
            return self.append(vec![RotationEvent::MarkerAbsent { marker }]).await;
        };
        let sealed = sealed_name(self.target.subject(), &marker)?;
        let state = self.state();
        let rotation = state.rotation.as_ref();
        let wanted = rotation.is_some_and(|r| matches!(&r.mint, Mint::Asked { marker: asked, .. } if *asked == marker));
        // With two keys under one marker, nobody knows to which of them the sealed secret belongs: both go.
        if wanted && found.len() == 1 && self.rotator.ports.secrets.get(&sealed).await?.is_some() {
            // The true moment is not known. Counting from now only makes the settling time longer.
            let minted_at = self.rotator.ports.clock.now();
            let ends_at = ends_at.or(rotation.map(|r| r.ends_at)).unwrap_or(minted_at);
            return self.append(vec![RotationEvent::Minted { marker, key, ends_at, sealed, minted_at }]).await;
        }
        self.rotator.ports.secrets.remove(&sealed).await?;
        let removal = |(key, _): (KeyId, _)| RotationEvent::RemovalIntended {
            key,
            cause: RemovalCause::Lost,
            marker: Some(marker.clone()),
        };
        self.append(found.into_iter().map(removal).collect()).await
    }

    pub(super) async fn prove(&self) -> Result<(), Error> {
        let Some(new) = self.new_key() else { return Ok(()) };
        let secret = self.open_sealed(&new.sealed).await?;
        let verifier = self.target.verifier.clone();
        let assessment = verifier.verify(&candidate(&new, &secret)).await;
        let event = if assessment.is_accepted() {
            RotationEvent::Proven { evidence: assessment.evidence }
        } else {
            RotationEvent::ProofDeferred { problem: Problem::from(&assessment) }
        };
        self.append(vec![event]).await
    }

    pub(super) async fn prove_old(&self, sealed: SecretId) -> Result<(), Error> {
        let secret = self.open_sealed(&sealed).await?;
        let verifier = self.target.verifier.clone();
        let assessment = verifier.verify(&Candidate::new(&secret)).await;
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
