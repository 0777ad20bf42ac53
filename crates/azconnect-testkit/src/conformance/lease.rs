//! What every [`Lease`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Epoch, Error, ErrorKind, Grant, Lease, LeaseKey, Retry};
use futures_util::future::join_all;
use time::OffsetDateTime;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};
use crate::clock::ManualClock;

const TERM: Duration = Duration::from_secs(60);

/// A lease under test that goes by a clock of its own, such as a server's.
#[async_trait]
pub trait LeaseHarness: Send + Sync {
    /// The lease under test; every call returns the same one.
    fn lease(&self) -> Arc<dyn Lease>;

    /// The lease's time.
    async fn now(&self) -> OffsetDateTime;

    /// Lets time pass for the lease: what ends within that time has ended.
    async fn pass(&self, time: Duration);

    /// How much of its time may pass by itself between two calls; nothing for a clock that stands still. A few seconds do for a
    /// server's: they bound what is compared, and nobody waits for them.
    fn slack(&self) -> Duration;
}

/// A lease that takes its time from the clock it is given.
struct GivenClock {
    lease: Arc<dyn Lease>,
    clock: ManualClock,
}

#[async_trait]
impl LeaseHarness for GivenClock {
    fn lease(&self) -> Arc<dyn Lease> {
        self.lease.clone()
    }

    async fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}

/// One lease with its time, and a key of which it knows nothing.
struct Subject {
    harness: Arc<dyn LeaseHarness>,
    lease: Arc<dyn Lease>,
    key: LeaseKey,
}

/// Checks every behaviour. `make` gives a lease that takes its time from the clock it is given.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Lease>) {
    by_its_own_clock(async || given_clock(&make, ManualClock::new()).await).await;
}

/// Checks every behaviour of a lease that goes by a clock of its own.
///
/// # Panics
/// As [`all`].
pub async fn by_its_own_clock(make: impl AsyncFn() -> Arc<dyn LeaseHarness>) {
    let subject = async || -> Result<Subject, Failure> {
        let harness = make().await;
        Ok(Subject { lease: harness.lease(), harness, key: LeaseKey::new(fresh("lease"))? })
    };
    macro_rules! check {
        ($report:ident, $name:literal, $behaviour:ident) => {
            let outcome = match subject().await {
                Ok(subject) => $behaviour(&subject).await,
                Err(failure) => Err(failure),
            };
            $report.add($name, outcome);
        };
    }
    let mut report = Report::new("Lease");
    check!(report, "a grant says what was granted", says_what_was_granted);
    check!(report, "a held key is refused to others, with the rest of its term", exclusive);
    check!(report, "an expired key is free", expires);
    check!(report, "a released key is free", release_frees);
    check!(report, "epochs grow over release, expiry and repetition", epochs_grow);
    check!(report, "a holder that asks again gets a new grant", asks_again);
    check!(report, "renewal extends from now with the same epoch", renews);
    check!(report, "an expired grant that nobody took is renewed", renews_expired);
    check!(report, "a superseded grant is not renewed", superseded_is_not_renewed);
    check!(report, "a released grant is not renewed", released_is_not_renewed);
    check!(report, "releasing a superseded grant changes nothing", superseded_release);
    check!(report, "releasing twice succeeds", release_twice);
    check!(report, "an impossible term is refused", impossible_terms);
    check!(report, "keys do not mix", keys_do_not_mix);
    report.add("of concurrent holders exactly one wins", one_wins(&[make().await.lease()]).await);
    report.finish();
}

/// Checks what a durable lease must do besides [`all`]. `open` opens the same data each time.
///
/// # Panics
/// As [`all`].
pub async fn durable(open: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Lease>) {
    let clock = ManualClock::new();
    durable_by_its_own_clock(async || given_clock(&open, clock.clone()).await).await;
}

/// Checks what a durable lease must do besides [`by_its_own_clock`]. `open` opens the same data each time.
///
/// # Panics
/// As [`all`].
pub async fn durable_by_its_own_clock(open: impl AsyncFn() -> Arc<dyn LeaseHarness>) {
    let mut report = Report::new("Lease (durable)");
    report.add("grants and epochs survive reopening", survives(&open).await);
    let two = [open().await.lease(), open().await.lease()];
    report.add("of concurrent holders through two handles exactly one wins", one_wins(&two).await);
    report.finish();
}

async fn given_clock(
    make: &impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Lease>,
    clock: ManualClock,
) -> Arc<dyn LeaseHarness> {
    Arc::new(GivenClock { lease: make(Arc::new(clock.clone())).await, clock })
}

async fn says_what_was_granted(subject: &Subject) -> CaseResult {
    let grant = subject.acquire("a").await?;
    ensure_eq("the key", &grant.key, &subject.key)?;
    ensure_eq("the holder", &grant.holder.as_str(), &"a")?;
    subject.ends(&grant, TERM).await?;
    ensure(grant.epoch > Epoch::default(), "the first epoch must be above that of a writer without a lease")
}

