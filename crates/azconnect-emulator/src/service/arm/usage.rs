//! Quotas and what is used of them.

use serde_json::{Value, json};

use super::compute::spot::{is_spot, is_spot_machine};
use super::context::{Context, Reply};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{same_id, within};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::{SIZES, Size, region_named, region_names, size_named};
use crate::model::arm::resource::Resource;
use crate::model::world::World;

/// The limits of a subscription in a region, unless its seed or a test sets another.
const CORES: u32 = 100;
const MACHINES: u32 = 25_000;
const PUBLIC_IPS: u32 = 1000;
const INTERFACES: u32 = 65_536;
const NETWORKS: u32 = 1000;

/// The cores of a machine, running or not: only a deallocated one uses none.
fn cores_of(machine: &Resource) -> u32 {
    // A Spot machine keeps its share while it is deallocated, and after it was evicted.
    let deallocated = machine.machine().is_some_and(|inner| inner.is_deallocated()) && !is_spot_machine(machine);
    let size = machine.text("properties/hardwareProfile/vmSize").and_then(size_named);
    if deallocated { 0 } else { size.map_or(0, |size| size.cores) }
}

fn machines<'a>(cx: &'a Context<'_>, world: &'a World, location: &'a str) -> impl Iterator<Item = &'a Resource> {
    of_kind(cx, world, location, ResourceKind::Machine)
}

fn of_kind<'a>(
    cx: &'a Context<'_>,
    world: &'a World,
    location: &'a str,
    kind: ResourceKind,
) -> impl Iterator<Item = &'a Resource> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    world.arm.of_kind(kind).filter(move |r| r.location == location && within(&scope, &r.id))
}

fn family_of(machine: &Resource) -> &str {
    let size = machine.text("properties/hardwareProfile/vmSize").and_then(size_named);
    size.map_or("", |size| size.family)
}

/// The cores that a machine is to have.
pub(crate) struct Need<'a> {
    pub(crate) location: &'a str,
    pub(crate) size: &'static Size,
    /// The machine itself, whose present cores do not count.
    pub(crate) machine: &'a str,
}

/// Refuses a machine for which the quota does not suffice.
pub(crate) fn require_cores(cx: &Context<'_>, world: &mut World, need: &Need<'_>) -> OrRefusal<()> {
    let (size, location) = (need.size, need.location);
    // A machine that exists keeps its priority; a new one says its own.
    let existing = world.arm.get(need.machine).map(is_spot_machine);
    let spot = existing.unwrap_or_else(|| is_spot(cx.text("/properties/priority")));
    let others = |world: &World, family: Option<&str>| {
        machines(cx, world, location)
            .filter(|machine| !same_id(&machine.id, need.machine) && is_spot_machine(machine) == spot)
            .filter(|machine| family.is_none_or(|family| family_of(machine) == family))
            .map(cores_of)
            .sum::<u32>()
    };
    let total = others(world, None);
    let family = others(world, Some(size.family));
    let account = world.arm.account(cx.subscription);
    let ordinary = [
        ("Total Regional", "cores", account.limit(location, "cores", CORES), total),
        (size.family, size.family, account.limit(location, size.family, CORES), family),
    ];
    let low = [("LowPriority", "lowPriorityCores", account.limit(location, "lowPriorityCores", CORES), total)];
    let limits = if spot { low.as_slice() } else { ordinary.as_slice() };
    for &(shown, resource, limit, used) in limits {
        let needed = used.saturating_add(size.cores);
        if needed <= limit {
            continue;
        }
        let facts = format!(
            "Location: {location}, Current Limit: {limit}, Current Usage: {used}, Additional Required: {}, (Minimum) New Limit Required: {needed}.",
            size.cores
        );
        let link = quota_link(cx, location, resource, needed);
        return Err(Refusal::new(
            409,
            "OperationNotAllowed",
            format!(
                "Operation could not be completed as it results in exceeding approved {shown} Cores quota. Additional details - Deployment Model: Resource Manager, {facts} Setup Alerts when Quota reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting . Submit a request for Quota increase at {link} by specifying parameters listed in the ‘Details’ section for deployment to succeed. Please read more about quota limits at https://docs.microsoft.com/en-us/azure/azure-supportability/per-vm-quota-requests"
            ),
        ));
    }
    Ok(())
}

/// Where a person asks for more.
fn quota_link(cx: &Context<'_>, location: &str, resource: &str, needed: u32) -> String {
    format!(
        "https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView/Parameters/%7B%22subscriptionId%22:%22{}%22,%22command%22:%22openQuotaApprovalBlade%22,%22quotas%22:[%7B%22location%22:%22{location}%22,%22providerId%22:%22Microsoft.Compute%22,%22resourceName%22:%22{resource}%22,%22quotaRequest%22:%7B%22properties%22:%7B%22limit%22:{needed},%22unit%22:%22Count%22,%22name%22:%7B%22value%22:%22{resource}%22%7D%7D%7D%7D]%7D",
        cx.address.subscription
    )
}

