//! Implementations that break one promise each: the suite must name it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{
    Append, Clock, Entry, Epoch, Error, ErrorKind, Grant, Integrity, Journal, KeyId, Lease, LeaseKey, Record, Secret,
    SecretId, SecretStore, Sequence, StreamId,
};
use azconnect_credential::{
    Assessment, Candidate, CredentialIssuer, CredentialSink, CredentialVerdict, CredentialVerifier, Inventory,
    KeyHolder, MintRequest, Minted, PushReceipt, Retirement, SinkId, SinkReport, SubjectId,
};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::conformance::credential_issuer::{self, IssuerHarness};
use azconnect_testkit::conformance::credential_sink::{self, SinkHarness};
use azconnect_testkit::conformance::credential_verifier::{self, VerifierHarness};
use azconnect_testkit::conformance::{journal, lease, secret_store};
use time::OffsetDateTime;

use crate::fakes::Fakes;
use crate::judged::{named, verdict};

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    IgnoresEpochs,
    AcceptsNothing,
    ForgetsRest,
    SkipsPosition,
    RefusesWithoutReason,
    WritesLate,
    ForgetsCheckpoints,
    BeginsWithTheFirstCheckpoint,
}

struct BadJournal {
    inner: MemoryJournal,
    sin: Sin,
    /// An append that was begun and dropped, and how many reads it waits for.
    late: Mutex<Option<(Append, u32)>>,
}

impl BadJournal {
    fn new(sin: Sin) -> Self {
        Self { inner: MemoryJournal::new(), sin, late: Mutex::default() }
    }

    /// Writes what was dropped a while ago.
    async fn write_late(&self) {
        let due = {
            let mut late = self.late.lock().unwrap();
            match late.take() {
                Some((append, 0)) => Some(append),
                waiting => {
                    *late = waiting.map(|(append, reads)| (append, reads - 1));
                    None
                }
            }
        };
        if let Some(append) = due {
            let _ = self.inner.append(append).await;
        }
    }
}

#[async_trait]
impl Journal for BadJournal {
    async fn append(&self, mut append: Append) -> Result<Sequence, Error> {
        match self.sin {
            Sin::IgnoresEpochs => append.epoch = Epoch(1),
            Sin::AcceptsNothing if append.records.is_empty() => return Ok(append.expected),
            Sin::ForgetsRest => append.at_rest = true,
            Sin::RefusesWithoutReason => {
                return self.inner.append(append).await.map_err(|error| error.with_field("append"));
            }
            Sin::WritesLate => {
                *self.late.lock().unwrap() = Some((append.clone(), 2));
                let mut polled = false;
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                *self.late.lock().unwrap() = None;
            }
            Sin::ForgetsCheckpoints => {
                for record in &mut append.records {
                    *record = Record::new(record.kind.clone(), record.payload.clone(), record.at);
                }
            }
            _ => {}
        }
        self.inner.append(append).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.write_late().await;
        let skip = u64::from(self.sin == Sin::SkipsPosition && after != Sequence::START);
        self.inner.read(stream, Sequence(after.0.saturating_add(skip))).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        if self.sin != Sin::BeginsWithTheFirstCheckpoint {
            return self.inner.latest(stream).await;
        }
        let mut entries = self.inner.read(stream, Sequence::START).await?;
        let first = entries.iter().position(|entry| entry.record.is_checkpoint()).unwrap_or_default();
        Ok(entries.split_off(first))
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

#[tokio::test]
async fn a_broken_journal_is_named() {
    let run = async |sin| verdict(journal::all(async || Arc::new(BadJournal::new(sin)) as Arc<dyn Journal>)).await;
    named(
        &run(Sin::IgnoresEpochs).await,
        &[
            "what is appended is read back",
            "a higher epoch fences lower ones",
            "a refusal names what does not fit",
            "a checkpoint is told from an event",
        ],
    );
    named(&run(Sin::AcceptsNothing).await, &["an append of nothing is refused"]);
    named(&run(Sin::ForgetsRest).await, &["unfinished streams are those not at rest", "many streams do not mix"]);
    named(
        &run(Sin::SkipsPosition).await,
        &["a read begins after its position", "of concurrent appends exactly one wins"],
    );
    named(&run(Sin::RefusesWithoutReason).await, &["a refusal names what does not fit"]);
    named(&run(Sin::WritesLate).await, &["a read sees what became of a dropped append"]);
    named(
        &run(Sin::ForgetsCheckpoints).await,
        &["a checkpoint is told from an event", "the latest entries begin with the last checkpoint"],
    );
    named(&run(Sin::BeginsWithTheFirstCheckpoint).await, &["the latest entries begin with the last checkpoint"]);
}

/// Leaves the latest entries to what the port itself gives.
struct Plain(MemoryJournal);

#[async_trait]
impl Journal for Plain {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.0.append(append).await
    }
    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.0.read(stream, after).await
    }
    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.0.unfinished().await
    }
}

