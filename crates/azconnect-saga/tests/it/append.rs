//! What is written, and what is not.

use std::time::Duration;

use azconnect_core::{Append, Clock, Effect, Epoch, ErrorKind, Journal, Record, Sequence};
use futures_util::future::{join_all, select};

use crate::stage::{Fate, Stage, counted, stream};

#[tokio::test(start_paused = true)]
async fn events_are_durable_all_or_none_and_then_part_of_the_state() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let appended = session.append(&[counted(1), counted(2), counted(3)]).await.unwrap();
    assert_eq!((*appended.state, *session.state()), (3, 3));
    let entries = stage.entries().await;
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2].record.kind, "counted");
    assert_eq!(entries[2].record.payload, r#"{"event":"counted","to":3}"#);
    assert_eq!(entries[2].record.at, appended.at);
}

#[tokio::test(start_paused = true)]
async fn a_stream_at_rest_is_not_unfinished() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    session.append(&[counted(1)]).await.unwrap();
    assert_eq!(stage.journal.unfinished().await.unwrap().len(), 1);
    session.append(&[counted(2)]).await.unwrap();
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_follow_leaves_the_journal_as_it_was() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let error = session.append(&[counted(1), counted(5)]).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
    assert_eq!(error.message(), "the event counted cannot follow: 1 was the last");
    assert!(stage.entries().await.is_empty());
    assert_eq!(*session.state(), 0);
    session.append(&[counted(1)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_was_superseded_is_fenced_off() {
    let stage = Stage::new();
    let slept = stage.open().await.unwrap();
    stage.sleep(61).await;
    let awake = stage.open().await.unwrap();
    awake.append(&[counted(1)]).await.unwrap();
    let error = slept.append(&[counted(1)]).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert!(error.advice().contains("another process works on this"), "{}", error.advice());
    assert_eq!(stage.entries().await.len(), 1);
    // It can not free what is no longer its own either.
    slept.close().await;
    assert_eq!(stage.open().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn steps_that_end_at_once_share_one_session() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    let appends = (0..8).map(|_| async {
        // Whoever comes next counts on: no two expect the same position.
        loop {
            if session.append(&[counted(*session.state() + 1)]).await.is_ok() {
                break;
            }
        }
    });
    join_all(appends).await;
    assert_eq!(*session.state(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_is_looked_for_before_the_next() {
    for (fate, before) in [(Fate::Unanswered, 1), (Fate::Lost, 0)] {
        let stage = Stage::new();
        let session = stage.open().await.unwrap();
        stage.journal.next(&[fate]);
        assert_eq!(session.append(&[counted(1)]).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(*session.state(), 0, "not durable as far as is known");
        session.settle().await.unwrap();
        assert_eq!(*session.state(), before);
        session.append(&[counted(before + 1)]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_append_is_looked_for_before_the_next() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.journal.next(&[Fate::Silent]);
    {
        let events = [counted(1)];
        let append = std::pin::pin!(session.append(&events));
        select(append, std::pin::pin!(stage.sleep(1))).await;
    }
    session.append(&[counted(2)]).await.unwrap();
    assert_eq!(stage.entries().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_append_after_which_another_process_has_written_is_a_conflict() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    stage.journal.next(&[Fate::Lost]);
    session.append(&[counted(1)]).await.unwrap_err();
    stage.sleep(Duration::from_secs(61).as_secs()).await;
    stage.open().await.unwrap().append(&[counted(1)]).await.unwrap();
    assert_eq!(session.settle().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn an_append_at_a_position_that_is_taken_by_our_own_epoch_is_looked_into() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    // What a journal does that breaks its promise: an append that was given up is written later.
    let record = Record::new("counted", r#"{"event":"counted","to":1}"#, stage.clock.now());
    stage.journal.inner.append(Append::new(stream(), Sequence::START, Epoch(1), vec![record])).await.unwrap();
    assert_eq!(session.append(&[counted(1)]).await.unwrap_err().kind(), ErrorKind::Conflict);
    session.append(&[counted(2)]).await.unwrap();
    assert_eq!(*session.state(), 2);
}
