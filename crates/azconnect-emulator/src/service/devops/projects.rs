//! Projects.

use serde_json::{Value, json};

use super::{Context, refusal};
use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::origins::Service;
use crate::base::refusal::OrRefusal;
use crate::model::devops::Project;
use crate::model::world::World;

/// A page of the projects the caller may see. The token of the next page comes in a header.
pub(super) fn list(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let query = &cx.call.query;
    let state = query.filled("stateFilter").unwrap_or("wellFormed");
    let visible: Vec<&Project> = organization
        .projects
        .iter()
        .filter(|project| organization.may_enter(cx.caller.id(), project.id))
        .filter(|project| state.eq_ignore_ascii_case("all") || project.state.eq_ignore_ascii_case(state))
        .collect();
    let size = query.number("$top").unwrap_or(world.settings.page_size);
    let start = match query.filled("continuationToken") {
        Some(token) => token.parse().map_err(|_| refusal::argument("Invalid continuation token."))?,
        None => query.number("$skip").unwrap_or(0),
    };
    let value: Vec<Value> = visible.iter().skip(start).take(size).map(|project| show(cx, project)).collect();
    let end = start + value.len();
    let answer = json_answer(200, &json!({"count": value.len(), "value": value}));
    if end < visible.len() && size > 0 {
        return Ok(answer.with_header("x-ms-continuationtoken", &end.to_string()));
    }
    Ok(answer)
}

pub(super) fn get(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let found = organization.project(name).filter(|project| organization.may_enter(cx.caller.id(), project.id));
    let project = found.ok_or_else(|| refusal::project_by_name(name))?;
    let mut body = show(cx, project);
    if let Some(map) = body.as_object_mut() {
        let own = format!("{}/_apis/projects/{}", cx.base(Service::DevOps), project.id);
        let links = json!({
            "self": {"href": own},
            "collection": {"href": format!("{}/_apis/projectCollections/{}", cx.base(Service::DevOps), organization.id)},
            "web": {"href": format!("{}/{}", cx.base(Service::DevOps), project.name)},
        });
        map.insert("_links".to_owned(), links);
    }
    Ok(json_answer(200, &body))
}

fn show(cx: &Context<'_>, project: &Project) -> Value {
    let format = &time::format_description::well_known::Rfc3339;
    let mut body = json!({
        "id": project.id.to_string(),
        "name": project.name,
        "url": format!("{}/_apis/projects/{}", cx.base(Service::DevOps), project.id),
        "state": project.state,
        "revision": 1,
        "visibility": "private",
        "lastUpdateTime": project.updated.format(format).unwrap_or_default(),
    });
    // A project without a description has no such field.
    if let (Some(description), Some(map)) = (&project.description, body.as_object_mut()) {
        map.shift_insert(2, "description".to_owned(), json!(description));
    }
    body
}
