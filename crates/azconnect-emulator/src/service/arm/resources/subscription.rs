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
use crate::service::arm::list;
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

fn scope(cx: &Context<'_>) -> String {
    format!("/subscriptions/{}", cx.address.subscription)
}

/// Shows the subscription of the request.
pub(crate) fn get(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    if !is_visible(world, cx.caller.object_id(), cx.subscription, cx.now.elapsed) {
        cx.permit(world, "Microsoft.Resources/subscriptions/read", &scope(cx))?;
        return Ok(Reply::new(200, Value::Null));
    }
    let document = document(world, cx.subscription).ok_or_else(Refusal::not_emulated)?;
    Ok(Reply::new(200, document))
}

/// Lists the regions that the subscription may use.
pub(crate) fn locations(cx: &Context<'_>, world: &World) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Resources/subscriptions/locations/read", &scope(cx))?;
    Ok(Reply::new(200, regions(cx)))
}

/// Lists the resource providers, and whether each is registered.
pub(crate) fn providers(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Resources/subscriptions/providers/read", &scope(cx))?;
    let all = PROVIDERS.iter().filter_map(|(namespace, _)| shown(cx, world, namespace)).collect();
    Ok(list::page(cx, world, all))
}

fn regions(cx: &Context<'_>) -> Value {
    let id = &cx.address.subscription;
    let physical = REGIONS.iter().map(|region| {
        let paired =
            pair(region.name).map(|name| json!({"name": name, "id": format!("/subscriptions/{id}/locations/{name}")}));
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
                "geography": geography(region.name), "pairedRegion": paired.into_iter().collect::<Vec<_>>(),
            },
        });
        if let (false, Some(map)) = (zones.is_empty(), item.as_object_mut()) {
            map.insert("availabilityZoneMappings".to_owned(), json!(zones));
        }
        item
    });
    // Names for several regions at once, in which nothing can be placed, stand in the same list.
    let logical = [("europe", "Europe"), ("unitedstates", "United States")].map(|(name, display_name)| {
        json!({
            "id": format!("/subscriptions/{id}/locations/{name}"),
            "name": name,
            "type": "Region",
            "displayName": display_name,
            "regionalDisplayName": display_name,
            "metadata": {"regionType": "Logical", "regionCategory": "Other"},
        })
    });
    json!({"value": physical.chain(logical).collect::<Vec<Value>>()})
}

/// The region that another one is paired with. Newer regions have none.
fn pair(name: &str) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 7] = [
        ("westeurope", "northeurope"),
        ("northeurope", "westeurope"),
        ("eastus", "westus"),
        ("westus", "eastus"),
        ("eastus2", "centralus"),
        ("centralus", "eastus2"),
        ("uksouth", "ukwest"),
    ];
    PAIRS.iter().find(|(one, _)| *one == name).map(|(_, other)| *other)
}

fn geography(name: &str) -> &'static str {
    match name {
        _ if name.contains("us") && !name.contains("australia") => "US",
        _ if name.contains("canada") => "Canada",
        _ if name.contains("japan") || name.contains("australia") => "Asia Pacific",
        _ => "Europe",
    }
}

/// Shows one resource provider, and whether it is registered.
pub(crate) fn provider(cx: &Context<'_>, world: &mut World, namespace: &str) -> OrRefusal<Reply> {
    cx.permit(world, "Microsoft.Resources/subscriptions/providers/read", &scope(cx))?;
    let shown = shown(cx, world, namespace).ok_or_else(|| invalid(namespace))?;
    Ok(Reply::new(200, shown))
}

/// Registers a resource provider, which takes a while.
pub(crate) fn register(cx: &Context<'_>, world: &mut World, namespace: &str) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{namespace}/register/action"), &scope(cx))?;
    change(cx, world, namespace, true)
}

/// Takes a resource provider's registration back.
pub(crate) fn unregister(cx: &Context<'_>, world: &mut World, namespace: &str) -> OrRefusal<Reply> {
    cx.permit(world, &format!("{namespace}/unregister/action"), &scope(cx))?;
    change(cx, world, namespace, false)
}

fn invalid(namespace: &str) -> Box<Refusal> {
    Refusal::new(404, "InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."))
}

fn change(cx: &Context<'_>, world: &mut World, namespace: &str, registers: bool) -> OrRefusal<Reply> {
    shown(cx, world, namespace).ok_or_else(|| invalid(namespace))?;
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
    Ok(Reply::new(200, shown(cx, world, namespace).unwrap_or(Value::Null)))
}

fn shown(cx: &Context<'_>, world: &mut World, namespace: &str) -> Option<Value> {
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
