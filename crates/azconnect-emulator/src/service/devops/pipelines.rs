//! Which pipelines may use a service connection.

use http::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::error::Fail;
use super::{Visit, endpoints, identity};
use crate::base::answer::{Answer, json_answer};
use crate::model::devops::permissions::{ADMINISTER, USE, VIEW, connection_token};
use crate::model::devops::{Connection, Organization};
use crate::model::world::World;

pub(super) fn route(visit: &Visit<'_>, world: &mut World, rest: &[&str]) -> Result<Answer, Fail> {
    match (&visit.call.method, rest) {
        (&Method::GET, ["endpoint", id]) => {
            let organization = visit.organization(world)?;
            let connection = find(visit, organization, id, USE | VIEW | ADMINISTER)?;
            Ok(json_answer(200, &show(visit, organization, connection)))
        }
        (&Method::PATCH, ["endpoint", id]) => {
            let shown = apply(visit, world, id, &endpoints::body(visit)?)?;
            Ok(json_answer(200, &shown))
        }
        (&Method::PATCH, []) => several(visit, world),
        // Queues, environments and repositories have such permissions too.
        _ => Err(Fail::Gap),
    }
}

/// Permissions of several resources, each named in the body.
fn several(visit: &Visit<'_>, world: &mut World) -> Result<Answer, Fail> {
    let Value::Array(changes) = endpoints::body(visit)? else {
        return Err(Fail::argument("A list of pipeline permissions is expected."));
    };
    let mut value = Vec::new();
    for change in &changes {
        let resource = |field: &str| change.get("resource").and_then(|r| r.get(field)).and_then(Value::as_str);
        if resource("type") != Some("endpoint") {
            return Err(Fail::Gap);
        }
        value.push(apply(visit, world, resource("id").unwrap_or_default(), change)?);
    }
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

fn find<'w>(visit: &Visit<'_>, organization: &'w Organization, id: &str, any_of: u32) -> Result<&'w Connection, Fail> {
    let project = endpoints::project(visit, organization, visit.project.unwrap_or_default())?.id;
    let found = Uuid::parse_str(id).ok().and_then(|id| organization.connection(id, visit.call.now.elapsed));
    let found = found.filter(|connection| connection.reference(project).is_some()).ok_or_else(|| Fail::endpoint(id))?;
    if organization.bits(visit.caller.id(), &connection_token(project, found.id)) & any_of == 0 {
        return Err(Fail::denied(&visit.caller.member.display_name, "Administer"));
    }
    Ok(found)
}

/// Grants and withdraws; what is not named stays.
fn apply(visit: &Visit<'_>, world: &mut World, id: &str, change: &Value) -> Result<Value, Fail> {
    let connection_id = find(visit, visit.organization(world)?, id, ADMINISTER)?.id;
    let (who, now) = (visit.caller.id(), visit.call.now);
    let organization = visit.organization_mut(world)?;
    let connection = organization.connection_mut(connection_id, now.elapsed).ok_or_else(|| Fail::endpoint(id))?;
    let authorized = |value: &Value| value.get("authorized").and_then(Value::as_bool).unwrap_or(false);
    if let Some(all) = change.get("allPipelines") {
        connection.pipelines.all = authorized(all).then_some((who, now.wall));
    }
    for pipeline in change.get("pipelines").and_then(Value::as_array).into_iter().flatten() {
        let number = pipeline.get("id").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| Fail::argument("A pipeline permission names no pipeline."))?;
        connection.pipelines.some.retain(|(known, ..)| *known != number);
        if authorized(pipeline) {
            connection.pipelines.some.push((number, who, now.wall));
        }
    }
    connection.pipelines.some.sort_by_key(|(number, ..)| *number);
    let organization = visit.organization(world)?;
    let connection = organization.connection(connection_id, now.elapsed).ok_or_else(|| Fail::endpoint(id))?;
    Ok(show(visit, organization, connection))
}

fn show(visit: &Visit<'_>, organization: &Organization, connection: &Connection) -> Value {
    let permission = |who: &Uuid, when: &time::OffsetDateTime| {
        let who = organization.member(*who).map(|member| identity::reference(visit, organization, member));
        json!({"authorized": true, "authorizedBy": who, "authorizedOn": when.format(&Rfc3339).unwrap_or_default()})
    };
    let pipelines = connection.pipelines.some.iter().map(|(number, who, when)| {
        let mut shown = permission(who, when);
        if let Some(map) = shown.as_object_mut() {
            map.shift_insert(0, "id".to_owned(), json!(number));
        }
        shown
    });
    let mut body = json!({
        "resource": {"type": "endpoint", "id": connection.id.to_string()},
        "pipelines": pipelines.collect::<Vec<_>>(),
    });
    if let (Some((who, when)), Some(map)) = (&connection.pipelines.all, body.as_object_mut()) {
        map.shift_insert(1, "allPipelines".to_owned(), permission(who, when));
    }
    body
}
