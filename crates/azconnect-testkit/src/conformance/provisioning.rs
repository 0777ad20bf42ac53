//! What every [`Provisioning`] must do, together with its [`ProvisionRecords`].

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{ProvisionRecords, Provisioning};
use azconnect_arm::provision::UnfinishedProvision;
use azconnect_arm::spec::{Spot, Windows};
use azconnect_arm::{NetworkChoice, Phase, PreflightCheck, ProvisionId, ProvisionPlan, VmSpec};
use azconnect_core::{Effect, ErrorKind};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// Provisioning under test, and what lies behind it: an emulator, or a fake.
#[async_trait]
pub trait ProvisioningHarness: Send + Sync {
    /// The provisioning under test.
    fn provisioning(&self) -> Arc<dyn Provisioning>;

    /// The port that tells what the provisioning under test has recorded.
    fn records(&self) -> Arc<dyn ProvisionRecords>;

    /// A machine that can be built, with a public address, in a group that does not exist.
    fn spec(&self) -> VmSpec;

    /// The truth: the ids of everything that was created and is still there.
    async fn live(&self) -> Vec<String>;

    /// Leaves no processor free, from now on.
    async fn exhaust_quota(&self);

    /// Lets the identity read, and nothing else, from now on.
    async fn forbid_changes(&self);

    /// Breaks the connection once the next run has begun, until [`ProvisioningHarness::reconnect`].
    async fn interrupt(&self);

