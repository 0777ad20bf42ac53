//! Extensions of virtual machines.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, parent_id, same, same_id};
use crate::model::arm::agent::AgentOutcome;
use crate::model::arm::failure::Failure;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::machine::Power;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;
use crate::service::arm::context::{Admitted, Context, Reply};
use crate::service::arm::members::{self, Members};
use crate::service::arm::resource::require;
use crate::service::arm::write::{Write, properties};

/// How long the service waits for an extension before the operation fails.
const TIME_LIMIT: Duration = Duration::from_secs(90 * 60);

/// The members of an extension's body, as Microsoft's specification of the API names them.
const EXTENSION: &[Members] = &[
    ("", "ResourceDefinition", &["id", "name", "type", "location", "tags", "properties"]),
    (
        "properties",
        "VirtualMachineExtensionProperties",
        &[
            "autoUpgradeMinorVersion",
            "enableAutomaticUpgrade",
            "forceUpdateTag",
            "instanceView",
            "protectedSettings",
            "protectedSettingsFromKeyVault",
            "provisionAfterExtensions",
            "provisioningState",
            "publisher",
            "settings",
            "suppressFailures",
            "type",
            "typeHandlerVersion",
        ],
    ),
];

/// Installs an extension, or changes it.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, EXTENSION)?;
    let target = cx.prepare(world, ResourceKind::Extension, names)?;
    let mut shown = properties(&cx.body);
    // Taken out before anything is stored: protected settings hold secrets, and no answer shows them.
    let kept = |shown: &mut Map<String, Value>| shown.remove("protectedSettings");
    if target.same_running.is_some() {
        return Ok(cx.write(world, &target, write(shown)));
    }
    let machine = parent_id(&target.id).to_owned();
    let text = |field: &str| cx.text(&format!("/properties/{field}")).unwrap_or_default();
    for field in ["publisher", "type", "typeHandlerVersion"] {
        if text(field).is_empty() {
            return Err(Refusal::parameter(field, format!("Required parameter '{field}' is missing (null).")));
        }
    }
    check_handler(world, &machine, text("publisher"), text("type"))?;
    // One handler of a kind a machine: the guest agent cannot run two.
    let rival = world.arm.below(&machine, ResourceKind::Extension).find(|other| {
        !same_id(&other.id, &target.id)
            && other.text("properties/publisher").is_some_and(|own| same(own, text("publisher")))
            && other.text("properties/type").is_some_and(|own| same(own, text("type")))
    });
    if rival.is_some() {
        return Err(Refusal::new(
            400,
            "BadRequest",
            format!(
                "Multiple VMExtensions per handler not supported for OS type 'Linux'. VMExtension '{}' with handler '{}.{}' already added or specified in input.",
                last(&target.id),
                text("publisher"),
                text("type")
            ),
        ));
    }
    require_running(world, &machine)?;
    let protected = kept(&mut shown);
    let failure = match told_before(cx, world, &target.id) {
        Some(failure) => Some(failure),
        None => outcome(cx, world, &machine, protected.as_ref()),
    };
    let reply = cx.write(world, &target, write(shown));
    // A failure that a test scripted comes before the one that follows from the script.
    if let (Some(failure), Some(id)) = (failure, reply.operation)
        && let Some(operation) = world.arm.operations.get_mut(&id)
        && operation.failure.is_none()
    {
        if let Some(time) = failure.time {
            operation.ends = operation.started.elapsed.saturating_add(time);
        }
        operation.failure = Some(failure);
    }
    Ok(reply)
}

