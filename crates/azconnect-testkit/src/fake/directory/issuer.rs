//! Minting and retiring.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{CredentialIssuer, Inventory, MintRequest, Minted, Retirement, SubjectId};

use super::Directory;
use super::call::Call;
use super::world::World;
use crate::fake::faults::{answer, proceed};

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
        let mut world = self.directory.world();
        if let Some(fault) = world.call(Call::Inventory) {
            return Err(fault.error().with_effect(Effect::None));
        }
        let quick = world.next_replica();
        let mut inventory = world.inventory.clone();
        inventory.title = "the fake application".into();
        inventory.keys = world.listed(quick, &*self.directory.clock).map(|key| key.issued.clone()).collect();
        Ok(inventory)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let clock = &*self.directory.clock;
        let mut world = self.directory.world();
        let fault = world.call(Call::Mint(request.marker.clone()));
        proceed(fault)?;
        // After the fault: a connection that breaks keeps the service from refusing.
        check(&world, request, clock)?;
        let key = world.add_key(Some(request.marker.as_str()), request.ends_at, Some(clock.elapsed()));
        let secret = world.secret_of(key).ok_or_else(|| Error::new(ErrorKind::Unexpected, "the key vanished"))?;
        answer(fault, Minted::new(key, secret, request.ends_at))
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let clock = &*self.directory.clock;
        let mut world = self.directory.world();
        let fault = world.call(Call::Retire(key));
        proceed(fault)?;
        let quick = world.next_replica();
        // As in Graph, a replica that has not heard of a key answers as if there were none.
        let listed = world.listed(quick, clock).any(|known| known.issued.key == key);
        let now = clock.elapsed();
        let known = world.keys.iter_mut().find(|known| known.issued.key == key && known.removed_at.is_none());
        let retirement = match known.filter(|_| listed) {
            None => Retirement::NotListed,
            Some(known) => {
                known.removed_at = Some(now);
                Retirement::Accepted
            }
        };
        answer(fault, retirement)
    }
}

fn check(world: &World, request: &MintRequest, clock: &dyn Clock) -> Result<(), Error> {
    let life = Duration::try_from(request.ends_at - clock.now()).unwrap_or_default();
    if life.is_zero() {
        return Err(Error::invalid("end", "is in the past"));
    }
    if world.inventory.max_lifetime.is_some_and(|longest| life > longest) {
        return Err(Error::new(ErrorKind::PermissionDenied, "the policy allows no such life").with_effect(Effect::None));
    }
    let live = world.keys.iter().filter(|key| key.removed_at.is_none()).count();
    if world.inventory.key_limit.is_some_and(|limit| live >= limit) {
        return Err(Error::new(ErrorKind::Conflict, "there are as many keys as may be").with_effect(Effect::None));
    }
    Ok(())
}
