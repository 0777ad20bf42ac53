//! Subscriptions, their regions and their resource providers.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::account::Registration;
use crate::model::arm::address::same;
use crate::model::arm::offers::REGIONS;
use crate::model::arm::operation::Work;
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
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
pub(crate) fn document(world: &mut World, id: Uuid) -> Option<Value> {
    let state = world.arm.account(id).state.clone();
    let subscription = world.subscriptions.iter().find(|subscription| subscription.id == id)?;
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
pub(crate) fn is_visible(world: &World, object_id: Uuid, id: Uuid, now: Duration) -> bool {
    world.arm.roles.touch(object_id, &format!("/subscriptions/{id}"), now)
}

/// Answers what is asked of a subscription itself.
pub(crate) fn answer(world: &mut World, cx: &Context<'_>) -> Option<OrRefusal<Reply>> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    let parts = cx.address.parts();
    let get = cx.call.method == "GET";
    match parts.as_slice() {
        [] if get => {
            let visible = is_visible(world, cx.caller.object_id(), cx.subscription, cx.now.elapsed);
            if !visible {
                return Some(
                    cx.permit(world, "Microsoft.Resources/subscriptions/read", &scope)
                        .map(|()| Reply::new(200, Value::Null)),
                );
            }
            document(world, cx.subscription).map(|document| Ok(Reply::new(200, document)))
        }
        [word] if get && same(word, "locations") => Some(
            cx.permit(world, "Microsoft.Resources/subscriptions/locations/read", &scope)
                .map(|()| Reply::new(200, locations(cx))),
        ),
        [word] if get && same(word, "providers") => {
            Some(cx.permit(world, "Microsoft.Resources/subscriptions/providers/read", &scope).map(|()| {
                let all = PROVIDERS.iter().filter_map(|(namespace, _)| provider(world, cx, namespace)).collect();
                crate::service::arm::list::page(world, cx, all)
            }))
        }
        _ => None,
    }
}

fn locations(cx: &Context<'_>) -> Value {
    let id = &cx.address.subscription;
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
pub(crate) fn answer_provider(world: &mut World, cx: &Context<'_>) -> Option<OrRefusal<Reply>> {
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    let namespace = cx.address.namespace.clone()?;
    let parts = cx.address.parts();
    match (cx.call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Some(
            cx.permit(world, "Microsoft.Resources/subscriptions/providers/read", &scope)
                .and_then(|()| provider(world, cx, &namespace).ok_or_else(|| invalid(&namespace)))
                .map(|provider| Reply::new(200, provider)),
        ),
        ("POST", [word]) if same(word, "register") || same(word, "unregister") => {
            let registers = same(word, "register");
            let action = format!("{namespace}/{}/action", if registers { "register" } else { "unregister" });
            Some(cx.permit(world, &action, &scope).and_then(|()| register(world, cx, &namespace, registers)))
        }
        _ => None,
    }
}

fn invalid(namespace: &str) -> Box<Refusal> {
    Refusal::new(404, "InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."))
}

fn register(world: &mut World, cx: &Context<'_>, namespace: &str, registers: bool) -> OrRefusal<Reply> {
    provider(world, cx, namespace).ok_or_else(|| invalid(namespace))?;
    let key = namespace.to_ascii_lowercase();
    if !registers {
        world.arm.account(cx.subscription).providers.insert(key, Registration::NotRegistered);
    } else if !world.arm.account(cx.subscription).is_registered(namespace) {
        let running = world.arm.account(cx.subscription).providers.get(&key).copied();
        if !matches!(running, Some(Registration::Registering)) {
            let subject = cx.subscription.to_string();
            let work = Work::Register(key.clone());
            let start = Start {
                kind: OperationKind::Register,
                subject: &subject,
                work,
                namespace: "Microsoft.Resources",
                location: "global",
            };
            cx.start(world, start);
            world.arm.account(cx.subscription).providers.insert(key, Registration::Registering);
        }
    }
    Ok(Reply::new(200, provider(world, cx, namespace).unwrap_or(Value::Null)))
}

fn provider(world: &mut World, cx: &Context<'_>, namespace: &str) -> Option<Value> {
    let (name, types) = PROVIDERS.iter().find(|(name, _)| same(name, namespace))?;
    let state = match world.arm.account(cx.subscription).providers.get(&name.to_ascii_lowercase()) {
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
        "id": format!("/subscriptions/{}/providers/{name}", cx.address.subscription),
        "namespace": name,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": state,
        "resourceTypes": types,
    }))
}
