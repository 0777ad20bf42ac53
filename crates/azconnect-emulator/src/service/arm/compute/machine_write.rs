//! Creating and changing virtual machines.

use serde_json::{Map, Value, json};

use super::identity;
use super::machine::{check_accelerated, check_interfaces, make_disks};
use super::machine_check::{check, check_size};
use super::machine_members::{MACHINE, MACHINE_WORDS};
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::last;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::machine::Power;
use crate::model::arm::offers::Size;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::Resource;
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::members::Provider;
use crate::service::arm::resource::require;
use crate::service::arm::usage::Need;
use crate::service::arm::write::{Target, Write, properties};
use crate::service::arm::{members, usage, view, write};

/// Creates a machine, or changes an existing one.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, MACHINE)?;
    members::check_words(Provider::Compute, &cx.body, MACHINE_WORDS)?;
    let target = cx.prepare(world, ResourceKind::Machine, names)?;
    if target.same_running.is_some() {
        return Ok(cx.write(world, &target, update(Map::new())));
    }
    let size = check_size(cx, world, &target.location)?;
    if target.exists {
        return change(cx, world, &target, size);
    }
    let (image, user_data) = check(cx, world, &target)?;
    check_interfaces(cx, world, &target.id)?;
    check_accelerated(cx, world, size)?;
    let mut shown_properties = visible(properties(&cx.body));
    if let Some(Value::Object(storage)) = shown_properties.get_mut("storageProfile")
        && let (Some(image), Some(Value::Object(reference))) = (image, storage.get_mut("imageReference"))
    {
        if let Some(version) = image.version {
            reference.insert("exactVersion".to_owned(), json!(version));
        }
        if let Some(Value::Object(disk)) = storage.get_mut("osDisk") {
            disk.insert("osType".to_owned(), json!(if image.windows { "Windows" } else { "Linux" }));
        }
    }
    shown_properties.insert("vmId".to_owned(), json!(world.dice.guid()));
    shown_properties.insert("timeCreated".to_owned(), json!(rfc3339(cx.now.wall)));
    let write = Write {
        operation: OperationKind::MachineCreate,
        work: Work::CreateMachine,
        properties: shown_properties,
        at_once: false,
    };
    let reply = cx.write(world, &target, write);
    finish_creation(cx, world, &target.id, user_data);
    let body = world.arm.get(&target.id).map_or(Value::Null, |resource| view::render(world, resource));
    Ok(Reply { body, ..reply })
}

fn update(properties: Map<String, Value>) -> Write {
    Write { operation: OperationKind::MachineUpdate, work: Work::Provision, properties, at_once: false }
}

/// Adds disks, identity and the inside to a machine that was just written.
fn finish_creation(cx: &Context<'_>, world: &mut World, id: &str, user_data: Option<Vec<u8>>) {
    let agent = world.arm.agent_for(last(id));
    let principal = world.dice.guid();
    let Some(resource) = world.arm.get_mut(id) else { return };
    if let Some(machine) = resource.machine_mut() {
        machine.user_data = user_data;
        machine.custom_data = cx.text("/properties/osProfile/customData").map(str::to_owned);
        machine.agent = agent;
        machine.admin_password = cx.text("/properties/osProfile/adminPassword").map(str::to_owned);
    }
    if let Some(identity) = resource.document.get_mut("identity") {
        *identity = identity::shown(identity, principal, cx.caller.tenant);
    }
    let mut storage = match resource.properties().and_then(|properties| properties.remove("storageProfile")) {
        Some(Value::Object(storage)) => storage,
        _ => Map::new(),
    };
    make_disks(cx, world, id, &mut storage);
    if let Some(resource) = world.arm.get_mut(id) {
        resource.set("storageProfile", Value::Object(storage));
    }
}