/// Changes some fields of an extension: what is not sent stays, protected settings included.
pub(crate) fn patch(cx: &Context<'_>, world: &mut World, (id, names): (&str, &[&str])) -> OrRefusal<Reply> {
    let known = require(world, id)?;
    let mut body = known.asked.clone();
    if let (Some(Value::Object(under)), Some(Value::Object(over))) = (body.get_mut("properties"), cx.at("/properties"))
    {
        // Settings are replaced as a whole, as any property of an extension is.
        under.extend(over.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if let (Some(map), Some(tags)) = (body.as_object_mut(), cx.at("/tags")) {
        map.insert("tags".to_owned(), tags.clone());
    }
    let whole = Admitted {
        caller: cx.caller,
        address: cx.address.clone(),
        subscription: cx.subscription,
        body,
        failure: cx.failure,
    };
    put(&Context::new(cx.call, whole), world, names)
}

fn write(properties: Map<String, Value>) -> Write {
    Write { operation: OperationKind::Extension, work: Work::Provision, properties, at_once: false }
}

/// The failure that the machine reported of the very same body. The guest runs a handler again only if its settings or
/// `forceUpdateTag` differ; else it reports what it reported before.
fn told_before(cx: &Context<'_>, world: &World, id: &str) -> Option<Failure> {
    world.arm.get(id).filter(|old| old.state == ProvisioningState::Failed && old.asked == cx.body)?;
    let of_it = world.arm.operations.known().filter(|operation| same_id(&operation.subject, id));
    let failure = of_it.max_by_key(|operation| operation.number)?.failure.clone()?;
    // Any other code is a failure of the service, before the guest was asked.
    failure.refusal.code.starts_with("VMExtension").then_some(Failure { time: None, ..failure })
}

/// Refuses the handler of a custom script that is of the other system.
fn check_handler(world: &World, machine: &str, publisher: &str, kind: &str) -> OrRefusal<()> {
    let windows = require(world, machine)?.text("properties/storageProfile/osDisk/osType") == Some("Windows");
    let wanted = match kind.to_ascii_lowercase().as_str() {
        "customscript" => ("Microsoft.Azure.Extensions", false),
        "customscriptextension" => ("Microsoft.Compute", true),
        _ => return Ok(()),
    };
    if same(publisher, wanted.0) && windows == wanted.1 {
        return Ok(());
    }
    let system = if windows { "Windows" } else { "Linux" };
    let message = format!("The handler '{publisher}.{kind}' could not be found for OS type '{system}'.");
    Err(Refusal::new(404, "ArtifactNotFound", message).at("vmExtension"))
}

/// Refuses what needs a running machine.
pub(crate) fn require_running(world: &World, machine: &str) -> OrRefusal<()> {
    let machine = require(world, machine)?;
    let running = machine.machine().is_some_and(|inner| inner.power == Power::Running);
    if running {
        return Ok(());
    }
    Err(Refusal::new(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running."))
}

/// Why the script of a custom script extension fails, if it does.
fn outcome(cx: &Context<'_>, world: &World, machine: &str, protected: Option<&Value>) -> Option<Failure> {
    let name = cx.address.rest.last().map_or("", String::as_str);
    let text = |field: &str| cx.text(&format!("/properties/{field}")).unwrap_or_default();
    let (publisher, kind) = (text("publisher"), text("type"));
    let windows = same(kind, "CustomScriptExtension");
    if !same(kind, "CustomScript") && !windows {
        return None;
    }
    let failed = |reason: &str| {
        let message = format!(
            "VM has reported a failure when processing extension '{name}' (publisher '{publisher}' and type '{kind}'). Error message: '{reason}'. More information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot. "
        );
        Failure::new("VMExtensionProvisioningError").with_message(message).in_operation()
    };
    let fields = ["commandToExecute", "script", "fileUris"];
    let both = fields.iter().find(|field| {
        cx.at(&format!("/properties/settings/{field}")).is_some()
            && protected.is_some_and(|settings| settings.get(field).is_some())
    });
    if let Some(field) = both {
        return Some(failed(&format!(
            "Enable failed: failed to get configuration: '{field}' was specified both in public and protected settings; it must be specified only once"
        )));
    }
    let has = |field: &str| {
        cx.at(&format!("/properties/settings/{field}")).is_some()
            || protected.is_some_and(|settings| settings.get(field).is_some())
    };
    match (has("commandToExecute"), has("script")) {
        // The handler of Windows knows no script, only a command.
        (true, false) if windows => {}
        (_, _) if windows => {
            return Some(failed(
                "Invalid handler configuration. Exiting. Error Message: Command to execute is empty or invalid",
            ));
        }
        (false, false) => {
            return Some(failed(
                "Enable failed: failed to get configuration: 'commandToExecute' or 'script' is not specified",
            ));
        }
        (true, true) => {
            return Some(failed(
                "Enable failed: failed to get configuration: 'commandToExecute' and 'script' were both specified, but only one is validate at a time",
            ));
        }
        _ => {}
    }
    let script = &world.arm.get(machine)?.machine()?.agent;
    match script.outcome {
        AgentOutcome::Succeeds => None,
        AgentOutcome::Fails(code) if windows => Some(failed(&format!(
            "Command execution finished, but failed because it returned a non-zero exit code of: '{code}'. The command had an error output of: '{}'",
            script.output
        ))),
        AgentOutcome::Fails(code) => Some(failed(&format!(
            "Enable failed: failed to execute command: command terminated with exit status={code}\n[stdout]\n\n[stderr]\n{}",
            script.output
        ))),
        AgentOutcome::Never => {
            let message = format!(
                "Provisioning of VM extension {name} has timed out. Extension provisioning has taken too long to complete. The extension did not report a message. More information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot"
            );
            Some(
                Failure::new("VMExtensionProvisioningTimeout")
                    .with_message(message)
                    .with_time(TIME_LIMIT)
                    .in_operation(),
            )
        }
    }
}

/// An extension in the instance view of its machine.
pub(crate) fn view(world: &World, extension: &Resource) -> Value {
    let publisher = extension.text("properties/publisher").unwrap_or_default();
    let kind = extension.text("properties/type").unwrap_or_default();
    let (code, level, words) = match extension.state {
        ProvisioningState::Succeeded => ("ProvisioningState/succeeded", "Info", "Provisioning succeeded"),
        ProvisioningState::Failed | ProvisioningState::Canceled => {
            ("ProvisioningState/failed/1", "Error", "Provisioning failed")
        }
        _ => ("ProvisioningState/transitioning", "Info", "Transitioning"),
    };
    // The handler of Windows gives what the command put out, however it ended.
    let ended = extension.operation.is_none() && same(kind, "CustomScriptExtension");
    let machine = world.arm.get(parent_id(&extension.id)).and_then(Resource::machine).filter(|_| ended);
    let substatuses: Vec<Value> = machine
        .map(|machine| {
            json!({
                "code": "ComponentStatus/StdOut/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
                "message": machine.agent.output,
            })
        })
        .into_iter()
        .collect();
    json!({
        "name": extension.name(),
        "type": format!("{publisher}.{kind}"),
        "typeHandlerVersion": "2.1.10",
        "statuses": [{"code": code, "level": level, "displayStatus": words, "message": ""}],
        "substatuses": substatuses,
    })
}
