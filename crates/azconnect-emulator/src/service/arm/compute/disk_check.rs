//! The checks of a new machine's disks.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{resource_id, same};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::Size;
use crate::model::world::World;
use crate::service::arm::context::Context;

/// How many data disks a machine of any size takes here, as the list of sizes says.
pub(crate) const DATA_DISKS: usize = 8;

/// Checks the system disk and the data disks of a machine of a size.
pub(crate) fn check(cx: &Context<'_>, world: &World, size: &Size) -> OrRefusal<()> {
    let storage = "/properties/storageProfile";
    if let Some(disk) = cx.at(&format!("{storage}/osDisk")) {
        check_one(cx, world, size, disk)?;
    }
    let disks = cx.at(&format!("{storage}/dataDisks")).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if disks.len() > DATA_DISKS {
        let message =
            format!("The maximum number of data disks allowed to be attached to a VM of this size is {DATA_DISKS}.");
        return Err(Refusal::new(409, "OperationNotAllowed", message).at("dataDisks"));
    }
    let mut luns = BTreeSet::new();
    for disk in disks {
        let Some(lun) = disk.get("lun").and_then(Value::as_u64) else {
            return Err(Refusal::parameter("dataDisk.lun", "Required parameter 'dataDisk.lun' is missing (null)."));
        };
        if lun > 63 || !luns.insert(lun) {
            let message = format!("The value '{lun}' of parameter 'dataDisk.lun' is out of range or not unique.");
            return Err(Refusal::parameter("dataDisk.lun", message));
        }
        check_one(cx, world, size, disk)?;
    }
    Ok(())
}

fn check_one(cx: &Context<'_>, world: &World, size: &Size, disk: &Value) -> OrRefusal<()> {
    let text = |pointer: &str| disk.pointer(pointer).and_then(Value::as_str);
    let kind = text("/managedDisk/storageAccountType");
    let name = text("/name");
    let (kind, shown) = (kind.unwrap_or_default(), name.unwrap_or_default());
    if kind.starts_with("Premium") && !size.premium {
        return Err(Refusal::parameter(
            "storageAccountType",
            format!(
                "Requested operation cannot be performed because the VM size {} does not support the storage account type {kind} of disk '{shown}'. Consider updating the VM to a size that supports Premium storage.",
                size.name
            ),
        ));
    }
    let is_ultra = kind == "UltraSSD_LRS";
    let switched = cx.at("/properties/additionalCapabilities/ultraSSDEnabled") == Some(&Value::Bool(true));
    if is_ultra && !switched {
        return Err(Refusal::parameter(
            "storageAccountType",
            "Storage account type UltraSSD_LRS is supported only for VMs with the capability 'ultraSSDEnabled'.",
        ));
    }
    let cached = text("/caching").is_some_and(|caching| !same(caching, "None"));
    if cached && (is_ultra || kind == "PremiumV2_LRS") {
        let message = format!("Disk caching is not supported for disk '{shown}' of storage account type {kind}.");
        return Err(Refusal::parameter("caching", message));
    }
    if cached && disk.get("diskSizeGB").and_then(Value::as_u64).is_some_and(|size| size > 4095) {
        let message = format!("Disk caching is not supported for disks of 4 TiB and larger: disk '{shown}'.");
        return Err(Refusal::parameter("caching", message));
    }
    // A disk that is attached is there already.
    let attached = text("/createOption").is_some_and(|option| same(option, "Attach"));
    name.filter(|_| !attached).map_or(Ok(()), |name| refuse_taken(cx, world, name))
}

/// A disk of the same name would be overwritten.
fn refuse_taken(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<()> {
    let group = cx.address.group.as_deref().unwrap_or_default();
    let id = resource_id(&cx.address.subscription, group, ResourceKind::Disk, &[name]);
    if world.arm.get(&id).is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        409,
        "ConflictingUserInput",
        format!(
            "Disk {name} already exists in resource group {}. Only CreateOption.Attach is supported.",
            group.to_ascii_uppercase()
        ),
    )
    .at("/subscriptions/resourceGroups/disks"))
}
