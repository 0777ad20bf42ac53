//! A template, taken apart into steps.

use serde_json::{Map, Value};

use super::template::{Evaluator, id_of};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{key, last};
use crate::model::arm::deployment::{Step, StepProgress, Template};
use crate::model::world::World;
use crate::service::arm::context::Context;

pub(crate) fn invalid(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "InvalidTemplate", format!("Deployment template validation failed: '{}'.", message.into()))
}

/// What the expressions of a template speak of.
pub(crate) fn evaluator<'a>(template: &'a Template, world: &'a World) -> Evaluator<'a> {
    Evaluator {
        world,
        subscription: &template.subscription,
        group: &template.group,
        name: &template.name,
        parameters: &template.parameters,
        variables: &template.variables,
        depth: 0,
    }
}

/// Reads the template of a request.
pub(crate) fn read(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<(Template, Vec<Step>)> {
    let Some(source) = cx.at("/properties/template").and_then(Value::as_object) else {
        return Err(Refusal::new(400, "InvalidDeployment", "The request content was invalid: 'template' is missing."));
    };
    let object = |field: &str| source.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut template = Template {
        subscription: cx.address.subscription.clone(),
        group: cx.address.group.clone().unwrap_or_default(),
        name: name.to_owned(),
        parameters: Map::new(),
        variables: object("variables"),
        outputs: object("outputs"),
    };
    let given = cx.at("/properties/parameters").and_then(Value::as_object).cloned().unwrap_or_default();
    for (parameter, definition) in object("parameters") {
        let value =
            given.iter().find(|(key, _)| key.eq_ignore_ascii_case(&parameter)).and_then(|(_, v)| v.get("value"));
        let value = match (value, definition.get("defaultValue")) {
            (Some(value), _) => value.clone(),
            (None, Some(usual)) => evaluator(&template, world).evaluate(usual)?,
            (None, None) => {
                return Err(invalid(format!("The value for the template parameter '{parameter}' is not provided")));
            }
        };
        template.parameters.insert(parameter, value);
    }
    let resources = source.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
    let steps = resources.iter().map(|resource| step(world, &template, resource)).collect::<OrRefusal<Vec<_>>>()?;
    Ok((template, steps))
}

fn step(world: &World, template: &Template, resource: &Value) -> OrRefusal<Step> {
    let evaluator = evaluator(template, world);
    let text = |field: &str| -> OrRefusal<String> {
        let value = resource.get(field).ok_or_else(|| invalid(format!("a resource has no '{field}'")))?;
        let value = evaluator.evaluate(value)?;
        value.as_str().map(str::to_owned).ok_or_else(|| invalid(format!("'{field}' of a resource is not a text")))
    };
    let (kind, name) = (text("type")?, text("name")?);
    let names: Vec<String> = name.split('/').map(str::to_owned).collect();
    let id = id_of(&template.subscription, &template.group, &kind, &names)
        .ok_or_else(|| invalid(format!("the resource '{name}' of type '{kind}' has the wrong number of segments")))?;
    let mut depends = Vec::new();
    for dependency in resource.get("dependsOn").and_then(Value::as_array).into_iter().flatten() {
        if let Value::String(text) = evaluator.evaluate(dependency)? {
            depends.push(depended(template, &text));
        }
    }
    let mut body = resource.clone();
    if let Some(map) = body.as_object_mut() {
        for field in ["type", "name", "apiVersion", "dependsOn", "comments"] {
            map.remove(field);
        }
    }
    Ok(Step { id, api_version: text("apiVersion")?, body, depends, progress: StepProgress::Waiting })
}

/// The key of what a `dependsOn` names: an id, `type/name`, or a name alone.
fn depended(template: &Template, text: &str) -> String {
    if text.starts_with("/subscriptions/") {
        return key(text);
    }
    let parts: Vec<&str> = text.split('/').collect();
    if let [namespace, rest @ ..] = parts.as_slice()
        && namespace.contains('.')
    {
        let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
        let names: Vec<String> = rest.iter().skip(1).step_by(2).map(|name| (*name).to_owned()).collect();
        let full = format!("{namespace}/{}", types.join("/"));
        if let Some(id) = id_of(&template.subscription, &template.group, &full, &names) {
            return key(&id);
        }
    }
    text.to_ascii_lowercase()
}

/// Whether a key or name means a step.
pub(crate) fn means(dependency: &str, id: &str) -> bool {
    dependency == key(id) || dependency == last(id).to_ascii_lowercase()
}
