//! Opening, reading and closing.

use async_trait::async_trait;
use azconnect_core::{Append, Effect, Entry, Epoch, Error, ErrorKind, Journal, Record, Retry, Sequence, StreamId};
use azconnect_saga::{Claim, Session, history, read};
use azconnect_store::MemoryJournal;
use time::OffsetDateTime;

use crate::stage::{Stage, TERM, Tally, counted, stream};

#[tokio::test(start_paused = true)]
async fn a_stream_that_another_session_has_is_refused_with_the_rest_of_the_term() {
    let stage = Stage::new();
    let _held = stage.open().await.unwrap();
    stage.sleep(20).await;
    let error = stage.open().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert_eq!(error.retry(), Retry::After(TERM - std::time::Duration::from_secs(20)));
    assert!(error.advice().contains("another process works on this"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn two_sessions_of_one_holder_s_name_exclude_each_other() {
    let stage = Stage::new();
    let first = stage.open().await.unwrap();
    assert!(stage.open().await.is_err());
    first.close().await;
    stage.open().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sessions_that_were_given_no_holder_s_name_exclude_each_other_too() {
    let stage = Stage::new();
    let claim = || Claim::new(stream()).unwrap();
    let first = Session::<Tally>::open(&stage.ports(), claim()).await.unwrap();
    // The lease lets whoever has the holder's name take it again: each session must have one of its own.
    assert_eq!(Session::<Tally>::open(&stage.ports(), claim()).await.unwrap_err().kind(), ErrorKind::Conflict);
    first.close().await;
    Session::<Tally>::open(&stage.ports(), claim()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_gives_the_lease_back() {
    let stage = Stage::new();
    *stage.journal.reads_fail.lock().unwrap() = true;
    assert_eq!(stage.open().await.unwrap_err().kind(), ErrorKind::Unavailable);
    *stage.journal.reads_fail.lock().unwrap() = false;
    stage.open().await.expect("the lease is free at once");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_stream_is_named_and_gives_the_lease_back() {
    for (payload, words) in [("{}", "cannot be read"), (r#"{"event":"counted","to":7}"#, "makes no sense")] {
        let stage = Stage::new();
        let record = Record::new("counted", payload, OffsetDateTime::UNIX_EPOCH);
        stage.journal.append(Append::new(stream(), Sequence::START, Epoch(1), vec![record])).await.unwrap();
        for _ in 0..2 {
            let error = stage.open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.message().contains("entry 1 of tally/1") && error.message().contains(words), "{error}");
            assert!(error.advice().contains("restore"), "{}", error.advice());
        }
        let error = read::<Tally>(&stage.journal, &stream()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test(start_paused = true)]
async fn reading_needs_no_lease() {
    let stage = Stage::new();
    let session = stage.open().await.unwrap();
    session.append(&[counted(1), counted(2)]).await.unwrap();
    let snapshot = read::<Tally>(&stage.journal, &stream()).await.unwrap();
    assert_eq!((snapshot.state, snapshot.sequence), (2, Sequence(2)));
    let happened = history::<Tally>(&stage.journal, &stream()).await.unwrap();
    assert_eq!(happened.iter().map(|one| one.event.clone()).collect::<Vec<_>>(), [counted(1), counted(2)]);
    assert_eq!((happened[1].sequence, happened[1].at), (Sequence(2), azconnect_core::Clock::now(&stage.clock)));
}

/// A journal that has lost an entry in the middle.
struct Torn(MemoryJournal);

#[async_trait]
impl Journal for Torn {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.0.append(append).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        let entries = self.0.read(stream, after).await?;
        Ok(entries.into_iter().filter(|entry| entry.sequence != Sequence(2)).collect())
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.0.unfinished().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_with_a_gap_is_refused_even_where_the_rest_would_make_sense() {
    let journal = Torn(MemoryJournal::new());
    let event =
        |to: u32| Record::new("counted", format!(r#"{{"event":"counted","to":{to}}}"#), OffsetDateTime::UNIX_EPOCH);
    let records = vec![event(1), event(9), event(2)];
    journal.append(Append::new(stream(), Sequence::START, Epoch(1), records)).await.unwrap();
    let error = read::<Tally>(&journal, &stream()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
    assert!(error.message().contains("entry 2 of tally/1 is missing"), "{error}");
}
