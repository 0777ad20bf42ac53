//! Tokens in the name of a linked person, by the refresh token that is kept of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Lease, Retry, Revision, Scope, Secret};
use azconnect_credential::{KeptRefreshToken, LinkId, RefreshTokens, TokenProvider};
use azconnect_emulator::{Fault, FaultAction, RefreshRule, Settings, SignInSettings};
use azconnect_identity::user::{LinkState, Obstacle, UserTokenSource};
use azconnect_identity::{TokenCache, TokenRequest, TokenSource};
use azconnect_store::MemoryLease;
use azconnect_testkit::Canary;
use azconnect_testkit::fake::{self, RefreshTokensStep};

use crate::people::*;

/// A person who is linked, and what the processes of a product share.
struct Linked {
    people: People,
    store: fake::RefreshTokens,
    lease: Arc<dyn Lease>,
}

impl Linked {
    async fn new(rule: RefreshRule) -> Self {
        let settings = Settings::default().with_sign_in(SignInSettings::default().with_refresh_rule(rule));
        let people = People::new(settings);
        let lease = Arc::new(MemoryLease::new(Arc::new(people.clock.clone())));
        let linked = Self { people, store: fake::RefreshTokens::new(), lease };
        linked.link_again(ADA).await;
        linked
    }

    async fn link_again(&self, user: &str) {
        let refresh = self.people.signed_in(user).await.refresh.unwrap();
        self.store.remove(&link()).await.unwrap();
        self.store.store(&link(), &refresh, None).await.unwrap();
    }

    /// The source of one process.
    fn source(&self) -> UserTokenSource {
        self.source_over(Arc::new(self.store.clone()))
    }

    fn source_over(&self, store: Arc<dyn RefreshTokens>) -> UserTokenSource {
        let portal = self.people.portal(self.people.contoso());
        UserTokenSource::new(portal, store, link(), Arc::clone(&self.lease)).unwrap()
    }

    fn kept(&self) -> Option<Secret> {
        self.store.kept(&link())
    }

    async fn refusal(&self) -> Error {
        let before = self.kept();
        let error = self.source().fetch(TokenRequest::new(&work())).await.unwrap_err();
        assert_eq!(error.effect(), Effect::None);
        let same = match (&before, &self.kept()) {
            (Some(before), Some(now)) => before.same_as(now),
            (before, now) => before.is_none() && now.is_none(),
        };
        assert!(same, "a refusal changed what is kept");
        error
    }
}

/// A store that does something when it is called.
struct Disturbed<F> {
    inner: fake::RefreshTokens,
    step: RefreshTokensStep,
    deed: F,
    calls: AtomicUsize,
}

impl<F> Disturbed<F> {
    fn new(inner: &fake::RefreshTokens, step: RefreshTokensStep, deed: F) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), step, deed, calls: AtomicUsize::new(0) })
    }
}

impl<F: AsyncDeed> Disturbed<F> {
    /// Only the first call of its kind is disturbed.
    async fn disturb(&self, step: RefreshTokensStep) {
        if step == self.step && self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            self.deed.run(&self.inner).await;
        }
    }
}

#[async_trait]
trait AsyncDeed: Send + Sync {
    async fn run(&self, store: &fake::RefreshTokens);
}

struct Unlink;

#[async_trait]
impl AsyncDeed for Unlink {
    async fn run(&self, store: &fake::RefreshTokens) {
        store.remove(&link()).await.unwrap();
    }
}

/// Another token takes the place of the one that is kept.
struct Replace {
    token: Secret,
    anew: bool,
}

#[async_trait]
impl AsyncDeed for Replace {
    async fn run(&self, store: &fake::RefreshTokens) {
        let after = match self.anew {
            true => store.remove(&link()).await.map(|()| None).unwrap(),
            false => store.load(&link()).await.unwrap().map(|kept| kept.revision),
        };
        store.store(&link(), &self.token, after).await.unwrap();
    }
}

