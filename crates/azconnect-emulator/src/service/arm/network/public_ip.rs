//! Public addresses: static, named by a label where one is asked for, and of all zones unless bound to some.

use serde_json::{Value, json};

use super::plain;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{same, same_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::region_named;
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::usage;
use crate::service::arm::write::{Target, properties};

/// Creates or changes a public address.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, target: &Target) -> OrRefusal<Reply> {
    let mut properties = properties(&cx.body);
    let sku = cx.text("/sku/name").unwrap_or("Basic");
    let allocation = cx.text("/properties/publicIPAllocationMethod").unwrap_or("Dynamic");
    // Basic addresses are retired: the service refuses every new one, in the words of a quota.
    if same(sku, "Basic") {
        return Err(Refusal::new(
            400,
            "IPv4BasicSkuPublicIpCountLimitReached",
            "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.",
        ));
    }
    if !same(allocation, "Static") {
        return Err(Refusal::new(
            400,
            "PublicIPAddressStandardSkuMustBeStatic",
            format!("Standard sku publicIp {} must have AllocationMethod set to Static.", target.id),
        ));
    }
    let version = cx.text("/properties/publicIPAddressVersion").unwrap_or("IPv4");
    if !same(version, "IPv4") && !same(version, "IPv6") {
        let message = format!("Invalid value '{version}' for publicIPAddressVersion. Allowed values: IPv4, IPv6.");
        return Err(Refusal::new(400, "InvalidRequestFormat", message));
    }
    if !target.exists {
        usage::require_public_ip(cx, world, &target.location)?;
    }
    properties.insert("publicIPAllocationMethod".to_owned(), json!("Static"));
    properties.entry("publicIPAddressVersion").or_insert(json!("IPv4"));
    properties.entry("idleTimeoutInMinutes").or_insert(json!(4));
    properties.insert("ipTags".to_owned(), json!([]));
    properties.insert("resourceGuid".to_owned(), json!(world.dice.guid()));
    let old = world.arm.get(&target.id).and_then(|resource| resource.text("properties/ipAddress"));
    // A static address stays the same over every later write.
    if let Some(address) = old {
        properties.insert("ipAddress".to_owned(), json!(address));
    }
    if let Some(label) = cx.text("/properties/dnsSettings/domainNameLabel") {
        let name = name_of(world, target, label)?;
        properties.insert("dnsSettings".to_owned(), json!({"domainNameLabel": label, "fqdn": name}));
    }
    let zones = zones(cx, world, target);
    let reply = cx.write(world, target, plain(OperationKind::PublicIp, properties));
    if let Some(resource) = world.arm.get_mut(&target.id)
        && let Some(zones) = zones
    {
        resource.document.insert("zones".to_owned(), zones);
    }
    Ok(reply)
}

/// `GET …/locations/{location}/CheckDnsNameAvailability?domainNameLabel=…`: whether a label is free in a region.
pub(crate) fn availability(cx: &Context<'_>, world: &World, location: &str) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Network/locations/CheckDnsNameAvailability/read", &cx.address.scope)?;
    let label = cx.call.query.get("domainNameLabel").unwrap_or_default();
    check_label(label)?;
    let taken = is_taken(world, &name_in(location, label), None);
    Ok(Reply::new(200, json!({"available": !taken})))
}

/// The name of a label, unless another address has it in this region.
fn name_of(world: &World, target: &Target, label: &str) -> OrRefusal<String> {
    check_label(label)?;
    let name = name_in(&target.location, label);
    if is_taken(world, &name, Some(&target.id)) {
        let message = format!("DNS record {name} is already used by another public IP.");
        return Err(Refusal::new(400, "DnsRecordInUse", message));
    }
    Ok(name)
}

fn name_in(location: &str, label: &str) -> String {
    format!("{label}.{}.cloudapp.azure.com", location.to_ascii_lowercase())
}

/// Whether another address than one has a name.
fn is_taken(world: &World, name: &str, but: Option<&str>) -> bool {
    let mut others =
        world.arm.of_kind(ResourceKind::PublicIp).filter(|other| but.is_none_or(|own| !same_id(&other.id, own)));
    others.any(|other| other.text("properties/dnsSettings/fqdn") == Some(name))
}

fn check_label(label: &str) -> OrRefusal<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let sound = (3..=63).contains(&label.len())
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.ends_with(plain)
        && label.chars().all(|c| plain(c) || c == '-');
    if sound {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "InvalidDomainNameLabel",
        format!(
            "The domain name label {label} is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{{1,61}}[a-z0-9]$."
        ),
    ))
}

/// The zones of an address: those that are asked for, those that it has, or all of the region.
fn zones(cx: &Context<'_>, world: &World, target: &Target) -> Option<Value> {
    let old = || world.arm.get(&target.id)?.document.get("zones").cloned();
    let all = || {
        let count = region_named(&target.location)?.zones;
        (count > 0).then(|| (1..=count).map(|zone| Value::from(zone.to_string())).collect())
    };
    cx.at("/zones").cloned().or_else(old).or_else(all)
}
