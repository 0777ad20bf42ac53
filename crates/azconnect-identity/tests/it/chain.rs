//! Several ways to sign in: which is skipped, which ends the search, and what is said in the end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Retry, Scope, Secret};
use azconnect_credential::TokenProvider;
use azconnect_identity::managed::{Imds, ManagedIdentity, ManagedIdentityId};
use azconnect_identity::{
    Availability, ChainLink, FetchedToken, Presence, SkippedLinks, TokenCache, TokenChain, TokenRequest, TokenSource,
};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::Conduct;

use crate::managed_stage::{Played, answer, documented, fetch, refusal};

/// A way to sign in that does as it is told, and counts how often it was asked.
#[derive(Clone)]
struct Way {
    name: &'static str,
    fails: Arc<Mutex<Option<ErrorKind>>>,
    present: Arc<Mutex<Result<bool, ErrorKind>>>,
    asked: Arc<Mutex<usize>>,
}

impl Way {
    fn new(name: &'static str) -> Self {
        Self { name, fails: Arc::default(), present: Arc::new(Mutex::new(Ok(true))), asked: Arc::default() }
    }

    fn failing(self, kind: ErrorKind) -> Self {
        *self.fails.lock().unwrap() = Some(kind);
        self
    }

    fn present(self, present: Result<bool, ErrorKind>) -> Self {
        *self.present.lock().unwrap() = present;
        self
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl TokenSource for Way {
    async fn fetch(&self, _: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        *self.asked.lock().unwrap() += 1;
        match *self.fails.lock().unwrap() {
            Some(kind) => Err(Error::new(kind, "it does not work").with_effect(Effect::None)),
            None => Ok(FetchedToken::new(Secret::new(self.name), Duration::from_secs(3600))),
        }
    }
}

#[async_trait]
impl Presence for Way {
    async fn presence(&self) -> Result<Availability<()>, Error> {
        match *self.present.lock().unwrap() {
            Ok(true) => Ok(Availability::Here(())),
            Ok(false) => Ok(Availability::NotHere("nobody answers".into())),
            Err(kind) => Err(Error::new(kind, "nobody can tell").with_effect(Effect::None)),
        }
    }
}

fn absent(name: &str, reason: &str) -> ChainLink {
    ChainLink::of_variables::<Way>(name, Availability::NotHere(reason.into()))
}

async fn given(chain: &TokenChain) -> String {
    fetch(chain).await.unwrap().secret.expose().to_owned()
}

#[tokio::test]
async fn the_first_that_exists_is_used_and_kept() {
    let (first, second) = (Way::new("first").present(Ok(false)), Way::new("second"));
    let chain = TokenChain::new([
        absent("workload identity", "AZURE_FEDERATED_TOKEN_FILE is not set"),
        ChainLink::with_presence("managed identity", first.clone()),
        ChainLink::new("developer", second.clone()),
    ])
    .unwrap();
    assert_eq!(chain.settled(), None);
    assert_eq!(given(&chain).await, "second");
    assert_eq!(chain.settled(), Some("developer"));
    // What comes up later is not looked for any more, and neither is it when the kept one fails.
    let _ = first.clone().present(Ok(true));
    assert_eq!(given(&chain).await, "second");
    let _ = second.clone().failing(ErrorKind::Unavailable);
    assert_eq!(fetch(&chain).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!((first.asked(), second.asked()), (0, 3));
}

#[tokio::test]
async fn one_that_exists_and_fails_ends_the_search() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Unauthenticated, ErrorKind::NotFound] {
        let (first, second) = (Way::new("first").failing(kind), Way::new("second"));
        let links = [ChainLink::new("workload identity", first.clone()), ChainLink::new("developer", second.clone())];
        let chain = TokenChain::new(links).unwrap();
        let error = fetch(&chain).await.unwrap_err();
        assert_eq!((error.kind(), error.effect(), second.asked()), (kind, Effect::None, 0));
        assert_eq!(error.message(), "workload identity: it does not work");
        assert_eq!(chain.settled(), None, "it has not worked, so it is not kept");
        *first.fails.lock().unwrap() = None;
        assert_eq!(given(&chain).await, "first");
    }
}

#[tokio::test]
async fn where_nobody_can_tell_the_search_ends() {
    let (first, second) = (Way::new("first").present(Err(ErrorKind::Unavailable)), Way::new("second"));
    let links = [ChainLink::with_presence("managed identity", first), ChainLink::new("developer", second.clone())];
    let error = fetch(&TokenChain::new(links).unwrap()).await.unwrap_err();
    assert_eq!(error.message(), "managed identity: nobody can tell");
    assert_eq!(second.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_none_exists_each_reason_is_kept_also_behind_a_cache() {
    let chain = TokenChain::new([
        absent("workload identity", "AZURE_FEDERATED_TOKEN_FILE is not set"),
        ChainLink::with_presence("managed identity", Way::new("x").present(Ok(false))),
    ])
    .unwrap();
    let cache = TokenCache::new(chain, Arc::new(VirtualClock::new()));
    let error = cache.token(&Scope::of_resource("https://management.azure.com")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
    let links = SkippedLinks::of(&error).unwrap().links();
    let told: Vec<_> = links.iter().map(|link| (&*link.name, &*link.reason)).collect();
    assert_eq!(
        told,
        [("workload identity", "AZURE_FEDERATED_TOKEN_FILE is not set"), ("managed identity", "nobody answers")]
    );
    for (name, reason) in told {
        assert!(error.message().contains(&format!("{name}: {reason}")), "{error}");
    }
    assert_eq!(error.retry(), Retry::Backoff, "a look may find something later");
    let fixed = TokenChain::new([absent("a", "b")]).unwrap();
    assert_eq!(fetch(&fixed).await.unwrap_err().retry(), Retry::No, "a variable stays as it is");
    assert!(SkippedLinks::of(&Error::new(ErrorKind::Unavailable, "other")).is_none());
}

#[test]
fn a_chain_without_links_is_refused() {
    assert_eq!(TokenChain::new([]).unwrap_err().field(), Some("links"));
}

/// A machine of Azure's is looked for, then asked; elsewhere the next way is taken.
#[tokio::test(start_paused = true)]
async fn a_managed_identity_is_taken_in_azure_only() {
    let of = |played: &Played, second: &Way| {
        let machine = ManagedIdentity::of_virtual_machine(Imds::new(&played.platform(), ManagedIdentityId::System));
        let links =
            [ChainLink::with_presence("managed identity", machine), ChainLink::new("developer", second.clone())];
        TokenChain::new(links).unwrap()
    };
    let azure = Played::new(|_, request| match request.headers().contains_key("metadata") {
        true => Conduct::Answer(answer(200, &documented(true))),
        false => Conduct::Answer(refusal(400, "invalid_request", "Required metadata header not specified")),
    });
    let second = Way::new("second");
    assert_eq!(given(&of(&azure, &second)).await, "eyJ0eXAi");
    let nowhere = Played::new(|_, _| Conduct::Hang);
    assert_eq!(given(&of(&nowhere, &second)).await, "second");
    assert!(nowhere.clock.elapsed_seconds() <= 1.0);
    // There, and without an identity: a person who sits in front of it must not sign in by accident.
    let without = Played::new(|_, _| Conduct::Answer(refusal(400, "invalid_request", "Identity not found")));
    let error = fetch(&of(&without, &second)).await.unwrap_err();
    assert!(error.message().starts_with("managed identity: no such managed identity"), "{error}");
    assert_eq!(second.asked(), 1);
}

trait Seconds {
    fn elapsed_seconds(&self) -> f64;
}

impl Seconds for VirtualClock {
    fn elapsed_seconds(&self) -> f64 {
        azconnect_core::Clock::elapsed(self).as_secs_f64()
    }
}
