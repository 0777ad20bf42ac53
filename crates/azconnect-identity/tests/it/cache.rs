//! One request for many callers, and never one scope waiting for another.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Retry, Scope, Secret};
use azconnect_credential::TokenProvider;
use azconnect_identity::{FetchedToken, TokenCache, TokenRequest, TokenSource};
use azconnect_testkit::VirtualClock;
use futures_util::FutureExt;
use futures_util::future::{join, join_all};

const HOUR: Duration = Duration::from_secs(3600);

/// How long the next sign-ins take and how they end: with a token of this life, or not.
type Plan = (Duration, Option<Duration>);

/// A source that follows its plans one after the other, the last one for ever.
struct Planned {
    clock: VirtualClock,
    plans: Mutex<VecDeque<Plan>>,
    begun: Mutex<Vec<Scope>>,
    refresh_in: Option<Duration>,
}

#[async_trait]
impl TokenSource for Planned {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let number = {
            let mut begun = self.begun.lock().unwrap();
            begun.push(request.scope.clone());
            begun.len()
        };
        let (pause, life) = {
            let mut plans = self.plans.lock().unwrap();
            if plans.len() > 1 { plans.pop_front().unwrap() } else { plans[0] }
        };
        self.clock.sleep(pause).await;
        let life = life.ok_or_else(|| {
            Error::new(ErrorKind::Unauthenticated, "the client secret has expired")
                .in_operation("entra.token")
                .with_service_code("AADSTS7000222")
                .with_http_status(401)
                .with_request_id("the-trace")
                .with_advice("create a new secret")
                .with_effect(Effect::None)
        })?;
        Ok(FetchedToken::new(Secret::new(format!("token-{number}")), life).with_refresh_in(self.refresh_in))
    }
}

struct Stage {
    clock: VirtualClock,
    cache: TokenCache<Arc<Planned>>,
}

impl Stage {
    fn new(plans: impl IntoIterator<Item = Plan>) -> Self {
        Self::with_refresh_in(plans, None)
    }

    fn with_refresh_in(plans: impl IntoIterator<Item = Plan>, refresh_in: Option<Duration>) -> Self {
        let clock = VirtualClock::new();
        let plans = Mutex::new(plans.into_iter().collect());
        let source = Arc::new(Planned { clock: clock.clone(), plans, begun: Mutex::default(), refresh_in });
        Self { cache: TokenCache::new(source, Arc::new(clock.clone())), clock }
    }

    async fn token(&self, scope: &str) -> Result<String, Error> {
        let token = self.cache.token(&Scope::of_resource(scope)).await?;
        Ok(token.secret.expose().to_owned())
    }

