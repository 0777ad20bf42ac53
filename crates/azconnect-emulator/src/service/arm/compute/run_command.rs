//! Run commands: scripts that the guest agent executes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::disk_members::RUN_COMMAND;
use super::extension::require_running;
use crate::base::moment::{Moment, rfc3339};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, parent_id};
use crate::model::arm::agent::CommandOutcome;
use crate::model::arm::failure::Failure;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Content, Resource, Run};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::write::{Write, properties};
use crate::service::arm::{members, view};

/// The usual limit of a script.
const USUAL_TIMEOUT: Duration = Duration::from_secs(90 * 60);

/// Sends a command to a machine.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, RUN_COMMAND)?;
    let target = cx.prepare(world, ResourceKind::RunCommand, names)?;
    let mut shown_properties = properties(&cx.body);
    for hidden in ["protectedParameters", "runAsPassword"] {
        shown_properties.remove(hidden);
    }
    if target.same_running.is_some() {
        return Ok(cx.write(world, &target, write(shown_properties)));
    }
    let machine = parent_id(&target.id).to_owned();
    if script_of(&cx.body).is_none() {
        return Err(Refusal::parameter("source", "Required parameter 'source' is missing (null)."));
    }
    require_running(world, &machine)?;
    shown_properties.insert("timeoutInSeconds".to_owned(), json!(timeout_of(&cx.body).as_secs()));
    let reply = cx.write(world, &target, write(shown_properties));
    let Some(id) = reply.operation else { return Ok(reply) };
    schedule(cx, world, &target.id, &machine, id);
    let body = world.arm.get(&target.id).map_or(Value::Null, |resource| view::render(world, resource));
    Ok(Reply { body, ..reply })
}

fn write(properties: Map<String, Value>) -> Write {
    Write { operation: OperationKind::RunCommand, work: Work::Provision, properties, at_once: false }
}

/// Sets when the script ends, and with it the operation, unless the caller does not wait for it.
fn schedule(cx: &Context<'_>, world: &mut World, id: &str, machine: &str, operation: uuid::Uuid) {
    let asked = cx.body.clone();
    let usual = world.settings.resource_manager.duration(OperationKind::RunCommand);
    let end = end_of(world, machine, &asked, cx.now).saturating_add(usual);
    // Without waiting, the operation says only that the script was sent; the instance view tells how it went.
    let waits = cx.at("/properties/asyncExecution") != Some(&json!(true));
    let name = last(id).to_owned();
    // A script that fails is a success of the operation, unless the caller asks for the contrary.
    let strict = cx.at("/properties/treatFailureAsDeploymentFailure") == Some(&json!(true));
    let failing = strict && waits && {
        let outcome = world.arm.get(machine).and_then(|machine| outcome_at(machine, &asked, end));
        outcome.is_none_or(|outcome| outcome.exit_code != 0)
    };
    if let Some(resource) = world.arm.get_mut(id) {
        resource.content = Content::RunCommand(Some(Run { sent: cx.now, ends: end }));
    }
    if let Some(operation) = world.arm.operations.get_mut(&operation) {
        if waits && operation.failure.is_none() {
            operation.ends = end;
        }
        if failing && operation.failure.is_none() {
            let message = format!(
                "Run command '{name}' failed: the script ended with an exit code other than 0, or in time out."
            );
            operation.failure =
                Some(Failure::new("VMRunCommandExecutionFailed").with_message(message).with_status(409).in_operation());
        }
    }
}

fn script_of(body: &Value) -> Option<&str> {
    let source = body.pointer("/properties/source")?;
    let text = source.get("script").or_else(|| source.get("commandId")).or_else(|| source.get("scriptUri"));
    text?.as_str()
}

fn timeout_of(body: &Value) -> Duration {
    body.pointer("/properties/timeoutInSeconds").and_then(Value::as_u64).map_or(USUAL_TIMEOUT, Duration::from_secs)
}

/// When a script that is sent now ends: when the guest agent answers, and what it waits for has come.
fn end_of(world: &World, machine: &str, body: &Value, now: Moment) -> Duration {
    let limit = now.elapsed.saturating_add(timeout_of(body));
    let Some(resource) = world.arm.get(machine) else { return limit };
    let Some(ready) = resource.machine().and_then(|inner| inner.agent_ready()) else { return limit };
    let begins = ready.max(now.elapsed);
    let inner = resource.machine();
    let guest = inner.and_then(|inner| inner.guest(&resource.id, begins));
    let time = guest.and_then(|guest| guest.time_of(script_of(body).unwrap_or_default()));
    time.map_or(limit, |time| begins.saturating_add(time).min(limit))
}

/// What a script says when it ends at a moment; nothing if it ran out of time.
fn outcome_at(machine: &Resource, body: &Value, end: Duration) -> Option<CommandOutcome> {
    let guest = machine.machine()?.guest(&machine.id, end)?;
    let script = script_of(body)?;
    guest.time_of(script).filter(Duration::is_zero)?;
    Some(guest.execute(script))
}

/// When a script that is sent now ends, and what the older run command says of it: both outputs in one text.
pub(crate) fn answer_of(world: &World, machine: &str, script: &str, now: Moment) -> (Duration, String) {
    let body = json!({"properties": {"source": {"script": script}}});
    let end = end_of(world, machine, &body, now);
    let outcome = world.arm.get(machine).and_then(|machine| outcome_at(machine, &body, end));
    let outcome = outcome.unwrap_or_else(|| CommandOutcome::new(-1, ""));
    let text = format!("Enable succeeded: \n[stdout]\n{}\n[stderr]\n{}", tail(&outcome.output), tail(&outcome.error));
    (end, text)
}

/// The instance view of a run command.
pub(crate) fn view(world: &World, command: &Resource, now: Moment) -> Value {
    let Content::RunCommand(Some(Run { sent, ends: end })) = command.content else { return Value::Null };
    let started = rfc3339(sent.wall);
    if now.elapsed < end {
        return json!({
            "executionState": "Running", "executionMessage": "", "exitCode": 0, "output": "", "error": "",
            "startTime": started, "statuses": [],
        });
    }
    let ended = rfc3339(now.at(end).wall);
    let machine = world.arm.get(parent_id(&command.id));
    let outcome = machine.and_then(|machine| outcome_at(machine, &command.asked, end));
    let (state, message, outcome) = match outcome {
        None => ("TimedOut", "Execution timed out", CommandOutcome::new(-1, "")),
        Some(outcome) if outcome.exit_code == 0 => ("Succeeded", "Execution completed", outcome),
        Some(outcome) => ("Failed", "Execution failed: command terminated with a non-zero exit status", outcome),
    };
    json!({
        "executionState": state,
        "executionMessage": message,
        "exitCode": outcome.exit_code,
        "output": tail(&outcome.output),
        "error": tail(&outcome.error),
        "startTime": started,
        "endTime": ended,
        "statuses": [],
    })
}

/// The last 4 KB: the service shows no more.
fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(4096);
    // The cut must not fall inside a character.
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

/// A run command as it is shown, with its outcome if the caller asks for it.
pub(crate) fn render(world: &World, command: &Resource, cx: &Context<'_>) -> Value {
    let mut shown = view::render(world, command);
    let Some(Value::Object(properties)) = shown.get_mut("properties") else { return shown };
    if cx.call.query.get("$expand").is_some_and(|expand| expand.eq_ignore_ascii_case("instanceView")) {
        properties.insert("instanceView".to_owned(), view(world, command, cx.now));
    }
    shown
}