    /// Restores the connection that [`ProvisioningHarness::interrupt`] broke.
    async fn reconnect(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ProvisioningHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Provisioning");
    report.add("a preflight finds a possible machine possible", clear(&make().await).await);
    report.add("a preflight finds what stands in the way", not_clear(&make().await).await);
    report.add("a preflight makes every check that applies", makes_every_check(&make().await).await);
    report.add("a plan is the same again, and creates nothing", plans(&make().await).await);
    report.add("an impossible specification is refused with its field", checks(&make().await).await);
    report.add("a machine is built once", builds_once(&make().await).await);
    report.add("another machine under the same name is a conflict", one_a_name(&make().await).await);
    report.add("what was never begun is not found", never_begun(&make().await).await);
    report.add("a clean-up leaves nothing, and may be repeated", cleans_up(&make().await).await);
    report.add("after a clean-up the name can be used again", begins_again(&make().await).await);
    report.add("a used-up quota leaves nothing behind", no_quota(&make().await).await);
    report.add("what is not permitted is refused, and leaves nothing", forbidden(&make().await).await);
    report.add("an interrupted run is resumed", resumes(&make().await).await);
    report.add("an interrupted run is cleaned up", gives_up(&make().await).await);
    report.add("the history tells it from the plan to the end", tells_the_history(&make().await).await);
    report.add("the private key stays until it is forgotten", keeps_the_key_until(&make().await).await);
    report.add("a Windows machine's password stays until it is forgotten", keeps_the_password(&make().await).await);
    report.add("a late confirmation destroys no later password", keeps_the_next_password(&make().await).await);
    report.add("a machine has either a key or a password", either_key_or_password(&make().await).await);
    report.finish();
}

async fn clear(harness: &impl ProvisioningHarness) -> CaseResult {
    let report = harness.provisioning().preflight(&harness.spec()).await;
    ensure(report.is_clear(), format!("not clear: {report:?}"))?;
    ensure(report.of(PreflightCheck::CoreQuota).is_some(), "the quota was not looked at")?;
    leaves_nothing(harness).await
}

async fn not_clear(harness: &impl ProvisioningHarness) -> CaseResult {
    harness.exhaust_quota().await;
    let report = harness.provisioning().preflight(&harness.spec()).await;
    let failed: Vec<_> = report.failures().collect();
    let quota = failed.iter().find(|finding| finding.code == PreflightCheck::CoreQuota.code());
    ensure(quota.is_some(), format!("the quota is not among {failed:?}"))?;
    ensure(quota.is_some_and(|finding| !finding.remedy.is_empty()), "no remedy is given")?;
    leaves_nothing(harness).await
}

async fn makes_every_check(harness: &impl ProvisioningHarness) -> CaseResult {
    use PreflightCheck as Check;
    let codes = async |spec: &VmSpec| -> Vec<String> {
        harness.provisioning().preflight(spec).await.iter().map(|check| check.code.clone()).collect()
    };
    let wanted = |checks: &[Check]| checks.iter().map(|check| check.code().to_owned()).collect::<Vec<_>>();
    let [who, size] = [
        [Check::Specification, Check::Token, Check::Subscription, Check::Role, Check::Region, Check::Group].as_slice(),
        [Check::CoreQuota, Check::MachineQuota, Check::NetworkQuota, Check::AddressQuota].as_slice(),
    ];
    let image = [Check::Image, Check::ImageFit, Check::Placement, Check::Terms, Check::Providers, Check::Validation];
    let plain = wanted(&[who, &[Check::MachineName, Check::Size], size, &image].concat());
    ensure_eq("the checks of a plain machine", &codes(&harness.spec()).await, &plain)?;
    let mut rich = harness.spec().with_dns_label("conformance").with_spot(Spot::new());
    let hub = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/hub/providers";
    rich.network = NetworkChoice::Existing(format!("{hub}/Microsoft.Network/virtualNetworks/hub/subnets/a").parse()?);
    rich.security_group = Some(format!("{hub}/Microsoft.Network/networkSecurityGroups/hub").parse()?);
    rich.identities = vec![format!("{hub}/Microsoft.ManagedIdentity/userAssignedIdentities/hub").parse()?];
    rich.rules.clear();
    let named = [Check::Network, Check::SecurityGroup, Check::MachineName, Check::DnsLabel, Check::Identities];
    let rich_ones = wanted(&[who, &named, &[Check::Size, Check::Options], size, &image].concat());
    ensure_eq("the checks of a machine with everything", &codes(&rich).await, &rich_ones)?;
    leaves_nothing(harness).await
}

async fn plans(harness: &impl ProvisioningHarness) -> CaseResult {
    let id = id()?;
    let first = harness.provisioning().plan(id.clone(), harness.spec()).await?;
    let second = harness.provisioning().plan(id.clone(), harness.spec()).await?;
    ensure_eq("the second plan", &second, &first)?;
    refused("its progress", ErrorKind::NotFound, harness.records().progress(&id).await)?;
    leaves_nothing(harness).await
}

async fn checks(harness: &impl ProvisioningHarness) -> CaseResult {
    let wrong = harness.spec().with_zone("9");
    let error = refused("the plan", ErrorKind::InvalidInput, harness.provisioning().plan(id()?, wrong).await)?;
    ensure_eq("the field", &error.field(), &Some("zone"))?;
    leaves_nothing(harness).await
}

async fn builds_once(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    let machine = harness.provisioning().run(&plan).await?;
    ensure_eq("the name", &machine.machine.name(), &plan.spec.name.as_str())?;
    ensure(machine.address.is_some(), "the public address is not told")?;
    let live = harness.live().await;
    let exists = live.iter().any(|id| id.eq_ignore_ascii_case(machine.machine.as_str()));
    ensure(exists, format!("the machine is not there: {live:?}"))?;
    ensure_eq("the phase", &harness.records().progress(&plan.id).await?.phase, &Phase::Finished)?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())?;
    ensure_eq("the second run", &harness.provisioning().run(&plan).await?, &machine)?;
    ensure_eq("the resumed run", &harness.provisioning().resume(&plan.id).await?, &machine)?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn one_a_name(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    harness.provisioning().run(&plan).await?;
    let live = harness.live().await;
    let other = harness.provisioning().plan(plan.id, harness.spec().with_tag("stage", "test")).await?;
    refused("the other machine", ErrorKind::Conflict, harness.provisioning().run(&other).await)?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn never_begun(harness: &impl ProvisioningHarness) -> CaseResult {
    let id = id()?;
    refused("resuming it", ErrorKind::NotFound, harness.provisioning().resume(&id).await)?;
    refused("cleaning it up", ErrorKind::NotFound, harness.provisioning().clean_up(&id).await)?;
    refused("its progress", ErrorKind::NotFound, harness.records().progress(&id).await)?;
    let key = harness.records().private_key(&id).await.err().map(|error| error.kind());
    ensure_eq("its key", &key, &Some(ErrorKind::NotFound))
}

async fn cleans_up(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    harness.provisioning().run(&plan).await?;
    let outcome = harness.provisioning().clean_up(&plan.id).await?;
    ensure_eq("what was kept", &outcome.kept, &None)?;
    leaves_nothing(harness).await?;
    ensure_eq("the phase", &harness.records().progress(&plan.id).await?.phase, &Phase::CleanedUp)?;
    ensure_eq("cleaning up again", &harness.provisioning().clean_up(&plan.id).await?, &outcome)?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

async fn begins_again(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    harness.provisioning().run(&plan).await?;
    harness.provisioning().clean_up(&plan.id).await?;
    harness.provisioning().run(&plan).await?;
    ensure_eq("the phase", &harness.records().progress(&plan.id).await?.phase, &Phase::Finished)
}

async fn no_quota(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    harness.exhaust_quota().await;
    let error = harness.provisioning().run(&plan).await.err();
    let error = error.ok_or_else(|| Failure::new("a machine was built beyond the quota"))?;
    ensure_eq("the refusal", &error.kind(), &ErrorKind::Conflict)?;
    ensure(!error.advice().is_empty(), "the refusal gives no advice")?;
    leaves_nothing(harness).await?;
    let progress = harness.records().progress(&plan.id).await?;
    ensure(progress.failure.is_some(), "the failure is not recorded")?;
    ensure_eq("the phase", &progress.phase, &Phase::CleanedUp)
}

async fn forbidden(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    harness.forbid_changes().await;
    let error = harness.provisioning().run(&plan).await.err();
    let error = error.ok_or_else(|| Failure::new("a reader built a machine"))?;
    ensure_eq("the refusal", &error.kind(), &ErrorKind::PermissionDenied)?;
    ensure(!error.advice().is_empty(), "the refusal gives no advice")?;
    leaves_nothing(harness).await
}

async fn resumes(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = interrupted(harness).await?;
    let machine = harness.provisioning().resume(&plan.id).await?;
    let live = harness.live().await;
    let machines = live.iter().filter(|id| id.to_ascii_lowercase().contains("/virtualmachines/")).count();
    ensure_eq("the machines", &machines, &1)?;
    ensure_eq("the run after it", &harness.provisioning().run(&plan).await?, &machine)?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

async fn gives_up(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = interrupted(harness).await?;
    harness.provisioning().clean_up(&plan.id).await?;
    leaves_nothing(harness).await?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

async fn tells_the_history(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    ensure_eq("the history of nothing", &harness.records().history(&plan.id).await?.len(), &0)?;
    harness.provisioning().run(&plan).await?;
    let kinds = async || -> Result<Vec<&'static str>, Failure> {
        Ok(harness.records().history(&plan.id).await?.iter().map(|entry| entry.kind).collect())
    };
    let told = kinds().await?;
    ensure_eq("the first entry", &told.first(), &Some(&"planned"))?;
    ensure_eq("the last entry", &told.last(), &Some(&"finished"))?;
    harness.provisioning().clean_up(&plan.id).await?;
    ensure_eq("the last entry after the clean-up", &kinds().await?.last(), &Some(&"cleaned_up"))
}

async fn keeps_the_key_until(harness: &impl ProvisioningHarness) -> CaseResult {
    let plan = plan(harness).await?;
    let built = harness.provisioning().run(&plan).await?;
    let records = harness.records();
    let key = records.private_key(&plan.id).await?;
    ensure(key.expose().contains("PRIVATE KEY"), "what was handed over is no private key")?;
    let again = records.private_key(&plan.id).await.map_err(|_| Failure::new("it is gone before it was forgotten"))?;
    ensure(again.expose() == key.expose(), "the second time it is another key")?;
    let other = records.forget_private_key(&plan.id, "SHA256:of another key").await.err().map(|error| error.kind());
    ensure_eq("to forget another key", &other, &Some(ErrorKind::Conflict))?;
    records.private_key(&plan.id).await.map_err(|_| Failure::new("another key's fingerprint destroyed it"))?;
    records.forget_private_key(&plan.id, &built.fingerprint).await?;
    let after = records.private_key(&plan.id).await.err().map(|error| error.kind());
    ensure_eq("the key that was forgotten", &after, &Some(ErrorKind::NotFound))?;
    records
        .forget_private_key(&plan.id, &built.fingerprint)
        .await
        .map_err(|_| Failure::new("to forget it again is refused"))
}

async fn keeps_the_password(harness: &impl ProvisioningHarness) -> CaseResult {
    let id = id()?;
    let records = harness.records();
    let early = records.admin_password(&id).await.err().map(|error| error.kind());
    ensure_eq("the password of no machine", &early, &Some(ErrorKind::NotFound))?;
    build_windows(harness, &id).await?;
    let password = records.admin_password(&id).await?;
    ensure(password.password.expose().len() >= 12, "what was handed over is no password")?;
    let again = records.admin_password(&id).await.map_err(|_| Failure::new("it is gone before it was forgotten"))?;
    let same = again.id == password.id && again.password.expose() == password.password.expose();
    ensure(same, "the second time it is another password")?;
    let other = records.forget_admin_password(&id, "another").await;
    let error = refused("to forget another password", ErrorKind::Conflict, other)?;
    ensure_eq("the field", &error.field(), &Some("password_id"))?;
    records.admin_password(&id).await.map_err(|_| Failure::new("another password's name destroyed it"))?;
    records.forget_admin_password(&id, &password.id).await?;
    refused("the password that was forgotten", ErrorKind::NotFound, records.admin_password(&id).await)?;
    let again = records.forget_admin_password(&id, &password.id).await;
    again.map_err(|_| Failure::new("to forget it again is refused"))
}

async fn keeps_the_next_password(harness: &impl ProvisioningHarness) -> CaseResult {
    let id = id()?;
    let records = harness.records();
    build_windows(harness, &id).await?;
    let first = records.admin_password(&id).await?;
    harness.provisioning().clean_up(&id).await?;
    refused("the password of a deleted machine", ErrorKind::NotFound, records.admin_password(&id).await)?;
    build_windows(harness, &id).await?;
    let late = records.forget_admin_password(&id, &first.id).await;
    refused("to forget the password of the machine before", ErrorKind::Conflict, late)?;
    let second = records.admin_password(&id).await.map_err(|_| Failure::new("the later password is gone"))?;
    ensure(second.id != first.id, "two machines have passwords of one name")
}

async fn either_key_or_password(harness: &impl ProvisioningHarness) -> CaseResult {
    let records = harness.records();
    let windows = id()?;
    build_windows(harness, &windows).await?;
    refused("the key of a Windows machine", ErrorKind::NotFound, records.private_key(&windows).await)?;
    let linux = plan(harness).await?;
    harness.provisioning().clean_up(&windows).await?;
    harness.provisioning().run(&linux).await?;
    refused("the password of a machine with Linux", ErrorKind::NotFound, records.admin_password(&linux.id).await)?;
    let forget = records.forget_admin_password(&linux.id, "any").await;
    refused("to forget the password of a machine with Linux", ErrorKind::NotFound, forget).map(drop)
}

/// Builds the harness's machine with Windows.
async fn build_windows(harness: &impl ProvisioningHarness, id: &ProvisionId) -> CaseResult {
    let mut spec = harness.spec();
    spec.image = "Win2022AzureEdition".parse()?;
    let provisioning = harness.provisioning();
    let plan = provisioning.plan(id.clone(), spec.with_windows(Windows::new())).await?;
    let machine = provisioning.run(&plan).await?;
    ensure_eq("the fingerprint of a machine without a key", &machine.fingerprint.as_str(), &"")
}

/// A run that was interrupted, and whose connection is back.
async fn interrupted(harness: &impl ProvisioningHarness) -> Result<ProvisionPlan, Failure> {
    let plan = plan(harness).await?;
    harness.interrupt().await;
    let error = harness.provisioning().run(&plan).await.err();
    let error = error.ok_or_else(|| Failure::new("the harness did not interrupt the run"))?;
    ensure(error.effect() == Effect::Unknown, format!("the effect is not known: {error:?}"))?;
    let open = UnfinishedProvision::new(plan.id.clone(), plan.subscription, Phase::Building);
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &vec![open])?;
    harness.reconnect().await;
    Ok(plan)
}

async fn leaves_nothing(harness: &impl ProvisioningHarness) -> CaseResult {
    ensure_eq("what is there", &harness.live().await, &Vec::new())
}

async fn plan(harness: &impl ProvisioningHarness) -> Result<ProvisionPlan, Failure> {
    Ok(harness.provisioning().plan(id()?, harness.spec()).await?)
}

fn id() -> Result<ProvisionId, Failure> {
    Ok(ProvisionId::new(fresh("machine"))?)
}
