//! Tokens kept until shortly before they end.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, Scope};
use azconnect_credential::{AccessToken, TokenProvider};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Shared, WeakShared, select};
use time::OffsetDateTime;

use crate::claims::RequestClaims;
use crate::moment::later;
use crate::quiet::Quiet;
use crate::shared_error::share;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// How long before its end a token is renewed, unless its service said so.
const REFRESH_LEAD: Duration = Duration::from_secs(300);

/// How long before its end a token is no longer given out: a request must still arrive with it.
const USE_MARGIN: Duration = Duration::from_secs(30);

/// How long a caller who holds a valid token waits for the next one.
const REFRESH_WAIT: Duration = Duration::from_secs(10);

/// How long no other early renewal is tried after one failed. The valid token is used meanwhile.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

type Renewed = Result<Arc<AccessToken>, Arc<Error>>;
type Renewal = Shared<BoxFuture<'static, Renewed>>;

/// Keeps the tokens of a source, and asks the source for new ones as rarely as possible.
///
/// - Callers who need a token of one scope share one request; scopes never wait for each other.
/// - A token is renewed early: 5 minutes before its end or at half its life, whichever is later, unless the service
///   names a time. Meanwhile other callers go on with the one that is valid, and so does everybody if the renewal
///   fails or takes longer than 10 seconds.
/// - Where the service names a pause, it is not asked before that is over, for whatever scope: callers go on with what is
///   valid, or get the same refusal again, with what is left of the pause.
/// - Where a service says that it granted less than the named permissions of a scope, that is logged as a warning.
/// - It starts no task and no timer: a renewal goes on while at least one caller waits for it. A caller who stops
///   waiting disturbs none of the others.
///
/// Cheap to clone; clones share the tokens.
pub struct TokenCache<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    source: S,
    clock: Arc<dyn Clock>,
    continuous_access: bool,
    slots: Mutex<HashMap<Scope, Slot>>,
    quiet: Quiet,
}

/// The token of one scope, and its renewal.
#[derive(Default)]
struct Slot {
    token: Option<Arc<AccessToken>>,
    /// The renewal under way, alive only as long as somebody waits for it: a half-sent request that nobody drives
    /// would otherwise be found dead by the next caller.
    renewal: Option<WeakShared<BoxFuture<'static, Renewed>>>,
    /// What a service wants of the next token: sent with the next sign-in, and dropped once one has succeeded.
    claims: Option<Arc<str>>,
    /// Until when a failed early renewal is not repeated, as the clock's elapsed time.
    paused_until: Option<Duration>,
}

/// What a caller should do, as found under the lock.
enum Step {
    Use(Arc<AccessToken>),
    /// The service is not to be asked now.
    Refuse(Error),
    Wait(Renewal),
    /// Renew, and fall back on the token that is still valid.
    Try(Renewal, Arc<AccessToken>),
}

