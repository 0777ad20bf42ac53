//! What the operations of virtual machines do.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::base::moment::{Moment, rfc3339};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, resource_id, same_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::machine::Power;
use crate::model::arm::offers::{Size, size_named};
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Content, ProvisioningState, Reservation, Resource};
use crate::model::world::World;
use crate::service::arm::context::{Context, PollAddresses, Reply};
use crate::service::arm::network::nic;
use crate::service::arm::operation::{Start, preempt};
use crate::service::arm::resource::require;
use crate::service::arm::usage;
use crate::service::arm::usage::Need;
use crate::service::arm::write::busy;

/// What becomes of a machine when its creation succeeds.
pub(crate) fn created(world: &mut World, id: &str, at: Moment) {
    let Some(resource) = world.arm.get_mut(id) else { return };
    if let Some(machine) = resource.machine_mut() {
        machine.power = Power::Running;
        machine.started = Some(at);
        machine.first_boot.get_or_insert(at.elapsed);
    }
}

/// What becomes of a machine when its creation fails: it runs all the same if only its system was slow to report, else
/// its interfaces are kept for it for a while.
pub(crate) fn not_created(world: &mut World, id: &str, at: Moment, code: &str) {
    // The service gave up waiting; the machine itself did nothing wrong.
    if code == "OSProvisioningTimedOut" || code.starts_with("VMExtension") {
        created(world, id, at);
    } else {
        reserve_interfaces(world, id, at);
    }
}

/// Keeps the interfaces of a machine whose creation failed.
fn reserve_interfaces(world: &mut World, id: &str, at: Moment) {
    let Some(machine) = world.arm.get(id) else { return };
    let machine_id = machine.id.clone();
    let until = at.elapsed.saturating_add(world.settings.resource_manager.nic_reservation);
    for nic in references(machine).into_iter().map(|(nic, _)| nic) {
        if let Some(nic) = world.arm.get_mut(&nic) {
            nic.content = Content::Nic(Some(Reservation { machine: machine_id.clone(), until }));
        }
    }
}

/// The interfaces a machine refers to, and whether they go with it.
fn references(machine: &Resource) -> Vec<(String, bool)> {
    let list = machine.at("properties/networkProfile/networkInterfaces").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|nic| {
            let goes = nic.pointer("/properties/deleteOption").and_then(Value::as_str) == Some("Delete");
            Some((nic.get("id")?.as_str()?.to_owned(), goes))
        })
        .collect()
}

/// Takes a machine away, and with it whatever says `deleteOption: Delete`.
pub(crate) fn deleted(world: &mut World, id: &str, at: Moment, by: Option<Uuid>) {
    let Some(machine) = world.arm.get(id) else { return };
    let goes = |disk: Option<&Value>| {
        let disk = disk?;
        let delete = disk.get("deleteOption").and_then(Value::as_str) == Some("Delete");
        delete.then(|| disk.pointer("/managedDisk/id").and_then(Value::as_str).map(str::to_owned)).flatten()
    };
    let mut gone: Vec<String> = goes(machine.at("properties/storageProfile/osDisk")).into_iter().collect();
    let data = machine.at("properties/storageProfile/dataDisks").and_then(Value::as_array);
    gone.extend(data.into_iter().flatten().filter_map(|disk| goes(Some(disk))));
    let interfaces: Vec<String> = references(machine).into_iter().filter(|(_, goes)| *goes).map(|(id, _)| id).collect();
    world.arm.remove(id, at, by);
    for interface in interfaces {
        // Read before the interface is gone: only it knows its addresses.
        let addresses = world.arm.get(&interface).map(addresses_that_go).unwrap_or_default();
        world.arm.remove(&interface, at, by);
        gone.extend(addresses);
    }
    for id in gone {
        world.arm.remove(&id, at, by);
    }
}

/// The public addresses that go with an interface.
fn addresses_that_go(nic: &Resource) -> Vec<String> {
    let list = nic.at("properties/ipConfigurations").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|configuration| configuration.pointer("/properties/publicIPAddress"))
        .filter(|public| {
            let nested = public.pointer("/properties/deleteOption").or_else(|| public.get("deleteOption"));
            nested.and_then(Value::as_str) == Some("Delete")
        })
        .filter_map(|public| public.get("id")?.as_str().map(str::to_owned))
        .collect()
}

