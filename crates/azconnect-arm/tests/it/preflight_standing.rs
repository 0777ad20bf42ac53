//! Who asks: sign-ins that are refused, subscriptions that are not shown, identities without a role.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, GroupChoice, PreflightCheck, VmSpec, preflight};
use azconnect_core::{Error, ErrorKind, Scope};
use azconnect_credential::{AccessToken, CheckReport, CheckStatus, TokenProvider};
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service};
use serde_json::json;

use crate::preflight::status;
use crate::stage::{CLIENT, SUCCESSOR, Stage, agent, group_name, spec, subscription_id};

fn skipped(report: &CheckReport) -> usize {
    report.with_status(CheckStatus::Skipped).count()
}

/// Everything but the specification waits for what is told once.
fn told_once(report: &CheckReport, check: PreflightCheck) {
    let told: Vec<&str> = report
        .iter()
        .filter(|one| matches!(one.status, CheckStatus::Failed | CheckStatus::Unknown))
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(told, [check.code()], "{report:#?}");
    assert!(skipped(report) > 10, "{report:#?}");
}

// Entra ID refuses a disabled application with AADSTS7000112, before Resource Manager sees anything.
#[tokio::test(start_paused = true)]
async fn a_disabled_application_fails_the_sign_in_and_asks_nothing_else() {
    let stage = Stage::new();
    stage.emulator.person().disable_application(CLIENT.parse().unwrap()).unwrap();
    let report = preflight(&stage.subscription(), &spec()).await;
    told_once(&report, PreflightCheck::Token);
    let token = report.of(PreflightCheck::Token).unwrap();
    assert_eq!((token.status, token.remedy.contains("enable it")), (CheckStatus::Failed, true), "{token:?}");
    assert_eq!(stage.emulator.exchanges(), 1);
}

// AADSTS90002: there is no such tenant.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_does_not_exist_fails_the_sign_in() {
    let stage = Stage::new();
    let tokens = stage.sign_in_in("99999999-0000-4000-8000-000000000099");
    let report = preflight(&stage.arm_with(tokens).subscription(subscription_id()), &spec()).await;
    told_once(&report, PreflightCheck::Token);
    assert_eq!(status(&report, PreflightCheck::Token), CheckStatus::Failed);
}

struct Unreachable;

#[async_trait]
impl TokenProvider for Unreachable {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nobody answers").with_advice("try again later"))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

#[tokio::test(start_paused = true)]
async fn an_entra_id_that_is_out_of_reach_leaves_the_sign_in_unknown() {
    let stage = Stage::new();
    let report = preflight(&stage.arm_with(Arc::new(Unreachable)).subscription(subscription_id()), &spec()).await;
    told_once(&report, PreflightCheck::Token);
    assert_eq!(status(&report, PreflightCheck::Token), CheckStatus::Unknown);
}

// 403 on the group, on the permissions and on the subscription, with a good token.
#[tokio::test(start_paused = true)]
async fn an_identity_without_any_role_fails_for_want_of_one() {
    let stage = Stage::new();
    for choice in [GroupChoice::Create(group_name()), GroupChoice::Existing(group_name())] {
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), choice).unwrap();
        let report = preflight(&stage.subscription_as(SUCCESSOR), &spec).await;
        told_once(&report, PreflightCheck::Role);
        let role = report.of(PreflightCheck::Role).unwrap();
        assert_eq!(role.status, CheckStatus::Failed);
        assert!(role.remedy.contains("az role assignment create") && role.remedy.contains("/resourceGroups/rg-web"));
        assert_eq!(status(&report, PreflightCheck::Token), CheckStatus::Passed);
    }
}

// Some services list no permission, instead of refusing the list.
#[tokio::test(start_paused = true)]
async fn an_empty_list_of_permissions_is_no_role_either() {
    let stage = Stage::new();
    let empty = CannedAnswer::new(200).with_body(json!({"value": []}));
    let list = Fault::new(FaultAction::Answer(empty)).with_path("/providers/Microsoft.Authorization/permissions");
    stage.emulator.faults().add(list.with_service(Service::ResourceManager).forever());
    let report = preflight(&stage.subscription_as(SUCCESSOR), &spec()).await;
    told_once(&report, PreflightCheck::Role);
}

// The subscription is visible by a role in another group, and the group that is meant is not.
#[tokio::test(start_paused = true)]
async fn a_role_in_another_group_is_none_in_this_one() {
    let stage = Stage::for_group_only();
    let other = GroupChoice::Existing("rg-other".parse().unwrap());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), other).unwrap();
    let report = preflight(&stage.subscription(), &spec).await;
    told_once(&report, PreflightCheck::Role);
    assert!(report.of(PreflightCheck::Role).unwrap().cause.contains("rg-other"), "{report:#?}");
}

