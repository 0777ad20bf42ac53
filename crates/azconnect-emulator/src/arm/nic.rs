//! Network interfaces, and who uses what in the network.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::address::{Address, last, parent_id};
use super::ask::{Ask, Reply};
use super::cidr::Cidr;
use super::kind::Kind;
use super::network;
use super::operation::Work;
use super::put::{Target, Write, properties, same_id};
use super::refusal::{Granted, Refusal};
use super::settings::OperationKind;
use super::state::{Resource, Room, State};
use super::usage;
use crate::call::Moment;

/// Creates or changes an interface. Unlike the rest of the network it is ready at once.
pub(crate) fn put(room: &mut Room<'_>, ask: &Ask<'_>, target: &Target) -> Granted<Reply> {
    let mut properties = properties(&ask.body);
    let asked = ask.at("/properties/ipConfigurations").and_then(Value::as_array).cloned().unwrap_or_default();
    if asked.is_empty() {
        return Err(Refusal::new(
            400,
            "NetworkInterfaceMustHaveAtLeastOneIPConfiguration",
            format!("Network interface {} must have at least one IP configuration.", target.id),
        ));
    }
    if let Some(group) = ask.text("/properties/networkSecurityGroup/id") {
        require_reference(room, ask, &target.id, group)?;
    }
    let mut configurations: Vec<Value> = Vec::new();
    for (index, configuration) in asked.iter().enumerate() {
        configurations.push(configure(room, ask, target, configuration, index, &configurations)?);
    }
    if !target.exists {
        usage::require_interface(room, ask, &target.location)?;
    }
    let old = room.arm.get(&target.id);
    let kept = |field: &str| old.and_then(|resource| resource.at(&format!("properties/{field}"))).cloned();
    let guid = kept("resourceGuid").unwrap_or_else(|| Value::Null);
    properties.insert("macAddress".to_owned(), kept("macAddress").unwrap_or_else(|| json!("")));
    let guid = if guid.is_null() { json!(room.dice.guid()) } else { guid };
    properties.insert("resourceGuid".to_owned(), guid);
    properties.insert("ipConfigurations".to_owned(), Value::Array(configurations));
    properties.entry("enableAcceleratedNetworking").or_insert(json!(false));
    properties.entry("enableIPForwarding").or_insert(json!(false));
    properties.entry("dnsSettings").or_insert(json!({"dnsServers": [], "appliedDnsServers": []}));
    properties.insert("nicType".to_owned(), json!("Standard"));
    let write = Write { operation: OperationKind::Nic, work: Work::Provision, properties, at_once: true };
    Ok(room.write(ask, target, write))
}

fn configure(
    room: &Room<'_>,
    ask: &Ask<'_>,
    target: &Target,
    asked: &Value,
    index: usize,
    others: &[Value],
) -> Granted<Value> {
    let name = asked.get("name").and_then(Value::as_str).unwrap_or("ipconfig1");
    let id = format!("{}/ipConfigurations/{name}", target.id);
    let mut properties = asked.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let subnet = properties.get("subnet").and_then(|subnet| subnet.get("id")?.as_str()).map(str::to_owned);
    let Some(subnet) = subnet else {
        return Err(Refusal::new(
            400,
            "IPConfigurationMustHaveSubnet",
            format!("IP configuration {id} must have a subnet."),
        ));
    };
    require_reference(room, ask, &target.id, &subnet)?;
    let public = properties.get("publicIPAddress").and_then(|public| public.get("id")?.as_str()).map(str::to_owned);
    if let Some(public) = public {
        require_reference(room, ask, &target.id, &public)?;
        if let Some(user) = configuration_with(room, "publicIPAddress", &public)
            && !same_id(parent_id(&user), &target.id)
        {
            return Err(Refusal::new(
                400,
                "PublicIPAddressInUse",
                format!(
                    "Resource {id} is referencing public IP address {public} that is already allocated to resource {user}."
                ),
            ));
        }
    }
    let address = private_address(room, target, &id, &subnet, &properties, others)?;
    properties.insert("privateIPAddress".to_owned(), json!(address.to_string()));
    properties.entry("privateIPAllocationMethod").or_insert(json!("Dynamic"));
    properties.entry("privateIPAddressVersion").or_insert(json!("IPv4"));
    properties.insert("primary".to_owned(), json!(index == 0));
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    Ok(json!({
        "name": name,
        "id": id,
        "type": format!("{}/ipConfigurations", Kind::Nic.full()),
        "properties": properties,
    }))
}

