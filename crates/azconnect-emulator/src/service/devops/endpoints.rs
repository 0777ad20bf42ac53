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

use super::Visit;
use super::error::Fail;
use crate::base::answer::Answer;
use crate::model::devops::permissions::{ADMINISTER, collection_token, connection_token};
use crate::model::devops::{Connection, Organization, Project};
use crate::model::world::World;

pub(super) fn route(visit: &Visit<'_>, world: &mut World, rest: &[&str]) -> Result<Answer, Fail> {
    let method = &visit.call.method;
    let manages = *method != Method::GET;
    let scopes: &[&str] = if manages {
        &["vso.serviceendpoint_manage"]
    } else {
        &["vso.serviceendpoint", "vso.serviceendpoint_query", "vso.serviceendpoint_manage"]
    };
    if !visit.caller.is_within(scopes) {
        return Err(Fail::Unauthenticated(visit.organization(world)?.tenant));
    }
    match (method, rest, visit.project) {
        (&Method::GET, [], Some(project)) => read::list(visit, world, project),
        (&Method::GET, [id], Some(project)) => read::get(visit, world, project, guid(id)?),
        (&Method::POST, [], _) if visit.call.query.get("endpointIds").is_none() => create::create(visit, world),
        (&Method::PUT, [], _) => update::bulk(visit, world),
        (&Method::PUT, [id], _) => update::update(visit, world, guid(id)?),
        (&Method::PATCH, [id], None) => remove::share(visit, world, guid(id)?),
        (&Method::DELETE, [id], _) => remove::delete(visit, world, guid(id)?),
        _ => Err(Fail::Gap),
    }
}

fn guid(text: &str) -> Result<Uuid, Fail> {
    Uuid::parse_str(text).map_err(|_| Fail::argument(format!("The value '{text}' is not a valid service endpoint id.")))
}

/// A project that the caller may see.
pub(super) fn project<'w>(visit: &Visit<'_>, organization: &'w Organization, key: &str) -> Result<&'w Project, Fail> {
    let found = organization.project(key).filter(|project| organization.may_enter(visit.caller.id(), project.id));
    found.ok_or_else(|| Fail::project(key))
}

/// A service connection, which the caller may not be able to do anything with.
fn existing<'w>(visit: &Visit<'_>, organization: &'w Organization, id: Uuid) -> Result<&'w Connection, Fail> {
    organization.connection(id, visit.call.now.elapsed).ok_or_else(|| Fail::endpoint(&id.to_string()))
}

/// Whether the caller administers a service connection in one of its projects, or in the whole organization.
fn administers(visit: &Visit<'_>, organization: &Organization, connection: &Connection) -> bool {
    let member = visit.caller.id();
    organization.allows(member, ADMINISTER, &collection_token(connection.id))
        || connection.references.iter().any(|reference| {
            organization.allows(member, ADMINISTER, &connection_token(reference.project, connection.id))
        })
}

/// The refusal of a name that a project already has: an internal error, of all things.
fn duplicate(name: &str) -> Fail {
    Fail::new(
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
    visit: &Visit<'_>,
    organization: &Organization,
    (project, name): (Uuid, &str),
    own: Option<Uuid>,
) -> Result<(), Fail> {
    let taken = organization.connections.iter().filter(|one| one.exists(visit.call.now.elapsed)).any(|one| {
        Some(one.id) != own && one.reference(project).is_some_and(|reference| reference.name.eq_ignore_ascii_case(name))
    });
    if taken { Err(duplicate(name)) } else { Ok(()) }
}
