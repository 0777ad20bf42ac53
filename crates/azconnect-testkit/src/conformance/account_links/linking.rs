//! Linking, linking anew and unlinking.

use std::time::Duration;

use azconnect_core::ErrorKind;
use azconnect_credential::{LinkRole, LinkedAs, RecordQuery};
use azconnect_identity::user::{PendingLink, Prompt, SignInOptions};
use uuid::Uuid;

use super::{AccountLinksHarness, SERVICE_USER, begin, ensure_lent, is_unlinked, link, token, try_link, works};
use crate::conformance::report::{CaseResult, Failure, ensure, ensure_eq, refused};

const OWN: LinkRole = LinkRole::Personal;
const SERVICE: LinkRole = LinkRole::ServiceUser;

pub(super) async fn links(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    let linked = try_link(harness, SERVICE, ann).await?;
    ensure_eq("who was replaced", &linked.replaced, &None)?;
    works(harness, SERVICE_USER, ann).await?;
    let found = harness.accounts().get(SERVICE_USER).await?.map(|found| found.value);
    ensure_eq("what is found", &found, &Some(linked.account.clone()))?;
    let listed = harness.accounts().list(&RecordQuery::new()).await?;
    let listed: Vec<_> = listed.records.into_iter().map(|found| found.value).collect();
    ensure_eq("what is listed", &listed, &vec![linked.account])?;
    ensure_lent(harness, 1).await
}

pub(super) async fn begins(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    let options = SignInOptions::new().with_prompt(Prompt::SelectAccount);
    begin(harness, SERVICE, &options).await?;
    is_unlinked(harness, SERVICE_USER).await?;
    link(harness, SERVICE, ann).await?;
    let (_, pending) = begin(harness, SERVICE, &options).await?;
    ensure_eq("what it is for", &pending.role(), &SERVICE)?;
    let both = harness.linking().begin(SERVICE, &options.with_login_hint("ann@example.com")).await;
    refused("options that do not go together", ErrorKind::InvalidInput, both)?;
    works(harness, SERVICE_USER, ann).await
}

pub(super) async fn keeps(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let former = link(harness, SERVICE, ann).await?;
    let mut without = harness.sign_in(bob).await;
    without.refresh = None;
    let outcome = harness.linking().keep(SERVICE, without).await;
    let error = refused("a sign-in without a refresh token", ErrorKind::Unsupported, outcome)?;
    ensure_eq("field", &error.field(), &Some("scope"))?;
    works(harness, SERVICE_USER, ann).await?;
    let mut elsewhere = harness.sign_in(bob).await;
    elsewhere.application = Uuid::new_v4().into();
    let outcome = harness.linking().keep(SERVICE, elsewhere).await;
    let error = refused("a sign-in to another application", ErrorKind::InvalidInput, outcome)?;
    ensure_eq("field", &error.field(), &Some("application"))?;
    works(harness, SERVICE_USER, ann).await?;
    let linked = harness.linking().keep(SERVICE, harness.sign_in(bob).await).await?;
    ensure_eq("who was replaced", &linked.replaced, &Some(former.person.id))?;
    works(harness, SERVICE_USER, bob).await?;
    ensure_lent(harness, 1).await
}

/// Whoever makes a browser come back with somebody else's answer must not link that person's account here.
pub(super) async fn mixed_up(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    let (address, first) = begin(harness, OWN, &SignInOptions::new()).await?;
    let (_, second) = begin(harness, OWN, &SignInOptions::new()).await?;
    ensure(first.key() != second.key(), "two links have one key")?;
    let answer = harness.visit(&address, ann).await;
    ensure_eq("the key of the answer", &answer.key(), &first.key())?;
    let outcome = harness.linking().finish(second, &answer).await;
    let error = refused("another sign-in's answer", ErrorKind::InvalidInput, outcome)?;
    ensure_eq("field", &error.field(), &Some("answer"))?;
    is_unlinked(harness, LinkedAs::Person(ann)).await?;
    harness.linking().finish(first, &answer).await?;
    works(harness, LinkedAs::Person(ann), ann).await
}

pub(super) async fn replayed(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let (address, pending) = begin(harness, SERVICE, &SignInOptions::new()).await?;
    let again = PendingLink::from_secret(&pending.to_secret())?;
    let answer = harness.visit(&address, ann).await;
    harness.linking().finish(pending, &answer).await?;
    // Somebody else was linked since, and an old answer must not bring the former account back.
    link(harness, SERVICE, bob).await?;
    ensure(harness.linking().finish(again, &answer).await.is_err(), "an answer linked twice")?;
    works(harness, SERVICE_USER, bob).await?;
    ensure_lent(harness, 1).await
}

