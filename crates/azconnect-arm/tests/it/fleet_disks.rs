//! The data disks of a fleet's machines: those that stay outlive the group that the machines share.

use azconnect_arm::spec::DataDisk;
use azconnect_arm::{Fleet, FleetPlan, FleetSpec};
use serde_json::json;

use crate::disks::{listed, there};
use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::{Stage, spec, subscription_id};

fn with_disks(count: usize) -> FleetPlan {
    let spec = spec().with_fallback_size("Standard_D2s_v5").with_data_disk(DataDisk::new(32).kept());
    FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&spec, count)).unwrap()
}

/// The deletion of a group deletes every disk in it, whatever a machine says of it. The list of what it holds lags.
#[tokio::test(start_paused = true)]
async fn the_disks_that_stay_outlive_the_clean_up_of_a_fleet() {
    for lists in [true, false] {
        let stage = Stage::new();
        let fleet = Fleet::new(stage.provisioner());
        let plan = with_disks(2);
        assert_eq!(fleet.run(&plan).await.unwrap().failures().count(), 0);
        if !lists {
            listed(&stage, json!([]));
        }
        let done = fleet.clean_up(&fleet_id()).await.unwrap();
        let kept = done.foundation.unwrap().kept.unwrap();
        assert!(kept.contains("rg-web stays") && kept.contains("the disk web-1-disk-"), "{kept}");
        for machine in &plan.machines {
            assert!(there(&stage, &machine.data_disk(0, 0)), "{:?}", stage.live());
        }
        assert_eq!(stage.live().len(), 3, "the disks and the group: {:?}", stage.live());
    }
}

/// A machine that was removed earlier is no member any more, and its disk stays all the same.
#[tokio::test(start_paused = true)]
async fn the_disk_of_a_machine_that_was_removed_before_outlives_the_fleet() {
    for lists in [true, false] {
        let stage = Stage::new();
        let fleet = Fleet::new(stage.provisioner());
        let mut plan = with_disks(2);
        plan.machines.truncate(1);
        plan.machines.extend(fleet_plan(2).machines.pop());
        assert_eq!(fleet.run(&plan).await.unwrap().failures().count(), 0);
        fleet.remove(&fleet_id(), &["web-1"]).await.unwrap()[0].outcome.as_ref().unwrap();
        if !lists {
            listed(&stage, json!([]));
        }
        let done = fleet.clean_up(&fleet_id()).await.unwrap();
        assert!(done.foundation.unwrap().kept.unwrap().contains("rg-web stays"));
        assert!(there(&stage, &plan.machines[0].data_disk(0, 0)), "{:?}", stage.live());
    }
}

/// What is gone is still listed for a while: a disk, and an extension, which bears no tag.
#[tokio::test(start_paused = true)]
async fn a_list_that_lags_does_not_keep_the_group_of_a_fleet() {
    let stage = Stage::new();
    let fleet = Fleet::new(stage.provisioner());
    let plan = fleet_plan(1);
    fleet.run(&plan).await.unwrap();
    let on_machine = "Microsoft.Compute/virtualMachines";
    listed(
        &stage,
        json!([
            {"id": "a", "name": plan.machines[0].os_disk(0), "type": "Microsoft.Compute/disks"},
            {"id": "b", "name": "web-1/azconnect-agent", "type": format!("{on_machine}/extensions")},
            {"id": "c", "name": "WEB-1/azconnect-agent-probe", "type": format!("{on_machine}/runCommands")},
            {"id": "d", "name": plan.machines[0].names.interface, "type": "Microsoft.Network/networkInterfaces"},
        ]),
    );
    assert_eq!(fleet.clean_up(&fleet_id()).await.unwrap().foundation.unwrap().kept, None);
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_is_on_a_machine_of_others_keeps_the_group_of_a_fleet() {
    let stage = Stage::new();
    let fleet = Fleet::new(stage.provisioner());
    fleet.run(&fleet_plan(1)).await.unwrap();
    listed(
        &stage,
        json!([{"id": "b", "name": "api-1/monitor", "type": "Microsoft.Compute/virtualMachines/extensions"}]),
    );
    let kept = fleet.clean_up(&fleet_id()).await.unwrap().foundation.unwrap().kept.unwrap();
    assert!(kept.contains("api-1/monitor"), "{kept}");
}
