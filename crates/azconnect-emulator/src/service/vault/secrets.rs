//! Secrets: each write makes a version, and what is deleted can come back.

use azconnect_core::Secret;
use serde_json::{Map, Value, json};
use time::Duration;

use super::item::{self, RECOVERABLE, Wish, as_deleted, check_name, page};
use super::{Context, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::vault::{Item, Version};
use crate::model::world::World;

/// The longest value, in bytes.
const LONGEST: usize = 25_600;

pub(super) fn put(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Answer> {
    check_name(name)?;
    let body = cx.call.json().map_err(|_| refusal::bad("The request body is not valid JSON."))?;
    let wish = Wish::read(&body, &["value", "contentType", "tags", "attributes"])?;
    let Some(value) = body.get("value").and_then(Value::as_str).filter(|value| value.len() <= LONGEST) else {
        return Err(refusal::bad("Property 'value' is required, and at most 25 KB long."));
    };
    let id = world.dice.guid().simple().to_string();
    let version = item::version(cx, id, Secret::new(value), wish);
    let secrets = &mut cx.vault_mut(world)?.secrets;
    let new = || Item { name: name.to_owned(), versions: Vec::new(), deleted: None };
    let secret = secrets.entry(name.to_ascii_lowercase()).or_insert_with(new);
    if secret.deleted.is_some() {
        return Err(refusal::taken(name));
    }
    let shown = with_value(cx, &secret.name, &version);
    secret.versions.push(version);
    Ok(json_answer(200, &Value::Object(shown)))
}

/// A version, or the latest one. One that is disabled is not given; one that is over is.
pub(super) fn get(cx: &Context<'_>, world: &World, name: &str, version: &str) -> OrRefusal<Answer> {
    let secret = find(cx, world, name, false)?;
    let version = secret.version(version).ok_or_else(|| refusal::not_found("Secret", name))?;
    if !version.enabled {
        return Err(refusal::disabled("secret"));
    }
    Ok(json_answer(200, &Value::Object(with_value(cx, &secret.name, version))))
}

pub(super) fn update(cx: &Context<'_>, world: &mut World, name: &str, version: &str) -> OrRefusal<Answer> {
    let body = cx.call.json().map_err(|_| refusal::bad("The request body is not valid JSON."))?;
    let wish = Wish::read(&body, &["contentType", "tags", "attributes"])?;
    find(cx, world, name, false)?;
    let missing = || refusal::not_found("Secret", name);
    let secret = cx.vault_mut(world)?.secrets.get_mut(&name.to_ascii_lowercase()).ok_or_else(missing)?;
    let shown_name = secret.name.clone();
    let version = secret.version_mut(version).ok_or_else(missing)?;
    item::change(cx, version, wish);
    Ok(json_answer(200, &Value::Object(shown(cx, &shown_name, version, true))))
}

pub(super) fn all(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let secrets = cx.vault(world)?.secrets.values().filter(|secret| secret.deleted.is_none());
    page(cx, secrets.filter_map(|secret| Some(shown(cx, &secret.name, secret.versions.last()?, false))).collect())
}

pub(super) fn versions(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    let secret = find(cx, world, name, false)?;
    page(cx, secret.versions.iter().map(|version| shown(cx, &secret.name, version, true)).collect())
}

pub(super) fn delete(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Answer> {
    find(cx, world, name, false)?;
    if let Some(secret) = cx.vault_mut(world)?.secrets.get_mut(&name.to_ascii_lowercase()) {
        secret.deleted = Some(cx.now.wall);
    }
    get_deleted(cx, world, name)
}

pub(super) fn all_deleted(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let deleted = cx.vault(world)?.secrets.values().filter(|secret| secret.deleted.is_some());
    page(cx, deleted.filter_map(|secret| shown_deleted(cx, secret, false)).collect())
}

pub(super) fn get_deleted(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    let secret = find(cx, world, name, true)?;
    let shown = shown_deleted(cx, secret, true).ok_or_else(|| refusal::not_found("Secret", name))?;
    Ok(json_answer(200, &Value::Object(shown)))
}

/// Removes for good what nobody has recovered in time.
pub(super) fn purge_due(cx: &Context<'_>, world: &mut World) -> OrRefusal<()> {
    let over = |secret: &Item<Secret>| {
        secret.deleted.is_some_and(|at| at.saturating_add(Duration::days(RECOVERABLE)) <= cx.now.wall)
    };
    cx.vault_mut(world)?.secrets.retain(|_, secret| !over(secret));
    Ok(())
}

pub(super) fn purge(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Answer> {
    find(cx, world, name, true)?;
    cx.vault_mut(world)?.secrets.remove(&name.to_ascii_lowercase());
    Ok(empty(204))
}

pub(super) fn recover(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Answer> {
    find(cx, world, name, true)?;
    let missing = || refusal::not_found("Secret", name);
    let secret = cx.vault_mut(world)?.secrets.get_mut(&name.to_ascii_lowercase()).ok_or_else(missing)?;
    secret.deleted = None;
    let version = secret.versions.last().ok_or_else(missing)?;
    Ok(json_answer(200, &Value::Object(shown(cx, &secret.name, version, true))))
}

fn find<'w>(cx: &Context<'_>, world: &'w World, name: &str, deleted: bool) -> OrRefusal<&'w Item<Secret>> {
    let secret = cx.vault(world)?.secrets.get(&name.to_ascii_lowercase());
    secret.filter(|secret| secret.deleted.is_some() == deleted).ok_or_else(|| refusal::not_found("Secret", name))
}

fn shown(cx: &Context<'_>, name: &str, version: &Version<Secret>, with_version: bool) -> Map<String, Value> {
    let id = item::id(cx, "secrets", name, if with_version { &version.id } else { "" });
    item::shown(id, version, "id")
}

fn with_value(cx: &Context<'_>, name: &str, version: &Version<Secret>) -> Map<String, Value> {
    let mut shown = shown(cx, name, version, true);
    shown.shift_insert(0, "value".to_owned(), json!(version.content.expose()));
    shown
}

fn shown_deleted(cx: &Context<'_>, secret: &Item<Secret>, with_version: bool) -> Option<Map<String, Value>> {
    let mut shown = shown(cx, &secret.name, secret.versions.last()?, with_version);
    as_deleted(cx, &mut shown, &secret.name, secret.deleted?);
    Some(shown)
}
