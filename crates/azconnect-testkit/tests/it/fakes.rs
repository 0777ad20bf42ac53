//! The fakes keep the promises of the ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, ErrorKind, KeyId, Secret};
use azconnect_credential::{
    Candidate, CredentialIssuer, CredentialSink, CredentialVerdict, CredentialVerifier, Marker, MintRequest, Minted,
    SinkId,
};
use azconnect_testkit::conformance::credential_issuer::{self, IssuerHarness};
use azconnect_testkit::conformance::credential_sink::{self, SinkHarness};
use azconnect_testkit::conformance::credential_verifier::{self, VerifierHarness};
use azconnect_testkit::fake::{Call, Directory, Fault, Step};
use azconnect_testkit::{Canary, ManualClock};
use time::OffsetDateTime;

pub(crate) const LAG: Duration = Duration::from_secs(60);

/// A directory with one consumer, and one key that is not ours.
#[derive(Clone)]
pub(crate) struct Fakes {
    pub(crate) clock: ManualClock,
    pub(crate) directory: Directory,
    pub(crate) sink: SinkId,
}

impl Fakes {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let directory = Directory::new(Arc::new(clock.clone())).with_lag(LAG).with_flapping(true);
        let foreign = directory.seed_key(Some("not ours"), clock.now() + LAG * 100_000);
        let sink: SinkId = "fake/consumer".parse().unwrap();
        directory.seed_sink(&sink, Some(foreign));
        Self { clock, directory, sink }
    }

    pub(crate) async fn mint_one(&self) -> Minted {
        let marker = Marker::new(format!("test {}", self.directory.keys().len())).unwrap();
        let request = MintRequest::new(marker, self.clock.now() + LAG * 1000);
        self.directory.issuer().mint(&request).await.unwrap()
    }

    fn sink_steps(&self) -> [Step; 3] {
        [Step::Inspect(self.sink.clone()), Step::Push(self.sink.clone()), Step::VerifySink(self.sink.clone())]
    }
}

#[async_trait]
impl IssuerHarness for Fakes {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        self.directory.issuer()
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn settle(&self) {
        self.clock.advance(LAG);
    }
    async fn works(&self, secret: &Secret) -> bool {
        self.directory.accepts(secret)
    }
    async fn lose_next_mint(&self) {
        self.directory.script(Step::Mint, Fault::AnswerLost);
    }
    async fn drop_next_mint(&self) {
        self.directory.script(Step::Mint, Fault::Dropped);
    }
}

