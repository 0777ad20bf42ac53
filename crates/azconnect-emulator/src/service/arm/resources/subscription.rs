//! Subscriptions, their regions and their resource providers.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::refusal::{Granted, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::account::Registration;
use crate::model::arm::address::same;
use crate::model::arm::offers::REGIONS;
use crate::model::arm::operation::Work;
use crate::service::arm::ask::Room;
use crate::service::arm::ask::{Ask, Reply};
use crate::service::arm::operation::Start;

/// Namespaces, and the types in them.
const PROVIDERS: &[(&str, &[&str])] = &[
    (
        "Microsoft.Compute",
        &["virtualMachines", "virtualMachines/extensions", "virtualMachines/runCommands", "disks", "skus", "locations"],
    ),
    (
        "Microsoft.Network",
        &["virtualNetworks", "networkSecurityGroups", "publicIPAddresses", "networkInterfaces", "locations"],
    ),
    ("Microsoft.Resources", &["resourceGroups", "deployments", "subscriptions"]),
    ("Microsoft.Authorization", &["roleAssignments", "roleDefinitions", "permissions"]),
    ("Microsoft.Storage", &["storageAccounts"]),
    ("Microsoft.KeyVault", &["vaults"]),
    ("Microsoft.ManagedIdentity", &["userAssignedIdentities"]),
];

/// A subscription as it is shown.
pub(crate) fn document(room: &mut Room<'_>, id: Uuid) -> Option<Value> {
    let state = room.arm.account(id).state.clone();
    let subscription = room.subscriptions.iter().find(|subscription| subscription.id == id)?;
    Some(json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": subscription.tenant,
        "displayName": subscription.name,
        "state": state,
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
    }))
}

/// Whether a caller may see a subscription: any role in it is enough.
pub(crate) fn is_visible(room: &Room<'_>, object_id: Uuid, id: Uuid, now: Duration) -> bool {
    room.arm.roles.touch(object_id, &format!("/subscriptions/{id}"), now)
}

/// Answers what is asked of a subscription itself.
pub(crate) fn answer(room: &mut Room<'_>, ask: &Ask<'_>) -> Option<Granted<Reply>> {
    let scope = format!("/subscriptions/{}", ask.address.subscription);
    let parts = ask.address.parts();
    let get = ask.method == "GET";
    match parts.as_slice() {
        [] if get => {
            let visible = is_visible(room, ask.caller.object_id(), ask.subscription, ask.now.elapsed);
            if !visible {
                return Some(
                    room.permit(ask, "Microsoft.Resources/subscriptions/read", &scope)
                        .map(|()| Reply::new(200, Value::Null)),
                );
            }
            document(room, ask.subscription).map(|document| Ok(Reply::new(200, document)))
        }
        [word] if get && same(word, "locations") => Some(
            room.permit(ask, "Microsoft.Resources/subscriptions/locations/read", &scope)
                .map(|()| Reply::new(200, locations(ask))),
        ),
        [word] if get && same(word, "providers") => {
            Some(room.permit(ask, "Microsoft.Resources/subscriptions/providers/read", &scope).map(|()| {
                let all = PROVIDERS.iter().filter_map(|(namespace, _)| provider(room, ask, namespace)).collect();
                crate::service::arm::list::page(room, ask, all)
            }))
        }
        _ => None,
    }
}

fn locations(ask: &Ask<'_>) -> Value {
    let id = &ask.address.subscription;
    let items: Vec<Value> = REGIONS
        .iter()
        .map(|region| {
            let zones: Vec<Value> = (1..=region.zones)
                .map(|zone| json!({"logicalZone": zone.to_string(), "physicalZone": format!("{}-az{zone}", region.name)}))
                .collect();
            let mut item = json!({
                "id": format!("/subscriptions/{id}/locations/{}", region.name),
                "name": region.name,
                "type": "Region",
                "displayName": region.display_name,
                "regionalDisplayName": format!("({}) {}", geography(region.name), region.display_name),
                "metadata": {
                    "regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": geography(region.name),
                    "geography": geography(region.name), "pairedRegion": [],
                },
            });
            if let (false, Some(map)) = (zones.is_empty(), item.as_object_mut()) {
                map.insert("availabilityZoneMappings".to_owned(), json!(zones));
            }
            item
        })
        .collect();
    json!({"value": items})
}

