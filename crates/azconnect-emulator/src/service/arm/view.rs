//! Resources as they are shown.

use serde_json::{Map, Value, json};

use super::network;
use super::network::nic;
use crate::model::arm::address::parent_id;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::resource::Resource;
use crate::model::world::World;

/// A resource, with its state and what follows from others.
pub(crate) fn render(world: &World, resource: &Resource) -> Value {
    let mut document = resource.document.clone();
    let mut properties = match document.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    properties.insert("provisioningState".to_owned(), json!(resource.state.name()));
    let reference = |ids: Vec<String>| -> Value { ids.into_iter().map(|id| json!({"id": id})).collect() };
    match resource.kind() {
        ResourceKind::VirtualNetwork => {
            if let Some(Value::Array(subnets)) = properties.get_mut("subnets") {
                for subnet in subnets {
                    complete_subnet(world, resource, subnet);
                }
            }
        }
        ResourceKind::SecurityGroup => {
            for (field, users) in [
                ("networkInterfaces", nic::interfaces_of_group(world, &resource.id)),
                ("subnets", nic::subnets_of_group(world, &resource.id)),
            ] {
                if !users.is_empty() {
                    properties.insert(field.to_owned(), reference(users));
                }
            }
        }
        ResourceKind::PublicIp => {
            if let Some(user) = nic::configuration_with(world, "publicIPAddress", &resource.id) {
                properties.insert("ipConfiguration".to_owned(), json!({"id": user}));
            }
        }
        ResourceKind::Nic => {
            if let Some(machine) = nic::machine_of(world, &resource.id) {
                properties.insert("virtualMachine".to_owned(), json!({"id": machine.id}));
                properties.insert("primary".to_owned(), json!(true));
            }
        }
        ResourceKind::Machine => {
            let extensions = world.arm.below(&resource.id, ResourceKind::Extension);
            let extensions: Vec<Value> = extensions.map(|extension| render(world, extension)).collect();
            if !extensions.is_empty() {
                document.insert("resources".to_owned(), Value::Array(extensions));
            }
        }
        ResourceKind::Deployment if resource.operation.is_some() => {
            properties.insert("provisioningState".to_owned(), json!("Running"));
        }
        _ => {}
    }
    document.insert("properties".to_owned(), Value::Object(properties));
    if resource.kind().namespace() == "Microsoft.Network" {
        document.insert("etag".to_owned(), json!(format!("W/\"{}\"", resource.etag)));
    }
    Value::Object(document)
}

/// An item inside another resource.
pub(crate) fn render_embedded(world: &World, id: &str) -> Option<Value> {
    let parent = world.arm.get(parent_id(id))?;
    let mut item = network::embedded(world, id)?.clone();
    if parent.kind() == ResourceKind::VirtualNetwork {
        complete_subnet(world, parent, &mut item);
    }
    if let Some(map) = item.as_object_mut() {
        map.insert("etag".to_owned(), json!(format!("W/\"{}\"", parent.etag)));
    }
    Some(item)
}

fn complete_subnet(world: &World, network: &Resource, subnet: &mut Value) {
    let id = subnet.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let users = nic::configurations_with(world, "subnet", &id);
    if let Some(Value::Object(properties)) = subnet.get_mut("properties") {
        properties.insert("provisioningState".to_owned(), json!(network.state.name()));
        if !users.is_empty() {
            let list: Value = users.into_iter().map(|id| json!({"id": id})).collect();
            properties.insert("ipConfigurations".to_owned(), list);
        }
    }
}
