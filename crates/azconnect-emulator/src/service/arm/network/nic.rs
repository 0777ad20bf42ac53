//! Network interfaces, and who uses what in the network.

use serde_json::{Value, json};

use super::ip_configuration::Configuring;
use crate::base::moment::Moment;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{Address, parent_id, same_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::region_named;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Content, ProvisioningState, Reservation, Resource};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::write::{Target, Write, properties};
use crate::service::arm::{network, usage};

/// Creates or changes an interface. Unlike the rest of the network it is ready at once.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, target: &Target) -> OrRefusal<Reply> {
    let mut properties = properties(&cx.body);
    let asked = cx.at("/properties/ipConfigurations").and_then(Value::as_array).cloned().unwrap_or_default();
    if asked.is_empty() {
        return Err(Refusal::new(
            400,
            "NetworkInterfaceMustHaveAtLeastOneIPConfiguration",
            format!("Network interface {} must have at least one IP configuration.", target.id),
        ));
    }
    if let Some(group) = cx.text("/properties/networkSecurityGroup/id") {
        require_reference(cx, world, &target.id, group)?;
    }
    let mut configurations: Vec<Value> = Vec::new();
    for configuration in &asked {
        let writing = Configuring { world, cx, target, others: &configurations };
        let complete = writing.complete(configuration)?;
        configurations.push(complete);
    }
    if !target.exists {
        usage::require_interface(cx, world, &target.location)?;
    }
    let (guid, number) = (world.dice.guid(), world.dice.number());
    let [a, b, c, ..] = number.to_be_bytes();
    let address = format!("00-0D-3A-{a:02X}-{b:02X}-{c:02X}");
    let old = world.arm.get(&target.id);
    let kept = |field: &str, new: Value| {
        old.and_then(|resource| resource.at(&format!("properties/{field}"))).cloned().unwrap_or(new)
    };
    properties.insert("macAddress".to_owned(), kept("macAddress", json!(address)));
    properties.insert("resourceGuid".to_owned(), kept("resourceGuid", json!(guid)));
    properties.insert("ipConfigurations".to_owned(), Value::Array(configurations));
    properties.entry("enableAcceleratedNetworking").or_insert(json!(false));
    properties.entry("enableIPForwarding").or_insert(json!(false));
    properties.entry("dnsSettings").or_insert(json!({"dnsServers": [], "appliedDnsServers": []}));
    properties.insert("nicType".to_owned(), json!("Standard"));
    let write = Write { operation: OperationKind::Nic, work: Work::Provision, properties, at_once: true };
    Ok(cx.write(world, target, write))
}

/// Refuses a reference to something that is not there, not ready, elsewhere, or not the caller's to use.
pub(crate) fn require_reference(cx: &Context<'_>, world: &World, user: &str, id: &str) -> OrRefusal<()> {
    let Some(kind) = Address::of_id(id).and_then(|address| Some(address.kind()?.0)) else {
        return Err(Refusal::new(
            400,
            "LinkedInvalidPropertyId",
            format!(
                "Property id '{id}' at path 'properties' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
            ),
        ));
    };
    let action = format!("{}/join/action", kind.full());
    let user_kind = Address::of_id(user).and_then(|address| Some(address.kind()?.0)).unwrap_or(ResourceKind::Nic);
    let main = format!("{}/write", user_kind.full());
    cx.permit_linked(world, (&main, user), &action, id)?;
    let holder = if kind.parent().is_some() { parent_id(id) } else { id };
    let resource = world.arm.get(holder).filter(|_| kind.parent().is_none() || network::embedded(world, id).is_some());
    let missing = || {
        Refusal::new(
            400,
            "InvalidResourceReference",
            format!("Resource {id} referenced by resource {user} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region."),
        )
        .detail(Refusal::new(404, "NotFound", format!("Resource {id} not found.")))
    };
    let Some(resource) = resource else { return Err(missing()) };
    let wanted = region_named(cx.text("/location").unwrap_or_default());
    // What is in another region counts as not there.
    if user_kind != ResourceKind::Subnet && wanted.is_some_and(|region| region.name != resource.location) {
        return Err(missing());
    }
    // A subnet may refer into its own network, which is being written with it and so is not ready.
    if resource.state == ProvisioningState::Succeeded || same_id(holder, parent_id(user)) || same_id(holder, user) {
        return Ok(());
    }
    let last_write = if resource.state == ProvisioningState::Deleting { "DeleteOperation" } else { kind.put_name() };
    Err(Refusal::new(429, "RetryableError", "A retryable error occurred.").detail(Refusal::new(
        429,
        "ReferencedResourceNotProvisioned",
        format!(
            "Cannot proceed with operation because resource {id} used by resource {user} is not in Succeeded state. Resource is in {} state and the last operation that updated/is updating the resource is {last_write}.",
            resource.state.name()
        ),
    )))
}

