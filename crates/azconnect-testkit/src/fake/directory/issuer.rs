//! Minting and retiring.

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{CredentialIssuer, Inventory, KeyHolder, MintRequest, Minted, Retirement, SubjectId};

use super::call::Call;
use super::late::LateRequest;
use super::{Directory, conclude};
use crate::fake::faults::proceed;

pub(super) struct Issuer {
    directory: Directory,
    subject: SubjectId,
}

impl Issuer {
    pub(super) fn new(directory: Directory) -> Self {
        Self { directory, subject: Directory::subject() }
    }
}

#[async_trait]
impl CredentialIssuer for Issuer {
    fn subject(&self) -> &SubjectId {
        &self.subject
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        if let Some(fault) = self.directory.meet_read(Call::Inventory).await {
            return Err(fault.error().with_effect(Effect::None));
        }
        let mut world = self.directory.world();
        let quick = world.next_replica();
        let mut inventory = world.inventory.clone();
        inventory.title = "the fake application".into();
        inventory.keys = world.listed(quick, &*self.directory.clock).map(|key| key.issued.clone()).collect();
        Ok(inventory)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let fault =
            self.directory.meet(Call::Mint(request.marker.clone()), || LateRequest::Mint(request.clone())).await;
        proceed(fault)?;
        let minted = {
            let clock = &*self.directory.clock;
            let mut world = self.directory.world();
            // After the fault: a connection that breaks keeps the service from refusing.
            world.check(request, clock.now())?;
            let key = world.add_key(Some(request.marker.as_str()), request.ends_at, Some(clock.elapsed()));
            let secret = world.secret_of(key).ok_or_else(|| Error::new(ErrorKind::Unexpected, "the key vanished"))?;
            Minted::new(key, secret, request.ends_at).with_holder(KeyHolder::Application)
        };
        conclude(fault, minted).await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let fault = self.directory.meet(Call::Retire(key), || LateRequest::Retire(key)).await;
        proceed(fault)?;
        let retirement = self.removed(key)?;
        conclude(fault, retirement).await
    }
}

impl Issuer {
    fn removed(&self, key: KeyId) -> Result<Retirement, Error> {
        let clock = &*self.directory.clock;
        let mut world = self.directory.world();
        let quick = world.next_replica();
        // As in Graph, a replica that has not heard of a key answers as if there were none.
        let listed = world.listed(quick, clock).any(|known| known.issued.key == key);
        if listed && world.remove_key(key, clock.elapsed()) {
            return Ok(Retirement::Accepted);
        }
        if world.inventory.is_complete() {
            return Ok(Retirement::NotListed);
        }
        Err(Error::new(ErrorKind::PermissionDenied, "the key is not listed, and a holder that may have it is unseen")
            .with_effect(Effect::None)
            .with_advice("let the caller read every holder of keys"))
    }
}
