//! What every [`Journal`] must do.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use azconnect_core::{Append, Entry, Epoch, Error, ErrorKind, Journal, Record, Sequence, StreamId};
use futures_util::future::{join_all, ready, select};
use time::OffsetDateTime;
use time::macros::datetime;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// The moment of every record: its last digit is lost by a store that keeps microseconds only.
const MOMENT: OffsetDateTime = datetime!(2026-03-04 05:06:07.123456789 +02:00);

/// Checks every behaviour that needs one open journal at a time.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all(make: impl AsyncFn() -> Arc<dyn Journal>) {
    let mut report = Report::new("Journal");
    report.add("what is appended is read back", read_back(&*make().await).await);
    report.add("an unknown stream is empty", unknown_is_empty(&*make().await).await);
    report.add("a read begins after its position", read_after(&*make().await).await);
    report.add("an append at another position is refused", compare_and_swap(&*make().await).await);
    report.add("an append of nothing is refused", empty_append(&*make().await).await);
    report.add("several records are appended in order", several(&*make().await).await);
    report.add("a refused append leaves nothing", all_or_nothing(&*make().await).await);
    report.add("a higher epoch fences lower ones", fencing(&*make().await).await);
    report.add("epochs fence their own stream only", fencing_is_local(&*make().await).await);
    report.add("the same epoch continues", same_epoch(&*make().await).await);
    report.add("unfinished streams are those not at rest", unfinished(&*make().await).await);
    report.add("any text survives", any_text(&*make().await).await);
    report.add("a record of 1 MiB survives", large(&*make().await).await);
    report.add("many streams do not mix", many_streams(&*make().await).await);
    report.add("of concurrent appends exactly one wins", one_wins(&[make().await]).await);
    report.add("a refusal names what does not fit", names_what_does_not_fit(&*make().await).await);
    report.add("a read sees what became of a dropped append", dropped(&*make().await).await);
    report.add("a checkpoint is told from an event", told_apart(&*make().await).await);
    report.add("the latest entries begin with the last checkpoint", latest(&*make().await).await);
    report.finish();
}

/// Checks what a durable journal must do besides [`all`]. `open` opens the same data each time.
///
/// # Panics
/// As [`all`].
pub async fn durable(open: impl AsyncFn() -> Arc<dyn Journal>) {
    let mut report = Report::new("Journal (durable)");
    report.add("everything survives reopening", survives(&open).await);
    let two = [open().await, open().await];
    report.add("what one handle appends, another reads", shared(&two).await);
    report.add("of concurrent appends through two handles exactly one wins", one_wins(&two).await);
    report.finish();
}

async fn read_back(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    let last = journal.append(append(&stream, 0, 7, &["a"])).await?;
    ensure_eq("the new position", &last, &Sequence(1))?;
    let wanted = vec![Entry::new(Sequence(1), Epoch(7), record("a"))];
    ensure_eq("the entries", &journal.read(&stream, Sequence::START).await?, &wanted)
}

async fn unknown_is_empty(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    ensure_eq("the entries", &journal.read(&stream, Sequence::START).await?, &Vec::new())?;
    ensure(!journal.unfinished().await?.contains(&stream), "reading a stream made it exist")
}

async fn read_after(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    journal.append(append(&stream, 0, 1, &["a", "b", "c"])).await?;
    for (after, wanted) in [(0, "abc"), (1, "bc"), (2, "c"), (3, ""), (99, ""), (u64::MAX, "")] {
        let entries = journal.read(&stream, Sequence(after)).await?;
        ensure_eq(&format!("the entries after {after}"), &payloads(&entries), &wanted.to_owned())?;
        let contiguous = entries.iter().zip(1_u64..).all(|(entry, number)| entry.sequence == Sequence(after + number));
        ensure(contiguous, format!("the positions after {after} are not contiguous"))?;
    }
    Ok(())
}

async fn compare_and_swap(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    for wrong in [1, 5, u64::MAX] {
        let result = journal.append(append(&stream, wrong, 1, &["x"])).await;
        refused(&format!("an append to an empty stream at {wrong}"), ErrorKind::Conflict, result)?;
    }
    journal.append(append(&stream, 0, 1, &["a", "b"])).await?;
    for wrong in [0, 1, 3, u64::MAX] {
        let result = journal.append(append(&stream, wrong, 1, &["x"])).await;
        refused(&format!("an append at {wrong} instead of 2"), ErrorKind::Conflict, result)?;
    }
    journal.append(append(&stream, 2, 1, &["c"])).await?;
    ensure_eq("the records", &text_of(journal, &stream).await?, &"abc".to_owned())
}

