//! The list of sizes with their capabilities and restrictions.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::disk_check::DATA_DISKS;
use crate::base::answer::{Answer, Pieces, typed};
use crate::base::refusal::OrRefusal;
use crate::model::arm::account::Account;
use crate::model::arm::address::same;
use crate::model::arm::offers::{REGIONS, Region, SIZES, Size, region_named};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};

/// The most that is kept in one piece; a longer list is made as it is read.
const WHOLE_LIMIT: usize = 1;

/// The sizes of a region, or of all of them.
pub(crate) fn list(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    cx.permit(world, "Microsoft.Compute/skus/read", &scope)?;
    cx.require_registration(world, "Microsoft.Compute")?;
    let account = world.arm.account(cx.subscription);
    let items: Vec<Value> = regions(cx)
        .into_iter()
        .flat_map(|region| SIZES.iter().map(move |size| (region, size)))
        .map(|(region, size)| item(account, region, size))
        .collect();
    Ok(Reply::new(200, json!({"value": items})))
}

/// Repeats the list many times in an answer whose body is made piece by piece, so that it never is in memory as a whole.
pub(crate) fn inflated(world: &World, reply: &Reply) -> Option<Answer> {
    let times = world.settings.resource_manager.sku_inflation;
    let items = reply.body.get("value")?.as_array()?;
    if times <= WHOLE_LIMIT {
        return None;
    }
    let items = Arc::new(items.clone());
    let pieces = (0..times).map(move |time| {
        let mut text = String::from(if time == 0 { "{\"value\":[" } else { "" });
        for (index, item) in items.iter().enumerate() {
            let mut item = item.clone();
            if let (true, Some(Value::String(name))) = (time > 0, item.get_mut("name")) {
                name.push_str(&format!("_x{time}"));
            }
            if time > 0 || index > 0 {
                text.push(',');
            }
            text.push_str(&item.to_string());
        }
        if time + 1 == times {
            text.push_str("]}");
        }
        Bytes::from(text)
    });
    let mut answer = typed(200, "application/json; charset=utf-8", Bytes::new());
    answer.extensions_mut().insert(Pieces::new(pieces));
    Some(answer)
}

/// The regions that the only filter there is asks for.
fn regions(cx: &Context<'_>) -> Vec<&'static Region> {
    let filter = cx.call.query.filled("$filter").unwrap_or_default();
    let wanted = filter.split('\'').nth(1).filter(|_| filter.to_ascii_lowercase().trim_start().starts_with("location"));
    match wanted {
        Some(name) => region_named(name).into_iter().collect(),
        None => REGIONS.iter().collect(),
    }
}

fn item(account: &Account, region: &Region, size: &Size) -> Value {
    let zones: Vec<String> = (1..=region.zones).map(|zone| zone.to_string()).collect();
    let family = size.family;
    let yes = |flag: bool| if flag { "True" } else { "False" };
    let capability = |name: &str, value: &str| json!({"name": name, "value": value});
    let cores = size.cores.to_string();
    let mut capabilities = vec![
        capability("MaxResourceVolumeMB", "0"),
        capability("OSVhdSizeMB", "1047552"),
        capability("vCPUs", &cores),
        capability("MemoryPreservingMaintenanceSupported", "True"),
        capability("HyperVGenerations", size.generations),
        capability("MemoryGB", size.memory),
        capability("MaxDataDiskCount", &DATA_DISKS.to_string()),
        capability("CpuArchitectureType", size.architecture.name()),
        capability("LowPriorityCapable", yes(size.is_spot_capable())),
        capability("PremiumIO", yes(size.premium)),
        capability("VMDeploymentTypes", "IaaS"),
        capability("vCPUsAvailable", &cores),
        capability("EncryptionAtHostSupported", yes(size.premium)),
        capability("AcceleratedNetworkingEnabled", yes(size.is_accelerated())),
        capability("RdmaEnabled", "False"),
        capability("MaxNetworkInterfaces", "2"),
    ];
    if !size.trusted_launch {
        capabilities.push(capability("TrustedLaunchDisabled", "True"));
    }
    json!({
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.trim_start_matches("Standard_"),
        "family": family,
        "locations": [region.name],
        "locationInfo": [{"location": region.name, "zones": zones, "zoneDetails": []}],
        "capabilities": capabilities,
        "restrictions": restrictions(account, region, size),
    })
}

fn restrictions(account: &Account, region: &Region, size: &Size) -> Vec<Value> {
    let mine = account.restrictions.iter().filter(|r| same(&r.location, region.name) && same(&r.size, size.name));
    mine.map(|restriction| {
        let whole = restriction.zones.is_empty();
        let mut info = json!({"locations": [region.name]});
        if let (false, Some(map)) = (whole, info.as_object_mut()) {
            map.insert("zones".to_owned(), json!(restriction.zones));
        }
        json!({
            "type": if whole { "Location" } else { "Zone" },
            "values": [region.name],
            "restrictionInfo": info,
            "reasonCode": "NotAvailableForSubscription",
        })
    })
    .collect()
}

/// The sizes in the form of the older list: of a region, or for resizing a machine.
pub(crate) fn plain() -> Reply {
    let items: Vec<Value> = SIZES
        .iter()
        .map(|size| {
            let memory = size.memory.parse::<f64>().unwrap_or_default() * 1024.0;
            json!({
                "name": size.name, "numberOfCores": size.cores, "osDiskSizeInMB": 1_047_552,
                "resourceDiskSizeInMB": 0, "memoryInMB": memory, "maxDataDiskCount": 8,
            })
        })
        .collect();
    Reply::new(200, json!({"value": items}))
}
