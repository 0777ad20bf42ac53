//! What every [`RefreshTokens`] must do.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use azconnect_core::{Effect, ErrorKind, Revision, Secret};
use azconnect_credential::{LinkId, RefreshTokens};
use futures_util::future::{join, join_all};

use super::report::{CaseResult, Failure, Report, ensure, fresh, refused};
use crate::canary::Canary;

/// A store under test, and what lies behind it.
#[async_trait]
pub trait RefreshTokensHarness: Send + Sync {
    /// The store under test, as one more process opens it: what it gives is read from where it is kept.
    async fn open(&self) -> Arc<dyn RefreshTokens>;

    /// Makes the storage fail from now on.
    async fn break_storage(&self);

    /// Lets the storage work again.
    async fn mend_storage(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: RefreshTokensHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("RefreshTokens");
    report.add("nothing is loaded of an unknown link", unknown(&make().await).await);
    report.add("what was stored last is loaded by another process", last_counts(&make().await).await);
    report.add("each token that is stored has a higher revision", revisions_grow(&make().await).await);
    report.add("a store after another token than the last is refused and changes nothing", stale(&make().await).await);
    report.add("after a removal nothing is stored but a new first one", removed_stays(&make().await).await);
    report.add("removing what is not there succeeds", remove_absent(&make().await).await);
    report.add("of concurrent stores after one token exactly one wins", one_wins(&make().await).await);
    report.add("of a store and a removal at once no token stays", store_and_remove(&make().await).await);
    report.add("links do not meet", links_apart(&make().await).await);
    report.add("any text survives", any_text(&make().await).await);
    report.add("a failure leaves the former token or the new one", fails_safely(&make().await).await);
    report.add("a store that fails to read does not say that nobody is linked", fails_to_read(&make().await).await);
    report.add("no token is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn unknown(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link) = (harness.open().await, new_link()?);
    ensure(store.load(&link).await?.is_none(), "something was loaded")?;
    let after = store.store(&link, &new_token(), Some(Revision(1))).await;
    refused("a next token where there is no first", ErrorKind::Conflict, after)?;
    ensure(store.load(&link).await?.is_none(), "the refused token is kept")
}

async fn last_counts(harness: &impl RefreshTokensHarness) -> CaseResult {
    let link = new_link()?;
    let mut after = None;
    for _ in 0..3 {
        let token = new_token();
        let revision = harness.open().await.store(&link, &token, after).await?;
        holds(harness, &link, &token, revision).await?;
        after = Some(revision);
    }
    Ok(())
}

async fn revisions_grow(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link) = (harness.open().await, new_link()?);
    let first = store.store(&link, &new_token(), None).await?;
    let second = store.store(&link, &new_token(), Some(first)).await?;
    store.remove(&link).await?;
    let anew = store.store(&link, &new_token(), None).await?;
    ensure(first < second && second < anew, format!("the revisions were {first}, {second} and, linked anew, {anew}"))
}

async fn stale(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link, token) = (harness.open().await, new_link()?, new_token());
    let first = store.store(&link, &new_token(), None).await?;
    let second = store.store(&link, &token, Some(first)).await?;
    for after in [None, Some(first), Some(Revision(second.0 + 1)), Some(Revision(0))] {
        let outcome = store.store(&link, &new_token(), after).await;
        refused(&format!("a token after {after:?}"), ErrorKind::Conflict, outcome)?;
        holds(harness, &link, &token, second).await?;
    }
    Ok(())
}

/// A process that was refreshing while the person was unlinked must not bring the link back.
async fn removed_stays(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link) = (harness.open().await, new_link()?);
    let used = store.store(&link, &new_token(), None).await?;
    harness.open().await.remove(&link).await?;
    ensure(store.load(&link).await?.is_none(), "the removed token is loaded")?;
    refused("a token after a removed one", ErrorKind::Conflict, store.store(&link, &new_token(), Some(used)).await)?;
    ensure(harness.open().await.load(&link).await?.is_none(), "the link came back")?;
    let token = new_token();
    let anew = store.store(&link, &token, None).await?;
    // Nor may it replace the token of whoever was linked since.
    refused("a token after a removed one", ErrorKind::Conflict, store.store(&link, &new_token(), Some(used)).await)?;
    holds(harness, &link, &token, anew).await
}

async fn remove_absent(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link) = (harness.open().await, new_link()?);
    store.remove(&link).await?;
    store.store(&link, &new_token(), None).await?;
    for _ in 0..3 {
        store.remove(&link).await?;
    }
    ensure(store.load(&link).await?.is_none(), "the token is still there")
}

async fn one_wins(harness: &impl RefreshTokensHarness) -> CaseResult {
    let link = new_link()?;
    let processes = [harness.open().await, harness.open().await];
    let mut after = None;
    for _ in 0..5 {
        let tokens: Vec<_> = (0..8).map(|_| new_token()).collect();
        let stores = tokens.iter().zip(processes.iter().cycle());
        let outcomes = join_all(stores.map(|(token, store)| store.store(&link, token, after))).await;
        let mut winner = None;
        for (outcome, token) in outcomes.into_iter().zip(&tokens) {
            match outcome {
                Ok(revision) => ensure(winner.replace((token, revision)).is_none(), "two tokens won")?,
                lost => drop(refused("a token that lost", ErrorKind::Conflict, lost)?),
            }
        }
        let (token, revision) = winner.ok_or_else(|| Failure::new("no token won"))?;
        holds(harness, &link, token, revision).await?;
        after = Some(revision);
    }
    Ok(())
}