pub(super) async fn late(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    let (address, pending) = begin(harness, OWN, &SignInOptions::new()).await?;
    let answer = harness.visit(&address, ann).await;
    harness.pass(Duration::from_secs(3600)).await;
    let outcome = harness.linking().finish(pending, &answer).await;
    let error = refused("a sign-in of an hour ago", ErrorKind::Timeout, outcome)?;
    ensure_eq("field", &error.field(), &Some("pending"))?;
    is_unlinked(harness, LinkedAs::Person(ann)).await
}

pub(super) async fn unexpected(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, SERVICE, ann).await?;
    let (address, pending) = begin(harness, SERVICE, &SignInOptions::new().with_expected(ann)).await?;
    let outcome = harness.linking().finish(pending, &harness.visit(&address, bob).await).await;
    let error = refused("somebody else", ErrorKind::Conflict, outcome)?;
    ensure_eq("field", &error.field(), &Some("person"))?;
    works(harness, SERVICE_USER, ann).await?;
    ensure_lent(harness, 1).await
}

pub(super) async fn declined(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, SERVICE, ann).await?;
    let (address, pending) = begin(harness, SERVICE, &SignInOptions::new()).await?;
    let outcome = harness.linking().finish(pending, &harness.decline(&address, bob).await).await;
    let error = refused("a person who declined", ErrorKind::PermissionDenied, outcome)?;
    ensure(!error.advice().is_empty(), "the refusal does not say what to do")?;
    works(harness, SERVICE_USER, ann).await?;
    ensure_lent(harness, 1).await
}

pub(super) async fn store_fails(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let former = link(harness, SERVICE, ann).await?;
    let (address, pending) = begin(harness, SERVICE, &SignInOptions::new()).await?;
    let answer = harness.visit(&address, bob).await;
    harness.break_storage(true).await;
    let outcome = harness.linking().finish(pending, &answer).await;
    harness.break_storage(false).await;
    refused("a link that cannot be kept", ErrorKind::Unavailable, outcome)?;
    works(harness, SERVICE_USER, ann).await?;
    let found = harness.accounts().get(SERVICE_USER).await?.map(|found| found.value.link);
    ensure_eq("the link", &found, &Some(former.link))?;
    ensure_lent(harness, 1).await
}

pub(super) async fn replaces(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let own = LinkedAs::Person(ann);
    link(harness, OWN, ann).await?;
    let former = link(harness, SERVICE, ann).await?;
    let linked = try_link(harness, SERVICE, bob).await?;
    ensure_eq("who was replaced", &linked.replaced, &Some(ann))?;
    ensure(linked.account.link != former.link, "two links have one name")?;
    works(harness, SERVICE_USER, bob).await?;
    // What Ann had lent as the service user is gone, and what she lends for herself is not.
    works(harness, own, ann).await?;
    ensure_lent(harness, 2).await
}

pub(super) async fn again(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    for (role, which) in [(SERVICE, SERVICE_USER), (OWN, LinkedAs::Person(ann))] {
        link(harness, role, ann).await?;
        let linked = try_link(harness, role, ann).await?;
        ensure_eq("who was replaced", &linked.replaced, &None)?;
        works(harness, which, ann).await?;
    }
    let linked = try_link(harness, OWN, bob).await?;
    ensure_eq("whom another person's own account replaces", &linked.replaced, &None)?;
    ensure_lent(harness, 3).await
}

pub(super) async fn unlinks(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, SERVICE, ann).await?;
    link(harness, OWN, ann).await?;
    link(harness, OWN, bob).await?;
    for _ in 0..2 {
        harness.linking().unlink(LinkedAs::Person(ann)).await?;
        is_unlinked(harness, LinkedAs::Person(ann)).await?;
        ensure_lent(harness, 2).await?;
    }
    works(harness, SERVICE_USER, ann).await?;
    harness.linking().unlink(SERVICE_USER).await?;
    is_unlinked(harness, SERVICE_USER).await?;
    works(harness, LinkedAs::Person(bob), bob).await?;
    ensure_lent(harness, 1).await
}

pub(super) async fn unlink_fails(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    link(harness, SERVICE, ann).await?;
    harness.break_storage(true).await;
    let outcome = harness.linking().unlink(SERVICE_USER).await;
    harness.break_storage(false).await;
    ensure(outcome.is_err(), "an unlink succeeded although the storage fails")?;
    ensure(harness.accounts().get(SERVICE_USER).await?.is_some(), "the record is gone, and the unlink failed")?;
    harness.linking().unlink(SERVICE_USER).await?;
    ensure_lent(harness, 0).await?;
    match token(harness, SERVICE_USER).await {
        Err(_) => Ok(()),
        Ok(()) => Err(Failure::new("an unlinked account gave a token")),
    }
}
