//! Microsoft.Network: virtual networks, security groups, public addresses and interfaces.

mod cidr;
mod ip_configuration;
mod members;
pub(super) mod nic;
pub(super) mod public_ip;
mod rules;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::cidr::{Cidr, Family};
use super::context::{Context, PollAddresses, Reply};
use super::members::{Provider, check_for, check_words};
use super::operation::Start;
use super::write::{Target, Write, properties};
use crate::base::moment::Moment;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{key, last, parent_id, same, same_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;

/// Creates or changes a resource of the network.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    check_for(Provider::Network, &cx.body, members::of(kind))?;
    check_words(Provider::Network, &cx.body, members::words_of(kind))?;
    let target = cx.prepare(world, kind, names)?;
    if target.same_running.is_some() {
        let write = plain(OperationKind::Network, Map::new());
        return Ok(cx.write(world, &target, write));
    }
    match kind {
        ResourceKind::VirtualNetwork => put_network(cx, world, &target),
        ResourceKind::SecurityGroup => put_security_group(cx, world, &target),
        ResourceKind::PublicIp => public_ip::put(cx, world, &target),
        ResourceKind::Nic => nic::put(cx, world, &target),
        _ => put_embedded(cx, world, &target),
    }
}

/// A write without anything special.
pub(crate) fn plain(operation: OperationKind, properties: Map<String, Value>) -> Write {
    Write { operation, work: Work::Provision, properties, at_once: false }
}

/// An item inside a parent, by its id.
pub(crate) fn embedded<'a>(world: &'a World, id: &str) -> Option<&'a Value> {
    let parent = world.arm.get(parent_id(id))?;
    let items = parent.at(&format!("properties/{}", parent.kind().embedded()?.list()?))?.as_array()?;
    items.iter().find(|item| item.get("name").and_then(Value::as_str).is_some_and(|name| same(name, last(id))))
}

fn put_network(cx: &Context<'_>, world: &mut World, target: &Target) -> OrRefusal<Reply> {
    let mut properties = properties(&cx.body);
    let prefixes = cx.at("/properties/addressSpace/addressPrefixes").and_then(Value::as_array);
    let prefixes: Vec<&str> = prefixes.into_iter().flatten().filter_map(Value::as_str).collect();
    if prefixes.is_empty() {
        return Err(Refusal::new(
            400,
            "InvalidRequestFormat",
            "Cannot parse the request: the address space needs at least one prefix.",
        ));
    }
    let space = prefixes.iter().map(|prefix| range(prefix, &target.id)).collect::<OrRefusal<Vec<_>>>()?;
    let subnets = cx.at("/properties/subnets").and_then(Value::as_array).cloned().unwrap_or_default();
    let subnets = check_subnets(cx, world, target, &space, subnets)?;
    properties.insert("subnets".to_owned(), Value::Array(subnets));
    properties.insert("resourceGuid".to_owned(), json!(world.dice.guid()));
    properties.entry("enableDdosProtection").or_insert(json!(false));
    properties.entry("virtualNetworkPeerings").or_insert(json!([]));
    let reply = cx.write(world, target, plain(OperationKind::Network, properties));
    note_embedded(cx, world, &target.id);
    Ok(reply)
}

fn check_subnets(
    cx: &Context<'_>,
    world: &World,
    target: &Target,
    space: &[Cidr],
    subnets: Vec<Value>,
) -> OrRefusal<Vec<Value>> {
    let mut ranges: Vec<(String, Cidr)> = Vec::new();
    let mut complete = Vec::new();
    for subnet in subnets {
        let name = subnet.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        super::names::check(ResourceKind::Subnet, &name)?;
        let id = format!("{}/subnets/{name}", target.id);
        for own in subnet_ranges(&subnet, &id)? {
            check_range(&name, own, (space, &ranges), last(&target.id))?;
            ranges.push((name.clone(), own));
        }
        check_security_group(cx, world, &id, subnet.pointer("/properties/networkSecurityGroup/id"))?;
        complete.push(complete_item(&id, ResourceKind::Subnet, subnet));
    }
    let kept = |id: &str| ranges.iter().any(|(name, _)| same(name, last(id)));
    // A write replaces the whole list: a subnet that is left out is deleted, unless it is in use.
    let existing = world.arm.get(&target.id).map(Resource::embedded_ids).unwrap_or_default();
    match existing.iter().filter(|id| !kept(id)).find_map(|id| subnet_in_use(world, id)) {
        Some(refusal) => Err(refusal),
        None => Ok(complete),
    }
}

