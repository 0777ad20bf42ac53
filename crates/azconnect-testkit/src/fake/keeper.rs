//! The connections of a product, without an identity service or a store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, SecretId, TenantId};
use azconnect_credential::{
    Assessment, ConnectRequest, ConnectionId, ConnectionKeeper, ConnectionRecord, CredentialKind, CredentialVerdict,
    check_client_secret,
};
use uuid::Uuid;

use super::Faults;

/// A kind of call behind a [`Keeper`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeeperStep {
    /// Asking the identity service whether a secret is accepted.
    SignIn,
    /// Keeping a secret in the product's store, or forgetting it.
    Store,
}

/// Keeps connections in memory, and accepts the secrets that a test names. Clones are the same keeper.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    world: Arc<Mutex<World>>,
    faults: Faults<KeeperStep>,
}

#[derive(Debug, Default)]
struct World {
    accepted: Vec<(TenantId, ClientId, Secret)>,
    kept: HashMap<SecretId, Kept>,
}

/// A secret, and whose it is.
#[derive(Debug)]
struct Kept {
    owner: Owner,
    secret: Secret,
}

type Owner = (ConnectionId, TenantId, ClientId);

impl Keeper {
    /// A keeper without connections, which accepts no secret.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<KeeperStep> {
        &self.faults
    }

    /// Accepts a secret of an application from now on.
    pub fn accept(&self, tenant: TenantId, client: ClientId, secret: Secret) {
        self.world().accepted.push((tenant, client, secret));
    }

    /// Accepts no secret of an application any more.
    pub fn refuse(&self, client: ClientId) {
        self.world().accepted.retain(|(_, accepted, _)| *accepted != client);
    }

    /// How many secrets the keeper's store holds.
    pub fn kept(&self) -> usize {
        self.world().kept.len()
    }

    fn prove(&self, tenant: TenantId, client: ClientId, secret: &Secret) -> Assessment {
        let found = self.faults.read(&KeeperStep::SignIn, || {
            let world = self.world();
            Ok(world.accepted.iter().any(|(at, of, text)| (*at, *of) == (tenant, client) && text.same_as(secret)))
        });
        match found {
            Ok(true) => Assessment::new(CredentialVerdict::Accepted, "the secret is accepted"),
            Ok(false) => Assessment::new(CredentialVerdict::Rejected, "the client secret is wrong")
                .with_service_code("AADSTS7000215")
                .with_advice("check that the secret's Value was given"),
            Err(error) => Assessment::inconclusive(&error),
        }
    }

    /// A record may name the secret that was kept for it, and no other.
    fn check_owner(&self, record: &ConnectionRecord, secret: &SecretId) -> Result<(), Error> {
        let owner = (record.id.clone(), record.tenant, record.client);
        if self.world().kept.get(secret).is_none_or(|kept| kept.owner == owner) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Corrupt, "the connection names a secret that is not its own")
            .with_effect(Effect::None))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ConnectionKeeper for Keeper {
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<ConnectionRecord, Error> {
        // Before any call: a secret's id in place of its value is refused without asking anybody.
        check_client_secret(&secret)?;
        let proof = self.prove(request.tenant, request.client, &secret);
        match proof.verdict {
            CredentialVerdict::Accepted => {}
            CredentialVerdict::Inconclusive => {
                return Err(proof.to_error(ErrorKind::Unavailable, "whether the secret works could not be found out"));
            }
            _ => return Err(proof.to_error(ErrorKind::Unauthenticated, "the secret is not accepted")),
        }
        // A new name each time: connecting again must leave the secret of the former connection in place.
        let id = SecretId::new(format!("connection/{}/{}", request.id, Uuid::new_v4()))?;
        self.faults.write(&KeeperStep::Store, || {
            let owner = (request.id.clone(), request.tenant, request.client);
            self.world().kept.insert(id.clone(), Kept { owner, secret });
            Ok(())
        })?;
        let credential = CredentialKind::client_secret(id, request.ends_at);
        let mut record =
            ConnectionRecord::new(request.id, request.subscription, request.tenant, request.client, credential);
        record.region = request.region;
        record.resource_group = request.resource_group;
        Ok(record)
    }

    async fn test(&self, record: &ConnectionRecord) -> Result<Assessment, Error> {
        let CredentialKind::ClientSecret { secret, .. } = &record.credential else {
            return Err(Error::new(ErrorKind::Unsupported, "the connection holds no client secret"));
        };
        self.check_owner(record, secret)?;
        let kept = self.world().kept.get(secret).map(|kept| kept.secret.duplicate());
        let kept = kept.ok_or_else(|| Error::new(ErrorKind::NotFound, "the connection's secret is not kept"))?;
        Ok(self.prove(record.tenant, record.client, &kept))
    }

    async fn disconnect(&self, record: &ConnectionRecord) -> Result<(), Error> {
        let CredentialKind::ClientSecret { secret, .. } = &record.credential else { return Ok(()) };
        self.check_owner(record, secret)?;
        self.faults.write(&KeeperStep::Store, || {
            self.world().kept.remove(secret);
            Ok(())
        })
    }
}
