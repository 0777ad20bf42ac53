//! Whose a machine is: a fleet builds, shows and deletes its own machines, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::provision::Part;
use azconnect_arm::{Fleet, FleetPlan, FleetSpec, GroupChoice, Phase, ProvisionId, ProvisionPlan, Provisioner};
use azconnect_core::{Clock, Effect, Error, ErrorKind};

use crate::crash::Dying;
use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::{Stage, group_name, spec, subscription_id};

fn fleet(stage: &Stage) -> Fleet {
    Fleet::new(stage.provisioner())
}

fn member_id(name: &str) -> ProvisionId {
    ProvisionId::new(format!("contoso/shop/{name}")).unwrap()
}

/// A machine with a network of its own, whose provisioning is named as that of a fleet's machine would be.
fn lone(name: &str) -> ProvisionPlan {
    let mut lone = spec();
    lone.name = format!("lone-{name}");
    ProvisionPlan::new(member_id(name), subscription_id(), lone).unwrap()
}

fn machines(stage: &Stage) -> Vec<String> {
    let live = stage.live();
    live.iter().filter_map(|id| id.split_once("/virtualMachines/")).map(|(_, name)| name.to_owned()).collect()
}

/// A fleet of these machines.
fn of_names(names: &[&str]) -> FleetPlan {
    let named = |name: &&str| {
        let mut machine = spec();
        machine.name = (*name).to_owned();
        machine
    };
    let machines = names.iter().map(named).collect();
    FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::new("web", machines)).unwrap()
}

async fn past_lease(stage: &Stage) {
    stage.clock.sleep(Duration::from_secs(60)).await;
}

#[track_caller]
fn is_conflict(error: &Error) {
    let told = (error.kind(), error.effect(), error.field());
    assert_eq!(told, (ErrorKind::Conflict, Effect::None, Some("machine_name")), "{error:?}");
}

