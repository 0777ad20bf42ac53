//! What every [`DocumentStore`] must do.

use std::sync::Arc;

use azconnect_core::{
    CollectionId, Document, DocumentId, DocumentKey, DocumentQuery, DocumentStore, Error, ErrorKind, Labels, Revision,
};
use futures_util::future::join_all;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// Checks every behaviour that needs one open store at a time.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all(make: impl AsyncFn() -> Arc<dyn DocumentStore>) {
    let mut report = Report::new("DocumentStore");
    report.add("what is inserted is read", round_trip(&*make().await).await);
    report.add("an unknown name holds nothing", unknown(&*make().await).await);
    report.add("a document is inserted once", inserted_once(&*make().await).await);
    report.add("a replacement needs the revision that was read", replaced(&*make().await).await);
    report.add("what is gone is not replaced", gone(&*make().await).await);
    report.add("a removal needs the revision that was read", removed(&*make().await).await);
    report.add("a revision is never given twice", revisions_grow(&*make().await).await);
    report.add("any text and label survives", any_text(&*make().await).await);
    report.add("a text that is too long is refused", bounds(&*make().await).await);
    report.add("a list is in order and in pages", pages(&*make().await).await);
    report.add("a list has what bears all labels", labels(&*make().await).await);
    report.add("a list of few among many finds them all", few_among_many(&*make().await).await);
    report.add("collections do not mix", collections(&*make().await).await);
    let store = make().await;
    report.add("of concurrent writers exactly one wins", one_wins(&[store]).await);
    report.finish();
}

/// Checks what a durable store must do besides [`all`]. `open` opens the same data each time.
///
/// # Panics
/// As [`all`].
pub async fn durable(open: impl AsyncFn() -> Arc<dyn DocumentStore>) {
    let mut report = Report::new("DocumentStore (durable)");
    report.add("everything survives reopening", survives(&open).await);
    let two = [open().await, open().await];
    report.add("of concurrent writers through two handles exactly one wins", one_wins(&two).await);
    report.finish();
}