async fn empty_append(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    let result = journal.append(append(&stream, 0, 1, &[])).await;
    refused("an append of nothing", ErrorKind::InvalidInput, result)?;
    ensure(!journal.unfinished().await?.contains(&stream), "the refused append made the stream exist")
}

async fn several(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    ensure_eq("the first end", &journal.append(append(&stream, 0, 1, &["a", "b", "c"])).await?, &Sequence(3))?;
    ensure_eq("the second end", &journal.append(append(&stream, 3, 1, &["d", "e"])).await?, &Sequence(5))?;
    ensure_eq("the records", &text_of(journal, &stream).await?, &"abcde".to_owned())
}

async fn all_or_nothing(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    journal.append(append(&stream, 0, 5, &["a"]).with_at_rest(true)).await?;
    let stale = journal.append(append(&stream, 0, 9, &["x", "y", "z"])).await;
    refused("a stale append of three", ErrorKind::Conflict, stale)?;
    ensure_eq("the records", &text_of(journal, &stream).await?, &"a".to_owned())?;
    ensure(!journal.unfinished().await?.contains(&stream), "the refused append ended the rest")?;
    // The refused append carried epoch 9: had it left that behind, epoch 5 would be fenced now.
    journal.append(append(&stream, 1, 5, &["b"])).await?;
    Ok(())
}

async fn fencing(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    journal.append(append(&stream, 0, 3, &["a"])).await?;
    journal.append(append(&stream, 1, 8, &["b"])).await?;
    for lower in [0, 3, 7] {
        let result = journal.append(append(&stream, 2, lower, &["x"])).await;
        refused(&format!("an append with epoch {lower} after 8"), ErrorKind::Conflict, result)?;
    }
    journal.append(append(&stream, 2, 9, &["c"])).await?;
    let epochs: Vec<_> = journal.read(&stream, Sequence::START).await?.iter().map(|entry| entry.epoch.0).collect();
    ensure_eq("the epochs", &epochs, &vec![3, 8, 9])
}

async fn fencing_is_local(journal: &dyn Journal) -> CaseResult {
    let (first, second) = (new_stream()?, new_stream()?);
    journal.append(append(&first, 0, 9, &["a"])).await?;
    journal.append(append(&second, 0, 1, &["b"])).await?;
    Ok(())
}

async fn same_epoch(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    for position in 0..5 {
        journal.append(append(&stream, position, 4, &["a"])).await?;
    }
    ensure_eq("the records", &text_of(journal, &stream).await?, &"aaaaa".to_owned())
}

async fn unfinished(journal: &dyn Journal) -> CaseResult {
    let root = fresh("unfinished");
    let named = |name: &str| StreamId::new(format!("{root}/{name}"));
    // In upper and lower case: an order that follows a language would put `B` after `a`.
    for (name, at_rest) in [("c", false), ("a", false), ("B", false), ("b", true)] {
        journal.append(append(&named(name)?, 0, 1, &["x"]).with_at_rest(at_rest)).await?;
    }
    let ours = async || -> Result<Vec<StreamId>, Error> {
        let streams = journal.unfinished().await?;
        Ok(streams.into_iter().filter(|stream| stream.as_str().starts_with(&root)).collect())
    };
    ensure_eq("in order of their bytes", &ours().await?, &vec![named("B")?, named("a")?, named("c")?])?;
    journal.append(append(&named("a")?, 1, 1, &["x"]).with_at_rest(true)).await?;
    journal.append(append(&named("b")?, 1, 1, &["x"])).await?;
    ensure_eq("after two changes", &ours().await?, &vec![named("B")?, named("b")?, named("c")?])
}

async fn any_text(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    let texts =
        ["", "{\"a\":\"\u{0}\\u0000\"}", "\u{1f511}\u{202e}\u{e9}e\u{301}", "'; DROP TABLE x; --", "\r\n\t\u{1b}[0m"];
    for (position, text) in (0..).zip(texts) {
        let record = Record::new(text, text, MOMENT);
        journal.append(Append::new(stream.clone(), Sequence(position), Epoch(1), vec![record])).await?;
    }
    for (entry, text) in journal.read(&stream, Sequence::START).await?.iter().zip(texts) {
        ensure_eq("the record", &entry.record, &Record::new(text, text, MOMENT))?;
    }
    ensure_eq("the count", &journal.read(&stream, Sequence::START).await?.len(), &texts.len())
}

async fn large(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    let text = "0123456789abcde\u{e9}".repeat(1 << 16);
    let record = Record::new("large", text, MOMENT);
    journal
        .append(Append::new(stream.clone(), Sequence::START, Epoch(1), vec![record.clone(), record.clone()]))
        .await?;
    let entries = journal.read(&stream, Sequence::START).await?;
    let same = entries.len() == 2 && entries.iter().all(|entry| entry.record == record);
    ensure(same, "the records differ from what was appended")
}

