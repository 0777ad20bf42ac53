//! What all resources in groups have in common: reading, listing, deleting.

use serde_json::{Map, Value, json};

use super::ask::Room;
use super::ask::{Ask, Reply, Style};
use super::compute::{extension, instance_view, machine, machine_write, run_command};
use super::operation::Start;
use super::put::{Write, busy, properties};
use super::resources::deployment;
use super::{list, network, view};
use crate::base::moment::rfc3339;
use crate::base::refusal::{Granted, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{Address, parent_id, resource_id, same, within};
use crate::model::arm::kind::Kind;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Resource, State};

/// Answers a request for a resource or a list of them.
pub(crate) fn answer(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, names: &[&str]) -> Option<Granted<Reply>> {
    if names.len() + 1 == kind.types().len() && ask.method == "GET" {
        return Some(listed(room, ask, kind, names));
    }
    if names.len() != kind.types().len() || ask.address.group.is_none() {
        return None;
    }
    let id = resource_id(&ask.address.subscription, ask.address.group.as_deref()?, kind, names);
    let action = match ask.method.as_str() {
        "GET" | "HEAD" => "read",
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        _ => return None,
    };
    if let Err(refusal) = room.permit(ask, &format!("{}/{action}", kind.action_prefix()), &id) {
        return Some(Err(refusal));
    }
    Some(match ask.method.as_str() {
        "GET" => read(room, ask, kind, &id),
        "HEAD" => Ok(Reply::new(if room.arm.get(&id).is_some() { 204 } else { 404 }, Value::Null)),
        "DELETE" => delete(room, ask, kind, &id),
        "PATCH" => patch(room, ask, kind, names, &id)?,
        _ => put(room, ask, kind, names),
    })
}

fn put(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, names: &[&str]) -> Granted<Reply> {
    match kind {
        Kind::Machine => machine_write::put(room, ask, names),
        Kind::Extension => extension::put(room, ask, names),
        Kind::RunCommand => run_command::put(room, ask, names),
        Kind::Disk => put_disk(room, ask, names),
        Kind::Deployment => deployment::put(room, ask, names),
        _ => network::put(room, ask, kind, names),
    }
}

fn put_disk(room: &mut Room<'_>, ask: &Ask<'_>, names: &[&str]) -> Granted<Reply> {
    let target = room.prepare(ask, Kind::Disk, names)?;
    let mut properties = properties(&ask.body);
    properties.entry("diskState").or_insert(json!("Unattached"));
    properties.insert("timeCreated".to_owned(), json!(rfc3339(ask.now.wall)));
    let write = Write { operation: OperationKind::Disk, work: Work::Provision, properties, at_once: false };
    Ok(room.write(ask, &target, write))
}

/// Changes the tags of a resource, or any field of a machine.
fn patch(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, names: &[&str], id: &str) -> Option<Granted<Reply>> {
    if kind == Kind::Machine {
        return Some(machine_write::patch(room, ask, names));
    }
    if kind.namespace() != "Microsoft.Network" || kind.parent().is_some() {
        return None;
    }
    if let Err(refusal) = room.require(id) {
        return Some(Err(refusal));
    }
    let resource = room.arm.get_mut(id)?;
    if let Some(tags) = ask.at("/tags") {
        resource.document.insert("tags".to_owned(), tags.clone());
    }
    Some(room.require(id).map(|resource| Reply::new(200, view::render(room, resource))))
}

impl Room<'_> {
    /// A resource, or the refusal of one that is not there.
    pub(crate) fn require(&self, id: &str) -> Granted<&Resource> {
        self.arm.get(id).ok_or_else(|| self.not_found(id))
    }

    pub(crate) fn not_found(&self, id: &str) -> Box<Refusal> {
        let address = Address::of_id(id);
        let group = address.as_ref().and_then(|address| address.group.clone()).unwrap_or_default();
        if let Some(group_id) = address.as_ref().and_then(Address::group_id)
            && self.arm.get(&group_id).is_none()
        {
            return Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."));
        }
        let kind = address.as_ref().and_then(|address| address.kind());
        if let Some((kind, _)) = &kind
            && kind.parent().is_some()
            && self.arm.get(parent_id(id)).is_some()
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

    /// Whether this read of a new resource comes too early to find it.
    fn hides(&mut self, ask: &Ask<'_>, id: &str) -> bool {
        let lag = self.settings.read_lag;
        let Some(resource) = self.arm.get_mut(id) else { return false };
        if ask.now.elapsed >= resource.created.elapsed.saturating_add(lag) {
            return false;
        }
        resource.reads += 1;
        resource.reads % 2 == 1
    }
}

