//! Azure DevOps: organizations, projects, service connections, identities and tokens.

mod caller;
mod connection_data;
mod endpoints;
mod graph;
mod history;
mod identities;
mod identity;
mod locations;
mod pats;
mod pipelines;
mod profile;
mod projects;
mod proxy;
mod refusal;
mod repositories;
mod security;
mod teams;
mod throttle;
mod types;
mod version;

use http::Method;

use self::caller::OrganizationCaller;
use self::throttle::Usage;
use super::context;
use super::routes::{self, Case, Params, Route};
use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal, Treatment};
use crate::model::devops::Organization;
use crate::model::world::World;

/// A request that Azure DevOps has let in.
type Context<'a> = context::Context<'a, Admitted<'a>>;

/// What Azure DevOps knows of a request of a known caller to an organization.
struct Admitted<'a> {
    caller: OrganizationCaller,
    /// The organization's name as it is written in the directory.
    organization: String,
    /// What stands before `_apis`, if anything: a project's name or id.
    project: Option<&'a str>,
}

impl Context<'_> {
    /// The organization. It was found when the visit began.
    fn organization<'w>(&self, world: &'w World) -> OrRefusal<&'w Organization> {
        world.devops.organization(&self.organization).ok_or_else(Refusal::not_emulated)
    }

    fn organization_mut<'w>(&self, world: &'w mut World) -> OrRefusal<&'w mut Organization> {
        world.devops.organization_mut(&self.organization).ok_or_else(Refusal::not_emulated)
    }

    /// Where a service has this organization, for links.
    fn base(&self, service: Service) -> String {
        format!("{}/{}", self.call.origins.of(service), self.organization)
    }
}

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    // Drawn for every request, answered or not, so that the order of ids follows the requests alone.
    let activity = world.dice.guid().to_string();
    let answer = match enter(call, world) {
        Ok(answer) => answer,
        Err(refusal) => match refusal.treatment {
            Treatment::NotEmulated => return None,
            Treatment::SignIn(tenant) => refusal::unauthenticated(call, world, tenant),
            Treatment::Error => refusal::answer(&refusal, &world.settings),
        },
    };
    let session = call.header("x-tfs-session").unwrap_or(&activity).to_owned();
    Some(
        answer
            .with_header("activityid", &activity)
            .with_header("x-vss-e2eid", &activity)
            .with_header("x-tfs-session", &session)
            .with_header("x-tfs-processid", "00000000-0000-4000-8000-000000000000")
            .with_header("x-content-type-options", "nosniff"),
    )
}