async fn round_trip(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    let document = Document::new(r#"{"a":1}"#).with_labels(Labels::new().with("team", "payments")?);
    let revision = store.insert(&key, &document).await?;
    for _ in 0..2 {
        let found = store.get(&key).await?.ok_or_else(|| Failure::new("it is not there"))?;
        ensure_eq("key", &found.key, &key)?;
        ensure_eq("revision", &found.revision, &revision)?;
        ensure_eq("document", &found.document, &document)?;
    }
    Ok(())
}

async fn unknown(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    ensure(store.get(&key).await?.is_none(), "something was read")?;
    let page = store.list(&DocumentQuery::new(key.collection)).await?;
    ensure(page.documents.is_empty() && page.next.is_none(), "something was listed")
}

async fn inserted_once(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    let revision = store.insert(&key, &Document::new("first")).await?;
    for text in ["first", "second"] {
        let error = refused("another", ErrorKind::Conflict, store.insert(&key, &Document::new(text)).await)?;
        ensure_eq("field", &error.field(), &Some("id"))?;
    }
    holds(store, &key, revision, "first").await
}

async fn replaced(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    let labelled = Document::new("first").with_labels(Labels::new().with("stage", "test")?);
    let first = store.insert(&key, &labelled).await?;
    let second = store.replace(&key, first, &Document::new("second")).await?;
    ensure(second > first, "the revision did not grow")?;
    for stale in [first, Revision(second.0 + 1), Revision(0)] {
        let late = store.replace(&key, stale, &Document::new("late")).await;
        let error = refused("a stale replacement", ErrorKind::Conflict, late)?;
        ensure_eq("field", &error.field(), &Some("revision"))?;
    }
    holds(store, &key, second, "second").await?;
    let found = store.get(&key).await?.ok_or_else(|| Failure::new("it is not there"))?;
    ensure(found.document.labels.is_empty(), "labels of the former document stayed")
}

async fn gone(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    let never = store.replace(&key, Revision(1), &Document::new("x")).await;
    refused("replacing what never was", ErrorKind::NotFound, never)?;
    let revision = store.insert(&key, &Document::new("first")).await?;
    store.remove(&key, revision).await?;
    refused("replacing", ErrorKind::NotFound, store.replace(&key, revision, &Document::new("x")).await)?;
    ensure(store.get(&key).await?.is_none(), "a refused replacement wrote something")
}

async fn removed(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    let first = store.insert(&key, &Document::new("first")).await?;
    let second = store.replace(&key, first, &Document::new("second")).await?;
    let error = refused("a stale removal", ErrorKind::Conflict, store.remove(&key, first).await)?;
    ensure_eq("field", &error.field(), &Some("revision"))?;
    holds(store, &key, second, "second").await?;
    for _ in 0..2 {
        store.remove(&key, second).await?;
    }
    ensure(store.get(&key).await?.is_none(), "it is still there")
}

/// What was removed and made anew must not look like what a slow writer read before.
async fn revisions_grow(store: &dyn DocumentStore) -> CaseResult {
    let (key, other) = (new_key()?, new_key()?);
    let mut last = Revision(0);
    for _ in 0..3 {
        for key in [&key, &other] {
            let revision = store.insert(key, &Document::new("made anew")).await?;
            ensure(revision > last, "a revision was given twice, or went back")?;
            last = revision;
            store.remove(key, revision).await?;
        }
    }
    Ok(())
}

async fn any_text(store: &dyn DocumentStore) -> CaseResult {
    for text in ["", " ", "\"'\\;--%s{}$1", "\u{1f511}e\u{301}\u{feff}", "a\r\nb\tc"] {
        let key = new_key()?;
        let value: String = text.chars().filter(|c| !c.is_control()).collect();
        let document = Document::new(text).with_labels(Labels::new().with("a/b.c-d_e", value)?);
        store.insert(&key, &document).await?;
        let found = store.get(&key).await?.ok_or_else(|| Failure::new("it is not there"))?;
        ensure_eq("document", &found.document, &document)?;
        let wanted = DocumentQuery::new(key.collection.clone()).with_labels(document.labels);
        ensure_eq("found by its label", &store.list(&wanted).await?.documents.len(), &1)?;
    }
    Ok(())
}

async fn bounds(store: &dyn DocumentStore) -> CaseResult {
    let key = new_key()?;
    for text in ["x".repeat(Document::MAX_LENGTH + 1), "a\0b".to_owned()] {
        let error = refused("the text", ErrorKind::InvalidInput, store.insert(&key, &Document::new(text)).await)?;
        ensure_eq("field", &error.field(), &Some("document"))?;
    }
    let longest = "\u{e9}".repeat(Document::MAX_LENGTH / 2);
    let revision = store.insert(&key, &Document::new(longest.as_str())).await?;
    holds(store, &key, revision, &longest).await
}

async fn pages(store: &dyn DocumentStore) -> CaseResult {
    let collection = new_key()?.collection;
    // In the order of their bytes, which is not that of a dictionary.
    let names = ["-", ".", "/", "0", "10", "2", ":", "@", "A", "B", "_", "a", "a/", "aa", "b"];
    for name in names.iter().rev() {
        store.insert(&key_in(&collection, name)?, &Document::new(*name)).await?;
    }
    for limit in [1, 4, 15, 16] {
        let mut seen = Vec::new();
        let mut query = DocumentQuery::new(collection.clone()).with_limit(limit);
        for _ in 0..=names.len() {
            let page = store.list(&query).await?;
            ensure(page.documents.len() <= limit, "a page has more than it may")?;
            seen.extend(page.documents.into_iter().map(|stored| stored.key.id.as_str().to_owned()));
            let Some(next) = page.next else { break };
            query = query.with_after(Some(next));
        }
        ensure_eq("names", &seen, &names.map(str::to_owned).to_vec())?;
    }
    Ok(())
}

async fn labels(store: &dyn DocumentStore) -> CaseResult {
    let collection = new_key()?.collection;
    let teams =
        [("a", "payments", "test"), ("b", "payments", "live"), ("c", "Payments", "test"), ("d", "shop", "test")];
    for (name, team, stage) in teams {
        let labels = Labels::new().with("team", team)?.with("stage", stage)?;
        store.insert(&key_in(&collection, name)?, &Document::new("{}").with_labels(labels)).await?;
    }
    let none = Labels::new();
    for (wanted, names) in [
        (none.clone(), vec!["a", "b", "c", "d"]),
        (none.clone().with("team", "payments")?, vec!["a", "b"]),
        (none.clone().with("team", "payments")?.with("stage", "test")?, vec!["a"]),
        (none.clone().with("team", "pay")?, vec![]),
        (none.with("owner", "payments")?, vec![]),
    ] {
        let page = store.list(&DocumentQuery::new(collection.clone()).with_labels(wanted)).await?;
        let found: Vec<_> = page.documents.iter().map(|stored| stored.key.id.as_str()).collect();
        ensure_eq("names", &found, &names)?;
    }
    Ok(())
}

async fn few_among_many(store: &dyn DocumentStore) -> CaseResult {
    let collection = new_key()?.collection;
    for number in 0..1030_u32 {
        let stage = if number % 515 == 514 { "rare" } else { "common" };
        let document = Document::new("{}").with_labels(Labels::new().with("stage", stage)?);
        store.insert(&key_in(&collection, &format!("{number:04}"))?, &document).await?;
    }
    let rare = DocumentQuery::new(collection).with_labels(Labels::new().with("stage", "rare")?);
    for limit in [1, 2, 1000] {
        let first = store.list(&rare.clone().with_limit(limit)).await?;
        let mut names: Vec<_> = first.documents.iter().map(|stored| stored.key.id.as_str().to_owned()).collect();
        if let Some(next) = first.next {
            let second = store.list(&rare.clone().with_limit(limit).with_after(Some(next))).await?;
            names.extend(second.documents.iter().map(|stored| stored.key.id.as_str().to_owned()));
        }
        ensure_eq("names", &names, &vec!["0514".to_owned(), "1029".to_owned()])?;
    }
    Ok(())
}

async fn collections(store: &dyn DocumentStore) -> CaseResult {
    let (one, two) = (new_key()?, new_key()?);
    let longer = DocumentKey::new(CollectionId::new(format!("{}/x", one.collection))?, one.id.clone());
    let same_name = DocumentKey::new(two.collection.clone(), one.id.clone());
    for (number, key) in [&one, &longer, &same_name].into_iter().enumerate() {
        store.insert(key, &Document::new(number.to_string())).await?;
    }
    for (number, key) in [&one, &longer, &same_name].into_iter().enumerate() {
        let found = store.get(key).await?.ok_or_else(|| Failure::new("it is not there"))?;
        ensure_eq("document", &found.document.text, &number.to_string())?;
        let page = store.list(&DocumentQuery::new(key.collection.clone())).await?;
        ensure_eq("documents of the collection", &page.documents.len(), &1)?;
    }
    Ok(())
}

/// Rounds of eight writers of the same document, spread over the handles.
async fn one_wins(handles: &[Arc<dyn DocumentStore>]) -> CaseResult {
    for _ in 0..5 {
        let key = new_key()?;
        let documents: Vec<_> = (0..8).map(|number| Document::new(format!("{number}"))).collect();
        let writers = || documents.iter().zip(handles.iter().cycle());
        let inserted = join_all(writers().map(|(document, store)| store.insert(&key, document))).await;
        let (mut revision, mut winner) = sole_winner(inserted)?;
        for _ in 0..2 {
            for store in handles {
                holds(&**store, &key, revision, &winner.to_string()).await?;
            }
            let replaced = writers().map(|(document, store)| store.replace(&key, revision, document));
            (revision, winner) = sole_winner(join_all(replaced).await)?;
        }
    }
    Ok(())
}

fn sole_winner(results: Vec<Result<Revision, Error>>) -> Result<(Revision, usize), Failure> {
    let mut winner = None;
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(revision) => ensure(winner.replace((revision, number)).is_none(), "two writers won")?,
            lost => drop(refused("a writer that lost", ErrorKind::Conflict, lost)?),
        }
    }
    winner.ok_or_else(|| Failure::new("no writer won"))
}

