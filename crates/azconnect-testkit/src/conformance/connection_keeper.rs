//! What every [`ConnectionKeeper`] and its [`ConnectionRecords`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ErrorKind, Labels, Secret};
use azconnect_credential::{
    CheckStatus, ConnectRequest, Connected, ConnectionChange, ConnectionId, ConnectionKeeper, ConnectionQuery,
    ConnectionRecord, ConnectionRecords, CredentialVerdict, NewSecret,
};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};
use crate::canary::Canary;

/// A keeper under test, and what lies behind it.
#[async_trait]
pub trait KeeperHarness: Send + Sync {
    /// The keeper under test.
    fn keeper(&self) -> Arc<dyn ConnectionKeeper>;

    /// The records of the same connections.
    fn records(&self) -> Arc<dyn ConnectionRecords>;

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
    report.add("the record says what was asked for, and is found", says_what_was_asked(&make().await).await);
    report.add("a record that cannot be kept is refused before anything is sent", bad_records(&make().await).await);
    report.add("a connection that was made tests as accepted", tests(&make().await).await);
    report.add("a test is noted in the record", notes_tests(&make().await).await);
    report.add("a secret's id in place of its value is refused", refuses_an_id(&make().await).await);
    report.add("a secret that is not accepted is not kept", refuses(&make().await).await);
    report.add("while the service is away nothing is kept", keeps_nothing_unproven(&make().await).await);
    report.add("while the service is away a test is inconclusive", tests_nothing(&make().await).await);
    report.add("a secret that has ended is not accepted", notices_the_end(&make().await).await);
    report.add("a name that is taken is refused, and the connection works on", connects_once(&make().await).await);
    report.add("connections of one application are told of each other", shares(&make().await).await);
    report.add("another secret takes the place of the former one", replaces(&make().await).await);
    report.add("another secret that is not accepted changes nothing", replaces_nothing(&make().await).await);
    report.add("disconnecting forgets everything, and may be repeated", disconnects(&make().await).await);
    report.add("disconnecting one connection leaves the others", leaves_others(&make().await).await);
    report.add("connections are listed in order, by label and by application", lists(&make().await).await);
    report.add("what is known of a connection can be changed", describes(&make().await).await);
    report.add("what does not exist is not found", unknown(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn connect(harness: &impl KeeperHarness) -> Result<Connected, azconnect_core::Error> {
    harness.keeper().connect(harness.request(), harness.working_secret()).await
}

async fn connect_as(harness: &impl KeeperHarness, id: &str, team: &str) -> Result<Connected, azconnect_core::Error> {
    let mut request = harness.request();
    request.id = id.parse()?;
    request.labels = Labels::new().with("team", team)?;
    harness.keeper().connect(request, harness.working_secret()).await
}

async fn found(harness: &impl KeeperHarness, id: &ConnectionId) -> Result<ConnectionRecord, Failure> {
    harness.records().get(id).await?.ok_or_else(|| Failure::new(format!("{id} is not found")))
}

async fn listed(harness: &impl KeeperHarness, query: ConnectionQuery) -> Result<Vec<String>, Failure> {
    let page = harness.records().list(&query).await?;
    ensure(page.unreadable.is_empty(), "a record cannot be read")?;
    Ok(page.connections.iter().map(|record| record.id.to_string()).collect())
}

async fn says_what_was_asked(harness: &impl KeeperHarness) -> CaseResult {
    let mut request = harness.request();
    request.display_name = Some("The shop, production".to_owned());
    request.labels = Labels::new().with("team", "payments")?;
    request.key = Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".parse()?);
    request.region = Some("westeurope".parse()?);
    request.resource_group = Some("rg-shop".parse()?);
    let record = harness.keeper().connect(request.clone(), harness.working_secret()).await?.record;
    ensure_eq("id", &record.id, &request.id)?;
    ensure_eq("display name", &record.display_name, &request.display_name)?;
    ensure_eq("labels", &record.labels, &request.labels)?;
    ensure_eq("subscription", &record.subscription, &request.subscription)?;
    ensure_eq("tenant", &record.tenant, &request.tenant)?;
    ensure_eq("client", &record.client, &request.client)?;
    ensure_eq("region", &record.region, &request.region)?;
    ensure_eq("resource group", &record.resource_group, &request.resource_group)?;
    ensure(record.cloud.is_some(), "the record does not say its cloud")?;
    let azconnect_credential::CredentialKind::ClientSecret { key, .. } = &record.credential else {
        return Err(Failure::new("it holds no client secret"));
    };
    ensure_eq("key", key, &request.key)?;
    ensure_eq("what is found", &found(harness, &request.id).await?, &record)
}

async fn bad_records(harness: &impl KeeperHarness) -> CaseResult {
    harness.disconnect_service().await;
    let (mut named, mut labelled) = (harness.request(), harness.request());
    named.display_name = Some("two\nlines".to_owned());
    labelled.labels = Labels::new().with("azconnect/client", "x")?;
    for (request, field) in [(named, "display_name"), (labelled, "labels")] {
        let outcome = harness.keeper().connect(request, harness.working_secret()).await;
        let error = refused("connecting", ErrorKind::InvalidInput, outcome)?;
        ensure_eq("field", &error.field(), &Some(field))?;
    }
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn tests(harness: &impl KeeperHarness) -> CaseResult {
    let id = connect(harness).await?.record.id;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    for _ in 0..2 {
        ensure_eq("verdict", &harness.keeper().test(&id).await?.verdict, &CredentialVerdict::Accepted)?;
    }
    ensure_eq("secrets kept after tests", &harness.kept().await, &1)
}

async fn notes_tests(harness: &impl KeeperHarness) -> CaseResult {
    let before = connect(harness).await?.record;
    ensure(before.checked.is_none(), "it was tested before it was")?;
    harness.keeper().test(&before.id).await?;
    let passed = found(harness, &before.id).await?;
    let status = |record: &ConnectionRecord| record.checked.as_ref()?.report.iter().next().map(|check| check.status);
    ensure_eq("status", &status(&passed), &Some(CheckStatus::Passed))?;
    harness.end_secrets().await;
    harness.keeper().test(&before.id).await?;
    let failed = found(harness, &before.id).await?;
    ensure_eq("status", &status(&failed), &Some(CheckStatus::Failed))?;
    let untested = |mut record: ConnectionRecord| {
        record.checked = None;
        record
    };
    ensure_eq("everything else", &untested(failed), &before)
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
    ensure(harness.records().get(&harness.request().id).await?.is_none(), "a record was kept")?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn keeps_nothing_unproven(harness: &impl KeeperHarness) -> CaseResult {
    harness.disconnect_service().await;
    refused("connecting while the service is away", ErrorKind::Unavailable, connect(harness).await)?;
    ensure(harness.records().get(&harness.request().id).await?.is_none(), "a record was kept")?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

async fn tests_nothing(harness: &impl KeeperHarness) -> CaseResult {
    let id = connect(harness).await?.record.id;
    harness.disconnect_service().await;
    let tested = harness.keeper().test(&id).await?;
    ensure_eq("verdict", &tested.verdict, &CredentialVerdict::Inconclusive)?;
    ensure(tested.advice().is_some(), "what is not accepted needs advice")?;
    ensure_eq("secrets kept", &harness.kept().await, &1)
}

async fn notices_the_end(harness: &impl KeeperHarness) -> CaseResult {
    let id = connect(harness).await?.record.id;
    harness.end_secrets().await;
    let tested = harness.keeper().test(&id).await?;
    ensure_eq("verdict", &tested.verdict, &CredentialVerdict::Rejected)?;
    ensure(tested.advice().is_some(), "what is not accepted needs advice")
}

async fn connects_once(harness: &impl KeeperHarness) -> CaseResult {
    let first = connect(harness).await?.record;
    let error = refused("connecting again", ErrorKind::Conflict, connect(harness).await)?;
    ensure_eq("field", &error.field(), &Some("id"))?;
    ensure_eq("the record", &found(harness, &first.id).await?, &first)?;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    ensure(harness.keeper().test(&first.id).await?.is_accepted(), "the connection stopped working")
}

async fn shares(harness: &impl KeeperHarness) -> CaseResult {
    ensure(connect_as(harness, "one", "a").await?.shares_application_with.is_empty(), "the first one shares")?;
    let second = connect_as(harness, "two", "a").await?;
    ensure_eq("shares with", &second.shares_application_with, &vec!["one".parse()?])
}

async fn replaces(harness: &impl KeeperHarness) -> CaseResult {
    let before = connect(harness).await?.record;
    harness.keeper().test(&before.id).await?;
    let key = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse()?;
    let new = NewSecret::new(harness.working_secret()).with_key(key);
    let after = harness.keeper().replace_secret(&before.id, new).await?;
    ensure(after.credential != before.credential, "the record names the same credential")?;
    ensure(after.checked.is_none(), "what was found of the former secret is said of the new one")?;
    ensure_eq("the record", &found(harness, &before.id).await?, &after)?;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    ensure(harness.keeper().test(&before.id).await?.is_accepted(), "the connection stopped working")
}

async fn replaces_nothing(harness: &impl KeeperHarness) -> CaseResult {
    let before = connect(harness).await?.record;
    let wrong = || NewSecret::new(Secret::new("Abc8Q~a.wrong.secret.that.was.never.minted"));
    let replaced = harness.keeper().replace_secret(&before.id, wrong()).await;
    refused("a wrong secret", ErrorKind::Unauthenticated, replaced)?;
    let nobody = "nobody".parse()?;
    refused("nobody's secret", ErrorKind::NotFound, harness.keeper().replace_secret(&nobody, wrong()).await)?;
    ensure_eq("the record", &found(harness, &before.id).await?, &before)?;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    ensure(harness.keeper().test(&before.id).await?.is_accepted(), "the connection stopped working")
}

async fn disconnects(harness: &impl KeeperHarness) -> CaseResult {
    let id = connect(harness).await?.record.id;
    for _ in 0..2 {
        harness.keeper().disconnect(&id).await?;
    }
    ensure_eq("secrets kept", &harness.kept().await, &0)?;
    ensure(harness.records().get(&id).await?.is_none(), "the record is still there")?;
    let kind = harness.keeper().test(&id).await.map_err(|error| error.kind()).err();
    ensure_eq("kind of a test afterwards", &kind, &Some(ErrorKind::NotFound))?;
    connect(harness).await.map(drop).map_err(Failure::from)
}

async fn leaves_others(harness: &impl KeeperHarness) -> CaseResult {
    let (one, two) = (connect_as(harness, "one", "a").await?.record, connect_as(harness, "two", "a").await?.record);
    harness.keeper().disconnect(&one.id).await?;
    ensure_eq("secrets kept", &harness.kept().await, &1)?;
    ensure(harness.keeper().test(&two.id).await?.is_accepted(), "disconnecting one connection ended another")
}

async fn lists(harness: &impl KeeperHarness) -> CaseResult {
    for (id, team) in [("charlie", "shop"), ("alpha", "shop"), ("bravo", "payments")] {
        connect_as(harness, id, team).await?;
    }
    let all = ConnectionQuery::new;
    ensure_eq("all", &listed(harness, all()).await?, &["alpha", "bravo", "charlie"].map(str::to_owned).to_vec())?;
    let shop = all().with_labels(Labels::new().with("team", "shop")?);
    ensure_eq("by label", &listed(harness, shop.clone()).await?, &["alpha", "charlie"].map(str::to_owned).to_vec())?;
    let request = harness.request();
    let own = all().with_client(request.client).with_tenant(request.tenant).with_subscription(request.subscription);
    ensure_eq("by application", &listed(harness, own).await?.len(), &3)?;
    let other = all().with_client("5a0b1c2d-0000-4000-8000-00000000f00d".parse()?);
    ensure(listed(harness, other).await?.is_empty(), "connections of another application are listed")?;
    let first = harness.records().list(&shop.clone().with_limit(1)).await?;
    ensure_eq("the first page", &first.connections.len(), &1)?;
    let second = shop.with_limit(1).with_after(first.next);
    ensure_eq("the second page", &listed(harness, second).await?, &vec!["charlie".to_owned()])
}

async fn describes(harness: &impl KeeperHarness) -> CaseResult {
    let before = connect(harness).await?.record;
    let change = ConnectionChange::new()
        .with_display_name("Another name")
        .with_labels(Labels::new().with("stage", "live")?)
        .with_region("northeurope".parse()?);
    let after = harness.records().describe(&before.id, &change).await?;
    ensure_eq("display name", &after.title(), &"Another name")?;
    ensure_eq("region", &after.region.as_ref().map(|region| region.as_str()), &Some("northeurope"))?;
    ensure_eq("credential", &after.credential, &before.credential)?;
    ensure_eq("what is found", &found(harness, &before.id).await?, &after)?;
    let live = ConnectionQuery::new().with_labels(Labels::new().with("stage", "live")?);
    ensure_eq("found by the new label", &listed(harness, live).await?.len(), &1)?;
    let unnamed = harness.records().describe(&before.id, &ConnectionChange::new().with_display_name("")).await?;
    ensure_eq("without a name", &unnamed.title(), &before.id.as_str())?;
    let bad = ConnectionChange::new().with_display_name("two\nlines");
    let error = refused("a bad name", ErrorKind::InvalidInput, harness.records().describe(&before.id, &bad).await)?;
    ensure_eq("field", &error.field(), &Some("display_name"))?;
    ensure_eq("what is found after a refusal", &found(harness, &before.id).await?, &unnamed)
}

async fn unknown(harness: &impl KeeperHarness) -> CaseResult {
    let nobody = "nobody".parse()?;
    ensure(harness.records().get(&nobody).await?.is_none(), "somebody was found")?;
    ensure(listed(harness, ConnectionQuery::new()).await?.is_empty(), "somebody was listed")?;
    refused("a test", ErrorKind::NotFound, harness.keeper().test(&nobody).await)?;
    let change = ConnectionChange::new().with_display_name("x");
    refused("a change", ErrorKind::NotFound, harness.records().describe(&nobody, &change).await)?;
    harness.keeper().disconnect(&nobody).await.map_err(Failure::from)
}

async fn shows_nothing(harness: &impl KeeperHarness) -> CaseResult {
    let canary = Canary::new();
    canary.watch(&harness.working_secret());
    let ears = canary.listen();
    let connected = connect(harness).await?;
    let id = connected.record.id.clone();
    let keeper = harness.keeper();
    let mut shown = format!(
        "{connected:?} {:?} {:?}",
        keeper.test(&id).await,
        keeper.connect(harness.request(), canary.secret()).await
    );
    shown += &format!("{:?}", keeper.replace_secret(&id, NewSecret::new(canary.secret())).await);
    shown += &format!("{:?}", NewSecret::new(canary.secret()));
    shown += &format!("{:?}", keeper.replace_secret(&id, NewSecret::new(harness.working_secret())).await);
    shown += &format!("{:?}", harness.records().get(&id).await);
    harness.disconnect_service().await;
    shown += &format!("{:?} {:?}", connect(harness).await, keeper.test(&id).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
