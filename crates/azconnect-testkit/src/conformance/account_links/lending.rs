//! Work in the name of those who are linked.

use std::time::Duration;

use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::{CheckReport, LinkRole, LinkedAs, RecordQuery};
use azconnect_identity::user::LinkState;

use super::{AccountLinksHarness, SERVICE_USER, is_unlinked, link, unlinked, works};
use crate::conformance::report::{CaseResult, Failure, ensure, ensure_eq};

const OWN: LinkRole = LinkRole::Personal;
const SERVICE: LinkRole = LinkRole::ServiceUser;

/// Neither way: a person's own account is not the service user's, nor another person's.
pub(super) async fn no_substitute(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, OWN, bob).await?;
    is_unlinked(harness, SERVICE_USER).await?;
    unlinked("what the service user lends", harness.lending().lend(SERVICE_USER).await)?;
    link(harness, SERVICE, ann).await?;
    let own = LinkedAs::Person(ann);
    is_unlinked(harness, own).await?;
    unlinked("what Ann lends", harness.lending().lend(own).await)?;
    let tenant = harness.foreign_tenant();
    unlinked("what Ann lends elsewhere", harness.lending().lend_at(own, tenant).await)?;
    harness.linking().unlink(SERVICE_USER).await?;
    is_unlinked(harness, SERVICE_USER).await?;
    works(harness, LinkedAs::Person(bob), bob).await
}

pub(super) async fn apart(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, OWN, ann).await?;
    link(harness, OWN, bob).await?;
    for person in [ann, bob] {
        works(harness, LinkedAs::Person(person), person).await?;
        let lent = harness.lending().lend(LinkedAs::Person(person)).await?;
        ensure_eq("whose permissions are lent", &lent.account.person.id, &person)?;
    }
    let mut query = RecordQuery::new().with_limit(1);
    let mut listed = Vec::new();
    for _ in 0..4 {
        let page = harness.accounts().list(&query).await?;
        listed.extend(page.records.into_iter().map(|found| found.value.person.id));
        if page.next.is_none() {
            break;
        }
        query = query.with_after(page.next);
    }
    listed.sort_unstable();
    let mut wanted = vec![ann, bob];
    wanted.sort_unstable();
    ensure_eq("the people who are listed, one to a page", &listed, &wanted)
}

pub(super) async fn lends(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    let account = link(harness, SERVICE, ann).await?;
    let lent = harness.lending().lend(SERVICE_USER).await?;
    ensure_eq("the account", &lent.account, &account)?;
    ensure_eq("the tenant", &lent.tenant, &ann.tenant)?;
    let first = lent.tokens.token(&harness.scope()).await?;
    // Days later, when the first token has ended.
    harness.pass(Duration::from_secs(20 * 86_400)).await;
    let next = lent.tokens.token(&harness.scope()).await?;
    ensure(!next.secret.same_as(&first.secret), "a token that has ended was given again")?;
    works(harness, SERVICE_USER, ann).await
}

pub(super) async fn former(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    link(harness, SERVICE, ann).await?;
    link(harness, OWN, ann).await?;
    let replaced = harness.lending().lend(SERVICE_USER).await?;
    let removed = harness.lending().lend(LinkedAs::Person(ann)).await?;
    // One of them has a token, which it must not renew.
    removed.tokens.token(&harness.scope()).await?;
    link(harness, SERVICE, bob).await?;
    harness.linking().unlink(LinkedAs::Person(ann)).await?;
    harness.pass(Duration::from_secs(86_400)).await;
    unlinked("a token of the replaced", replaced.tokens.token(&harness.scope()).await)?;
    unlinked("a token of the unlinked", removed.tokens.token(&harness.scope()).await)?;
    // Linked anew is another link: what was lent before stays ended.
    link(harness, OWN, ann).await?;
    unlinked("a token of the former link", removed.tokens.token(&harness.scope()).await)?;
    works(harness, SERVICE_USER, bob).await
}

pub(super) async fn guests(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, bob] = harness.people();
    let (tenant, scope) = (harness.foreign_tenant(), harness.scope());
    link(harness, OWN, ann).await?;
    link(harness, OWN, bob).await?;
    let lent = harness.lending().lend_at(LinkedAs::Person(bob), tenant).await?;
    ensure_eq("the tenant", &lent.tenant, &tenant)?;
    ensure_eq("whose permissions are lent", &lent.account.person.id, &bob)?;
    lent.tokens.token(&scope).await?;
    let lent = harness.lending().lend_at(LinkedAs::Person(ann), tenant).await?;
    let Err(error) = lent.tokens.token(&scope).await else {
        return Err(Failure::new("a tenant gave a token to somebody who is no guest"));
    };
    ensure_eq("kind", &error.kind(), &ErrorKind::Unauthenticated)?;
    ensure_eq("effect", &error.effect(), &Effect::None)?;
    let state = LinkState::of(&error);
    ensure(matches!(state, LinkState::RefusedByTenant(_)), format!("who is nobody's guest is told {state:?}"))?;
    // Where she is at home she works on.
    works(harness, LinkedAs::Person(ann), ann).await
}

pub(super) async fn fits(harness: &impl AccountLinksHarness) -> CaseResult {
    let [ann, _] = harness.people();
    link(harness, SERVICE, ann).await?;
    let lent = harness.lending().lend(SERVICE_USER).await?;
    let fit = async |request| harness.lending().fit(&lent, &request).await;
    let clear = fit(harness.fitting()).await;
    ensure(clear.is_clear() && clear.iter().len() > 3, format!("it does not fit: {clear:?}"))?;
    let more = harness.fitting().with_project("no-such-project").with_repository("no-such-repository");
    ensure_failures(&fit(more).await, &["project-not-seen", "repository-not-seen"])?;
    let mut shouted = harness.fitting();
    shouted.organization.make_ascii_uppercase();
    let shouted = fit(shouted).await;
    ensure_failures(&shouted, &["organization-case"])?;
    let remedy = &shouted.failures().next().ok_or_else(|| Failure::new("nothing failed"))?.remedy;
    ensure(remedy.contains(&harness.fitting().organization), format!("the name is not told: {remedy}"))?;
    let mut none = harness.fitting();
    none.organization = "a/b".to_owned();
    ensure_failures(&fit(none).await, &["organization-name"])?;
    let foreign = fit(harness.foreign()).await;
    ensure(foreign.of("organization-of-another-tenant").is_some(), format!("not told: {foreign:?}"))?;
    // Who is no guest there gets no token of its own tenant, which says nothing of the link.
    let tenant = harness.foreign_tenant();
    let at_home = harness.lending().lend_at(SERVICE_USER, tenant).await?;
    let foreign = harness.lending().fit(&at_home, &harness.foreign()).await;
    ensure_failures(&foreign, &["refused-by-tenant"])?;
    // Who is unlinked meanwhile is told to link again, and nobody says that they do not fit.
    let ended = harness.lending().lend(SERVICE_USER).await?;
    harness.linking().unlink(SERVICE_USER).await?;
    let ended = harness.lending().fit(&ended, &harness.fitting()).await;
    ensure_failures(&ended, &["must-link-again"])
}

/// Fails unless exactly these checks failed, and each says what to do.
fn ensure_failures(report: &CheckReport, wanted: &[&str]) -> CaseResult {
    let failed: Vec<&str> = report.failures().map(|check| check.code.as_ref()).collect();
    ensure(failed == wanted, format!("wanted {wanted:?}: {report:?}"))?;
    ensure(report.failures().all(|check| !check.remedy.is_empty()), format!("no remedy: {report:?}"))
}
