//! The check of a template of the subscription: groups, and what would be deployed in them.

use serde_json::{Value, json};

use super::blueprint::invalid;
use super::deployment::{all_complaints, check};
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{Address, group_id, key, same};
use crate::model::arm::offers::region_named;
use crate::model::arm::policy::GROUPS;
use crate::model::arm::resource::Resource;
use crate::model::world::World;
use crate::service::arm::context::{Admitted, Context, Reply};
use crate::service::arm::{names, policy};

/// Answers `/subscriptions/{id}/providers/Microsoft.Resources/deployments/{name}/validate`.
pub(crate) fn validate(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    cx.permit(world, "Microsoft.Resources/deployments/validate/action", &scope)?;
    let Some(location) = cx.text("/location") else {
        return Err(Refusal::new(
            400,
            "LocationRequired",
            "The location property is required for a deployment at subscription scope.",
        ));
    };
    region_named(location).ok_or_else(|| invalid(format!("there is no location '{location}'")))?;
    let schema = cx.text("/properties/template/$schema").unwrap_or_default();
    if !schema.contains("subscriptionDeploymentTemplate.json") {
        return Err(invalid(format!("the schema '{schema}' is not that of a template of a subscription")));
    }
    let resources = cx.at("/properties/template/resources").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut made = Vec::new();
    let mut complaints = Vec::new();
    for resource in &resources {
        if let Err(refusal) = check_one(cx, world, resource, &mut made) {
            complaints.push(*refusal);
        }
    }
    // The groups were there for the check alone.
    for id in made {
        world.arm.resources.remove(&key(&id));
    }
    all_complaints(world, name, complaints)?;
    Ok(Reply::new(
        200,
        json!({
            "id": format!("{scope}/providers/Microsoft.Resources/deployments/{name}"), "name": name, "location": location,
            "type": "Microsoft.Resources/deployments",
            "properties": {
                "provisioningState": "Succeeded", "mode": "Incremental", "timestamp": rfc3339(cx.now.wall),
                "duration": "PT0S", "correlationId": world.dice.guid(),
            },
        }),
    ))
}

fn check_one(cx: &Context<'_>, world: &mut World, resource: &Value, made: &mut Vec<String>) -> OrRefusal<()> {
    let text = |pointer: &str| {
        let text = resource.pointer(pointer).and_then(Value::as_str);
        text.ok_or_else(|| invalid(format!("a resource has no '{}'", pointer.trim_start_matches('/'))))
    };
    text("/apiVersion")?;
    match text("/type")? {
        kind if same(kind, "Microsoft.Resources/resourceGroups") => {
            let (name, location) = (text("/name")?, text("/location")?);
            let id = group_id(&cx.address.subscription, name);
            cx.permit(world, "Microsoft.Resources/subscriptions/resourceGroups/write", &id)?;
            names::check_group(name)?;
            let region = region_named(location).ok_or_else(|| invalid(format!("there is no location '{location}'")))?;
            policy::check(cx, world, GROUPS, name, resource)?;
            if world.arm.get(&id).is_none() {
                let by = Some(cx.caller.object_id());
                let group = Resource::group(&cx.address.subscription, name, region.name, cx.now, by);
                world.arm.resources.insert(key(&id), group);
                made.push(id);
            }
            Ok(())
        }
        kind if same(kind, "Microsoft.Resources/deployments") => {
            let (name, group) = (text("/name")?, text("/resourceGroup")?);
            let id = format!(
                "{}/providers/Microsoft.Resources/deployments/{name}",
                group_id(&cx.address.subscription, group)
            );
            let address = Address::of_id(&id).ok_or_else(|| invalid("a nested deployment has no name"))?;
            let properties = resource.get("properties").cloned().unwrap_or(Value::Null);
            let (caller, subscription, body) = (cx.caller, cx.subscription, json!({"properties": properties}));
            let inner = Context::new(cx.call, Admitted { caller, address, subscription, body, failure: None });
            check(&inner, world, name).map(|_| ())
        }
        other => Err(invalid(format!("the emulator cannot check '{other}' at a subscription"))),
    }
}
