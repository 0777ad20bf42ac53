//! What all resources in groups have in common: reading, listing, deleting.

use serde_json::{Map, Value, json};

use super::compute::disk_members::{DISK, DISK_WORDS};
use super::compute::{extension, gallery, instance_view, machine, machine_write, run_command};
use super::context::{Context, PollAddresses, Reply};
use super::members::Provider;
use super::operation::{Start, preempt};
use super::resources::deployment;
use super::write::{Write, busy, properties};
use super::{list, members, network, view};
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{Address, parent_id, resource_id, same, within};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;

/// Answers a request for a resource or a list of them.
pub(crate) fn answer(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    if names.len() + 1 == kind.types().len() && cx.call.method == "GET" {
        return listed(cx, world, kind, names);
    }
    let group = cx.address.group.as_deref().filter(|_| names.len() == kind.types().len());
    let group = group.ok_or_else(Refusal::not_emulated)?;
    let id = resource_id(&cx.address.subscription, group, kind, names);
    let action = match cx.call.method.as_str() {
        "GET" | "HEAD" => "read",
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        _ => return Err(Refusal::not_emulated()),
    };
    cx.permit(world, &format!("{}/{action}", kind.action_prefix()), &id)?;
    check_etag(cx, world, kind, &id)?;
    match cx.call.method.as_str() {
        "GET" => read(cx, world, kind, &id),
        "HEAD" => Ok(Reply::new(if world.arm.get(&id).is_some() { 204 } else { 404 }, Value::Null)),
        "DELETE" => delete(cx, world, kind, &id),
        "PATCH" => patch(cx, world, kind, names),
        _ => put(cx, world, kind, names),
    }
}

/// Refuses a request of Microsoft.Network that was made for another state of the resource than the one it is in.
fn check_etag(cx: &Context<'_>, world: &World, kind: ResourceKind, id: &str) -> OrRefusal<()> {
    if kind.namespace() != "Microsoft.Network" || cx.call.method == "GET" || cx.call.method == "HEAD" {
        return Ok(());
    }
    let shown = match kind {
        ResourceKind::Subnet | ResourceKind::SecurityRule => view::render_embedded(world, id),
        _ => world.arm.get(id).map(|resource| view::render(world, resource)),
    };
    let current = shown.as_ref().and_then(|shown| shown.get("etag")?.as_str());
    let names = |list: &str| {
        list.split(',').map(str::trim).any(|tag| match current {
            Some(current) => tag == "*" || tag == current,
            None => false,
        })
    };
    let stale = cx.call.header("if-match").is_some_and(|list| !names(list));
    let taken = cx.call.header("if-none-match").is_some_and(names);
    if stale || taken {
        let text = format!("Precondition failed. Etag provided in the request does not match the resource '{id}'.");
        return Err(Refusal::new(412, "PreconditionFailed", text));
    }
    Ok(())
}

/// The answer to a read, with the entity tag of its body in the header too.
fn tagged(kind: ResourceKind, body: Value) -> Reply {
    let tag = body.get("etag").and_then(Value::as_str).map(str::to_owned);
    let reply = Reply::new(200, body);
    match tag.filter(|_| kind.namespace() == "Microsoft.Network") {
        Some(tag) => reply.header("etag", &tag),
        None => reply,
    }
}

fn put(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    match kind {
        ResourceKind::Machine => machine_write::put(cx, world, names),
        ResourceKind::Extension => extension::put(cx, world, names),
        ResourceKind::RunCommand => run_command::put(cx, world, names),
        ResourceKind::Disk => put_disk(cx, world, names),
        ResourceKind::Image | ResourceKind::Gallery | ResourceKind::GalleryImage | ResourceKind::GalleryVersion => {
            gallery::put(cx, world, kind, names)
        }
        ResourceKind::Deployment => deployment::put(cx, world, names),
        _ => network::put(cx, world, kind, names),
    }
}

fn put_disk(cx: &Context<'_>, world: &mut World, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, DISK)?;
    members::check_words(Provider::Compute, &cx.body, DISK_WORDS)?;
    let target = cx.prepare(world, ResourceKind::Disk, names)?;
    let mut properties = properties(&cx.body);
    properties.entry("diskState").or_insert(json!("Unattached"));
    properties.insert("timeCreated".to_owned(), json!(rfc3339(cx.now.wall)));
    let write = Write { operation: OperationKind::Disk, work: Work::Provision, properties, at_once: false };
    Ok(cx.write(world, &target, write))
}

/// Changes the tags of a resource, or any field of a machine.
fn patch(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    if kind == ResourceKind::Machine {
        return machine_write::patch(cx, world, names);
    }
    let group = cx.address.group.as_deref().unwrap_or_default();
    let id = resource_id(&cx.address.subscription, group, kind, names);
    if kind == ResourceKind::Extension {
        return extension::patch(cx, world, (&id, names));
    }
    if kind.namespace() != "Microsoft.Network" || kind.parent().is_some() {
        return Err(Refusal::not_emulated());
    }
    require(world, &id)?;
    if let (Some(resource), Some(tags)) = (world.arm.get_mut(&id), cx.at("/tags")) {
        resource.document.insert("tags".to_owned(), tags.clone());
        resource.renew_etag();
    }
    require(world, &id).map(|resource| Reply::new(200, view::render(world, resource)))
}

