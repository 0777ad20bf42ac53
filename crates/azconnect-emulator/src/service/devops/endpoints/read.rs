//! Listing and getting service connections.

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::{Masking, show};
use super::project;
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::permissions::{ADMINISTER, USE, VIEW, connection_token};
use crate::model::devops::{Connection, Organization};
use crate::model::world::World;
use crate::service::devops::{Context, refusal};

/// The service connections of a project, all at once: there is no continuation.
pub(super) fn list(cx: &Context<'_>, world: &World, key: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let project = project(cx, world, key)?.id;
    let value = organization
        .connections
        .iter()
        .filter(|connection| connection.exists(cx.now.elapsed))
        .filter(|connection| passes(cx, organization, connection, project))
        .map(|connection| show(cx, world, connection, (Some(project), Masking::Omitted)))
        .collect::<OrRefusal<Vec<Value>>>()?;
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

/// A service connection of a project. One that is not there is 200 with `null`, as recorded.
pub(super) fn get(cx: &Context<'_>, world: &World, key: &str, id: Uuid) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let project = project(cx, world, key)?.id;
    let found = organization.connection(id, cx.now.elapsed).filter(|connection| {
        let token = connection_token(project, connection.id);
        connection.reference(project).is_some() && organization.bits(cx.caller.id(), &token) & wanted_bits(cx) != 0
    });
    match found {
        Some(found) => Ok(json_answer(200, &show(cx, world, found, (Some(project), Masking::Null))?)),
        None if world.settings.plays(DevOpsOutcome::MissingConnectionNotFound) => {
            Err(refusal::endpoint(&id.to_string()))
        }
        None => Ok(json_answer(200, &Value::Null)),
    }
}

/// Any of these is enough for the action the caller filters by.
fn wanted_bits(cx: &Context<'_>) -> u32 {
    match cx.call.query.filled("actionFilter").map(str::to_ascii_lowercase).as_deref() {
        Some("manage" | "2") => ADMINISTER,
        Some("use" | "16") => USE,
        Some("view" | "32") => VIEW,
        _ => ADMINISTER | USE | VIEW,
    }
}

fn passes(cx: &Context<'_>, organization: &Organization, connection: &Connection, project: Uuid) -> bool {
    let query = &cx.call.query;
    let Some(reference) = connection.reference(project) else { return false };
    let one_of = |name: &str, value: Option<&str>| {
        let wanted = query.list(name);
        wanted.is_empty() || wanted.iter().any(|one| value.is_some_and(|value| value.eq_ignore_ascii_case(one)))
    };
    let id = connection.id.to_string();
    let owner = connection.text("owner").unwrap_or("library");
    // A creation that will fail is listed until it has failed.
    let settled = connection.ready_at.is_none_or(|at| at <= cx.now.elapsed);
    let failed = connection.failure.is_some() && settled;
    organization.bits(cx.caller.id(), &connection_token(project, connection.id)) & wanted_bits(cx) != 0
        && one_of("type", connection.text("type"))
        && one_of("authSchemes", connection.scheme())
        && one_of("endpointIds", Some(&id))
        && one_of("endpointNames", Some(&reference.name))
        && one_of("owner", Some(owner))
        && (!failed || query.flag("includeFailed"))
}