/// Refuses one address too many.
pub(crate) fn require_public_ip(cx: &Context<'_>, world: &mut World, location: &str) -> OrRefusal<()> {
    let used = count(cx, world, location, ResourceKind::PublicIp);
    let account = world.arm.account(cx.subscription);
    let any = account.limit(location, "PublicIPAddresses", PUBLIC_IPS);
    let standard = account.limit(location, "StandardSkuPublicIpAddresses", PUBLIC_IPS);
    if used >= any {
        return Err(Refusal::new(
            400,
            "PublicIPCountLimitReached",
            format!("Cannot create more than {any} public IP addresses for this subscription in this region."),
        ));
    }
    if used >= standard {
        return Err(Refusal::new(
            400,
            "IPv4StandardSkuPublicIpCountLimitReached",
            format!(
                "Cannot create more than {standard} IPv4 Standard SKU public IP addresses for this subscription in this region."
            ),
        ));
    }
    Ok(())
}

/// Refuses one interface too many.
pub(crate) fn require_interface(cx: &Context<'_>, world: &mut World, location: &str) -> OrRefusal<()> {
    let used = count(cx, world, location, ResourceKind::Nic);
    let limit = world.arm.account(cx.subscription).limit(location, "NetworkInterfaces", INTERFACES);
    if used < limit {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "NetworkInterfaceCountLimitReached",
        format!("Cannot create more than {limit} network interfaces for this subscription in this region."),
    ))
}

fn count(cx: &Context<'_>, world: &World, location: &str, kind: ResourceKind) -> u32 {
    u32::try_from(of_kind(cx, world, location, kind).count()).unwrap_or(u32::MAX)
}

/// The words behind a name, as a person reads them.
fn localized(name: &str) -> String {
    match name {
        "cores" => "Total Regional vCPUs".to_owned(),
        "lowPriorityCores" => "Total Regional Low-priority vCPUs".to_owned(),
        "virtualMachines" => "Virtual Machines".to_owned(),
        "availabilitySets" => "Availability Sets".to_owned(),
        "PublicIPAddresses" => "Public IP Addresses".to_owned(),
        "StandardSkuPublicIpAddresses" => "Public IPv4 Addresses - Standard".to_owned(),
        "NetworkInterfaces" => "Network Interfaces".to_owned(),
        "VirtualNetworks" => "Virtual Networks".to_owned(),
        "NetworkSecurityGroups" => "Network Security Groups".to_owned(),
        family => format!("{} vCPUs", family.replace("standard", "Standard ").replace("Family", " Family")),
    }
}

/// Lists the usages of compute or of the network.
pub(crate) fn list(cx: &Context<'_>, world: &mut World, location: &str, compute: bool) -> OrRefusal<Reply> {
    let Some(region) = region_named(location) else {
        return Err(Refusal::new(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{location}' and API version '{}' for type 'locations/usages'. The supported api-versions are '2025-04-01'. The supported locations are '{}'.",
                cx.api_version(),
                region_names()
            ),
        ));
    };
    let namespace = if compute { "Microsoft.Compute" } else { "Microsoft.Network" };
    cx.permit(
        world,
        &format!("{namespace}/locations/usages/read"),
        &format!("/subscriptions/{}", cx.address.subscription),
    )?;
    cx.require_registration(world, namespace)?;
    let rows = if compute { compute_rows(cx, world, region.name) } else { network_rows(cx, world, region.name) };
    let account = world.arm.account(cx.subscription).clone();
    let items: Vec<Value> = rows
        .into_iter()
        .map(|(name, used, usual)| {
            let mut item = json!({
                "unit": "Count",
                "currentValue": used,
                "limit": account.limit(region.name, &name, usual),
                "name": {"value": name, "localizedValue": localized(&name)},
            });
            if let (false, Some(map)) = (compute, item.as_object_mut()) {
                map.insert(
                    "id".to_owned(),
                    json!(format!(
                        "/subscriptions/{}/providers/Microsoft.Network/locations/{}/usages/{name}",
                        cx.address.subscription, region.name
                    )),
                );
            }
            item
        })
        .collect();
    Ok(Reply::new(200, json!({"value": items})))
}

fn compute_rows(cx: &Context<'_>, world: &World, location: &str) -> Vec<(String, u32, u32)> {
    let cores = |spot: bool| -> u32 {
        machines(cx, world, location).filter(|machine| is_spot_machine(machine) == spot).map(cores_of).sum()
    };
    let total = cores(false);
    let mut rows = vec![
        ("lowPriorityCores".to_owned(), cores(true), CORES),
        ("availabilitySets".to_owned(), 0, 2500),
        ("cores".to_owned(), total, CORES),
        ("virtualMachines".to_owned(), count(cx, world, location, ResourceKind::Machine), MACHINES),
    ];
    for size in SIZES {
        if rows.iter().any(|(name, ..)| name == size.family) {
            continue;
        }
        let used = machines(cx, world, location)
            .filter(|machine| family_of(machine) == size.family && !is_spot_machine(machine))
            .map(cores_of)
            .sum();
        rows.push((size.family.to_owned(), used, CORES));
    }
    rows
}

fn network_rows(cx: &Context<'_>, world: &World, location: &str) -> Vec<(String, u32, u32)> {
    let addresses = count(cx, world, location, ResourceKind::PublicIp);
    vec![
        ("VirtualNetworks".to_owned(), count(cx, world, location, ResourceKind::VirtualNetwork), NETWORKS),
        ("PublicIPAddresses".to_owned(), addresses, PUBLIC_IPS),
        ("StandardSkuPublicIpAddresses".to_owned(), addresses, PUBLIC_IPS),
        ("NetworkInterfaces".to_owned(), count(cx, world, location, ResourceKind::Nic), INTERFACES),
        ("NetworkSecurityGroups".to_owned(), count(cx, world, location, ResourceKind::SecurityGroup), 5000),
    ]
}
