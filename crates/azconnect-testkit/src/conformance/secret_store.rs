//! What every [`SecretStore`] must do.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind, MAX_LISTED, Secret, SecretId, SecretStore};
use futures_util::future::join_all;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};
use crate::canary::Canary;

/// Checks every behaviour that needs one open store at a time.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all(make: impl AsyncFn() -> Arc<dyn SecretStore>) {
    let mut report = Report::new("SecretStore");
    report.add("what is sealed is opened", round_trip(&*make().await).await);
    report.add("an unknown name holds nothing", unknown(&*make().await).await);
    report.add("sealing the same again succeeds", same_again(&*make().await).await);
    report.add("a name keeps its first secret", keeps_the_first(&*make().await).await);
    report.add("a refusal reveals no secret", refusal_is_silent(&*make().await).await);
    report.add("what is removed is gone", remove(&*make().await).await);
    report.add("removing what is not there succeeds", remove_absent(&*make().await).await);
    report.add("names do not mix", names_do_not_mix(&*make().await).await);
    report.add("names are listed in order and in portions", lists(&*make().await).await);
    report.add("any text survives", any_text(&*make().await).await);
    report.add("a secret of 1 MiB survives", large(&*make().await).await);
    report.add("of concurrent secrets under one name exactly one wins", one_wins(&[make().await]).await);
    report.finish();
}

/// Checks what a durable store must do besides [`all`]. `open` opens the same data each time.
///
/// # Panics
/// As [`all`].
pub async fn durable(open: impl AsyncFn() -> Arc<dyn SecretStore>) {
    let mut report = Report::new("SecretStore (durable)");
    report.add("everything survives reopening", survives(&open).await);
    let two = [open().await, open().await];
    report.add("of concurrent secrets through two handles exactly one wins", one_wins(&two).await);
    report.finish();
}

async fn round_trip(store: &dyn SecretStore) -> CaseResult {
    let id = new_id()?;
    store.put(&id, &Secret::new("conformance secret")).await?;
    holds(store, &id, "conformance secret").await?;
    holds(store, &id, "conformance secret").await
}

async fn unknown(store: &dyn SecretStore) -> CaseResult {
    ensure(store.get(&new_id()?).await?.is_none(), "something was opened")
}

async fn same_again(store: &dyn SecretStore) -> CaseResult {
    let id = new_id()?;
    for _ in 0..3 {
        store.put(&id, &Secret::new("the same")).await?;
    }
    holds(store, &id, "the same").await
}

async fn keeps_the_first(store: &dyn SecretStore) -> CaseResult {
    let id = new_id()?;
    store.put(&id, &Secret::new("the first")).await?;
    // Texts that differ little: a comparison may neither stop early nor ignore case.
    for other in ["another", "", "the firs", "the first ", "The first"] {
        refused("another secret", ErrorKind::Conflict, store.put(&id, &Secret::new(other)).await)?;
    }
    holds(store, &id, "the first").await
}

async fn refusal_is_silent(store: &dyn SecretStore) -> CaseResult {
    let (first, second) = (Canary::new(), Canary::awkward());
    let id = new_id()?;
    store.put(&id, &first.secret()).await?;
    let error = refused("another secret", ErrorKind::Conflict, store.put(&id, &second.secret()).await)?;
    let text = format!("{error} {error:?} {}", error.advice());
    let leak = first.find(text.as_bytes()).or_else(|| second.find(text.as_bytes()));
    ensure(leak.is_none(), format!("the error holds {}", leak.unwrap_or_default()))
}

async fn remove(store: &dyn SecretStore) -> CaseResult {
    let id = new_id()?;
    store.put(&id, &Secret::new("short-lived")).await?;
    store.remove(&id).await?;
    ensure(store.get(&id).await?.is_none(), "the secret is still there")?;
    store.remove(&id).await?;
    Ok(())
}

async fn remove_absent(store: &dyn SecretStore) -> CaseResult {
    store.remove(&new_id()?).await?;
    Ok(())
}

async fn names_do_not_mix(store: &dyn SecretStore) -> CaseResult {
    let root = fresh("secret");
    let names = ["a", "A", "a/", "a/1", "a/10", "a.", "b"];
    for name in names {
        store.put(&SecretId::new(format!("{root}/{name}"))?, &Secret::new(format!("secret of {name}"))).await?;
    }
    store.remove(&SecretId::new(format!("{root}/a/1"))?).await?;
    for name in names.into_iter().filter(|name| *name != "a/1") {
        holds(store, &SecretId::new(format!("{root}/{name}"))?, &format!("secret of {name}")).await?;
    }
    Ok(())
}