/// Ends at the first append after that of the plan: the machines have joined, and none has begun.
async fn killed_before_members_begin(stage: &Stage, plan: &FleetPlan) {
    let journal = Arc::new(Dying::new(stage.journal.clone(), 1, true));
    let (secrets, lease) = (Arc::new(stage.secrets.clone()), Arc::new(stage.lease.clone()));
    let dying = Provisioner::new(stage.subscription(), journal, secrets, lease);
    Fleet::new(dying).run(plan).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_stands_by_itself_joins_no_fleet() {
    let stage = Stage::new();
    stage.provisioner().run(&lone("web-1")).await.unwrap();
    let before = stage.live();
    is_conflict(&fleet(&stage).run(&fleet_plan(2)).await.unwrap_err());
    assert_eq!(stage.live(), before, "nothing was built");
    assert_eq!(stage.provisioner().state(&fleet_id()).await.unwrap().phase, Phase::Empty, "nor recorded");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_joins_no_fleet() {
    let stage = Stage::new();
    let mut apart = spec();
    apart.name = "inner".to_owned();
    let inner = FleetPlan::new(member_id("web-1"), subscription_id(), FleetSpec::of(&apart, 1)).unwrap();
    fleet(&stage).run(&inner).await.unwrap();
    is_conflict(&fleet(&stage).run(&fleet_plan(1)).await.unwrap_err());
    assert_eq!(machines(&stage), ["inner-1"]);
}

#[tokio::test(start_paused = true)]
async fn what_took_a_member_s_name_since_is_neither_resumed_nor_deleted() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(2)).await.unwrap();
    let provisioner = stage.provisioner();
    provisioner.clean_up(&member_id("web-1")).await.unwrap();
    provisioner.run(&lone("web-1")).await.unwrap();
    let shown = fleet.machines(&fleet_id()).await.unwrap();
    assert_eq!((shown[0].phase, shown[1].phase), (Phase::Empty, Phase::Finished));
    let resumed = fleet.resume(&fleet_id()).await.unwrap();
    is_conflict(resumed.machines[0].outcome.as_ref().unwrap_err());
    resumed.machines[1].outcome.as_ref().unwrap();
    let halted = fleet.clean_up(&fleet_id()).await.unwrap();
    is_conflict(halted.machines[0].outcome.as_ref().unwrap_err());
    assert!(
        halted.foundation.is_none() && halted.machines[0].outcome.as_ref().unwrap_err().advice().contains("remove")
    );
    let let_go = fleet.remove(&fleet_id(), &["web-1"]).await.unwrap();
    is_conflict(let_go[0].outcome.as_ref().unwrap_err());
    assert!(fleet.clean_up(&fleet_id()).await.unwrap().foundation.is_some(), "it is let go of");
    assert_eq!(machines(&stage), ["lone-web-1"]);
    assert_eq!(provisioner.state(&member_id("web-1")).await.unwrap().phase, Phase::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_took_a_member_s_name_is_let_go_of() {
    let stage = Stage::new();
    let outer = fleet(&stage);
    outer.run(&fleet_plan(1)).await.unwrap();
    stage.provisioner().clean_up(&member_id("web-1")).await.unwrap();
    let mut apart = spec();
    apart.name = "inner".to_owned();
    let inner = FleetPlan::new(member_id("web-1"), subscription_id(), FleetSpec::of(&apart, 1)).unwrap();
    outer.run(&inner).await.unwrap();
    is_conflict(outer.clean_up(&fleet_id()).await.unwrap().machines[0].outcome.as_ref().unwrap_err());
    is_conflict(outer.remove(&fleet_id(), &["web-1"]).await.unwrap()[0].outcome.as_ref().unwrap_err());
    assert!(outer.clean_up(&fleet_id()).await.unwrap().foundation.is_some());
    assert_eq!(machines(&stage), ["inner-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_was_cleaned_up_by_itself_says_how_it_comes_back() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(1)).await.unwrap();
    stage.provisioner().clean_up(&member_id("web-1")).await.unwrap();
    let resumed = fleet.resume(&fleet_id()).await.unwrap();
    let error = resumed.machines[0].outcome.as_ref().unwrap_err();
    assert!(error.kind() == ErrorKind::Conflict && error.advice().contains("Fleet::remove"), "{error:?}");
    assert_eq!(fleet.run(&fleet_plan(1)).await.unwrap().failures().count(), 0);
    assert_eq!(machines(&stage), ["web-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_stays_unfinished_until_each_member_has_begun() {
    let stage = Stage::new();
    fleet(&stage).run(&of_names(&["api"])).await.unwrap();
    killed_before_members_begin(&stage, &of_names(&["web"])).await;
    // Another call names others, and the first one's machine was never begun.
    past_lease(&stage).await;
    assert_eq!(fleet(&stage).run(&of_names(&["db"])).await.unwrap().others, ["api", "web"]);
    let unfinished = stage.provisioner().unfinished().await.unwrap();
    assert!(unfinished.iter().any(|one| one.id == fleet_id()), "{unfinished:?}");
    assert_eq!(fleet(&stage).resume(&fleet_id()).await.unwrap().failures().count(), 0);
    assert_eq!(machines(&stage), ["api", "db", "web"]);
    assert_eq!(stage.provisioner().unfinished().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_never_began_is_resumed_as_it_was_wanted_last() {
    let stage = Stage::new();
    killed_before_members_begin(&stage, &of_names(&["web"])).await;
    past_lease(&stage).await;
    let mut larger = spec();
    larger.sizes = vec!["Standard_D2s_v5".to_owned()];
    let larger = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::new("web", vec![larger])).unwrap();
    // Killed again, and again before the machine's own plan.
    killed_before_members_begin(&stage, &larger).await;
    past_lease(&stage).await;
    let resumed = fleet(&stage).resume(&fleet_id()).await.unwrap();
    assert_eq!(resumed.machines[0].outcome.as_ref().unwrap().placement.size, "Standard_D2s_v5");
    fleet(&stage).clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

// A machine's name has no case for the service, and that of a journal has.
#[tokio::test(start_paused = true)]
async fn no_two_members_differ_in_nothing_but_case() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&of_names(&["web"])).await.unwrap();
    is_conflict(&fleet.run(&of_names(&["Web"])).await.unwrap_err());
    assert_eq!(fleet.run(&of_names(&["web"])).await.unwrap().failures().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_named_twice_is_removed_once() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&of_names(&["web", "api"])).await.unwrap();
    let removed = fleet.remove(&fleet_id(), &["WEB", "web", "Web"]).await.unwrap();
    assert_eq!(removed.iter().filter(|machine| machine.outcome.is_ok()).count(), 1, "{removed:?}");
    assert_eq!((removed.len(), machines(&stage)), (1, vec!["api".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_altered_is_the_caller_s_mistake() {
    let stage = Stage::new();
    let mut renamed = fleet_plan(1);
    renamed.machines[0].spec.name = "other".to_owned();
    let mut elsewhere = fleet_plan(1);
    elsewhere.machines[0].spec.group = GroupChoice::Create(group_name());
    let mut founded = fleet_plan(1);
    founded.foundation.id = ProvisionId::new("other").unwrap();
    for plan in [renamed, elsewhere, founded] {
        let error = fleet(&stage).run(&plan).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("plan")), "{error:?}");
    }
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// What a process does that starts again: fleets go on with `Fleet`, machines with `Provisioner`.
#[tokio::test(start_paused = true)]
async fn what_is_unfinished_says_who_goes_on_with_it() {
    let stage = Stage::new();
    killed_before_members_begin(&stage, &fleet_plan(2)).await;
    past_lease(&stage).await;
    let provisioner = stage.provisioner();
    let open = provisioner.unfinished().await.unwrap();
    assert_eq!(open.iter().map(|one| (&one.id, one.part)).collect::<Vec<_>>(), [(&fleet_id(), Part::Foundation)]);
    for one in open {
        match one.part {
            Part::Foundation => drop(fleet(&stage).resume(&one.id).await.unwrap()),
            _ => drop(provisioner.resume(&one.id).await.unwrap()),
        }
    }
    assert_eq!(provisioner.unfinished().await.unwrap(), []);
    assert_eq!(machines(&stage).len(), 2);
}
