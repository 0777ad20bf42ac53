//! Changing service connections. The last writer wins, and what a writer leaves out is lost.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::contract::Reader;
use super::convert::convert;
use super::create::set_secret;
use super::document::{Masking, audit, body, check, check_identity, read_references, show, strip};
use super::{administers, check_name, existing};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::base::settings::{Settings, UnsentSecrets};
use crate::model::devops::confidential::{Confidential, mark_secret, take_secrets};
use crate::model::devops::permissions::{ADMINISTER, CREATE, collection_token, project_token};
use crate::model::devops::{Connection, Organization, Reference, field};
use crate::model::world::World;
use crate::service::devops::types::Inputs;
use crate::service::devops::{Context, refusal};

/// Changes one service connection, or converts its scheme if the query says so.
pub(super) fn update(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<Answer> {
    let document = body(cx)?;
    match cx.call.query.filled("operation") {
        None | Some("ChangeProperties") => {}
        Some("ConvertAuthenticationScheme") => {
            let document = read(cx, world, id, document)?;
            return convert(cx, world, id, &document);
        }
        Some(other) => {
            return Err(refusal::argument(format!("The operation '{other}' is not supported.")));
        }
    }
    let document = read(cx, world, id, document)?;
    let shown = apply(cx, world, id, document)?;
    Ok(json_answer(200, &shown))
}

/// Changes several; all of them, or none.
pub(super) fn bulk(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let Value::Array(documents) = body(cx)? else {
        return Err(refusal::argument("A list of service endpoints is expected."));
    };
    let mut all = Vec::new();
    for document in documents {
        let id = document.as_object().and_then(|document| field(document, "id")).and_then(Value::as_str);
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        let id = id.ok_or_else(|| refusal::argument("A service endpoint of the list has no valid id."))?;
        let document = read(cx, world, id, document)?;
        // All are checked before the first one changes.
        Change::plan(cx, world, id, document.clone())?;
        all.push((id, document));
    }
    let shown = all.into_iter().map(|(id, document)| apply(cx, world, id, document));
    let value = shown.collect::<Result<Vec<_>, _>>()?;
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

/// Reads the body of an update of one service connection.
fn read(cx: &Context<'_>, world: &World, id: Uuid, body: Value) -> OrRefusal<Map<String, Value>> {
    let stored = existing(cx, cx.organization(world)?, id).ok().map(|connection| &connection.document);
    let refuses_unknown = world.settings.plays(DevOpsOutcome::UnknownMembersRefused);
    Reader { stored, refuses_unknown }.endpoint(body)
}

fn apply(cx: &Context<'_>, world: &mut World, id: Uuid, document: Map<String, Value>) -> OrRefusal<Value> {
    let mut change = Change::plan(cx, world, id, document)?;
    let (now, rule) = (cx.now, Rules::of(&world.settings));
    let failure = change.failure.take();
    let organization = cx.organization_mut(world)?;
    let connection = organization.connection_mut(id, now.elapsed).ok_or_else(|| refusal::endpoint(&id.to_string()))?;
    change.commit(connection, rule);
    // Two changes never bear one date, however fast they follow: the service's own dates tell them apart.
    connection.modified = now.wall.max(connection.modified + time::Duration::MILLISECOND);
    connection.modified_by = Some(cx.caller.id());
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let project = cx.project.and_then(|key| organization.project(key)).map(|project| project.id);
    show(cx, world, connection, (project, Masking::Null))
}

/// What becomes of secrets whose text an update does not send.
#[derive(Clone, Copy)]
struct Rules {
    unsent: UnsentSecrets,
    /// Whether `accessToken: null` breaks a service principal's connection.
    token_breaks: bool,
}

impl Rules {
    fn of(settings: &Settings) -> Self {
        Self { unsent: settings.unsent_secrets, token_breaks: !settings.plays(DevOpsOutcome::NullAccessTokenHarmless) }
    }
}

/// A change that has been found allowed.
struct Change {
    document: Map<String, Value>,
    confidential: Confidential,
    references: Vec<Reference>,
    /// How the service fails once the change is stored, where it fails so late.
    failure: Option<Box<Refusal>>,
}

impl Change {
    fn plan(cx: &Context<'_>, world: &World, id: Uuid, mut document: Map<String, Value>) -> OrRefusal<Self> {
        let organization = cx.organization(world)?;
        let connection = existing(cx, organization, id)?;
        check_identity(connection, &document)?;
        check(&document)?;
        let references = read_references(cx, world, &document)?;
        let failure = audit(&document).or_else(|| renaming(connection, &references));
        let late = world.settings.plays(DevOpsOutcome::StoredBeforeFailing);
        let failure = match failure {
            Some(failure) if !late => return Err(failure),
            failure => failure,
        };
        if failure.is_none() {
            let ignores_extra = world.settings.plays(DevOpsOutcome::ExtraInputsIgnored);
            Inputs { stored: Some(&connection.document), ignores_extra }.check(&mut document)?;
        }
        strip(&mut document);
        let confidential = take_secrets(&mut document);
        check_permission(cx, organization, connection, &confidential)?;
        check_references(cx, world, connection, &references)?;
        check_unsent(world, connection, &confidential)?;
        let by_operation = world.settings.plays(DevOpsOutcome::DisablingByOperation);
        if by_operation && cx.call.query.filled("operation").is_none() {
            match connection.document.get("isDisabled") {
                Some(former) => drop(document.insert("isDisabled".to_owned(), former.clone())),
                None => drop(document.shift_remove("isDisabled")),
            }
        }
        Ok(Self { document, confidential, references, failure })
    }

    fn commit(self, connection: &mut Connection, rule: Rules) {
        let service_principal = connection.scheme().is_some_and(|s| s.eq_ignore_ascii_case("ServicePrincipal"));
        let automatic = connection.data("creationMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Automatic"));
        connection.document = self.document;
        if !(automatic && service_principal) {
            drop_unsent(connection, &self.confidential, rule.unsent);
        }
        let emptied = self.confidential.empty.iter().any(|key| key.eq_ignore_ascii_case("accessToken"));
        // An `accessToken` of `null` empties the cache that tests read, and every later test fails.
        if service_principal && emptied && rule.token_breaks {
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
        UnsentSecrets::NullKeeps | UnsentSecrets::AbsentRefused => is_null(name),
        UnsentSecrets::AbsentKeeps => !is_null(name),
        UnsentSecrets::AlwaysKept => true,
        UnsentSecrets::AlwaysLost => false,
    });
}

/// Refuses a document that leaves out the key of a stored secret, where that is the rule. What takes another's place says so.
fn check_unsent(world: &World, connection: &Connection, came: &Confidential) -> OrRefusal<()> {
    if world.settings.unsent_secrets != UnsentSecrets::AbsentRefused || !came.secrets.is_empty() {
        return Ok(());
    }
    let named = |name: &str| came.empty.iter().any(|key| key.eq_ignore_ascii_case(name));
    let missing = connection.secrets.iter().map(|(name, _)| name).find(|name| !named(name));
    missing.map_or(Ok(()), |name| Err(refusal::argument(format!("The input '{name}' is required."))))
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

/// The failure inside the service on a new name for what is shared.
fn renaming(connection: &Connection, references: &[Reference]) -> Option<Box<Refusal>> {
    let renamed = references
        .iter()
        .any(|reference| connection.reference(reference.project).is_some_and(|known| known.name != reference.name));
    (renamed && connection.references.len() > 1).then(refusal::internal)
}

/// An update adds projects and removes none.
fn check_references(
    cx: &Context<'_>,
    world: &World,
    connection: &Connection,
    references: &[Reference],
) -> OrRefusal<()> {
    let organization = cx.organization(world)?;
    for reference in references {
        let known = connection.reference(reference.project);
        if known.is_none() && !organization.allows(cx.caller.id(), CREATE, &project_token(reference.project)) {
            return Err(refusal::denied(&cx.caller.member.display_name, "Create"));
        }
        check_name(cx, world, (reference.project, &reference.name), Some(connection.id))?;
    }
    Ok(())
}
