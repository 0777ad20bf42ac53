//! The budget of one organization: when the service asks to slow down, calls to that organization wait, and no others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use azconnect_http::{Pace, Response, retry_after};
use http::StatusCode;
use tracing::Span;

/// The longest pause taken on the word of an answer that refuses nothing: the window over which Azure DevOps measures use.
const LONGEST: Duration = Duration::from_secs(300);

/// The distance between calls that waited for the same pause, so that they do not all return at once.
const SPACING: Duration = Duration::from_millis(200);

/// The pauses that the service asked for in one organization.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// No call before this moment of the clock's elapsed time.
    until: Duration,
    /// While calls are spaced out: the next free slot.
    next: Duration,
}

impl Budget {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Takes the next free slot, and returns how long to wait until it begins. `Err` if that is longer than somebody's
    /// patience, who then takes no slot.
    fn reserve(&self, now: Duration, patience: Duration) -> Result<Duration, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= state.until && now >= state.next {
            return Ok(Duration::ZERO);
        }
        let slot = now.max(state.until).max(state.next);
        let pause = slot.saturating_sub(now);
        if pause > patience {
            return Err(pause);
        }
        state.next = slot.saturating_add(SPACING);
        Ok(pause)
    }

    fn slow_down(&self, pause: Duration) {
        let until = self.clock.elapsed().saturating_add(pause);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until = state.until.max(until);
    }

    /// How long the service asked to wait before the next call.
    pub(crate) fn pause(&self) -> Duration {
        let until = self.state.lock().unwrap_or_else(PoisonError::into_inner).until;
        until.saturating_sub(self.clock.elapsed())
    }

    fn is_paused(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).until > self.clock.elapsed()
    }
}

/// The budget as one call sees it: with the span in which the service's limits are shown.
pub(crate) struct Paced {
    budget: Arc<Budget>,
    span: Span,
}

impl Paced {
    pub(crate) fn new(budget: Arc<Budget>, span: Span) -> Self {
        Self { budget, span }
    }

    fn record(&self, answer: &Response) {
        let fields = [
            ("rate_resource", "x-ratelimit-resource"),
            ("rate_delay", "x-ratelimit-delay"),
            ("rate_limit", "x-ratelimit-limit"),
            ("rate_remaining", "x-ratelimit-remaining"),
            ("rate_reset", "x-ratelimit-reset"),
            ("slow_down", "retry-after"),
        ];
        for (field, header) in fields {
            if let Some(value) = answer.headers().get(header).and_then(|value| value.to_str().ok()) {
                self.span.record(field, value);
            }
        }
    }
}

#[async_trait]
impl Pace for Paced {
    async fn ready(&self, patience: Duration) -> Result<(), Duration> {
        let mut left = patience;
        loop {
            let pause = self.budget.reserve(self.budget.clock.elapsed(), left)?;
            if pause.is_zero() {
                return Ok(());
            }
            self.budget.clock.sleep(pause).await;
            left = left.saturating_sub(pause);
            // A call that was on its way may have been told to slow down further.
            if !self.budget.is_paused() {
                return Ok(());
            }
        }
    }

    fn observe(&self, answer: &Response) {
        self.record(answer);
        // Of every answer: the service asks to slow down on successes too, before it refuses.
        if let Some(pause) = retry_after(answer.headers(), self.budget.clock.now()) {
            let is_refused = matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            self.budget.slow_down(if is_refused { pause } else { pause.min(LONGEST) });
        }
    }
}

#[cfg(test)]
mod tests {
    use azconnect_testkit::VirtualClock;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3600);

    fn slow_answer(seconds: u64) -> Response {
        let mut answer = Response::default();
        answer.headers_mut().insert("retry-after", seconds.into());
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_that_asks_for_a_pause_delays_the_next_call_of_that_budget_only() {
        let clock = VirtualClock::new();
        let busy = Paced::new(Arc::new(Budget::new(Arc::new(clock.clone()))), Span::none());
        let other = Paced::new(Arc::new(Budget::new(Arc::new(clock.clone()))), Span::none());
        busy.observe(&slow_answer(17));
        other.ready(PATIENCE).await.unwrap();
        assert_eq!(clock.elapsed(), Duration::ZERO);
        busy.ready(PATIENCE).await.unwrap();
        assert_eq!(clock.elapsed(), Duration::from_secs(17));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_waited_together_return_one_after_the_other() {
        let clock = VirtualClock::new();
        let budget = Arc::new(Budget::new(Arc::new(clock.clone())));
        let paced = Paced::new(budget, Span::none());
        paced.observe(&slow_answer(10));
        let ended = futures_util::future::join_all((0..5).map(|_| async {
            paced.ready(PATIENCE).await.unwrap();
            clock.elapsed()
        }))
        .await;
        assert_eq!(ended.first(), Some(&Duration::from_secs(10)));
        assert_eq!(ended.last(), Some(&(Duration::from_secs(10) + SPACING * 4)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_cannot_wait_is_told_how_long_it_takes_and_holds_no_place() {
        let clock = VirtualClock::new();
        let paced = Paced::new(Arc::new(Budget::new(Arc::new(clock.clone()))), Span::none());
        let mut refusal = slow_answer(3600);
        *refusal.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        paced.observe(&refusal);
        for _ in 0..3 {
            let left = paced.ready(Duration::from_secs(30)).await.unwrap_err();
            assert_eq!((left, clock.elapsed()), (Duration::from_secs(3600), Duration::ZERO));
        }
        clock.sleep(Duration::from_secs(3590)).await;
        paced.ready(Duration::from_secs(30)).await.unwrap();
        assert_eq!(clock.elapsed(), Duration::from_secs(3600), "not behind those who did not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_pause_is_bounded() {
        let clock = VirtualClock::new();
        let paced = Paced::new(Arc::new(Budget::new(Arc::new(clock.clone()))), Span::none());
        paced.observe(&slow_answer(86_400));
        paced.ready(PATIENCE).await.unwrap();
        assert_eq!(clock.elapsed(), Duration::from_secs(300), "the window over which the service measures");
    }
}
