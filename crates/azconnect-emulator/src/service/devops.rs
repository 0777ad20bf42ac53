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
mod security;
mod throttle;
mod types;
mod version;

use http::Method;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::base::refusal::OrRefusal;
use crate::base::refusal::Refusal;
use crate::base::refusal::Treatment;
use crate::model::devops::Organization;
use crate::model::world::World;

use self::caller::Visitor;
use self::throttle::Usage;
use super::context;

/// A request that Azure DevOps has let in.
type Context<'a> = context::Context<'a, Admitted<'a>>;

/// What Azure DevOps knows of a request of a known caller to an organization.
struct Admitted<'a> {
    caller: Visitor,
    /// The organization's name as it is written in the directory.
    organization: String,
    /// What stands before `_apis`, if anything: a project's name or id.
    project: Option<&'a str>,
    /// What follows `_apis`.
    route: Vec<&'a str>,
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
    let activity = world.dice.guid().to_string();
    let answer = match enter(call, world) {
        Ok(answer) => answer,
        Err(refusal) => match refusal.treatment {
            Treatment::NotEmulated => return None,
            Treatment::SignIn(tenant) => refusal::unauthenticated(call, world, tenant),
            Treatment::Error => refusal::answer(&refusal, world.settings.bom_on_errors),
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
    if call.service == Service::DevOpsProfile {
        return profile::route(call, world);
    }
    let parts = call.parts();
    // A server on premises may have its collections below this.
    let parts = parts.strip_prefix(&["tfs"]).unwrap_or(&parts);
    let (name, rest) = parts.split_first().ok_or_else(Refusal::not_emulated)?;
    let (project, route) = match rest {
        [apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (None, route),
        [project, apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (Some(*project), route),
        _ => return Err(Refusal::not_emulated()),
    };
    if call.method == Method::OPTIONS && project.is_none() && route.is_empty() {
        world.devops.organization(name).ok_or_else(|| refusal::organization(name))?;
        return Ok(locations::table(call));
    }
    let caller = Visitor::of(call, world, name)?;
    let organization = world.devops.organization(name).ok_or_else(Refusal::not_emulated)?.name.clone();
    let cx = Context::new(call, Admitted { caller, organization, project, route: route.to_vec() });
    let usage = Usage::count(&cx, world)?;
    let answer = route_to(&cx, world)?;
    Ok(match usage {
        Some(usage) => usage.warn(answer),
        None => answer,
    })
}

fn route_to(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let lower: Vec<String> = cx.route.iter().map(|part| part.to_ascii_lowercase()).collect();
    let route: Vec<&str> = lower.iter().map(String::as_str).collect();
    let latest = cx.organization(world)?.latest_version;
    let rule = match route.first() {
        Some(&("connectiondata" | "resourceareas" | "graph" | "tokens" | "pipelines")) => version::PREVIEW,
        _ => version::RELEASED,
    };
    version::check(cx.call, rule, latest)?;
    let get = cx.call.method == Method::GET;
    match (cx.project, route.as_slice()) {
        (None, ["connectiondata"]) if get => return connection_data::answer(cx, world),
        (None, ["resourceareas"]) if get => return locations::areas(cx, world, None),
        (None, ["resourceareas", id]) if get => return locations::areas(cx, world, Some(id)),
        _ => {}
    }
    // A server on premises is one origin for everything.
    let one_origin = latest.is_some();
    if cx.call.service == Service::DevOps || one_origin {
        match devops_route(cx, world, &route) {
            Err(refusal) if one_origin && refusal.is_not_emulated() => {}
            answer => return answer,
        }
    }
    identity_route(cx, world, &route)
}

fn devops_route(cx: &Context<'_>, world: &mut World, route: &[&str]) -> OrRefusal<Answer> {
    match (&cx.call.method, cx.project, route) {
        (_, None, ["projects", rest @ ..]) => projects::route(cx, world, rest),
        (_, _, ["serviceendpoint", "endpoints", rest @ ..]) => endpoints::route(cx, world, rest),
        (&Method::POST, Some(_), ["serviceendpoint", "endpointproxy"]) => proxy::answer(cx, world),
        (&Method::GET, _, ["serviceendpoint", "types"]) => Ok(types::answer(cx)),
        (&Method::GET, Some(_), ["serviceendpoint", id, "executionhistory"]) => history::answer(cx, world, id),
        (_, Some(_), ["pipelines", "pipelinepermissions", rest @ ..]) => pipelines::route(cx, world, rest),
        (&Method::GET, None, ["permissions", namespace, bits]) => security::permissions(cx, world, (namespace, bits)),
        (&Method::POST, None, ["security", "permissionevaluationbatch"]) => security::batch(cx, world),
        (&Method::GET, None, ["securitynamespaces"]) => security::namespaces(None),
        (&Method::GET, None, ["securitynamespaces", id]) => security::namespaces(Some(id)),
        _ => Err(Refusal::not_emulated()),
    }
}

fn identity_route(cx: &Context<'_>, world: &mut World, route: &[&str]) -> OrRefusal<Answer> {
    match (&cx.call.method, cx.project, route) {
        // Descriptors are case-sensitive.
        (_, None, ["graph", ..]) => graph::route(cx, world, cx.route.get(1..).unwrap_or_default()),
        (&Method::GET, None, ["identities"]) => identities::answer(cx, world),
        (_, None, ["tokens", "pats"]) => pats::route(cx, world),
        _ => Err(Refusal::not_emulated()),
    }
}