#[tokio::test]
async fn a_journal_without_latest_entries_of_its_own_conforms() {
    journal::all(async || Arc::new(Plain(MemoryJournal::new())) as Arc<dyn Journal>).await;
}

/// Overwrites what a name holds.
struct Overwriting(MemorySecrets);

#[async_trait]
impl SecretStore for Overwriting {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.0.remove(id).await?;
        self.0.put(id, secret).await
    }
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.0.get(id).await
    }
    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.0.remove(id).await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.0.list(prefix, after).await
    }
}

#[tokio::test]
async fn a_secret_store_that_overwrites_is_named() {
    let make = async || Arc::new(Overwriting(MemorySecrets::new())) as Arc<dyn SecretStore>;
    named(
        &verdict(secret_store::all(make)).await,
        &[
            "a name keeps its first secret",
            "a refusal reveals no secret",
            "of concurrent secrets under one name exactly one wins",
        ],
    );
}

/// Forgets a key when it is released, and so begins its epochs again.
struct Restarting(std::sync::Mutex<MemoryLease>, Arc<dyn Clock>);

impl Restarting {
    fn lease(&self) -> MemoryLease {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Lease for Restarting {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        self.lease().acquire(key, holder, term).await
    }
    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        self.lease().renew(grant, term).await
    }
    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        if self.lease().renew(grant, Duration::from_secs(1)).await.is_ok() {
            *self.0.lock().unwrap() = MemoryLease::new(self.1.clone());
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_lease_whose_epochs_begin_again_is_named() {
    let make = async |clock: Arc<dyn Clock>| {
        Arc::new(Restarting(MemoryLease::new(clock.clone()).into(), clock)) as Arc<dyn Lease>
    };
    let message = verdict(lease::all(make)).await;
    for behaviour in ["a released key is free", "epochs grow over release", "keys do not mix", "exactly one wins"] {
        assert!(message.contains(behaviour), "{message}");
    }
}

/// A harness of the fakes, around which one part is replaced by a broken one.
struct Around(Fakes);

/// Mints again when no answer came.
struct Blind(Arc<dyn CredentialIssuer>);

#[async_trait]
impl CredentialIssuer for Blind {
    fn subject(&self) -> &SubjectId {
        self.0.subject()
    }
    async fn inventory(&self) -> Result<Inventory, Error> {
        self.0.inventory().await
    }
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        match self.0.mint(request).await {
            Err(_) => self.0.mint(request).await,
            minted => minted,
        }
    }
    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        self.0.retire(key).await
    }
}

#[async_trait]
impl IssuerHarness for Around {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        Arc::new(Blind(IssuerHarness::issuer(&self.0)))
    }
    fn now(&self) -> OffsetDateTime {
        IssuerHarness::now(&self.0)
    }
    async fn settle(&self) {
        IssuerHarness::settle(&self.0).await;
    }
    async fn works(&self, secret: &Secret) -> bool {
        self.0.works(secret).await
    }
    async fn lose_next_mint(&self) {
        self.0.lose_next_mint().await;
    }
    async fn drop_next_mint(&self) {
        self.0.drop_next_mint().await;
    }
}

#[tokio::test]
async fn an_issuer_that_mints_blindly_again_is_named() {
    let message = verdict(credential_issuer::all(async || Around(Fakes::new()))).await;
    named(&message, &["a lost answer leaves one key, found by its marker"]);
}

/// Lists what it can, says nothing of what it cannot, and calls gone whatever it did not find.
struct Silent(Arc<dyn CredentialIssuer>);

#[async_trait]
impl CredentialIssuer for Silent {
    fn subject(&self) -> &SubjectId {
        self.0.subject()
    }
    async fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = self.0.inventory().await?;
        inventory.unseen.clear();
        Ok(inventory)
    }
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.0.mint(request).await
    }
    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        match self.0.retire(key).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Retirement::NotListed),
            answer => answer,
        }
    }
}

/// Gives up where another holder is hidden, and says that a minted key is on an object where it is not.
struct Helpless(Arc<dyn CredentialIssuer>);

#[async_trait]
impl CredentialIssuer for Helpless {
    fn subject(&self) -> &SubjectId {
        self.0.subject()
    }
    async fn inventory(&self) -> Result<Inventory, Error> {
        self.0.inventory().await
    }
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        Ok(self.0.mint(request).await?.with_holder(KeyHolder::User))
    }
    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        if self.0.inventory().await?.is_complete() {
            return self.0.retire(key).await;
        }
        Err(Error::new(ErrorKind::PermissionDenied, "a holder is hidden"))
    }
}

/// A harness of the fakes whose issuer is replaced.
struct Issuing(Fakes, fn(Arc<dyn CredentialIssuer>) -> Arc<dyn CredentialIssuer>);