async fn survives(open: &impl AsyncFn() -> Arc<dyn DocumentStore>) -> CaseResult {
    let (kept, removed) = (new_key()?, new_key()?);
    let labels = Labels::new().with("team", "payments")?;
    let (revision, last) = {
        let store = open().await;
        let first = store.insert(&kept, &Document::new("first")).await?;
        let revision = store.replace(&kept, first, &Document::new("kept").with_labels(labels.clone())).await?;
        let last = store.insert(&removed, &Document::new("removed")).await?;
        store.remove(&removed, last).await?;
        (revision, last)
    };
    let store = open().await;
    holds(&*store, &kept, revision, "kept").await?;
    let page = store.list(&DocumentQuery::new(kept.collection.clone()).with_labels(labels)).await?;
    ensure_eq("found by its label", &page.documents.len(), &1)?;
    ensure(store.get(&removed).await?.is_none(), "the removed document came back")?;
    let anew = store.insert(&removed, &Document::new("anew")).await?;
    ensure(anew > last, "a revision was given twice after reopening")
}

fn new_key() -> Result<DocumentKey, Error> {
    key_in(&CollectionId::new(fresh("collection"))?, "document")
}

fn key_in(collection: &CollectionId, id: &str) -> Result<DocumentKey, Error> {
    Ok(DocumentKey::new(collection.clone(), DocumentId::new(id)?))
}

async fn holds(store: &dyn DocumentStore, key: &DocumentKey, revision: Revision, text: &str) -> CaseResult {
    let found = store.get(key).await?.ok_or_else(|| Failure::new("it is not there"))?;
    ensure_eq("revision", &found.revision, &revision)?;
    ensure(found.document.text == text, "another text is there")
}
