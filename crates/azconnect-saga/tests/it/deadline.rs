//! Ports that never answer, and processes that sleep through what they do.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind};
use azconnect_saga::{Claim, Session};
use futures_util::FutureExt as _;

use crate::stage::{Fate, SLOW, Stage, TERM, THROTTLED, Tally, claim, counted, in_time, stream};

/// What a call waits for: three quarters of the term.
const DEADLINE: Duration = Duration::from_secs(45);

#[test]
fn a_call_is_given_up_while_the_lease_is_still_held() {
    assert_eq!(claim().call_deadline(), DEADLINE);
    let chosen = Claim::new(stream()).unwrap().with_call_deadline(Duration::from_secs(7)).with_term(TERM);
    assert_eq!(chosen.call_deadline(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn an_append_that_is_never_answered_is_given_up_and_looked_for_before_the_next() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.journal.next(&[Fate::Silent]);
    let error = in_time(session.append(&[counted(1)])).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    assert!(error.message().contains("the journal's append"), "{error}");
    assert_eq!((stage.clock.elapsed(), *session.state()), (DEADLINE, 0));
    session.settle().await.unwrap();
    assert_eq!(*session.state(), 1);
    session.append(&[counted(2)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_chosen_deadline_holds_for_every_call() {
    let stage = Stage::new();
    let limit = Duration::from_secs(5);
    let session = Session::<Tally>::open(&stage.ports(), claim().with_call_deadline(limit)).await.unwrap();
    stage.journal.next(&[Fate::Silent]);
    in_time(session.append(&[counted(1)])).await.unwrap_err();
    assert_eq!(stage.clock.elapsed(), limit);
    stage.journal.next_aside(&[Fate::Silent]);
    assert_eq!(session.settle().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(stage.clock.elapsed(), limit * 2);
    stage.lease.next_aside(&[Fate::Silent]);
    session.close().await;
    assert_eq!(stage.clock.elapsed(), limit * 3);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_never_answered_leaves_the_append_in_doubt() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.journal.next(&[Fate::Unanswered]);
    session.append(&[counted(1)]).await.unwrap_err();
    stage.journal.next_aside(&[Fate::Silent]);
    assert_eq!(session.append(&[counted(1)]).await.unwrap_err().kind(), ErrorKind::Timeout);
    session.append(&[counted(2)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_never_answers_opens_nothing() {
    let stage = Stage::new();
    stage.lease.next_aside(&[Fate::Silent]);
    let error = in_time(stage.open()).await.unwrap_err();
    assert_eq!((error.kind(), stage.clock.elapsed()), (ErrorKind::Timeout, DEADLINE));
    assert!(error.message().contains("the request for the lease"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_never_answers_does_not_keep_the_lease() {
    let stage = Stage::new();
    stage.journal.next_aside(&[Fate::Silent]);
    let error = in_time(stage.open()).await.unwrap_err();
    assert_eq!((error.kind(), stage.clock.elapsed()), (ErrorKind::Timeout, DEADLINE));
    stage.open().await.expect("the lease is free at once");
}

#[tokio::test(start_paused = true)]
async fn the_lease_outlasts_a_slow_opening() {
    let stage = Stage::new();
    let patient = claim().with_call_deadline(Duration::from_secs(600));
    stage.journal.next_aside(&[Fate::Silent]);
    let ports = stage.ports();
    let opening = Session::<Tally>::open(&ports, patient);
    let other = async {
        stage.sleep(300).await;
        assert_eq!(stage.open().await.unwrap_err().kind(), ErrorKind::Conflict, "another process took over");
    };
    let (opened, ()) = tokio::join!(in_time(opening), other);
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_never_answered_is_not_waited_for_longer_than_the_lease_lasts() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.sleep(40).await;
    stage.lease.next_aside(&[Fate::Silent]);
    session.close().await;
    assert_eq!(stage.clock.elapsed(), TERM);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_before_an_effect_is_repeated_within_the_term() {
    for fate in [Fate::Lost, Fate::Unanswered, Fate::Silent] {
        let stage = Stage::new();
        let session = stage.open().await.unwrap();
        stage.lease.next(&[fate, fate]);
        session.renew().await.unwrap();
        assert!(stage.clock.elapsed() < TERM);
        assert_eq!(stage.open().await.unwrap_err().kind(), ErrorKind::Conflict, "another process took over");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_not_waited_for_longer_than_a_call_may_take() {
    let stage = Stage::new();
    let limit = Duration::from_secs(6);
    let session = Session::<Tally>::open(&stage.ports(), claim().with_call_deadline(limit)).await.unwrap();
    stage.lease.next(&[Fate::Silent]);
    session.renew().await.unwrap();
    assert_eq!(stage.clock.elapsed(), limit + TERM / 12);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_repeated_when_the_service_says() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.lease.next(&[Fate::Throttled]);
    session.renew().await.unwrap();
    assert_eq!(stage.clock.elapsed(), THROTTLED);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_has_is_not_asked_for_again() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.lease.next(&[Fate::Refused]);
    assert_eq!(session.renew().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(stage.clock.elapsed(), Duration::ZERO);
}

/// Asserts that guarded work is not polled when the term has passed and nothing is heard of the lease.
async fn assert_over(stage: &Stage, session: &Session<Tally>) {
    let polls = AtomicU32::new(0);
    stage.lease.next(&[Fate::Silent]);
    assert_eq!(in_time(session.guard(work_of(&polls, 1))).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(polls.load(Ordering::SeqCst), 0, "the lease is another's, perhaps");
}

#[tokio::test(start_paused = true)]
async fn the_term_runs_from_the_request_and_not_from_a_slow_answer() {
    let stage = Stage::new();
    stage.lease.next_aside(&[Fate::Slow]);
    let session = stage.open().await.unwrap();
    stage.sleep(45).await;
    assert_over(&stage, &session).await;

    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.lease.next(&[Fate::Slow]);
    session.renew().await.unwrap();
    assert_eq!(stage.clock.elapsed(), SLOW);
    stage.sleep(45).await;
    assert_over(&stage, &session).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_for_the_rest_of_the_term_is_an_error_before_its_end() {
    for (fate, kind) in [(Fate::Lost, ErrorKind::Unavailable), (Fate::Silent, ErrorKind::Timeout)] {
        let stage = Stage::new();
        let session = stage.open().await.unwrap();
        stage.lease.next(&[fate; 99]);
        assert_eq!(session.renew().await.unwrap_err().kind(), kind);
        assert!(stage.clock.elapsed() <= TERM);
    }
}

#[tokio::test(start_paused = true)]
async fn guarded_work_survives_a_renewal_that_is_never_answered() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.lease.next(&[Fate::Silent]);
    in_time(session.guard(stage.sleep(600))).await.unwrap();
}

/// Counts how often it is polled, and waits for the n-th time.
async fn work_of(polls: &AtomicU32, enough: u32) {
    poll_fn(|_| match polls.fetch_add(1, Ordering::SeqCst) + 1 {
        number if number >= enough => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_wakes_after_the_term_does_not_go_on_with_another_s_work() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let polls = AtomicU32::new(0);
    let mut work = pin!(session.guard(work_of(&polls, 2)));
    assert!(work.as_mut().now_or_never().is_none());
    stage.sleep(61).await;
    let _other = stage.open().await.unwrap();
    assert_eq!(in_time(work).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(polls.load(Ordering::SeqCst), 1, "it went on without the lease");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_wakes_after_the_term_goes_on_once_the_lease_is_renewed() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let polls = AtomicU32::new(0);
    let mut work = pin!(session.guard(work_of(&polls, 2)));
    assert!(work.as_mut().now_or_never().is_none());
    stage.sleep(61).await;
    in_time(work).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_wakes_after_the_term_and_hears_nothing_of_the_lease_drops_its_work() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let polls = AtomicU32::new(0);
    let mut work = pin!(session.guard(work_of(&polls, 2)));
    assert!(work.as_mut().now_or_never().is_none());
    stage.sleep(61).await;
    stage.lease.next(&[Fate::Silent]);
    let error = in_time(work).await.unwrap_err();
    assert_eq!((error.kind(), polls.load(Ordering::SeqCst)), (ErrorKind::Timeout, 1));
    assert!(stage.clock.elapsed() < Duration::from_secs(70));
}

#[tokio::test(start_paused = true)]
async fn an_append_that_was_begun_before_a_long_sleep_is_not_sent_after_it() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let events = [counted(1)];
    stage.journal.next(&[Fate::Late]);
    let mut append = pin!(session.append(&events));
    assert!(append.as_mut().now_or_never().is_none());
    stage.sleep(45).await;
    let error = append.now_or_never().expect("the deadline has passed").unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    assert!(stage.entries().await.is_empty());
}
