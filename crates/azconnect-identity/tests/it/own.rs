//! Replacing the credential one signs in with, without locking oneself out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Retry, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict, TokenProvider};
use azconnect_emulator::{Fault, FaultAction, Service, Settings};
use azconnect_identity::{ClientSecretSource, OwnCredentialSink, OwnRecord, SecretVerifier, TokenCache};
use azconnect_testkit::Canary;

use crate::conformance::mint;
use crate::stage::{SECRET, Stage, client};

/// A record that notes what the live credential held when it was asked to store.
struct Record {
    source: ClientSecretSource,
    stored: Mutex<Vec<(Secret, bool)>>,
    broken: bool,
}

#[async_trait]
impl OwnRecord for Record {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        Ok(self.stored.lock().unwrap().last().map(|(secret, _)| secret.duplicate()))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        let still_former = self.source.holds(&Secret::new(SECRET));
        self.stored.lock().unwrap().push((candidate.secret.duplicate(), still_former));
        match self.broken {
            true => Err(Error::new(ErrorKind::Unavailable, "the database is gone")),
            false => Ok(()),
        }
    }
}

struct Own {
    stage: Stage,
    source: ClientSecretSource,
    record: Arc<Record>,
    sink: OwnCredentialSink,
}

impl Own {
    fn new(settings: Settings, broken: bool) -> Self {
        let stage = Stage::new(settings);
        let source = stage.source();
        let record = Arc::new(Record { source: source.clone(), stored: Mutex::default(), broken });
        let id = "own:deployer".parse().unwrap();
        let sink = OwnCredentialSink::new(id, source.clone(), record.clone());
        Self { stage, source, record, sink }
    }

    fn stored(&self) -> usize {
        self.record.stored.lock().unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_signs_in_then_stores_then_switches() {
    let own = Own::new(Settings::default(), false);
    let cache = TokenCache::new(own.source.clone(), Arc::new(own.stage.clock.clone()));
    let scope = own.stage.emulator.cloud().graph_scope();
    let before = cache.token(&scope).await.unwrap();

    let minted = mint(&own.stage).await;
    let candidate = Candidate::new(&minted.secret).with_key(minted.key).with_minted_at(own.stage.clock.now());
    own.sink.push(&candidate).await.unwrap();
    {
        let stored = own.record.stored.lock().unwrap();
        assert!(stored[0].0.same_as(&minted.secret));
        assert!(stored[0].1, "stored while the former one was still in use");
    }
    assert!(own.source.holds(&minted.secret));
    assert!(Arc::ptr_eq(&before, &cache.token(&scope).await.unwrap()), "tokens that were given stay valid");
    cache.invalidate(&scope, &before).await;
    cache.token(&scope).await.unwrap();

    let assessment = own.sink.verify(&candidate).await;
    assert_eq!(assessment.verdict, CredentialVerdict::Accepted, "{assessment:?}");
    own.sink.push(&candidate).await.unwrap();
    assert_eq!(own.stored(), 2, "a push is repeatable");
}

#[tokio::test(start_paused = true)]
async fn it_says_that_it_is_the_issuer_s_own() {
    let own = Own::new(Settings::default(), false);
    let report = own.sink.inspect().await.unwrap();
    assert!(report.is_issuers_own && report.accepts());
    assert_eq!(own.sink.id().as_str(), "own:deployer");
    assert_eq!(own.stage.emulator.exchanges(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_does_not_sign_in_changes_nothing() {
    let own = Own::new(Settings::default(), false);
    let wrong = Secret::new("a-typing-mistake");
    let error = own.sink.push(&Candidate::new(&wrong)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), error.retry()), (ErrorKind::Unauthenticated, Effect::None, Retry::No));
    assert_eq!(own.stored(), 0);
    assert!(own.source.holds(&Secret::new(SECRET)));
    let assessment = own.sink.verify(&Candidate::new(&wrong)).await;
    assert_eq!(assessment.verdict, CredentialVerdict::Rejected);
    assert!(assessment.advice().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_secret_too_new_for_every_replica_may_be_pushed_again() {
    let own = Own::new(Settings::default().with_add_lag(Duration::from_secs(8)), false);
    let minted = mint(&own.stage).await;
    let candidate = Candidate::new(&minted.secret).with_minted_at(own.stage.clock.now());
    let mut refusals = 0;
    while let Err(error) = own.sink.push(&candidate).await {
        assert_eq!((error.effect(), error.retry()), (Effect::None, Retry::Backoff), "{error}");
        assert_eq!(own.stored(), 0);
        refusals += 1;
        own.stage.clock.sleep(Duration::from_secs(4)).await;
    }
    assert!(refusals > 0, "the first replica must not have known it");
    assert!(own.source.holds(&minted.secret));
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_service_changes_nothing_and_proves_nothing() {
    let own = Own::new(Settings::default(), false);
    let minted = mint(&own.stage).await;
    own.stage.emulator.faults().add(Fault::new(FaultAction::LoseAnswer).with_service(Service::Login).forever());
    let candidate = Candidate::new(&minted.secret);
    let error = own.sink.push(&candidate).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
    assert!(own.source.holds(&Secret::new(SECRET)));
    let held = Secret::new(SECRET);
    assert_eq!(own.sink.verify(&Candidate::new(&held)).await.verdict, CredentialVerdict::Inconclusive);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_not_used() {
    let own = Own::new(Settings::default(), true);
    let minted = mint(&own.stage).await;
    let error = own.sink.push(&Candidate::new(&minted.secret)).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "the record may name it all the same");
    assert!(own.source.holds(&Secret::new(SECRET)));
}

#[tokio::test(start_paused = true)]
async fn an_id_in_place_of_a_secret_is_refused_before_anything_happens() {
    let own = Own::new(Settings::default(), false);
    let id = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
    let error = own.sink.push(&Candidate::new(&id)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::None));
    assert_eq!((own.stage.emulator.exchanges(), own.stored()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn how_it_proves_is_the_caller_s() {
    let own = Own::new(Settings::default(), false);
    let verifier = SecretVerifier::new(own.source.endpoint(), client()).with_successes(1);
    let sink = own.sink.with_verifier(verifier);
    let held = Secret::new(SECRET);
    assert!(sink.verify(&Candidate::new(&held)).await.is_accepted());
    assert_eq!(own.stage.emulator.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let own = Own::new(Settings::default(), false);
    let minted = mint(&own.stage).await;
    canary.watch(&minted.secret);
    let wrong = canary.secret();
    let mut shown = format!("{:?} {:?}", own.sink, own.source);
    for secret in [&minted.secret, &wrong] {
        let candidate = Candidate::new(secret);
        shown += &format!("{:?}{:?}", own.sink.push(&candidate).await, own.sink.verify(&candidate).await);
    }
    drop(ears);
    canary.assert_absent("what is shown", shown.as_bytes());
    canary.assert_absent_from_logs();
}