fn read(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, id: &str) -> Granted<Reply> {
    if matches!(kind, Kind::Subnet | Kind::SecurityRule) {
        let item = view::render_embedded(room, id);
        return item.map(|item| Reply::new(200, item)).ok_or_else(|| room.not_found(id));
    }
    if room.hides(ask, id) {
        return Err(room.not_found(id));
    }
    let resource = room.require(id)?;
    let mut shown = match kind {
        Kind::RunCommand => run_command::render(room, resource, ask),
        _ => view::render(room, resource),
    };
    expand(room, ask, resource, &mut shown);
    Ok(Reply::new(200, shown))
}

/// Adds what `$expand` asks for.
fn expand(room: &Room<'_>, ask: &Ask<'_>, resource: &Resource, shown: &mut Value) {
    let expand = ask.query.get("$expand").unwrap_or_default();
    let Some(Value::Object(properties)) = shown.get_mut("properties") else { return };
    match resource.kind() {
        Kind::Machine if same(expand, "instanceView") => {
            properties.insert("instanceView".to_owned(), instance_view::of(room, resource, ask.now));
        }
        Kind::Extension if same(expand, "instanceView") => {
            properties.insert("instanceView".to_owned(), extension::view(resource));
        }
        Kind::Nic if expand.to_ascii_lowercase().contains("publicipaddress") => {
            let list = properties.get_mut("ipConfigurations").and_then(Value::as_array_mut);
            for configuration in list.into_iter().flatten() {
                let id = configuration.pointer("/properties/publicIPAddress/id").and_then(Value::as_str);
                let public = id.and_then(|id| room.arm.get(id)).map(|public| view::render(room, public));
                if let (Some(public), Some(slot)) = (public, configuration.pointer_mut("/properties/publicIPAddress")) {
                    *slot = public;
                }
            }
        }
        _ => {}
    }
}

/// Lists the resources of a kind in a group, in a subscription, or inside another.
fn listed(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, names: &[&str]) -> Granted<Reply> {
    let scope = match (&ask.address.group, kind.parent()) {
        (Some(group), Some(parent)) => resource_id(&ask.address.subscription, group, parent, names),
        _ => ask.address.scope.clone(),
    };
    room.permit(ask, &format!("{}/read", kind.action_prefix()), &scope)?;
    if ask.address.group.is_some() && room.arm.get(&ask.address.group_id().unwrap_or_default()).is_none() {
        return Err(room.not_found(&scope));
    }
    if kind.parent().is_some() {
        room.require(&scope)?;
    }
    if let Some(parent) = room.arm.get(&scope).filter(|_| matches!(kind, Kind::Subnet | Kind::SecurityRule)) {
        let ids = parent.embedded_ids();
        let items = ids.iter().filter_map(|id| view::render_embedded(room, id)).collect();
        return Ok(list::page(room, ask, items));
    }
    let seen =
        |resource: &&Resource| ask.now.elapsed >= resource.created.elapsed.saturating_add(room.settings.list_lag);
    let status_only = ask.query.flag("statusOnly");
    let items = room
        .arm
        .below(&scope, kind)
        .filter(seen)
        .map(|resource| {
            if status_only && kind == Kind::Machine {
                return status(room, ask, resource);
            }
            let mut shown = view::render(room, resource);
            expand(room, ask, resource, &mut shown);
            shown
        })
        .collect();
    Ok(list::page(room, ask, items))
}

