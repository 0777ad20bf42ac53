//! What every [`ServiceConnectionWriter`] must do.

use std::sync::Arc;

use azconnect_core::{ErrorKind, Secret};
use azconnect_devops::{Deletion, Endpoint, EndpointChange, ServiceConnectionWriter, StoredSecret};
use serde_json::Value;

use super::{Caller, Case, DevOpsHarness, azure, shows_secret};
use crate::canary::Canary;
use crate::conformance::report::{CaseResult, Report, ensure, ensure_eq, refused};

type Subject<H> = Case<H, dyn ServiceConnectionWriter>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn ServiceConnectionWriter>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("ServiceConnectionWriter");
    report.add("what is created is there and holds its secret", creates(&case().await).await);
    report.add("a name is taken once in a project", once(&case().await).await);
    report.add("a connection is created where it was built for", elsewhere(&case().await).await);
    report.add("a secret is replaced and nothing else", replaces(&case().await).await);
    report.add("a description is changed and nothing else", describes(&case().await).await);
    report.add("somebody else's change is a conflict, and stays", conflicts(&case().await).await);
    report.add("bad input changes nothing", bad_input(&case().await).await);
    report.add("a missing connection is not found", missing(&case().await).await);
    report.add("without permission nothing changes", refuses(&case().await).await);
    report.add("what is deleted is gone, and may be deleted again", deletes(&case().await).await);
    report.add("no secret is shown or logged", shows_nothing(&case().await).await);
    report.finish();
}

async fn create<H: DevOpsHarness>(case: &Subject<H>, secret: &Secret) -> Result<Endpoint, super::Failure> {
    let connection = azure(&case.harness, secret).1.build(&case.harness.described())?;
    let created = case.port.create(&case.harness.project(), &connection).await?;
    case.harness.settle().await;
    Ok(created)
}

async fn creates<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let created = create(case, &secret).await?;
    ensure(!shows_secret(&created), "the secret is shown")?;
    let seen = case.seen(&case.harness.project().connection(created.id())).await?;
    ensure_eq("the name", &seen.name(), &created.name())?;
    ensure(case.harness.holds(created.id(), &secret).await, "the connection does not hold its secret")
}

async fn once<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let connection = azure(&case.harness, &secret).1.build(&case.harness.described())?;
    case.port.create(&case.harness.project(), &connection).await?;
    let again = case.port.create(&case.harness.project(), &connection).await;
    refused("a second one of the name", ErrorKind::Conflict, again).map(drop)
}

async fn elsewhere<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let connection = azure(&case.harness, &secret).1.build(&case.harness.described())?;
    let created = case.port.create(&case.harness.other_project(), &connection).await;
    refused("another project", ErrorKind::InvalidInput, created).map(drop)
}

/// A connection's document without what every change changes.
fn rest(endpoint: &Endpoint) -> Value {
    let mut document = endpoint.document().clone();
    for counter in ["modificationDate", "modifiedBy", "description"] {
        document.shift_remove(counter);
    }
    Value::Object(document)
}

async fn replaces<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let before = case.seen(&case.manual()).await?;
    ensure(!case.harness.holds(before.id(), &secret).await, "the harness minted what the connection holds")?;
    let change = EndpointChange::new().with_secret(&secret);
    let after = case.port.update(&case.harness.project(), &before, &change).await?;
    ensure_eq("what is known of the secret", &after.secret, &StoredSecret::Replaced)?;
    let after = after.endpoint;
    ensure(case.harness.holds(before.id(), &secret).await, "the connection does not hold the new secret")?;
    ensure(!shows_secret(&after), "the secret is shown")?;
    let seen = case.seen(&case.manual()).await?;
    ensure_eq("the description", &seen.description(), &before.description())?;
    ensure_eq("the rest", &rest(&seen), &rest(&before))
}