    fn requests(&self) -> usize {
        self.cache.source().begun.lock().unwrap().len()
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_request() {
    let stage = Stage::new([(secs(2), Some(HOUR))]);
    let tokens = join_all((0..100).map(|_| stage.token("a"))).await;
    assert!(tokens.iter().all(|token| token.as_deref().unwrap() == "token-1"));
    assert_eq!((stage.requests(), stage.clock.elapsed()), (1, secs(2)));
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    assert_eq!(stage.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_hangs_delays_no_other() {
    let stage = Stage::new([(secs(86_400), Some(HOUR)), (secs(1), Some(HOUR))]);
    let hanging = stage.token("a");
    let quick = async {
        assert_eq!(stage.token("b").await.unwrap(), "token-2");
        stage.clock.elapsed()
    };
    let (hung, quick_after) = join(hanging, quick).await;
    assert_eq!(quick_after, secs(1));
    assert_eq!(hung.unwrap(), "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_leader_who_gives_up_does_not_disturb_the_others() {
    let stage = Stage::new([(secs(10), Some(HOUR))]);
    let mut leader = Box::pin(stage.token("a"));
    assert!(leader.as_mut().now_or_never().is_none());
    let mut followers: Vec<_> = (0..3).map(|_| Box::pin(stage.token("a"))).collect();
    for follower in &mut followers {
        assert!(follower.as_mut().now_or_never().is_none());
    }
    stage.clock.sleep(secs(4)).await;
    drop(leader);
    drop(followers.pop());
    let tokens = join_all(followers).await;
    assert!(tokens.iter().all(|token| token.as_deref().unwrap() == "token-1"));
    assert_eq!((stage.requests(), stage.clock.elapsed()), (1, secs(10)));
}

#[tokio::test(start_paused = true)]
async fn when_every_caller_gave_up_the_next_begins_anew() {
    let stage = Stage::new([(secs(10), Some(HOUR))]);
    let mut alone = Box::pin(stage.token("a"));
    assert!(alone.as_mut().now_or_never().is_none());
    drop(alone);
    stage.clock.sleep(secs(60)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
    assert_eq!(stage.clock.elapsed(), secs(70));
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_all_who_waited_whole_and_is_not_kept() {
    let stage = Stage::new([(secs(2), None), (secs(2), Some(HOUR))]);
    for outcome in join_all((0..5).map(|_| stage.token("a"))).await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
        assert_eq!(error.service_code(), Some("AADSTS7000222"));
        assert_eq!(error.advice(), "create a new secret");
        let text = "entra.token: the client secret has expired (HTTP 401, AADSTS7000222, request the-trace)";
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(stage.requests(), 1);
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_comes_after_a_failure_begins_anew_though_another_has_not_heard_of_it() {
    let stage = Stage::new([(secs(2), None), (secs(2), Some(HOUR))]);
    let mut slow = Box::pin(stage.token("a"));
    assert!(slow.as_mut().now_or_never().is_none());
    stage.token("a").await.unwrap_err();
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
    slow.await.unwrap_err();
    assert_eq!(stage.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_five_minutes_before_its_end_by_one_caller_while_others_go_on() {
    let stage = Stage::new([(secs(0), Some(HOUR)), (secs(2), Some(HOUR))]);
    stage.token("a").await.unwrap();
    stage.clock.sleep(secs(3299)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    assert_eq!(stage.requests(), 1);
    stage.clock.sleep(secs(1)).await;
    let leader = stage.token("a");
    let follower = async {
        let token = stage.token("a").await.unwrap();
        (token, stage.clock.elapsed())
    };
    let (renewed, (token, at)) = join(leader, follower).await;
    assert_eq!(renewed.unwrap(), "token-2");
    assert_eq!((token.as_str(), at), ("token-1", secs(3300)), "the follower did not wait");
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_short_life_is_renewed_at_its_half() {
    let stage = Stage::new([(secs(0), Some(secs(300)))]);
    stage.token("a").await.unwrap();
    stage.clock.sleep(secs(149)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    stage.clock.sleep(secs(1)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn the_service_s_own_time_to_renew_goes_first() {
    let stage = Stage::with_refresh_in([(secs(0), Some(HOUR * 24))], Some(HOUR * 12));
    stage.token("a").await.unwrap();
    stage.clock.sleep(HOUR * 12 - secs(1)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    stage.clock.sleep(secs(1)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_failed_early_renewal_costs_nothing_and_is_not_repeated_at_once() {
    let stage = Stage::new([(secs(0), Some(HOUR)), (secs(1), None), (secs(1), Some(HOUR))]);
    stage.token("a").await.unwrap();
    stage.clock.sleep(secs(3300)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    assert_eq!(stage.requests(), 2);
    stage.clock.sleep(secs(29)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    assert_eq!(stage.requests(), 2);
    stage.clock.sleep(secs(1)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-3");
}

#[tokio::test(start_paused = true)]
async fn an_early_renewal_that_hangs_is_left_after_ten_seconds() {
    let stage = Stage::new([(secs(0), Some(HOUR)), (secs(86_400), None)]);
    stage.token("a").await.unwrap();
    stage.clock.sleep(secs(3300)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    assert_eq!(stage.clock.elapsed(), secs(3310));
}

#[tokio::test(start_paused = true)]
async fn near_its_end_a_token_is_not_given_out_and_a_failure_is_told() {
    let stage = Stage::new([(secs(0), Some(HOUR)), (secs(1), None)]);
    stage.token("a").await.unwrap();
    stage.clock.sleep(secs(3569)).await;
    assert_eq!(stage.token("a").await.unwrap(), "token-1");
    stage.clock.sleep(secs(1)).await;
    assert_eq!(stage.token("a").await.unwrap_err().service_code(), Some("AADSTS7000222"));
}

#[tokio::test(start_paused = true)]
async fn only_the_refused_token_is_forgotten() {
    let stage = Stage::new([(secs(0), Some(HOUR))]);
    let (a, b) = (Scope::of_resource("a"), Scope::of_resource("b"));
    let first = stage.cache.token(&a).await.unwrap();
    stage.cache.token(&b).await.unwrap();
    stage.cache.invalidate(&a, &first).await;
    let next = stage.cache.token(&a).await.unwrap();
    assert_eq!(next.secret.expose(), "token-3");
    // Another request that was under way with the first token is refused as well, later.
    stage.cache.invalidate(&a, &first).await;
    assert!(Arc::ptr_eq(&stage.cache.token(&a).await.unwrap(), &next));
    assert_eq!(stage.cache.token(&b).await.unwrap().secret.expose(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_tokens() {
    let stage = Stage::new([(secs(1), Some(HOUR))]);
    let (other, scope) = (stage.cache.clone(), Scope::of_resource("a"));
    let (mine, theirs) = join(stage.cache.token(&scope), other.token(&scope)).await;
    assert!(Arc::ptr_eq(&mine.unwrap(), &theirs.unwrap()));
}

/// A source that is throttled at its second request, with a pause.
struct Throttled {
    asked: Mutex<Vec<Duration>>,
    clock: VirtualClock,
    pause: Duration,
}

#[async_trait]
impl TokenSource for Throttled {
    async fn fetch(&self, _: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(self.clock.elapsed());
        if asked.len() == 2 {
            return Err(Error::new(ErrorKind::Throttled, "Microsoft Entra ID asks for a pause")
                .with_http_status(429)
                .with_retry(Retry::After(self.pause)));
        }
        Ok(FetchedToken::new(Secret::new(format!("token-{}", asked.len())), HOUR))
    }
}

fn throttled(pause: Duration) -> (VirtualClock, TokenCache<Arc<Throttled>>) {
    let clock = VirtualClock::new();
    let source = Arc::new(Throttled { asked: Mutex::default(), clock: clock.clone(), pause });
    (clock.clone(), TokenCache::new(source, Arc::new(clock)))
}

/// The token endpoint answers 429 with `Retry-After` for the application, whatever the scope.
#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_while_the_pause_that_the_service_named_lasts() {
    let (clock, cache) = throttled(secs(90));
    let (a, b) = (Scope::of_resource("a"), Scope::of_resource("b"));
    cache.token(&a).await.unwrap();
    assert_eq!(cache.token(&b).await.unwrap_err().retry(), Retry::After(secs(90)));
    for (wait, left) in [(0, 90), (60, 30), (29, 1)] {
        clock.sleep(secs(wait)).await;
        let refusal = cache.token(&b).await.unwrap_err();
        assert_eq!((refusal.kind(), refusal.http_status()), (ErrorKind::Throttled, Some(429)));
        assert_eq!(refusal.retry(), Retry::After(secs(left)));
        assert_eq!(cache.token(&a).await.unwrap().secret.expose(), "token-1", "what is valid is used");
    }
    clock.sleep(secs(1)).await;
    assert_eq!(cache.token(&b).await.unwrap().secret.expose(), "token-3");
    assert_eq!(*cache.source().asked.lock().unwrap(), [secs(0), secs(0), secs(90)]);
}

#[tokio::test(start_paused = true)]
async fn an_early_renewal_waits_for_the_end_of_the_pause_too() {
    let (clock, cache) = throttled(secs(120));
    let scope = Scope::of_resource("a");
    cache.token(&scope).await.unwrap();
    clock.sleep(secs(3300)).await;
    for _ in 0..12 {
        assert_eq!(cache.token(&scope).await.unwrap().secret.expose(), "token-1");
        clock.sleep(secs(10)).await;
    }
    assert_eq!(cache.token(&scope).await.unwrap().secret.expose(), "token-3");
    assert_eq!(*cache.source().asked.lock().unwrap(), [secs(0), secs(3300), secs(3420)]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_end_is_kept_for_an_hour() {
    let (clock, cache) = throttled(Duration::MAX);
    let (a, b) = (Scope::of_resource("a"), Scope::of_resource("b"));
    cache.token(&a).await.unwrap();
    cache.token(&b).await.unwrap_err();
    clock.sleep(HOUR - secs(1)).await;
    assert_eq!(cache.token(&b).await.unwrap_err().retry(), Retry::After(secs(1)));
    clock.sleep(secs(1)).await;
    cache.token(&b).await.unwrap();
}
