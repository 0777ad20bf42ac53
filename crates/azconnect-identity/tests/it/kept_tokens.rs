//! Tokens that outlive the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Scope, Secret, SecretId, SecretStore};
use azconnect_credential::TokenProvider;
use azconnect_identity::{FetchedToken, KeptTokens, TokenCache, TokenRequest, TokenSource};
use azconnect_store::MemorySecrets;
use azconnect_testkit::{Canary, VirtualClock};

const HOUR: Duration = Duration::from_secs(3600);

/// A source that counts its tokens.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl TokenSource for Counting {
    async fn fetch(&self, _: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(FetchedToken::new(Secret::new(format!("token-number-{number}")), HOUR))
    }
}

/// A machine on which a program is started again and again.
struct Machine {
    clock: VirtualClock,
    secrets: Arc<dyn SecretStore>,
    source: Arc<Counting>,
}

type Started = TokenCache<KeptTokens<Arc<Counting>>>;

impl Machine {
    fn new() -> Self {
        Self { clock: VirtualClock::new(), secrets: Arc::new(MemorySecrets::new()), source: Arc::default() }
    }

    fn start(&self) -> Started {
        self.start_as("contoso/portal", "the secret")
    }

    fn start_as(&self, owner: &str, credential: &str) -> Started {
        TokenCache::new(self.kept_tokens_of(owner, credential), Arc::new(self.clock.clone()))
    }

    fn kept_tokens(&self) -> KeptTokens<Arc<Counting>> {
        self.kept_tokens_of("contoso/portal", "the secret")
    }

    fn kept_tokens_of(&self, owner: &str, credential: &str) -> KeptTokens<Arc<Counting>> {
        let ports = (self.secrets.clone(), Arc::new(self.clock.clone()) as Arc<dyn Clock>);
        KeptTokens::new(self.source.clone(), ports, owner, &Secret::new(credential))
    }

    fn sign_ins(&self) -> usize {
        self.source.0.load(Ordering::SeqCst)
    }

    async fn kept(&self) -> usize {
        self.secrets.list("", None).await.unwrap().len()
    }
}

fn scope(name: &str) -> Scope {
    Scope::of_resource(&format!("api://{name}"))
}

async fn token(started: &Started, name: &str) -> String {
    started.token(&scope(name)).await.unwrap().secret.expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_program_that_is_started_anew_goes_on_with_a_valid_token() {
    let machine = Machine::new();
    assert_eq!(token(&machine.start(), "a").await, "token-number-1");
    machine.clock.sleep(HOUR / 2).await;
    let again = machine.start();
    assert_eq!(
        (token(&again, "a").await, token(&again, "b").await),
        ("token-number-1".into(), "token-number-2".into())
    );
    // Its end is the one that it had.
    machine.clock.sleep(HOUR / 2 - Duration::from_secs(10)).await;
    assert_eq!(token(&again, "a").await, "token-number-3");
    assert_eq!(token(&machine.start(), "a").await, "token-number-3");
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_and_that_of_another_credential_are_neither_given_nor_kept() {
    let machine = Machine::new();
    token(&machine.start(), "a").await;
    token(&machine.start(), "b").await;
    assert_eq!(machine.kept().await, 2);
    assert_eq!(token(&machine.start_as("contoso/portal", "the next secret"), "a").await, "token-number-3");
    assert_eq!(machine.kept().await, 1, "those of the former secret are forgotten");
    assert_eq!(token(&machine.start_as("fabrikam/portal", "the next secret"), "a").await, "token-number-4");
    machine.clock.sleep(HOUR).await;
    assert_eq!(token(&machine.start_as("contoso/portal", "the next secret"), "a").await, "token-number-5");
    assert_eq!(machine.kept().await, 2, "one of each owner");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_service_refused_is_not_given_again() {
    let machine = Machine::new();
    token(&machine.start(), "a").await;
    let again = machine.start();
    let refused = again.token(&scope("a")).await.unwrap();
    again.invalidate(&scope("a"), &refused).await;
    assert_eq!(token(&again, "a").await, "token-number-2");
    assert_eq!(token(&machine.start(), "a").await, "token-number-2");
    // A service that wants something of the next token has seen the kept one.
    let challenged = machine.start();
    challenged.source().fetch(TokenRequest::new(&scope("a")).with_claims(Some("{}"))).await.unwrap();
    assert_eq!(machine.sign_ins(), 3);
}

/// A client that answers challenges says so with each sign-in, which is no challenge.
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_challenges_goes_on_with_a_kept_token_too() {
    let machine = Machine::new();
    let start = || TokenCache::with_continuous_access(machine.kept_tokens(), Arc::new(machine.clock.clone()));
    assert_eq!(token(&start(), "a").await, "token-number-1");
    let again = start();
    assert_eq!(token(&again, "a").await, "token-number-1", "as the first one of this process");
    let refused = again.token(&scope("a")).await.unwrap();
    again.challenged(&scope("a"), &refused, r#"{"access_token":{}}"#).await;
    assert_eq!(token(&again, "a").await, "token-number-2");
    // The very first request of a process may answer a challenge too, of a token that came from elsewhere.
    let scope = scope("a");
    let challenged = TokenRequest::new(&scope).with_claims(Some("{}"));
    let capable = challenged.with_challenged(false);
    assert!(challenged.challenged && !capable.challenged && !TokenRequest::new(&scope).challenged);
    let given = start().source().fetch(challenged).await.unwrap();
    assert_eq!(given.secret.expose(), "token-number-3");
    let given = start().source().fetch(capable).await.unwrap();
    assert_eq!(given.secret.expose(), "token-number-3");
}

#[tokio::test(start_paused = true)]
async fn so_many_tokens_are_kept_and_no_more() {
    let machine = Machine::new();
    let started = machine.start();
    for number in 0..50 {
        token(&started, &number.to_string()).await;
    }
    assert_eq!(machine.kept().await, 32);
    assert_eq!(token(&machine.start(), "49").await, "token-number-50");
    started.source().forget().await.unwrap();
    assert_eq!(machine.kept().await, 0);
}

/// A store that fails, as on a full disk.
struct Broken;

#[async_trait]
impl SecretStore for Broken {
    async fn put(&self, _: &SecretId, _: &Secret) -> Result<(), Error> {
        Err(broken())
    }
    async fn get(&self, _: &SecretId) -> Result<Option<Secret>, Error> {
        Err(broken())
    }
    async fn remove(&self, _: &SecretId) -> Result<(), Error> {
        Err(broken())
    }
    async fn list(&self, _: &str, _: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        Err(broken())
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, "the disk is full").with_effect(Effect::None)
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_keeps_nobody_from_signing_in() {
    let machine = Machine { secrets: Arc::new(Broken), ..Machine::new() };
    assert_eq!(token(&machine.start(), "a").await, "token-number-1");
    assert_eq!(token(&machine.start(), "a").await, "token-number-2");
}

#[tokio::test(start_paused = true)]
async fn neither_tokens_nor_credentials_are_shown_logged_or_in_a_name() {
    let (machine, canary) = (Machine::new(), Canary::new());
    canary.watch(&Secret::new("token-number-1"));
    let ears = canary.listen();
    let started = machine.start_as("contoso/portal", canary.secret().expose());
    token(&started, "a").await;
    let names = machine.secrets.list("", None).await.unwrap();
    drop(ears);
    canary.assert_absent("what was shown", format!("{:?} {started:?} {names:?}", started.source()).as_bytes());
    canary.assert_absent_from_logs();
}
