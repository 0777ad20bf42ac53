//! A process whose secret was replaced by another process of the same product.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Retry, Scope, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict, TokenProvider};
use azconnect_emulator::Settings;
use azconnect_identity::{ClientSecretSource, OwnCredentialSink, OwnRecord, TokenCache, TokenRequest, TokenSource};
use azconnect_testkit::fake::{Fault, SignInRecord, SignInStep};
use azconnect_testkit::{Canary, VirtualClock};
use futures_util::future::join_all;

use crate::conformance::mint;
use crate::stage::{SECRET, Scripted, Stage, client, refusal, token, wrong_secret};

const NEWER: &str = "the-one-in-the-record";

/// A record that counts how often it is read, and takes a while.
#[derive(Clone, Default)]
struct Counted {
    record: SignInRecord,
    loads: Arc<AtomicUsize>,
}

impl Counted {
    async fn holding(secret: &str) -> Self {
        let this = Self::default();
        this.store(&Candidate::new(&Secret::new(secret))).await.unwrap();
        this
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl OwnRecord for Counted {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        VirtualClock::new().sleep(Duration::from_secs(1)).await;
        self.record.load().await
    }
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.record.store(candidate).await
    }
}

fn source(script: &Arc<Scripted>, record: &Counted) -> ClientSecretSource {
    let source = ClientSecretSource::new(script.endpoint(), client(), Secret::new(SECRET)).unwrap();
    source.with_record(Arc::new(record.clone()))
}

fn scope() -> Scope {
    Scope::of_resource("https://graph.microsoft.com")
}

#[tokio::test(start_paused = true)]
async fn a_process_goes_on_after_another_one_has_rotated_the_secret_of_both() {
    let canary = Canary::new();
    let ears = canary.listen();
    let stage = Stage::new(Settings::default());
    let record = Counted::default();
    let own = OwnCredentialSink::new("own:a".parse().unwrap(), stage.source(), Arc::new(record.clone()));
    let other = stage.source().with_record(Arc::new(record.clone()));
    let tokens = TokenCache::new(other.clone(), Arc::new(stage.clock.clone()));
    let graph = stage.emulator.cloud().graph_scope();
    tokens.token(&graph).await.unwrap();

    let old = stage.emulator.truth().application(client()).unwrap().passwords[0].key_id;
    let minted = mint(&stage).await;
    canary.watch(&minted.secret);
    own.push(&Candidate::new(&minted.secret).with_key(minted.key)).await.unwrap();
    stage.emulator.person().delete_password(old).unwrap();
    stage.clock.sleep(Duration::from_secs(60)).await;

    tokens.token(&graph).await.unwrap();
    assert!(other.holds(&Secret::new(SECRET)) && record.loads() == 0, "its token is valid, so it asks nobody");
    stage.clock.sleep(Duration::from_secs(7200)).await;
    tokens.token(&graph).await.unwrap();
    assert!(other.holds(&minted.secret));
    let exchanges = stage.emulator.exchanges();
    tokens.token(&stage.emulator.cloud().resource_manager_scope()).await.unwrap();
    assert_eq!((stage.emulator.exchanges() - exchanges, record.loads()), (1, 1), "the new one is in use");
    drop(ears);
    canary.assert_absent("what is shown", format!("{other:?} {own:?}").as_bytes());
    canary.assert_absent_from_logs();
}

#[tokio::test(start_paused = true)]
async fn without_a_record_a_refusal_is_the_answer() {
    let stage = Stage::new(Settings::default());
    let old = stage.emulator.truth().application(client()).unwrap().passwords[0].key_id;
    stage.emulator.person().delete_password(old).unwrap();
    stage.clock.sleep(Duration::from_secs(60)).await;
    let error = stage.source().fetch(TokenRequest::new(&scope())).await.unwrap_err();
    assert_eq!(error.service_code(), Some("AADSTS7000215"));
}

