//! Data disks: as they are asked for, and what becomes of them.

use azconnect_arm::spec::{Caching, DataDisk};
use azconnect_arm::{GroupChoice, ProvisionId, ProvisionPlan, VmSpec};
use azconnect_core::{Effect, ErrorKind};
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction};
use serde_json::{Value, json};

use crate::stage::{Stage, group_name, id, plan, spec, subscription_id};

/// The machine as the service shows it.
pub(crate) fn shown(stage: &Stage) -> Value {
    let path = "resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/web";
    let resource = format!("/subscriptions/{}/{path}", subscription_id());
    stage.emulator.resource_manager().resource(&resource).unwrap()
}

#[tokio::test(start_paused = true)]
async fn data_disks_are_built_as_they_are_asked_for() {
    let stage = Stage::new();
    let spec = spec()
        .with_data_disk(DataDisk::new(64).with_kind("Premium_LRS").with_caching(Caching::ReadOnly))
        .with_data_disk(DataDisk::new(4_096).with_lun(9).kept());
    let plan = plan(spec);
    let text = plan.to_string();
    assert!(text.contains("data disk 0: 64 GiB Premium_LRS, caching ReadOnly, deleted with the machine"), "{text}");
    assert!(text.contains("data disk 9: 4096 GiB StandardSSD_LRS, stays when the machine is deleted"), "{text}");
    stage.provisioner().run(&plan).await.unwrap();
    let disks = shown(&stage)["properties"]["storageProfile"]["dataDisks"].clone();
    let wanted = json!([
        {"lun": 0, "diskSizeGB": 64, "caching": "ReadOnly", "createOption": "Empty", "deleteOption": "Delete"},
        {"lun": 9, "diskSizeGB": 4096, "createOption": "Empty", "deleteOption": "Detach"},
    ]);
    for (at, fields) in wanted.as_array().unwrap().iter().enumerate() {
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&disks[at][name], value, "{name} of {disks}");
        }
    }
    assert_eq!(disks[0]["managedDisk"]["storageAccountType"], "Premium_LRS");
    assert_eq!(disks[1]["name"], json!(plan.data_disk(0, 1)));
}

/// The service keeps a disk with the option *Detach* when it deletes the machine. Deleting the group would delete it all the
/// same.
#[tokio::test(start_paused = true)]
async fn a_disk_that_is_to_stay_outlives_every_clean_up_and_is_named() {
    let stage = Stage::new();
    let spec = spec().with_data_disk(DataDisk::new(64)).with_data_disk(DataDisk::new(32).kept());
    let plan = plan(spec);
    let provisioner = stage.provisioner();
    provisioner.run(&plan).await.unwrap();
    let disk = plan.data_disk(0, 1);
    for _ in 0..2 {
        let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
        assert!(kept.contains(&disk) && kept.contains("rg-web stays"), "{kept}");
        let live = stage.live();
        assert_eq!(live.len(), 2, "the disk and the group: {live:?}");
        assert!(live.iter().any(|id| id.ends_with(&format!("/disks/{disk}"))), "{live:?}");
    }
    // A disk of that name is there, so the next machine of this name is refused, and the disk stays.
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::Conflict, Some("disk")), "{refused}");
    assert!(there(&stage, &disk));
}

/// Whether a disk is there.
pub(crate) fn there(stage: &Stage, disk: &str) -> bool {
    stage.live().iter().any(|id| id.ends_with(&format!("/disks/{disk}")))
}

/// The disk that an earlier machine of the same name left, with its group.
async fn left_behind(stage: &Stage) -> String {
    let plan = plan(spec().with_data_disk(DataDisk::new(32).kept()));
    let provisioner = stage.provisioner();
    provisioner.run(&plan).await.unwrap();
    provisioner.clean_up(&id()).await.unwrap();
    let disk = plan.data_disk(0, 0);
    assert!(there(stage, &disk));
    disk
}

/// The group bears our tag, and its deletion would take every disk in it.
#[tokio::test(start_paused = true)]
async fn a_machine_without_the_disk_of_an_earlier_one_does_not_take_it_along() {
    let stage = Stage::new();
    let disk = left_behind(&stage).await;
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
    assert!(kept.contains(&disk) && kept.contains("rg-web stays"), "{kept}");
    assert!(there(&stage, &disk));
}

/// The service takes no new disk under the name of one that is there. A clean-up goes by these names.
#[tokio::test(start_paused = true)]
async fn a_machine_whose_disk_would_have_the_name_of_an_earlier_one_is_refused_and_deletes_it_not() {
    let stage = Stage::new();
    let disk = left_behind(&stage).await;
    let machines = stage.ever("Microsoft.Compute/virtualMachines");
    let provisioner = stage.provisioner();
    let refused = provisioner.run(&plan(spec().with_data_disk(DataDisk::new(32)))).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::Conflict, Some("disk")), "{refused}");
    assert_eq!(refused.effect(), Effect::None);
    assert!(refused.advice().contains("another name"), "{refused}");
    provisioner.clean_up(&id()).await.unwrap();
    assert!(there(&stage, &disk));
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), machines, "none is begun");
}