impl<S: TokenSource + 'static> TokenCache<S> {
    /// An empty cache over a source. Nothing is fetched until a token is asked for.
    pub fn new(source: S, clock: Arc<dyn Clock>) -> Self {
        Self::over(source, clock, false)
    }

    /// As [`new`](Self::new), and tells the services that this client answers their claims challenges (`cp1`, *continuous access
    /// evaluation*). Its tokens live up to 28 hours then, and a service refuses one at once when something of the account or the
    /// network has changed, and says what it wants of the next. The clients of azconnect answer; whoever sends these tokens with
    /// a client of their own must do so too ([`TokenProvider::challenged`]).
    pub fn with_continuous_access(source: S, clock: Arc<dyn Clock>) -> Self {
        Self::over(source, clock, true)
    }

    fn over(source: S, clock: Arc<dyn Clock>, continuous_access: bool) -> Self {
        let (slots, quiet) = (Mutex::default(), Quiet::default());
        Self { inner: Arc::new(Inner { source, clock, continuous_access, slots, quiet }) }
    }

    /// The source that new tokens come from.
    pub fn source(&self) -> &S {
        &self.inner.source
    }

    fn next_step(&self, scope: &Scope) -> Step {
        let now = self.inner.clock.now();
        let mut slots = self.inner.slots();
        let slot = slots.entry(scope.clone()).or_default();
        let valid = slot.token.clone().filter(|token| is_valid(token, now));
        // A renewal that has ended is not joined: its token is in the slot already, its error not for later callers.
        let under_way = slot.renewal.as_ref().and_then(WeakShared::upgrade).filter(|shared| shared.peek().is_none());
        let quiet = self.inner.quiet.refusal(self.inner.clock.elapsed());
        match (valid, under_way) {
            (Some(token), _) if now < token.refresh_at || quiet.is_some() => Step::Use(token),
            (Some(token), Some(_)) => Step::Use(token),
            (Some(token), None) if slot.paused_until.is_some_and(|until| self.inner.clock.elapsed() < until) => {
                Step::Use(token)
            }
            (Some(token), None) => Step::Try(self.renew(slot, scope), token),
            (None, Some(renewal)) => Step::Wait(renewal),
            (None, None) => match quiet {
                Some(refusal) => Step::Refuse(refusal),
                None => Step::Wait(self.renew(slot, scope)),
            },
        }
    }

    fn renew(&self, slot: &mut Slot, scope: &Scope) -> Renewal {
        let inner = Arc::clone(&self.inner);
        let scope = scope.clone();
        let renewal = async move {
            let asked_at = inner.clock.now();
            let claims = inner.claims_for(&scope);
            let request = TokenRequest::new(&scope).with_claims(claims.text()).with_challenged(claims.is_challenged());
            match inner.source.fetch(request).await {
                Ok(fetched) => {
                    tell_missing(&scope, fetched.granted.as_deref());
                    let token = Arc::new(dated(fetched, asked_at));
                    let mut slots = inner.slots();
                    let slot = slots.entry(scope).or_default();
                    slot.claims.take_if(|wanted| claims.answers(wanted));
                    // A challenge that came meanwhile is still to be answered: the service would refuse this token too.
                    if slot.claims.is_none() {
                        slot.token = Some(Arc::clone(&token));
                    }
                    slot.paused_until = None;
                    Ok(token)
                }
                Err(error) => {
                    let error = Arc::new(error);
                    inner.quiet.note(&error, inner.clock.elapsed());
                    Err(error)
                }
            }
        }
        .boxed()
        .shared();
        slot.renewal = renewal.downgrade();
        renewal
    }

    /// Waits for an early renewal for a short while, and falls back on the token that is still valid.
    async fn attempt(&self, renewal: Renewal, scope: &Scope, valid: Arc<AccessToken>) -> Arc<AccessToken> {
        let time_limit = pin!(self.inner.clock.sleep(REFRESH_WAIT));
        let problem = match select(renewal, time_limit).await {
            Either::Left((Ok(token), _)) => return token,
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(%scope, problem, "a token could not be renewed early; the present one is still valid");
        let paused_until = self.inner.clock.elapsed().saturating_add(REFRESH_PAUSE);
        if let Some(slot) = self.inner.slots().get_mut(scope) {
            slot.paused_until = Some(paused_until);
        }
        // A service may have refused the valid one while we waited, and another caller fetched the next.
        match self.inner.slots().get(scope).and_then(|slot| slot.token.clone()) {
            Some(token) if is_valid(&token, self.inner.clock.now()) => token,
            _ => valid,
        }
    }
}

impl<S> Inner<S> {
    fn claims_for(&self, scope: &Scope) -> RequestClaims {
        let wanted = self.slots().get(scope).and_then(|slot| slot.claims.clone());
        RequestClaims::new(wanted, self.continuous_access)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Scope, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: TokenSource + 'static> TokenProvider for TokenCache<S> {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        match self.next_step(scope) {
            Step::Use(token) => Ok(token),
            Step::Refuse(refusal) => Err(refusal),
            Step::Wait(renewal) => renewal.await.map_err(|error| share(&error)),
            Step::Try(renewal, valid) => Ok(self.attempt(renewal, scope, valid).await),
        }
    }

    async fn invalidate(&self, scope: &Scope, refused: &AccessToken) {
        if let Some(slot) = self.inner.slots().get_mut(scope) {
            // Compared by value: another caller may have fetched a newer token meanwhile, and that one stays.
            slot.token.take_if(|token| token.secret.same_as(&refused.secret));
        }
    }

    async fn challenged(&self, scope: &Scope, refused: &AccessToken, claims: &str) {
        if let Some(slot) = self.inner.slots().get_mut(scope)
            && slot.token.take_if(|token| token.secret.same_as(&refused.secret)).is_some()
        {
            slot.claims = Some(claims.into());
            // A renewal under way does not send them: its token would be refused again.
            slot.renewal = None;
        }
    }
}

impl<S> Clone for TokenCache<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: fmt::Debug> fmt::Debug for TokenCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("source", &self.inner.source).finish_non_exhaustive()
    }
}

/// Tells of named permissions that were not granted. The token is good for the others, so that it is given all the same; what a
/// source asks in a person's name, it has compared itself.
fn tell_missing(scope: &Scope, granted: Option<&str>) {
    let missing = granted.map(|granted| scope.missing_from(granted)).unwrap_or_default();
    if !missing.is_empty() {
        tracing::warn!(%scope, ?missing, "the service granted less than was asked for");
    }
}

/// Whether a token may still be given out. A short life has a short margin.
fn is_valid(token: &AccessToken, now: OffsetDateTime) -> bool {
    let left_at_refresh = (token.expires_at - token.refresh_at).unsigned_abs();
    token.expires_at - now > USE_MARGIN.min(left_at_refresh / 4)
}

/// Counts a token's life from when it was asked for, which is never later than when the service began to count.
fn dated(fetched: FetchedToken, asked_at: OffsetDateTime) -> AccessToken {
    let life = fetched.expires_in;
    let own = (life / 2).max(life.saturating_sub(REFRESH_LEAD));
    let refresh_in = fetched.refresh_in.unwrap_or(own).min(life);
    AccessToken::new(fetched.secret, later(asked_at, life), later(asked_at, refresh_in))
}
