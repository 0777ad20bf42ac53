//! Sharing, unsharing and deleting service connections.

use serde_json::Value;
use uuid::Uuid;

use super::contract::Reader;
use super::document::{body, read_reference};
use super::{administers, check_name, existing, project};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::permissions::{CREATE, project_token};
use crate::model::devops::{Background, Connection};
use crate::model::directory::Federated;
use crate::model::world::World;
use crate::service::devops::{Context, refusal};

/// Adds projects to a service connection.
pub(super) fn share(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<Answer> {
    let refuses_unknown = world.settings.plays(DevOpsOutcome::UnknownMembersRefused);
    let listed = Reader { stored: None, refuses_unknown }.references(body(cx)?)?;
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    if !administers(cx, organization, connection) {
        return Err(refusal::denied(&cx.caller.member.display_name, "Administer"));
    }
    let name = connection.text("name").unwrap_or_default();
    let mut added = Vec::new();
    for value in &listed {
        let reference = read_reference(cx, world, value, name)?;
        if !organization.allows(cx.caller.id(), CREATE, &project_token(reference.project)) {
            return Err(refusal::denied(&cx.caller.member.display_name, "Create"));
        }
        check_name(cx, world, (reference.project, &reference.name), Some(id))?;
        added.push(reference);
    }
    let elapsed = cx.now.elapsed;
    let organization = cx.organization_mut(world)?;
    if let Some(connection) = organization.connection_mut(id, elapsed) {
        for reference in added {
            connection.references.retain(|known| known.project != reference.project);
            connection.references.push(reference);
        }
    }
    organization.create_lazy_groups();
    Ok(empty(204))
}

/// Takes a service connection out of projects; out of the last one, it is deleted.
pub(super) fn delete(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    // Before the connection: who names a project that is not there, or not theirs to see, learns that and nothing else.
    let mut projects = Vec::new();
    for key in cx.call.query.list("projectIds").into_iter().chain(cx.project) {
        projects.push(project(cx, world, key)?.id);
    }
    let connection = existing(cx, organization, id)?;
    if projects.is_empty() {
        return Err(Refusal::new(400, "ArgumentNullException", "Value cannot be null.\r\nParameter name: projectIds"));
    }
    if !administers(cx, organization, connection) {
        return Err(refusal::denied(&cx.caller.member.display_name, "Administer"));
    }
    let last = connection.references.iter().all(|reference| projects.contains(&reference.project));
    let deep = cx.call.query.flag("deep");
    if last {
        check_federation(world, connection, deep)?;
        if deep {
            delete_application(world, client_of(cx, world, id));
        }
    }
    let now = cx.now;
    let lag = world.settings.connection_lag;
    let failure = world.settings.background_failure.clone();
    if let Some(connection) = cx.organization_mut(world)?.connection_mut(id, now.elapsed) {
        if last {
            // The service deletes in the background, and shows the connection until it is done.
            match failure {
                Some(text) => {
                    connection.background = Some(Background {
                        ends: now.elapsed_after(lag),
                        message: "Deleting the service connection.",
                        finish: Box::new(|connection| connection.failure = Some(text.into())),
                    });
                }
                None => connection.deleted_at = Some(now.elapsed_after(lag)),
            }
        } else {
            connection.references.retain(|reference| !projects.contains(&reference.project));
        }
        // If its own project has left, the next one owns it.
        if let Some(first) = connection.references.first() {
            connection.owner_project = first.project;
        }
    }
    Ok(empty(if world.settings.plays(DevOpsOutcome::DeletionAnsweredOk) { 200 } else { 204 }))
}

/// A federated credential that still trusts the connection stands in the way, unless it is to go as well.
fn check_federation(world: &World, connection: &Connection, deep: bool) -> OrRefusal<()> {
    if deep || !connection.scheme().is_some_and(|s| s.eq_ignore_ascii_case("WorkloadIdentityFederation")) {
        return Ok(());
    }
    let wanted = connection.parameter("workloadIdentityFederationSubject");
    let trusts = |credential: &Federated| credential.document.get("subject").and_then(Value::as_str) == wanted;
    let client = connection.parameter("serviceprincipalid").and_then(|id| Uuid::parse_str(id).ok());
    let application = client.and_then(|client| world.directory.application(client));
    if application.is_some_and(|(_, application)| application.federated.iter().any(trusts)) {
        let text = "The service connection cannot be deleted while federated credentials for this app exist. Remove \
                    them from the app registration first.";
        return Err(Refusal::new(400, "ServiceEndpointException", text));
    }
    Ok(())
}

/// The application that Azure DevOps made for a connection.
fn client_of(cx: &Context<'_>, world: &World, id: Uuid) -> Option<Uuid> {
    let connection = cx.organization(world).ok()?.connection(id, cx.now.elapsed)?;
    let automatic = connection.data("creationMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Automatic"));
    let client = connection.parameter("serviceprincipalid").and_then(|id| Uuid::parse_str(id).ok());
    client.filter(|_| automatic)
}

fn delete_application(world: &mut World, client: Option<Uuid>) {
    let Some(client) = client else { return };
    for tenant in &mut world.directory.tenants {
        tenant.applications.retain(|application| application.client_id != client);
        tenant.principals.retain(|principal| principal.client_id != client);
    }
}