#[tokio::test(start_paused = true)]
async fn those_who_are_refused_together_read_the_record_once() {
    let script = Scripted::new(|number| if number <= 20 { Ok(wrong_secret()) } else { Ok(token()) });
    let record = Counted::holding(NEWER).await;
    let source = source(&script, &record);
    let scopes: Vec<Scope> = (0..20).map(|number| Scope::of_resource(&format!("api://{number}"))).collect();
    for outcome in join_all(scopes.iter().map(|scope| source.fetch(TokenRequest::new(scope)))).await {
        outcome.unwrap();
    }
    assert_eq!((script.requests(), record.loads()), (40, 1));
    assert!(source.holds(&Secret::new(NEWER)));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reads_the_record_once_and_tries_nothing_twice() {
    let script = Scripted::new(|_| Ok(wrong_secret()));
    let record = Counted::holding(SECRET).await;
    let source = source(&script, &record);
    for times in 1..=3 {
        let error = source.fetch(TokenRequest::new(&scope())).await.unwrap_err();
        assert_eq!(error.service_code(), Some("AADSTS7000215"));
        assert_eq!((script.requests(), record.loads()), (times, times), "the record holds the same");
    }
    let record = Counted::default();
    let source = self::source(&script, &record);
    source.fetch(TokenRequest::new(&scope())).await.unwrap_err();
    assert_eq!((script.requests(), record.loads()), (4, 1), "the record holds none");
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_secret_is_refused_too_is_not_put_in_use() {
    let script = Scripted::new(|_| Ok(refusal(401, "invalid_client", 7_000_222)));
    let record = Counted::holding(NEWER).await;
    let source = source(&script, &record);
    let error = source.fetch(TokenRequest::new(&scope())).await.unwrap_err();
    assert_eq!((script.requests(), record.loads()), (2, 1));
    assert_eq!(error.service_code(), Some("AADSTS7000222"));
    assert!(error.to_string().contains("nor the one in the product's record"), "{error}");
    assert!(source.holds(&Secret::new(SECRET)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_not_about_the_secret_reads_no_record() {
    for (status, word, number) in [
        (400, "unauthorized_client", 700_016),
        (401, "invalid_client", 7_000_112),
        (400, "invalid_request", 90_002),
        (403, "invalid_grant", 53_003),
    ] {
        let script = Scripted::new(move |_| Ok(refusal(status, word, number)));
        let record = Counted::holding(NEWER).await;
        source(&script, &record).fetch(TokenRequest::new(&scope())).await.unwrap_err();
        assert_eq!((script.requests(), record.loads()), (1, 0), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_leaves_the_refusal_in_doubt() {
    let script = Scripted::new(|_| Ok(wrong_secret()));
    let record = Counted::holding(NEWER).await;
    record.record.faults().script(SignInStep::Load, Fault::Dropped);
    let source = source(&script, &record);
    let error = source.fetch(TokenRequest::new(&scope())).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthenticated, Retry::Backoff));
    assert!(error.to_string().contains("could not be read: scripted"), "{error}");
    let script = Scripted::new(|number| if number == 1 { Ok(wrong_secret()) } else { Ok(token()) });
    self::source(&script, &record).fetch(TokenRequest::new(&scope())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_secret_in_the_record_is_not_tried() {
    let script = Scripted::new(|_| Ok(wrong_secret()));
    let record = Counted::holding("1272a66f-e2e8-4e88-ab43-487409186c3f").await;
    let error = source(&script, &record).fetch(TokenRequest::new(&scope())).await.unwrap_err();
    assert_eq!(script.requests(), 1);
    assert!(error.advice().contains("Value"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn a_push_by_another_process_is_verified_by_the_record() {
    let stage = Stage::new(Settings::default());
    let record = Counted::default();
    let sink = |name: &str, source| OwnCredentialSink::new(name.parse().unwrap(), source, Arc::new(record.clone()));
    let live = stage.source();
    let (first, second) = (sink("own:a", stage.source()), sink("own:b", live.clone()));
    let minted = mint(&stage).await;
    let candidate = Candidate::new(&minted.secret).with_key(minted.key);
    assert_eq!(second.verify(&candidate).await.verdict, CredentialVerdict::Rejected, "nobody pushed it yet");
    first.push(&candidate).await.unwrap();
    assert_eq!(second.verify(&candidate).await.verdict, CredentialVerdict::Accepted);
    assert!(live.holds(&minted.secret), "what it has verified it signs in with");

    let held = Secret::new(SECRET);
    assert_eq!(first.verify(&Candidate::new(&held)).await.verdict, CredentialVerdict::Rejected, "it was replaced");
    record.record.faults().break_down(SignInStep::Load, Fault::Dropped);
    assert_eq!(first.verify(&candidate).await.verdict, CredentialVerdict::Inconclusive);
}
