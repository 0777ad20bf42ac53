//! Objects of any kind by id, and policies.

use serde_json::{Value, json};
use uuid::Uuid;

use super::passwords::malformed;
use super::{Context, document, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::world::World;

/// The id of every tenant's default policy.
pub(super) const POLICY_ID: Uuid = Uuid::nil();

/// Answers `POST /directoryObjects/getByIds`: those of the ids that the tenant has.
pub(super) fn by_ids(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let body = cx.call.json().map_err(|_| malformed())?;
    let texts = |field: &str| -> Vec<String> {
        let list = body.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let ids: Vec<Uuid> = texts("ids").iter().filter_map(|text| Uuid::parse_str(text).ok()).collect();
    if ids.is_empty() {
        return Err(refusal::bad_request("Invalid value specified for property 'ids' of resource 'DirectoryObject'."));
    }
    let types = texts("types");
    let wanted =
        |kind: &str| types.is_empty() || types.iter().any(|t| t.eq_ignore_ascii_case(kind) || t == "directoryObject");
    let Some(tenant) = world.directory.tenant_by_id(cx.caller.tenant) else {
        return Err(refusal::denied());
    };
    let replica = cx.replica(world);
    let mut found = Vec::new();
    let mut add = |kind: &str, mut object: serde_json::Map<String, Value>| {
        object.shift_insert(0, "@odata.type".to_owned(), json!(format!("#microsoft.graph.{kind}")));
        found.push(Value::Object(object));
    };
    for id in ids {
        if let Some(one) = tenant.applications.iter().find(|a| a.object_id == id && wanted("application")) {
            add("application", document::application(one, tenant, &replica));
        }
        let mut visible = tenant.principals.iter().filter(|principal| principal.hidden.is_none());
        if let Some(one) = visible.find(|p| p.object_id == id && wanted("servicePrincipal")) {
            let owner = world.directory.application(one.client_id).map(|(tenant, _)| tenant);
            add("servicePrincipal", document::principal(one, owner, &replica));
        }
        if let Some(one) = tenant.users.iter().find(|u| u.object_id == id && wanted("user")) {
            add("user", document::user(one));
        }
    }
    let context = format!("{}/$metadata#directoryObjects", cx.base());
    Ok(json_answer(200, &json!({"@odata.context": context, "value": found})))
}

/// Answers `GET /policies/defaultAppManagementPolicy` with what the tenant allows of new credentials.
pub(super) fn policy(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read_policies()?;
    let policy = world.directory.tenant_by_id(cx.caller.tenant).map(|tenant| tenant.policy).unwrap_or_default();
    let restriction = |kind: &str, longest: Option<time::Duration>| {
        json!({
            "restrictionType": kind,
            "maxLifetime": longest.map(|longest| format!("P{}D", longest.whole_days())),
            "restrictForAppsCreatedAfterDateTime": "2014-10-19T10:37:00Z",
            "state": "enabled",
        })
    };
    let lifetime = policy.longest_password.map(|longest| restriction("passwordLifetime", Some(longest)));
    let addition = policy.forbids_passwords.then(|| restriction("passwordAddition", None));
    let passwords: Value = lifetime.into_iter().chain(addition).collect();
    let longest = policy.longest_certificate.map(|longest| restriction("asymmetricKeyLifetime", Some(longest)));
    let keys: Value = longest.into_iter().collect();
    Ok(json_answer(
        200,
        &json!({
            "@odata.context": format!("{}/$metadata#policies/defaultAppManagementPolicy/$entity", cx.base()),
            "id": POLICY_ID.to_string(),
            "displayName": "Default app management tenant policy",
            "description": "Default tenant policy that enforces app management restrictions on applications and service principals.",
            "isEnabled": policy.is_enabled(),
            "applicationRestrictions": {"passwordCredentials": passwords.clone(), "keyCredentials": keys.clone()},
            "servicePrincipalRestrictions": {"passwordCredentials": passwords, "keyCredentials": keys},
        }),
    ))
}
