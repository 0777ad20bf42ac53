//! Deployments of templates: checked, or carried out resource by resource.

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::blueprint::{evaluator, invalid, means, read};
use super::template::NOT_YET;
use crate::base::call::{Call, Query};
use crate::base::moment::{Moment, rfc3339};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{Address, resource_id};
use crate::model::arm::deployment::{Deployment, Step, StepProgress, Template};
use crate::model::arm::failure::Failure;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::operation::{Progress, Work};
use crate::model::arm::resource::{Content, ProvisioningState, Resource};
use crate::model::world::World;
use crate::service::arm::compute::machine_check;
use crate::service::arm::context::{Admitted, Context, PollAddresses, Reply};
use crate::service::arm::operation::{Start, end};
use crate::service::arm::resource::not_found;
use crate::service::arm::write::properties;
use crate::service::arm::{policy, refusal, resource, view};

/// Answers `…/deployments/{name}/validate`: all that the service checks, without an effect.
pub(crate) fn validate(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    let scope = cx.address.group_id().unwrap_or_default();
    cx.permit(world, "Microsoft.Resources/deployments/validate/action", &scope)?;
    if world.arm.get(&scope).is_none() {
        return Err(not_found(world, &scope));
    }
    let steps = check(cx, world, name)?;
    let resources: Vec<Value> = steps.iter().map(|step| json!({"id": step.id})).collect();
    let id = resource_id(
        &cx.address.subscription,
        cx.address.group.as_deref().unwrap_or_default(),
        ResourceKind::Deployment,
        &[name],
    );
    Ok(Reply::new(
        200,
        json!({
            "id": id, "name": name, "type": ResourceKind::Deployment.full(),
            "properties": {
                "provisioningState": "Succeeded", "mode": cx.text("/properties/mode").unwrap_or("Incremental"),
                "timestamp": rfc3339(cx.now.wall), "duration": "PT0S", "validatedResources": resources,
                "correlationId": world.dice.guid(),
            },
        }),
    ))
}

/// Checks every resource of a template without any effect; all complaints come at once.
pub(super) fn check(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Vec<Step>> {
    let (template, steps) = read(cx, world, name)?;
    let mut complaints = Vec::new();
    for step in &steps {
        if let Some(unknown) =
            step.depends.iter().find(|text| !text.starts_with('/') && !steps.iter().any(|other| means(text, &other.id)))
        {
            return Err(invalid(format!("The resource '{unknown}' is not defined in the template")));
        }
        let body = match evaluator(&template, world).evaluate(&step.body) {
            Ok(body) => body,
            Err(refusal) if refusal.code == NOT_YET => continue,
            Err(refusal) => return Err(refusal),
        };
        if let Err(refusal) = check_step(cx, world, step, body) {
            complaints.push(*refusal);
        }
    }
    all_complaints(world, name, complaints).map(|()| steps)
}

/// The refusal of a template for everything that was found, if anything was.
pub(super) fn all_complaints(world: &mut World, name: &str, mut complaints: Vec<Refusal>) -> OrRefusal<()> {
    if complaints.is_empty() {
        return Ok(());
    }
    // A missing permission is reported alone, as the service does: it says nothing about the rest.
    if let Some(at) = complaints.iter().position(|refusal| refusal.status == 403 && refusal.code != policy::CODE) {
        return Err(Box::new(complaints.swap_remove(at)));
    }
    if complaints.iter().all(|refusal| refusal.code == policy::CODE) {
        let message =
            "The template deployment failed because of policy violation. Please see details for more information.";
        let refusal = Refusal::new(400, "InvalidTemplateDeployment", message);
        return Err(complaints.into_iter().map(Box::new).fold(refusal, Refusal::detail));
    }
    let refusal = Refusal::new(
        400,
        "InvalidTemplateDeployment",
        format!(
            "The template deployment '{name}' is not valid according to the validation procedure. The tracking id is '{}'. See inner errors for details.",
            world.dice.guid()
        ),
    );
    Err(complaints.into_iter().map(Box::new).fold(refusal, Refusal::detail))
}

fn check_step(cx: &Context<'_>, world: &mut World, step: &Step, body: Value) -> OrRefusal<()> {
    let Some(address) = Address::of_id(&step.id) else { return Err(invalid("a resource has no id")) };
    let Some((kind, names)) = address.kind() else {
        return Err(Refusal::new(
            400,
            "InvalidResourceType",
            format!("The resource type of '{}' could not be found.", step.id),
        ));
    };
    let names: Vec<&str> = names.clone();
    let call = step_call(cx.call, step, cx.now);
    let admitted =
        Admitted { caller: cx.caller, address: address.clone(), subscription: cx.subscription, body, failure: None };
    let inner = Context::new(&call, admitted);
    inner.permit(world, &format!("{}/write", kind.action_prefix()), &step.id)?;
    if kind.parent().is_some() {
        return Ok(());
    }
    let target = inner.prepare(world, kind, &names)?;
    if kind == ResourceKind::Machine {
        machine_check::check(&inner, world, &target)?;
    }
    Ok(())
}

/// Begins to carry a template out.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    let name = names.first().copied().unwrap_or_default();
    let scope = cx.address.group_id().unwrap_or_default();
    if world.arm.get(&scope).is_none() {
        return Err(not_found(world, &scope));
    }
    check(cx, world, name)?;
    let (template, steps) = read(cx, world, name)?;
    let id = resource_id(&template.subscription, &template.group, ResourceKind::Deployment, &[name]);
    let operation = cx.start(
        world,
        Start {
            kind: OperationKind::Deployment,
            subject: &id,
            work: Work::Deployment,
            namespace: "Microsoft.Resources",
            location: "global",
        },
    );
    // A deployment whose failure is scripted ends by the clock; any other ends when its steps have.
    let scripted = world.arm.operations.get_mut(&operation).is_some_and(|operation| {
        let scripted = operation.failure.is_some();
        if !scripted {
            operation.ends = std::time::Duration::MAX;
        }
        scripted
    });
    let document = document(cx, world, &id, &template);
    let deployment = Deployment {
        caller: cx.caller,
        subscription: cx.subscription,
        call: cx.call.without_body(),
        template,
        steps: if scripted { Vec::new() } else { steps },
    };
    let exists = world.arm.get(&id).is_some();
    let by = Some(cx.caller.object_id());
    let mut resource = Resource::new(ResourceKind::Deployment, id.clone(), "", cx.now, by);
    resource.document = document;
    resource.state = ProvisioningState::Creating;
    resource.operation = Some(operation);
    resource.content = Content::Deployment((!scripted).then(|| Box::new(deployment)));
    world.arm.insert(resource, None);
    let mut body = world.arm.get(&id).map_or(Value::Null, |resource| view::render(world, resource));
    if let Some(state) = body.pointer_mut("/properties/provisioningState") {
        *state = json!("Accepted");
    }
    advance(world, cx.now);
    Ok(Reply::new(if exists { 200 } else { 201 }, body).operation(operation, PollAddresses::Status))
}

