//! The lease, while work goes on.

use azconnect_core::ErrorKind;
use futures_util::StreamExt;
use futures_util::future::select;
use futures_util::stream::FuturesUnordered;

use crate::stage::{Fate, Stage, counted, in_time};

/// Asserts that nobody else can open the stream now.
async fn assert_held(stage: &Stage) {
    assert_eq!(stage.open().await.unwrap_err().kind(), ErrorKind::Conflict, "another process took over");
}

#[tokio::test(start_paused = true)]
async fn the_lease_outlasts_a_long_action() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    in_time(session.guard(stage.sleep(600))).await.unwrap();
    assert_held(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn many_short_guards_in_a_row_do_not_put_the_renewal_off() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    for _ in 0..12 {
        in_time(session.guard(stage.sleep(15))).await.unwrap();
        assert_held(&stage).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_whose_parts_are_recorded_as_they_come_keeps_the_lease() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let mut parts: FuturesUnordered<_> = (1..=12).map(|part| stage.sleep(15 * part)).collect();
    let mut done = 0;
    while in_time(session.guard(parts.next())).await.unwrap().is_some() {
        done += 1;
        session.append(&[counted(done)]).await.unwrap();
        assert_held(&stage).await;
    }
    assert_eq!(done, 12);
}

#[tokio::test(start_paused = true)]
async fn guarded_work_may_append_and_be_guarded_again() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let work = async {
        for number in 1..=5 {
            in_time(session.guard(stage.sleep(50))).await?;
            session.append(&[counted(number)]).await?;
        }
        Ok::<_, azconnect_core::Error>(())
    };
    in_time(session.guard(work)).await.unwrap().unwrap();
    assert_eq!(*session.state(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_within_the_term() {
    for fate in [Fate::Lost, Fate::Unanswered] {
        let stage = Stage::new();
        let session = stage.open().await.unwrap();
        stage.lease.next(&[fate, fate, fate]);
        in_time(session.guard(stage.sleep(600))).await.unwrap();
        assert_held(&stage).await;
    }
}

#[tokio::test(start_paused = true)]
async fn work_is_dropped_before_a_lease_that_cannot_be_renewed_has_run_out() {
    for fate in [Fate::Lost, Fate::Silent] {
        let stage = Stage::new();
        let session = stage.open().await.unwrap();
        stage.lease.next(&[fate; 99]);
        let began = azconnect_core::Clock::elapsed(&stage.clock);
        let error = in_time(session.guard(stage.sleep(600))).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout), "{error:?}");
        assert!((azconnect_core::Clock::elapsed(&stage.clock) - began).as_secs() <= 60);
    }
}

#[tokio::test(start_paused = true)]
async fn work_is_dropped_when_another_process_has_the_lease() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.sleep(61).await;
    let _other = stage.open().await.unwrap();
    let error = in_time(session.guard(stage.sleep(600))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(session.renew().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_frees_its_stream_when_the_term_has_passed() {
    let stage = Stage::new();
    {
        let session = stage.open().await.unwrap();
        let work = std::pin::pin!(session.guard(stage.sleep(600)));
        select(work, std::pin::pin!(stage.sleep(50))).await;
    }
    assert_held(&stage).await;
    stage.sleep(60).await;
    stage.open().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_future_can_be_spawned() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let stage = Stage::new();
    let session = assert_send(stage.open()).await.unwrap();
    in_time(assert_send(session.guard(stage.sleep(1)))).await.unwrap();
    assert_send(session.append(&[counted(1)])).await.unwrap();
    assert_send(session.settle()).await.unwrap();
    assert_send(session.close()).await;
}
