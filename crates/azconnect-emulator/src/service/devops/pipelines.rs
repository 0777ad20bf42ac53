//! Which pipelines may use a service connection.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{Context, endpoints, identity, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::permissions::{ADMINISTER, USE, VIEW, connection_token};
use crate::model::devops::{Connection, Organization, PipelineGrant};
use crate::model::world::World;

// Queues, environments and repositories have such permissions too. They are not emulated.

/// The pipelines that may use one service connection.
pub(super) fn get(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Answer> {
    let (project, connection) = find(cx, world, id, USE | VIEW | ADMINISTER)?;
    Ok(json_answer(200, &show(cx, cx.organization(world)?, connection, project)))
}

/// Changes which pipelines may use one service connection.
pub(super) fn update(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    let shown = apply(cx, world, id, &endpoints::body(cx)?)?;
    Ok(json_answer(200, &shown))
}

/// Permissions of several resources, each named in the body.
pub(super) fn several(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let Value::Array(changes) = endpoints::body(cx)? else {
        return Err(refusal::argument("A list of pipeline permissions is expected."));
    };
    let mut value = Vec::new();
    for change in &changes {
        let resource = |field: &str| change.get("resource").and_then(|r| r.get(field)).and_then(Value::as_str);
        if resource("type") != Some("endpoint") {
            return Err(Refusal::not_emulated());
        }
        value.push(apply(cx, world, resource("id").unwrap_or_default(), change)?);
    }
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

/// A service connection of the project of a request, with that project: what one project grants is nothing to another.
fn find<'w>(cx: &Context<'_>, world: &'w World, id: &str, any_of: u32) -> OrRefusal<(Uuid, &'w Connection)> {
    let organization = cx.organization(world)?;
    let project = endpoints::project(cx, world, cx.project.unwrap_or_default())?.id;
    let found = Uuid::parse_str(id).ok().and_then(|id| organization.connection(id, cx.now.elapsed));
    let found =
        found.filter(|connection| connection.reference(project).is_some()).ok_or_else(|| refusal::endpoint(id))?;
    if organization.bits(cx.caller.id(), &connection_token(project, found.id)) & any_of == 0 {
        return Err(refusal::denied(&cx.caller.member.display_name, "Administer"));
    }
    Ok((project, found))
}

/// Grants and withdraws; what is not named stays.
fn apply(cx: &Context<'_>, world: &mut World, id: &str, change: &Value) -> OrRefusal<Value> {
    let (project, connection) = find(cx, world, id, ADMINISTER)?;
    let connection_id = connection.id;
    let (who, now) = (cx.caller.id(), cx.now);
    let organization = cx.organization_mut(world)?;
    let connection = organization.connection_mut(connection_id, now.elapsed).ok_or_else(|| refusal::endpoint(id))?;
    let granted = connection.pipelines.entry(project).or_default();
    let authorized = |value: &Value| value.get("authorized").and_then(Value::as_bool).unwrap_or(false);
    if let Some(all) = change.get("allPipelines") {
        granted.all = authorized(all).then_some((who, now.wall));
    }
    for pipeline in change.get("pipelines").and_then(Value::as_array).into_iter().flatten() {
        let number = pipeline.get("id").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| refusal::argument("A pipeline permission names no pipeline."))?;
        granted.some.retain(|(known, ..)| *known != number);
        if authorized(pipeline) {
            granted.some.push((number, who, now.wall));
        }
    }
    granted.some.sort_by_key(|(number, ..)| *number);
    let organization = cx.organization(world)?;
    let connection = organization.connection(connection_id, now.elapsed).ok_or_else(|| refusal::endpoint(id))?;
    Ok(show(cx, organization, connection, project))
}

fn show(cx: &Context<'_>, organization: &Organization, connection: &Connection, project: Uuid) -> Value {
    let none = PipelineGrant::default();
    let granted = connection.pipelines.get(&project).unwrap_or(&none);
    let permission = |who: &Uuid, when: &time::OffsetDateTime| {
        let who = organization.member(*who).map(|member| identity::reference(cx, organization, member));
        json!({"authorized": true, "authorizedBy": who, "authorizedOn": when.format(&Rfc3339).unwrap_or_default()})
    };
    let pipelines = granted.some.iter().map(|(number, who, when)| {
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
    if let (Some((who, when)), Some(map)) = (&granted.all, body.as_object_mut()) {
        map.shift_insert(1, "allPipelines".to_owned(), permission(who, when));
    }
    body
}
