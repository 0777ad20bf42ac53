//! The state of a running machine, as its host and its guest agent tell it.

use serde_json::{Value, json};

use crate::base::moment::{Moment, rfc3339};
use crate::model::arm::address::same_id;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::machine::Power;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;

/// The instance view of a machine.
pub(crate) fn of(world: &World, machine: &Resource, now: Moment) -> Value {
    let provisioning = match machine.state {
        ProvisioningState::Creating => ("creating", "Creating"),
        ProvisioningState::Updating => ("updating", "Updating"),
        ProvisioningState::Deleting => ("deleting", "Deleting"),
        ProvisioningState::Succeeded => ("succeeded", "Provisioning succeeded"),
        ProvisioningState::Failed | ProvisioningState::Canceled => ("failed", "Provisioning failed"),
    };
    let level =
        if matches!(machine.state, ProvisioningState::Failed | ProvisioningState::Canceled) { "Error" } else { "Info" };
    let mut statuses = vec![json!({
        "code": format!("ProvisioningState/{}", provisioning.0),
        "level": level,
        "displayStatus": provisioning.1,
        "time": rfc3339(now.wall),
    })];
    let mut view = json!({"hyperVGeneration": "V2"});
    let Some(map) = view.as_object_mut() else { return view };
    if let Some(inner) = machine.machine() {
        let failed = inner.power == Power::Creating && level == "Error";
        if !failed {
            let (code, words) = inner.power.status();
            statuses.push(json!({"code": code, "level": "Info", "displayStatus": words}));
        }
        if inner.generalized {
            statuses.push(json!({"code": "OSState/generalized", "level": "Info", "displayStatus": "VM generalized"}));
        }
        // Name and system are told by the guest agent, so they are absent until it answers.
        if inner.agent_ready().is_some_and(|ready| ready <= now.elapsed) {
            let name = machine.text("properties/osProfile/computerName").unwrap_or(machine.name());
            map.insert("computerName".to_owned(), json!(name));
            map.insert("osName".to_owned(), json!("ubuntu"));
            map.insert("osVersion".to_owned(), json!("24.04"));
        }
        if inner.power == Power::Running {
            map.insert("vmAgent".to_owned(), agent(world, machine, now));
        }
    }
    let disks: Vec<Value> = world
        .arm
        .of_kind(ResourceKind::Disk)
        .filter(|disk| disk.text("managedBy").is_some_and(|id| same_id(id, &machine.id)))
        .map(|disk| {
            json!({"name": disk.name(), "statuses": [{
                "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
            }]})
        })
        .collect();
    map.insert("disks".to_owned(), json!(disks));
    let extensions: Vec<Value> =
        world.arm.below(&machine.id, ResourceKind::Extension).map(|one| super::extension::view(world, one)).collect();
    if !extensions.is_empty() {
        map.insert("extensions".to_owned(), json!(extensions));
    }
    map.insert("statuses".to_owned(), json!(statuses));
    view
}

fn agent(world: &World, machine: &Resource, now: Moment) -> Value {
    let ready = machine.machine().and_then(|inner| inner.agent_ready()).is_some_and(|at| at <= now.elapsed);
    let handlers: Vec<Value> = world
        .arm
        .below(&machine.id, ResourceKind::Extension)
        .map(|extension| {
            let publisher = extension.text("properties/publisher").unwrap_or_default();
            let kind = extension.text("properties/type").unwrap_or_default();
            json!({
                "type": format!("{publisher}.{kind}"),
                "typeHandlerVersion": "2.1.10",
                "status": {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready", "message": "Plugin enabled"},
            })
        })
        .collect();
    let (word, message) = if ready {
        ("Ready", "Guest Agent is running")
    } else {
        ("Not Ready", "VM status blob is found but not yet populated.")
    };
    json!({
        "vmAgentVersion": if ready { "2.14.0.1" } else { "Unknown" },
        "extensionHandlers": handlers,
        "statuses": [{
            "code": if ready { "ProvisioningState/succeeded" } else { "ProvisioningState/Unavailable" },
            "level": if ready { "Info" } else { "Warning" },
            "displayStatus": word,
            "message": message,
            "time": rfc3339(now.wall),
        }],
    })
}
