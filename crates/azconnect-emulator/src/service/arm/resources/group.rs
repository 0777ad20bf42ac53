//! Resource groups.

use serde_json::{Map, Value};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::within;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::{region_named, region_names};
use crate::model::arm::operation::Work;
use crate::model::arm::policy::GROUPS;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;
use crate::service::arm::context::{Context, PollAddresses, Reply};
use crate::service::arm::network::nic;
use crate::service::arm::operation::Start;
use crate::service::arm::{list, names, network, policy, view};

/// Where the tags stand in the document of a new group: before its properties.
const TAGS_AT: usize = 4;

/// The id of the group that a request names, if the caller may do this with it.
fn permitted(cx: &Context<'_>, world: &World, action: &str) -> OrRefusal<String> {
    let id = cx.address.group_id().unwrap_or_default();
    cx.permit(world, &format!("Microsoft.Resources/subscriptions/resourceGroups/{action}"), &id)?;
    Ok(id)
}

/// Shows the group of the request.
pub(crate) fn get(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    let id = permitted(cx, world, "read")?;
    shown(cx, world, &id)
}

/// Says whether a group exists.
pub(crate) fn head(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    let id = permitted(cx, world, "read")?;
    Ok(Reply::new(if world.arm.get(&id).is_some() { 204 } else { 404 }, Value::Null))
}

fn not_found(cx: &Context<'_>) -> Box<Refusal> {
    let name = cx.address.group.as_deref().unwrap_or_default();
    Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found."))
}

fn shown(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Reply> {
    world.arm.get(id).map(|group| Reply::new(200, view::render(world, group))).ok_or_else(|| not_found(cx))
}

/// Creates a group, or changes its tags.
pub(crate) fn put(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let id = &permitted(cx, world, "write")?;
    let name = cx.address.group.clone().unwrap_or_default();
    names::check_group(&name)?;
    let Some(named) = cx.text("/location") else {
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
    policy::check(cx, world, GROUPS, &name, &cx.body)?;
    let tags = cx.at("/tags").cloned();
    if let Some(group) = world.arm.get_mut(id) {
        if group.state == ProvisioningState::Deleting {
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
        return shown(cx, world, id).map(|reply| Reply { status: 200, ..reply });
    }
    let by = Some(cx.caller.object_id());
    let mut group = Resource::group(&cx.address.subscription, &name, region.name, cx.now, by);
    if let Some(tags) = tags {
        group.document.shift_insert(TAGS_AT, "tags".to_owned(), tags);
    }
    world.arm.insert(group, None);
    shown(cx, world, id).map(|reply| Reply { status: 201, ..reply })
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

/// Changes the tags of a group.
pub(crate) fn patch(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let id = &permitted(cx, world, "write")?;
    let tags = cx.at("/tags").cloned();
    let Some(group) = world.arm.get_mut(id) else { return Err(not_found(cx)) };
    set_tags(&mut group.document, tags);
    shown(cx, world, id)
}

/// Begins to delete a group with all that is in it.
pub(crate) fn delete(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let id = &permitted(cx, world, "delete")?;
    let Some(group) = world.arm.get(id) else { return Err(not_found(cx)) };
    let (id, location, running) = (group.id.clone(), group.location.clone(), group.operation);
    // Asked for again, the deletion under way answers for both.
    if let Some(running) = running {
        return Ok(Reply::new(202, Value::Null).operation(running, PollAddresses::Location));
    }
    if let Some(refusal) = blocked(cx, world, &id) {
        return Err(refusal);
    }
    let start = Start {
        kind: OperationKind::GroupDelete,
        subject: &id,
        work: Work::DeleteGroup,
        namespace: "Microsoft.Resources",
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(group) = world.arm.get_mut(&id) {
        group.state = ProvisioningState::Deleting;
        group.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Location))
}

/// A group cannot go while something in another group uses what is in it.
fn blocked(cx: &Context<'_>, world: &World, id: &str) -> Option<Box<Refusal>> {
    let inside: Vec<&Resource> = world.arm.resources.values().filter(|resource| within(id, &resource.id)).collect();
    let mut blockers: Vec<(&str, Box<Refusal>)> = Vec::new();
    for resource in inside {
        let users = match resource.kind() {
            ResourceKind::VirtualNetwork => resource
                .embedded_ids()
                .iter()
                .flat_map(|subnet| nic::configurations_with(world, "subnet", subnet))
                .collect(),
            ResourceKind::PublicIp => nic::configurations_with(world, "publicIPAddress", &resource.id),
            ResourceKind::SecurityGroup => nic::users_of_group(world, &resource.id),
            ResourceKind::Nic => {
                nic::machine_of(world, &resource.id).map(|machine| machine.id.clone()).into_iter().collect()
            }
            _ => Vec::new(),
        };
        if users.iter().any(|user| !within(id, user))
            && let Some(refusal) = network::in_use(world, resource, cx.now)
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
        cx.address.group.as_deref().unwrap_or_default(),
        ids.join(",")
    );
    let refusal = Refusal::new(409, "ResourceGroupDeletionBlocked", message);
    Some(blockers.into_iter().fold(refusal, |refusal, (_, blocker)| refusal.detail(blocker)))
}

/// Lists the groups that the caller may see.
pub(crate) fn list(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
    let allowed = |group: &&Resource| world.arm.roles.allow(cx.caller.object_id(), action, &group.id, cx.now.elapsed);
    let filter = cx.call.query.filled("$filter").and_then(list::tag_filter);
    let items = world
        .arm
        .below(&scope, ResourceKind::Group)
        .filter(allowed)
        .filter(|group| filter.as_ref().is_none_or(|filter| filter.accepts(group)))
        .map(|group| view::render(world, group))
        .collect();
    Ok(list::page(cx, world, items))
}
