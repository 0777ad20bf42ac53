//! What every [`ConnectionKeeper`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, ErrorKind, Secret};
use azconnect_credential::{ConnectRequest, ConnectionKeeper, ConnectionRecord, CredentialVerdict};

use super::report::{CaseResult, Report, ensure, ensure_eq, refused};
use crate::canary::Canary;

/// A keeper under test, and what lies behind it.
#[async_trait]
pub trait KeeperHarness: Send + Sync {
    /// The keeper under test.
    fn keeper(&self) -> Arc<dyn ConnectionKeeper>;

    /// A request for an application that exists.
    fn request(&self) -> ConnectRequest;

    /// A secret of that application that is accepted.
    fn working_secret(&self) -> Secret;

    /// Ends every secret of that application.
    async fn end_secrets(&self);

    /// Makes the identity service unreachable from now on.
    async fn disconnect_service(&self);

    /// How many secrets the keeper's store holds.
    async fn kept(&self) -> usize;
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: KeeperHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("ConnectionKeeper");
    report.add("the record says what was asked for", says_what_was_asked(&make().await).await);
    report.add("a connection that was made tests as accepted", tests(&make().await).await);
    report.add("a secret's id in place of its value is refused", refuses_an_id(&make().await).await);
    report.add("a secret that is not accepted is not kept", refuses(&make().await).await);
    report.add("while the service is away nothing is kept", keeps_nothing_unproven(&make().await).await);
    report.add("while the service is away a test is inconclusive", tests_nothing(&make().await).await);
    report.add("a secret that has ended is not accepted", notices_the_end(&make().await).await);
    report.add("connecting again leaves the former connection working", connects_again(&make().await).await);
    report.add("disconnecting forgets the secret, and may be repeated", disconnects(&make().await).await);
    report.add("a record opens and forgets its own secret alone", keeps_to_its_own(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn connect(harness: &impl KeeperHarness) -> Result<ConnectionRecord, azconnect_core::Error> {
    harness.keeper().connect(harness.request(), harness.working_secret()).await
}

async fn says_what_was_asked(harness: &impl KeeperHarness) -> CaseResult {
    let mut request = harness.request();
    request.region = Some("westeurope".parse()?);
    request.resource_group = Some("rg-shop".parse()?);
    let record = harness.keeper().connect(request.clone(), harness.working_secret()).await?;
    ensure_eq("id", &record.id, &request.id)?;
    ensure_eq("subscription", &record.subscription, &request.subscription)?;
    ensure_eq("tenant", &record.tenant, &request.tenant)?;
    ensure_eq("client", &record.client, &request.client)?;
    ensure_eq("end", &record.credential.ends_at(), &request.ends_at)?;
    ensure_eq("region", &record.region, &request.region)?;
    ensure_eq("resource group", &record.resource_group, &request.resource_group)
}

async fn tests(harness: &impl KeeperHarness) -> CaseResult {
    let record = connect(harness).await?;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    for _ in 0..2 {
        ensure_eq("verdict", &harness.keeper().test(&record).await?.verdict, &CredentialVerdict::Accepted)?;
    }
    ensure_eq("secrets kept after tests", &harness.kept().await, &1)
}

async fn refuses_an_id(harness: &impl KeeperHarness) -> CaseResult {
    let id = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
    let outcome = harness.keeper().connect(harness.request(), id).await;
    let error = refused("connecting with an id", ErrorKind::InvalidInput, outcome)?;
    ensure_eq("field", &error.field(), &Some("client_secret"))?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn refuses(harness: &impl KeeperHarness) -> CaseResult {
    let wrong = Secret::new("Abc8Q~a.wrong.secret.that.was.never.minted");
    let outcome = harness.keeper().connect(harness.request(), wrong).await;
    let error = refused("connecting with a wrong secret", ErrorKind::Unauthenticated, outcome)?;
    ensure(error.service_code().is_some(), "the refusal names no code of the service")?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn keeps_nothing_unproven(harness: &impl KeeperHarness) -> CaseResult {
    harness.disconnect_service().await;
    refused("connecting while the service is away", ErrorKind::Unavailable, connect(harness).await)?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn tests_nothing(harness: &impl KeeperHarness) -> CaseResult {
    let record = connect(harness).await?;
    harness.disconnect_service().await;
    let tested = harness.keeper().test(&record).await?;
    ensure_eq("verdict", &tested.verdict, &CredentialVerdict::Inconclusive)?;
    ensure(tested.advice().is_some(), "what is not accepted needs advice")?;
    ensure_eq("secrets kept", &harness.kept().await, &1)
}

async fn notices_the_end(harness: &impl KeeperHarness) -> CaseResult {
    let record = connect(harness).await?;
    harness.end_secrets().await;
    let tested = harness.keeper().test(&record).await?;
    ensure_eq("verdict", &tested.verdict, &CredentialVerdict::Rejected)?;
    ensure(tested.advice().is_some(), "what is not accepted needs advice")
}

async fn connects_again(harness: &impl KeeperHarness) -> CaseResult {
    let (former, new) = (connect(harness).await?, connect(harness).await?);
    for record in [&former, &new] {
        ensure(harness.keeper().test(record).await?.is_accepted(), "a connection stopped working")?;
    }
    harness.keeper().disconnect(&former).await?;
    ensure(harness.keeper().test(&new).await?.is_accepted(), "disconnecting one connection ended another")
}

async fn disconnects(harness: &impl KeeperHarness) -> CaseResult {
    let record = connect(harness).await?;
    for _ in 0..2 {
        harness.keeper().disconnect(&record).await?;
    }
    ensure_eq("secrets kept", &harness.kept().await, &0)?;
    let kind = harness.keeper().test(&record).await.map_err(|error| error.kind()).err();
    ensure_eq("kind of a test afterwards", &kind, &Some(ErrorKind::NotFound))
}

async fn keeps_to_its_own(harness: &impl KeeperHarness) -> CaseResult {
    let victim = connect(harness).await?;
    let mut request = harness.request();
    request.id = "another-connection".parse()?;
    let mut stolen = harness.keeper().connect(request, harness.working_secret()).await?;
    stolen.credential = victim.credential.clone();
    let mut moved = victim.clone();
    moved.client = "5a0b1c2d-0000-4000-8000-00000000f00d".parse()?;
    for record in [&stolen, &moved] {
        let error = refused("a test", ErrorKind::Corrupt, harness.keeper().test(record).await)?;
        ensure_eq("effect", &error.effect(), &Effect::None)?;
        refused("disconnecting", ErrorKind::Corrupt, harness.keeper().disconnect(record).await)?;
    }
    ensure_eq("secrets kept", &harness.kept().await, &2)?;
    ensure(harness.keeper().test(&victim).await?.is_accepted(), "the connection stopped working")
}

async fn shows_nothing(harness: &impl KeeperHarness) -> CaseResult {
    let canary = Canary::new();
    canary.watch(&harness.working_secret());
    let ears = canary.listen();
    let record = connect(harness).await?;
    let mut shown = format!("{record:?} {:?}", harness.keeper().test(&record).await);
    shown += &format!("{:?}", harness.keeper().connect(harness.request(), canary.secret()).await);
    harness.disconnect_service().await;
    shown += &format!("{:?} {:?}", connect(harness).await, harness.keeper().test(&record).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