async fn many_streams(journal: &dyn Journal) -> CaseResult {
    let streams: Vec<_> = (0..100).map(|_| new_stream()).collect::<Result<_, _>>()?;
    for position in 0..2 {
        for (number, stream) in streams.iter().enumerate() {
            journal.append(append(stream, position, 1, &[&format!("{number}.")])).await?;
        }
    }
    for (number, stream) in streams.iter().enumerate() {
        ensure_eq("the records", &text_of(journal, stream).await?, &format!("{number}.{number}."))?;
    }
    let unfinished = journal.unfinished().await?;
    ensure(streams.iter().all(|stream| unfinished.contains(stream)), "a stream is missing among the unfinished")
}

/// Rounds of eight appends at the same position, spread over the handles.
async fn one_wins(handles: &[Arc<dyn Journal>]) -> CaseResult {
    let stream = new_stream()?;
    for round in 0..10 {
        let texts: Vec<_> = (0..8).map(|number| format!("{round}/{number}")).collect();
        let appends = texts.iter().zip(handles.iter().cycle());
        let results = join_all(appends.map(|(text, journal)| journal.append(append(&stream, round, 1, &[text])))).await;
        let mut winner = None;
        for (result, text) in results.into_iter().zip(&texts) {
            match result {
                Ok(last) => {
                    ensure_eq("the new position", &last, &Sequence(round + 1))?;
                    ensure(winner.replace(text).is_none(), "two appends at the same position won")?;
                }
                lost => drop(refused("an append that lost", ErrorKind::Conflict, lost)?),
            }
        }
        let winner = winner.ok_or_else(|| Failure::new("no append won"))?;
        // The handles of those who lost are asked too: none may show what it failed to write.
        for journal in handles {
            let entries = journal.read(&stream, Sequence(round)).await?;
            ensure_eq("the record that won", &payloads(&entries), winner)?;
        }
    }
    Ok(())
}

async fn names_what_does_not_fit(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    journal.append(append(&stream, 0, 5, &["a"])).await?;
    for (expected, epoch, field) in [(0, 5, "expected"), (2, 9, "expected"), (1, 4, "epoch"), (0, 4, "epoch")] {
        let what = format!("an append at {expected} with epoch {epoch}, after 1 and 5");
        let result = journal.append(append(&stream, expected, epoch, &["x"])).await;
        let error = refused(&what, ErrorKind::Conflict, result)?;
        ensure_eq(&format!("the field of {what}"), &error.field(), &Some(field))?;
    }
    Ok(())
}

/// Rounds of an append that is dropped after its first poll: what is read next must stay true.
async fn dropped(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    let mut written = 0;
    for round in 0..20 {
        {
            let begun = pin!(journal.append(append(&stream, written, 1, &["a"])));
            select(begun, ready(())).await;
        }
        let seen = journal.read(&stream, Sequence::START).await?.len() as u64;
        ensure(seen == written || seen == written + 1, format!("round {round}: {seen} entries after {written}"))?;
        for _ in 0..4 {
            yield_once().await;
            let again = journal.read(&stream, Sequence::START).await?.len() as u64;
            ensure_eq(&format!("round {round}: the entries, read once more"), &again, &seen)?;
        }
        written = seen;
    }
    journal.append(append(&stream, written, 1, &["b"])).await?;
    Ok(())
}

/// Lets everything else of the runtime go on.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn told_apart(journal: &dyn Journal) -> CaseResult {
    let stream = new_stream()?;
    // The same kind and text: only the mark differs.
    let records = vec![record("a"), checkpoint("a"), record("a")];
    journal.append(Append::new(stream.clone(), Sequence::START, Epoch(2), records.clone())).await?;
    let wanted: Vec<_> =
        (1..).zip(records).map(|(place, record)| Entry::new(Sequence(place), Epoch(2), record)).collect();
    ensure_eq("the entries", &journal.read(&stream, Sequence::START).await?, &wanted)
}