/// Sets the power of a machine.
pub(crate) fn powered(world: &mut World, id: &str, power: Power, at: Moment) {
    let Some(machine) = world.arm.get_mut(id).and_then(Resource::machine_mut) else { return };
    machine.power = power;
    machine.started = (power == Power::Running).then_some(at);
}

/// The id of a machine in the group of a request.
fn id_in_group(cx: &Context<'_>, name: &str) -> String {
    let group = cx.address.group.as_deref().unwrap_or_default();
    resource_id(&cx.address.subscription, group, ResourceKind::Machine, &[name])
}

/// What a machine reports of its inside.
pub(crate) fn instance_view(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    let id = id_in_group(cx, name);
    cx.permit(world, "Microsoft.Compute/virtualMachines/instanceView/read", &id)?;
    let machine = require(world, &id)?;
    Ok(Reply::new(200, super::instance_view::of(world, machine, cx.now)))
}

/// The sizes that a machine may be changed to.
pub(crate) fn sizes(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    let id = id_in_group(cx, name);
    cx.permit(world, "Microsoft.Compute/virtualMachines/vmSizes/read", &id)?;
    require(world, &id).map(|_| super::sku::plain())
}

/// Starts, stops, restarts or deallocates a machine.
pub(crate) fn act(cx: &Context<'_>, world: &mut World, name: &str, action: &str) -> OrRefusal<Reply> {
    if action.eq_ignore_ascii_case("simulateEviction") {
        return super::spot::simulate_eviction(cx, world, &id_in_group(cx, name));
    }
    if action.eq_ignore_ascii_case("runCommand") {
        return super::run_action::run(cx, world, &id_in_group(cx, name));
    }
    if action.eq_ignore_ascii_case("generalize") {
        return generalize(cx, world, &id_in_group(cx, name));
    }
    if ["reapply", "redeploy"].iter().any(|word| action.eq_ignore_ascii_case(word)) {
        return renew(cx, world, &id_in_group(cx, name), action);
    }
    let (kind, power) = match action.to_ascii_lowercase().as_str() {
        "start" => (OperationKind::Start, Power::Running),
        "poweroff" => (OperationKind::PowerOff, Power::Stopped),
        "restart" => (OperationKind::Restart, Power::Running),
        "deallocate" => (OperationKind::Deallocate, Power::Deallocated),
        _ => return Err(Refusal::not_emulated()),
    };
    let id = id_in_group(cx, name);
    cx.permit(world, &format!("Microsoft.Compute/virtualMachines/{action}/action"), &id)?;
    begin_power(cx, world, &id, (kind, power))
}

/// Declares the disk of a machine to be an image. The machine must not run, and never will again.
fn generalize(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Compute/virtualMachines/generalize/action", id)?;
    let machine = require(world, id)?;
    if machine.operation.is_some() {
        return Err(busy(cx, world, machine));
    }
    if machine.machine().is_some_and(|inner| inner.power == Power::Running) {
        let text = format!("Operation 'generalize' is not allowed on VM '{}' since the VM is running.", machine.name());
        return Err(Refusal::new(409, "OperationNotAllowed", text));
    }
    if let Some(inner) = world.arm.get_mut(id).and_then(Resource::machine_mut) {
        inner.generalized = true;
    }
    Ok(Reply::new(200, Value::Null))
}

