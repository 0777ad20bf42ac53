//! Service connections, which the API calls service endpoints.

mod convert;
mod create;
mod document;
mod read;
mod remove;
mod update;

use http::Method;
use uuid::Uuid;

pub(super) use self::document::body;
use crate::base::refusal::OrRefusal;
use crate::base::refusal::Refusal;
use crate::service::devops::refusal;

use super::Context;
use crate::base::answer::Answer;
use crate::model::devops::permissions::{ADMINISTER, collection_token, connection_token};
use crate::model::devops::{Connection, Organization, Project};
use crate::model::world::World;

pub(super) fn route(cx: &Context<'_>, world: &mut World, rest: &[&str]) -> OrRefusal<Answer> {
    let method = &cx.call.method;
    let manages = *method != Method::GET;
    let scopes: &[&str] = if manages {
        &["vso.serviceendpoint_manage"]
    } else {
        &["vso.serviceendpoint", "vso.serviceendpoint_query", "vso.serviceendpoint_manage"]
    };
    if !cx.caller.is_within(scopes) {
        return Err(Refusal::sign_in(cx.organization(world)?.tenant));
    }
    match (method, rest, cx.project) {
        (&Method::GET, [], Some(project)) => read::list(cx, world, project),
        (&Method::GET, [id], Some(project)) => read::get(cx, world, project, guid(id)?),
        (&Method::POST, [], _) if cx.call.query.get("endpointIds").is_none() => create::create(cx, world),
        (&Method::PUT, [], _) => update::bulk(cx, world),
        (&Method::PUT, [id], _) => update::update(cx, world, guid(id)?),
        (&Method::PATCH, [id], None) => remove::share(cx, world, guid(id)?),
        (&Method::DELETE, [id], _) => remove::delete(cx, world, guid(id)?),
        _ => Err(Refusal::not_emulated()),
    }
}

fn guid(text: &str) -> OrRefusal<Uuid> {
    Uuid::parse_str(text)
        .map_err(|_| refusal::argument(format!("The value '{text}' is not a valid service endpoint id.")))
}

/// A project that the caller may see.
pub(super) fn project<'w>(cx: &Context<'_>, organization: &'w Organization, key: &str) -> OrRefusal<&'w Project> {
    let found = organization.project(key).filter(|project| organization.may_enter(cx.caller.id(), project.id));
    found.ok_or_else(|| refusal::project(key))
}

/// A service connection, which the caller may not be able to do anything with.
fn existing<'w>(cx: &Context<'_>, organization: &'w Organization, id: Uuid) -> OrRefusal<&'w Connection> {
    organization.connection(id, cx.now.elapsed).ok_or_else(|| refusal::endpoint(&id.to_string()))
}

/// Whether the caller administers a service connection in one of its projects, or in the whole organization.
fn administers(cx: &Context<'_>, organization: &Organization, connection: &Connection) -> bool {
    let member = cx.caller.id();
    organization.allows(member, ADMINISTER, &collection_token(connection.id))
        || connection.references.iter().any(|reference| {
            organization.allows(member, ADMINISTER, &connection_token(reference.project, connection.id))
        })
}

/// The refusal of a name that a project already has: an internal error, of all things.
fn duplicate(name: &str) -> Box<Refusal> {
    Refusal::new(
        500,
        "DuplicateServiceConnectionException",
        format!(
            "Service connection with name {name} already exists. Only a user having Administrator/User role \
             permissions on service connection {name} can see it."
        ),
    )
}

/// Refuses a name that another service connection has in a project.
fn check_name(
    cx: &Context<'_>,
    organization: &Organization,
    (project, name): (Uuid, &str),
    own: Option<Uuid>,
) -> OrRefusal<()> {
    let taken = organization.connections.iter().filter(|one| one.exists(cx.now.elapsed)).any(|one| {
        Some(one.id) != own && one.reference(project).is_some_and(|reference| reference.name.eq_ignore_ascii_case(name))
    });
    if taken { Err(duplicate(name)) } else { Ok(()) }
}
