//! A deadline for one call of a port.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use azconnect_core::{Clock, Effect, Error, ErrorKind};

/// Does work for a limited time, then drops it.
///
/// The deadline is looked at before each poll, by [`Clock::elapsed`] and by [`Clock::sleep`]. So a process that was
/// suspended in the middle of a call and wakes after the deadline drops the call without polling it again: a request that
/// it had not sent yet is never sent late. An answer that has come meanwhile is dropped as well.
///
/// The time begins with the first poll. `what` names the call in the error, such as `the journal's append`.
///
/// ```
/// use std::time::Duration;
///
/// use azconnect_core::{Effect, ErrorKind};
/// use azconnect_saga::within;
/// use azconnect_testkit::VirtualClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (clock, limit) = (VirtualClock::new(), Duration::from_secs(45));
/// assert_eq!(within(&clock, limit, "the sum", async { 1 + 1 }).await.unwrap(), 2);
///
/// let error = within(&clock, limit, "the push", std::future::pending::<()>()).await.unwrap_err();
/// assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
/// assert_eq!(error.message(), "the push was not answered within 45s");
/// # }
/// ```
///
/// # Errors
/// [`Timeout`](ErrorKind::Timeout) after the time limit. The effect is [`Unknown`](Effect::Unknown), except where the work
/// was never polled: then it is [`None`](Effect::None). What the work itself returns is handed on, errors too.
///
/// # Cancel safety
/// Dropping the future drops the work.
pub async fn within<T>(
    clock: &dyn Clock,
    time_limit: Duration,
    what: &str,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    let deadline = clock.elapsed().saturating_add(time_limit);
    let mut alarm = clock.sleep(time_limit);
    let mut work = pin!(work);
    let mut effect = Effect::None;
    poll_fn(|context| {
        // Both: the alarm wakes a task whose call hangs, and may itself be late after a suspension.
        if clock.elapsed() >= deadline || alarm.as_mut().poll(context).is_ready() {
            let message = format!("{what} was not answered within {time_limit:?}");
            return Poll::Ready(Err(Error::new(ErrorKind::Timeout, message).with_effect(effect)));
        }
        effect = Effect::Unknown;
        work.as_mut().poll(context).map(Ok)
    })
    .await
}
