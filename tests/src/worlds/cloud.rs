//! The small cloud of a world: one tenant, one application, one organization, up to three service connections.

use std::sync::Arc;

use azconnect::core::{ClientId, KeyId, TenantId};
use azconnect_emulator::{Emulator, ReplicaChoice, Seed, Settings};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use uuid::Uuid;

use super::plan::Plan;

/// The tenant.
pub(super) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
/// The organization of Azure DevOps.
pub(super) const ORGANIZATION: &str = "contoso";
/// What it is called once somebody has renamed it.
pub(super) const RENAMED: &str = "contoso-new";
/// Its project.
pub(super) const PROJECT: &str = "Web";
const PROJECT_ID: &str = "d0000000-0000-4000-8000-000000000001";
/// The secret that the product signs in with. It is never rotated here.
pub(super) const OPERATOR_SECRET: &str = "Emu8Q~only.for-the-simulated-worlds_000001";
const SUBSCRIPTION: &str = "22222222-2222-4222-8222-222222222222";

/// The tenant.
pub(super) fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

/// The application that the product signs in with.
pub(super) fn operator() -> ClientId {
    "a0000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// The application whose secret is rotated.
pub(super) fn deploy() -> ClientId {
    "a0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// The secret that was made by hand, and that all consumers hold at the beginning.
pub(super) fn old_key() -> KeyId {
    "b0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// The secret of another team.
pub(super) fn foreign_key() -> KeyId {
    "b0000000-0000-4000-8000-000000000003".parse().unwrap()
}

/// The id of a connection by its number.
pub(super) fn connection_id(number: usize) -> Uuid {
    Uuid::from_u128(0xc000_0000_0000_4000_8000_0000_0000_0001 + number as u128)
}

/// The cloud of a plan.
pub(super) fn cloud(plan: &Plan, clock: VirtualClock) -> Emulator {
    let weather = plan.weather;
    let choice = if weather.at_random { ReplicaChoice::Hashed } else { ReplicaChoice::RoundRobin };
    let settings = Settings::default()
        .with_seed(plan.seed)
        .with_replicas(weather.replicas)
        .with_replica_choice(choice)
        .with_add_lag(weather.add_lag)
        .with_remove_lag(weather.remove_lag)
        .with_list_lag(weather.list_lag)
        .with_list_removal_lag(weather.unlist_lag);
    let seed = Seed::from_json(&seed(plan).to_string()).unwrap();
    Emulator::from_seed(seed, Arc::new(clock)).unwrap().with_settings(settings)
}

fn seed(plan: &Plan) -> Value {
    let connections: Vec<_> = plan
        .connections
        .iter()
        .enumerate()
        .map(|(number, connection)| {
            json!({
                "id": connection_id(number),
                "document": if connection.is_registry { registry(number) } else { azurerm(number) },
                "secret": {"application": deploy().to_string(), "password": "old"},
            })
        })
        .collect();
    let old = json!({"name": "old", "keyId": old_key().to_string(), "displayName": "portal",
        "startsInDays": -170, "endsInDays": plan.old_ends_in_days});
    let foreign = json!({"name": "foreign", "keyId": foreign_key().to_string(), "displayName": "another team's",
        "startsInDays": -40, "endsInDays": 300});
    json!({
        "tenants": [{
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "applications": [
                {
                    "displayName": "operator",
                    "clientId": operator().to_string(),
                    "passwords": [{"name": "operator", "endsInDays": 3000, "secret": OPERATOR_SECRET}],
                    "graphRoles": ["Application.ReadWrite.All", "Policy.Read.ApplicationConfiguration"],
                    "devopsOrganizations": [ORGANIZATION],
                },
                {
                    "displayName": "deploy",
                    "clientId": deploy().to_string(),
                    "servicePrincipalPasswords": if plan.old_on_principal { json!([old]) } else { json!([]) },
                    "passwords": if plan.old_on_principal { json!([foreign]) } else { json!([old, foreign]) },
                    "subscriptionReader": [SUBSCRIPTION],
                },
            ],
        }],
        "subscriptions": [{"id": SUBSCRIPTION, "tenant": TENANT, "name": "Production"}],
        "organizations": [{
            "name": ORGANIZATION,
            "tenant": TENANT,
            "projects": [{"id": PROJECT_ID, "name": PROJECT, "connections": connections}],
        }],
    })
}

fn azurerm(number: usize) -> Value {
    json!({
        "name": format!("connection-{number}"),
        "type": "azurerm",
        "url": "https://management.azure.com/",
        "description": "",
        "data": {"subscriptionId": SUBSCRIPTION, "subscriptionName": "Production", "environment": "AzureCloud",
                 "scopeLevel": "Subscription", "creationMode": "Manual"},
        "authorization": {"scheme": "ServicePrincipal", "parameters": {
            "tenantid": TENANT, "serviceprincipalid": deploy().to_string(), "authenticationType": "spnKey"}},
    })
}

/// A registry whose host nobody can reach from here.
fn registry(number: usize) -> Value {
    json!({
        "name": format!("connection-{number}"),
        "type": "dockerregistry",
        "url": "https://hub.docker.com/",
        "description": "",
        "data": {"registrytype": "Others"},
        "authorization": {"scheme": "UsernamePassword", "parameters": {
            "registry": "contoso.azurecr.io", "username": deploy().to_string(), "email": "platform@contoso.example"}},
    })
}
