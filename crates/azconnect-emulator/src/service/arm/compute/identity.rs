//! Managed identities: shown, and given to machines.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::dice::named_guid;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::key;
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};

/// The action that whoever gives an identity to a machine needs on the identity.
const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

fn ids(body: &Value) -> Vec<String> {
    let map = body.pointer("/identity/userAssignedIdentities").and_then(Value::as_object);
    map.into_iter().flat_map(|map| map.keys().cloned()).collect()
}

/// Refuses identities that do not agree with their type, that the caller may not give, or that there are not.
pub(crate) fn check(cx: &Context<'_>, world: &mut World, machine: &str) -> OrRefusal<()> {
    let kind = cx.text("/identity/type").unwrap_or("None");
    let words: Vec<String> = kind.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
    let odd = words.iter().any(|word| !["none", "systemassigned", "userassigned"].contains(&word.as_str()));
    let ids = ids(&cx.body);
    let user_assigned = words.iter().any(|word| word == "userassigned");
    if odd || user_assigned == ids.is_empty() {
        let message = format!("The identity type '{kind}' does not agree with the identities that are given.");
        return Err(Refusal::new(400, "InvalidIdentity", message).at("identity"));
    }
    for id in ids {
        if !id.to_ascii_lowercase().contains("/providers/microsoft.managedidentity/userassignedidentities/") {
            let message = format!("The identity '{id}' is not the id of a user assigned identity.");
            return Err(Refusal::new(400, "LinkedInvalidPropertyId", message));
        }
        cx.permit_linked(world, ("Microsoft.Compute/virtualMachines/write", machine), ASSIGN, &id)?;
        if !world.arm.identities.contains(&key(&id)) {
            return Err(Refusal::new(
                400,
                "FailedIdentityOperation",
                format!(
                    "Identity operation for resource '{machine}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{{\"error\":{{\"code\":\"BadRequest\",\"message\":\"Resource '{id}' was not found.\"}}}}'.'."
                ),
            ));
        }
    }
    Ok(())
}

/// `GET …/userAssignedIdentities/{name}`: one identity.
pub(crate) fn get(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Reply> {
    let id = cx.address.scope.clone() + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name;
    cx.permit(world, "Microsoft.ManagedIdentity/userAssignedIdentities/read", &id)?;
    if !world.arm.identities.contains(&key(&id)) {
        let message = format!(
            "The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/{name}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            cx.address.group.as_deref().unwrap_or_default()
        );
        return Err(Refusal::new(404, "ResourceNotFound", message));
    }
    let [principal, client] = principals(&id);
    Ok(Reply::new(
        200,
        json!({
            "id": id, "name": name, "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "location": "westeurope",
            "properties": {"tenantId": cx.caller.tenant, "principalId": principal, "clientId": client}
        }),
    ))
}

/// The object id of an identity's service principal, and its application's id.
fn principals(id: &str) -> [Uuid; 2] {
    ["principal", "client"].map(|word| named_guid(&format!("{word} {}", key(id))))
}

/// The identity as it is shown: with the principals that belong to it.
pub(crate) fn shown(asked: &Value, own: Uuid, tenant: Uuid) -> Value {
    let mut shown = asked.clone();
    let system = asked.get("type").and_then(Value::as_str).is_some_and(|kind| kind.contains("SystemAssigned"));
    let Some(map) = shown.as_object_mut() else { return shown };
    if system {
        map.insert("principalId".to_owned(), json!(own));
        map.insert("tenantId".to_owned(), json!(tenant));
    }
    if let Some(Value::Object(identities)) = map.get_mut("userAssignedIdentities") {
        for (id, value) in identities.iter_mut() {
            let [principal, client] = principals(id);
            *value = json!({"principalId": principal, "clientId": client});
        }
    }
    shown
}