/// A refresh while somebody unlinks: whichever of the two comes first, the link stays removed, and the refresh is told so by a
/// conflict, or was before the removal.
async fn store_and_remove(harness: &impl RefreshTokensHarness) -> CaseResult {
    // Each of the two begins a while after the other, so that they meet between any two of their steps.
    for (first, second) in (0..6).map(|wait| (wait, 0)).chain((0..6).map(|wait| (0, wait))) {
        let (refresh, unlink) = (harness.open().await, harness.open().await);
        let (link, token) = (new_link()?, new_token());
        let used = refresh.store(&link, &new_token(), None).await?;
        let store = async {
            turns(first).await;
            refresh.store(&link, &token, Some(used)).await
        };
        let remove = async {
            turns(second).await;
            unlink.remove(&link).await
        };
        let (stored, removed) = join(store, remove).await;
        removed?;
        if stored.is_err() {
            refused("a token that was stored while its link was removed", ErrorKind::Conflict, stored)?;
        }
        // Neither the process that used the token nor another one has it.
        for reader in [&refresh, &harness.open().await] {
            ensure(reader.load(&link).await?.is_none(), "the link outlived its removal")?;
        }
        harness.open().await.store(&link, &token, None).await?;
    }
    Ok(())
}

/// Lets others go first, this many times.
async fn turns(count: usize) {
    for _ in 0..count {
        let mut is_second = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut is_second, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

async fn links_apart(harness: &impl RefreshTokensHarness) -> CaseResult {
    let root = fresh("link");
    let store = harness.open().await;
    let mut kept = Vec::new();
    for name in ["a", "A", "a/", "a/1", "a/10", "a.", "b"] {
        let (link, token) = (LinkId::new(format!("{root}/{name}"))?, new_token());
        let revision = store.store(&link, &token, None).await?;
        kept.push((link, token, revision));
    }
    let (gone, _, _) = kept.remove(3);
    store.remove(&gone).await?;
    for (link, token, revision) in &kept {
        holds(harness, link, token, *revision).await?;
    }
    Ok(())
}

async fn any_text(harness: &impl RefreshTokensHarness) -> CaseResult {
    // Opaque to us, and longer than a thousand characters at Entra ID.
    for text in ["x", "0.AX-_~+/=.\"'\\%{}<>&", " blanks at both ends ", "é漢字", &"x".repeat(8192)] {
        let (link, token) = (new_link()?, Secret::new(text));
        let revision = harness.open().await.store(&link, &token, None).await?;
        holds(harness, &link, &token, revision).await?;
    }
    Ok(())
}

async fn fails_safely(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link, former, new) = (harness.open().await, new_link()?, new_token(), new_token());
    let revision = store.store(&link, &former, None).await?;
    harness.break_storage().await;
    let Err(error) = store.store(&link, &new, Some(revision)).await else {
        return Err(Failure::new("storing succeeded although the storage fails"));
    };
    harness.mend_storage().await;
    let held = harness.open().await.load(&link).await?.ok_or_else(|| Failure::new("a failure left no token"))?;
    if error.effect() == Effect::None {
        let is_former = held.token.same_as(&former) && held.revision == revision;
        return ensure(is_former, "effect None, and the former token is gone");
    }
    ensure(held.token.same_as(&former) || held.token.same_as(&new), "a failure left neither token")?;
    // A token that was kept although its answer was lost is another one than the former, and says so.
    let is_told = held.token.same_as(&former) == (held.revision == revision);
    ensure(is_told, "after a failure the revision does not say which token is kept")
}

async fn fails_to_read(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (store, link) = (harness.open().await, new_link()?);
    store.store(&link, &new_token(), None).await?;
    harness.break_storage().await;
    let read = store.load(&link).await;
    let removed = store.remove(&link).await;
    harness.mend_storage().await;
    ensure(!matches!(read, Ok(None)), "a store that cannot be read says that nobody is linked")?;
    let is_left = harness.open().await.load(&link).await?.is_some();
    ensure(removed.is_err() || !is_left, "a removal that failed says that it succeeded")
}

async fn shows_nothing(harness: &impl RefreshTokensHarness) -> CaseResult {
    let (canary, link) = (Canary::new(), new_link()?);
    let ears = canary.listen();
    let store = harness.open().await;
    let mut shown = format!("{:?}", store.store(&link, &canary.secret(), None).await);
    shown += &format!("{:?}", store.store(&link, &canary.secret(), None).await.map_err(|error| format!("{error}")));
    shown += &format!("{:?}", store.load(&link).await);
    harness.break_storage().await;
    shown += &format!("{:?}", store.store(&link, &canary.secret(), Some(Revision(1))).await);
    shown += &format!("{:?} {:?}", store.load(&link).await, store.remove(&link).await);
    harness.mend_storage().await;
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

fn new_link() -> Result<LinkId, Failure> {
    Ok(LinkId::new(fresh("link"))?)
}

fn new_token() -> Secret {
    Secret::new(format!("0.{}", fresh("refresh")))
}

/// Fails unless one more process loads this token with this revision. The message shows neither.
async fn holds(harness: &impl RefreshTokensHarness, link: &LinkId, token: &Secret, revision: Revision) -> CaseResult {
    let loaded = harness.open().await.load(link).await?;
    let loaded = loaded.ok_or_else(|| Failure::new(format!("nothing is kept of {link}")))?;
    ensure(loaded.token.same_as(token), format!("another token is kept of {link}"))?;
    ensure(loaded.revision == revision, format!("the token of {link} is kept under another revision"))
}