/// The properties without what is never shown.
fn visible(mut properties: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(system)) = properties.get_mut("osProfile") {
        for hidden in ["customData", "adminPassword", "secrets"] {
            system.remove(hidden);
        }
        system.insert("allowExtensionOperations".to_owned(), json!(true));
        system.insert("requireGuestProvisionSignal".to_owned(), json!(true));
        system.insert("secrets".to_owned(), json!([]));
    }
    properties.remove("userData");
    properties
}

/// What may not change after the creation, as the body writes it.
const FIXED: &[&str] = &[
    "osProfile/adminUsername",
    "osProfile/computerName",
    "osProfile/customData",
    "storageProfile/imageReference/sku",
    "storageProfile/imageReference/offer",
    "storageProfile/osDisk/name",
];

fn change(cx: &Context<'_>, world: &mut World, target: &Target, size: &'static Size) -> OrRefusal<Reply> {
    let Some(resource) = world.arm.get(&target.id) else {
        return Err(Refusal::new(404, "ResourceNotFound", "The machine is gone."));
    };
    for path in FIXED {
        let Some(new) = cx.text(&format!("/properties/{path}")) else { continue };
        let old = match *path {
            "osProfile/customData" => resource.machine().and_then(|machine| machine.custom_data.as_deref()),
            path => resource.text(&format!("properties/{path}")),
        };
        if old != Some(new) {
            let name = path.replace('/', ".");
            return Err(Refusal::new(
                409,
                "PropertyChangeNotAllowed",
                format!("Changing property '{name}' is not allowed."),
            )
            .at(&name));
        }
    }
    if let (Some(new), Some(old)) = (cx.at("/zones"), resource.document.get("zones"))
        && new != old
    {
        return Err(
            Refusal::new(409, "PropertyChangeNotAllowed", "Changing property 'zones' is not allowed.").at("zones")
        );
    }
    let mut merged = resource.document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    usage::require_cores(cx, world, &Need { location: &target.location, size, machine: &target.id })?;
    merge(&mut merged, &visible(properties(&cx.body)));
    // A machine whose creation failed never ran: the same request tries again.
    let failed = world.arm.get(&target.id).and_then(Resource::machine);
    if failed.is_some_and(|machine| machine.power == Power::Creating) {
        check_interfaces(cx, world, &target.id)?;
        let (operation, work) = (OperationKind::MachineCreate, Work::CreateMachine);
        return Ok(cx.write(world, target, Write { operation, work, properties: merged, at_once: false }));
    }
    Ok(cx.write(world, target, update(merged)))
}

/// Changes some fields of a machine.
pub(crate) fn patch(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, MACHINE)?;
    members::check_words(Provider::Compute, &cx.body, MACHINE_WORDS)?;
    let id = cx.address.group_id().unwrap_or_default();
    let id = format!("{id}/providers/Microsoft.Compute/virtualMachines/{}", names.first().copied().unwrap_or_default());
    let machine = require(world, &id)?;
    let (location, id) = (machine.location.clone(), machine.id.clone());
    if machine.operation.is_some() {
        return Err(write::busy(cx, world, machine));
    }
    if cx.at("/properties/hardwareProfile/vmSize").is_some() {
        let size = check_size(cx, world, &location)?;
        usage::require_cores(cx, world, &Need { location: &location, size, machine: &id })?;
    }
    let machine = require(world, &id)?;
    let mut merged = machine.document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    merge(&mut merged, &visible(properties(&cx.body)));
    let target = Target { id, kind: ResourceKind::Machine, exists: true, location, same_running: None };
    Ok(cx.write(world, &target, update(merged)))
}

/// Lays an object over another. `null` removes, lists are replaced.
fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (under.get_mut(name), value) {
            (_, Value::Null) => {
                under.remove(name);
            }
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => {
                under.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_removes_and_replaces() {
        let mut under = json!({"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}).as_object().cloned().unwrap();
        merge(&mut under, json!({"a": {"b": 9}, "d": [3], "e": null}).as_object().unwrap());
        assert_eq!(Value::Object(under), json!({"a": {"b": 9, "c": 2}, "d": [3]}));
    }
}
