//! Creating service connections.

mod automatic;

use std::collections::BTreeMap;

use azconnect_core::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::check_name;
use super::contract::Reader;
use super::document::{Masking, audit, body, check, read_references, show, strip};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::Settings;
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::confidential::take_secrets;
use crate::model::devops::permissions::{CREATE, project_token};
use crate::model::devops::{Connection, Organization, Reference};
use crate::model::world::World;
use crate::service::devops::types::{self, Inputs};
use crate::service::devops::{Context, refusal};

/// Creates a service connection. What needs work in Entra ID is not ready at once.
pub(super) fn create(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    // With `endpointIds` it is another request, which nobody emulates.
    if cx.call.query.get("endpointIds").is_some() {
        return Err(Refusal::not_emulated());
    }
    let refuses_unknown = world.settings.plays(DevOpsOutcome::UnknownMembersRefused);
    let mut document = Reader { stored: None, refuses_unknown }.endpoint(body(cx)?)?;
    let organization = cx.organization(world)?;
    let references = wanted_references(cx, world, &document)?;
    fill_url(&mut document);
    check(&document)?;
    if let Some(failure) = audit(&document) {
        return Err(failure);
    }
    let ignores_extra = world.settings.plays(DevOpsOutcome::ExtraInputsIgnored);
    Inputs { stored: None, ignores_extra }.check(&mut document)?;
    for reference in &references {
        if !organization.allows(cx.caller.id(), CREATE, &project_token(reference.project)) {
            return Err(refusal::denied(&cx.caller.member.display_name, "Create"));
        }
        check_name(cx, world, (reference.project, &reference.name), None)?;
    }
    let owner_project = references.first().map(|reference| reference.project).unwrap_or_default();
    let tenant = organization.tenant;
    strip(&mut document);
    let secrets = take_secrets(&mut document).secrets;
    let id = world.dice.guid();
    let now = cx.now;
    let mut connection = Connection {
        id,
        owner_project,
        references,
        document,
        secrets,
        broken: false,
        creator: Some(cx.caller.id()),
        created: now.wall,
        modified: now.wall,
        modified_by: Some(cx.caller.id()),
        ready_at: (!world.settings.connection_lag.is_zero()).then(|| now.elapsed_after(world.settings.connection_lag)),
        failure: None,
        deleted_at: None,
        executions: Vec::new(),
        pipelines: BTreeMap::new(),
        converted: None,
        background: None,
    };
    // A secret that is left to the service is none yet.
    connection.secrets.retain(|(_, text)| !text.is_empty());
    if connection.text("type").is_some_and(|kind| ["azurerm", "dockerregistry"].contains(&&*kind.to_ascii_lowercase()))
    {
        automatic::prepare(cx, world, &mut connection, tenant);
    }
    let organization = cx.organization_mut(world)?;
    organization.connections.push(connection);
    // The first connection of a project brings the project's endpoint groups into being.
    organization.create_lazy_groups();
    let organization = cx.organization(world)?;
    let stored = organization.connection(id, now.elapsed).ok_or_else(|| refusal::endpoint(&id.to_string()))?;
    Ok(json_answer(200, &show(cx, world, stored, (None, Masking::Null))?))
}

/// A new connection may leave out its address where its type has one. An update may not.
fn fill_url(document: &mut Map<String, Value>) {
    let filled = document.get("url").and_then(Value::as_str).is_some_and(|url| !url.is_empty());
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default();
    if let (false, Some(url)) = (filled, types::default_url(kind)) {
        document.insert("url".to_owned(), json!(url));
    }
}

/// The projects of a new service connection: those of its document, or else the one of the path.
fn wanted_references(cx: &Context<'_>, world: &World, document: &Map<String, Value>) -> OrRefusal<Vec<Reference>> {
    let listed = read_references(cx, world, document)?;
    if !listed.is_empty() {
        return Ok(listed);
    }
    let Some(key) = cx.project else {
        let text = "Value cannot be null.\r\nParameter name: endpoint.ServiceEndpointProjectReferences";
        return Err(Refusal::new(400, "ArgumentNullException", text));
    };
    let project = super::project(cx, world, key)?.id;
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(vec![Reference { project, name, description: None }])
}

/// Issuer and subject by which Entra ID recognizes a service connection, in their current form.
pub(super) fn federation(
    settings: &Settings,
    organization: &Organization,
    tenant: Uuid,
    connection: Uuid,
) -> (String, String) {
    let coded = |id: Uuid| match settings.plays(DevOpsOutcome::PlainFederationSubject) {
        true => id.to_string(),
        // A GUID as .NET lays out its bytes: the first three fields are reversed.
        false => URL_SAFE_NO_PAD.encode(id.to_bytes_le()),
    };
    let devops = Uuid::from_u128(0x499b_84ac_1321_427f_aa17_267c_a697_5798);
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let prefix = format!("/eid1/c/pub/t/{}/a/{}", coded(tenant), coded(devops));
    (issuer, format!("{prefix}/sc/{}/{connection}", organization.id))
}

/// Issuer and subject of a federation that begins now: in the current form, or in the one that retires.
pub(super) fn new_federation(
    settings: &Settings,
    organization: &Organization,
    tenant: Uuid,
    connection: &Connection,
) -> (String, String) {
    if !settings.plays(DevOpsOutcome::RetiringIssuer) {
        return federation(settings, organization, tenant, connection.id);
    }
    let project = organization.project_by_id(connection.owner_project).map_or("", |project| &project.name);
    let subject = format!("sc://{}/{project}/{}", organization.name, connection.text("name").unwrap_or_default());
    (format!("https://vstoken.dev.azure.com/{}", organization.id), subject)
}

/// Writes parameters of the authorization.
pub(super) fn set_parameters(document: &mut Map<String, Value>, pairs: &[(&str, &str)]) {
    let authorization = document.entry("authorization").or_insert_with(|| json!({}));
    if let Some(authorization) = authorization.as_object_mut() {
        let parameters = authorization.entry("parameters").or_insert_with(|| json!({}));
        for (key, value) in pairs {
            if let Some(parameters) = parameters.as_object_mut() {
                parameters.insert((*key).to_owned(), json!(value));
            }
        }
    }
}

/// Puts a secret into a service connection in place of any of the same name.
pub(super) fn set_secret(connection: &mut Connection, key: &str, text: Secret) {
    connection.secrets.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
    connection.secrets.push((key.to_owned(), text));
}