/// Every IP configuration, with the id of its interface.
pub(crate) fn configurations(world: &World) -> impl Iterator<Item = (&Value, &str)> {
    world.arm.of_kind(ResourceKind::Nic).flat_map(|nic| {
        let list = nic.at("properties/ipConfigurations").and_then(Value::as_array);
        list.into_iter().flatten().map(|configuration| (configuration, nic.id.as_str()))
    })
}

/// The ids of all configurations that refer to something.
pub(crate) fn configurations_with(world: &World, field: &str, id: &str) -> Vec<String> {
    let pointer = format!("/properties/{field}/id");
    configurations(world)
        .filter(|(configuration, _)| {
            configuration.pointer(&pointer).and_then(Value::as_str).is_some_and(|used| same_id(used, id))
        })
        .filter_map(|(configuration, _)| configuration.get("id")?.as_str().map(str::to_owned))
        .collect()
}

/// The id of the first configuration that refers to something.
pub(crate) fn configuration_with(world: &World, field: &str, id: &str) -> Option<String> {
    configurations_with(world, field, id).into_iter().next()
}

/// The interfaces with a security group.
pub(crate) fn interfaces_of_group(world: &World, id: &str) -> Vec<String> {
    let uses = |nic: &&Resource| nic.text("properties/networkSecurityGroup/id").is_some_and(|used| same_id(used, id));
    world.arm.of_kind(ResourceKind::Nic).filter(uses).map(|nic| nic.id.clone()).collect()
}

/// The subnets with a security group.
pub(crate) fn subnets_of_group(world: &World, id: &str) -> Vec<String> {
    let mut users = Vec::new();
    for network in world.arm.of_kind(ResourceKind::VirtualNetwork) {
        for subnet in network.at("properties/subnets").and_then(Value::as_array).into_iter().flatten() {
            let group = subnet.pointer("/properties/networkSecurityGroup/id").and_then(Value::as_str);
            if group.is_some_and(|group| same_id(group, id)) {
                users.extend(subnet.get("id").and_then(Value::as_str).map(str::to_owned));
            }
        }
    }
    users
}

/// Everything with a security group.
pub(crate) fn users_of_group(world: &World, id: &str) -> Vec<String> {
    let mut users = interfaces_of_group(world, id);
    users.extend(subnets_of_group(world, id));
    users
}

/// The machine that an interface is in.
pub(crate) fn machine_of<'a>(world: &'a World, id: &str) -> Option<&'a Resource> {
    world.arm.of_kind(ResourceKind::Machine).find(|machine| {
        let list = machine.at("properties/networkProfile/networkInterfaces").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .any(|nic| nic.get("id").and_then(Value::as_str).is_some_and(|used| same_id(used, id)))
    })
}

/// The refusal of an interface that is kept for another machine.
pub(crate) fn reserved_for(nic: &Resource, now: Moment) -> Option<&str> {
    let Content::Nic(Some(Reservation { machine, until })) = &nic.content else { return None };
    (now.elapsed < *until).then_some(machine.as_str())
}

pub(crate) fn reserved(machine: &str) -> Box<Refusal> {
    Refusal::new(
        400,
        "NicReservedForAnotherVm",
        format!(
            "Nic(s) in request is reserved for another Virtual Machine for 180 seconds. Please provide another nic(s) or retry after 180 seconds. Reserved VM: {machine}"
        ),
    )
}

/// Why an interface cannot be deleted now.
pub(crate) fn in_use(world: &World, nic: &Resource, now: Moment) -> Option<Box<Refusal>> {
    if let Some(machine) = machine_of(world, &nic.id) {
        return Some(Refusal::new(
            400,
            "NicInUse",
            format!(
                "Network Interface {} is used by existing resource {}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.",
                nic.id, machine.id
            ),
        ));
    }
    reserved_for(nic, now).map(reserved)
}