async fn exclusive(subject: &Subject) -> CaseResult {
    subject.acquire("a").await?;
    subject.harness.pass(Duration::from_secs(45)).await;
    let error = refused("a held key", ErrorKind::Conflict, subject.acquire("b").await)?;
    let Retry::After(rest) = error.retry() else {
        return Err(Failure::new(format!("wanted Retry::After, found {:?}", error.retry())));
    };
    let wanted = Duration::from_secs(15);
    let is_near = rest <= wanted && rest + subject.harness.slack() >= wanted;
    ensure(is_near, format!("the rest of the term: found {rest:?}, wanted {wanted:?}"))?;
    subject.harness.pass(rest).await;
    subject.acquire("b").await.map(drop).map_err(Failure::from)
}

async fn expires(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.harness.pass(TERM - subject.instant()).await;
    refused("a key in the last instant of its term", ErrorKind::Conflict, subject.acquire("b").await)?;
    subject.harness.pass(subject.instant()).await;
    let second = subject.acquire("b").await?;
    ensure(second.epoch > first.epoch, "the epoch did not grow")?;
    refused("the expired holder", ErrorKind::Conflict, subject.acquire("a").await)?;
    Ok(())
}

async fn release_frees(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.lease.release(&first).await?;
    let second = subject.acquire("b").await?;
    ensure(second.epoch > first.epoch, "the epoch did not grow")
}

async fn epochs_grow(subject: &Subject) -> CaseResult {
    let mut last = Epoch::default();
    for round in 0..9 {
        let grant = subject.acquire("a").await?;
        ensure(grant.epoch > last, format!("round {round}: {:?} after {last:?}", grant.epoch))?;
        last = grant.epoch;
        match round % 3 {
            0 => subject.lease.release(&grant).await?,
            1 => subject.harness.pass(TERM * 2).await,
            _ => {}
        }
    }
    Ok(())
}

async fn asks_again(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.harness.pass(TERM / 2).await;
    let second = subject.acquire("a").await?;
    ensure(second.epoch > first.epoch, "the epoch did not grow")?;
    subject.ends(&second, TERM).await?;
    refused("the former grant", ErrorKind::Conflict, subject.lease.renew(&first, TERM).await)?;
    subject.lease.renew(&second, TERM).await.map(drop).map_err(Failure::from)
}

async fn renews(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.harness.pass(Duration::from_secs(50)).await;
    let renewed = subject.lease.renew(&first, Duration::from_secs(30)).await?;
    let wanted = Grant::new(first.key.clone(), first.epoch, "a", renewed.expires_at);
    ensure_eq("the grant", &renewed, &wanted)?;
    subject.ends(&renewed, Duration::from_secs(30)).await?;
    subject.harness.pass(Duration::from_secs(30) - subject.instant()).await;
    refused("a renewed key", ErrorKind::Conflict, subject.acquire("b").await)?;
    // The grant is the same one: its older copy renews as well.
    subject.lease.renew(&first, TERM).await?;
    subject.harness.pass(TERM - subject.instant()).await;
    refused("a key renewed twice", ErrorKind::Conflict, subject.acquire("b").await)?;
    subject.harness.pass(subject.instant()).await;
    subject.acquire("b").await.map(drop).map_err(Failure::from)
}

async fn renews_expired(subject: &Subject) -> CaseResult {
    let grant = subject.acquire("a").await?;
    subject.harness.pass(TERM * 3).await;
    // Nobody took the key meanwhile, so nobody else can have written under it.
    let renewed = subject.lease.renew(&grant, TERM).await?;
    ensure_eq("the epoch", &renewed.epoch, &grant.epoch)?;
    refused("the renewed key", ErrorKind::Conflict, subject.acquire("b").await)?;
    Ok(())
}

async fn superseded_is_not_renewed(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.harness.pass(TERM).await;
    let second = subject.acquire("b").await?;
    refused("a superseded grant", ErrorKind::Conflict, subject.lease.renew(&first, TERM).await)?;
    subject.harness.pass(TERM).await;
    // The end of the newer grant does not revive the older one: its epoch has passed.
    let late = subject.lease.renew(&first, TERM).await;
    refused("a superseded grant, after the other expired", ErrorKind::Conflict, late)?;
    subject.lease.renew(&second, TERM).await.map(drop).map_err(Failure::from)
}

async fn released_is_not_renewed(subject: &Subject) -> CaseResult {
    let grant = subject.acquire("a").await?;
    subject.lease.release(&grant).await?;
    refused("a released grant", ErrorKind::Conflict, subject.lease.renew(&grant, TERM).await)?;
    let unknown = Grant::new(LeaseKey::new(fresh("lease"))?, Epoch(1), "a", grant.expires_at);
    refused("a grant of a key nobody had", ErrorKind::Conflict, subject.lease.renew(&unknown, TERM).await)?;
    Ok(())
}