impl Context<'_> {
    /// Whether this read of a new resource comes too early to find it.
    fn hides(&self, world: &mut World, id: &str) -> bool {
        let lag = world.settings.resource_manager.read_lag;
        let Some(resource) = world.arm.get_mut(id) else { return false };
        if self.now.elapsed >= resource.created.elapsed.saturating_add(lag) {
            return false;
        }
        // Every other read finds it already, as replicas do.
        resource.reads += 1;
        resource.reads % 2 == 1
    }
}

/// A resource, or the refusal of one that is not there.
pub(crate) fn require<'w>(world: &'w World, id: &str) -> OrRefusal<&'w Resource> {
    world.arm.get(id).ok_or_else(|| not_found(world, id))
}

pub(crate) fn not_found(world: &World, id: &str) -> Box<Refusal> {
    let address = Address::of_id(id);
    let group = address.as_ref().and_then(|address| address.group.clone()).unwrap_or_default();
    if let Some(group_id) = address.as_ref().and_then(Address::group_id)
        && world.arm.get(&group_id).is_none()
    {
        return Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."));
    }
    let kind = address.as_ref().and_then(|address| address.kind());
    if let Some((kind, _)) = &kind
        && kind.parent().is_some()
        && world.arm.get(parent_id(id)).is_some()
    {
        return Refusal::new(404, "NotFound", format!("Resource {id} not found.")).detail(Refusal::new(
            404,
            "NotFound",
            format!("Resource {id} not found."),
        ));
    }
    let shown = match &kind {
        Some((kind, names)) => {
            let mut shown = kind.namespace().to_owned();
            for (one, name) in kind.types().iter().zip(names) {
                shown = format!("{shown}/{one}/{name}");
            }
            shown
        }
        None => id.to_owned(),
    };
    Refusal::new(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{shown}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        ),
    )
}

fn read(cx: &Context<'_>, world: &mut World, kind: ResourceKind, id: &str) -> OrRefusal<Reply> {
    if matches!(kind, ResourceKind::Subnet | ResourceKind::SecurityRule) {
        let item = view::render_embedded(world, id);
        return item.map(|item| tagged(kind, item)).ok_or_else(|| not_found(world, id));
    }
    if cx.hides(world, id) {
        return Err(not_found(world, id));
    }
    let resource = require(world, id)?;
    let mut shown = match kind {
        ResourceKind::RunCommand => run_command::render(world, resource, cx),
        _ => view::render(world, resource),
    };
    expand(cx, world, resource, &mut shown);
    Ok(tagged(kind, shown))
}

/// Adds what `$expand` asks for.
fn expand(cx: &Context<'_>, world: &World, resource: &Resource, shown: &mut Value) {
    let expand = cx.call.query.get("$expand").unwrap_or_default();
    let Some(Value::Object(properties)) = shown.get_mut("properties") else { return };
    match resource.kind() {
        ResourceKind::Machine if same(expand, "instanceView") => {
            properties.insert("instanceView".to_owned(), instance_view::of(world, resource, cx.now));
        }
        ResourceKind::Extension if same(expand, "instanceView") => {
            properties.insert("instanceView".to_owned(), extension::view(world, resource));
        }
        ResourceKind::Nic if expand.to_ascii_lowercase().contains("publicipaddress") => {
            let list = properties.get_mut("ipConfigurations").and_then(Value::as_array_mut);
            for configuration in list.into_iter().flatten() {
                let id = configuration.pointer("/properties/publicIPAddress/id").and_then(Value::as_str);
                let public = id.and_then(|id| world.arm.get(id)).map(|public| view::render(world, public));
                if let (Some(public), Some(slot)) = (public, configuration.pointer_mut("/properties/publicIPAddress")) {
                    *slot = public;
                }
            }
        }
        _ => {}
    }
}

/// Lists the resources of a kind in a group, in a subscription, or inside another.
fn listed(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    let scope = match (&cx.address.group, kind.parent()) {
        (Some(group), Some(parent)) => resource_id(&cx.address.subscription, group, parent, names),
        _ => cx.address.scope.clone(),
    };
    cx.permit(world, &format!("{}/read", kind.action_prefix()), &scope)?;
    if cx.address.group.is_some() && world.arm.get(&cx.address.group_id().unwrap_or_default()).is_none() {
        return Err(not_found(world, &scope));
    }
    if kind.parent().is_some() {
        require(world, &scope)?;
    }
    if let Some(parent) =
        world.arm.get(&scope).filter(|_| matches!(kind, ResourceKind::Subnet | ResourceKind::SecurityRule))
    {
        let ids = parent.embedded_ids();
        let items = ids.iter().filter_map(|id| view::render_embedded(world, id)).collect();
        return Ok(list::page(cx, world, items));
    }
    let seen = |resource: &&Resource| {
        cx.now.elapsed >= resource.created.elapsed.saturating_add(world.settings.resource_manager.list_lag)
    };
    let status_only = cx.call.query.flag("statusOnly");
    let items = world
        .arm
        .below(&scope, kind)
        .filter(seen)
        .map(|resource| {
            if status_only && kind == ResourceKind::Machine {
                return status(cx, world, resource);
            }
            let mut shown = view::render(world, resource);
            expand(cx, world, resource, &mut shown);
            shown
        })
        .collect();
    Ok(list::page(cx, world, items))
}