#[async_trait]
impl<F: AsyncDeed> RefreshTokens for Disturbed<F> {
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error> {
        let loaded = self.inner.load(link).await;
        self.disturb(RefreshTokensStep::Load).await;
        loaded
    }
    async fn store(&self, link: &LinkId, token: &Secret, after: Option<Revision>) -> Result<Revision, Error> {
        self.disturb(RefreshTokensStep::Store).await;
        self.inner.store(link, token, after).await
    }
    async fn remove(&self, link: &LinkId) -> Result<(), Error> {
        self.inner.remove(link).await
    }
}

#[tokio::test(start_paused = true)]
async fn each_refresh_is_stored_before_its_token_is_used() {
    let linked = Linked::new(RefreshRule::ReuseRevokes).await;
    let cache = TokenCache::new(linked.source(), Arc::new(linked.people.clock.clone()));
    for _ in 0..3 {
        let before = linked.kept().unwrap();
        let token = cache.token(&work()).await.unwrap();
        assert_eq!(claim(&token.secret, "oid"), ADA_ID);
        assert!(!linked.kept().unwrap().same_as(&before));
        cache.invalidate(&work(), &token).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_link_gives_tokens_for_every_resource_that_was_consented_to() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let source = linked.source();
    let all = Scope::of_resource(DEVOPS);
    for scope in [work(), all] {
        let token = source.fetch(TokenRequest::new(&scope)).await.unwrap();
        assert_eq!(claim(&token.secret, "scp"), "user_impersonation");
    }
    let graph = "User.Read".parse().unwrap();
    let error = source.fetch(TokenRequest::new(&graph)).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::MustLinkAgain(Obstacle::ConsentMissing));
    assert!(error.advice().contains("consent"));
}

/// Two processes, and a service that takes the second use of a refresh token for a theft.
#[tokio::test(start_paused = true)]
async fn processes_that_refresh_at_once_take_turns() {
    let linked = Linked::new(RefreshRule::ReuseRevokes).await;
    let sources = [linked.source(), linked.source(), linked.source()];
    let scope = work();
    let fetches = sources.iter().map(|source| source.fetch(TokenRequest::new(&scope)));
    let outcomes = futures_util::future::join_all(fetches).await;
    for outcome in outcomes {
        assert_eq!(claim(&outcome.unwrap().secret, "oid"), ADA_ID);
    }
    linked.source().fetch(TokenRequest::new(&scope)).await.unwrap();
}

