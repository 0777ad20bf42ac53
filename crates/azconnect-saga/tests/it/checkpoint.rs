//! A reader begins with the last checkpoint, and with the first event where it cannot trust one.

use azconnect_core::{Append, Epoch, ErrorKind, Journal, Record, Sequence};
use azconnect_saga::{IllegalEvent, Saga, audit, freeze_as, history, read, thaw_as};
use azconnect_store::MemoryJournal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::stage::{Fate, Stage, Tally, TallyEvent, counted, stream};

/// Counts as [`Tally`] does, and remembers more than the last number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    last: u32,
    sum: u64,
}

fn add(state: Sum, event: &TallyEvent, at: OffsetDateTime) -> Result<Sum, IllegalEvent> {
    let last = Tally::evolve(state.last, event, at)?;
    Ok(Sum { last, sum: state.sum + u64::from(last) })
}

/// A saga over [`Sum`] that differs in what it freezes.
macro_rules! saga {
    ($(#[$doc:meta])* $name:ident, $freeze:expr, $thaw:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl Saga for $name {
            type State = Sum;
            type Event = TallyEvent;

            fn kind(event: &TallyEvent) -> &'static str {
                Tally::kind(event)
            }

            fn evolve(state: Sum, event: &TallyEvent, at: OffsetDateTime) -> Result<Sum, IllegalEvent> {
                add(state, event, at)
            }

            fn is_at_rest(state: &Sum) -> bool {
                Tally::is_at_rest(&state.last)
            }

            fn freeze(state: &Sum) -> Option<String> {
                $freeze(state)
            }

            fn thaw(text: &str) -> Option<Sum> {
                $thaw(text)
            }
        }
    };
}

saga!(
    /// Freezes everything.
    Whole, |state: &Sum| freeze_as(1, state), |text: &str| thaw_as(1, text)
);
saga!(
    /// A newer version.
    Newer, |state: &Sum| freeze_as(2, state), |text: &str| thaw_as(2, text)
);
saga!(
    /// Writes what it does not read.
    Mute, |state: &Sum| freeze_as(1, state), |_: &str| None
);
saga!(
    /// Forgets a part, consistently.
    Lossy,
    |state: &Sum| freeze_as(1, &state.last),
    |text: &str| thaw_as(1, text).map(|last| Sum { last, sum: 0 })
);
saga!(
    /// Its state at rest has the size of many events.
    Heavy,
    |state: &Sum| freeze_as(1, &(state, "x".repeat(200))),
    |text: &str| thaw_as::<(Sum, String)>(1, text).map(|(state, _)| state)
);

/// Which entries are checkpoints, as their positions.
async fn checkpoints(stage: &Stage) -> Vec<u64> {
    let entries = stage.entries().await;
    entries.iter().filter(|entry| entry.record.is_checkpoint()).map(|entry| entry.sequence.0).collect()
}