/// Refuses a subnet's range that is not in its network's, or that another subnet has.
fn check_range(name: &str, own: Cidr, (space, taken): (&[Cidr], &[(String, Cidr)]), network: &str) -> OrRefusal<()> {
    if !space.iter().any(|space| space.contains(own)) {
        return Err(Refusal::new(
            400,
            "NetcfgSubnetRangeOutsideVnet",
            format!(
                "Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network '{network}'."
            ),
        ));
    }
    if let Some((other, _)) = taken.iter().find(|(_, range)| range.overlaps(own)) {
        return Err(Refusal::new(
            400,
            "NetcfgSubnetRangesOverlap",
            format!(
                "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '{network}': '{other}'."
            ),
        ));
    }
    // The documentation says so of every subnet; the code of the refusal is not published.
    if own.family() == Family::V6 && own.length() != 64 {
        let message = format!("The IPv6 address prefix of subnet '{name}' must have a length of 64.");
        return Err(Refusal::new(400, "InvalidIPv6SubnetPrefixLength", message));
    }
    Ok(())
}

/// The ranges of a subnet, which stand in one field or in the other, in the order in which they were given.
pub(crate) fn subnet_prefixes(subnet: &Value) -> Vec<&str> {
    let one = subnet.pointer("/properties/addressPrefix").and_then(Value::as_str);
    let several = subnet.pointer("/properties/addressPrefixes").and_then(Value::as_array);
    one.into_iter().chain(several.into_iter().flatten().filter_map(Value::as_str)).collect()
}

fn subnet_ranges(subnet: &Value, id: &str) -> OrRefusal<Vec<Cidr>> {
    let prefixes = subnet_prefixes(subnet);
    if prefixes.is_empty() {
        return range("", id).map(|range| vec![range]);
    }
    prefixes.into_iter().map(|prefix| range(prefix, id)).collect()
}

fn range(text: &str, id: &str) -> OrRefusal<Cidr> {
    Cidr::parse(text).ok_or_else(|| {
        Refusal::new(
            400,
            "InvalidAddressPrefixFormat",
            format!(
                "Address prefix {text} of resource {id} is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24."
            ),
        )
    })
}

fn check_security_group(cx: &Context<'_>, world: &World, user: &str, id: Option<&Value>) -> OrRefusal<()> {
    let Some(id) = id.and_then(Value::as_str) else { return Ok(()) };
    nic::require_reference(cx, world, user, id)
}

/// An item with the fields the service adds.
fn complete_item(id: &str, kind: ResourceKind, item: Value) -> Value {
    let mut properties = item.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    if kind == ResourceKind::Subnet {
        properties.entry("delegations").or_insert(json!([]));
        properties.entry("privateEndpointNetworkPolicies").or_insert(json!("Disabled"));
        properties.entry("privateLinkServiceNetworkPolicies").or_insert(json!("Enabled"));
    }
    json!({"name": last(id), "id": id, "type": kind.full(), "properties": properties})
}

fn put_security_group(cx: &Context<'_>, world: &mut World, target: &Target) -> OrRefusal<Reply> {
    let mut properties = properties(&cx.body);
    let rules = cx.at("/properties/securityRules").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut complete = Vec::new();
    for rule in rules {
        let name = rule.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        super::names::check(ResourceKind::SecurityRule, &name)?;
        self::rules::check(&name, &rule, &complete)?;
        complete.push(complete_item(&format!("{}/securityRules/{name}", target.id), ResourceKind::SecurityRule, rule));
    }
    properties.insert("securityRules".to_owned(), Value::Array(complete));
    properties.insert("defaultSecurityRules".to_owned(), self::rules::defaults(&target.id));
    properties.insert("resourceGuid".to_owned(), json!(world.dice.guid()));
    let reply = cx.write(world, target, plain(OperationKind::Network, properties));
    note_embedded(cx, world, &target.id);
    Ok(reply)
}

