//! Azure DevOps: organizations, projects, service connections, identities and tokens.

mod caller;
mod connection_data;
mod endpoints;
mod error;
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
mod security;
mod throttle;
mod types;
mod version;

use http::Method;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::model::devops::Organization;
use crate::model::world::World;

use self::caller::Caller;
use self::error::Fail;
use self::throttle::Usage;

/// One request of a known caller to an organization.
struct Visit<'a> {
    call: &'a Call,
    caller: Caller,
    /// The organization's name as it is written in the directory.
    organization: String,
    /// What stands before `_apis`, if anything: a project's name or id.
    project: Option<&'a str>,
    /// What follows `_apis`.
    route: Vec<&'a str>,
}

impl Visit<'_> {
    /// The organization. It was found when the visit began.
    fn organization<'w>(&self, world: &'w World) -> Result<&'w Organization, Fail> {
        world.devops.organization(&self.organization).ok_or(Fail::Gap)
    }

    fn organization_mut<'w>(&self, world: &'w mut World) -> Result<&'w mut Organization, Fail> {
        world.devops.organization_mut(&self.organization).ok_or(Fail::Gap)
    }

    /// Where a service has this organization, for links.
    fn base(&self, service: Service) -> String {
        format!("{}/{}", self.call.origins.of(service), self.organization)
    }
}

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let activity = world.dice.guid().to_string();
    let answer = match enter(call, world) {
        Ok(answer) => answer,
        Err(Fail::Gap) => return None,
        Err(Fail::Unauthenticated(tenant)) => error::unauthenticated(call, world, tenant),
        Err(Fail::Refusal(refusal)) => refusal.answer(world.settings.bom_on_errors),
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

fn enter(call: &Call, world: &mut World) -> Result<Answer, Fail> {
    if call.service == Service::DevOpsProfile {
        return profile::route(call, world);
    }
    let parts = call.parts();
    // A server on premises may have its collections below this.
    let parts = parts.strip_prefix(&["tfs"]).unwrap_or(&parts);
    let (name, rest) = parts.split_first().ok_or(Fail::Gap)?;
    let (project, route) = match rest {
        [apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (None, route),
        [project, apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (Some(*project), route),
        _ => return Err(Fail::Gap),
    };
    if call.method == Method::OPTIONS && project.is_none() && route.is_empty() {
        world.devops.organization(name).ok_or_else(|| Fail::organization(name))?;
        return Ok(locations::table(call));
    }
    let caller = Caller::of(call, world, name)?;
    let organization = world.devops.organization(name).ok_or(Fail::Gap)?.name.clone();
    let visit = Visit { call, caller, organization, project, route: route.to_vec() };
    let usage = Usage::count(&visit, world)?;
    let answer = route_to(&visit, world)?;
    Ok(match usage {
        Some(usage) => usage.warn(answer),
        None => answer,
    })
}

fn route_to(visit: &Visit<'_>, world: &mut World) -> Result<Answer, Fail> {
    let lower: Vec<String> = visit.route.iter().map(|part| part.to_ascii_lowercase()).collect();
    let route: Vec<&str> = lower.iter().map(String::as_str).collect();
    let latest = visit.organization(world)?.latest_version;
    let rule = match route.first() {
        Some(&("connectiondata" | "resourceareas" | "graph" | "tokens" | "pipelines")) => version::PREVIEW,
        _ => version::RELEASED,
    };
    version::check(visit.call, rule, latest)?;
    let get = visit.call.method == Method::GET;
    match (visit.project, route.as_slice()) {
        (None, ["connectiondata"]) if get => return connection_data::answer(visit, world),
        (None, ["resourceareas"]) if get => return locations::areas(visit, world, None),
        (None, ["resourceareas", id]) if get => return locations::areas(visit, world, Some(id)),
        _ => {}
    }
    // A server on premises is one origin for everything.
    let one_origin = latest.is_some();
    if visit.call.service == Service::DevOps || one_origin {
        match devops_route(visit, world, &route) {
            Err(Fail::Gap) if one_origin => {}
            answer => return answer,
        }
    }
    identity_route(visit, world, &route)
}

fn devops_route(visit: &Visit<'_>, world: &mut World, route: &[&str]) -> Result<Answer, Fail> {
    match (&visit.call.method, visit.project, route) {
        (_, None, ["projects", rest @ ..]) => projects::route(visit, world, rest),
        (_, _, ["serviceendpoint", "endpoints", rest @ ..]) => endpoints::route(visit, world, rest),
        (&Method::POST, Some(_), ["serviceendpoint", "endpointproxy"]) => proxy::answer(visit, world),
        (&Method::GET, _, ["serviceendpoint", "types"]) => Ok(types::answer(visit)),
        (&Method::GET, Some(_), ["serviceendpoint", id, "executionhistory"]) => history::answer(visit, world, id),
        (_, Some(_), ["pipelines", "pipelinepermissions", rest @ ..]) => pipelines::route(visit, world, rest),
        (&Method::GET, None, ["permissions", namespace, bits]) => {
            security::permissions(visit, world, (namespace, bits))
        }
        (&Method::POST, None, ["security", "permissionevaluationbatch"]) => security::batch(visit, world),
        (&Method::GET, None, ["securitynamespaces"]) => security::namespaces(None),
        (&Method::GET, None, ["securitynamespaces", id]) => security::namespaces(Some(id)),
        _ => Err(Fail::Gap),
    }
}

fn identity_route(visit: &Visit<'_>, world: &mut World, route: &[&str]) -> Result<Answer, Fail> {
    match (&visit.call.method, visit.project, route) {
        // Descriptors are case-sensitive.
        (_, None, ["graph", ..]) => graph::route(visit, world, visit.route.get(1..).unwrap_or_default()),
        (&Method::GET, None, ["identities"]) => identities::answer(visit, world),
        (_, None, ["tokens", "pats"]) => pats::route(visit, world),
        _ => Err(Fail::Gap),
    }
}
