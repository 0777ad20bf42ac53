//! The tag names of a subscription: those that were made by themselves, and those that resources carry.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::list;

const ACTION: &str = "Microsoft.Resources/subscriptions/tagNames";

/// How often each value of each name is used.
type Uses = BTreeMap<String, BTreeMap<String, u32>>;

/// Lists the names, each with its values and how often it is used.
pub(crate) fn all(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{ACTION}/read"), &cx.address.scope)?;
    let items = uses(cx, world).iter().map(|(name, values)| shown(cx, name, values)).collect();
    Ok(list::page(cx, world, items))
}

pub(crate) fn put(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{ACTION}/write"), &cx.address.scope)?;
    check(name, 512)?;
    let names = &mut world.arm.account(cx.subscription).tag_names;
    let is_new = !names.contains_key(&name.to_lowercase());
    names.entry(name.to_lowercase()).or_default();
    let uses = uses(cx, world);
    let body = uses.get(&name.to_lowercase()).map_or(Value::Null, |values| shown(cx, name, values));
    Ok(Reply::new(if is_new { 201 } else { 200 }, body))
}

pub(crate) fn put_value(cx: &Context<'_>, world: &mut World, (name, value): (&str, &str)) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{ACTION}/tagValues/write"), &cx.address.scope)?;
    check(value, 256)?;
    let values = world.arm.account(cx.subscription).tag_names.get_mut(&name.to_lowercase());
    let values = values.ok_or_else(|| missing(name))?;
    let is_new = values.insert(value.to_owned());
    let uses = uses(cx, world);
    let count = uses.get(&name.to_lowercase()).and_then(|values| values.get(value)).copied().unwrap_or(0);
    Ok(Reply::new(if is_new { 201 } else { 200 }, shown_value(cx, name, value, count)))
}

/// Deletes a name. One that resources carry stays.
pub(crate) fn delete(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{ACTION}/delete"), &cx.address.scope)?;
    let used = uses(cx, world).get(&name.to_lowercase()).is_some_and(|values| values.values().any(|count| *count > 0));
    if used {
        return Err(in_use(name));
    }
    let gone = world.arm.account(cx.subscription).tag_names.remove(&name.to_lowercase());
    Ok(Reply::new(if gone.is_some() { 200 } else { 204 }, Value::Null))
}

pub(crate) fn delete_value(cx: &Context<'_>, world: &mut World, (name, value): (&str, &str)) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{ACTION}/tagValues/delete"), &cx.address.scope)?;
    let uses = uses(cx, world);
    if uses.get(&name.to_lowercase()).and_then(|values| values.get(value)).is_some_and(|count| *count > 0) {
        return Err(in_use(name));
    }
    let values = world.arm.account(cx.subscription).tag_names.get_mut(&name.to_lowercase());
    let gone = values.is_some_and(|values| values.remove(value));
    Ok(Reply::new(if gone { 200 } else { 204 }, Value::Null))
}

fn uses(cx: &Context<'_>, world: &mut World) -> Uses {
    let made = world.arm.account(cx.subscription).tag_names.clone();
    let zero = |values: BTreeSet<String>| values.into_iter().map(|value| (value, 0)).collect();
    let mut uses: Uses = made.into_iter().map(|(name, values)| (name, zero(values))).collect();
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    let tagged = world.arm.resources.values().filter(|one| crate::model::arm::address::within(&scope, &one.id));
    for tags in tagged.filter_map(|resource| resource.document.get("tags")?.as_object()) {
        for (name, value) in tags {
            let value = value.as_str().unwrap_or_default().to_owned();
            // Names of tags are told apart without their case, values with it.
            *uses.entry(name.to_lowercase()).or_default().entry(value).or_default() += 1;
        }
    }
    uses
}

fn id(cx: &Context<'_>, name: &str) -> String {
    format!("/subscriptions/{}/tagNames/{name}", cx.address.subscription)
}

fn count(count: u32) -> Value {
    json!({"type": if count == 0 { "Total" } else { "Partial" }, "value": count})
}

fn shown(cx: &Context<'_>, name: &str, values: &BTreeMap<String, u32>) -> Value {
    json!({
        "id": id(cx, name),
        "tagName": name,
        "count": count(values.values().sum()),
        "values": values.iter().map(|(value, uses)| shown_value(cx, name, value, *uses)).collect::<Value>(),
    })
}

fn shown_value(cx: &Context<'_>, name: &str, value: &str, uses: u32) -> Value {
    json!({"id": format!("{}/tagValues/{value}", id(cx, name)), "tagValue": value, "count": count(uses)})
}

fn check(text: &str, longest: usize) -> OrRefusal<()> {
    let odd = text.chars().count() > longest || text.chars().any(|letter| "<>%&\\?/".contains(letter));
    if !odd {
        return Ok(());
    }
    let message = format!("The tag name or value '{text}' is too long, or holds a character of '<>%&\\?/'.");
    Err(Refusal::new(400, "InvalidTagNameCharacters", message))
}

fn missing(name: &str) -> Box<Refusal> {
    Refusal::new(404, "TagNameNotFound", format!("The tag name '{name}' was not found."))
}

fn in_use(name: &str) -> Box<Refusal> {
    let message = format!("The tag name '{name}' or its value is used by resources and cannot be deleted.");
    Refusal::new(409, "TagNameIsInUse", message)
}