/// Sets a machine up again: on its host, or on another one, on which it starts anew if it ran.
fn renew(cx: &Context<'_>, world: &mut World, id: &str, action: &str) -> OrRefusal<Reply> {
    cx.permit(world, &format!("Microsoft.Compute/virtualMachines/{action}/action"), id)?;
    let machine = require(world, id)?;
    if machine.operation.is_some() {
        return Err(busy(cx, world, machine));
    }
    let power = machine.machine().map_or(Power::Running, |inner| inner.power);
    let moves = action.eq_ignore_ascii_case("redeploy") && power != Power::Creating;
    let (kind, work) = if moves {
        (OperationKind::Restart, Work::Power(power))
    } else {
        (OperationKind::MachineUpdate, Work::Provision)
    };
    let (location, id) = (machine.location.clone(), machine.id.clone());
    let start = Start { kind, subject: &id, work, namespace: "Microsoft.Compute", location: &location };
    let operation = cx.start(world, start);
    if let Some(resource) = world.arm.get_mut(&id) {
        resource.state = ProvisioningState::Updating;
        resource.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}

fn begin_power(
    cx: &Context<'_>,
    world: &mut World,
    id: &str,
    (kind, power): (OperationKind, Power),
) -> OrRefusal<Reply> {
    let machine = require(world, id)?;
    if machine.operation.is_some() {
        return Err(busy(cx, world, machine));
    }
    let inner = machine.machine();
    if kind == OperationKind::Start && inner.is_some_and(|inner| inner.generalized) {
        let text = format!("Operation 'start' is not allowed on VM '{}' since the VM is generalized.", machine.name());
        return Err(Refusal::new(409, "OperationNotAllowed", text));
    }
    if kind == OperationKind::Restart && inner.is_some_and(|inner| inner.power != Power::Running) {
        return Err(Refusal::new(
            409,
            "OperationNotAllowed",
            "Operation 'restart' is not allowed since the VM is not running. To learn more about the current power state, see https://aka.ms/vmpowerstates.",
        ));
    }
    let size = machine.text("properties/hardwareProfile/vmSize").and_then(size_named);
    let (location, id) = (machine.location.clone(), machine.id.clone());
    // A deallocated machine uses no cores, so starting it takes them from the quota again.
    if let (OperationKind::Start, Some(size), true) = (kind, size, inner.is_some_and(|inner| inner.is_deallocated())) {
        usage::require_cores(cx, world, &Need { location: &location, size, machine: &id })?;
    }
    let start =
        Start { kind, subject: &id, work: Work::Power(power), namespace: "Microsoft.Compute", location: &location };
    let operation = cx.start(world, start);
    if let Some(resource) = world.arm.get_mut(&id) {
        resource.state = ProvisioningState::Updating;
        resource.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}

/// Begins to delete a machine. A creation that is still running gives way.
pub(crate) fn delete(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Reply> {
    let Some(machine) = world.arm.get(id) else { return Ok(Reply::new(204, Value::Null)) };
    let (id, location, running, state) =
        (machine.id.clone(), machine.location.clone(), machine.operation, machine.state);
    if state == ProvisioningState::Deleting
        && let Some(running) = running
    {
        return Ok(Reply::new(202, Value::Null).operation(running, PollAddresses::Both));
    }
    // Deleting is the way out of a creation that hangs, so it is not refused as busy.
    if let Some(running) = running {
        preempt(world, running, cx.now);
    }
    let start = Start {
        kind: OperationKind::MachineDelete,
        subject: &id,
        work: Work::DeleteMachine,
        namespace: "Microsoft.Compute",
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(resource) = world.arm.get_mut(&id) {
        resource.state = ProvisioningState::Deleting;
        resource.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}

/// Makes the disks that come with a machine, and fills in their ids.
pub(crate) fn make_disks(cx: &Context<'_>, world: &mut World, machine: &str, storage: &mut Map<String, Value>) {
    let (Some(resource), Some(group)) = (world.arm.get(machine), cx.address.group.as_deref()) else { return };
    let (location, zones) = (resource.location.clone(), resource.document.get("zones").cloned());
    // All disks of a machine share one suffix, as in reality.
    let suffix = world.dice.guid().simple().to_string();
    let name = last(machine).to_owned();
    let mut disks: Vec<&mut Value> = Vec::new();
    let mut rest = Vec::new();
    for (field, value) in storage.iter_mut() {
        match (field.as_str(), value) {
            ("osDisk", disk) => disks.push(disk),
            ("dataDisks", Value::Array(items)) => rest.extend(items.iter_mut()),
            _ => {}
        }
    }
    disks.extend(rest);
    for (index, disk) in disks.into_iter().enumerate() {
        let Some(map) = disk.as_object_mut() else { continue };
        if map.get("createOption").and_then(Value::as_str) == Some("Attach") {
            continue;
        }
        let kind = if index == 0 { "OsDisk" } else { "disk" };
        let usual = format!("{name}_{kind}_{}_{suffix}", index.max(1));
        let disk_name = map.get("name").and_then(Value::as_str).map_or(usual, str::to_owned);
        let id = resource_id(&cx.address.subscription, group, ResourceKind::Disk, &[&disk_name]);
        let tier = map
            .get("managedDisk")
            .and_then(|disk| disk.get("storageAccountType")?.as_str())
            .unwrap_or("Premium_LRS")
            .to_owned();
        let size = map.get("diskSizeGB").and_then(Value::as_u64).unwrap_or(30);
        map.insert("name".to_owned(), json!(disk_name));
        map.insert("diskSizeGB".to_owned(), json!(size));
        // The service's default, by which a disk outlives its machine.
        map.entry("deleteOption").or_insert(json!("Detach"));
        map.entry("caching").or_insert(json!("ReadWrite"));
        map.insert("managedDisk".to_owned(), json!({"id": id, "storageAccountType": tier}));
        let disk =
            NewDisk { id, location: &location, tier: &tier, size, zones: zones.as_ref(), machine, os: index == 0 };
        add_disk(cx, world, disk);
    }
}

struct NewDisk<'a> {
    id: String,
    location: &'a str,
    tier: &'a str,
    size: u64,
    zones: Option<&'a Value>,
    machine: &'a str,
    os: bool,
}

fn add_disk(cx: &Context<'_>, world: &mut World, disk: NewDisk<'_>) {
    let mut document = Map::new();
    document.insert("name".to_owned(), json!(last(&disk.id)));
    document.insert("id".to_owned(), json!(disk.id));
    document.insert("type".to_owned(), json!(ResourceKind::Disk.full()));
    document.insert("location".to_owned(), json!(disk.location));
    document.insert("sku".to_owned(), json!({"name": disk.tier}));
    if let Some(zones) = disk.zones {
        document.insert("zones".to_owned(), zones.clone());
    }
    document.insert("managedBy".to_owned(), json!(disk.machine));
    let mut properties = json!({
        "diskSizeGB": disk.size,
        "diskState": "Attached",
        "uniqueId": world.dice.guid(),
        "timeCreated": rfc3339(cx.now.wall),
        "creationData": {"createOption": if disk.os { "FromImage" } else { "Empty" }},
    });
    if let (true, Some(map)) = (disk.os, properties.as_object_mut()) {
        map.insert("osType".to_owned(), json!("Linux"));
    }
    document.insert("properties".to_owned(), properties);
    let mut resource = Resource::new(ResourceKind::Disk, disk.id, disk.location, cx.now, Some(cx.caller.object_id()));
    resource.document = document;
    world.arm.insert(resource, Some(disk.machine));
}

/// The machine a disk is attached to, if it is still there.
pub(crate) fn holder_of<'a>(world: &'a World, disk: &Resource) -> Option<&'a Resource> {
    world.arm.get(disk.document.get("managedBy")?.as_str()?)
}

/// Refuses accelerated networking at a size that cannot do it. It is a property of the interface.
pub(crate) fn check_accelerated(cx: &Context<'_>, world: &World, size: &Size) -> OrRefusal<()> {
    let list = cx.at("/properties/networkProfile/networkInterfaces").and_then(Value::as_array);
    let mut ids = list.into_iter().flatten().filter_map(|nic| nic.get("id")?.as_str());
    let accelerated = |id: &str| {
        let nic = world.arm.get(id);
        nic.and_then(|nic| nic.at("properties/enableAcceleratedNetworking")) == Some(&Value::Bool(true))
    };
    match ids.find(|id| accelerated(id)) {
        Some(id) if !size.is_accelerated() => Err(Refusal::new(
            400,
            "VMSizeIsNotPermittedToEnableAcceleratedNetworking",
            format!(
                "The virtual machine has size {}, which is not compatible with enabling accelerated networking on network interface(s) on the VM. Network interface: {id}.",
                size.name
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses interfaces that are not there, not the caller's, in another machine or kept for another one.
pub(crate) fn check_interfaces(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<()> {
    let list = cx.at("/properties/networkProfile/networkInterfaces").and_then(Value::as_array);
    let list: Vec<&str> = list.into_iter().flatten().filter_map(|nic| nic.get("id")?.as_str()).collect();
    if list.is_empty() {
        return Err(Refusal::parameter(
            "networkProfile",
            "Required parameter 'networkProfile.networkInterfaces' is missing (null).",
        ));
    }
    for nic_id in list {
        nic::require_reference(cx, world, id, nic_id)?;
        let Some(nic) = world.arm.get(nic_id) else { continue };
        if let Some(other) = nic::machine_of(world, nic_id).filter(|other| !same_id(&other.id, id)) {
            return Err(Refusal::new(
                400,
                "NicInUse",
                format!(
                    "Network Interface {} is used by existing resource {}. A network interface can be attached to one virtual machine only.",
                    nic.id, other.id
                ),
            ));
        }
        if let Some(other) = nic::reserved_for(nic, cx.now).filter(|other| !same_id(other, id)) {
            return Err(nic::reserved(other));
        }
    }
    Ok(())
}