/// A machine in a list that asks for states only.
fn status(cx: &Context<'_>, world: &World, machine: &Resource) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(machine.state.name()));
    properties.insert("instanceView".to_owned(), instance_view::of(world, machine, cx.now));
    json!({
        "name": machine.name(), "id": machine.id, "type": ResourceKind::Machine.full(), "location": machine.location,
        "properties": properties,
    })
}

/// Lists all resources of a subscription or group.
pub(crate) fn all(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let scope = cx.address.scope.clone();
    cx.permit(world, "Microsoft.Resources/subscriptions/resources/read", &scope)?;
    let filter = cx.call.query.filled("$filter").and_then(list::tag_filter);
    let expand = cx.call.query.get("$expand").unwrap_or_default();
    let items = world
        .arm
        .resources
        .values()
        .filter(|resource| {
            within(&scope, &resource.id) && !matches!(resource.kind(), ResourceKind::Group | ResourceKind::Deployment)
        })
        .filter(|resource| {
            cx.now.elapsed >= resource.created.elapsed.saturating_add(world.settings.resource_manager.list_lag)
        })
        .filter(|resource| filter.as_ref().is_none_or(|filter| filter.accepts(resource)))
        .map(|resource| {
            let mut shown = resource.document.clone();
            shown.remove("properties");
            for field in expand.split(',').map(str::trim) {
                match field {
                    "createdTime" => shown.insert(field.to_owned(), json!(rfc3339(resource.created.wall))),
                    "provisioningState" => shown.insert(field.to_owned(), json!(resource.state.name())),
                    _ => None,
                };
            }
            Value::Object(shown)
        })
        .collect();
    Ok(list::page(cx, world, items))
}

fn delete(cx: &Context<'_>, world: &mut World, kind: ResourceKind, id: &str) -> OrRefusal<Reply> {
    match kind {
        ResourceKind::Machine => return machine::delete(cx, world, id),
        ResourceKind::Subnet | ResourceKind::SecurityRule => return delete_embedded(cx, world, kind, id),
        _ => {}
    }
    let Some(resource) = world.arm.get(id) else { return Ok(Reply::new(204, Value::Null)) };
    let (id, location) = (resource.id.clone(), resource.location.clone());
    // A deletion that is asked for again joins the one under way.
    if let (ProvisioningState::Deleting, Some(running)) = (resource.state, resource.operation) {
        return Ok(Reply::new(202, Value::Null).operation(running, PollAddresses::Both));
    }
    if let Some(refusal) = network::in_use(world, resource, cx.now) {
        return Err(refusal);
    }
    if let Some(holder) = machine::holder_of(world, resource) {
        return Err(Refusal::new(
            409,
            "OperationNotAllowed",
            format!("Disk {} is attached to VM {}.", resource.name(), holder.id),
        ));
    }
    // Deleting takes precedence over a write that has not ended.
    if let Some(running) = resource.operation {
        preempt(world, running, cx.now);
    }
    let operation_kind = match kind {
        ResourceKind::Disk => OperationKind::DiskDelete,
        ResourceKind::Extension | ResourceKind::RunCommand => OperationKind::ExtensionDelete,
        _ => OperationKind::NetworkDelete,
    };
    let start = Start {
        kind: operation_kind,
        subject: &id,
        work: Work::Delete,
        namespace: kind.namespace(),
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(resource) = world.arm.get_mut(&id) {
        resource.state = ProvisioningState::Deleting;
        resource.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}

fn delete_embedded(cx: &Context<'_>, world: &mut World, kind: ResourceKind, id: &str) -> OrRefusal<Reply> {
    if network::embedded(world, id).is_none() {
        return Ok(Reply::new(204, Value::Null));
    }
    if let Some(refusal) = network::subnet_in_use(world, id).filter(|_| kind == ResourceKind::Subnet) {
        return Err(refusal);
    }
    let parent = require(world, parent_id(id))?;
    if parent.operation.is_some() {
        return Err(busy(cx, world, parent));
    }
    let (parent_key, location) = (parent.id.clone(), parent.location.clone());
    let start = Start {
        kind: OperationKind::NetworkDelete,
        subject: id,
        work: Work::DeleteEmbedded,
        namespace: "Microsoft.Network",
        location: &location,
    };
    let operation = cx.start(world, start);
    if let Some(parent) = world.arm.get_mut(&parent_key) {
        parent.state = ProvisioningState::Updating;
        parent.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, PollAddresses::Both))
}
