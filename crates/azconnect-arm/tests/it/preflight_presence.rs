//! What must be there by its id, and what must not stand in the way by its name.

use azconnect_arm::{GroupChoice, PreflightCheck, ResourceId, VmSpec, preflight};
use azconnect_credential::{Check, CheckStatus};
use azconnect_emulator::arm::ArmSettings;
use serde_json::json;

use crate::preflight::subscription;
use crate::stage::{CLIENT, SUCCESSOR, Stage, group_name, id, plan, spec};

const OTHER_GROUP: &str = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/rg-ids";

async fn checked(stage: &Stage, spec: &VmSpec, check: PreflightCheck) -> Check {
    let report = preflight(&stage.subscription(), spec).await;
    report.of(check).unwrap_or_else(|| panic!("no {check}: {report:#?}")).clone()
}

fn identity() -> ResourceId {
    format!("{OTHER_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app").parse().unwrap()
}

// What others created is never written over: the run would refuse it, after the network was made.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_in_the_group_fails() {
    let stage = Stage::new();
    let free = checked(&stage, &spec(), PreflightCheck::MachineName).await;
    assert_eq!(free.status, CheckStatus::Passed, "{free:?}");
    stage.provisioner().run(&plan(spec())).await.unwrap();
    let taken = checked(&stage, &spec(), PreflightCheck::MachineName).await;
    assert_eq!(taken.status, CheckStatus::Failed);
    assert_eq!(taken.cause, "a machine web exists already in rg-web");
    assert!(taken.remedy.contains(id().as_str()), "the provisioning that built it: {taken:?}");
}

// The service takes a label once in a region, whoever has it.
#[tokio::test(start_paused = true)]
async fn a_label_that_somebody_has_fails() {
    let stage = Stage::new();
    let named = spec().with_dns_label("web-contoso");
    let free = checked(&stage, &named, PreflightCheck::DnsLabel).await;
    assert_eq!(free.status, CheckStatus::Passed, "{free:?}");
    assert!(stage.subscription().is_dns_label_free("westeurope", "web-contoso").await.unwrap());
    stage.provisioner().run(&plan(named.clone())).await.unwrap();
    let taken = checked(&stage, &named, PreflightCheck::DnsLabel).await;
    assert_eq!(
        (taken.status, taken.cause.as_str()),
        (CheckStatus::Failed, "web-contoso.westeurope.cloudapp.azure.com is taken")
    );
    assert!(stage.subscription().is_dns_label_free("northeurope", "web-contoso").await.unwrap());
    // Whoever may act in one group only may not ask.
    let stage = Stage::for_group_only();
    let own = named_in_existing().with_dns_label("web-contoso");
    assert_eq!(checked(&stage, &own, PreflightCheck::DnsLabel).await.status, CheckStatus::Unknown);
}

fn named_in_existing() -> VmSpec {
    let group = GroupChoice::Existing(group_name());
    VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
}

// The action is asked for at the identity itself, which a role in the machine's group does not give.
#[tokio::test(start_paused = true)]
async fn an_identity_is_judged_where_it_is() {
    let stage = Stage::for_group_only();
    stage.emulator.resource_manager().add_group(subscription(), "rg-ids", "westeurope").unwrap();
    let with_identity = named_in_existing().with_user_assigned_identity(identity());
    let look = async || checked(&stage, &with_identity, PreflightCheck::Identities).await;

    let unseen = look().await;
    assert_eq!(unseen.status, CheckStatus::Unknown, "{unseen:?}");
    stage.grant(CLIENT, "Reader", OTHER_GROUP);
    let missing = look().await;
    assert_eq!((missing.status, missing.cause.as_str()), (CheckStatus::Failed, "the identity app does not exist"));
    stage.emulator.resource_manager().add_identity(identity().as_str());
    let reader = look().await;
    assert_eq!(reader.status, CheckStatus::Failed, "{reader:?}");
    assert!(reader.remedy.contains("assign/action") && reader.remedy.contains(identity().as_str()), "{reader:?}");
    stage.grant(CLIENT, "Contributor", OTHER_GROUP);
    let given = look().await;
    assert_eq!(given.status, CheckStatus::Passed, "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn a_security_group_that_is_not_there_or_elsewhere_fails() {
    let roles = json!([{"principal": CLIENT, "role": "Contributor"}, {"principal": SUCCESSOR, "role": "Contributor"}]);
    let stage = Stage::with(ArmSettings::default(), roles);
    stage.emulator.resource_manager().add_group(subscription(), "rg-ids", "northeurope").unwrap();
    let shared: ResourceId =
        format!("{OTHER_GROUP}/providers/Microsoft.Network/networkSecurityGroups/shared").parse().unwrap();
    let with_group = VmSpec::new(
        "web",
        "westeurope",
        "Standard_B2s",
        "Ubuntu2404".parse().unwrap(),
        GroupChoice::Create(group_name()),
    )
    .unwrap()
    .with_security_group(shared);
    let look = async || checked(&stage, &with_group, PreflightCheck::SecurityGroup).await;
    let missing = look().await;
    assert_eq!((missing.status, missing.cause.as_str()), (CheckStatus::Failed, "shared does not exist"));
    let group = stage.subscription_as(SUCCESSOR).group(&"rg-ids".parse().unwrap());
    for (location, status) in [("northeurope", CheckStatus::Failed), ("westeurope", CheckStatus::Passed)] {
        let handle = group.network_security_group("shared").unwrap();
        handle.delete().await.unwrap().wait().await.unwrap();
        let body = json!({"location": location, "properties": {"securityRules": []}});
        handle.create(&body).await.unwrap().wait().await.unwrap();
        let there = look().await;
        assert_eq!(there.status, status, "{there:?}");
    }
}
