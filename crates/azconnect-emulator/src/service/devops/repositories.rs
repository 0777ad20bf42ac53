//! Git repositories. Every project has the one it was created with, of its own name; no other is emulated, and no content.

use serde_json::{Value, json};

use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::dice::named_guid;
use crate::base::origins::Service;
use crate::base::refusal::OrRefusal;
use crate::model::devops::Project;
use crate::model::world::World;

/// Those of all projects that the caller may see. What the caller may not see is left out silently.
pub(super) fn all(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let visible = organization.projects.iter().filter(|project| organization.may_enter(cx.caller.id(), project.id));
    Ok(page(visible.map(|project| shown(cx, project)).collect()))
}

/// Those of one project.
pub(super) fn of_project(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let found = organization.project(name).filter(|project| organization.may_enter(cx.caller.id(), project.id));
    let project = found.ok_or_else(|| refusal::project_by_name(name))?;
    Ok(page(vec![shown(cx, project)]))
}

fn page(value: Vec<Value>) -> Answer {
    json_answer(200, &json!({"value": value, "count": value.len()}))
}

fn shown(cx: &Context<'_>, project: &Project) -> Value {
    let id = named_guid(&format!("{}/repository", project.id));
    let base = cx.base(Service::DevOps);
    json!({
        "id": id.to_string(),
        "name": project.name,
        "url": format!("{base}/{}/_apis/git/repositories/{id}", project.id),
        "project": {
            "id": project.id.to_string(),
            "name": project.name,
            "url": format!("{base}/_apis/projects/{}", project.id),
            "state": project.state,
            "revision": 1,
            "visibility": "private",
        },
        "size": 0,
        "remoteUrl": format!("{base}/{0}/_git/{0}", project.name),
        "webUrl": format!("{base}/{0}/_git/{0}", project.name),
        "isDisabled": false,
        "isInMaintenance": false,
    })
}