#[async_trait]
impl SinkHarness for Fakes {
    fn sink(&self) -> Arc<dyn CredentialSink> {
        self.directory.sink(&self.sink)
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn mint(&self) -> Minted {
        self.mint_one().await
    }
    async fn settle(&self) {
        self.clock.advance(LAG);
    }
    async fn holds(&self, secret: &Secret) -> bool {
        let held = self.directory.held_by(&self.sink).and_then(|key| self.directory.secret_of(key));
        held.is_some_and(|held| held.same_as(secret))
    }
    async fn rest(&self) -> String {
        self.directory.sink_note(&self.sink)
    }
    async fn interfere_with_next_push(&self) {
        self.directory.script(Step::Push(self.sink.clone()), Fault::ChangedMeanwhile);
    }
    async fn disconnect(&self) {
        for step in self.sink_steps() {
            self.directory.break_down(step, Fault::Dropped);
        }
    }
    async fn reconnect(&self) {
        self.directory.heal();
    }
}

#[async_trait]
impl VerifierHarness for Fakes {
    fn verifier(&self) -> Arc<dyn CredentialVerifier> {
        self.directory.verifier()
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn mint(&self) -> Minted {
        self.mint_one().await
    }
    async fn remove(&self, key: KeyId) {
        self.directory.issuer().retire(key).await.unwrap();
    }
    async fn settle(&self) {
        self.clock.advance(LAG);
    }
    async fn disconnect(&self) {
        self.directory.break_down(Step::Verify, Fault::Dropped);
    }
}

#[tokio::test]
async fn the_fake_issuer_conforms() {
    credential_issuer::all(async || Fakes::new()).await;
}

#[tokio::test]
async fn the_fake_sink_conforms() {
    credential_sink::all(async || Fakes::new()).await;
}

#[tokio::test]
async fn the_fake_verifier_conforms() {
    credential_verifier::all(async || Fakes::new()).await;
}

#[tokio::test]
async fn replicas_disagree_until_the_lag_has_passed() {
    let fakes = Fakes::new();
    let minted = fakes.mint_one().await;
    let mut listed = Vec::new();
    for _ in 0..4 {
        listed.push(fakes.directory.issuer().inventory().await.unwrap().key(minted.key).is_some());
    }
    listed.sort_unstable();
    assert_eq!(listed, [false, false, true, true]);
    assert!(!fakes.directory.accepts(&minted.secret), "not on every replica");
    fakes.clock.advance(LAG);
    assert!(fakes.directory.accepts(&minted.secret));
}

#[tokio::test]
async fn limits_and_ends_are_kept() {
    let clock = ManualClock::new();
    let day = Duration::from_secs(86_400);
    let directory = Directory::new(Arc::new(clock.clone())).with_key_limit(Some(1)).with_max_lifetime(Some(day));
    let request = |life| MintRequest::new(Marker::new("m").unwrap(), clock.now() + life);
    let issuer = directory.issuer();
    assert_eq!(issuer.mint(&request(Duration::ZERO)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(issuer.mint(&request(day * 2)).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let minted = issuer.mint(&request(day)).await.unwrap();
    assert_eq!(issuer.mint(&request(day)).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(directory.accepts(&minted.secret));
    clock.advance(day);
    assert!(!directory.accepts(&minted.secret), "it has ended");
}

#[tokio::test]
async fn a_consumer_left_behind_is_told_by_the_truth() {
    let fakes = Fakes::new();
    let minted = fakes.mint_one().await;
    fakes.clock.advance(LAG);
    assert_eq!(fakes.directory.failing_sinks(), []);
    let held = fakes.directory.held_by(&fakes.sink).unwrap();
    fakes.directory.issuer().retire(held).await.unwrap();
    assert_eq!(fakes.directory.failing_sinks(), std::slice::from_ref(&fakes.sink));
    let sink = fakes.directory.sink(&fakes.sink);
    sink.push(&Candidate::new(&minted.secret).with_key(minted.key)).await.unwrap();
    assert_eq!(fakes.directory.failing_sinks(), []);
    assert_eq!(fakes.directory.held_by(&fakes.sink), Some(minted.key));
    assert_eq!(fakes.directory.keys().len(), 1);
}

#[tokio::test]
async fn faults_happen_in_turn_and_are_recorded() {
    let fakes = Fakes::new();
    let step = Step::Push(fakes.sink.clone());
    fakes.directory.script(step.clone(), Fault::Dropped);
    fakes.directory.script(step.clone(), Fault::Refused(ErrorKind::Throttled));
    fakes.directory.break_down(step, Fault::AnswerLost);
    let secret = Canary::new().secret();
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let error = fakes.directory.sink(&fakes.sink).push(&Candidate::new(&secret)).await.unwrap_err();
        kinds.push((error.kind(), fakes.directory.sink_revision(&fakes.sink)));
    }
    let wanted =
        [(ErrorKind::Unavailable, 0), (ErrorKind::Throttled, 0), (ErrorKind::Timeout, 1), (ErrorKind::Timeout, 1)];
    assert_eq!(kinds, wanted);
    fakes.directory.heal();
    assert!(fakes.directory.sink(&fakes.sink).push(&Candidate::new(&secret)).await.is_ok());
    assert_eq!(fakes.directory.calls(), vec![Call::Push(fakes.sink.clone(), None); 5]);
    assert_eq!(fakes.directory.verifier().verify(&Candidate::new(&secret)).await.verdict, CredentialVerdict::Rejected);
}