async fn superseded_release(subject: &Subject) -> CaseResult {
    let first = subject.acquire("a").await?;
    subject.harness.pass(TERM).await;
    let second = subject.acquire("b").await?;
    subject.lease.release(&first).await?;
    refused("the key of the newer grant", ErrorKind::Conflict, subject.acquire("c").await)?;
    subject.lease.renew(&second, TERM).await.map(drop).map_err(Failure::from)
}

async fn release_twice(subject: &Subject) -> CaseResult {
    let grant = subject.acquire("a").await?;
    subject.lease.release(&grant).await?;
    subject.lease.release(&grant).await?;
    let unknown = Grant::new(LeaseKey::new(fresh("lease"))?, Epoch(1), "a", grant.expires_at);
    subject.lease.release(&unknown).await.map_err(Failure::from)
}

async fn impossible_terms(subject: &Subject) -> CaseResult {
    for term in [Duration::ZERO, Duration::MAX] {
        let result = subject.lease.acquire(&subject.key, "a", term).await;
        refused(&format!("a term of {term:?}"), ErrorKind::InvalidInput, result)?;
    }
    let grant = subject.acquire("a").await?;
    for term in [Duration::ZERO, Duration::MAX] {
        let result = subject.lease.renew(&grant, term).await;
        refused(&format!("a renewal by {term:?}"), ErrorKind::InvalidInput, result)?;
    }
    refused("the key after refused renewals", ErrorKind::Conflict, subject.acquire("b").await)?;
    Ok(())
}

async fn keys_do_not_mix(subject: &Subject) -> CaseResult {
    let other = LeaseKey::new(fresh("lease"))?;
    let first = subject.acquire("a").await?;
    let second = subject.lease.acquire(&other, "b", TERM).await?;
    subject.lease.release(&first).await?;
    refused("the other key", ErrorKind::Conflict, subject.lease.acquire(&other, "a", TERM).await)?;
    subject.lease.renew(&second, TERM).await.map(drop).map_err(Failure::from)
}

/// Rounds of eight holders that ask at once, spread over the handles.
async fn one_wins(handles: &[Arc<dyn Lease>]) -> CaseResult {
    let key = LeaseKey::new(fresh("lease"))?;
    let mut last = Epoch::default();
    for _ in 0..5 {
        let holders: Vec<_> = (0..8).map(|number| format!("holder {number}")).collect();
        let asks = holders.iter().zip(handles.iter().cycle());
        let results = join_all(asks.map(|(holder, lease)| lease.acquire(&key, holder, TERM))).await;
        let mut winner = None;
        for result in results {
            match result {
                Ok(grant) => ensure(winner.replace(grant).is_none(), "two holders won")?,
                lost => drop(refused("a holder that lost", ErrorKind::Conflict, lost)?),
            }
        }
        let winner = winner.ok_or_else(|| Failure::new("no holder won"))?;
        ensure(winner.epoch > last, "the epoch did not grow")?;
        last = winner.epoch;
        if let Some(lease) = handles.first() {
            lease.release(&winner).await?;
        }
    }
    Ok(())
}

async fn survives(open: &impl AsyncFn() -> Arc<dyn LeaseHarness>) -> CaseResult {
    let (held, released) = (LeaseKey::new(fresh("lease"))?, LeaseKey::new(fresh("lease"))?);
    let (held_grant, released_grant) = {
        let lease = open().await.lease();
        let given_back = lease.acquire(&released, "a", TERM).await?;
        lease.release(&given_back).await?;
        (lease.acquire(&held, "a", TERM).await?, given_back)
    };
    let harness = open().await;
    let lease = harness.lease();
    refused("a key held before", ErrorKind::Conflict, lease.acquire(&held, "b", TERM).await)?;
    ensure_eq("the renewed epoch", &lease.renew(&held_grant, TERM).await?.epoch, &held_grant.epoch)?;
    let again = lease.acquire(&released, "a", TERM).await?;
    ensure(again.epoch > released_grant.epoch, "a released key's epoch did not grow over reopening")?;
    harness.pass(TERM).await;
    let taken = lease.acquire(&held, "b", TERM).await?;
    ensure(taken.epoch > held_grant.epoch, "an expired key's epoch did not grow over reopening")
}

impl Subject {
    /// The least time before the end of a term at which it surely has not ended by itself.
    fn instant(&self) -> Duration {
        self.harness.slack().max(Duration::from_nanos(1))
    }

    /// Fails unless a grant that was given just now ends after a term.
    async fn ends(&self, grant: &Grant, term: Duration) -> CaseResult {
        let wanted = self.harness.now().await + term;
        let is_near = grant.expires_at <= wanted && grant.expires_at + self.harness.slack() >= wanted;
        ensure(is_near, format!("the end: found {}, wanted {wanted}", grant.expires_at))
    }

    async fn acquire(&self, holder: &str) -> Result<Grant, Error> {
        self.lease.acquire(&self.key, holder, TERM).await
    }
}
