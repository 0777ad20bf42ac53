//! Which pipelines have used a service connection.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Context, endpoints, refusal};
use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::origins::Service;
use crate::base::refusal::OrRefusal;
use crate::model::devops::permissions::{ADMINISTER, USE, VIEW, connection_token};
use crate::model::devops::{Execution, Organization, Project};
use crate::model::world::World;

/// How many come where the caller names no number.
const PAGE: usize = 50;

/// The latest uses first. The token of the next page, a number, comes in a header.
pub(super) fn answer(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let project = endpoints::project(cx, world, cx.project.unwrap_or_default())?;
    let found = Uuid::parse_str(id).ok().and_then(|id| organization.connection(id, cx.now.elapsed));
    let found =
        found.filter(|connection| connection.reference(project.id).is_some()).ok_or_else(|| refusal::endpoint(id))?;
    let token = connection_token(project.id, found.id);
    if organization.bits(cx.caller.id(), &token) & (USE | VIEW | ADMINISTER) == 0 {
        return Err(refusal::denied(&cx.caller.member.display_name, "View"));
    }
    let query = &cx.call.query;
    let start = match query.filled("continuationToken") {
        Some(text) => text.parse().map_err(|_| refusal::argument("The continuation token is not a number."))?,
        None => 0,
    };
    let size = query.number("top").unwrap_or(PAGE).max(1);
    let page = found.executions.iter().rev().skip(start).take(size);
    let value: Vec<Value> =
        page.map(|execution| json!({"endpointId": id, "data": show(cx, organization, project, execution)})).collect();
    let end = start + value.len();
    let answer = json_answer(200, &json!({"count": value.len(), "value": value}));
    if end < found.executions.len() {
        return Ok(answer.with_header("x-ms-continuationtoken", &end.to_string()));
    }
    Ok(answer)
}

fn show(cx: &Context<'_>, organization: &Organization, project: &Project, execution: &Execution) -> Value {
    let moment = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
    let base = cx.base(Service::DevOps);
    let links = |kind: &str, parameter: &str| {
        let id = execution.id;
        let web = format!(
            "{base}/_permalink/_build/index?collectionId={}&projectId={}&{parameter}={id}",
            organization.id, project.id
        );
        json!({"web": {"href": web}, "self": {"href": format!("{base}/{}/_apis/build/{kind}/{id}", project.id)}})
    };
    json!({
        "id": execution.id,
        "planType": "Build",
        "definition": {"_links": links("Definitions", "definitionId"), "id": execution.id, "name": "Deploy"},
        "owner": {"_links": links("Builds", "buildId"), "id": execution.id, "name": execution.id.to_string()},
        "startTime": moment(execution.started),
        "finishTime": moment(execution.started + Duration::seconds(40)),
        "result": "succeeded",
    })
}
