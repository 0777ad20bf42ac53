//! The secret: minted once, sealed before it is recorded, and never lost unseen.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, KeyId, SecretId};
use azconnect_credential::{CredentialIssuer, Marker, MintRequest, Minted};
use uuid::Uuid;

use super::Site;
use crate::event::SetupEvent;
use crate::part::Part;
use crate::saga::stream;
use crate::state::{Mint, SetupPhase};

/// The pauses before each reading that looks for a secret whose answer was lost: lists lag behind it.
const SPACED: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(15), Duration::from_secs(30)];

/// How often a secret is minted in one run while the answers are lost.
const MOST_MINTS: usize = 3;

impl Site<'_> {
    /// Mints a secret. What an earlier process began is never gone on with: its answer is lost.
    pub(super) async fn mint(&self) -> Result<(), Error> {
        if self.session.state().mint.is_some() {
            self.abandon().await?;
        }
        let Some(part) = self.session.state().parts.iter().find_map(|(part, _)| match part {
            Part::Secret { .. } => Some(part.clone()),
            _ => None,
        }) else {
            return Ok(());
        };
        let mut attempt = 1;
        loop {
            match self.mint_once(&part).await {
                Ok(()) => return Ok(()),
                // Whether a secret exists was not known, and what is ours of it is removed.
                Err(error) if self.is_lost(&error) && attempt < MOST_MINTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the answer of a mint was lost, and its marker was given up.
    fn is_lost(&self, error: &Error) -> bool {
        error.effect() != Effect::None && error.kind() != ErrorKind::Conflict && self.session.state().mint.is_none()
    }

    /// Mints a secret under a new marker, which is durable before the request.
    async fn mint_once(&self, part: &Part) -> Result<(), Error> {
        let Part::Secret { lifetime } = part else { return Ok(()) };
        let number = Uuid::new_v4();
        let marker = Marker::new(format!("azconnect-setup-{number}"))?;
        let secret = SecretId::new(format!("{}/{number}", stream(self.id)?))?;
        let ends_at = self.session.now().saturating_add(time::Duration::try_from(*lifetime).unwrap_or_default());
        let request = MintRequest::new(marker.clone(), ends_at);
        self.record(SetupEvent::MintIntended { marker, secret: secret.clone(), ends_at }).await?;
        let issuer = self.issuer()?;
        match self.ride_out_mint(part, &issuer, &request).await {
            Ok(minted) => self.seal(&issuer, &secret, minted).await,
            Err(error) if error.effect() == Effect::None => {
                // Provably nothing exists, so nothing has to be looked for; the marker is spent all the same.
                self.record(SetupEvent::MintAbandoned).await?;
                Err(self.refused(Some(part), error).await)
            }
            Err(error) => {
                self.abandon().await?;
                Err(error)
            }
        }
    }

    /// As [`Site::ride_out`], but only for what provably had no effect.
    async fn ride_out_mint(
        &self,
        part: &Part,
        issuer: &Arc<dyn CredentialIssuer>,
        request: &MintRequest,
    ) -> Result<Minted, Error> {
        let attempt = || -> futures_util::future::BoxFuture<'_, Result<Result<Minted, Error>, Error>> {
            Box::pin(async {
                match issuer.mint(request).await {
                    Err(error) if error.effect() == Effect::None => Err(error),
                    // A secret may exist: that ends the attempts.
                    outcome => Ok(outcome),
                }
            })
        };
        self.ride_out(Some(part), attempt).await?
    }

    /// Seals a secret, then records it: the service shows it once, so a crash between the two must leave something to find.
    async fn seal(&self, issuer: &Arc<dyn CredentialIssuer>, name: &SecretId, minted: Minted) -> Result<(), Error> {
        if let Err(error) = self.ports.secrets.put(name, &minted.secret).await {
            // Best effort: the intent stands in the journal, and the next run removes whatever carries its marker.
            let _ = issuer.retire(minted.key).await;
            return Err(error.with_advice("mend the secret store, then resume: nothing was lost"));
        }
        self.record(SetupEvent::Minted { key: minted.key, ends_at: minted.ends_at }).await
    }

    /// Removes whatever an open mint left, as far as it is listed, and gives its marker up.
    async fn abandon(&self) -> Result<(), Error> {
        let Some(mint) = self.session.state().mint.clone() else { return Ok(()) };
        for pause in SPACED {
            self.wait(pause).await?;
            if self.remove_marked_or_gone(std::slice::from_ref(&mint)).await? {
                break;
            }
        }
        self.ports.secrets.remove(&mint.secret).await?;
        self.record(SetupEvent::MintAbandoned).await
    }

    /// Looks once more for what abandoned mints left: what was listed late is removed now.
    pub(super) async fn sweep(&self) -> Result<(), Error> {
        if self.session.state().mint.as_ref().is_some_and(|mint| mint.key.is_none()) {
            self.abandon().await?;
        }
        let abandoned = self.session.state().abandoned.clone();
        self.remove_marked_or_gone(&abandoned).await?;
        self.record(SetupEvent::Swept).await
    }

    /// As [`Site::remove_marked`]; of an application that was deleted meanwhile, an undo has nothing to remove.
    async fn remove_marked_or_gone(&self, mints: &[Mint]) -> Result<bool, Error> {
        match self.remove_marked(mints).await {
            Err(error) if self.session.state().phase == SetupPhase::Undoing && self.went_by_itself(&error).await? => {
                Ok(true)
            }
            removed => removed,
        }
    }

    /// Retires every listed key that carries the marker of one of these mints. Whether there was any.
    async fn remove_marked(&self, mints: &[Mint]) -> Result<bool, Error> {
        let issuer = self.issuer()?;
        let inventory = self.ride_out(Some(&SECRET), || issuer.inventory()).await?;
        let ours: Vec<KeyId> = inventory
            .keys
            .iter()
            .filter(|key| mints.iter().any(|mint| key.carries(&mint.marker)))
            .map(|key| key.key)
            .collect();
        for key in &ours {
            self.ride_out(Some(&SECRET), || issuer.retire(*key)).await?;
        }
        Ok(!ours.is_empty())
    }

    /// Retires the secret of this setup, and forgets it.
    pub(super) async fn retire(&self) -> Result<Option<String>, Error> {
        let Some(mint) = self.session.state().mint.clone() else { return Ok(None) };
        let issuer = self.issuer()?;
        if let Some((key, _)) = mint.key {
            self.ride_out(Some(&SECRET), || issuer.retire(key)).await?;
        }
        self.ports.secrets.remove(&mint.secret).await?;
        Ok(None)
    }

    fn issuer(&self) -> Result<Arc<dyn CredentialIssuer>, Error> {
        self.ports.credentials.issuer(self.subject()?.application.client)
    }
}

/// Any secret, for what only asks in which service it lies.
const SECRET: Part = Part::Secret { lifetime: Duration::ZERO };
