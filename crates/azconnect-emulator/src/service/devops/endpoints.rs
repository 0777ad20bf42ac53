//! Service connections, which the API calls service endpoints.

mod contract;
mod convert;
mod create;
mod document;
mod read;
mod remove;
mod update;

use http::Method;
use uuid::Uuid;

use super::{Context, refusal};
use crate::base::answer::Answer;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::permissions::{ADMINISTER, collection_token, connection_token};
use crate::model::devops::{Connection, Organization, Project};
use crate::model::world::World;
use crate::service::routes::{self, Case, Params, Route};

pub(super) use self::contract::Reader;
pub(super) use self::document::{body, check};

/// Refuses a personal access token whose scopes do not reach service connections.
pub(super) fn check_scope(cx: &Context<'_>, world: &World) -> OrRefusal<()> {
    let scopes: &[&str] = if cx.call.method == Method::GET {
        &["vso.serviceendpoint", "vso.serviceendpoint_query", "vso.serviceendpoint_manage"]
    } else {
        &["vso.serviceendpoint_manage"]
    };
    if cx.caller.is_within(scopes) { Ok(()) } else { Err(Refusal::sign_in(cx.organization(world)?.tenant)) }
}

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Answer>;

/// What is answered about service connections, from `endpoints` on: in a project or outside of one.
const ROUTES: &[Route<Handler>] = &[
    Route::new("GET", "project/endpoints", |cx, world, _| read::list(cx, world, cx.project.unwrap_or_default())),
    Route::new("GET", "project/endpoints/{id}", |cx, world, at| {
        read::get(cx, world, cx.project.unwrap_or_default(), guid(at.get("id"))?)
    }),
    Route::new("POST", "{where}/endpoints", |cx, world, _| create::create(cx, world)),
    Route::new("PUT", "{where}/endpoints", |cx, world, _| update::bulk(cx, world)),
    Route::new("PUT", "{where}/endpoints/{id}", |cx, world, at| update::update(cx, world, guid(at.get("id"))?)),
    Route::new("PATCH", "organization/endpoints/{id}", |cx, world, at| remove::share(cx, world, guid(at.get("id"))?)),
    Route::new("DELETE", "{where}/endpoints/{id}", |cx, world, at| remove::delete(cx, world, guid(at.get("id"))?)),
];

/// Answers what is asked below `endpoints`. The scope of a token is looked at before the route.
pub(super) fn answer(cx: &Context<'_>, world: &mut World, below: &[&str]) -> OrRefusal<Answer> {
    check_scope(cx, world)?;
    let place = if cx.project.is_some() { "project" } else { "organization" };
    let parts: Vec<&str> = [place, "endpoints"].into_iter().chain(below.iter().copied()).collect();
    let found = routes::find(ROUTES, Case::Ignored, &cx.call.method, &parts);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(cx, world, &at)
}

fn guid(text: &str) -> OrRefusal<Uuid> {
    Uuid::parse_str(text).map_err(|_| {
        refusal::argument(format!("The value '{}' is not a valid service endpoint id.", text.to_ascii_lowercase()))
    })
}

/// A project that the caller may see.
pub(super) fn project<'w>(cx: &Context<'_>, world: &'w World, key: &str) -> OrRefusal<&'w Project> {
    let organization = cx.organization(world)?;
    let found = organization.project(key).filter(|project| organization.may_enter(cx.caller.id(), project.id));
    found.ok_or_else(|| refusal::project(world, key))
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

/// The refusal of a name that a project already has: as recorded, an internal error, of all things.
fn duplicate(world: &World, name: &str) -> Box<Refusal> {
    let status = if world.settings.plays(DevOpsOutcome::DuplicateNameConflict) { 409 } else { 500 };
    Refusal::new(
        status,
        "DuplicateServiceConnectionException",
        format!(
            "Service connection with name {name} already exists. Only a user having Administrator/User role \
             permissions on service connection {name} can see it."
        ),
    )
}

/// Refuses a name that another service connection has in a project.
fn check_name(cx: &Context<'_>, world: &World, (project, name): (Uuid, &str), own: Option<Uuid>) -> OrRefusal<()> {
    let organization = cx.organization(world)?;
    let taken = organization.connections.iter().filter(|one| one.exists(cx.now.elapsed)).any(|one| {
        Some(one.id) != own && one.reference(project).is_some_and(|reference| reference.name.eq_ignore_ascii_case(name))
    });
    if taken { Err(duplicate(world, name)) } else { Ok(()) }
}
