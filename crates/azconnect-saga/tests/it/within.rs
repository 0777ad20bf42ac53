//! A call has a deadline, also in a process that slept through it.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind};
use azconnect_saga::within;
use azconnect_testkit::{ManualClock, VirtualClock};
use futures_util::FutureExt as _;
use time::OffsetDateTime;

use crate::stage::in_time;

const LIMIT: Duration = Duration::from_secs(45);

/// A clock whose sleepers are woken late: never.
struct Drowsy(ManualClock);

#[async_trait]
impl Clock for Drowsy {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

/// Sends with its second poll, as a call does whose process was suspended after the first.
async fn send_with_the_second_poll(polls: &AtomicU32, sent: &AtomicU32) {
    poll_fn(|_| match polls.fetch_add(1, Ordering::SeqCst) {
        0 => Poll::Pending,
        _ => Poll::Ready(sent.fetch_add(1, Ordering::SeqCst)),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends_at_its_deadline() {
    let clock = VirtualClock::new();
    let error = in_time(within(&clock, LIMIT, "the journal's append", pending::<()>())).await.unwrap_err();
    assert_eq!(clock.elapsed(), LIMIT);
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    assert!(error.message().contains("the journal's append") && error.message().contains("45s"), "{error}");
}

#[test]
fn a_process_that_wakes_after_the_deadline_does_not_go_on_with_the_call() {
    let manual = ManualClock::new();
    let drowsy = Drowsy(manual.clone());
    for clock in [&manual as &dyn Clock, &drowsy] {
        let (polls, sent) = (AtomicU32::new(0), AtomicU32::new(0));
        let mut call = pin!(within(clock, LIMIT, "the push", send_with_the_second_poll(&polls, &sent)));
        assert!(call.as_mut().now_or_never().is_none());
        manual.advance(LIMIT);
        let error = call.now_or_never().expect("the deadline has passed").unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert_eq!((polls.load(Ordering::SeqCst), sent.load(Ordering::SeqCst)), (1, 0), "it was sent late");
    }
}

#[test]
fn a_call_goes_on_until_just_before_its_deadline() {
    let clock = ManualClock::new();
    let (polls, sent) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut call = pin!(within(&clock, LIMIT, "the push", send_with_the_second_poll(&polls, &sent)));
    assert!(call.as_mut().now_or_never().is_none());
    clock.advance(LIMIT - Duration::from_nanos(1));
    call.now_or_never().expect("it is answered").unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[test]
fn a_call_without_any_time_is_not_begun() {
    let clock = ManualClock::new();
    let polls = AtomicU32::new(0);
    let work = async { polls.fetch_add(1, Ordering::SeqCst) };
    let error = within(&clock, Duration::ZERO, "the push", work).now_or_never().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::None));
    assert_eq!(polls.into_inner(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_longest_limit_is_no_deadline_in_the_past() {
    let clock = VirtualClock::new();
    clock.sleep(LIMIT).await;
    assert_eq!(within(&clock, Duration::MAX, "the sum", async { 2 }).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_work_s_own_error_is_handed_on() {
    let clock = VirtualClock::new();
    let refused = || Error::new(ErrorKind::PermissionDenied, "no");
    let outcome: Result<(), Error> = within(&clock, LIMIT, "the push", async { Err(refused()) }).await.unwrap();
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(clock.elapsed(), Duration::ZERO);
}