/// Creates or changes a subnet or a rule of its own.
fn put_embedded(cx: &Context<'_>, world: &mut World, target: &Target) -> OrRefusal<Reply> {
    let parent = parent_id(&target.id).to_owned();
    let list = target.kind.list().unwrap_or_default();
    let Some(resource) = world.arm.get(&parent) else {
        return Err(Refusal::new(404, "ResourceNotFound", format!("The resource {parent} was not found.")));
    };
    // An item changes together with its parent, which one operation at a time may change.
    if resource.operation.is_some() {
        return Err(super::write::busy(cx, world, resource));
    }
    let location = resource.location.clone();
    let items = resource.at(&format!("properties/{list}")).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_it =
        |item: &Value| item.get("name").and_then(Value::as_str).is_some_and(|name| same(name, last(&target.id)));
    let exists = items.iter().any(is_it);
    let mut others: Vec<Value> = items.into_iter().filter(|item| !is_it(item)).collect();
    let mut item = cx.body.clone();
    if let Some(map) = item.as_object_mut() {
        map.insert("name".to_owned(), json!(last(&target.id)));
    }
    if target.kind == ResourceKind::Subnet {
        let prefixes = resource.at("properties/addressSpace/addressPrefixes").and_then(Value::as_array);
        let space: Vec<Cidr> = prefixes.into_iter().flatten().filter_map(|p| Cidr::parse(p.as_str()?)).collect();
        let network = Target {
            id: parent.clone(),
            kind: ResourceKind::VirtualNetwork,
            exists: true,
            location: location.clone(),
            same_running: None,
        };
        others.push(item);
        others = check_subnets(cx, world, &network, &space, others)?;
    } else {
        self::rules::check(last(&target.id), &item, &others)?;
        others.push(complete_item(&target.id, target.kind, item));
    }
    let start = Start {
        kind: OperationKind::Network,
        subject: &parent,
        work: Work::Provision,
        namespace: "Microsoft.Network",
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(resource) = world.arm.get_mut(&parent) {
        resource.set(list, Value::Array(others));
        resource.renew_etag();
        resource.state = ProvisioningState::Updating;
        resource.operation = Some(operation);
    }
    note_embedded(cx, world, &parent);
    let body = super::view::render_embedded(world, &target.id).unwrap_or(Value::Null);
    Ok(Reply::new(if exists { 200 } else { 201 }, body).operation(operation, PollAddresses::Status))
}

/// Notes in the ledger which items inside a resource came and went.
fn note_embedded(cx: &Context<'_>, world: &mut World, id: &str) {
    let Some(resource) = world.arm.get(id) else { return };
    let Some(child) = resource.kind().embedded() else { return };
    let now = resource.embedded_ids();
    let prefix = format!("{}/{}/", key(id), child.list().unwrap_or_default().to_ascii_lowercase());
    let gone: Vec<String> = world
        .arm
        .ledger
        .entries()
        .iter()
        .filter(|entry| entry.is_live() && key(&entry.id).starts_with(&prefix))
        .filter(|entry| !now.iter().any(|id| same_id(id, &entry.id)))
        .map(|entry| entry.id.clone())
        .collect();
    for id in gone {
        world.arm.ledger.deleted(&id, cx.now.wall, Some(cx.caller.object_id()));
    }
    for child_id in now {
        world.arm.ledger.created(&child_id, &child.full(), cx.now.wall, Some(cx.caller.object_id()), Some(id));
    }
}

/// Takes an item out of its parent.
pub(crate) fn remove_embedded(world: &mut World, id: &str, at: Moment, by: Option<Uuid>) {
    let name = last(id).to_owned();
    if let Some(parent) = world.arm.get_mut(parent_id(id)) {
        parent.renew_etag();
    }
    if let Some(parent) = world.arm.get_mut(parent_id(id))
        && let Some(child) = parent.kind().embedded()
        && let Some(Value::Array(items)) =
            parent.properties().and_then(|properties| properties.get_mut(child.list().unwrap_or_default()))
    {
        items.retain(|item| !item.get("name").and_then(Value::as_str).is_some_and(|own| same(own, &name)));
    }
    world.arm.ledger.deleted(id, at.wall, by);
}

/// What becomes known when a resource is ready.
pub(crate) fn provisioned(world: &mut World, id: &str) {
    let Some(resource) = world.arm.get(id) else { return };
    if resource.kind() == ResourceKind::PublicIp && resource.text("properties/ipAddress").is_none() {
        let family = Family::of_word(resource.text("properties/publicIPAddressVersion"));
        world.arm.addresses_given += 1;
        let number = world.arm.addresses_given;
        // The ranges that are kept for benchmarks: nobody's address.
        let address: IpAddr = match family {
            Family::V4 => Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)).wrapping_add(number)).into(),
            Family::V6 => {
                let first = u128::from(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0));
                Ipv6Addr::from(first.wrapping_add(u128::from(number))).into()
            }
        };
        if let Some(resource) = world.arm.get_mut(id) {
            resource.set("ipAddress", json!(address.to_string()));
        }
    }
}

/// Why something of the network cannot be deleted now.
pub(crate) fn in_use(world: &World, resource: &Resource, now: Moment) -> Option<Box<Refusal>> {
    match resource.kind() {
        ResourceKind::VirtualNetwork => resource.embedded_ids().iter().find_map(|id| subnet_in_use(world, id)),
        ResourceKind::SecurityGroup => {
            let users = nic::users_of_group(world, &resource.id);
            (!users.is_empty()).then(|| {
                Refusal::new(
                    400,
                    "InUseNetworkSecurityGroupCannotBeDeleted",
                    format!(
                        "Network security group {} cannot be deleted because it is in use by the following resources: {}. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.",
                        resource.id,
                        users.join(", ")
                    ),
                )
            })
        }
        ResourceKind::PublicIp => nic::configuration_with(world, "publicIPAddress", &resource.id).map(|user| {
            Refusal::new(
                400,
                "PublicIPAddressCannotBeDeleted",
                format!(
                    "Public IP address {} can not be deleted since it is still allocated to resource {user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.  To learn how to do this, see aka.ms/deletepublicip.",
                    resource.id
                ),
            )
        }),
        ResourceKind::Nic => nic::in_use(world, resource, now),
        _ => None,
    }
}

/// Why a subnet cannot be deleted now.
pub(crate) fn subnet_in_use(world: &World, id: &str) -> Option<Box<Refusal>> {
    let user = nic::configuration_with(world, "subnet", id)?;
    Some(Refusal::new(
        400,
        "InUseSubnetCannotBeDeleted",
        format!(
            "Subnet {} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
            last(id)
        ),
    ))
}