/// A deployment as it is shown: without its template, and without its secrets.
fn document(cx: &Context<'_>, world: &mut World, id: &str, template: &Template) -> Map<String, Value> {
    let mut shown_properties = properties(&cx.body);
    shown_properties.remove("template");
    shown_properties.insert("timestamp".to_owned(), json!(rfc3339(cx.now.wall)));
    shown_properties.insert("correlationId".to_owned(), json!(world.dice.guid()));
    let parameters: Map<String, Value> =
        template.parameters.iter().map(|(name, value)| (name.clone(), json!({"value": value}))).collect();
    shown_properties.insert("parameters".to_owned(), without_secrets(cx, parameters));
    let mut document = Map::new();
    document.insert("id".to_owned(), json!(id));
    document.insert("name".to_owned(), json!(template.name));
    document.insert("type".to_owned(), json!(ResourceKind::Deployment.full()));
    document.insert("properties".to_owned(), Value::Object(shown_properties));
    document
}

/// The parameters as they are shown: a secure one has no value.
fn without_secrets(cx: &Context<'_>, parameters: Map<String, Value>) -> Value {
    let kind =
        |name: &str| cx.text(&format!("/properties/template/parameters/{name}/type")).unwrap_or("String").to_owned();
    parameters
        .into_iter()
        .map(|(name, value)| {
            let kind = kind(&name);
            let secret = kind.to_ascii_lowercase().starts_with("secure");
            let value = value.get("value").cloned().unwrap_or(Value::Null);
            (name, if secret { json!({"type": kind}) } else { json!({"type": kind, "value": value}) })
        })
        .collect::<Map<_, _>>()
        .into()
}

/// Carries every running deployment on, as far as it goes now.
pub(crate) fn advance(world: &mut World, now: Moment) {
    let running: Vec<String> = world
        .arm
        .of_kind(ResourceKind::Deployment)
        .filter(|resource| matches!(resource.content, Content::Deployment(Some(_))))
        .map(Resource::key)
        .collect();
    for id in running {
        // Taken out while it is carried out, because its steps change the same world.
        let Some(mut deployment) = world.arm.get_mut(&id).and_then(Resource::deployment_mut).and_then(Option::take)
        else {
            continue;
        };
        while advance_once(world, &mut deployment, now) {}
        let unfinished = deployment.steps.iter().any(|step| matches!(step.progress, StepProgress::Running(_)))
            || deployment.steps.iter().any(|step| matches!(step.progress, StepProgress::Waiting))
                && !deployment.steps.iter().any(|step| matches!(step.progress, StepProgress::Failed(_)));
        if unfinished {
            if let Some(place) = world.arm.get_mut(&id).and_then(Resource::deployment_mut) {
                *place = Some(deployment);
            }
        } else {
            finish(world, &id, *deployment, now);
        }
    }
}