/// Appends one number after the other, each in a session of its own.
async fn count<S: Saga<Event = TallyEvent>>(stage: &Stage, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let session = stage.open_as::<S>().await.unwrap();
        session.append(&[counted(number)]).await.unwrap();
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_at_rest_is_read_from_its_checkpoint_alone() {
    let stage = Stage::new();
    count::<Whole>(&stage, 1..=6).await;
    assert_eq!(checkpoints(&stage).await, [3, 6, 9]);
    stage.journal.count_read();
    let snapshot = read::<Whole>(&stage.journal, &stream()).await.unwrap();
    assert_eq!((snapshot.state, snapshot.sequence), (Sum { last: 6, sum: 21 }, Sequence(9)));
    assert_eq!(stage.journal.count_read(), 1);
    // It is an entry like any other: it has the time and the epoch of its append, and the stream goes on after it.
    let entries = stage.entries().await;
    assert_eq!((entries[8].epoch, entries[8].record.at), (entries[7].epoch, entries[7].record.at));
    count::<Whole>(&stage, 7..=7).await;
    let snapshot = read::<Whole>(&stage.journal, &stream()).await.unwrap();
    assert_eq!((snapshot.state, snapshot.sequence), (Sum { last: 7, sum: 28 }, Sequence(10)));
}

#[tokio::test(start_paused = true)]
async fn a_long_history_costs_what_a_short_one_does() {
    let mut costs = Vec::new();
    for rests in [1, 1000] {
        let stage = Stage::new();
        count::<Whole>(&stage, 1..=2 * rests + 1).await;
        stage.journal.count_read();
        read::<Whole>(&stage.journal, &stream()).await.unwrap();
        let looked = stage.journal.count_read();
        stage.open_as::<Whole>().await.unwrap();
        costs.push((looked, stage.journal.count_read()));
    }
    assert_eq!(costs, [(2, 2), (2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_is_no_event_of_the_history() {
    let stage = Stage::new();
    count::<Whole>(&stage, 1..=5).await;
    let happened = history::<Whole>(&stage.journal, &stream()).await.unwrap();
    let positions: Vec<_> = happened.iter().map(|one| one.sequence.0).collect();
    assert_eq!(positions, [1, 2, 4, 5, 7]);
    assert_eq!(happened.into_iter().map(|one| one.event).collect::<Vec<_>>(), (1..=5).map(counted).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_is_written_with_its_events_or_not_at_all() {
    for (fate, known) in [(Fate::Lost, 0), (Fate::Unanswered, 2), (Fate::Silent, 2)] {
        let stage = Stage::new();
        let session = stage.open_as::<Whole>().await.unwrap();
        stage.journal.next(&[fate]);
        session.append(&[counted(1), counted(2)]).await.unwrap_err();
        assert_eq!(checkpoints(&stage).await.len(), usize::from(known == 2));
        session.settle().await.unwrap();
        assert_eq!(session.state().last, known);
        session.append(&[counted(known + 1), counted(known + 2)]).await.unwrap();
        assert_eq!(audit::<Whole>(&stage.journal, &stream()).await.unwrap(), checkpoints(&stage).await.len());
        assert_eq!(read::<Whole>(&stage.journal, &stream()).await.unwrap().state, *session.state());
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_that_does_not_rest_leaves_no_checkpoint() {
    let stage = Stage::new();
    let session = stage.open_as::<Whole>().await.unwrap();
    session.append(&[counted(1), counted(2), counted(3)]).await.unwrap();
    assert!(checkpoints(&stage).await.is_empty());
    session.append(&[counted(4)]).await.unwrap();
    assert_eq!(checkpoints(&stage).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn a_saga_without_checkpoints_writes_none() {
    let stage = Stage::new();
    count::<Tally>(&stage, 1..=4).await;
    assert!(checkpoints(&stage).await.is_empty());
    assert_eq!(read::<Tally>(&stage.journal, &stream()).await.unwrap().state, 4);
}

#[tokio::test(start_paused = true)]
async fn an_append_of_nothing_is_refused_at_rest_too() {
    let stage = Stage::new();
    // Enough has happened for a checkpoint: it comes with the next event, and not with nothing.
    count::<Tally>(&stage, 1..=8).await;
    let session = stage.open_as::<Whole>().await.unwrap();
    assert_eq!(session.append(&[]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(checkpoints(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_older_stream_gets_its_first_checkpoint_with_its_next_rest() {
    let stage = Stage::new();
    count::<Tally>(&stage, 1..=9).await;
    assert_eq!(read::<Whole>(&stage.journal, &stream()).await.unwrap().state, Sum { last: 9, sum: 45 });
    count::<Whole>(&stage, 10..=10).await;
    assert_eq!(checkpoints(&stage).await, [11]);
    assert_eq!(read::<Whole>(&stage.journal, &stream()).await.unwrap().state, Sum { last: 10, sum: 55 });
    assert_eq!(history::<Whole>(&stage.journal, &stream()).await.unwrap().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_a_newer_version_is_passed_over_and_everything_is_read() {
    let stage = Stage::new();
    count::<Newer>(&stage, 1..=5).await;
    assert_eq!(checkpoints(&stage).await.len(), 2);
    stage.journal.count_read();
    assert_eq!(read::<Whole>(&stage.journal, &stream()).await.unwrap().state, Sum { last: 5, sum: 15 });
    assert_eq!(stage.journal.count_read(), 2 + 7, "the checkpoint and what follows, then everything");
    // The older version leaves a checkpoint of its own, which the newer one passes over in its turn.
    count::<Whole>(&stage, 6..=6).await;
    assert_eq!(checkpoints(&stage).await.len(), 3);
    assert_eq!(read::<Newer>(&stage.journal, &stream()).await.unwrap().state, Sum { last: 6, sum: 21 });
    assert_eq!(history::<Newer>(&stage.journal, &stream()).await.unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_does_not_read_back_as_it_is_written_is_passed_over() {
    for text in [
        "",
        "{",
        "null",
        r#"{"state":{"last":2,"sum":9}}"#,
        r#"{"format":1,"state":{"last":2}}"#,
        r#"{"format":1,"state":{"last":2,"sum":9,"since":7}}"#,
        r#"{"format":1,"state":{"last":2,"sum":9},"more":1}"#,
        r#"{"format":1,"state":{"last":2,"sum":"9"}}"#,
    ] {
        let journal = MemoryJournal::new();
        let at = OffsetDateTime::UNIX_EPOCH;
        let event = |to| Record::new("counted", serde_json::to_string(&counted(to)).unwrap(), at);
        let records = vec![event(1), event(2), Record::checkpoint("checkpoint", text, at), event(3)];
        journal.append(Append::new(stream(), Sequence::START, Epoch(1), records)).await.unwrap();
        let snapshot = read::<Whole>(&journal, &stream()).await.unwrap();
        assert_eq!((snapshot.state, snapshot.sequence), (Sum { last: 3, sum: 6 }, Sequence(4)), "{text}");
        assert_eq!(audit::<Whole>(&journal, &stream()).await.unwrap(), 0, "{text}");
    }
}

#[test]
fn a_text_of_another_format_is_not_thawed() {
    let text = freeze_as(2, &Sum { last: 2, sum: 3 }).unwrap();
    assert_eq!(thaw_as(2, &text), Some(Sum { last: 2, sum: 3 }));
    for other in [0, 1, 3] {
        assert_eq!(thaw_as::<Sum>(other, &text), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_would_not_read_back_is_not_written() {
    let stage = Stage::new();
    count::<Mute>(&stage, 1..=4).await;
    assert!(checkpoints(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_audit_finds_a_checkpoint_that_is_not_the_fold_of_what_is_before_it() {
    let stage = Stage::new();
    count::<Whole>(&stage, 1..=6).await;
    assert_eq!(audit::<Whole>(&stage.journal, &stream()).await.unwrap(), 3);

    let stage = Stage::new();
    count::<Lossy>(&stage, 1..=2).await;
    let error = audit::<Lossy>(&stage.journal, &stream()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("entry 3 of tally/1"), "{error}");
}

/// Asserts that checkpoints are there, and take no more room than events.
async fn assert_bounded(stage: &Stage) {
    let (mut frozen, mut events) = (0, 0);
    for entry in stage.entries().await {
        *(if entry.record.is_checkpoint() { &mut frozen } else { &mut events }) += entry.record.payload.len();
    }
    assert!(frozen > events / 2 && frozen <= events, "{frozen} of {events}");
    stage.journal.count_read();
    assert_eq!(read::<Heavy>(&stage.journal, &stream()).await.unwrap().state.last, 200);
    assert!(stage.journal.count_read() < 20);
}

#[tokio::test(start_paused = true)]
async fn checkpoints_take_no_more_room_than_events() {
    let stage = Stage::new();
    count::<Heavy>(&stage, 1..=200).await;
    assert_bounded(&stage).await;

    let stage = Stage::new();
    let session = stage.open_as::<Heavy>().await.unwrap();
    for number in 1..=200 {
        session.append(&[counted(number)]).await.unwrap();
    }
    assert_bounded(&stage).await;

    let stage = Stage::new();
    let session = stage.open_as::<Heavy>().await.unwrap();
    for number in 1..=200 {
        stage.journal.next(&[Fate::Unanswered]);
        session.append(&[counted(number)]).await.unwrap_err();
        session.settle().await.unwrap();
    }
    assert_bounded(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_checkpoint_cannot_be_read_gets_one_with_its_next_rest() {
    let stage = Stage::new();
    count::<Newer>(&stage, 1..=20).await;
    let before = checkpoints(&stage).await.len();
    count::<Heavy>(&stage, 21..=22).await;
    assert_eq!(checkpoints(&stage).await.len(), before + 1, "all that was read counts, and not the last two events");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_entry_before_a_checkpoint_is_noticed_by_whoever_reads_it_only() {
    let journal = MemoryJournal::new();
    let at = OffsetDateTime::UNIX_EPOCH;
    let text = freeze_as(1, &Sum { last: 2, sum: 3 }).unwrap();
    let records = vec![Record::new("counted", "{}", at), Record::checkpoint("checkpoint", text, at)];
    journal.append(Append::new(stream(), Sequence::START, Epoch(1), records)).await.unwrap();
    assert_eq!(read::<Whole>(&journal, &stream()).await.unwrap().state.last, 2);
    assert_eq!(history::<Whole>(&journal, &stream()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(audit::<Whole>(&journal, &stream()).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
