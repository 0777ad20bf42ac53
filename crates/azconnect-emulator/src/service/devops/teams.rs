//! The teams of projects. Every project has the one it was created with; no other is emulated.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, identity, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::dice::named_guid;
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::{Organization, Project};
use crate::model::world::World;

/// Those of all projects that the caller may see.
pub(super) fn all(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let visible = organization.projects.iter().filter(|project| organization.may_enter(cx.caller.id(), project.id));
    Ok(page(cx, visible.map(|project| shown(cx, project)).collect()))
}

/// Those of one project.
pub(super) fn of_project(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    Ok(page(cx, vec![shown(cx, project(cx, cx.organization(world)?, name)?)]))
}

pub(super) fn get(cx: &Context<'_>, world: &World, (name, team): (&str, &str)) -> OrRefusal<Answer> {
    let project = find(cx, cx.organization(world)?, name, team)?;
    Ok(json_answer(200, &shown(cx, project)))
}

/// The people of a team: those who contribute to its project.
pub(super) fn members(cx: &Context<'_>, world: &World, (name, team): (&str, &str)) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let project = find(cx, organization, name, team)?;
    let group =
        organization.groups.iter().find(|group| group.project == Some(project.id) && group.name == CONTRIBUTORS);
    let members = group.into_iter().flat_map(|group| &group.members).filter_map(|id| organization.member(*id));
    let shown = members.map(|member| json!({"identity": identity::reference(cx, organization, member)})).collect();
    Ok(page(cx, shown))
}

/// The group that a team's people are in.
const CONTRIBUTORS: &str = "Contributors";

fn project<'w>(cx: &Context<'_>, organization: &'w Organization, name: &str) -> OrRefusal<&'w Project> {
    let found = organization.project(name).filter(|project| organization.may_enter(cx.caller.id(), project.id));
    found.ok_or_else(|| refusal::project_by_name(name))
}

/// The project of a team that a path names by id or name.
fn find<'w>(cx: &Context<'_>, organization: &'w Organization, name: &str, team: &str) -> OrRefusal<&'w Project> {
    let project = project(cx, organization, name)?;
    let named = Uuid::parse_str(team) == Ok(id(project)) || team.eq_ignore_ascii_case(&title(project));
    if named {
        return Ok(project);
    }
    let text = format!("VS402379: The team with id '{team}' does not exist.");
    Err(Refusal::new(404, "TeamNotFoundException", text))
}

fn id(project: &Project) -> Uuid {
    named_guid(&format!("{}/team", project.id))
}

fn title(project: &Project) -> String {
    format!("{} Team", project.name)
}

fn shown(cx: &Context<'_>, project: &Project) -> Value {
    let id = id(project);
    json!({
        "id": id.to_string(),
        "name": title(project),
        "url": format!("{}/_apis/projects/{}/teams/{id}", cx.base(Service::DevOps), project.id),
        "description": "The default project team.",
        "identityUrl": format!("{}/_apis/Identities/{id}", cx.base(Service::DevOpsIdentity)),
        "projectName": project.name,
        "projectId": project.id.to_string(),
    })
}

fn page(cx: &Context<'_>, items: Vec<Value>) -> Answer {
    let query = &cx.call.query;
    let items = items.into_iter().skip(query.number("$skip").unwrap_or(0)).take(query.number("$top").unwrap_or(100));
    let value: Vec<Value> = items.collect();
    json_answer(200, &json!({"value": value, "count": value.len()}))
}