/// One look at every step; true if something began or ended.
fn advance_once(world: &mut World, deployment: &mut Deployment, now: Moment) -> bool {
    let mut changed = false;
    for at in 0..deployment.steps.len() {
        let Some(step) = deployment.steps.get(at) else { continue };
        let next = match &step.progress {
            StepProgress::Running(operation) => ended(world, *operation),
            StepProgress::Waiting if is_ready(deployment, step) => begin(world, deployment, step, now),
            _ => None,
        };
        if let (Some(next), Some(step)) = (next, deployment.steps.get_mut(at)) {
            step.progress = next;
            changed = true;
        }
    }
    changed
}

fn ended(world: &World, id: Uuid) -> Option<StepProgress> {
    let operation = world.arm.operations.get(&id)?;
    match operation.progress {
        Progress::Running => None,
        Progress::Succeeded => Some(StepProgress::Done),
        Progress::Failed | Progress::Canceled => {
            let failure = operation.failure.as_ref().map(|failure| failure.refusal.clone());
            let refusal = failure.unwrap_or_else(|| Refusal::new(409, "Conflict", "The operation failed."));
            Some(StepProgress::Failed(refusal))
        }
    }
}

fn is_ready(deployment: &Deployment, step: &Step) -> bool {
    let failed = deployment.steps.iter().any(|other| matches!(other.progress, StepProgress::Failed(_)));
    !failed
        && step.depends.iter().all(|dependency| {
            deployment
                .steps
                .iter()
                .filter(|other| means(dependency, &other.id))
                .all(|other| matches!(other.progress, StepProgress::Done))
        })
}

/// Asks for the resource of a step, as its principal.
fn begin(world: &mut World, deployment: &Deployment, step: &Step, now: Moment) -> Option<StepProgress> {
    let body = match evaluator(&deployment.template, world).evaluate(&step.body) {
        Ok(body) => body,
        Err(refusal) if refusal.code == NOT_YET => {
            // Something that runs may still bring it; nothing that is done will.
            let hope = deployment.steps.iter().any(|other| matches!(other.progress, StepProgress::Running(_)));
            return (!hope).then_some(StepProgress::Failed(refusal));
        }
        Err(refusal) => return Some(StepProgress::Failed(refusal)),
    };
    let address = Address::of_id(&step.id)?;
    let (kind, names) = address.kind()?;
    let call = step_call(&deployment.call, step, now);
    let (caller, subscription) = (deployment.caller, deployment.subscription);
    let cx = Context::new(&call, Admitted { caller, address: address.clone(), subscription, body, failure: None });
    Some(match resource::answer(&cx, world, kind, &names) {
        Ok(reply) => reply.operation.map_or(StepProgress::Done, StepProgress::Running),
        Err(refusal) if refusal.is_not_emulated() => {
            StepProgress::Failed(invalid(format!("the emulator cannot deploy {}", step.id)))
        }
        Err(refusal) => StepProgress::Failed(refusal),
    })
}

/// The call by which a deployment asks for the resource of a step.
fn step_call(of: &Call, step: &Step, now: Moment) -> Call {
    let query = Query(vec![("api-version".to_owned(), step.api_version.clone())]);
    of.instead(Method::PUT, &step.id, query, now)
}

/// Ends a deployment: with its outputs, or with what failed.
fn finish(world: &mut World, id: &str, deployment: Deployment, now: Moment) {
    let failures: Vec<&Refusal> = deployment
        .steps
        .iter()
        .filter_map(|step| match &step.progress {
            StepProgress::Failed(refusal) => Some(&**refusal),
            _ => None,
        })
        .collect();
    let mut failure = (!failures.is_empty()).then(|| failed(&failures));
    let mut outputs = Map::new();
    if failure.is_none() {
        for (name, output) in &deployment.template.outputs {
            match evaluator(&deployment.template, world).evaluate(output.get("value").unwrap_or(&Value::Null)) {
                Ok(value) => {
                    let kind = output.get("type").cloned().unwrap_or(json!("String"));
                    outputs.insert(name.clone(), json!({"type": kind, "value": value}));
                }
                Err(refusal) => failure = Some(failed(&[&refusal])),
            }
        }
    }
    let made: Vec<Value> = deployment
        .steps
        .iter()
        .filter(|step| matches!(step.progress, StepProgress::Done))
        .map(|step| json!({"id": step.id}))
        .collect();
    let Some(resource) = world.arm.get_mut(id) else { return };
    resource.set("outputs", Value::Object(outputs));
    resource.set("outputResources", json!(made));
    if let Some(failure) = &failure {
        resource.set("error", refusal::error(&failure.refusal));
    }
    let Some(operation) = resource.operation else { return };
    if let Some(operation) = world.arm.operations.get_mut(&operation) {
        operation.ends = now.elapsed;
        operation.failure = failure;
    }
    end(world, operation, now);
}

/// The failure of a deployment, with each resource's error as a text inside.
fn failed(failures: &[&Refusal]) -> Failure {
    let mut failure = Failure::new("DeploymentFailed").in_operation();
    for refusal in failures {
        let word = if refusal.status == 409 { "Conflict" } else { "BadRequest" };
        failure =
            failure.with_detail(word, format!("{:#}", json!({"error": refusal::error(refusal)})).replace('\n', "\r\n"));
    }
    failure
}
