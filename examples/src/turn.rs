//! Waiting for one's turn: for what another process holds, or held when it was killed.

use std::future::Future;
use std::time::Duration;

use azconnect::core::{Clock, Error, ErrorKind, Retry};

/// How often somebody else's lease is waited for, before the caller is told.
const PATIENCE: u32 = 20;

/// The shortest wait.
const AT_LEAST: Duration = Duration::from_millis(100);

/// Does the work, and waits while another process has the lease that it needs. `tell` hears of each wait before it begins.
///
/// # Errors
/// Those of the work; the last one that [`held_for`] tells of, if the lease was held all the time.
pub async fn in_turn<T, F: Future<Output = Result<T, Error>>>(
    clock: &dyn Clock,
    tell: impl Fn(Duration),
    work: impl Fn() -> F,
) -> Result<T, Error> {
    let mut waits = 0;
    loop {
        let outcome = work().await;
        match outcome.as_ref().err().and_then(held_for) {
            Some(pause) if waits < PATIENCE => {
                waits += 1;
                tell(pause);
                clock.sleep(pause.max(AT_LEAST)).await;
            }
            _ => return outcome,
        }
    }
}

/// For how long another process may still hold the lease, if that is what the error says.
pub fn held_for(error: &Error) -> Option<Duration> {
    match error.retry() {
        // What a service refuses has its code; the lease is our own.
        Retry::After(pause) if error.kind() == ErrorKind::Conflict && error.service_code().is_none() => Some(pause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use azconnect::http::SystemClock;

    use super::*;
    use crate::end::Failure;

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_waited_for_and_nothing_else() {
        let held = || Error::new(ErrorKind::Conflict, "held").with_retry(Retry::After(Duration::from_secs(1)));
        let (calls, waits) = (Cell::new(0), Cell::new(0));
        let third_time = || async {
            calls.set(calls.get() + 1);
            if calls.get() < 3 { Err(held()) } else { Ok(()) }
        };
        in_turn(&SystemClock::new(), |_| waits.set(waits.get() + 1), third_time).await.unwrap();
        assert_eq!((calls.get(), waits.get()), (3, 2));

        let refused = || async { Err::<(), _>(held().with_service_code("AnotherOperationInProgress")) };
        in_turn(&SystemClock::new(), |_| waits.set(waits.get() + 1), refused).await.unwrap_err();
        assert_eq!(waits.get(), 2);
        let never = || async { Err::<(), _>(held()) };
        let error = in_turn(&SystemClock::new(), |_| waits.set(waits.get() + 1), never).await.unwrap_err();
        assert_eq!((held_for(&error), waits.get()), (Some(Duration::from_secs(1)), 22));
        assert!(matches!(Failure::from(error), Failure::RunAgain(_)), "the exit code says so");
    }
}