async fn latest(journal: &dyn Journal) -> CaseResult {
    let (stream, other) = (new_stream()?, new_stream()?);
    ensure_eq("of an unknown stream", &latest_of(journal, &stream).await?, &String::new())?;
    journal.append(append(&stream, 0, 1, &["a", "b"])).await?;
    ensure_eq("without a checkpoint", &latest_of(journal, &stream).await?, &"1a 2b".to_owned())?;
    let add = async |expected, records| {
        journal.append(Append::new(stream.clone(), Sequence(expected), Epoch(1), records)).await
    };
    add(2, vec![record("c"), checkpoint("C")]).await?;
    ensure_eq("with a checkpoint at the end", &latest_of(journal, &stream).await?, &"4C".to_owned())?;
    add(4, vec![record("d")]).await?;
    ensure_eq("with an event after it", &latest_of(journal, &stream).await?, &"4C 5d".to_owned())?;
    add(5, vec![checkpoint("D"), record("e"), checkpoint("E"), record("f")]).await?;
    ensure_eq("with several checkpoints", &latest_of(journal, &stream).await?, &"8E 9f".to_owned())?;
    let stale = vec![checkpoint("X")];
    refused("a stale checkpoint", ErrorKind::Conflict, add(5, stale).await)?;
    ensure_eq("after a refused checkpoint", &latest_of(journal, &stream).await?, &"8E 9f".to_owned())?;
    journal.append(append(&other, 0, 1, &["z"])).await?;
    ensure_eq("of another stream", &latest_of(journal, &other).await?, &"1z".to_owned())?;
    ensure_eq("the whole stream", &text_of(journal, &stream).await?, &"abcCdDeEf".to_owned())
}

/// The latest entries, each as its position and its text.
async fn latest_of(journal: &dyn Journal, stream: &StreamId) -> Result<String, Error> {
    let entries = journal.latest(stream).await?;
    let each: Vec<_> = entries.iter().map(|entry| format!("{}{}", entry.sequence.0, entry.record.payload)).collect();
    Ok(each.join(" "))
}

async fn survives(open: &impl AsyncFn() -> Arc<dyn Journal>) -> CaseResult {
    let (resting, unfinished) = (new_stream()?, new_stream()?);
    {
        let journal = open().await;
        journal.append(append(&resting, 0, 6, &["a", "b"]).with_at_rest(true)).await?;
        journal.append(append(&unfinished, 0, 1, &["c"])).await?;
    }
    let journal = open().await;
    let wanted = vec![Entry::new(Sequence(1), Epoch(6), record("a")), Entry::new(Sequence(2), Epoch(6), record("b"))];
    ensure_eq("the entries", &journal.read(&resting, Sequence::START).await?, &wanted)?;
    let found = journal.unfinished().await?;
    ensure(found.contains(&unfinished) && !found.contains(&resting), "the rest was not kept")?;
    let fenced = journal.append(append(&resting, 2, 5, &["x"])).await;
    refused("an append with an epoch fenced before", ErrorKind::Conflict, fenced)?;
    let stale = journal.append(append(&resting, 0, 6, &["x"])).await;
    refused("an append at a position taken before", ErrorKind::Conflict, stale)?;
    let records = vec![record("c"), checkpoint("C"), record("d")];
    let more = Append::new(resting.clone(), Sequence(2), Epoch(6), records);
    ensure_eq("the next position", &journal.append(more).await?, &Sequence(5))?;
    drop(journal);
    ensure_eq("the latest entries", &latest_of(&*open().await, &resting).await?, &"4C 5d".to_owned())
}

async fn shared(handles: &[Arc<dyn Journal>; 2]) -> CaseResult {
    let [one, other] = handles;
    let stream = new_stream()?;
    one.append(append(&stream, 0, 1, &["a"])).await?;
    ensure_eq("what the other reads", &text_of(&**other, &stream).await?, &"a".to_owned())?;
    other.append(append(&stream, 1, 2, &["b"])).await?;
    let fenced = one.append(append(&stream, 2, 1, &["x"])).await;
    refused("an append fenced through the other handle", ErrorKind::Conflict, fenced)?;
    ensure_eq("what the first reads", &text_of(&**one, &stream).await?, &"ab".to_owned())
}

fn new_stream() -> Result<StreamId, Error> {
    StreamId::new(fresh("stream"))
}

fn record(text: &str) -> Record {
    Record::new("conformance", text, MOMENT)
}

fn checkpoint(text: &str) -> Record {
    Record::checkpoint("conformance", text, MOMENT)
}

fn append(stream: &StreamId, expected: u64, epoch: u64, texts: &[&str]) -> Append {
    let records = texts.iter().map(|text| record(text)).collect();
    Append::new(stream.clone(), Sequence(expected), Epoch(epoch), records)
}

fn payloads(entries: &[Entry]) -> String {
    entries.iter().map(|entry| entry.record.payload.as_str()).collect()
}

async fn text_of(journal: &dyn Journal, stream: &StreamId) -> Result<String, Error> {
    Ok(payloads(&journal.read(stream, Sequence::START).await?))
}
