//! What every [`CredentialIssuer`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, KeyId, Secret};
use azconnect_credential::{CredentialIssuer, Inventory, Marker, MintRequest, Minted, Retirement};
use time::OffsetDateTime;
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq};
use crate::canary::Canary;

/// An issuer under test, and what lies behind it: an emulator, or a stub of the service.
#[async_trait]
pub trait IssuerHarness: Send + Sync {
    /// The issuer. Two more keys can be minted, and one key that is not ours exists already.
    fn issuer(&self) -> Arc<dyn CredentialIssuer>;

    /// Now, by the clock of the issuer and the service.
    fn now(&self) -> OffsetDateTime;

    /// Lets time pass until every replica of the service agrees.
    async fn settle(&self);

    /// The truth: whether every part of the service accepts a secret.
    async fn works(&self, secret: &Secret) -> bool;

    /// Makes the next mint take effect at the service without an answer.
    async fn lose_next_mint(&self);

    /// Breaks the connection of the next mint before the service receives it.
    async fn drop_next_mint(&self);

    /// Makes sure that another kind of object than the one which minted keys are on holds a live key that the issuer may
    /// remove, and gives that key. `None` where one kind of object holds every key.
    async fn seed_elsewhere(&self) -> Option<KeyId> {
        None
    }

    /// Keeps the holder of that key from the issuer, or lets the issuer read it again.
    async fn set_hidden(&self, _hidden: bool) {}
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: IssuerHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("CredentialIssuer");
    report.add("its subject is stable", stable(&make().await));
    report.add("an inventory changes nothing", reads_only(&make().await).await);
    report.add("what is minted works, and is listed as it was asked for", mints(&make().await).await);
    report.add("each mint gives another secret", mints_anew(&make().await).await);
    report.add("retiring removes exactly one key", retires_one(&make().await).await);
    report.add("retiring again finds the key not listed", retires_again(&make().await).await);
    report.add("retiring an unknown key finds it not listed", retires_unknown(&make().await).await);
    report.add("a lost answer leaves one key, found by its marker", lost_answer(&make().await).await);
    report.add("a mint that did not arrive leaves no key unless it succeeds", dropped_mint(&make().await).await);
    report.add("an inventory says which holder it did not see", says_what_it_missed(&make().await).await);
    report.add("a key that an unseen holder may have is not called gone", keeps_unseen(&make().await).await);
    report.add("an unseen holder does not hinder the removal of another's key", retires_beside(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

fn stable(harness: &impl IssuerHarness) -> CaseResult {
    ensure_eq("the subject", harness.issuer().subject(), harness.issuer().subject())
}

async fn reads_only(harness: &impl IssuerHarness) -> CaseResult {
    harness.settle().await;
    let first = harness.issuer().inventory().await?;
    ensure(!first.keys.is_empty(), "the harness must seed a key that is not ours")?;
    ensure(!first.title.is_empty(), "an inventory must name the application")?;
    for _ in 0..3 {
        ensure_eq("the inventory", &harness.issuer().inventory().await?, &first)?;
    }
    Ok(())
}

async fn mints(harness: &impl IssuerHarness) -> CaseResult {
    harness.settle().await;
    let before = keys(&harness.issuer().inventory().await?);
    let request = request(harness)?;
    let minted = harness.issuer().mint(&request).await?;
    ensure_eq("the end", &minted.ends_at, &request.ends_at)?;
    ensure(!before.contains(&minted.key), "the key has the id of another")?;
    harness.settle().await;
    ensure(harness.works(&minted.secret).await, "the secret does not work")?;
    let inventory = harness.issuer().inventory().await?;
    let listed = inventory.key(minted.key).ok_or_else(|| Failure::new("the key is not listed"))?;
    ensure(listed.carries(&request.marker), format!("it is listed as {:?}", listed.display_name))?;
    ensure_eq("the end that is listed", &listed.ends_at, &Some(request.ends_at))?;
    ensure_eq("the holder that is listed", &listed.holder, &minted.holder)?;
    ensure(inventory.saw(minted.holder), "an inventory that lists a key says that its holder was not seen")?;
    let mut wanted = before;
    wanted.push(minted.key);
    wanted.sort();
    ensure_eq("the keys", &keys(&inventory), &wanted)
}

async fn mints_anew(harness: &impl IssuerHarness) -> CaseResult {
    let first = mint(harness).await?;
    let second = mint(harness).await?;
    ensure(first.key != second.key, "two mints gave one key id")?;
    ensure(!first.secret.same_as(&second.secret), "two mints gave one secret")?;
    harness.settle().await;
    ensure(harness.works(&first.secret).await, "the first stopped working")?;
    ensure(harness.works(&second.secret).await, "the second does not work")
}

async fn retires_one(harness: &impl IssuerHarness) -> CaseResult {
    let (first, second) = (mint(harness).await?, mint(harness).await?);
    harness.settle().await;
    let before = keys(&harness.issuer().inventory().await?);
    ensure_eq("the answer", &harness.issuer().retire(first.key).await?, &Retirement::Accepted)?;
    harness.settle().await;
    ensure(!harness.works(&first.secret).await, "the retired secret still works")?;
    ensure(harness.works(&second.secret).await, "another secret stopped working")?;
    let wanted: Vec<_> = before.into_iter().filter(|key| *key != first.key).collect();
    ensure_eq("the keys that are left", &keys(&harness.issuer().inventory().await?), &wanted)
}

async fn retires_again(harness: &impl IssuerHarness) -> CaseResult {
    let minted = mint(harness).await?;
    harness.settle().await;
    harness.issuer().retire(minted.key).await?;
    harness.settle().await;
    ensure_eq("the second answer", &harness.issuer().retire(minted.key).await?, &Retirement::NotListed)
}

async fn retires_unknown(harness: &impl IssuerHarness) -> CaseResult {
    harness.settle().await;
    let before = keys(&harness.issuer().inventory().await?);
    let unknown = KeyId::from(Uuid::new_v4());
    ensure_eq("the answer", &harness.issuer().retire(unknown).await?, &Retirement::NotListed)?;
    harness.settle().await;
    ensure_eq("the keys", &keys(&harness.issuer().inventory().await?), &before)
}

async fn lost_answer(harness: &impl IssuerHarness) -> CaseResult {
    let request = request(harness)?;
    harness.lose_next_mint().await;
    let error = match harness.issuer().mint(&request).await {
        Ok(_) => return Err(Failure::new("it answered, so a second key was minted")),
        Err(error) => error,
    };
    ensure(error.effect() == Effect::Unknown, format!("the effect must be Unknown: {error:?}"))?;
    harness.settle().await;
    let inventory = harness.issuer().inventory().await?;
    ensure_eq("the keys of this marker", &inventory.carrying(&request.marker).count(), &1)
}

async fn dropped_mint(harness: &impl IssuerHarness) -> CaseResult {
    let request = request(harness)?;
    harness.drop_next_mint().await;
    // An issuer may see by itself that nothing arrived, and mint again: then there is one key.
    let wanted = usize::from(harness.issuer().mint(&request).await.is_ok());
    harness.settle().await;
    let inventory = harness.issuer().inventory().await?;
    ensure_eq("the keys of this marker", &inventory.carrying(&request.marker).count(), &wanted)
}

async fn says_what_it_missed(harness: &impl IssuerHarness) -> CaseResult {
    let Some(key) = harness.seed_elsewhere().await else { return Ok(()) };
    harness.settle().await;
    let before = harness.issuer().inventory().await?;
    let holder = before.key(key).ok_or_else(|| Failure::new("the harness's key is not listed"))?.holder;
    ensure(before.is_complete(), format!("all can be read, and {:?} is unseen", before.unseen))?;
    harness.set_hidden(true).await;
    for _ in 0..3 {
        let inventory = harness.issuer().inventory().await?;
        // It may list the key from elsewhere; it must not miss it and say nothing.
        let told = inventory.key(key).is_some() || !inventory.saw(holder);
        ensure(told, "the key vanished, and the inventory does not say that its holder was not seen")?;
        ensure(inventory.keys.len() + 1 >= before.keys.len(), "keys of other holders vanished as well")?;
    }
    harness.set_hidden(false).await;
    ensure_eq("the inventory, once all can be read again", &harness.issuer().inventory().await?, &before)
}

async fn keeps_unseen(harness: &impl IssuerHarness) -> CaseResult {
    let Some(key) = harness.seed_elsewhere().await else { return Ok(()) };
    harness.settle().await;
    harness.set_hidden(true).await;
    let error = match harness.issuer().retire(key).await {
        // Removed all the same, which the inventory shows in the end.
        Ok(Retirement::Accepted) => None,
        Ok(Retirement::NotListed) => return Err(Failure::new("a live key is called not listed")),
        Err(error) => Some(error),
    };
    harness.set_hidden(false).await;
    harness.settle().await;
    let is_there = harness.issuer().inventory().await?.key(key).is_some();
    let Some(error) = error else { return ensure(!is_there, "the removal was accepted, and the key is there") };
    ensure(error.effect() == Effect::None, format!("nothing was removed, so the effect is None: {error:?}"))?;
    ensure(!error.advice().is_empty(), "the error must say what lets the issuer see the holder")?;
    ensure(is_there, "the removal failed, and the key is gone")?;
    ensure_eq("the answer, once it can be seen", &harness.issuer().retire(key).await?, &Retirement::Accepted)
}

async fn retires_beside(harness: &impl IssuerHarness) -> CaseResult {
    let Some(key) = harness.seed_elsewhere().await else { return Ok(()) };
    let minted = mint(harness).await?;
    harness.settle().await;
    harness.set_hidden(true).await;
    ensure_eq("the answer", &harness.issuer().retire(minted.key).await?, &Retirement::Accepted)?;
    harness.set_hidden(false).await;
    harness.settle().await;
    ensure(!harness.works(&minted.secret).await, "the retired secret still works")?;
    ensure(harness.issuer().inventory().await?.key(key).is_some(), "the hidden key is gone")
}

async fn shows_nothing(harness: &impl IssuerHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let minted = mint(harness).await?;
    canary.watch(&minted.secret);
    harness.settle().await;
    let inventory = harness.issuer().inventory().await?;
    let retired = harness.issuer().retire(minted.key).await?;
    harness.drop_next_mint().await;
    let failed = harness.issuer().mint(&request(harness)?).await;
    drop(ears);
    let shown = format!("{minted:?} {inventory:?} {retired:?} {failed:?}");
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

fn request(harness: &impl IssuerHarness) -> Result<MintRequest, Failure> {
    let marker = Marker::new(format!("conformance {}", Uuid::new_v4()))?;
    // Whole seconds: the services keep no more.
    let now = harness.now().replace_nanosecond(0).unwrap_or(harness.now());
    Ok(MintRequest::new(marker, now + Duration::from_secs(30 * 86_400)))
}

async fn mint(harness: &impl IssuerHarness) -> Result<Minted, Failure> {
    Ok(harness.issuer().mint(&request(harness)?).await?)
}

fn keys(inventory: &Inventory) -> Vec<KeyId> {
    let mut keys: Vec<_> = inventory.keys.iter().map(|issued| issued.key).collect();
    keys.sort();
    keys
}
