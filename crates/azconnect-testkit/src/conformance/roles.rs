//! What every [`Roles`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::Roles;
use azconnect_arm::{Assigned, Assignment, ResourceId, Role};
use azconnect_core::{ErrorKind, PrincipalObjectId};
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// Roles under test, and what lies behind them: an emulator, or a fake.
#[async_trait]
pub trait RolesHarness: Send + Sync {
    /// The roles, seen by an identity that may give them.
    fn roles(&self) -> Arc<dyn Roles>;

    /// The subscription in which roles are given, as a scope.
    fn subscription(&self) -> ResourceId;

    /// A resource group in it, which exists.
    fn group(&self) -> ResourceId;

    /// A principal that exists, and has no role of a reader.
    async fn principal(&self) -> PrincipalObjectId;

    /// Lets the identity read, and nothing else, from now on.
    async fn forbid_changes(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: RolesHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Roles");
    report.add("a role that is given is listed", gives(&make().await).await);
    report.add("giving it again adds nothing", gives_once(&make().await).await);
    report.add("a role is listed above and below its scope", lists_above_and_below(&make().await).await);
    report.add("a role that is taken away is gone", takes_away(&make().await).await);
    report.add("taking away one role leaves the others", takes_one_away(&make().await).await);
    report.add("taking away what is not there succeeds", takes_nothing_away(&make().await).await);
    report.add("a scope in no subscription is refused", checks_scope(&make().await).await);
    report.add("what is not permitted is refused, and changes nothing", forbidden(&make().await).await);
    report.finish();
}

async fn gives(harness: &impl RolesHarness) -> CaseResult {
    let assignment = reader(harness, harness.subscription()).await;
    ensure_eq("the outcome", &harness.roles().assign(&assignment).await?, &Assigned::Now)?;
    ensure_eq("how often it is listed", &listed(harness, &assignment, &assignment.scope).await?, &1)?;
    let stranger = PrincipalObjectId::from(Uuid::from_u128(0x7777));
    let others = harness.roles().list(&assignment.scope, stranger).await?;
    ensure(others.is_empty(), format!("a stranger has it too: {others:?}"))
}

async fn gives_once(harness: &impl RolesHarness) -> CaseResult {
    let assignment = reader(harness, harness.subscription()).await;
    harness.roles().assign(&assignment).await?;
    ensure_eq("the second outcome", &harness.roles().assign(&assignment).await?, &Assigned::Before)?;
    ensure_eq("how often it is listed", &listed(harness, &assignment, &assignment.scope).await?, &1)
}

async fn lists_above_and_below(harness: &impl RolesHarness) -> CaseResult {
    let above = reader(harness, harness.subscription()).await;
    let below = Assignment::new(harness.group(), Role::READER, above.principal);
    harness.roles().assign(&below).await?;
    ensure_eq("above its scope", &listed(harness, &below, &harness.subscription()).await?, &1)?;
    harness.roles().remove(&below).await?;
    harness.roles().assign(&above).await?;
    ensure_eq("below its scope", &listed(harness, &above, &harness.group()).await?, &1)
}

async fn takes_away(harness: &impl RolesHarness) -> CaseResult {
    let assignment = reader(harness, harness.subscription()).await;
    harness.roles().assign(&assignment).await?;
    harness.roles().remove(&assignment).await?;
    ensure_eq("how often it is listed", &listed(harness, &assignment, &assignment.scope).await?, &0)?;
    ensure_eq("giving it anew", &harness.roles().assign(&assignment).await?, &Assigned::Now)
}

async fn takes_one_away(harness: &impl RolesHarness) -> CaseResult {
    let above = reader(harness, harness.subscription()).await;
    let below = Assignment::new(harness.group(), Role::READER, above.principal);
    harness.roles().assign(&above).await?;
    harness.roles().assign(&below).await?;
    harness.roles().remove(&below).await?;
    ensure_eq("how many are listed", &listed(harness, &above, &above.scope).await?, &1)
}

async fn takes_nothing_away(harness: &impl RolesHarness) -> CaseResult {
    let assignment = reader(harness, harness.subscription()).await;
    harness.roles().remove(&assignment).await?;
    Ok(())
}

async fn checks_scope(harness: &impl RolesHarness) -> CaseResult {
    let scope = ResourceId::parse("/providers/Microsoft.Management/managementGroups/contoso")?;
    let assignment = reader(harness, scope).await;
    let error = refused("giving it", ErrorKind::InvalidInput, harness.roles().assign(&assignment).await)?;
    ensure(error.field().is_some(), format!("the field is not named: {error:?}"))
}

async fn forbidden(harness: &impl RolesHarness) -> CaseResult {
    let assignment = reader(harness, harness.subscription()).await;
    harness.roles().assign(&assignment).await?;
    harness.forbid_changes().await;
    let more = Assignment::new(harness.group(), Role::CONTRIBUTOR, assignment.principal);
    let error = refused("giving one", ErrorKind::PermissionDenied, harness.roles().assign(&more).await)?;
    ensure(!error.advice().is_empty(), "the refusal gives no advice")?;
    refused("taking one away", ErrorKind::PermissionDenied, harness.roles().remove(&assignment).await)?;
    ensure_eq("how often the first is listed", &listed(harness, &assignment, &assignment.scope).await?, &1)?;
    ensure_eq("how often the second is listed", &listed(harness, &more, &more.scope).await?, &0)
}

async fn reader(harness: &impl RolesHarness, scope: ResourceId) -> Assignment {
    Assignment::new(scope, Role::READER, harness.principal().await)
}

/// How often an assignment's role is listed for its principal at a scope.
async fn listed(harness: &impl RolesHarness, wanted: &Assignment, scope: &ResourceId) -> Result<usize, Failure> {
    let roles = harness.roles().list(scope, wanted.principal).await?;
    let definition = wanted.role.definition().to_string();
    let same = roles.iter().filter(|role| role.properties.role_definition_id.ends_with(&definition));
    let principal = wanted.principal.to_string();
    Ok(same.filter(|role| role.properties.principal_id.eq_ignore_ascii_case(&principal)).count())
}