async fn lists(store: &dyn SecretStore) -> CaseResult {
    let root = fresh("secret");
    // Names that a pattern, a dictionary or a careless bound would mix up.
    let names = ["A", "a", "a-", "a/", "a/1", "a/10", "a/2", "a_", "aa", "b"].map(|name| format!("{root}/{name}"));
    for name in names.iter().rev() {
        store.put(&SecretId::new(name)?, &Secret::new("listed")).await?;
    }
    let gone = SecretId::new(format!("{root}/b"))?;
    store.remove(&gone).await?;
    for prefix in ["/", "/A", "/a", "/a/", "/a/1", "/a_", "/b"] {
        let prefix = format!("{root}{prefix}");
        for after in [None, Some(SecretId::new(format!("{root}/a/1"))?), Some(gone.clone())] {
            let found = store.list(&prefix, after.as_ref()).await?;
            let is_after = |name: &String| after.as_ref().is_none_or(|after| name.as_str() > after.as_str());
            let held = names.iter().filter(|name| name.as_str() != gone.as_str());
            let wanted: Vec<_> = held.filter(|name| name.starts_with(&prefix) && is_after(name)).cloned().collect();
            ensure_eq(&prefix, &found.iter().map(SecretId::to_string).collect(), &wanted)?;
        }
    }
    let many = fresh("secret");
    for number in 0..=MAX_LISTED {
        store.put(&SecretId::new(format!("{many}/{number:04}"))?, &Secret::new("listed")).await?;
    }
    let first = store.list(&many, None).await?;
    ensure_eq("the first portion", &first.len(), &MAX_LISTED)?;
    ensure_eq("the rest", &store.list(&many, first.last()).await?.len(), &1)
}

async fn any_text(store: &dyn SecretStore) -> CaseResult {
    let pem = "-----BEGIN PRIVATE KEY-----\r\nMC4CAQ==\r\n-----END PRIVATE KEY-----\n";
    for text in ["", " ", "\u{0}", "a\u{0}b", "\"'\\;--%s{}", "\u{1f511}e\u{301}\u{feff}", pem] {
        let id = new_id()?;
        store.put(&id, &Secret::new(text)).await?;
        holds(store, &id, text).await?;
    }
    Ok(())
}

async fn large(store: &dyn SecretStore) -> CaseResult {
    let id = new_id()?;
    let text = "0123456789abcde\u{e9}".repeat(1 << 16);
    store.put(&id, &Secret::new(text.as_str())).await?;
    holds(store, &id, &text).await
}

/// Rounds of eight different secrets under the same name, spread over the handles.
async fn one_wins(handles: &[Arc<dyn SecretStore>]) -> CaseResult {
    for _ in 0..5 {
        let id = new_id()?;
        let secrets: Vec<_> = (0..8).map(|number| Secret::new(format!("candidate {number}"))).collect();
        let puts = secrets.iter().zip(handles.iter().cycle());
        let results = join_all(puts.map(|(secret, store)| store.put(&id, secret))).await;
        let mut winner = None;
        for (result, secret) in results.into_iter().zip(&secrets) {
            match result {
                Ok(()) => ensure(winner.replace(secret).is_none(), "two secrets under one name won")?,
                lost => drop(refused("a secret that lost", ErrorKind::Conflict, lost)?),
            }
        }
        let winner = winner.ok_or_else(|| Failure::new("no secret won"))?;
        for store in handles {
            holds(&**store, &id, winner.expose()).await?;
        }
    }
    Ok(())
}

async fn survives(open: &impl AsyncFn() -> Arc<dyn SecretStore>) -> CaseResult {
    let (kept, removed) = (new_id()?, new_id()?);
    {
        let store = open().await;
        store.put(&kept, &Secret::new("kept")).await?;
        store.put(&removed, &Secret::new("removed")).await?;
        store.remove(&removed).await?;
    }
    let store = open().await;
    holds(&*store, &kept, "kept").await?;
    ensure(store.get(&removed).await?.is_none(), "the removed secret came back")?;
    refused("another secret after reopening", ErrorKind::Conflict, store.put(&kept, &Secret::new("other")).await)?;
    Ok(())
}

fn new_id() -> Result<SecretId, Error> {
    SecretId::new(fresh("secret"))
}

/// Fails unless a name holds a text. The message shows neither.
async fn holds(store: &dyn SecretStore, id: &SecretId, text: &str) -> CaseResult {
    match store.get(id).await? {
        None => Err(Failure::new(format!("nothing lies under {id}"))),
        Some(secret) => ensure(secret.expose() == text, format!("another secret lies under {id}")),
    }
}
