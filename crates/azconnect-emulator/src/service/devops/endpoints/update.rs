//! Changing service connections. The last writer wins, and what a writer leaves out is lost.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::convert::convert;
use super::create::set_secret;
use super::document::{Masking, body, check, object, read_references, show, strip};
use super::{administers, check_name, existing};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::UnsentSecrets;
use crate::model::devops::confidential::{Confidential, mark_secret, take_secrets};
use crate::model::devops::permissions::{ADMINISTER, CREATE, collection_token, project_token};
use crate::model::devops::{Connection, Organization, Reference};
use crate::model::world::World;
use crate::service::devops::{Context, refusal};

/// Changes one service connection, or converts its scheme if the query says so.
pub(super) fn update(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<Answer> {
    let document = object(body(cx)?)?;
    match cx.call.query.filled("operation") {
        None => {}
        Some("ConvertAuthenticationScheme") => return convert(cx, world, id, &document),
        Some(other) => {
            return Err(refusal::argument(format!("The operation '{other}' is not supported.")));
        }
    }
    let shown = apply(cx, world, id, document)?;
    Ok(json_answer(200, &shown))
}

/// Changes several; all of them, or none.
pub(super) fn bulk(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let Value::Array(documents) = body(cx)? else {
        return Err(refusal::argument("A list of service endpoints is expected."));
    };
    let mut read = Vec::new();
    for document in documents {
        let document = object(document)?;
        let id = document.get("id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let id = id.ok_or_else(|| refusal::argument("A service endpoint of the list has no valid id."))?;
        // All are checked before the first one changes.
        Change::plan(cx, world, id, document.clone())?;
        read.push((id, document));
    }
    let shown = read.into_iter().map(|(id, document)| apply(cx, world, id, document));
    let value = shown.collect::<Result<Vec<_>, _>>()?;
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

fn apply(cx: &Context<'_>, world: &mut World, id: Uuid, document: Map<String, Value>) -> OrRefusal<Value> {
    let change = Change::plan(cx, world, id, document)?;
    let (now, rule) = (cx.now, world.settings.unsent_secrets);
    let organization = cx.organization_mut(world)?;
    let connection = organization.connection_mut(id, now.elapsed).ok_or_else(|| refusal::endpoint(&id.to_string()))?;
    change.commit(connection, rule);
    // Two changes never bear one date, however fast they follow: the service's own dates tell them apart.
    connection.modified = now.wall.max(connection.modified + time::Duration::MILLISECOND);
    connection.modified_by = Some(cx.caller.id());
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    let project = cx.project.and_then(|key| organization.project(key)).map(|project| project.id);
    Ok(show(cx, organization, connection, (project, Masking::Null)))
}

/// A change that has been found allowed.
struct Change {
    document: Map<String, Value>,
    confidential: Confidential,
    references: Vec<Reference>,
}

impl Change {
    fn plan(cx: &Context<'_>, world: &World, id: Uuid, mut document: Map<String, Value>) -> OrRefusal<Self> {
        let organization = cx.organization(world)?;
        let connection = existing(cx, organization, id)?;
        check_identity(connection, &document)?;
        check(&document)?;
        let references = read_references(organization, &document)?;
        strip(&mut document);
        let confidential = take_secrets(&mut document);
        check_permission(cx, organization, connection, &confidential)?;
        check_references(cx, organization, connection, &references)?;
        Ok(Self { document, confidential, references })
    }

    fn commit(self, connection: &mut Connection, rule: UnsentSecrets) {
        let service_principal = connection.scheme().is_some_and(|s| s.eq_ignore_ascii_case("ServicePrincipal"));
        let automatic = connection.data("creationMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Automatic"));
        connection.document = self.document;
        if !(automatic && service_principal) {
            drop_unsent(connection, &self.confidential, rule);
        }
        let emptied = self.confidential.empty.iter().any(|key| key.eq_ignore_ascii_case("accessToken"));
        // An `accessToken` of `null` empties the cache that tests read, and every later test fails.
        if service_principal && emptied {
            connection.broken = true;
        } else if !self.confidential.secrets.is_empty() {
            connection.broken = false;
        }
        for (key, text) in self.confidential.secrets {
            // The service manages the key of an automatic connection itself, and passes over anyone else's.
            if automatic && service_principal {
                continue;
            }
            drop_rival(connection, &key);
            set_secret(connection, &key, text);
        }
        // Where a secret outlived a document that left it out, its place is shown again.
        for (key, _) in &connection.secrets {
            mark_secret(&mut connection.document, key);
        }
        for reference in self.references {
            match connection.references.iter_mut().find(|known| known.project == reference.project) {
                Some(known) => *known = reference,
                None => connection.references.push(reference),
            }
        }
    }
}

/// Drops the stored secrets that do not outlive a document without their text. Those that the document brings are set
/// afterwards.
fn drop_unsent(connection: &mut Connection, came: &Confidential, rule: UnsentSecrets) {
    let is_null = |name: &str| came.empty.iter().any(|key| key.eq_ignore_ascii_case(name));
    connection.secrets.retain(|(name, _)| match rule {
        UnsentSecrets::NullKeeps => is_null(name),
        UnsentSecrets::AbsentKeeps => !is_null(name),
        UnsentSecrets::AlwaysKept => true,
        UnsentSecrets::AlwaysLost => false,
    });
}

/// A key takes the place of a certificate, and a certificate that of a key.
fn drop_rival(connection: &mut Connection, key: &str) {
    let rival = match key.to_ascii_lowercase().as_str() {
        "serviceprincipalkey" => "servicePrincipalCertificate",
        "serviceprincipalcertificate" => "serviceprincipalkey",
        _ => return,
    };
    connection.secrets.retain(|(name, _)| !name.eq_ignore_ascii_case(rival));
}

/// Id, type and scheme cannot change.
fn check_identity(connection: &Connection, document: &Map<String, Value>) -> OrRefusal<()> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let other_id = text(document.get("id")).is_some_and(|id| Uuid::parse_str(&id) != Ok(connection.id));
    if other_id {
        return Err(refusal::argument("The id of the service endpoint does not match the id of the request."));
    }
    let differs = |known: Option<&str>, given: Option<String>| {
        given.zip(known).is_some_and(|(given, known)| !given.eq_ignore_ascii_case(known))
    };
    if differs(connection.text("type"), text(document.get("type"))) {
        return Err(refusal::argument("The type of a service endpoint cannot be changed."));
    }
    if differs(connection.scheme(), text(document.get("authorization").and_then(|a| a.get("scheme")))) {
        return Err(refusal::argument(
            "The authorization scheme of a service endpoint cannot be changed by an update.",
        ));
    }
    Ok(())
}

/// Administering in a project is enough for everything but a secret, which hangs on the whole organization.
fn check_permission(
    cx: &Context<'_>,
    organization: &Organization,
    connection: &Connection,
    confidential: &Confidential,
) -> OrRefusal<()> {
    let token = collection_token(connection.id);
    let for_secrets = confidential.secrets.is_empty() || organization.allows(cx.caller.id(), ADMINISTER, &token);
    if for_secrets && administers(cx, organization, connection) {
        return Ok(());
    }
    Err(refusal::denied(&cx.caller.member.display_name, "Administer"))
}

/// An update adds projects and removes none. Renaming what is shared fails inside the service.
fn check_references(
    cx: &Context<'_>,
    organization: &Organization,
    connection: &Connection,
    references: &[Reference],
) -> OrRefusal<()> {
    for reference in references {
        let known = connection.reference(reference.project);
        let renamed = known.is_some_and(|known| known.name != reference.name);
        if renamed && connection.references.len() > 1 {
            let text = "TF400898: An Internal Error Occurred. Activity Id: 00000000-0000-0000-0000-000000000000.";
            return Err(Refusal::new(500, "VssServiceException", text));
        }
        if known.is_none() && !organization.allows(cx.caller.id(), CREATE, &project_token(reference.project)) {
            return Err(refusal::denied(&cx.caller.member.display_name, "Create"));
        }
        check_name(cx, organization, (reference.project, &reference.name), Some(connection.id))?;
    }
    Ok(())
}
