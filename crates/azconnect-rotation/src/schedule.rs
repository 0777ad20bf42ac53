//! Many targets at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::SubjectId;
use futures_util::future::{BoxFuture, Either, FutureExt, select};
use futures_util::stream::{FuturesUnordered, StreamExt, iter};
use time::OffsetDateTime;

use crate::driver::Rotator;
use crate::moment::between;
use crate::outcome::RotationOutcome;
use crate::target::Target;

/// How the run of one target ended.
pub type Run = (SubjectId, Result<RotationOutcome, Error>);

/// The longest wait in which a target keeps its place. During a longer one others have their turn.
const KEEPS_PLACE: Duration = Duration::from_secs(30);

/// The longest time by which a target is put off, so that those which wait for one moment do not all come at once.
const LONGEST_JITTER: Duration = Duration::from_secs(60);

impl Rotator {
    /// Runs [`Rotator::rotate`] for every target, at most `at_once` at a time: whatever is under way or due first comes first.
    /// A target that waits for long leaves its place to others and comes back in time, unless it waits for longer than the
    /// rotator's patience. One failure, or one panic, stops no other.
    ///
    /// The caller decides when to call it again: at the earliest [`RotationOutcome::run_again_at`], and after an error when the
    /// error's cause may have passed.
    pub async fn rotate_due(&self, targets: &[Target], at_once: usize) -> Vec<Run> {
        let at_once = at_once.max(1);
        let mut waiting = self.in_order(targets, at_once).await;
        let mut running: FuturesUnordered<BoxFuture<'_, (usize, &Target, Run)>> = FuturesUnordered::new();
        let mut ended = Vec::with_capacity(targets.len());
        loop {
            let now = self.clock().elapsed();
            while running.len() < at_once
                && let Some(next) = waiting.peek().filter(|next| next.0.at <= now)
                && let index = next.0.index
                && let Some(target) = targets.get(index)
            {
                waiting.pop();
                running.push(async move { (index, target, self.run_one(target).await) }.boxed());
            }
            let free = running.len() < at_once;
            let pause = waiting.peek().filter(|_| free).map(|next| next.0.at.saturating_sub(now));
            let (index, target, run) = match (running.is_empty(), pause) {
                (true, None) => return ended,
                (true, Some(pause)) => {
                    self.clock().sleep(pause).await;
                    continue;
                }
                (false, None) => match running.next().await {
                    Some(done) => done,
                    None => continue,
                },
                (false, Some(pause)) => match select(running.next(), self.clock().sleep(pause)).await {
                    Either::Left((Some(done), _)) => done,
                    _ => continue,
                },
            };
            match self.comes_back(target, &run) {
                Some(pause) => {
                    waiting.push(Reverse(Turn { at: self.clock().elapsed().saturating_add(pause), due: None, index }));
                }
                None => ended.push(run),
            }
        }
    }

    /// The targets in the order in which they have their turn.
    async fn in_order(&self, targets: &[Target], at_once: usize) -> BinaryHeap<Reverse<Turn>> {
        let looks: Vec<_> = targets.iter().map(|target| self.due(target)).collect();
        let due: Vec<_> = iter(looks).buffered(at_once).collect().await;
        let turn = |(index, due)| Reverse(Turn { at: Duration::ZERO, due, index });
        due.into_iter().enumerate().map(turn).collect()
    }

    /// When something is to be done, as the journal tells it; none at once, or where it cannot be told.
    async fn due(&self, target: &Target) -> Option<OffsetDateTime> {
        let (state, _) = self.state(target.subject()).await.ok()?;
        if state.is_at_rest() { state.due_at(&target.policy) } else { None }
    }

    /// How long it is until a target has another turn; none if this was its last.
    fn comes_back(&self, target: &Target, (_, outcome): &Run) -> Option<Duration> {
        let Ok(RotationOutcome::Waiting { until, .. }) = outcome else { return None };
        let pause = between(self.clock().now(), *until);
        (pause <= self.patience()).then(|| pause.saturating_add(jitter(target.subject(), pause)))
    }

    async fn run_one(&self, target: &Target) -> Run {
        let patience = self.patience().min(KEEPS_PLACE);
        let short = self.clone().with_patience(patience);
        // A sink or an issuer of somebody else's making may panic. The others are not to blame.
        let outcome = AssertUnwindSafe(async { short.rotate(target).await }).catch_unwind().await;
        (target.subject().clone(), outcome.unwrap_or_else(|_| Err(panicked())))
    }
}

/// When a target has its turn, and how urgent it is among those that have it at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// By [`azconnect_core::Clock::elapsed`].
    at: Duration,
    due: Option<OffsetDateTime>,
    index: usize,
}

/// Up to a tenth of the wait, the same for a subject each time, and different for each: drawn from its name, since a
/// library draws no lots.
fn jitter(subject: &SubjectId, pause: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    subject.as_str().hash(&mut hasher);
    let share = hasher.finish() % 1000;
    (pause / 10).min(LONGEST_JITTER).mul_f64(f64::from(u32::try_from(share).unwrap_or_default()) / 1000.0)
}

/// Without the panic's own text, which may hold anything.
fn panicked() -> Error {
    Error::new(ErrorKind::Unexpected, "the run of this target panicked; what was recorded stays")
        .with_advice("look at the panic's message on the standard error, and run the target again")
}