/// A machine in a list that asks for states only.
fn status(room: &Room<'_>, ask: &Ask<'_>, machine: &Resource) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(machine.state.name()));
    properties.insert("instanceView".to_owned(), instance_view::of(room, machine, ask.now));
    json!({
        "name": machine.name(), "id": machine.id, "type": Kind::Machine.full(), "location": machine.location,
        "properties": properties,
    })
}

/// Lists all resources of a subscription or group.
pub(crate) fn all(room: &mut Room<'_>, ask: &Ask<'_>) -> Granted<Reply> {
    let scope = ask.address.scope.clone();
    room.permit(ask, "Microsoft.Resources/subscriptions/resources/read", &scope)?;
    let filter = ask.query.filled("$filter").and_then(list::tag_filter);
    let items = room
        .arm
        .resources
        .values()
        .filter(|resource| within(&scope, &resource.id) && !matches!(resource.kind(), Kind::Group | Kind::Deployment))
        .filter(|resource| ask.now.elapsed >= resource.created.elapsed.saturating_add(room.settings.list_lag))
        .filter(|resource| filter.as_ref().is_none_or(|filter| filter.accepts(resource)))
        .map(|resource| {
            let mut shown = resource.document.clone();
            shown.remove("properties");
            Value::Object(shown)
        })
        .collect();
    Ok(list::page(room, ask, items))
}

fn delete(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, id: &str) -> Granted<Reply> {
    match kind {
        Kind::Machine => return machine::delete(room, ask, id),
        Kind::Subnet | Kind::SecurityRule => return delete_embedded(room, ask, kind, id),
        _ => {}
    }
    let Some(resource) = room.arm.get(id) else { return Ok(Reply::new(204, Value::Null)) };
    let (id, location) = (resource.id.clone(), resource.location.clone());
    if let (State::Deleting, Some(running)) = (resource.state, resource.operation) {
        return Ok(Reply::new(202, Value::Null).operation(running, Style::Both));
    }
    if let Some(refusal) = network::in_use(room, resource, ask.now) {
        return Err(refusal);
    }
    if let Some(holder) = machine::holder_of(room, resource) {
        return Err(Refusal::new(
            409,
            "OperationNotAllowed",
            format!("Disk {} is attached to VM {}.", resource.name(), holder.id),
        ));
    }
    if let Some(running) = resource.operation {
        room.preempt(running, ask.now);
    }
    let operation_kind = match kind {
        Kind::Disk => OperationKind::DiskDelete,
        Kind::Extension | Kind::RunCommand => OperationKind::ExtensionDelete,
        _ => OperationKind::NetworkDelete,
    };
    let start = Start {
        kind: operation_kind,
        subject: &id,
        work: Work::Delete,
        namespace: kind.namespace(),
        location: &location,
    };
    let operation = room.start(ask, start);
    if let Some(resource) = room.arm.get_mut(&id) {
        resource.state = State::Deleting;
        resource.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, Style::Both))
}

fn delete_embedded(room: &mut Room<'_>, ask: &Ask<'_>, kind: Kind, id: &str) -> Granted<Reply> {
    if network::embedded(room, id).is_none() {
        return Ok(Reply::new(204, Value::Null));
    }
    if let Some(refusal) = network::subnet_in_use(room, id).filter(|_| kind == Kind::Subnet) {
        return Err(refusal);
    }
    let parent = room.require(parent_id(id))?;
    if parent.operation.is_some() {
        return Err(busy(room, ask, parent));
    }
    let (parent_key, location) = (parent.id.clone(), parent.location.clone());
    let start = Start {
        kind: OperationKind::NetworkDelete,
        subject: id,
        work: Work::DeleteEmbedded,
        namespace: "Microsoft.Network",
        location: &location,
    };
    let operation = room.start(ask, start);
    if let Some(parent) = room.arm.get_mut(&parent_key) {
        parent.state = State::Updating;
        parent.operation = Some(operation);
    }
    Ok(Reply::new(202, Value::Null).operation(operation, Style::Both))
}
