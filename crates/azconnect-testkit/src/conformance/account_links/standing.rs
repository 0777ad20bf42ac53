//! Whether a linked account still works, and what is shown of it.

use std::time::Duration;

use azconnect_core::ErrorKind;
use azconnect_credential::{Check, CheckReport, CheckStatus, LinkRole, LinkedAs, RecordQuery};
use azconnect_identity::user::{LinkState, Obstacle, SignInOptions};

use super::{AccountLinksHarness, SERVICE_USER, begin, link, token, unlinked, works};
use crate::canary::Canary;
use crate::conformance::report::{CaseResult, Failure, ensure, ensure_eq, refused};

const OWN: LinkRole = LinkRole::Personal;

/// The check of this code, which the record tells as well.
async fn check(harness: &impl AccountLinksHarness, which: LinkedAs, code: &str) -> Result<Check, Failure> {
    let report = harness.accounts().check(which).await?;
    let found = report.of(code).cloned().ok_or_else(|| Failure::new(format!("wanted {code}: {report:?}")))?;
    let noted = harness.accounts().get(which).await?.and_then(|found| found.value.checked);
    ensure_eq("what is noted", &noted.map(|noted| noted.report), &Some(report))?;
    Ok(found)
}

pub(super) async fn revoked(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, LinkRole::ServiceUser, ann).await?;
    link(harness, OWN, bob).await?;
    ensure_eq("status", &check(harness, SERVICE_USER, "linked").await?.status, &CheckStatus::Passed)?;
    harness.revoke(ann).await;
    let error =
        refused("a token after the revocation", ErrorKind::Unauthenticated, token(harness, SERVICE_USER).await)?;
    ensure_eq("the state of the link", &LinkState::of(&error), &LinkState::MustLinkAgain(Obstacle::Revoked))?;
    let found = check(harness, SERVICE_USER, "must-link-again").await?;
    ensure_eq("status", &found.status, &CheckStatus::Failed)?;
    ensure(found.cause.contains(Obstacle::Revoked.as_str()), format!("the reason is not told: {found}"))?;
    ensure(!found.remedy.is_empty(), format!("it does not say what to do: {found}"))?;
    // Nobody else is meant, and to link again helps.
    works(harness, LinkedAs::Person(bob), bob).await?;
    link(harness, LinkRole::ServiceUser, ann).await?;
    check(harness, SERVICE_USER, "linked").await?;
    works(harness, SERVICE_USER, ann).await
}

pub(super) async fn disabled(harness: &impl AccountLinksHarness) -> CaseResult {
    let [_, bob] = harness.people();
    link(harness, OWN, bob).await?;
    harness.disable(bob, true).await;
    let error = refused(
        "a token of a disabled account",
        ErrorKind::Unauthenticated,
        token(harness, LinkedAs::Person(bob)).await,
    )?;
    ensure_eq("the state of the link", &LinkState::of(&error), &LinkState::Blocked(Obstacle::Disabled))?;
    let found = check(harness, LinkedAs::Person(bob), "blocked").await?;
    ensure_eq("status", &found.status, &CheckStatus::Failed)?;
    ensure(found.cause.contains(Obstacle::Disabled.as_str()), format!("the reason is not told: {found}"))?;
    harness.disable(bob, false).await;
    check(harness, LinkedAs::Person(bob), "linked").await?;
    works(harness, LinkedAs::Person(bob), bob).await
}

pub(super) async fn away(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    link(harness, LinkRole::ServiceUser, ann).await?;
    harness.cut_login(true).await;
    let found = check(harness, SERVICE_USER, "not-known").await?;
    ensure_eq("status", &found.status, &CheckStatus::Unknown)?;
    let Err(error) = token(harness, SERVICE_USER).await else {
        return Err(Failure::new("there is a token although the login is away"));
    };
    ensure_eq("the state of the link", &LinkState::of(&error), &LinkState::Unknown)?;
    harness.cut_login(false).await;
    harness.pass(Duration::from_secs(600)).await;
    check(harness, SERVICE_USER, "linked").await.map(drop)
}

pub(super) async fn nobody(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    link(harness, OWN, ann).await?;
    unlinked("the check of nobody", harness.accounts().check(SERVICE_USER).await)?;
    harness.linking().unlink(LinkedAs::Person(ann)).await?;
    unlinked("the check of who was unlinked", harness.accounts().check(LinkedAs::Person(ann)).await)
}

pub(super) async fn unread(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    link(harness, LinkRole::ServiceUser, ann).await?;
    harness.break_storage(true).await;
    let (read, listed) = (
        harness.accounts().get(SERVICE_USER).await.map(drop),
        harness.accounts().list(&RecordQuery::new()).await.map(drop),
    );
    let (checked, lent) =
        (harness.accounts().check(SERVICE_USER).await.map(drop), harness.lending().lend(SERVICE_USER).await.map(drop));
    harness.break_storage(false).await;
    for (what, outcome) in [("read", read), ("listed", listed), ("checked", checked), ("lent", lent)] {
        refused(&format!("an account that cannot be {what}"), ErrorKind::Unavailable, outcome)?;
    }
    works(harness, SERVICE_USER, ann).await
}

pub(super) async fn shows_nothing(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let canary = Canary::new();
    let ears = canary.listen();
    let signed_in = harness.sign_in(ann).await;
    canary.watch(signed_in.refresh.as_ref().ok_or_else(|| Failure::new("the harness gave no refresh token"))?);
    let mut shown = format!("{:?}", harness.linking().keep(LinkRole::ServiceUser, signed_in).await);
    let lent = harness.lending().lend(SERVICE_USER).await?;
    canary.watch(&lent.tokens.token(&harness.scope()).await?.secret);
    shown += &format!("{lent:?} {:?}", harness.accounts().get(SERVICE_USER).await);
    let (address, pending) = begin(harness, OWN, &SignInOptions::new()).await?;
    canary.watch(&pending.to_secret());
    let answer = harness.decline(&address, bob).await;
    shown += &format!("{pending:?} {answer:?}");
    shown += &format!("{:?}", harness.linking().finish(pending, &answer).await);
    shown += &written(&harness.accounts().check(SERVICE_USER).await?)?;
    harness.revoke(ann).await;
    shown += &written(&harness.accounts().check(SERVICE_USER).await?)?;
    shown += &format!("{:?}", token(harness, SERVICE_USER).await);
    harness.break_storage(true).await;
    shown += &format!("{:?} {:?}", token(harness, SERVICE_USER).await, harness.linking().unlink(SERVICE_USER).await);
    harness.break_storage(false).await;
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

fn written(report: &CheckReport) -> Result<String, Failure> {
    serde_json::to_string(report).map_err(|error| Failure::new(format!("a report cannot be written: {error}")))
}
