//! The fakes keep the promises of the ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, ErrorKind, KeyId, Retry, Secret};
use azconnect_credential::{
    Candidate, CredentialIssuer, CredentialSink, CredentialVerdict, CredentialVerifier, KeyHolder, Marker, MintRequest,
    Minted, Retirement, SinkId,
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
    async fn seed_elsewhere(&self) -> Option<KeyId> {
        let end = self.clock.now() + LAG * 100_000;
        Some(self.directory.seed_key_of(KeyHolder::ServicePrincipal, Some("elsewhere"), end))
    }
    async fn set_hidden(&self, hidden: bool) {
        self.directory.set_unseen(KeyHolder::ServicePrincipal, hidden);
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

#[tokio::test]
async fn a_holder_that_becomes_unreadable_is_unseen_and_its_keys_work_on() {
    let fakes = Fakes::new();
    let end = fakes.clock.now() + LAG * 1000;
    let key = fakes.directory.seed_key_of(KeyHolder::ServicePrincipal, Some("elsewhere"), end);
    let issuer = fakes.directory.issuer();
    assert_eq!(issuer.inventory().await.unwrap().key(key).unwrap().holder, KeyHolder::ServicePrincipal);
    fakes.directory.set_unseen(KeyHolder::ServicePrincipal, true);
    let inventory = issuer.inventory().await.unwrap();
    assert!(inventory.key(key).is_none() && !inventory.saw(KeyHolder::ServicePrincipal));
    assert!(fakes.directory.accepts(&fakes.directory.secret_of(key).unwrap()));
    let error = issuer.retire(key).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert!(fakes.directory.keys().iter().any(|known| known.key == key));
    fakes.directory.set_unseen(KeyHolder::ServicePrincipal, false);
    assert_eq!(issuer.retire(key).await.unwrap(), Retirement::Accepted);
}

#[tokio::test]
async fn what_another_object_holds_does_not_count_against_the_limit() {
    let clock = ManualClock::new();
    let directory = Directory::new(Arc::new(clock.clone())).with_key_limit(Some(1));
    let end = clock.now() + LAG * 1000;
    directory.seed_key_of(KeyHolder::ServicePrincipal, None, end);
    let request = MintRequest::new(Marker::new("m").unwrap(), end);
    assert!(directory.issuer().mint(&request).await.is_ok());
    assert_eq!(directory.issuer().mint(&request).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn lists_and_sign_ins_lag_each_in_their_own_way() {
    let seconds = Duration::from_secs;
    let clock = ManualClock::new();
    let directory = Directory::new(Arc::new(clock.clone()))
        .with_list_lags(seconds(40), seconds(10))
        .with_sign_in_lags(seconds(20), seconds(30));
    let minted = directory.issuer().mint(&MintRequest::new(Marker::new("m").unwrap(), clock.now() + LAG * 9)).await;
    let minted = minted.unwrap();
    let look = async || {
        let listed = directory.issuer().inventory().await.unwrap().key(minted.key).is_some();
        (listed, directory.accepts(&minted.secret))
    };
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(look().await);
        clock.advance(seconds(10));
    }
    assert_eq!(seen, [(false, false), (false, false), (false, true), (false, true), (true, true)]);
    assert!(directory.delete_by_hand(minted.key));
    seen.clear();
    for _ in 0..4 {
        seen.push(look().await);
        clock.advance(seconds(10));
    }
    assert_eq!(seen, [(true, true), (false, true), (false, true), (false, false)]);
}

#[tokio::test]
async fn a_removed_key_flaps_in_the_lists_until_the_lag_has_passed() {
    let fakes = Fakes::new();
    let held = fakes.directory.held_by(&fakes.sink).unwrap();
    assert!(fakes.directory.delete_by_hand(held));
    let mut listed = Vec::new();
    for _ in 0..4 {
        listed.push(fakes.directory.issuer().inventory().await.unwrap().key(held).is_some());
    }
    listed.sort_unstable();
    assert_eq!(listed, [false, false, true, true]);
    fakes.clock.advance(LAG);
    for _ in 0..4 {
        assert!(fakes.directory.issuer().inventory().await.unwrap().key(held).is_none());
    }
    assert!(!fakes.directory.delete_by_hand(held), "nobody deletes it twice");
}

#[tokio::test]
async fn people_change_what_consumers_hold_and_the_revision_tells() {
    let fakes = Fakes::new();
    let (directory, sink) = (&fakes.directory, &fakes.sink);
    let old = directory.held_by(sink).unwrap();
    let own = directory.recreate_by_hand(sink, "made by hand", fakes.clock.now() + LAG * 1000);
    assert_eq!((directory.held_by(sink), directory.sink_revision(sink)), (Some(own), 1));
    assert_eq!(directory.failing_sinks(), std::slice::from_ref(sink), "not every replica knows it yet");
    fakes.clock.advance(LAG);
    assert_eq!(directory.failing_sinks(), []);
    directory.put_by_hand(sink, old);
    assert_eq!((directory.held_by(sink), directory.sink_revision(sink)), (Some(old), 2));
    directory.put_by_hand(sink, old);
    assert_eq!(directory.sink_revision(sink), 2, "the same again is no change");
    directory.spoil_by_hand(sink);
    assert_eq!((directory.held_by(sink), directory.sink_revision(sink)), (None, 3));

    let port = directory.sink(sink);
    assert!(directory.delete_sink_by_hand(sink) && !directory.delete_sink_by_hand(sink));
    assert_eq!(port.inspect().await.unwrap_err().kind(), ErrorKind::NotFound);
    let secret = directory.secret_of(old).unwrap();
    let error = port.push(&Candidate::new(&secret)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None));
    assert_eq!(port.verify(&Candidate::new(&secret)).await.verdict, CredentialVerdict::Inconclusive);
    directory.seed_sink(sink, Some(old));
    assert!(port.inspect().await.is_ok());
}

/// Whether a call is still without an answer when the caller's patience is at its end.
async fn hangs<T>(call: impl Future<Output = T>) -> bool {
    tokio::time::timeout(Duration::from_secs(100_000), call).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_ends_by_the_callers_deadline_only() {
    let fakes = Fakes::new();
    let (directory, end) = (&fakes.directory, fakes.clock.now() + LAG * 1000);
    let (issuer, sink) = (directory.issuer(), directory.sink(&fakes.sink));
    let keys = directory.keys().len();
    let secret = directory.secret_of(directory.keys()[0].key).unwrap();
    let request = MintRequest::new(Marker::new("m").unwrap(), end);
    for (fault, minted, revision) in [(Fault::Hangs, 0, 0), (Fault::HangsAfterwards, 1, 1)] {
        let [inspect, push, verify] = fakes.sink_steps();
        for step in [Step::Inventory, Step::Mint, Step::Verify, inspect, push, verify] {
            directory.script(step, fault);
        }
        let wrong = Secret::new("fAk8Q~another");
        assert!(hangs(issuer.inventory()).await && hangs(issuer.mint(&request)).await);
        assert!(hangs(directory.verifier().verify(&Candidate::new(&secret))).await);
        assert!(hangs(sink.inspect()).await && hangs(sink.push(&Candidate::new(&wrong))).await);
        assert!(hangs(sink.verify(&Candidate::new(&secret))).await);
        assert_eq!((directory.keys().len(), directory.sink_revision(&fakes.sink)), (keys + minted, revision));
    }
    for (fault, left) in [(Fault::Hangs, keys + 1), (Fault::HangsAfterwards, keys)] {
        directory.script(Step::Retire, fault);
        assert!(hangs(issuer.retire(directory.keys()[0].key)).await);
        assert_eq!(directory.keys().len(), left);
    }
}

#[tokio::test]
async fn a_request_that_arrives_late_happens_when_nobody_waits_for_it() {
    let fakes = Fakes::new();
    let (directory, wait) = (&fakes.directory, Duration::from_secs(900));
    let held = directory.held_by(&fakes.sink).unwrap();
    let late = Fault::ArrivesLate(wait);
    for step in [Step::Mint, Step::Retire, Step::Push(fakes.sink.clone())] {
        directory.script(step, late);
    }
    let request = MintRequest::new(Marker::new("late").unwrap(), fakes.clock.now() + LAG * 1000);
    let secret = Secret::new("fAk8Q~of-no-key");
    for error in [
        directory.issuer().mint(&request).await.unwrap_err(),
        directory.issuer().retire(held).await.unwrap_err(),
        directory.sink(&fakes.sink).push(&Candidate::new(&secret)).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    }
    fakes.clock.advance(wait - Duration::from_secs(1));
    assert_eq!((directory.keys().len(), directory.held_by(&fakes.sink)), (1, Some(held)));
    // Long after they have arrived: each happened at its own moment, so the lags are over.
    fakes.clock.advance(LAG + Duration::from_secs(1));
    let keys = directory.keys();
    assert_eq!((keys.len(), keys[0].display_name.as_deref()), (1, Some("late")));
    assert_eq!((directory.held_by(&fakes.sink), directory.sink_revision(&fakes.sink)), (None, 1));
    assert!(directory.accepts(&directory.secret_of(keys[0].key).unwrap()));
    assert!(!directory.accepts(&directory.secret_of(held).unwrap()));
}

#[tokio::test]
async fn a_late_request_that_the_service_would_refuse_has_no_effect() {
    let clock = ManualClock::new();
    let directory = Directory::new(Arc::new(clock.clone()));
    directory.script(Step::Mint, Fault::ArrivesLate(LAG * 3));
    let request = MintRequest::new(Marker::new("late").unwrap(), clock.now() + LAG * 2);
    directory.issuer().mint(&request).await.unwrap_err();
    clock.advance(LAG * 4);
    assert!(directory.keys().is_empty(), "its end had passed when it arrived");
}

#[tokio::test]
async fn throttling_says_how_long() {
    let fakes = Fakes::new();
    let hour = Duration::from_secs(3600);
    fakes.directory.break_down(Step::Inventory, Fault::Throttled(hour));
    let error = fakes.directory.issuer().inventory().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Throttled, Effect::None));
    assert_eq!(error.retry(), Retry::After(hour));
}
