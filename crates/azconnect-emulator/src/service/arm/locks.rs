//! Locks: they keep anybody from deleting, or from changing, what is at a scope or below it.

use serde_json::{Value, json};

use super::context::{Context, Reply};
use super::list;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{same, same_id, within};
use crate::model::arm::lock::{Level, Lock};
use crate::model::world::World;

fn permit(cx: &Context<'_>, world: &World, action: &str) -> OrRefusal<()> {
    cx.permit(world, &format!("Microsoft.Authorization/locks/{action}"), &cx.address.scope)
}

fn shown(lock: &Lock) -> Value {
    json!({
        "properties": {"level": lock.level.name(), "notes": lock.notes},
        "id": lock.id(),
        "type": "Microsoft.Authorization/locks",
        "name": lock.name,
    })
}

/// Lists the locks at a scope and below it.
pub(crate) fn all(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    permit(cx, world, "read")?;
    let scope = cx.address.scope.as_str();
    let items = world.arm.locks.iter().filter(|lock| within(scope, &lock.scope)).map(shown).collect();
    Ok(list::page(cx, world, items))
}

fn is(cx: &Context<'_>, lock: &Lock, name: &str) -> bool {
    same(&lock.name, name) && same_id(&lock.scope, &cx.address.scope)
}

pub(crate) fn get(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, "read")?;
    let lock = world.arm.locks.iter().find(|lock| is(cx, lock, name));
    lock.map(|lock| Reply::new(200, shown(lock)))
        .ok_or_else(|| Refusal::new(404, "LockNotFound", format!("The lock '{name}' could not be found.")))
}

pub(crate) fn put(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, "write")?;
    let Some(level) = cx.text("/properties/level").and_then(Level::named) else {
        let text = "The lock level must be CanNotDelete or ReadOnly.";
        return Err(Refusal::new(400, "LockLevelNotSupported", text).at("level"));
    };
    let notes = cx.text("/properties/notes").map(str::to_owned);
    let lock = Lock { scope: cx.address.scope.clone(), name: name.to_owned(), level, notes };
    let reply = shown(&lock);
    let place = world.arm.locks.iter().position(|lock| is(cx, lock, name));
    match place.and_then(|place| world.arm.locks.get_mut(place)) {
        Some(known) => *known = lock,
        None => world.arm.locks.push(lock),
    }
    Ok(Reply::new(if place.is_some() { 200 } else { 201 }, reply))
}

pub(crate) fn delete(cx: &Context<'_>, world: &mut World, name: &str) -> OrRefusal<Reply> {
    permit(cx, world, "delete")?;
    let before = world.arm.locks.len();
    world.arm.locks.retain(|lock| !is(cx, lock, name));
    Ok(Reply::new(if world.arm.locks.len() < before { 200 } else { 204 }, Value::Null))
}