/// The address an interface gets in its subnet: its own one again, the one it asks for, or the next free one.
fn private_address(
    room: &Room<'_>,
    target: &Target,
    id: &str,
    subnet: &str,
    asked: &Map<String, Value>,
    others: &[Value],
) -> Granted<Ipv4Addr> {
    let prefix = network::embedded(room, subnet).and_then(network::subnet_prefix).unwrap_or_default();
    let Some(range) = Cidr::parse(prefix) else {
        return Err(Refusal::new(
            400,
            "InvalidAddressPrefixFormat",
            format!("Address prefix {prefix} of {subnet} is not valid."),
        ));
    };
    let mut taken: Vec<(String, Ipv4Addr)> = Vec::new();
    let mut own = None;
    for (configuration, of) in configurations(room) {
        let uses = configuration.pointer("/properties/subnet/id").and_then(Value::as_str);
        let address = configuration.pointer("/properties/privateIPAddress").and_then(Value::as_str);
        let Some(address) = address.and_then(|address| address.parse().ok()) else { continue };
        let user = configuration.get("id").and_then(Value::as_str).unwrap_or_default();
        if same_id(user, id) {
            own = Some(address);
        } else if !same_id(of, &target.id) && uses.is_some_and(|uses| same_id(uses, subnet)) {
            taken.push((user.to_owned(), address));
        }
    }
    for other in others {
        let address = other.pointer("/properties/privateIPAddress").and_then(Value::as_str);
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            taken.push((id.to_owned(), address));
        }
    }
    let fixed = asked.get("privateIPAllocationMethod").and_then(Value::as_str) == Some("Static");
    let wanted = asked.get("privateIPAddress").and_then(Value::as_str).and_then(|a| a.parse::<Ipv4Addr>().ok());
    if let (true, Some(wanted)) = (fixed, wanted) {
        if !range.holds(wanted) {
            return Err(Refusal::new(
                400,
                "PrivateIPAddressNotInSubnet",
                format!("Private static IP address {wanted} does not belong to the range of subnet prefix {prefix}."),
            ));
        }
        if let Some((user, _)) = taken.iter().find(|(_, address)| *address == wanted) {
            return Err(Refusal::new(
                400,
                "PrivateIPAddressIsAllocated",
                format!(
                    "IP configuration {id} is using the private IP address {wanted} which is already allocated to resource {user}."
                ),
            ));
        }
        return Ok(wanted);
    }
    let is_free = |address: &Ipv4Addr| !taken.iter().any(|(_, other)| other == address);
    if let Some(own) = own.filter(|own| range.holds(*own) && is_free(own)) {
        return Ok(own);
    }
    range.usable().find(is_free).ok_or_else(|| {
        Refusal::new(
            400,
            "SubnetIsFull",
            format!(
                "Subnet {} with address prefix {prefix} does not have enough capacity for 1 IP addresses.",
                last(subnet)
            ),
        )
    })
}