/// The same, where only the second placement has the name of the disk.
#[tokio::test(start_paused = true)]
async fn a_placement_whose_disk_is_there_is_not_fallen_back_to() {
    let stage = Stage::new();
    let wanted = |disk| plan(spec().with_fallback_size("Standard_D2s_v5").with_data_disk(disk));
    let provisioner = stage.provisioner();
    let first = wanted(DataDisk::new(32).kept());
    let disk = first.data_disk(1, 0);
    full(&stage, 1);
    provisioner.run(&first).await.unwrap();
    provisioner.clean_up(&id()).await.unwrap();
    assert!(there(&stage, &disk), "{:?}", stage.live());
    full(&stage, 1);
    let refused = provisioner.run(&wanted(DataDisk::new(32))).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::Conflict, Some("disk")), "{refused}");
    provisioner.clean_up(&id()).await.unwrap();
    assert!(there(&stage, &disk));
}

/// The next machines are accepted, and there is no room for them.
fn full(stage: &Stage, machines: u32) {
    let fault = Fault::new(FaultAction::Fail(Failure::new("AllocationFailed").in_operation()))
        .with_method("PUT")
        .with_path("/virtualMachines/web?")
        .with_count(machines);
    stage.emulator.faults().add(fault);
}

/// A machine that failed for lack of room is there, and so are its disks.
#[tokio::test(start_paused = true)]
async fn the_empty_disk_of_a_placement_that_was_left_does_not_stay() {
    let stage = Stage::new();
    full(&stage, 1);
    let plan = plan(spec().with_fallback_size("Standard_D2s_v5").with_data_disk(DataDisk::new(32).kept()));
    stage.provisioner().run(&plan).await.unwrap();
    assert_eq!((there(&stage, &plan.data_disk(0, 0)), there(&stage, &plan.data_disk(1, 0))), (false, true));
}

/// A copy that a person made of a disk is named after it.
#[tokio::test(start_paused = true)]
async fn a_copy_of_our_disk_keeps_the_group() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let plan = plan(spec());
    provisioner.run(&plan).await.unwrap();
    let copy = format!("{}-copy", plan.os_disk(0));
    let body = json!({"location": "westeurope", "tags": tags(),
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32}});
    let group = stage.subscription().group(&group_name());
    group.disk(&copy).unwrap().create(&body).await.unwrap().wait().await.unwrap();
    let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
    assert!(kept.contains(&copy), "{kept}");
    assert!(there(&stage, &copy));
}

/// A snapshot has a type of its own, and may have been given the tags of its disk.
#[tokio::test(start_paused = true)]
async fn a_snapshot_named_after_our_disk_keeps_the_group() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let plan = plan(spec());
    provisioner.run(&plan).await.unwrap();
    for (name, tags) in [(format!("{}-snapshot", plan.os_disk(0)), json!({})), (plan.os_disk(0), tags())] {
        listed(&stage, json!([{"id": "x", "name": name, "type": "Microsoft.Compute/snapshots", "tags": tags}]));
        let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
        assert!(kept.contains(&name) && kept.contains("rg-web stays"), "{kept}");
        stage.emulator.faults().clear();
        assert!(stage.live().iter().any(|id| id.ends_with("/rg-web")));
        provisioner.run(&plan).await.unwrap();
    }
}

/// Our tag.
fn tags() -> Value {
    json!({"azconnect-machine": id().as_str()})
}

/// Lets the list of what the group holds show this, whatever it holds.
pub(crate) fn listed(stage: &Stage, items: Value) {
    let answer = CannedAnswer::new(200).with_body(json!({"value": items}));
    let fault = Fault::new(FaultAction::Answer(answer)).with_method("GET").with_path("/rg-web/resources?");
    stage.emulator.faults().add(fault.with_count(500));
}

/// The deletion of a group deletes whatever it holds.
#[tokio::test(start_paused = true)]
async fn somebody_else_s_machine_of_our_name_keeps_the_group_that_we_created() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(spec())).await.unwrap();
    let ours = stage.subscription().machine(&machine.machine).unwrap();
    ours.delete().await.unwrap().wait().await.unwrap();
    let group = GroupChoice::Existing(group_name());
    let theirs = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
    let other = ProvisionId::new("contoso/other").unwrap();
    provisioner.run(&ProvisionPlan::new(other, subscription_id(), theirs).unwrap()).await.unwrap();
    // The list lags, and shows nothing of theirs yet.
    listed(&stage, json!([]));
    let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
    assert!(kept.contains("rg-web stays"), "{kept}");
    assert!(stage.live().iter().any(|id| id.ends_with("/virtualMachines/web")), "{:?}", stage.live());
}