fn enter(call: &Call, world: &mut World) -> OrRefusal<Answer> {
    let parts = call.parts();
    // What belongs to no organization is at one place, by whichever origin it is asked for.
    if call.service == Service::DevOpsProfile || parts.first().is_some_and(|first| first.eq_ignore_ascii_case("_apis"))
    {
        return profile::route(call, world);
    }
    // A server on premises may have its collections below this.
    let parts = parts.strip_prefix(&["tfs"]).unwrap_or(&parts);
    let (name, rest) = parts.split_first().ok_or_else(Refusal::not_emulated)?;
    let (project, route) = match rest {
        [apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (None, route),
        [project, apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (Some(*project), route),
        _ => return Err(Refusal::not_emulated()),
    };
    if let (&Method::OPTIONS, None, [] | [_]) = (&call.method, project, route) {
        let organization = world.devops.organization(name).ok_or_else(|| refusal::organization(name))?;
        let one_origin = is_one_origin(call, organization.latest_version.is_some());
        return Ok(locations::table(call, one_origin, route.first().copied()));
    }
    let caller = OrganizationCaller::of(call, world, name)?;
    let organization = world.devops.organization(name).ok_or_else(Refusal::not_emulated)?.name.clone();
    let cx = Context::new(call, Admitted { caller, organization, project });
    let kept = world.settings.kept;
    let known = cx.organization_mut(world)?;
    for connection in &mut known.connections {
        connection.settle(cx.now.elapsed);
    }
    known.forget(kept, cx.now.elapsed);
    // Counted once the caller is known: a budget is a caller's.
    let usage = Usage::count(&cx, world)?;
    let answer = route_to(&cx, world, rest)?;
    Ok(match usage {
        Some(usage) => usage.warn(answer),
        None => answer,
    })
}

/// Refuses a body in another form than JSON, before anybody reads it. Nothing served here takes another form of JSON.
fn check_media_type(call: &Call) -> OrRefusal<()> {
    let given = call.header("content-type").unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if call.body.is_empty() || ["application/json", "text/json"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let text = format!(
        "The request indicated a Content-Type of \"{kind}\" for method type \"{}\" which is not supported. Valid content \
         types for this method are: application/json.",
        call.method
    );
    Err(Refusal::new(415, "VssRequestContentTypeNotSupportedException", text))
}

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Answer>;

/// What every origin of an organization answers.
const EVERYWHERE: &[Route<Handler>] = &[
    Route::new("GET", "_apis/connectionData", |cx, world, _| connection_data::answer(cx, world)),
    Route::new("GET", "_apis/resourceAreas", |cx, world, _| locations::areas(cx, world, None)),
    Route::new("GET", "_apis/resourceAreas/{id}", |cx, world, at| locations::areas(cx, world, Some(at.get("id")))),
];

/// What the origin of projects and service connections answers.
const DEVOPS: &[Route<Handler>] = &[
    Route::new("GET", "_apis/projects", |cx, world, _| projects::list(cx, world)),
    Route::new("GET", "_apis/projects/{project}", |cx, world, at| projects::get(cx, world, at.get("project"))),
    Route::new("GET", "_apis/projects/{project}/teams", |cx, world, at| {
        teams::of_project(cx, world, at.get("project"))
    }),
    Route::new("GET", "_apis/projects/{project}/teams/{team}", |cx, world, at| {
        teams::get(cx, world, (at.get("project"), at.get("team")))
    }),
    Route::new("GET", "_apis/projects/{project}/teams/{team}/members", |cx, world, at| {
        teams::members(cx, world, (at.get("project"), at.get("team")))
    }),
    Route::new("GET", "_apis/teams", |cx, world, _| teams::all(cx, world)),
    Route::new("GET", "_apis/git/repositories", |cx, world, _| repositories::all(cx, world)),
    Route::new("GET", "{project}/_apis/git/repositories", |cx, world, at| {
        repositories::of_project(cx, world, at.get("project"))
    }),
    Route::new("GET", "_apis/serviceendpoint/types", |cx, _, _| Ok(types::answer(cx))),
    Route::new("GET", "{project}/_apis/serviceendpoint/types", |cx, _, _| Ok(types::answer(cx))),
    Route::new("*", "_apis/serviceendpoint/endpoints/{below*}", |cx, world, at| {
        endpoints::answer(cx, world, at.rest())
    }),
    Route::new("*", "{project}/_apis/serviceendpoint/endpoints/{below*}", |cx, world, at| {
        endpoints::answer(cx, world, at.rest())
    }),
    Route::new("POST", "{project}/_apis/serviceendpoint/endpointproxy", |cx, world, _| proxy::answer(cx, world)),
    Route::new("GET", "{project}/_apis/serviceendpoint/{id}/executionhistory", |cx, world, at| {
        history::answer(cx, world, &lower(at, "id"))
    }),
    Route::new("GET", "{project}/_apis/pipelines/pipelinepermissions/endpoint/{id}", |cx, world, at| {
        pipelines::get(cx, world, &lower(at, "id"))
    }),
    Route::new("PATCH", "{project}/_apis/pipelines/pipelinepermissions/endpoint/{id}", |cx, world, at| {
        pipelines::update(cx, world, &lower(at, "id"))
    }),
    Route::new("PATCH", "{project}/_apis/pipelines/pipelinepermissions", |cx, world, _| pipelines::several(cx, world)),
    Route::new("GET", "_apis/permissions/{namespace}/{bits}", |cx, world, at| {
        security::permissions(cx, world, (&lower(at, "namespace"), at.get("bits")))
    }),
    Route::new("POST", "_apis/security/permissionevaluationbatch", |cx, world, _| security::batch(cx, world)),
    Route::new("GET", "_apis/securitynamespaces", |_, _, _| security::namespaces(None)),
    Route::new("GET", "_apis/securitynamespaces/{id}", |_, _, at| security::namespaces(Some(&lower(at, "id")))),
];

/// What the origin of identities, groups and personal access tokens answers.
const IDENTITY: &[Route<Handler>] = &[
    Route::new("GET", "_apis/graph/descriptors/{key}", |cx, world, at| {
        graph::storage_to_descriptor(cx, world, at.get("key"))
    }),
    Route::new("GET", "_apis/graph/storagekeys/{subject}", |cx, world, at| {
        graph::descriptor_to_storage(cx, world, at.get("subject"))
    }),
    Route::new("GET", "_apis/graph/groups", |cx, world, _| graph::groups(cx, world)),
    Route::new("POST", "_apis/graph/groups", |cx, world, _| graph::create_group(cx, world)),
    Route::new("GET", "_apis/graph/groups/{subject}", |cx, world, at| graph::one(cx, world, at.get("subject"))),
    Route::new("DELETE", "_apis/graph/groups/{group}", |cx, world, at| graph::delete_group(cx, world, at.get("group"))),
    Route::new("GET", "_apis/graph/users", |cx, world, _| graph::users(cx, world)),
    Route::new("GET", "_apis/graph/users/{subject}", |cx, world, at| graph::one(cx, world, at.get("subject"))),
    Route::new("GET", "_apis/graph/serviceprincipals", |cx, world, _| graph::service_principals(cx, world)),
    Route::new("GET", "_apis/graph/serviceprincipals/{subject}", |cx, world, at| {
        graph::one(cx, world, at.get("subject"))
    }),
    Route::new("GET", "_apis/graph/memberships/{subject}", |cx, world, at| {
        graph::memberships(cx, world, at.get("subject"))
    }),
    Route::new("*", "_apis/graph/memberships/{subject}/{container}", |cx, world, at| {
        graph::membership(cx, world, at.get("subject"), at.get("container"))
    }),
    Route::new("GET", "_apis/graph/membershipstates/{subject}", |cx, world, at| {
        graph::membership_state(cx, world, at.get("subject"))
    }),
    Route::new("GET", "_apis/identities", |cx, world, _| identities::answer(cx, world)),
    Route::new("*", "_apis/tokens/pats", |cx, world, _| pats::route(cx, world)),
];

/// An id of a path as the service writes it. Descriptors are case-sensitive and so are not read this way.
fn lower(at: &Params<'_>, name: &str) -> String {
    at.get(name).to_ascii_lowercase()
}

fn answer_from(table: &[Route<Handler>], cx: &Context<'_>, world: &mut World, parts: &[&str]) -> OrRefusal<Answer> {
    let found = routes::find(table, Case::Ignored, &cx.call.method, parts);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(cx, world, &at)
}

/// Whether identities are where projects are: on premises they always are, and where the emulator has one address for all.
fn is_one_origin(call: &Call, on_premises: bool) -> bool {
    on_premises || call.origins.devops == call.origins.devops_identity
}

/// `parts` begins with `_apis`, or with a project and `_apis`.
fn route_to(cx: &Context<'_>, world: &mut World, parts: &[&str]) -> OrRefusal<Answer> {
    let latest = cx.organization(world)?.latest_version;
    let area = parts.get(if cx.project.is_some() { 2 } else { 1 }).map(|area| area.to_ascii_lowercase());
    // These areas exist as previews only, and refuse a version without `-preview`.
    let rule = match area.as_deref() {
        Some("connectiondata" | "resourceareas" | "graph" | "tokens" | "pipelines" | "teams") => version::PREVIEW,
        _ => version::RELEASED,
    };
    version::check(cx.call, rule, latest)?;
    check_media_type(cx.call)?;
    let one_origin = is_one_origin(cx.call, latest.is_some());
    let is_devops = cx.call.service == Service::DevOps;
    let tables: &[&[Route<Handler>]] = match (one_origin, is_devops) {
        (true, _) => &[EVERYWHERE, DEVOPS, IDENTITY],
        (false, true) => &[EVERYWHERE, DEVOPS],
        (false, false) => &[EVERYWHERE, IDENTITY],
    };
    for table in tables {
        match answer_from(table, cx, world, parts) {
            // Another table may have the route. Any other refusal is an answer.
            Err(refusal) if refusal.is_not_emulated() => {}
            answer => return answer,
        }
    }
    Err(Refusal::not_emulated())
}
