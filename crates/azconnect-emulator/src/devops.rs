//! Azure DevOps: organizations, projects, service connections, identities and tokens.

mod caller;
mod connection_data;
mod endpoints;
mod error;
mod groups;
mod identity;
mod masking;
mod permissions;
mod projects;
mod proxy;
mod state;
mod version;

pub(crate) use self::masking::{confidential_parameter, mark_secret, take_secrets};
pub(crate) use self::state::{
    Connection, Conversion, DevOps, Execution, Grant, Group, Member, Organization, Pat, PipelineGrant, Project,
    Reference, field,
};

use http::Method;

use crate::answer::{Answer, WithHeader};
use crate::call::Call;
use crate::service::Service;
use crate::world::World;

use self::caller::Caller;
use self::error::Fail;

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
        return Err(Fail::Gap);
    }
    let parts = call.parts();
    let (name, rest) = parts.split_first().ok_or(Fail::Gap)?;
    let (project, route) = match rest {
        [apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (None, route),
        [project, apis, route @ ..] if apis.eq_ignore_ascii_case("_apis") => (Some(*project), route),
        _ => return Err(Fail::Gap),
    };
    let caller = Caller::of(call, world, name)?;
    let organization = world.devops.organization(name).ok_or(Fail::Gap)?.name.clone();
    let visit = Visit { call, caller, organization, project, route: route.to_vec() };
    route_to(&visit, world)
}

fn route_to(visit: &Visit<'_>, world: &mut World) -> Result<Answer, Fail> {
    let lower: Vec<String> = visit.route.iter().map(|part| part.to_ascii_lowercase()).collect();
    let route: Vec<&str> = lower.iter().map(String::as_str).collect();
    let method = &visit.call.method;
    match (visit.call.service, visit.project, route.as_slice()) {
        (_, None, ["connectiondata"]) if method == Method::GET => {
            version::check(visit.call, version::PREVIEW)?;
            connection_data::answer(visit, world)
        }
        (Service::DevOps, None, ["projects", rest @ ..]) => {
            version::check(visit.call, version::RELEASED)?;
            projects::route(visit, world, rest)
        }
        (Service::DevOps, _, ["serviceendpoint", rest @ ..]) => {
            version::check(visit.call, version::RELEASED)?;
            match rest {
                ["endpoints", rest @ ..] => endpoints::route(visit, world, rest),
                ["endpointproxy"] if method == Method::POST => proxy::answer(visit, world),
                _ => Err(Fail::Gap),
            }
        }
        _ => Err(Fail::Gap),
    }
}