async fn describes<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let first = case.seen(&case.manual()).await?;
    let secret = case.harness.mint().await;
    let change = EndpointChange::new().with_secret(&secret);
    let before = case.port.update(&case.harness.project(), &first, &change).await?.endpoint;
    let change = EndpointChange::new().with_description("described");
    let after = case.port.update(&case.harness.project(), &before, &change).await?;
    ensure_eq("what is known of the secret", &after.secret, &StoredSecret::Works)?;
    let after = after.endpoint;
    ensure_eq("the description", &after.description(), &Some("described"))?;
    ensure(case.harness.holds(before.id(), &secret).await, "the secret is lost")?;
    ensure_eq("the rest", &rest(&case.seen(&case.manual()).await?), &rest(&first))?;
    ensure(!shows_secret(&after), "the secret is shown")
}

async fn conflicts<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.manual()).await?;
    case.harness.interfere(before.id()).await;
    let changed = case.seen(&case.manual()).await?;
    let change = EndpointChange::new().with_description("overwritten");
    let updated = case.port.update(&case.harness.project(), &before, &change).await;
    refused("a change of what somebody changed", ErrorKind::Conflict, updated)?;
    let seen = case.seen(&case.manual()).await?;
    ensure_eq("the other's description", &seen.description(), &changed.description())
}

async fn bad_input<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.manual()).await?;
    let change = EndpointChange::new().with_name("  ").with_description("half");
    let updated = case.port.update(&case.harness.project(), &before, &change).await;
    refused("an empty name", ErrorKind::InvalidInput, updated)?;
    ensure(case.seen(&case.manual()).await?.document() == before.document(), "the connection changed")
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.manual()).await?;
    let change = EndpointChange::new().with_description("nowhere");
    let updated = case.port.update(&case.harness.other_project(), &before, &change).await;
    refused("a connection of another project", ErrorKind::NotFound, updated).map(drop)
}

async fn refuses<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let before = case.seen(&case.manual()).await?;
    let connection = azure(&case.harness, &secret).1.build(&case.harness.described())?;
    let project = case.harness.project();
    refused("create", ErrorKind::PermissionDenied, case.contributor.create(&project, &connection).await)?;
    let deleted = case.contributor.delete(&case.manual(), Deletion::ConnectionOnly).await;
    refused("delete", ErrorKind::PermissionDenied, deleted)?;
    let change = EndpointChange::new().with_secret(&secret);
    let updated = case.contributor.update(&project, &before, &change).await;
    // Who may not see how a connection signs in reads another document than the administrator did.
    ensure(
        updated.is_err_and(|error| {
            error.effect() == azconnect_core::Effect::None
                && matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Conflict)
        }),
        "a contributor's update was not refused without effect",
    )?;
    case.harness.settle().await;
    ensure(!case.harness.holds(before.id(), &secret).await, "the secret was changed")?;
    ensure(case.seen(&case.manual()).await?.document() == before.document(), "the connection changed")
}

async fn deletes<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let created = create(case, &secret).await?;
    let address = case.harness.project().connection(created.id());
    case.port.delete(&address, Deletion::ConnectionOnly).await?;
    case.harness.settle().await;
    ensure(case.harness.look(&address).await.is_none(), "the connection is still there")?;
    case.port.delete(&address, Deletion::ConnectionOnly).await?;
    ensure(case.harness.look(&case.manual()).await.is_some(), "another connection is gone")
}

async fn shows_nothing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    let connection = azure(&case.harness, &secret).1.build(&case.harness.described())?;
    let change = EndpointChange::new().with_secret(&secret);
    let before = case.seen(&case.manual()).await?;
    let project = case.harness.project();
    let mut shown = format!("{connection:?} {change:?} {:?}", case.contributor.create(&project, &connection).await);
    shown += &format!("{:?}", case.port.create(&project, &connection).await);
    shown += &format!("{:?}", case.port.create(&project, &connection).await);
    let updated = case.port.update(&project, &before, &change).await;
    shown += &updated
        .as_ref()
        .map_or_else(|error| format!("{error:?}"), |after| format!("{after:?} {:?}", after.endpoint.document()));
    shown += &format!("{:?}", case.port.update(&project, &before, &change).await);
    case.harness.disconnect().await;
    shown += &format!("{:?}", case.port.create(&project, &connection).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
