//! Applications.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::passwords::malformed;
use super::{Context, Key, certificates, document, properties, query, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::directory::{Application, Birth, Tenant};
use crate::model::history::Memory;
use crate::model::world::World;

const AUDIENCES: [&str; 4] =
    ["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"];

/// What a list can be filtered by, of what the documents name.
const FILTERABLE: [&str; 7] =
    ["appId", "createdDateTime", "displayName", "id", "identifierUris", "signInAudience", "tags"];

pub(super) fn list(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let replica = cx.replica(world);
    let tenant = tenant(cx, world)?;
    let visible = tenant.applications.iter().filter(|a| replica.has_seen_creation(a.object_id, a.created.elapsed));
    let objects = visible.map(|application| document::application(application, tenant, &replica)).collect();
    query::page(cx, "applications", objects, world.settings.page_size, &FILTERABLE)
}

pub(super) fn get(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let replica = cx.replica(world);
    let tenant = tenant(cx, world)?;
    let application = find(cx, world, key)?;
    let mut shown = document::application(application, tenant, &replica);
    certificates::with_keys(cx, &mut shown, &application.certificates);
    query::entity(cx, "applications", shown)
}

pub(super) fn create(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    cx.may_create()?;
    let mut body = object(cx, "application", properties::APPLICATION)?;
    let display_name = match body.shift_remove("displayName") {
        Some(Value::String(name)) if is_display_name(&name) => name,
        _ => {
            let text = "A value is required for property 'displayName' of resource 'Application'.";
            return Err(refusal::bad_request(text));
        }
    };
    let audience = read_audience(&mut body)?.unwrap_or_else(|| "AzureADMyOrg".to_owned());
    let policy = tenant(cx, world)?.policy;
    let wanted = certificates::read(cx, &mut world.dice, &mut body, &policy, &[])?.unwrap_or_default();
    let mut certificates = Vec::new();
    certificates::replace(cx, &mut certificates, wanted);
    let application = Application {
        object_id: world.dice.guid(),
        client_id: world.dice.guid(),
        display_name,
        sign_in_audience: audience,
        passwords: Vec::new(),
        certificates,
        federated: Vec::new(),
        removed_federated: Vec::new(),
        // Whoever creates an application owns it, and so may change it with `Application.ReadWrite.OwnedBy`.
        owners: vec![cx.caller.object_id()],
        created: Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) },
        document: body,
    };
    let replica = cx.replica(world);
    let shown = document::application(&application, tenant(cx, world)?, &replica);
    let answer = created(cx, "applications", shown);
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.applications.push(application);
    }
    Ok(answer)
}

pub(super) fn update(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let id = changeable(cx, world, key)?;
    let mut body = object(cx, "application", properties::APPLICATION)?;
    let audience = read_audience(&mut body)?;
    let name = body.shift_remove("displayName");
    let policy = tenant(cx, world)?.policy;
    let memory = Memory::of(&world.settings);
    let (merges_nested, needs_bytes) = (world.settings.graph.merges_nested, world.settings.graph.requires_key_bytes);
    let World { directory, dice, .. } = world;
    let found = directory
        .tenant_mut(cx.caller.tenant)
        .and_then(|tenant| tenant.applications.iter_mut().find(|application| application.object_id == id));
    let application = found.ok_or_else(|| refusal::not_found(key.text()))?;
    certificates::check_bytes(&body, needs_bytes)?;
    let wanted = certificates::read(cx, dice, &mut body, &policy, &application.certificates)?;
    match name {
        None => {}
        Some(Value::String(name)) if is_display_name(&name) => application.display_name = name,
        Some(_) => return Err(refusal::invalid("displayName", "Application")),
    }
    if let Some(wanted) = wanted {
        certificates::replace(cx, &mut application.certificates, wanted);
        memory.forget(&mut application.certificates, cx.now.elapsed);
    }
    if let Some(audience) = audience {
        application.sign_in_audience = audience;
    }
    // Merged and not replaced: a PATCH keeps what it leaves out. No document says so of what stands inside a property.
    for (name, value) in body {
        match (application.document.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if merges_nested => old.extend(new),
            (_, value) => {
                application.document.insert(name, value);
            }
        }
    }
    Ok(empty(204))
}

pub(super) fn delete(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let id = changeable(cx, world, key)?;
    let memory = Memory::of(&world.settings);
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.throw_away(id, cx.now);
        memory.forget(&mut tenant.bin, cx.now.elapsed);
    }
    Ok(empty(204))
}

/// An application that the answering replica knows.
pub(super) fn find<'w>(cx: &Context<'_>, world: &'w World, key: &Key) -> OrRefusal<&'w Application> {
    let replica = cx.replica(world);
    let found = tenant(cx, world)?.applications.iter().find(|application| {
        key.matches(application.object_id, application.client_id)
            && replica.has_seen_creation(application.object_id, application.created.elapsed)
    });
    found.ok_or_else(|| refusal::not_found(key.text()))
}

/// The object id of an application that the caller may change.
pub(super) fn changeable(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Uuid> {
    let application = find(cx, world, key).map_err(|missing| {
        let tenant = world.directory.tenant_by_id(cx.caller.tenant);
        let mut all = tenant.into_iter().flat_map(|tenant| &tenant.applications);
        let exists = all.any(|one| key.matches(one.object_id, one.client_id));
        if exists { refusal::young(&world.settings.graph, key.text()) } else { missing }
    })?;
    cx.may_change(&application.owners)?;
    Ok(application.object_id)
}

pub(super) fn tenant<'w>(cx: &Context<'_>, world: &'w World) -> OrRefusal<&'w Tenant> {
    world.directory.tenant_by_id(cx.caller.tenant).ok_or_else(refusal::denied)
}

/// The body as an object of a type, with properties that it has. Secrets are not written this way.
pub(super) fn object(cx: &Context<'_>, kind: &str, known: &[&str]) -> OrRefusal<Map<String, Value>> {
    let Ok(Value::Object(mut body)) = cx.call.json() else { return Err(malformed()) };
    let secrets = body.get("passwordCredentials").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if secrets {
        let text = "Updates to passwordCredentials are not allowed here: use addPassword and removePassword.";
        return Err(refusal::bad_request(text));
    }
    properties::check(&body, kind, known)?;
    body.shift_remove("passwordCredentials");
    body.retain(|name, _| !name.starts_with('@'));
    Ok(body)
}

/// The answer to a creation.
pub(super) fn created(cx: &Context<'_>, collection: &str, mut object: Map<String, Value>) -> Answer {
    use crate::base::answer::WithHeader;
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let context = format!("{}/$metadata#{collection}/$entity", cx.base());
    object.shift_insert(0, "@odata.context".to_owned(), Value::String(context));
    json_answer(201, &Value::Object(object)).with_header("location", &format!("{}/{collection}/{id}", cx.base()))
}

fn is_display_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 256
}

fn read_audience(body: &mut Map<String, Value>) -> OrRefusal<Option<String>> {
    match body.shift_remove("signInAudience") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if AUDIENCES.contains(&text.as_str()) => Ok(Some(text)),
        Some(_) => Err(refusal::invalid("signInAudience", "Application")),
    }
}
