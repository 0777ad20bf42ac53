//! What was deleted and can be restored.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Context, applications, document, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::OrRefusal;
use crate::model::directory::Deleted;
use crate::model::world::World;

const COLLECTION: &str = "directoryObjects";

pub(super) fn list(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let objects = bin(cx, world)?.map(|deleted| shown(cx, world, deleted)).collect::<OrRefusal<_>>()?;
    query::page(cx, COLLECTION, objects, world.settings.page_size, &["displayName", "id"])
}

/// The service principals that went with their applications.
pub(super) fn principals(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let tenant = applications::tenant(cx, world)?;
    let replica = cx.replica(world);
    let gone = bin(cx, world)?.filter_map(|deleted| deleted.principal.as_ref());
    let objects = gone.map(|principal| document::principal(principal, Some(tenant), &replica)).collect();
    query::page(cx, COLLECTION, objects, world.settings.page_size, &["displayName", "id"])
}

/// People and groups are never deleted here.
pub(super) fn nothing(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may(&["Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All", "Group.Read.All"])?;
    query::page(cx, COLLECTION, Vec::new(), world.settings.page_size, &["displayName", "id"])
}

pub(super) fn get(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Answer> {
    cx.may_read()?;
    query::entity(cx, COLLECTION, shown(cx, world, find(cx, world, id)?)?)
}

pub(super) fn restore(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    let deleted = find(cx, world, id)?;
    cx.may_change(&deleted.application.owners)?;
    let (client, mut object) = (deleted.application.client_id, shown(cx, world, deleted)?);
    object.insert("deletedDateTime".to_owned(), Value::Null);
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.take_back(client);
    }
    query::entity(cx, COLLECTION, object)
}

/// For good.
pub(super) fn remove(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    let deleted = find(cx, world, id)?;
    cx.may_change(&deleted.application.owners)?;
    let gone = deleted.application.object_id;
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.bin.retain(|deleted| deleted.application.object_id != gone);
    }
    Ok(empty(204))
}

/// What can still be restored.
fn bin<'w>(cx: &Context<'_>, world: &'w World) -> OrRefusal<impl Iterator<Item = &'w Deleted>> {
    let wall = cx.now.wall;
    Ok(applications::tenant(cx, world)?.bin.iter().filter(move |deleted| !deleted.is_purged(wall)))
}

fn find<'w>(cx: &Context<'_>, world: &'w World, id: &str) -> OrRefusal<&'w Deleted> {
    let wanted = Uuid::parse_str(id).ok();
    let found = bin(cx, world)?.find(|deleted| Some(deleted.application.object_id) == wanted);
    found.ok_or_else(|| refusal::not_found(id))
}

fn shown(cx: &Context<'_>, world: &World, deleted: &Deleted) -> OrRefusal<Map<String, Value>> {
    let replica = cx.replica(world);
    let mut object = document::application(&deleted.application, applications::tenant(cx, world)?, &replica);
    object.insert("deletedDateTime".to_owned(), json!(document::moment(deleted.at.wall)));
    object.shift_insert(0, "@odata.type".to_owned(), json!("#microsoft.graph.application"));
    Ok(object)
}
