//! Resource groups.

use serde_json::{Map, Value};

use crate::base::refusal::{Granted, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::within;
use crate::model::arm::kind::Kind;
use crate::model::arm::offers::{region_named, region_names};
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Resource, State};
use crate::service::arm::ask::Room;
use crate::service::arm::ask::{Ask, Reply, Style};
use crate::service::arm::names;
use crate::service::arm::operation::Start;
use crate::service::arm::{list, network, view};

/// Where the tags stand in the document of a new group: before its properties.
const TAGS_AT: usize = 4;

/// Answers a request for one group.
pub(crate) fn answer(room: &mut Room<'_>, ask: &Ask<'_>) -> Option<Granted<Reply>> {
    let id = ask.address.group_id()?;
    let action = match ask.method.as_str() {
        "GET" | "HEAD" => "read",
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        _ => return None,
    };
    if let Err(refusal) = room.permit(ask, &format!("Microsoft.Resources/subscriptions/resourceGroups/{action}"), &id) {
        return Some(Err(refusal));
    }
    Some(match ask.method.as_str() {
        "GET" => shown(room, ask, &id),
        "HEAD" => Ok(Reply::new(if room.arm.get(&id).is_some() { 204 } else { 404 }, Value::Null)),
        "PUT" => put(room, ask, &id),
        "PATCH" => patch(room, ask, &id),
        _ => delete(room, ask, &id),
    })
}

fn not_found(ask: &Ask<'_>) -> Box<Refusal> {
    let name = ask.address.group.as_deref().unwrap_or_default();
    Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found."))
}

fn shown(room: &Room<'_>, ask: &Ask<'_>, id: &str) -> Granted<Reply> {
    room.arm.get(id).map(|group| Reply::new(200, view::render(room, group))).ok_or_else(|| not_found(ask))
}

fn put(room: &mut Room<'_>, ask: &Ask<'_>, id: &str) -> Granted<Reply> {
    let name = ask.address.group.clone().unwrap_or_default();
    names::check_group(&name)?;
    let Some(named) = ask.text("/location") else {
        return Err(Refusal::new(400, "LocationRequired", "The location property is required for this definition."));
    };
    let Some(region) = region_named(named) else {
        return Err(Refusal::new(
            400,
            "LocationNotAvailableForResourceGroup",
            format!(
                "The provided location '{named}' is not available for resource group. List of available regions is '{}'.",
                region_names()
            ),
        ));
    };
    let tags = ask.at("/tags").cloned();
    if let Some(group) = room.arm.get_mut(id) {
        if group.state == State::Deleting {
            return Err(being_deleted(&name));
        }
        if group.location != region.name {
            return Err(Refusal::new(
                409,
                "InvalidResourceGroupLocation",
                format!(
                    "Invalid resource group location '{}'. The Resource group already exists in location '{}'.",
                    region.name, group.location
                ),
            ));
        }
        set_tags(&mut group.document, tags);
        return shown(room, ask, id).map(|reply| Reply { status: 200, ..reply });
    }
    let by = Some(ask.caller.object_id());
    let mut group = Resource::group(&ask.address.subscription, &name, region.name, ask.now, by);
    if let Some(tags) = tags {
        group.document.shift_insert(TAGS_AT, "tags".to_owned(), tags);
    }
    room.arm.insert(group, None);
    shown(room, ask, id).map(|reply| Reply { status: 201, ..reply })
}

fn set_tags(document: &mut Map<String, Value>, tags: Option<Value>) {
    if let Some(tags) = tags {
        document.insert("tags".to_owned(), tags);
    }
}

fn being_deleted(name: &str) -> Box<Refusal> {
    Refusal::new(
        409,
        "ResourceGroupBeingDeleted",
        format!("The resource group '{name}' is in deprovisioning state and cannot perform this operation."),
    )
}

fn patch(room: &mut Room<'_>, ask: &Ask<'_>, id: &str) -> Granted<Reply> {
    let tags = ask.at("/tags").cloned();
    let Some(group) = room.arm.get_mut(id) else { return Err(not_found(ask)) };
    set_tags(&mut group.document, tags);
    shown(room, ask, id)
}

fn delete(room: &mut Room<'_>, ask: &Ask<'_>, id: &str) -> Granted<Reply> {
    let Some(group) = room.arm.get(id) else { return Err(not_found(ask)) };
    let (id, location, running) = (group.id.clone(), group.location.clone(), group.operation);
    if let Some(running) = running {
        return Ok(Reply::new(202, Value::Null).operation(running, Style::Location));
    }
    if let Some(refusal) = blocked(room, ask, &id) {
        return Err(refusal);
    }
    let start = Start {
        kind: OperationKind::GroupDelete,
        subject: &id,
        work: Work::DeleteGroup,
        namespace: "Microsoft.Resources",
        location: &location,
    };
    let operation = room.start(ask, start);
    if let Some(group) = room.arm.get_mut(&id) {
        group.state = State::Deleting;
        group.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, Style::Location))
}

/// A group cannot go while something in another group uses what is in it.
fn blocked(room: &Room<'_>, ask: &Ask<'_>, id: &str) -> Option<Box<Refusal>> {
    let inside: Vec<&Resource> = room.arm.resources.values().filter(|resource| within(id, &resource.id)).collect();
    let mut blockers: Vec<(&str, Box<Refusal>)> = Vec::new();
    for resource in inside {
        let users = match resource.kind() {
            Kind::VirtualNetwork => resource
                .embedded_ids()
                .iter()
                .flat_map(|subnet| crate::service::arm::network::nic::configurations_with(room, "subnet", subnet))
                .collect(),
            Kind::PublicIp => {
                crate::service::arm::network::nic::configurations_with(room, "publicIPAddress", &resource.id)
            }
            Kind::SecurityGroup => crate::service::arm::network::nic::users_of_group(room, &resource.id),
            Kind::Nic => crate::service::arm::network::nic::machine_of(room, &resource.id)
                .map(|machine| machine.id.clone())
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        if users.iter().any(|user| !within(id, user))
            && let Some(refusal) = network::in_use(room, resource, ask.now)
        {
            blockers.push((&resource.id, refusal));
        }
    }
    let ids: Vec<&str> = blockers.iter().map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return None;
    }
    let message = format!(
        "Deletion of resource group '{}' failed as resources with identifiers '{}' could not be deleted. The provisioning state of the resource group will be rolled back. Please check audit logs for more details.",
        ask.address.group.as_deref().unwrap_or_default(),
        ids.join(",")
    );
    let refusal = Refusal::new(409, "ResourceGroupDeletionBlocked", message);
    Some(blockers.into_iter().fold(refusal, |refusal, (_, blocker)| refusal.detail(blocker)))
}

/// Lists the groups that the caller may see.
pub(crate) fn list(room: &mut Room<'_>, ask: &Ask<'_>) -> Granted<Reply> {
    let scope = format!("/subscriptions/{}", ask.address.subscription);
    let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
    let allowed = |group: &&Resource| room.arm.roles.allow(ask.caller.object_id(), action, &group.id, ask.now.elapsed);
    let filter = ask.query.filled("$filter").and_then(list::tag_filter);
    let items = room
        .arm
        .below(&scope, Kind::Group)
        .filter(allowed)
        .filter(|group| filter.as_ref().is_none_or(|filter| filter.accepts(group)))
        .map(|group| view::render(room, group))
        .collect();
    Ok(list::page(room, ask, items))
}
