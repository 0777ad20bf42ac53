//! A directory in memory, behind the credential ports: for tests of whatever drives a rotation.
//!
//! One [`Directory`] is one application's keys and any number of consumers. It is deterministic: ids and secrets are
//! counted, time is the given clock's, and failures happen where they were scripted. What is really so can be asked
//! beside the ports.
//!
//! People act on it as well: [`Directory::delete_by_hand`], [`Directory::put_by_hand`], [`Directory::recreate_by_hand`] and
//! [`Directory::delete_sink_by_hand`] change the world without a call through a port.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use azconnect_core::{Clock, Effect};
//! use azconnect_credential::{Candidate, Marker, MintRequest, CredentialVerdict};
//! use azconnect_testkit::ManualClock;
//! use azconnect_testkit::fake::{Directory, Fault, Step};
//!
//! let clock = ManualClock::new();
//! let directory = Directory::new(Arc::new(clock.clone())).with_lag(Duration::from_secs(20));
//! let request = MintRequest::new(Marker::new("rotation 1")?, clock.now() + Duration::from_secs(86_400));
//!
//! directory.script(Step::Mint, Fault::AnswerLost);
//! let lost = directory.issuer().mint(&request).await.unwrap_err();
//! assert_eq!(lost.effect(), Effect::Unknown);
//! assert_eq!(directory.keys().len(), 1, "it was minted all the same");
//!
//! let minted = directory.issuer().mint(&request).await?;
//! let candidate = Candidate::new(&minted.secret).with_minted_at(clock.now());
//! assert_eq!(directory.verifier().verify(&candidate).await.verdict, CredentialVerdict::Pending);
//! clock.advance(Duration::from_secs(20));
//! assert_eq!(directory.verifier().verify(&candidate).await.verdict, CredentialVerdict::Accepted);
//! # Ok::<(), azconnect_core::Error>(())
//! # }).unwrap();
//! ```

mod by_hand;
mod call;
mod issuer;
mod lags;
mod late;
mod sink;
mod verifier;
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{Clock, Error, KeyId, Secret};
use azconnect_credential::{
    CheckReport, CredentialIssuer, CredentialSink, CredentialVerifier, IssuedKey, KeyHolder, SinkId, SubjectId,
};
use time::OffsetDateTime;

pub use self::call::{Call, Step};
use self::issuer::Issuer;
use self::lags::{Lag, Lags};
use self::late::{Late, LateRequest};
use self::sink::Sink;
use self::verifier::Verifier;
use self::world::World;
use super::faults::{Fault, answer};

/// The keys of one application and the consumers of its secrets, in memory. Clones are the same directory.
#[derive(Clone)]
pub struct Directory {
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
}

