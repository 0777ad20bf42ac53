//! The life of a process: it dies at a call, or stands still and wakes late.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use azconnect::core::Clock;
use azconnect_testkit::VirtualClock;

/// What its ports tell of a process: whether it runs, stands still, or is dead.
pub(super) struct Gate {
    clock: VirtualClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asleep_until: Option<Duration>,
    dead: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    /// The gate of a process that runs.
    pub(super) fn new(clock: VirtualClock) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    /// The process stands still for a while, from its next step on.
    pub(super) fn suspend(&self, time: Duration) {
        let until = self.clock.elapsed() + time;
        self.with(|state| state.asleep_until = Some(state.asleep_until.unwrap_or_default().max(until)));
    }

    /// The process is dead. What it waits for never comes.
    pub(super) async fn die<T>(&self) -> T {
        self.with(|state| state.dead = true);
        std::future::pending().await
    }

    /// Goes on when the process runs: nothing leaves a process that stands still.
    pub(super) async fn pass(&self) {
        std::future::poll_fn(|cx| {
            self.with(|state| match state.asleep_until {
                None => Poll::Ready(()),
                Some(_) => {
                    // Kept, since a set of futures polls only those that were woken.
                    state.waiting.push(cx.waker().clone());
                    Poll::Pending
                }
            })
        })
        .await;
    }

    /// Whether the process stands still.
    pub(super) fn is_asleep(&self) -> bool {
        self.with(|state| state.asleep_until.is_some() && !state.dead)
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A process's future. It is not polled at all while the process stands still, and is `None` once the process is dead.
pub(super) struct Life<F> {
    gate: Arc<Gate>,
    inner: Pin<Box<F>>,
    alarm: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl<F: Future> Life<F> {
    /// The life of what a process does.
    pub(super) fn new(gate: Arc<Gate>, inner: F) -> Self {
        Self { gate, inner: Box::pin(inner), alarm: None }
    }
}

impl<F: Future> Future for Life<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(alarm) = &mut self.alarm {
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.alarm = None;
                let waiting = self.gate.with(|state| {
                    state.asleep_until = None;
                    std::mem::take(&mut state.waiting)
                });
                waiting.into_iter().for_each(Waker::wake);
            }
            let polled = self.inner.as_mut().poll(cx);
            let (dead, asleep) = self.gate.with(|state| (state.dead, state.asleep_until));
            if dead {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Some(output));
            }
            let Some(until) = asleep else { return Poll::Pending };
            let clock = self.gate.clock.clone();
            let rest = until.saturating_sub(clock.elapsed());
            self.alarm = Some(Box::pin(async move { clock.sleep(rest).await }));
        }
    }
}
