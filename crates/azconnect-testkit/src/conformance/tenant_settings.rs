//! What every [`TenantSettingsKeeper`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ErrorKind, Revision, Secret, TenantId};
use azconnect_credential::{
    ActingAs, ActingChoice, Check, CheckReport, NewPersonalToken, Revised, SettingsOutcome, TenantSettings,
    TenantSettingsKeeper, TenantSettingsRequest,
};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};
use crate::canary::Canary;

/// A keeper of settings under test, and what lies behind it.
#[async_trait]
pub trait SettingsHarness: Send + Sync {
    /// The keeper under test.
    fn keeper(&self) -> Arc<dyn TenantSettingsKeeper>;

    /// A tenant with an organization.
    fn tenant(&self) -> TenantId;

    /// The name of an organization of that tenant.
    fn organization(&self) -> String;

    /// A personal access token that is let in there.
    fn working_token(&self) -> Secret;

    /// Makes Azure DevOps unreachable from now on.
    async fn disconnect_service(&self);

    /// How many tokens the keeper's store holds.
    async fn kept(&self) -> usize;
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: SettingsHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("TenantSettingsKeeper");
    report.add("settings say what was asked for, and are found", says_what_was_asked(&make().await).await);
    report.add("everything that blocks is told at once, with its field", tells_everything(&make().await).await);
    report.add("what is blocked changes nothing", blocked_changes_nothing(&make().await).await);
    report.add("an integration that is off needs nobody who acts", off(&make().await).await);
    report.add("a token that is not accepted is not kept", refuses_a_token(&make().await).await);
    report.add("while the service is away no token is kept", keeps_nothing_unproven(&make().await).await);
    report.add("a kept token stays when none is given", keeps_the_token(&make().await).await);
    report.add("another token takes the place of the former one", replaces_the_token(&make().await).await);
    report.add("a token that nobody acts by is forgotten", forgets_the_token(&make().await).await);
    report.add("somebody else's change is not overwritten", minds_the_revision(&make().await).await);
    report.add("forgetting leaves nothing, and may be repeated", forgets(&make().await).await);
    report.add("no token is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

fn by_token(harness: &impl SettingsHarness, token: Secret) -> TenantSettingsRequest {
    TenantSettingsRequest::new(harness.tenant())
        .enabled()
        .with_acting(ActingChoice::PersonalToken(Some(NewPersonalToken::new(token).with_scope("app_token"))))
        .with_organization(harness.organization())
}

async fn save(
    harness: &impl SettingsHarness,
    request: TenantSettingsRequest,
) -> Result<Revised<TenantSettings>, Failure> {
    match harness.keeper().save(request).await? {
        SettingsOutcome::Saved(saved) => Ok(*saved),
        SettingsOutcome::Blocked(checks) => Err(Failure::new(format!("the settings are blocked: {checks}"))),
        other => Err(Failure::new(format!("an outcome that is not known: {other:?}"))),
    }
}

async fn blocked(harness: &impl SettingsHarness, request: TenantSettingsRequest) -> Result<CheckReport, Failure> {
    let validated = harness.keeper().validate(&request).await?;
    match harness.keeper().save(request).await? {
        SettingsOutcome::Blocked(checks) => {
            let codes = |checks: &CheckReport| checks.failures().map(|check| check.code.clone()).collect::<Vec<_>>();
            ensure_eq("what validate says", &codes(&validated), &codes(&checks))?;
            ensure(!checks.is_clear(), "blocked without a reason")?;
            Ok(checks)
        }
        _ => Err(Failure::new("the settings were saved")),
    }
}

fn field(check: &Check) -> &str {
    check.diagnosis.as_ref().and_then(|known| known.field()).unwrap_or_default()
}

async fn found(harness: &impl SettingsHarness) -> Result<Option<Revised<TenantSettings>>, Failure> {
    Ok(harness.keeper().get(harness.tenant()).await?)
}

async fn says_what_was_asked(harness: &impl SettingsHarness) -> CaseResult {
    let saved = save(harness, by_token(harness, harness.working_token()).with_home_tenant()).await?;
    let settings = &saved.value;
    ensure_eq("tenant", &settings.tenant, &harness.tenant())?;
    ensure(settings.is_enabled && settings.includes_home_tenant, "a switch is off that was turned on")?;
    ensure_eq("organizations", &settings.organizations, &vec![harness.organization()])?;
    let Some(ActingAs::PersonalToken { scope, .. }) = &settings.acting else {
        return Err(Failure::new("they do not say that a token acts"));
    };
    ensure_eq("scope", &scope.as_deref(), &Some("app_token"))?;
    ensure(settings.checked.is_some(), "they do not say what was found")?;
    ensure_eq("what is found", &found(harness).await?, &Some(saved))?;
    ensure_eq("tokens", &harness.kept().await, &1)
}

async fn tells_everything(harness: &impl SettingsHarness) -> CaseResult {
    let request = TenantSettingsRequest::new(harness.tenant())
        .enabled()
        .with_organization(harness.organization())
        .with_organization(harness.organization().to_uppercase());
    let checks = blocked(harness, request).await?;
    let fields: Vec<&str> = checks.failures().map(field).collect();
    ensure_eq("fields", &fields, &vec!["acting", "organizations[1]"])?;
    ensure(checks.failures().all(|check| !check.remedy.is_empty()), "a check does not say what to do")
}

async fn blocked_changes_nothing(harness: &impl SettingsHarness) -> CaseResult {
    let before = save(harness, by_token(harness, harness.working_token())).await?;
    blocked(harness, TenantSettingsRequest::new(harness.tenant()).enabled()).await?;
    blocked(harness, by_token(harness, Secret::new("has a space"))).await?;
    ensure_eq("what is found", &found(harness).await?, &Some(before))?;
    ensure_eq("tokens", &harness.kept().await, &1)
}

async fn off(harness: &impl SettingsHarness) -> CaseResult {
    let saved = save(harness, TenantSettingsRequest::new(harness.tenant())).await?;
    ensure(!saved.value.is_enabled && saved.value.acting.is_none(), "somebody acts for what is off")
}

async fn refuses_a_token(harness: &impl SettingsHarness) -> CaseResult {
    let checks = blocked(harness, by_token(harness, Secret::new("a-token-that-nobody-made"))).await?;
    ensure(checks.failures().next().is_some_and(|check| !field(check).is_empty()), "no field is named")?;
    ensure(found(harness).await?.is_none(), "settings were kept")?;
    ensure_eq("tokens", &harness.kept().await, &0)
}

async fn keeps_nothing_unproven(harness: &impl SettingsHarness) -> CaseResult {
    harness.disconnect_service().await;
    blocked(harness, by_token(harness, harness.working_token())).await?;
    ensure(found(harness).await?.is_none(), "settings were kept")?;
    ensure_eq("tokens", &harness.kept().await, &0)
}

async fn keeps_the_token(harness: &impl SettingsHarness) -> CaseResult {
    let before = save(harness, by_token(harness, harness.working_token())).await?.value;
    let again = TenantSettingsRequest::new(harness.tenant())
        .enabled()
        .with_acting(ActingChoice::PersonalToken(None))
        .with_organization(harness.organization());
    let after = save(harness, again).await?.value;
    ensure_eq("who acts", &after.acting, &before.acting)?;
    ensure_eq("tokens", &harness.kept().await, &1)
}

async fn replaces_the_token(harness: &impl SettingsHarness) -> CaseResult {
    let before = save(harness, by_token(harness, harness.working_token())).await?.value;
    let after = save(harness, by_token(harness, harness.working_token())).await?.value;
    ensure(before.token() != after.token(), "a sealed token was changed")?;
    ensure_eq("tokens", &harness.kept().await, &1)
}

async fn forgets_the_token(harness: &impl SettingsHarness) -> CaseResult {
    save(harness, by_token(harness, harness.working_token())).await?;
    let after = save(harness, TenantSettingsRequest::new(harness.tenant())).await?.value;
    ensure_eq("who acts", &after.acting, &None)?;
    ensure_eq("tokens", &harness.kept().await, &0)
}

async fn minds_the_revision(harness: &impl SettingsHarness) -> CaseResult {
    let first = save(harness, by_token(harness, harness.working_token())).await?;
    let second = save(harness, by_token(harness, harness.working_token()).with_revision(first.revision)).await?;
    ensure(second.revision > first.revision, "the revision did not grow")?;
    for stale in [first.revision, Revision(second.revision.0 + 1)] {
        let request = by_token(harness, harness.working_token()).with_revision(stale);
        let error = refused("a stale page", ErrorKind::Conflict, harness.keeper().save(request).await)?;
        ensure_eq("field", &error.field(), &Some("revision"))?;
    }
    ensure_eq("what is found", &found(harness).await?, &Some(second))?;
    ensure_eq("tokens", &harness.kept().await, &1)
}

async fn forgets(harness: &impl SettingsHarness) -> CaseResult {
    save(harness, by_token(harness, harness.working_token())).await?;
    for _ in 0..2 {
        harness.keeper().forget(harness.tenant()).await?;
        ensure(found(harness).await?.is_none(), "settings are left")?;
        ensure_eq("tokens", &harness.kept().await, &0)?;
    }
    Ok(())
}

async fn shows_nothing(harness: &impl SettingsHarness) -> CaseResult {
    let canary = Canary::new();
    canary.watch(&harness.working_token());
    let ears = canary.listen();
    let keeper = harness.keeper();
    let request = by_token(harness, harness.working_token());
    let mut shown = format!("{request:?} {:?}", keeper.validate(&request).await);
    shown += &format!("{:?} {:?}", keeper.save(request).await, keeper.get(harness.tenant()).await);
    shown += &format!("{:?}", keeper.save(by_token(harness, canary.secret())).await);
    harness.disconnect_service().await;
    shown += &format!("{:?}", keeper.save(by_token(harness, harness.working_token())).await);
    shown += &format!("{:?}", keeper.forget(harness.tenant()).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
