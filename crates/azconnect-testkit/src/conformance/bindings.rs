//! What every [`BindingRecords`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ErrorKind, KeyId, TenantId};
use azconnect_credential::{
    ApplicationBindings, Binding, BindingRecords, BoundConsumer, BoundServiceConnection, OtherConsumer, RecordQuery,
};
use futures_util::future::join_all;
use serde_json::json;

use super::report::{CaseResult, Report, ensure, ensure_eq, refused};

/// Records of bindings under test, without any.
#[async_trait]
pub trait BindingsHarness: Send + Sync {
    /// The records under test.
    fn records(&self) -> Arc<dyn BindingRecords>;
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: BindingsHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("BindingRecords");
    report.add("what is bound is found, in its order", finds(&make().await).await);
    report.add("a consumer is bound once", binds_once(&make().await).await);
    report.add("a consumer of an unknown kind is kept as it came", keeps_unknown(&make().await).await);
    report.add("an application is bound in one tenant", one_tenant(&make().await).await);
    report.add("unbinding leaves the others, and may be repeated", unbinds(&make().await).await);
    report.add("the keys that are handed over are those of the last word", adopts(&make().await).await);
    report.add("applications are listed in order, page by page", lists(&make().await).await);
    report.add("changes that are made at the same time are all kept", concurrent(&make().await).await);
    report.add("what does not exist is not found", unknown(&make().await).await);
    report.finish();
}

fn application(at: u8) -> Result<ClientId, Error> {
    format!("a0000000-0000-4000-8000-0000000000{at:02x}").parse()
}

fn tenant() -> Result<TenantId, Error> {
    "d1b2c3d4-0000-4000-8000-000000000002".parse()
}

fn service_connection(at: u8) -> Result<Binding, Error> {
    let id = format!("c0000000-0000-4000-8000-0000000000{at:02x}").parse()?;
    let bound = BoundServiceConnection::new(tenant()?, "contoso", "Web", id).with_seen("deploy", "azurerm");
    Ok(Binding::new(BoundConsumer::ServiceConnection(bound)))
}

async fn bind(harness: &impl BindingsHarness, binding: Binding) -> Result<ApplicationBindings, Error> {
    harness.records().bind(application(1)?, tenant()?, binding).await
}

async fn found(harness: &impl BindingsHarness) -> Result<Vec<Binding>, Error> {
    Ok(harness.records().get(application(1)?).await?.map(|found| found.consumers).unwrap_or_default())
}

async fn finds(harness: &impl BindingsHarness) -> CaseResult {
    let shop = Binding::new(BoundConsumer::Connection("shop".parse()?)).optional();
    let own = Binding::new(BoundConsumer::OwnRecord).with_receipt_as_proof();
    for binding in [service_connection(1)?, shop.clone(), own.clone()] {
        bind(harness, binding).await?;
    }
    let all = harness.records().get(application(1)?).await?;
    ensure_eq("tenant", &all.as_ref().map(|all| all.tenant), &Some(tenant()?))?;
    ensure_eq("consumers", &found(harness).await?, &vec![service_connection(1)?, shop, own])
}

async fn binds_once(harness: &impl BindingsHarness) -> CaseResult {
    bind(harness, service_connection(1)?).await?;
    bind(harness, service_connection(2)?).await?;
    let after = bind(harness, service_connection(1)?.optional()).await?;
    ensure_eq("what is returned", &after.consumers, &found(harness).await?)?;
    ensure_eq("consumers", &after.consumers, &vec![service_connection(1)?.optional(), service_connection(2)?])
}

async fn keeps_unknown(harness: &impl BindingsHarness) -> CaseResult {
    let document = json!({"id": "x", "depth": [{"of": 1.5}, null]});
    let document = document.as_object().cloned().unwrap_or_default();
    let other = Binding::new(BoundConsumer::Other(OtherConsumer::new("kind_of_tomorrow", document)?));
    bind(harness, other.clone()).await?;
    bind(harness, service_connection(1)?).await?;
    ensure_eq("consumers", &found(harness).await?, &vec![other, service_connection(1)?])
}

async fn one_tenant(harness: &impl BindingsHarness) -> CaseResult {
    bind(harness, service_connection(1)?).await?;
    let other = "d1b2c3d4-0000-4000-8000-00000000000f".parse()?;
    let outcome = harness.records().bind(application(1)?, other, service_connection(2)?).await;
    let error = refused("another tenant", ErrorKind::Conflict, outcome)?;
    ensure_eq("field", &error.field(), &Some("tenant"))?;
    ensure_eq("consumers", &found(harness).await?, &vec![service_connection(1)?])
}

async fn unbinds(harness: &impl BindingsHarness) -> CaseResult {
    bind(harness, service_connection(1)?).await?;
    bind(harness, service_connection(2)?).await?;
    let name = service_connection(1)?.consumer.name(application(1)?);
    for _ in 0..2 {
        let left = harness.records().unbind(application(1)?, &name).await?;
        ensure_eq("what is left", &left.consumers, &vec![service_connection(2)?])?;
    }
    ensure_eq("consumers", &found(harness).await?, &vec![service_connection(2)?])
}

async fn adopts(harness: &impl BindingsHarness) -> CaseResult {
    bind(harness, service_connection(1)?).await?;
    let keys: [KeyId; 2] =
        ["b0000000-0000-4000-8000-000000000001".parse()?, "b0000000-0000-4000-8000-000000000002".parse()?];
    harness.records().adopt(application(1)?, &keys).await?;
    let after = harness.records().adopt(application(1)?, &keys[1..]).await?;
    ensure_eq("keys", &after.adopted, &vec![keys[1]])
}

async fn lists(harness: &impl BindingsHarness) -> CaseResult {
    for at in [3, 1, 2] {
        harness.records().bind(application(at)?, tenant()?, service_connection(1)?).await?;
    }
    let first = harness.records().list(&RecordQuery::new().with_limit(2)).await?;
    let second = harness.records().list(&RecordQuery::new().with_limit(2).with_after(first.next.clone())).await?;
    let all = first.records.iter().chain(&second.records).map(|found| found.value.application).collect::<Vec<_>>();
    ensure_eq("applications", &all, &vec![application(1)?, application(2)?, application(3)?])?;
    ensure_eq("the first page", &first.records.len(), &2)?;
    ensure(second.next.is_none(), "there is no end")
}

async fn concurrent(harness: &impl BindingsHarness) -> CaseResult {
    let mut all = Vec::new();
    for at in 1..=4 {
        all.push(bind(harness, service_connection(at)?));
    }
    for bound in join_all(all).await {
        bound?;
    }
    ensure_eq("how many are bound", &found(harness).await?.len(), &4)
}

async fn unknown(harness: &impl BindingsHarness) -> CaseResult {
    ensure(harness.records().get(application(1)?).await?.is_none(), "something was found")?;
    refused("unbinding", ErrorKind::NotFound, harness.records().unbind(application(1)?, "connection:shop").await)?;
    refused("handing over", ErrorKind::NotFound, harness.records().adopt(application(1)?, &[]).await).map(drop)
}