// Resource Manager also says 404 SubscriptionNotFound to whoever has no role in it.
#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_not_found_is_said_once() {
    let stage = Stage::new();
    let unknown = "20000000-0000-4000-8000-00000000ffff".parse().unwrap();
    let report = preflight(&stage.arm_with(stage.sign_in()).subscription(unknown), &spec()).await;
    told_once(&report, PreflightCheck::Subscription);
    let check = report.of(PreflightCheck::Subscription).unwrap();
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(check.cause.contains("no role in it"), "{check:?}");
}

// 401 InvalidAuthenticationTokenTenant names the tenant that the subscription belongs to.
#[tokio::test(start_paused = true)]
async fn a_subscription_of_another_tenant_is_told_with_the_right_one() {
    let stage = Stage::new();
    let message = "The access token is from the wrong issuer 'https://sts.windows.net/1/'. It must match the tenant \
        'https://sts.windows.net/88d52eb9-4040-4847-b7f2-0d5eeef9cf39/' associated with this subscription.";
    let failure = Failure::new("InvalidAuthenticationTokenTenant").with_status(401).with_message(message);
    stage
        .emulator
        .faults()
        .add(Fault::new(FaultAction::Fail(failure)).with_service(Service::ResourceManager).forever());
    let report = preflight(&stage.subscription(), &spec()).await;
    told_once(&report, PreflightCheck::Subscription);
    assert!(report.of(PreflightCheck::Subscription).unwrap().remedy.contains("88d52eb9-4040-4847"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_not_there_is_said_once() {
    let stage = Stage::new();
    let choice = GroupChoice::Create(group_name());
    let spec = VmSpec::new("web", "middleearth", "Standard_B2s", "Ubuntu2404".parse().unwrap(), choice).unwrap();
    let report = preflight(&stage.subscription(), &spec).await;
    let failed: Vec<&str> = report.failures().map(|check| check.code.as_str()).collect();
    assert_eq!(failed, [PreflightCheck::Region.code()], "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Size), CheckStatus::Skipped);
}

/// What the role check says where everything is allowed but one action.
async fn role_without(action: &str, spec: VmSpec) -> azconnect_credential::Check {
    let stage = Stage::new();
    let all_but = json!({"value": [{"actions": ["*"], "notActions": [action]}]});
    let list = Fault::new(FaultAction::Answer(CannedAnswer::new(200).with_body(all_but)));
    let list = list.with_path("/providers/Microsoft.Authorization/permissions");
    stage.emulator.faults().add(list.with_service(Service::ResourceManager).forever());
    preflight(&stage.subscription(), &spec).await.of(PreflightCheck::Role).unwrap().clone()
}

// A script for cloud-init goes with the machine's own write; only an extension is written by itself.
#[tokio::test(start_paused = true)]
async fn only_an_agent_by_extension_needs_extensions() {
    let action = "Microsoft.Compute/virtualMachines/extensions/write";
    let by_cloud_init = role_without(action, spec().with_agent(agent())).await;
    assert_eq!(by_cloud_init.status, CheckStatus::Passed, "{by_cloud_init:?}");
    let script = ExtensionScript::Plain("#!/bin/sh\necho agent\n".to_owned());
    let by_extension = role_without(action, spec().with_agent(AgentInstall::extension(script))).await;
    assert_eq!(by_extension.status, CheckStatus::Failed, "{by_extension:?}");
    assert!(by_extension.remedy.contains(action));
}

// A probe of the caller's own runs no command in the machine.
#[tokio::test(start_paused = true)]
async fn without_run_commands_only_an_attempt_tells() {
    let action = "Microsoft.Compute/virtualMachines/runCommands/write";
    let probed = role_without(action, spec().with_agent(agent())).await;
    assert_eq!(probed.status, CheckStatus::Unknown, "{probed:?}");
    assert!(probed.cause.contains(action) && probed.remedy.contains("with_probe"), "{probed:?}");
    assert_eq!(role_without(action, spec()).await.status, CheckStatus::Passed);
}

// An outage is no refusal.
#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_no_lack_of_a_role() {
    let stage = Stage::new();
    let throttle = FaultAction::Throttle { status: 503, retry_after: None };
    stage.emulator.faults().add(Fault::new(throttle).with_service(Service::ResourceManager).forever());
    let report = preflight(&stage.subscription(), &spec()).await;
    assert!(report.is_clear(), "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Role), CheckStatus::Unknown);
}
