//! The older run command: an action whose result is in the operation, and the list of commands there are.

use serde_json::{Value, json};

use super::extension::require_running;
use super::run_command::answer_of;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::same;
use crate::model::arm::offers::region_named;
use crate::model::arm::operation::Work;
use crate::model::world::World;
use crate::service::arm::context::{Context, PollAddresses, Reply};
use crate::service::arm::list;
use crate::service::arm::operation::Start;
use crate::service::arm::resource::require;
use crate::service::arm::write::busy;

/// The commands there are: id, system, label and description.
const COMMANDS: [(&str, &str, &str, &str); 4] = [
    ("RunShellScript", "Linux", "RunShellScript", "Executes a Linux shell script"),
    ("ifconfig", "Linux", "List network configuration", "Get the configuration of all network interfaces."),
    ("RunPowerShellScript", "Windows", "RunPowerShellScript", "Executes a PowerShell script"),
    ("IPConfig", "Windows", "List IP configuration", "Shows detailed information for the IP address."),
];

/// Sends a script, or a command that needs none, and answers with the operation.
pub(crate) fn run(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Compute/virtualMachines/runCommand/action", id)?;
    let machine = require(world, id)?;
    let Some(command) = cx.text("/commandId") else {
        return Err(Refusal::parameter("commandId", "Required parameter 'commandId' is missing (null)."));
    };
    let Some((known, ..)) = COMMANDS.iter().find(|(known, ..)| same(known, command)) else {
        let text = format!("The run command '{command}' was not found.");
        return Err(Refusal::new(404, "RunCommandNotFound", text).at("commandId"));
    };
    if machine.operation.is_some() {
        return Err(busy(cx, world, machine));
    }
    let (id, location) = (machine.id.clone(), machine.location.clone());
    require_running(world, &id)?;
    let lines = cx.at("/script").and_then(Value::as_array);
    let script: Vec<&str> = lines.into_iter().flatten().filter_map(Value::as_str).collect();
    let script = if script.is_empty() { (*known).to_owned() } else { script.join("\n") };
    let (ends, message) = answer_of(world, &id, &script, cx.now);
    let answer = json!({"value": [{
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "message": message,
    }]});
    let start = Start {
        kind: OperationKind::RunCommand,
        subject: &id,
        work: Work::Answer(answer),
        namespace: "Microsoft.Compute",
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(operation) = world.arm.operations.get_mut(&operation)
        && operation.failure.is_none()
    {
        operation.ends = operation.ends.max(ends);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}

/// Lists the commands there are.
pub(crate) fn commands(cx: &Context<'_>, world: &World, location: &str) -> OrRefusal<Reply> {
    known_region(cx, world, location)?;
    let items = COMMANDS.iter().map(document).collect();
    Ok(list::page(cx, world, items))
}

pub(crate) fn command(cx: &Context<'_>, world: &World, (location, id): (&str, &str)) -> OrRefusal<Reply> {
    known_region(cx, world, location)?;
    let found = COMMANDS.iter().find(|(known, ..)| same(known, id));
    let Some(found) = found else {
        return Err(Refusal::new(404, "RunCommandNotFound", format!("The run command '{id}' was not found.")));
    };
    let mut body = document(found);
    if let Some(map) = body.as_object_mut() {
        map.insert("script".to_owned(), json!([]));
        map.insert("parameters".to_owned(), json!([]));
    }
    Ok(Reply::new(200, body))
}

fn known_region(cx: &Context<'_>, world: &World, location: &str) -> OrRefusal<()> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    cx.permit(world, "Microsoft.Compute/locations/runCommands/read", &scope)?;
    let unknown = || Refusal::new(400, "InvalidLocation", format!("The location '{location}' is not a known one."));
    region_named(location).map(|_| ()).ok_or_else(unknown)
}

fn document((id, system, label, description): &(&str, &str, &str, &str)) -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2016-11-17/runcommands.json",
        "id": id,
        "osType": system,
        "label": label,
        "description": description,
    })
}