fn geography(name: &str) -> &'static str {
    match name {
        _ if name.contains("us") && !name.contains("australia") => "US",
        _ if name.contains("canada") => "Canada",
        _ if name.contains("japan") || name.contains("australia") => "Asia Pacific",
        _ => "Europe",
    }
}

/// Answers a request for a provider, or its registration.
pub(crate) fn answer_provider(room: &mut Room<'_>, ask: &Ask<'_>) -> Option<Granted<Reply>> {
    let scope = format!("/subscriptions/{}", ask.address.subscription);
    let namespace = ask.address.namespace.clone()?;
    let parts = ask.address.parts();
    match (ask.method.as_str(), parts.as_slice()) {
        ("GET", []) => Some(
            room.permit(ask, "Microsoft.Resources/subscriptions/providers/read", &scope)
                .and_then(|()| provider(room, ask, &namespace).ok_or_else(|| invalid(&namespace)))
                .map(|provider| Reply::new(200, provider)),
        ),
        ("POST", [word]) if same(word, "register") || same(word, "unregister") => {
            let registers = same(word, "register");
            let action = format!("{namespace}/{}/action", if registers { "register" } else { "unregister" });
            Some(room.permit(ask, &action, &scope).and_then(|()| register(room, ask, &namespace, registers)))
        }
        _ => None,
    }
}

fn invalid(namespace: &str) -> Box<Refusal> {
    Refusal::new(404, "InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."))
}

fn register(room: &mut Room<'_>, ask: &Ask<'_>, namespace: &str, registers: bool) -> Granted<Reply> {
    provider(room, ask, namespace).ok_or_else(|| invalid(namespace))?;
    let key = namespace.to_ascii_lowercase();
    if !registers {
        room.arm.account(ask.subscription).providers.insert(key, Registration::NotRegistered);
    } else if !room.arm.account(ask.subscription).is_registered(namespace) {
        let running = room.arm.account(ask.subscription).providers.get(&key).copied();
        if !matches!(running, Some(Registration::Registering)) {
            let subject = ask.subscription.to_string();
            let work = Work::Register(key.clone());
            let start = Start {
                kind: OperationKind::Register,
                subject: &subject,
                work,
                namespace: "Microsoft.Resources",
                location: "global",
            };
            room.start(ask, start);
            room.arm.account(ask.subscription).providers.insert(key, Registration::Registering);
        }
    }
    Ok(Reply::new(200, provider(room, ask, namespace).unwrap_or(Value::Null)))
}

fn provider(room: &mut Room<'_>, ask: &Ask<'_>, namespace: &str) -> Option<Value> {
    let (name, types) = PROVIDERS.iter().find(|(name, _)| same(name, namespace))?;
    let state = match room.arm.account(ask.subscription).providers.get(&name.to_ascii_lowercase()) {
        Some(Registration::Registered) => "Registered",
        Some(Registration::Registering) => "Registering",
        _ => "NotRegistered",
    };
    let locations: Vec<&str> = REGIONS.iter().map(|region| region.display_name).collect();
    let types: Vec<Value> = types
        .iter()
        .map(|one| {
            json!({
                "resourceType": one,
                "locations": locations,
                "apiVersions": ["2026-03-01", "2025-05-01", "2025-04-01", "2024-11-01", "2024-07-01", "2022-11-01"],
                "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation",
            })
        })
        .collect();
    Some(json!({
        "id": format!("/subscriptions/{}/providers/{name}", ask.address.subscription),
        "namespace": name,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": state,
        "resourceTypes": types,
    }))
}
