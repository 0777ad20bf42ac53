//! The terms of marketplace images: shown, accepted by an explicit call only, and looked at before a machine is built.

use azconnect_arm::resource::image::ImagePlan;
use azconnect_arm::{GroupChoice, PreflightCheck, Urn, VmSpec, preflight};
use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::{Check, CheckReport, CheckStatus};
use azconnect_emulator::arm::{ArmSettings, Failure};
use azconnect_emulator::{Fault, FaultAction};
use serde_json::json;

use crate::stage::{CLIENT, SUCCESSOR, Stage, group_name, id, plan as unread_plan};

const SOLD: &str = "kali-linux:kali:kali-2025-2:latest";

fn spec() -> VmSpec {
    let group = GroupChoice::Create(group_name());
    VmSpec::new("web", "westeurope", "Standard_B2s", SOLD.parse().unwrap(), group).unwrap()
}

async fn report(stage: &Stage) -> CheckReport {
    preflight(&stage.subscription(), &spec()).await
}

async fn checked(stage: &Stage) -> Check {
    report(stage).await.of(PreflightCheck::Terms).unwrap().clone()
}

async fn plan_of(stage: &Stage) -> ImagePlan {
    let urn: Urn = SOLD.parse().unwrap();
    stage.subscription().image("westeurope", &urn).await.unwrap().properties.plan.unwrap()
}

/// The service refuses a machine of a plan whose terms nobody accepted, and so does its own validation.
#[tokio::test(start_paused = true)]
async fn terms_are_shown_and_accepted_by_an_explicit_call_only() {
    let stage = Stage::new();
    let (subscription, provisioner) = (stage.subscription(), stage.provisioner());
    let plan = provisioner.plan(id(), spec()).await.unwrap();
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert_eq!((refused.kind(), refused.effect()), (ErrorKind::InvalidInput, Effect::None));
    assert_eq!(refused.service_code(), Some("MarketplacePurchaseEligibilityFailed"));
    assert!(refused.advice().contains("Subscription::accept_terms"), "{}", refused.advice());
    assert_eq!(stage.live(), Vec::<String>::new());

    let terms = subscription.image_terms(&plan_of(&stage).await).await.unwrap();
    let shown = &terms.properties;
    assert!(!shown.accepted, "neither a refused machine nor a look accepts anything");
    let names = (shown.publisher.as_str(), shown.product.as_str(), shown.plan.as_str());
    assert_eq!(names, ("kali-linux", "kali", "kali-2025-2"));
    assert!(shown.license_text_link.is_some() && shown.privacy_policy_link.is_some());

    for _ in 0..2 {
        assert!(subscription.accept_terms(&terms).await.unwrap().properties.accepted);
    }
    provisioner.run(&plan).await.unwrap();
    let machine = &stage.live().into_iter().find(|id| id.ends_with("/virtualMachines/web")).unwrap();
    let plan = stage.emulator.resource_manager().resource(machine).unwrap()["plan"].clone();
    assert_eq!(plan, json!({"publisher": "kali-linux", "product": "kali", "name": "kali-2025-2"}));
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_preflight_knows_whether_the_terms_are_accepted() {
    let stage = Stage::new();
    let report = report(&stage).await;
    let check = report.of(PreflightCheck::Terms).unwrap();
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(check.cause.contains("license.txt") && check.remedy.contains("accept_terms"), "{check:?}");
    let validation = report.of(PreflightCheck::Validation).unwrap();
    assert_eq!(validation.status, CheckStatus::Skipped, "what is known is told once: {validation:?}");
    let terms = stage.subscription().image_terms(&plan_of(&stage).await).await.unwrap();
    stage.subscription().accept_terms(&terms).await.unwrap();
    let report = preflight(&stage.subscription(), &spec()).await;
    assert_eq!(report.of(PreflightCheck::Terms).unwrap().status, CheckStatus::Passed);
    assert!(report.is_clear(), "{report:#?}");
}

/// A person agreed to certain texts. Others are not accepted in their name.
#[tokio::test(start_paused = true)]
async fn terms_that_have_changed_since_they_were_read_are_not_accepted() {
    let stage = Stage::new();
    let subscription = stage.subscription();
    let plan = plan_of(&stage).await;
    let mut read = subscription.image_terms(&plan).await.unwrap();
    for change in [Some("https://older.example/license.txt".to_owned()), None] {
        read.properties.license_text_link = change;
        let refused = subscription.accept_terms(&read).await.unwrap_err();
        assert_eq!((refused.kind(), refused.effect()), (ErrorKind::Conflict, Effect::None));
    }
    assert!(!subscription.image_terms(&plan).await.unwrap().properties.accepted);
}

/// The terms belong to the subscription: a role in one group shows nothing of them, and a reader may not accept them.
#[tokio::test(start_paused = true)]
async fn terms_that_may_not_be_read_are_unknown_and_only_who_may_accepts_them() {
    let roles = json!([{"principal": CLIENT, "role": "Contributor"}, {"principal": SUCCESSOR, "role": "Reader"}]);
    let stage = Stage::with(ArmSettings::default(), roles);
    let reader = stage.subscription_as(SUCCESSOR);
    let terms = reader.image_terms(&plan_of(&stage).await).await.unwrap();
    let refused = reader.accept_terms(&terms).await.unwrap_err();
    assert_eq!((refused.kind(), refused.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert!(refused.advice().contains("agreements/write"), "{}", refused.advice());

    for code in ["AuthorizationFailed", "BadRequest", "InternalServerError"] {
        let fault = Fault::new(FaultAction::Fail(Failure::new(code))).with_path("/agreements/current").forever();
        stage.emulator.faults().add(fault);
        let check = checked(&stage).await;
        assert_eq!(check.status, CheckStatus::Unknown, "{check:?}");
        assert!(check.remedy.contains("az vm image terms accept --publisher kali-linux"), "{check:?}");
        stage.emulator.faults().clear();
    }
}

/// The service has an older refusal as well, and one for a machine that names no plan.
#[tokio::test(start_paused = true)]
async fn each_refusal_of_a_sold_image_says_what_to_do() {
    let stage = Stage::new();
    let unread = stage.provisioner().run(&unread_plan(spec())).await.unwrap_err();
    assert_eq!(unread.service_code(), Some("VMMarketplaceInvalidInput"));
    assert!(unread.advice().contains("read the image"), "{}", unread.advice());
    let older = Fault::new(FaultAction::Fail(Failure::new("ResourcePurchaseValidationFailed")))
        .with_method("PUT")
        .with_path("/virtualMachines/web?");
    stage.emulator.faults().add(older);
    let provisioner = stage.provisioner();
    let refused = provisioner.run(&provisioner.plan(id(), spec()).await.unwrap()).await.unwrap_err();
    assert!(refused.advice().contains("Subscription::accept_terms"), "{}", refused.advice());
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_none_is_refused_before_or_by_the_service() {
    let stage = Stage::new();
    let mut plan = plan_of(&stage).await;
    plan.name = "kali-1999-1".to_owned();
    let unknown = stage.subscription().image_terms(&plan).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::InvalidInput);
    let sent = stage.emulator.truth().exchanges;
    for bad in ["", "..", "a/b", "a?b", "a%2fb"] {
        plan.name = bad.to_owned();
        let refused = stage.subscription().image_terms(&plan).await.unwrap_err();
        assert_eq!((refused.field(), refused.effect()), (Some("plan"), Effect::None), "{bad}");
    }
    assert_eq!(stage.emulator.truth().exchanges, sent);
}