impl Directory {
    /// A directory without keys or consumers, in which every change is seen at once.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, world: Arc::default() }
    }

    /// Sets how long a change stays unseen: a new key by sign-ins and lists, a removed one too.
    #[must_use]
    pub fn with_lag(self, lag: Duration) -> Self {
        let lag = Lag { added: lag, removed: lag };
        self.world().lags = Lags { lists: lag, sign_ins: lag };
        self
    }

    /// Sets how long lists do not show a new key, and how long they still show a removed one; sign-ins keep their lag.
    #[must_use]
    pub fn with_list_lags(self, added: Duration, removed: Duration) -> Self {
        self.world().lags.lists = Lag { added, removed };
        self
    }

    /// Sets how long sign-ins do not know a new key, and how long they still accept a removed one; lists keep their lag.
    #[must_use]
    pub fn with_sign_in_lags(self, added: Duration, removed: Duration) -> Self {
        self.world().lags.sign_ins = Lag { added, removed };
        self
    }

    /// Says whether every second read sees a change at once: the replicas disagree until the lag has passed.
    #[must_use]
    pub fn with_flapping(self, flapping: bool) -> Self {
        self.world().flapping = flapping;
        self
    }

    /// Sets how many keys may exist at once.
    #[must_use]
    pub fn with_key_limit(self, limit: Option<usize>) -> Self {
        self.world().inventory.key_limit = limit;
        self
    }

    /// Sets the longest life a new key may have.
    #[must_use]
    pub fn with_max_lifetime(self, lifetime: Option<Duration>) -> Self {
        self.world().inventory.max_lifetime = lifetime;
        self
    }

    /// Says whether the issuer itself signs in with one of these keys.
    #[must_use]
    pub fn with_issuer_signs_in_with_these(self, own: bool) -> Self {
        self.world().inventory.issuer_signs_in_with_these = own;
        self
    }

    /// Sets what an inventory finds besides keys.
    #[must_use]
    pub fn with_checks(self, checks: CheckReport) -> Self {
        self.world().inventory.checks = checks;
        self
    }

    /// Adds a key that has existed for long: no lag hides it.
    pub fn seed_key(&self, display_name: Option<&str>, ends_at: OffsetDateTime) -> KeyId {
        self.world().add_key(display_name, ends_at, None)
    }

    /// Adds a key to another kind of holder than the application. It has existed for long, as that of
    /// [`Directory::seed_key`].
    pub fn seed_key_of(&self, holder: KeyHolder, display_name: Option<&str>, ends_at: OffsetDateTime) -> KeyId {
        self.world().add_key_of(holder, display_name, ends_at, None)
    }

    /// Keeps a kind of holder from the issuer's reads, or shows it again. Its keys work all the same: an inventory says
    /// that they are unseen.
    pub fn set_unseen(&self, holder: KeyHolder, unseen: bool) {
        let holders = &mut self.world().inventory.unseen;
        if unseen {
            holders.insert(holder)
        } else {
            holders.remove(&holder)
        };
    }

    /// Adds a consumer that holds a key's secret, or one that no key has.
    pub fn seed_sink(&self, id: &SinkId, holds: Option<KeyId>) {
        let mut world = self.world();
        let secret = holds.and_then(|key| world.secret_of(key)).unwrap_or_else(|| Secret::new("of no key"));
        world.add_sink(id, secret);
    }

    /// Sets what a look at a consumer finds.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn set_sink_checks(&self, id: &SinkId, checks: CheckReport) {
        self.world().sink(id).checks = checks;
    }

    /// Says whether a consumer is the issuer's own credential.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn set_sink_is_issuers_own(&self, id: &SinkId, own: bool) {
        self.world().sink(id).is_issuers_own = own;
    }

    /// Makes the next call of a step fail. Several faults of one step happen in turn.
    pub fn script(&self, step: Step, fault: Fault) {
        self.world().faults.script(step, fault);
    }

    /// Makes every call of a step fail until [`Directory::heal`], after those that are scripted.
    pub fn break_down(&self, step: Step, fault: Fault) {
        self.world().faults.break_down(step, fault);
    }

    /// Forgets every fault, scripted or lasting.
    pub fn heal(&self) {
        self.world().faults.heal();
    }

    /// The port that mints and retires.
    pub fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        Arc::new(Issuer::new(self.clone()))
    }

    /// The port that says whether every replica accepts a secret.
    pub fn verifier(&self) -> Arc<dyn CredentialVerifier> {
        Arc::new(Verifier(self.clone()))
    }

    /// The port of a consumer.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn sink(&self, id: &SinkId) -> Arc<dyn CredentialSink> {
        self.world().sink(id);
        Arc::new(Sink::new(self.clone(), id.clone()))
    }

    /// The truth: the keys that were minted or seeded and not removed, whatever a list shows.
    pub fn keys(&self) -> Vec<IssuedKey> {
        self.world().keys.iter().filter(|key| key.removed_at.is_none()).map(|key| key.issued.clone()).collect()
    }

    /// The truth: whether every replica accepts a secret now.
    pub fn accepts(&self, secret: &Secret) -> bool {
        self.world().accepted_everywhere(secret, &*self.clock)
    }

    /// The truth: the key whose secret a consumer holds, also a removed one; `None` for a secret of no key.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn held_by(&self, id: &SinkId) -> Option<KeyId> {
        let mut world = self.world();
        let secret = world.sink(id).secret.duplicate();
        world.keys.iter().find(|key| key.secret.same_as(&secret)).map(|key| key.issued.key)
    }

    /// The truth: the consumers that hold a secret which some replica refuses now.
    pub fn failing_sinks(&self) -> Vec<SinkId> {
        let world = self.world();
        let failing = world.sinks.iter().filter(|(_, sink)| !world.accepted_everywhere(&sink.secret, &*self.clock));
        failing.map(|(id, _)| id.clone()).collect()
    }

    /// The secret of a key, also of a removed one.
    pub fn secret_of(&self, key: KeyId) -> Option<Secret> {
        self.world().secret_of(key)
    }

    /// How often a consumer was changed, by a push or by somebody else.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn sink_revision(&self, id: &SinkId) -> u64 {
        self.world().sink(id).revision
    }

    /// What a consumer has besides its secret, which only [`Fault::ChangedMeanwhile`] changes.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn sink_note(&self, id: &SinkId) -> String {
        self.world().sink(id).note.clone()
    }

    /// Every call through the ports so far, in order, those that failed included.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The name under which the issuer mints.
    fn subject() -> SubjectId {
        #[expect(clippy::expect_used, reason = "a literal, used by every test")]
        SubjectId::new("fake/application").expect("a name in this file")
    }

    /// The world as it is now, with what has arrived late.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.catch_up(&*self.clock);
        world
    }

    /// Notes a call that changes something, and says how it is to fail. One that arrives late is sent on its way.
    async fn meet(&self, call: Call, late: impl FnOnce() -> LateRequest) -> Option<Fault> {
        let fault = self.world().call(call);
        match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::ArrivesLate(wait)) => {
                let due = self.clock.elapsed().saturating_add(wait);
                self.world().late.push(Late { due, request: late() });
            }
            _ => {}
        }
        fault
    }

    /// Notes a call that changes nothing, and says how it is to fail.
    async fn meet_read(&self, call: Call) -> Option<Fault> {
        let fault = self.world().call(call);
        if matches!(fault, Some(Fault::Hangs | Fault::HangsAfterwards)) {
            std::future::pending().await
        }
        fault
    }
}

/// Answers a call that took effect, unless the answer is lost or never comes.
async fn conclude<T>(fault: Option<Fault>, value: T) -> Result<T, Error> {
    if fault == Some(Fault::HangsAfterwards) {
        std::future::pending::<()>().await;
    }
    answer(fault, value)
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("keys", &self.keys()).finish_non_exhaustive()
    }
}
