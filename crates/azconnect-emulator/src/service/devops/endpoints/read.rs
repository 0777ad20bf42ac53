//! Listing and getting service connections.

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::{Masking, show};
use super::project;
use crate::base::answer::{Answer, json_answer};
use crate::model::devops::permissions::{ADMINISTER, USE, VIEW, connection_token};
use crate::model::devops::{Connection, Organization};
use crate::model::world::World;
use crate::service::devops::Visit;
use crate::service::devops::error::Fail;

/// The service connections of a project, all at once: there is no continuation.
pub(super) fn list(visit: &Visit<'_>, world: &World, key: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let project = project(visit, organization, key)?.id;
    let value: Vec<Value> = organization
        .connections
        .iter()
        .filter(|connection| connection.exists(visit.call.now.elapsed))
        .filter(|connection| passes(visit, organization, connection, project))
        .map(|connection| show(visit, organization, connection, (Some(project), Masking::Omitted)))
        .collect();
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

/// A service connection of a project. One that is not there is 200 with `null`.
pub(super) fn get(visit: &Visit<'_>, world: &World, key: &str, id: Uuid) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let project = project(visit, organization, key)?.id;
    let found = organization.connection(id, visit.call.now.elapsed).filter(|connection| {
        let token = connection_token(project, connection.id);
        connection.reference(project).is_some()
            && organization.bits(visit.caller.id(), &token) & wanted_bits(visit) != 0
    });
    let body = found.map_or(Value::Null, |found| show(visit, organization, found, (Some(project), Masking::Null)));
    Ok(json_answer(200, &body))
}

/// Any of these is enough for the action the caller filters by.
fn wanted_bits(visit: &Visit<'_>) -> u32 {
    match visit.call.query.filled("actionFilter").map(str::to_ascii_lowercase).as_deref() {
        Some("manage" | "2") => ADMINISTER,
        Some("use" | "16") => USE,
        Some("view" | "32") => VIEW,
        _ => ADMINISTER | USE | VIEW,
    }
}

fn passes(visit: &Visit<'_>, organization: &Organization, connection: &Connection, project: Uuid) -> bool {
    let query = &visit.call.query;
    let Some(reference) = connection.reference(project) else { return false };
    let one_of = |name: &str, value: Option<&str>| {
        let wanted = query.list(name);
        wanted.is_empty() || wanted.iter().any(|one| value.is_some_and(|value| value.eq_ignore_ascii_case(one)))
    };
    let id = connection.id.to_string();
    let owner = connection.text("owner").unwrap_or("library");
    let settled = connection.ready_at.is_none_or(|at| at <= visit.call.now.elapsed);
    let failed = connection.failure.is_some() && settled;
    organization.bits(visit.caller.id(), &connection_token(project, connection.id)) & wanted_bits(visit) != 0
        && one_of("type", connection.text("type"))
        && one_of("authSchemes", connection.scheme())
        && one_of("endpointIds", Some(&id))
        && one_of("endpointNames", Some(&reference.name))
        && one_of("owner", Some(owner))
        && (!failed || query.flag("includeFailed"))
}
