//! Every port of the rotation, with luck in front of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{
    Append, Entry, Error, Grant, Integrity, Journal, KeyId, Lease, LeaseKey, Secret, SecretId, SecretStore, Sequence,
    StreamId,
};
use azconnect_credential::{
    Assessment, Candidate, CredentialIssuer, CredentialSink, CredentialVerdict, CredentialVerifier, Inventory,
    KeyHolder, MintRequest, Minted, PushReceipt, Retirement, SinkId, SinkReport, SubjectId,
};

use crate::judge::{Process, Proof};
use crate::luck::{Kind, Luck};
use crate::world::World;

/// A port of one process.
#[derive(Clone)]
pub struct Port<P: ?Sized> {
    pub world: Arc<World>,
    pub process: Process,
    pub inner: Arc<P>,
}

impl<P: ?Sized> Port<P> {
    fn look(&self) {
        self.world.inner().judge.look(&self.world.directory);
    }

    fn proved(&self, key: KeyId, proof: Proof) {
        self.world.inner().judge.proved(self.process, key, proof);
    }
}

#[async_trait]
impl CredentialIssuer for Port<dyn CredentialIssuer> {
    fn subject(&self) -> &SubjectId {
        self.inner.subject()
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let unseen = self.world.comes(Luck::Unseen);
        let answer = self.world.call(Kind::Inventory, self.inner.inventory()).await;
        self.look();
        let mut inventory = answer?;
        if unseen {
            inventory.keys.clear();
            return Ok(inventory.with_unseen(KeyHolder::Application));
        }
        for issued in &inventory.keys {
            self.proved(issued.key, Proof::Listed);
        }
        Ok(inventory)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let answer = self.world.call(Kind::Mint, async {
            let minted = self.inner.mint(request).await;
            self.look();
            minted
        });
        answer.await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let answer = self.world.call(Kind::Retire, async {
            let is_alive = || self.world.directory.keys().iter().any(|issued| issued.key == key);
            if is_alive() {
                self.world.inner().judge.retires(self.process, key, &self.world.directory);
            }
            let retired = self.inner.retire(key).await;
            self.look();
            retired
        });
        answer.await
    }
}

#[async_trait]
impl CredentialVerifier for Port<dyn CredentialVerifier> {
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let rejects = self.world.comes(Luck::Rejects);
        let call = self.world.call(Kind::Verify, async { Ok(self.inner.verify(candidate).await) });
        let assessment = call.await.unwrap_or_else(|error| Assessment::inconclusive(&error));
        self.look();
        if rejects {
            return rejected();
        }
        if let Some(key) = candidate.key.filter(|_| assessment.is_accepted()) {
            self.proved(key, Proof::Accepted);
        }
        assessment
    }
}

fn rejected() -> Assessment {
    Assessment::new(CredentialVerdict::Rejected, "refused, says a replica that never heard of it")
}

#[async_trait]
impl CredentialSink for Port<dyn CredentialSink> {
    fn id(&self) -> &SinkId {
        self.inner.id()
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        self.world.call(Kind::Inspect, self.inner.inspect()).await
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        let call = self.world.call(Kind::Push, async {
            let before = self.world.directory.held_by(self.inner.id());
            let receipt = self.inner.push(candidate).await;
            if self.world.directory.held_by(self.inner.id()) != before {
                self.world.inner().judge.pushed(self.inner.id());
            }
            self.look();
            receipt
        });
        call.await
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let rejects = self.world.comes(Luck::Rejects);
        let call = self.world.call(Kind::VerifySink, async { Ok(self.inner.verify(candidate).await) });
        let assessment = call.await.unwrap_or_else(|error| Assessment::inconclusive(&error));
        self.look();
        if rejects {
            return rejected();
        }
        if let Some(key) = candidate.key.filter(|_| assessment.is_accepted()) {
            self.proved(key, Proof::Held(self.inner.id().clone()));
        }
        assessment
    }
}

#[async_trait]
impl Journal for Port<dyn Journal> {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.world.call(Kind::Append, self.inner.append(append)).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.world.call(Kind::Read, self.inner.read(stream, after)).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.world.call(Kind::Read, self.inner.unfinished()).await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

#[async_trait]
impl SecretStore for Port<dyn SecretStore> {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.world.call(Kind::Put, self.inner.put(id, secret)).await
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.world.call(Kind::Get, self.inner.get(id)).await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.world.call(Kind::Forget, self.inner.remove(id)).await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.inner.list(prefix, after).await
    }
}

#[async_trait]
impl Lease for Port<dyn Lease> {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        self.world.call(Kind::Acquire, self.inner.acquire(key, holder, term)).await
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        self.world.call(Kind::Renew, self.inner.renew(grant, term)).await
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.world.call(Kind::Release, self.inner.release(grant)).await
    }
}