#[async_trait]
impl IssuerHarness for Issuing {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        (self.1)(IssuerHarness::issuer(&self.0))
    }
    fn now(&self) -> OffsetDateTime {
        IssuerHarness::now(&self.0)
    }
    async fn settle(&self) {
        IssuerHarness::settle(&self.0).await;
    }
    async fn works(&self, secret: &Secret) -> bool {
        self.0.works(secret).await
    }
    async fn lose_next_mint(&self) {
        self.0.lose_next_mint().await;
    }
    async fn drop_next_mint(&self) {
        self.0.drop_next_mint().await;
    }
    async fn seed_elsewhere(&self) -> Option<KeyId> {
        self.0.seed_elsewhere().await
    }
    async fn set_hidden(&self, hidden: bool) {
        self.0.set_hidden(hidden).await;
    }
}

#[tokio::test]
async fn an_issuer_that_hides_what_it_did_not_see_is_named() {
    let message = verdict(credential_issuer::all(async || Issuing(Fakes::new(), |good| Arc::new(Silent(good))))).await;
    named(
        &message,
        &["an inventory says which holder it did not see", "a key that an unseen holder may have is not called gone"],
    );
}

#[tokio::test]
async fn an_issuer_that_gives_up_beside_a_hidden_holder_is_named() {
    let message =
        verdict(credential_issuer::all(async || Issuing(Fakes::new(), |good| Arc::new(Helpless(good))))).await;
    named(
        &message,
        &[
            "what is minted works, and is listed as it was asked for",
            "a key that an unseen holder may have is not called gone",
            "an unseen holder does not hinder the removal of another's key",
        ],
    );
}

/// Pushes again over somebody else's change, accepts whatever it cannot tell, and logs what it pushes.
struct Careless(Arc<dyn CredentialSink>);

#[async_trait]
impl CredentialSink for Careless {
    fn id(&self) -> &SinkId {
        self.0.id()
    }
    async fn inspect(&self) -> Result<SinkReport, Error> {
        self.0.inspect().await
    }
    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        tracing::trace!(body = %candidate.secret.expose(), "sending");
        match self.0.push(candidate).await {
            Err(error) if error.kind() == azconnect_core::ErrorKind::Conflict => self.0.push(candidate).await,
            pushed => pushed,
        }
    }
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let assessment = self.0.verify(candidate).await;
        if assessment.verdict == CredentialVerdict::Inconclusive {
            Assessment::new(CredentialVerdict::Accepted, "?")
        } else {
            assessment
        }
    }
}

#[async_trait]
impl SinkHarness for Around {
    fn sink(&self) -> Arc<dyn CredentialSink> {
        Arc::new(Careless(SinkHarness::sink(&self.0)))
    }
    fn now(&self) -> OffsetDateTime {
        SinkHarness::now(&self.0)
    }
    async fn mint(&self) -> Minted {
        self.0.mint_one().await
    }
    async fn settle(&self) {
        SinkHarness::settle(&self.0).await;
    }
    async fn holds(&self, secret: &Secret) -> bool {
        self.0.holds(secret).await
    }
    async fn rest(&self) -> String {
        self.0.rest().await
    }
    async fn interfere_with_next_push(&self) {
        self.0.interfere_with_next_push().await;
    }
    async fn disconnect(&self) {
        SinkHarness::disconnect(&self.0).await;
    }
    async fn reconnect(&self) {
        self.0.reconnect().await;
    }
}

#[tokio::test]
async fn a_careless_sink_is_named() {
    let message = verdict(credential_sink::all(async || Around(Fakes::new()))).await;
    named(
        &message,
        &[
            "somebody else's change is a conflict, and stays",
            "an unreachable consumer keeps its secret",
            "no secret is shown or logged",
        ],
    );
}

/// Takes every refusal for final.
struct Hasty(Arc<dyn CredentialVerifier>);

#[async_trait]
impl CredentialVerifier for Hasty {
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        self.0.verify(&Candidate::new(candidate.secret)).await
    }
}

#[async_trait]
impl VerifierHarness for Around {
    fn verifier(&self) -> Arc<dyn CredentialVerifier> {
        Arc::new(Hasty(self.0.verifier()))
    }
    fn now(&self) -> OffsetDateTime {
        VerifierHarness::now(&self.0)
    }
    async fn mint(&self) -> Minted {
        self.0.mint_one().await
    }
    async fn remove(&self, key: KeyId) {
        self.0.remove(key).await;
    }
    async fn settle(&self) {
        VerifierHarness::settle(&self.0).await;
    }
    async fn disconnect(&self) {
        VerifierHarness::disconnect(&self.0).await;
    }
}

#[tokio::test]
async fn a_hasty_verifier_is_named() {
    let message = verdict(credential_verifier::all(async || Around(Fakes::new()))).await;
    named(
        &message,
        &["a new secret that is refused is pending", "a new secret that not every replica knows is pending"],
    );
}
