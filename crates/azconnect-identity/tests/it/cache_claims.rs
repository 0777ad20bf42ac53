//! A service that refuses a token, and says what it wants of the next (continuous access evaluation).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_identity::{FetchedToken, TokenCache, TokenRequest, TokenSource};
use azconnect_testkit::VirtualClock;
use futures_util::future::join;

const WANTED: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

/// A source that notes the claims of each request, and refuses some of them.
struct Noting {
    clock: VirtualClock,
    claims: Mutex<Vec<Option<String>>>,
    refuses: Vec<usize>,
    takes: Duration,
}

#[async_trait]
impl TokenSource for Noting {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let number = {
            let mut claims = self.claims.lock().unwrap();
            claims.push(request.claims.map(str::to_owned));
            claims.len()
        };
        self.clock.sleep(self.takes).await;
        if self.refuses.contains(&number) {
            return Err(Error::new(ErrorKind::Unavailable, "not now").with_effect(Effect::None));
        }
        Ok(FetchedToken::new(Secret::new(format!("token-{number}")), Duration::from_secs(3600)))
    }
}

type Cache = TokenCache<Arc<Noting>>;

fn cache(make: fn(Arc<Noting>, Arc<dyn Clock>) -> Cache, refuses: &[usize], takes: u64) -> Cache {
    let (clock, takes) = (VirtualClock::new(), Duration::from_secs(takes));
    let source = Noting { clock: clock.clone(), claims: Mutex::default(), refuses: refuses.to_vec(), takes };
    make(Arc::new(source), Arc::new(clock))
}

fn scope() -> Scope {
    Scope::of_resource("https://graph.microsoft.com")
}

fn sent(cache: &Cache) -> Vec<Option<String>> {
    cache.source().claims.lock().unwrap().clone()
}

async fn token(cache: &Cache) -> Result<Arc<AccessToken>, Error> {
    cache.token(&scope()).await
}

#[tokio::test(start_paused = true)]
async fn the_next_sign_in_sends_what_the_service_wants_and_later_ones_do_not() {
    let cache = cache(TokenCache::new, &[], 0);
    let first = token(&cache).await.unwrap();
    cache.challenged(&scope(), &first, WANTED).await;
    let second = token(&cache).await.unwrap();
    assert_eq!(second.secret.expose(), "token-2");
    assert!(Arc::ptr_eq(&second, &token(&cache).await.unwrap()), "it is kept");
    cache.invalidate(&scope(), &second).await;
    token(&cache).await.unwrap();
    assert_eq!(sent(&cache), [None, Some(WANTED.to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_is_sent_until_a_sign_in_succeeds() {
    let cache = cache(TokenCache::new, &[2], 0);
    let first = token(&cache).await.unwrap();
    cache.challenged(&scope(), &first, WANTED).await;
    token(&cache).await.unwrap_err();
    token(&cache).await.unwrap();
    assert_eq!(sent(&cache), [None, Some(WANTED.to_owned()), Some(WANTED.to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_challenge_for_a_token_that_was_replaced_changes_nothing() {
    let cache = cache(TokenCache::new, &[], 0);
    let first = token(&cache).await.unwrap();
    cache.challenged(&scope(), &first, WANTED).await;
    let second = token(&cache).await.unwrap();
    cache.challenged(&scope(), &first, "{}").await;
    assert!(Arc::ptr_eq(&second, &token(&cache).await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_under_way_does_not_answer_a_challenge() {
    let cache = cache(TokenCache::new, &[], 5);
    let first = token(&cache).await.unwrap();
    let clock = cache.source().clock.clone();
    clock.sleep(Duration::from_secs(3400)).await;
    let challenge = async {
        clock.sleep(Duration::from_secs(1)).await;
        cache.challenged(&scope(), &first, WANTED).await;
        clock.sleep(Duration::from_secs(5)).await;
        token(&cache).await.unwrap()
    };
    let (renewed, answered) = join(token(&cache), challenge).await;
    assert_eq!(renewed.unwrap().secret.expose(), "token-2");
    assert_eq!(answered.secret.expose(), "token-3");
    assert_eq!(sent(&cache), [None, None, Some(WANTED.to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_challenges_says_so_in_every_request() {
    let cache = cache(TokenCache::with_continuous_access, &[], 0);
    let first = token(&cache).await.unwrap();
    cache.challenged(&scope(), &first, WANTED).await;
    token(&cache).await.unwrap();
    let sent = sent(&cache);
    assert_eq!(sent[0].as_deref(), Some(r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#));
    let both: serde_json::Value = serde_json::from_str(sent[1].as_deref().unwrap()).unwrap();
    assert_eq!(both["access_token"]["xms_cc"]["values"][0], "cp1");
    assert_eq!(both["access_token"]["nbf"]["value"], "1604106651");
}

/// A source that is granted the same, whatever it asks for.
struct Granted(Option<&'static str>);

#[async_trait]
impl TokenSource for Granted {
    async fn fetch(&self, _: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let token = FetchedToken::new(Secret::new("a-token"), Duration::from_secs(3600));
        Ok(token.with_granted(self.0.map(Into::into)))
    }
}

/// Counts the warnings of this thread.
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn less_than_was_asked_for_by_name_is_told_and_given() {
    let named = Scope::delegated("api://orders", ["Read", "Write"]).unwrap();
    let all = Scope::of_resource("api://orders");
    for (scope, granted, told) in [
        (&named, Some("api://orders/Read api://orders/Write"), false),
        (&named, Some("api://orders/Read"), true),
        (&named, Some(""), true),
        (&named, None, false),
        (&all, Some("api://orders/Read"), false),
        (&all, Some("api://orders/.default"), false),
    ] {
        let warnings = Arc::new(AtomicUsize::new(0));
        let ears = tracing::subscriber::set_default(Warnings(warnings.clone()));
        let cache = TokenCache::new(Granted(granted), Arc::new(VirtualClock::new()));
        cache.token(scope).await.unwrap();
        drop(ears);
        assert_eq!(warnings.load(Ordering::SeqCst), usize::from(told), "{scope} {granted:?}");
    }
}
