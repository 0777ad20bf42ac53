//! Data disks: as they are asked for, and what becomes of them.

use azconnect_arm::spec::{Caching, DataDisk};
use azconnect_core::ErrorKind;
use serde_json::{Value, json};

use crate::stage::{Stage, id, plan, spec, subscription_id};

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
    assert_eq!((refused.kind(), refused.service_code()), (ErrorKind::Conflict, Some("ConflictingUserInput")));
    assert!(stage.live().iter().any(|id| id.ends_with(&format!("/disks/{disk}"))));
}