/// Refuses a reference to something that is not there, not ready, elsewhere, or not the caller's to use.
pub(crate) fn require_reference(room: &Room<'_>, ask: &Ask<'_>, user: &str, id: &str) -> Granted<()> {
    let Some((kind, address)) = Address::of_id(id).and_then(|address| Some((address.kind()?.0, address.clone())))
    else {
        return Err(Refusal::new(
            400,
            "LinkedInvalidPropertyId",
            format!(
                "Property id '{id}' at path 'properties' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
            ),
        ));
    };
    let action = format!("{}/join/action", kind.full());
    let user_kind = Address::of_id(user).and_then(|address| Some(address.kind()?.0)).unwrap_or(Kind::Nic);
    let main = format!("{}/write", user_kind.full());
    room.permit_linked(ask, (&main, user), &action, id)?;
    let holder = if kind.parent().is_some() { parent_id(id) } else { id };
    let resource = room.arm.get(holder).filter(|_| kind.parent().is_none() || network::embedded(room, id).is_some());
    let missing = || {
        Refusal::new(
            400,
            "InvalidResourceReference",
            format!("Resource {id} referenced by resource {user} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region."),
        )
        .detail(Refusal::new(404, "NotFound", format!("Resource {id} not found.")))
    };
    let Some(resource) = resource else { return Err(missing()) };
    let wanted = super::catalog::region_named(ask.text("/location").unwrap_or_default());
    if user_kind != Kind::Subnet && wanted.is_some_and(|region| region.name != resource.location) {
        return Err(missing());
    }
    let _ = address;
    if resource.state == State::Succeeded || same_id(holder, parent_id(user)) || same_id(holder, user) {
        return Ok(());
    }
    let last_write = if resource.state == State::Deleting { "DeleteOperation" } else { kind.put_name() };
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
fn configurations<'a>(room: &'a Room<'_>) -> impl Iterator<Item = (&'a Value, &'a str)> {
    room.arm.of_kind(Kind::Nic).flat_map(|nic| {
        let list = nic.at("properties/ipConfigurations").and_then(Value::as_array);
        list.into_iter().flatten().map(|configuration| (configuration, nic.id.as_str()))
    })
}

/// The ids of all configurations that refer to something.
pub(crate) fn configurations_with(room: &Room<'_>, field: &str, id: &str) -> Vec<String> {
    let pointer = format!("/properties/{field}/id");
    configurations(room)
        .filter(|(configuration, _)| {
            configuration.pointer(&pointer).and_then(Value::as_str).is_some_and(|used| same_id(used, id))
        })
        .filter_map(|(configuration, _)| configuration.get("id")?.as_str().map(str::to_owned))
        .collect()
}

/// The id of the first configuration that refers to something.
pub(crate) fn configuration_with(room: &Room<'_>, field: &str, id: &str) -> Option<String> {
    configurations_with(room, field, id).into_iter().next()
}

/// The interfaces with a security group.
pub(crate) fn interfaces_of_group(room: &Room<'_>, id: &str) -> Vec<String> {
    let uses = |nic: &&Resource| nic.text("properties/networkSecurityGroup/id").is_some_and(|used| same_id(used, id));
    room.arm.of_kind(Kind::Nic).filter(uses).map(|nic| nic.id.clone()).collect()
}

/// The subnets with a security group.
pub(crate) fn subnets_of_group(room: &Room<'_>, id: &str) -> Vec<String> {
    let mut users = Vec::new();
    for network in room.arm.of_kind(Kind::VirtualNetwork) {
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
pub(crate) fn users_of_group(room: &Room<'_>, id: &str) -> Vec<String> {
    let mut users = interfaces_of_group(room, id);
    users.extend(subnets_of_group(room, id));
    users
}

/// The machine that an interface is in.
pub(crate) fn machine_of<'a>(room: &'a Room<'_>, id: &str) -> Option<&'a Resource> {
    room.arm.of_kind(Kind::Machine).find(|machine| {
        let list = machine.at("properties/networkProfile/networkInterfaces").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .any(|nic| nic.get("id").and_then(Value::as_str).is_some_and(|used| same_id(used, id)))
    })
}

/// The refusal of an interface that is kept for another machine.
pub(crate) fn reserved_for(nic: &Resource, now: Moment) -> Option<&str> {
    let (machine, until) = nic.reserved.as_ref()?;
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
pub(crate) fn in_use(room: &Room<'_>, nic: &Resource, now: Moment) -> Option<Box<Refusal>> {
    if let Some(machine) = machine_of(room, &nic.id) {
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
