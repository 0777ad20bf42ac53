//! What every [`Setup`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, ErrorKind};
use azconnect_setup::{Setup, SetupId, SetupPhase, SetupSpec, Step};
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// A setup under test, and the customer behind it: an emulator, or a fake.
#[async_trait]
pub trait SetupHarness: Send + Sync {
    /// The setup, by an operator who may do everything.
    fn setup(&self) -> Arc<dyn Setup>;

    /// A specification for a new application of a name, with a client secret and a role in a resource group that is created.
    fn spec(&self, name: &str) -> SetupSpec;

    /// The client ids of the applications of a name.
    async fn applications(&self, name: &str) -> Vec<ClientId>;

    /// How many secrets of an application are alive.
    async fn keys(&self, client: ClientId) -> usize;

    /// Registers an application of a name by hand.
    async fn register_by_hand(&self, name: &str) -> ClientId;

    /// Lets somebody else sign in as an application.
    async fn use_elsewhere(&self, client: ClientId);

    /// A setup in the same tenant by an operator who may not give roles, with the same journal and secrets.
    async fn without_roles(&self) -> Arc<dyn Setup>;
}

const NAME: &str = "Contoso builds";

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: SetupHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Setup");
    report.add("a bad specification is refused with every field", checks_spec(&make().await).await);
    report.add("a plan changes nothing", plans(&make().await).await);
    report.add("run again it makes nothing twice", runs_once(&make().await).await);
    report.add("a name proves nothing", refuses_names(&make().await).await);
    report.add("a name in use is not taken for another", refuses_another(&make().await).await);
    report.add("a refusal is named, and gone on from", names_refusal(&make().await).await);
    report.add("an undo removes what was made, and may be repeated", takes_back(&make().await).await);
    report.add("what somebody else uses is named and left", leaves_used(&make().await).await);
    report.add("what was never begun is not found", knows_nothing(&make().await).await);
    report.finish();
}

fn id() -> Result<SetupId, Failure> {
    Ok(SetupId::new(format!("conformance-{}", Uuid::new_v4()))?)
}

async fn checks_spec(harness: &impl SetupHarness) -> CaseResult {
    let mut spec = harness.spec(" ");
    spec.admin_consent = true;
    let error = refused("the plan", ErrorKind::InvalidInput, harness.setup().plan(id()?, spec).await)?;
    let text = error.to_string();
    ensure(text.contains("display_name") && text.contains("admin_consent"), format!("not all is named: {text}"))
}

async fn plans(harness: &impl SetupHarness) -> CaseResult {
    let id = id()?;
    let plan = harness.setup().plan(id.clone(), harness.spec(NAME)).await?;
    ensure(plan.checks.is_clear(), format!("something stands in the way: {}", plan.checks))?;
    ensure(harness.applications(NAME).await.is_empty(), "an application was registered")?;
    refused("its status", ErrorKind::NotFound, harness.setup().status(&id).await).map(drop)
}

async fn runs_once(harness: &impl SetupHarness) -> CaseResult {
    let setup = harness.setup();
    let plan = setup.plan(id()?, harness.spec(NAME)).await?;
    let done = setup.run(&plan).await?;
    ensure_eq("run again", &setup.run(&plan).await?, &done)?;
    ensure_eq("resumed", &setup.resume(&plan.id).await?, &done)?;
    ensure_eq("the applications", &harness.applications(NAME).await, &vec![done.client])?;
    ensure_eq("its secrets", &harness.keys(done.client).await, &1)?;
    ensure_eq("the phase", &setup.status(&plan.id).await?.phase, &SetupPhase::Done)
}

async fn refuses_names(harness: &impl SetupHarness) -> CaseResult {
    let (one, two) = (harness.register_by_hand(NAME).await, harness.register_by_hand(NAME).await);
    let setup = harness.setup();
    let plan = setup.plan(id()?, harness.spec(NAME)).await?;
    ensure(!plan.checks.is_clear(), "the plan does not say it")?;
    let error = refused("the run", ErrorKind::Conflict, setup.run(&plan).await)?;
    let text = error.to_string();
    ensure(text.contains(&one.to_string()) && text.contains(&two.to_string()), format!("both are not named: {text}"))?;
    ensure_eq("how many there are", &harness.applications(NAME).await.len(), &2)
}

async fn refuses_another(harness: &impl SetupHarness) -> CaseResult {
    let setup = harness.setup();
    let plan = setup.plan(id()?, harness.spec(NAME)).await?;
    setup.run(&plan).await?;
    let other = setup.plan(plan.id, harness.spec("Another")).await?;
    refused("the other one", ErrorKind::Conflict, setup.run(&other).await)?;
    ensure(harness.applications("Another").await.is_empty(), "the other one was registered")
}

async fn names_refusal(harness: &impl SetupHarness) -> CaseResult {
    let poor = harness.without_roles().await;
    let plan = poor.plan(id()?, harness.spec(NAME)).await?;
    ensure(!plan.checks.is_clear(), "the plan does not foresee it")?;
    let error = refused("the run", ErrorKind::PermissionDenied, poor.run(&plan).await)?;
    let Some(blocked) = poor.status(&plan.id).await?.blocked else { return Err(Failure::new("the status is silent")) };
    ensure_eq("the step", &blocked.step, &Step::Role)?;
    let named = blocked.permission.iter().chain(&blocked.who).all(|word| error.advice().contains(word));
    ensure(named && !blocked.who.is_empty(), format!("the advice names too little: {}", error.advice()))?;
    harness.setup().resume(&plan.id).await?;
    ensure_eq("the applications", &harness.applications(NAME).await.len(), &1)
}

async fn takes_back(harness: &impl SetupHarness) -> CaseResult {
    let setup = harness.setup();
    let other = harness.register_by_hand("Another").await;
    let plan = setup.plan(id()?, harness.spec(NAME)).await?;
    setup.run(&plan).await?;
    let taken = setup.undo(&plan.id).await?;
    ensure(taken.left.is_empty() && !taken.removed.is_empty(), format!("{taken:?}"))?;
    ensure(harness.applications(NAME).await.is_empty(), "the application stays")?;
    ensure_eq("the others", &harness.applications("Another").await, &vec![other])?;
    ensure_eq("undone again", &setup.undo(&plan.id).await?, &taken)?;
    refused("resuming it", ErrorKind::Conflict, setup.resume(&plan.id).await)?;
    setup.run(&plan).await.map(drop).map_err(Failure::from)
}

async fn leaves_used(harness: &impl SetupHarness) -> CaseResult {
    let setup = harness.setup();
    let plan = setup.plan(id()?, harness.spec(NAME)).await?;
    let done = setup.run(&plan).await?;
    harness.use_elsewhere(done.client).await;
    let taken = setup.undo(&plan.id).await?;
    let named = taken.left.iter().any(|left| left.contains(&done.client.to_string()));
    ensure(named, format!("it is not named: {taken:?}"))?;
    ensure_eq("the applications", &harness.applications(NAME).await, &vec![done.client])
}

async fn knows_nothing(harness: &impl SetupHarness) -> CaseResult {
    let (setup, id) = (harness.setup(), id()?);
    refused("resuming", ErrorKind::NotFound, setup.resume(&id).await)?;
    refused("undoing", ErrorKind::NotFound, setup.undo(&id).await)?;
    refused("its status", ErrorKind::NotFound, setup.status(&id).await).map(drop)
}
