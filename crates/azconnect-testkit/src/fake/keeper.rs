//! The connections of a product, without an identity service or a store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, DocumentId, Effect, Error, ErrorKind, KeyId, Secret, SecretId, TenantId};
use azconnect_credential::{
    Assessment, Check, CheckReport, ConnectRequest, Connected, ConnectionChange, ConnectionId, ConnectionKeeper,
    ConnectionPage, ConnectionQuery, ConnectionRecord, ConnectionRecords, CredentialKind, CredentialVerdict, LastCheck,
    NewSecret, check_client_secret,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Faults;

/// A kind of call behind a [`Keeper`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeeperStep {
    /// Asking the identity service whether a secret is accepted.
    SignIn,
    /// Writing to the product's store.
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
    connections: BTreeMap<String, (ConnectionRecord, Secret)>,
    tenants: BTreeMap<String, TenantId>,
    findings: Vec<Check>,
}

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

    /// Knows a tenant by a name as well, from now on.
    pub fn name_tenant(&self, name: impl Into<String>, tenant: TenantId) {
        self.world().tenants.insert(name.into(), tenant);
    }

    /// Finds this from now on, where every check of the same code would pass.
    pub fn find(&self, check: Check) {
        let mut world = self.world();
        world.findings.retain(|known| known.code != check.code);
        world.findings.push(check);
    }

    pub(super) fn findings(&self) -> Vec<Check> {
        self.world().findings.clone()
    }

    pub(super) fn tenant_named(&self, name: &str) -> Option<TenantId> {
        self.world().tenants.get(name).copied()
    }

    pub(super) fn is_taken(&self, id: &ConnectionId) -> bool {
        self.world().connections.contains_key(id.as_str())
    }

    /// A connection and its secret.
    pub(super) fn held(&self, id: &ConnectionId) -> Result<(ConnectionRecord, Secret), Error> {
        let record = self.require(id)?;
        let held = self.world().connections.get(id.as_str()).map(|(_, secret)| secret.duplicate());
        Ok((record, held.ok_or_else(|| Error::new(ErrorKind::NotFound, "the connection is gone"))?))
    }

    pub(super) fn note(&self, id: &ConnectionId, check: &LastCheck) {
        if let Some((record, _)) = self.world().connections.get_mut(id.as_str()) {
            record.checked = Some(check.clone());
        }
    }

    /// How many secrets the keeper's store holds.
    pub fn kept(&self) -> usize {
        self.world().connections.len()
    }

    pub(super) fn prove(&self, tenant: TenantId, client: ClientId, secret: &Secret) -> Assessment {
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

    fn require(&self, id: &ConnectionId) -> Result<ConnectionRecord, Error> {
        let world = self.world();
        let held = world.connections.get(id.as_str()).map(|(record, _)| record.clone());
        held.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no connection {id}")).with_effect(Effect::None)
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accepted(proof: &Assessment) -> Result<(), Error> {
    match proof.verdict {
        CredentialVerdict::Accepted => Ok(()),
        CredentialVerdict::Inconclusive => {
            Err(proof.to_error(ErrorKind::Unavailable, "whether the secret works could not be found out"))
        }
        _ => Err(proof.to_error(ErrorKind::Unauthenticated, "the secret is not accepted")),
    }
}

fn credential(id: &ConnectionId, key: Option<KeyId>, ends_at: Option<OffsetDateTime>) -> Result<CredentialKind, Error> {
    // A new name each time: a sealed secret never changes.
    let secret = SecretId::new(format!("connection/{id}/{}", Uuid::new_v4()))?;
    Ok(CredentialKind::ClientSecret { secret, key, ends_at })
}

#[async_trait]
impl ConnectionKeeper for Keeper {
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<Connected, Error> {
        // Before any call: a secret's id in place of its value is refused without asking anybody.
        check_client_secret(&secret)?;
        let credential = credential(&request.id, request.key, request.ends_at)?;
        let mut record =
            ConnectionRecord::new(request.id, request.subscription, request.tenant, request.client, credential)
                .with_labels(request.labels)
                .with_cloud("AzureCloud");
        record.display_name = request.display_name;
        record.region = request.region;
        record.resource_group = request.resource_group;
        record.organization = request.organization;
        record.check()?;
        let taken = || {
            Error::new(ErrorKind::Conflict, "there is a connection of that name already")
                .with_field("id")
                .with_effect(Effect::None)
        };
        let name = record.id.as_str().to_owned();
        if self.world().connections.contains_key(&name) {
            return Err(taken());
        }
        accepted(&self.prove(record.tenant, record.client, &secret))?;
        let is_same = |other: &ConnectionRecord| (other.tenant, other.client) == (record.tenant, record.client);
        let others = self
            .world()
            .connections
            .values()
            .filter(|(other, _)| is_same(other))
            .map(|(other, _)| other.id.clone())
            .collect();
        self.faults.write(&KeeperStep::Store, || {
            let mut world = self.world();
            if world.connections.contains_key(&name) {
                return Err(taken());
            }
            world.connections.insert(name.clone(), (record.clone(), secret));
            Ok(())
        })?;
        Ok(Connected::new(record).with_shares_application_with(others))
    }

    async fn replace_secret(&self, id: &ConnectionId, new: NewSecret) -> Result<ConnectionRecord, Error> {
        check_client_secret(&new.secret)?;
        let record = self.require(id)?;
        accepted(&self.prove(record.tenant, record.client, &new.secret))?;
        let credential = credential(id, new.key, new.ends_at)?;
        self.faults.write(&KeeperStep::Store, || {
            let mut world = self.world();
            let gone = || Error::new(ErrorKind::NotFound, "the connection is gone").with_effect(Effect::None);
            let held = world.connections.get_mut(id.as_str()).ok_or_else(gone)?;
            held.0.credential = credential;
            held.0.checked = None;
            held.1 = new.secret;
            Ok(held.0.clone())
        })
    }

    async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error> {
        let (record, secret) = self.held(id)?;
        let proof = self.prove(record.tenant, record.client, &secret);
        let check = match proof.verdict {
            CredentialVerdict::Accepted => Check::passed("client-secret", "client secret", &proof.evidence),
            CredentialVerdict::Rejected => {
                Check::failed("client-secret", "client secret", &proof.evidence, "replace it")
            }
            _ => Check::unknown("client-secret", "client secret", &proof.evidence, "try again"),
        };
        self.note(id, &LastCheck::new(OffsetDateTime::UNIX_EPOCH, CheckReport::from_iter([check])));
        Ok(proof)
    }

    async fn disconnect(&self, id: &ConnectionId) -> Result<(), Error> {
        self.faults.write(&KeeperStep::Store, || {
            self.world().connections.remove(id.as_str());
            Ok(())
        })
    }
}

#[async_trait]
impl ConnectionRecords for Keeper {
    async fn get(&self, id: &ConnectionId) -> Result<Option<ConnectionRecord>, Error> {
        Ok(self.world().connections.get(id.as_str()).map(|(record, _)| record.clone()))
    }

    async fn list(&self, query: &ConnectionQuery) -> Result<ConnectionPage, Error> {
        query.to_records()?;
        let fits = |record: &ConnectionRecord| {
            record.labels.contain(&query.labels)
                && query.client.is_none_or(|client| client == record.client)
                && query.tenant.is_none_or(|tenant| tenant == record.tenant)
                && query.subscription.is_none_or(|subscription| subscription == record.subscription)
        };
        let limit = query.limit.unwrap_or(100).clamp(1, 1000);
        let world = self.world();
        let from = query.after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_str()));
        let later = world.connections.range::<str, _>((from, Bound::Unbounded)).map(|(_, (record, _))| record);
        let mut found: Vec<_> = later.filter(|record| fits(record)).take(limit + 1).cloned().collect();
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let next = found.last().filter(|_| !is_last).map(|last| DocumentId::new(last.id.as_str())).transpose()?;
        Ok(ConnectionPage::new(found, next))
    }

    async fn describe(&self, id: &ConnectionId, change: &ConnectionChange) -> Result<ConnectionRecord, Error> {
        let mut record = self.require(id)?;
        if let Some(name) = &change.display_name {
            record.display_name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(labels) = &change.labels {
            record.labels = labels.clone();
        }
        if let Some(region) = &change.region {
            record.region = Some(region.clone());
        }
        if let Some(organization) = &change.organization {
            record.organization = Some(organization.clone()).filter(|name| !name.is_empty());
        }
        record.check()?;
        self.faults.write(&KeeperStep::Store, || {
            if let Some((held, _)) = self.world().connections.get_mut(id.as_str()) {
                *held = record.clone();
            }
            Ok(record)
        })
    }
}