/// A lease that was given to nobody else, in vain: the store's revisions decide.
#[tokio::test(start_paused = true)]
async fn without_a_common_lease_the_store_decides_and_nobody_loses_the_link() {
    let mut linked = Linked::new(RefreshRule::Kept).await;
    let one = linked.source();
    linked.lease = Arc::new(MemoryLease::new(Arc::new(linked.people.clock.clone())));
    let other = linked.source();
    let scope = work();
    let both = futures_util::future::join(one.fetch(TokenRequest::new(&scope)), other.fetch(TokenRequest::new(&scope)));
    let (one, other) = both.await;
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    linked.source().fetch(TokenRequest::new(&scope)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_could_not_be_stored_is_not_handed_out() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let before = linked.kept().unwrap();
    linked.store.faults().script(RefreshTokensStep::Store, fake::Fault::Dropped);
    let error = linked.source().fetch(TokenRequest::new(&work())).await.unwrap_err();
    assert_eq!((error.kind(), LinkState::of(&error)), (ErrorKind::Unavailable, LinkState::Unknown));
    assert!(linked.kept().unwrap().same_as(&before));
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
}

/// A process stores, and never hears of it. The next one goes on with what was stored.
#[tokio::test(start_paused = true)]
async fn a_store_whose_answer_is_lost_loses_nothing() {
    let linked = Linked::new(RefreshRule::ReuseRevokes).await;
    let before = linked.kept().unwrap();
    linked.store.faults().script(RefreshTokensStep::Store, fake::Fault::AnswerLost);
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap_err();
    assert!(!linked.kept().unwrap().same_as(&before));
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_whose_answer_is_lost_changes_nothing_and_is_not_repeated() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let faults = linked.people.emulator.faults();
    let lost = faults.add(Fault::new(FaultAction::LoseAnswer).with_path("/token").forever());
    let error = linked.refusal().await;
    assert_eq!((error.kind(), LinkState::of(&error)), (ErrorKind::Unavailable, LinkState::Unknown));
    assert_eq!(faults.hits(lost), 1, "a second use may be taken for a theft");
    faults.clear();
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_unlinked_meanwhile_stays_unlinked() {
    let linked = Linked::new(RefreshRule::Kept).await;
    for step in [RefreshTokensStep::Store, RefreshTokensStep::Load] {
        linked.link_again(ADA).await;
        let source = linked.source_over(Disturbed::new(&linked.store, step, Unlink));
        let error = source.fetch(TokenRequest::new(&work())).await.unwrap_err();
        assert_eq!(LinkState::of(&error), LinkState::Unlinked, "{error:?}");
        assert_eq!((error.kind(), error.field(), error.retry()), (ErrorKind::NotFound, Some("link"), Retry::No));
        assert!(linked.kept().is_none(), "the link came back");
    }
    assert_eq!(LinkState::of(&linked.refusal().await), LinkState::Unlinked);
}

/// Ada is unlinked and Bob is linked while a process refreshes for Ada: nobody may act as Ada any more.
#[tokio::test(start_paused = true)]
async fn a_link_to_somebody_else_made_meanwhile_counts() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let token = linked.people.signed_in(BOB).await.refresh.unwrap();
    let deed = Replace { token, anew: true };
    let source = linked.source_over(Disturbed::new(&linked.store, RefreshTokensStep::Store, deed));
    let token = source.fetch(TokenRequest::new(&work())).await.unwrap();
    assert_eq!(claim(&token.secret, "oid"), BOB_ID);
}

/// The token that a process loaded is refused, and another process has stored the next one since.
#[tokio::test(start_paused = true)]
async fn before_a_person_must_link_again_the_store_is_read_once_more() {
    let linked = Linked::new(RefreshRule::Kept).await;
    linked.people.emulator.person().revoke_sign_ins(ADA).unwrap();
    let token = linked.people.signed_in(ADA).await.refresh.unwrap();
    let deed = Replace { token, anew: false };
    let source = linked.source_over(Disturbed::new(&linked.store, RefreshTokensStep::Load, deed));
    source.fetch(TokenRequest::new(&work())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_reason_to_link_again_is_told() {
    let word = Secret::new("another password");
    type Deed = fn(&azconnect_emulator::Emulator, &Secret);
    let cases: [(Deed, LinkState, &str); 5] = [
        (|at, _| at.person().revoke_sign_ins(ADA).unwrap(), LinkState::MustLinkAgain(Obstacle::Revoked), "link"),
        (
            |at, word| at.person().reset_password(ADA, word).unwrap(),
            LinkState::MustLinkAgain(Obstacle::Revoked),
            "link",
        ),
        (
            |at, _| at.person().require_mfa(ADA).unwrap(),
            LinkState::MustLinkAgain(Obstacle::Interaction),
            "second factor",
        ),
        (
            |at, _| at.person().withdraw_consent(PORTAL.parse().unwrap()).unwrap(),
            LinkState::MustLinkAgain(Obstacle::ConsentMissing),
            "consent",
        ),
        (|at, _| at.person().disable_user(ADA).unwrap(), LinkState::Blocked(Obstacle::Disabled), "enable"),
    ];
    for (deed, state, advice) in cases {
        let linked = Linked::new(RefreshRule::Kept).await;
        deed(&linked.people.emulator, &word);
        let error = linked.refusal().await;
        assert_eq!((error.kind(), LinkState::of(&error)), (ErrorKind::Unauthenticated, state), "{error:?}");
        assert_eq!(LinkState::of_diagnosis(error.diagnosis()), state);
        assert!(error.advice().contains(advice), "{}", error.advice());
        assert!(error.service_code().unwrap().starts_with("AADSTS"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_nobody_used_for_90_days_has_ended() {
    let linked = Linked::new(RefreshRule::Kept).await;
    linked.people.clock.sleep(Duration::from_secs(89 * 86_400)).await;
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
    linked.people.clock.sleep(Duration::from_secs(91 * 86_400)).await;
    assert_eq!(LinkState::of(&linked.refusal().await), LinkState::MustLinkAgain(Obstacle::Expired));
}

#[tokio::test(start_paused = true)]
async fn a_password_that_the_person_changes_ends_no_link() {
    let linked = Linked::new(RefreshRule::Kept).await;
    linked.people.emulator.person().change_password(ADA, &Secret::new("of her own")).unwrap();
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_guest_s_token_is_had_at_the_tenant_that_invited_them() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let at = &linked.people;
    // Consented to there as well.
    let web = at.web(at.fabrikam());
    let conduct = azconnect_emulator::Conduct::of(ADA);
    let (pending, answer) = at.came_back(&web, &azconnect_identity::user::SignInOptions::new(), &conduct).await;
    web.finish(pending, &answer).await.unwrap();
    let store: Arc<dyn RefreshTokens> = Arc::new(linked.store.clone());
    let source = UserTokenSource::new(at.portal(at.fabrikam()), store, link(), linked.lease.clone()).unwrap();
    let token = source.fetch(TokenRequest::new(&work())).await.unwrap();
    assert_eq!((claim(&token.secret, "oid"), claim(&token.secret, "tid")), (GUEST_ID.into(), FABRIKAM.into()));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_delays_the_others_and_no_more() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let key = "refresh-token/service-user".parse().unwrap();
    linked.lease.acquire(&key, "dead", Duration::from_secs(45)).await.unwrap();
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
    let passed = linked.people.clock.elapsed();
    assert!(passed >= Duration::from_secs(45) && passed < Duration::from_secs(60), "{passed:?}");
    // One that holds it for ever is waited for within bounds.
    linked.lease.acquire(&key, "stuck", Duration::from_secs(86_400)).await.unwrap();
    let error = linked.refusal().await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Backoff));
    assert_eq!(LinkState::of(&error), LinkState::Unknown);
    assert!(linked.people.clock.elapsed() < passed + Duration::from_secs(75));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_ends_before_the_lease_does() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let hang = FaultAction::Hang { applied: false };
    linked.people.emulator.faults().add(Fault::new(hang).with_path("/token").forever());
    let error = linked.source().fetch(TokenRequest::new(&work())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(linked.people.clock.elapsed() <= Duration::from_secs(45));
    linked.people.emulator.faults().clear();
    linked.source().fetch(TokenRequest::new(&work())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_token_of_a_person_is_shown() {
    let linked = Linked::new(RefreshRule::Kept).await;
    let canary = Canary::new();
    let ears = canary.listen();
    canary.watch(&linked.kept().unwrap());
    let source = linked.source();
    let token = source.fetch(TokenRequest::new(&work())).await.unwrap();
    canary.watch(&token.secret);
    canary.watch(&linked.kept().unwrap());
    let mut shown = format!("{source:?} {token:?}");
    linked.people.emulator.person().revoke_sign_ins(ADA).unwrap();
    let error = source.fetch(TokenRequest::new(&work())).await.unwrap_err();
    shown += &format!("{error} {error:?} {} {:?}", error.advice(), LinkState::of(&error));
    drop(ears);
    canary.assert_absent("Debug, Display or advice", shown.as_bytes());
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}
