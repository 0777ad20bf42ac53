//! Azure Resource Manager: subscriptions, groups, network and roles.

use std::time::Duration;

use azconnect_emulator::arm::{ArmSettings, RetryAfter};
use azconnect_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::harness::{Ask, DEPLOYER, Harness, OPERATOR, OPERATOR_SECRET, Reply, SUBSCRIPTION, TENANT, Way, contoso};

pub(crate) const ARM_SCOPE: &str = "https://management.azure.com/.default";
pub(crate) const GROUP: &str = "30000000-0000-4000-8000-000000000001/resourceGroups/web";
pub(crate) const EMPTY: &str = "30000000-0000-4000-8000-000000000009";

/// Contoso with an owner of the subscription, a contributor of one group, and another tenant's subscription.
pub(crate) fn azure() -> Value {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["subscriptionReader"] = json!([]);
    seed["tenants"].as_array_mut().unwrap().push(json!({
        "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02", "domain": "fabrikam.onmicrosoft.com",
    }));
    seed["subscriptions"] = json!([
        {
            "id": SUBSCRIPTION, "tenant": TENANT, "name": "Production",
            "notRegistered": ["Microsoft.Storage"],
            "resourceGroups": [{"name": "shared", "location": "westeurope"}],
            "roleAssignments": [
                {"principal": OPERATOR, "role": "Owner"},
                {"principal": DEPLOYER, "role": "Contributor", "resourceGroup": "shared"},
            ],
            "quotas": [{"location": "northeurope", "name": "standardDSv5Family", "limit": 2}],
            "restrictedSizes": [
                {"location": "westeurope", "size": "Standard_F2s_v2"},
                {"location": "westeurope", "size": "Standard_E2s_v5", "zones": ["2"]},
            ],
        },
        {"id": EMPTY, "tenant": "fabrikam.onmicrosoft.com", "name": "Fabrikam"},
    ]);
    seed
}

/// Azure with someone who is signed in.
pub(crate) struct Azure {
    pub(crate) harness: Harness,
    pub(crate) token: String,
}

impl Azure {
    pub(crate) async fn with(way: Way, settings: ArmSettings) -> Self {
        let settings = Settings::default().with_resource_manager(settings);
        let harness = Harness::new(way, settings, &azure()).await;
        let body = harness.token_reply(OPERATOR, OPERATOR_SECRET, ARM_SCOPE).await.expect(200);
        Self { token: body["access_token"].as_str().unwrap().to_owned(), harness }
    }

    pub(crate) async fn new(way: Way) -> Self {
        Self::with(way, ArmSettings::default()).await
    }

    /// The same world seen by the deployer, a contributor of the group `shared` only.
    pub(crate) async fn deployer(&self) -> String {
        let body = self.harness.token_reply(DEPLOYER, "deployer-old", ARM_SCOPE).await.expect(200);
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A request below `/subscriptions/`, or to an address that was given.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask_as(&self.token, method, path)
    }

    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str) -> Ask<'_> {
        let path = if path.starts_with("http") {
            path.to_owned()
        } else if path.contains('?') {
            format!("/subscriptions/{path}&api-version=2025-04-01")
        } else {
            format!("/subscriptions/{path}?api-version=2025-04-01")
        };
        self.harness.ask(Service::ResourceManager, method, &path).bearer(token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.ask("PUT", path).json(body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path).send().await
    }

    /// Waits for the operation of an answer, and returns its last status.
    pub(crate) async fn finish(&self, reply: &Reply) -> Value {
        let address = reply.header("azure-asyncoperation").to_owned();
        for _ in 0..400 {
            let body = self.ask("GET", &address).send().await.expect(200);
            if !["InProgress", "Running"].contains(&body["status"].as_str().unwrap()) {
                return body;
            }
            self.harness.advance(1);
        }
        panic!("the operation never ended");
    }

    /// Writes something and waits for it.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> Value {
        let reply = self.put(path, body).await;
        assert!([200, 201].contains(&reply.status), "{}", reply.text);
        if !reply.header("azure-asyncoperation").is_empty() {
            let status = self.finish(&reply).await;
            assert_eq!(status["status"], "Succeeded", "{status}");
        }
        self.get(path).await.expect(200)
    }

    pub(crate) fn id(&self, path: &str) -> String {
        format!("/subscriptions/{path}")
    }

    pub(crate) async fn make_network(&self) {
        self.make(GROUP, &json!({"location": "westeurope"})).await;
        self.make(&network("networkSecurityGroups/nsg"), &security_group()).await;
        self.make(&network("virtualNetworks/vnet"), &virtual_network()).await;
        self.make(&network("publicIPAddresses/pip"), &public_ip()).await;
        self.make(&network("networkInterfaces/nic"), &interface(self)).await;
    }
}

pub(crate) fn network(rest: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/{rest}")
}

pub(crate) fn virtual_network() -> Value {
    json!({"location": "westeurope", "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "default", "properties": {"addressPrefix": "10.0.0.0/29", "defaultOutboundAccess": false}}],
    }})
}

pub(crate) fn security_group() -> Value {
    json!({"location": "westeurope", "properties": {"securityRules": [{"name": "ssh", "properties": {
        "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourcePortRange": "*",
        "destinationPortRange": "22", "sourceAddressPrefix": "203.0.113.0/24", "destinationAddressPrefix": "*",
    }}]}})
}

pub(crate) fn public_ip() -> Value {
    json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}})
}

pub(crate) fn interface(azure: &Azure) -> Value {
    json!({"location": "westeurope", "properties": {
        "networkSecurityGroup": {"id": azure.id(&network("networkSecurityGroups/nsg"))},
        "ipConfigurations": [{"name": "primary", "properties": {
            "subnet": {"id": azure.id(&network("virtualNetworks/vnet/subnets/default"))},
            "publicIPAddress": {
                "id": azure.id(&network("publicIPAddresses/pip")), "properties": {"deleteOption": "Delete"},
            },
        }}],
    }})
}

#[track_caller]
pub(crate) fn refused(reply: Reply, status: u16, code: &str) -> Value {
    let body = reply.expect(status);
    assert_eq!(body["error"]["code"], code, "{body}");
    body["error"].clone()
}

async fn who_and_what_is_asked_is_checked_first(way: Way) {
    let azure = Azure::new(way).await;
    let bare = |path: String| azure.harness.ask(Service::ResourceManager, "GET", &path);
    let path = format!("/subscriptions/{SUBSCRIPTION}");
    refused(bare(path.clone()).bearer(&azure.token).send().await, 400, "MissingApiVersionParameter");
    let dated = format!("{path}?api-version=2031-01-01");
    bare(dated.clone()).bearer(&azure.token).send().await.expect(200);
    let nobody = bare(dated.clone()).send().await;
    assert!(nobody.header("www-authenticate").starts_with("Bearer "));
    refused(nobody, 401, "AuthenticationFailed");
    refused(bare(dated.clone()).bearer("nonsense").send().await, 401, "InvalidAuthenticationToken");
    let graph = azure.harness.token(crate::harness::GRAPH_SCOPE).await;
    refused(bare(dated.clone()).bearer(&graph).send().await, 401, "InvalidAuthenticationTokenAudience");
    refused(azure.get("not-a-guid").await, 400, "InvalidSubscriptionId");
    refused(azure.get("30000000-0000-4000-8000-0000000000ff").await, 404, "SubscriptionNotFound");
    let wrong = refused(azure.get(EMPTY).await, 401, "InvalidAuthenticationTokenTenant");
    assert!(wrong["message"].as_str().unwrap().contains("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02"));
    azure.harness.advance(4000);
    refused(bare(dated).bearer(&azure.token).send().await, 401, "ExpiredAuthenticationToken");
}

async fn a_subscription_is_shown_with_its_regions_and_providers(way: Way) {
    let azure = Azure::new(way).await;
    let body = azure.get(SUBSCRIPTION).await.expect(200);
    assert_eq!((&body["state"], &body["tenantId"]), (&json!("Enabled"), &json!(TENANT)));
    let all = azure.ask(
        "GET",
        &format!("{}/subscriptions?api-version=2022-12-01", azure.harness.origin(Service::ResourceManager)),
    );
    let all = all.send().await.expect(200);
    assert_eq!(all["value"].as_array().unwrap().len(), 1, "another tenant's is not shown");
    let regions = azure.get(&format!("{SUBSCRIPTION}/locations")).await.expect(200);
    assert!(regions["value"].as_array().unwrap().iter().any(|region| region["name"] == "westeurope"));
    let storage = format!("{SUBSCRIPTION}/providers/Microsoft.Storage");
    assert_eq!(azure.get(&storage).await.expect(200)["registrationState"], "NotRegistered");
    let register = azure.ask("POST", &format!("{storage}/register")).send().await.expect(200);
    assert_eq!(register["registrationState"], "Registering");
    azure.harness.advance(19);
    assert_eq!(azure.get(&storage).await.expect(200)["registrationState"], "Registering");
    azure.harness.advance(1);
    assert_eq!(azure.get(&storage).await.expect(200)["registrationState"], "Registered");
    let disabled = azure.harness.emulator.resource_manager();
    disabled.set_subscription_state(SUBSCRIPTION.parse().unwrap(), "Disabled");
    refused(azure.put(GROUP, &json!({"location": "westeurope"})).await, 409, "ReadOnlyDisabledSubscription");
}

async fn groups_are_made_at_once_and_deleted_slowly(way: Way) {
    let azure = Azure::new(way).await;
    refused(azure.get(GROUP).await, 404, "ResourceGroupNotFound");
    refused(azure.put(GROUP, &json!({"location": "atlantis"})).await, 400, "LocationNotAvailableForResourceGroup");
    refused(
        azure.put(&format!("{SUBSCRIPTION}/resourceGroups/dot."), &json!({"location": "westeurope"})).await,
        400,
        "InvalidResourceGroup",
    );
    let made = azure.put(GROUP, &json!({"location": "West Europe", "tags": {"a": "b"}})).await.expect(201);
    assert_eq!(
        (&made["properties"]["provisioningState"], &made["location"]),
        (&json!("Succeeded"), &json!("westeurope"))
    );
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(200);
    refused(azure.put(GROUP, &json!({"location": "eastus"})).await, 409, "InvalidResourceGroupLocation");
    let shouted = azure.get(&GROUP.replace("resourceGroups/web", "RESOURCEGROUPS/WEB")).await.expect(200);
    assert_eq!(shouted["name"], "web");

    let reply = azure.delete(GROUP).await;
    assert_eq!((reply.status, reply.header("azure-asyncoperation"), reply.header("retry-after")), (202, "", "15"));
    assert_eq!(azure.get(GROUP).await.expect(200)["properties"]["provisioningState"], "Deleting");
    let inside = azure.put(&network("virtualNetworks/vnet"), &virtual_network()).await;
    refused(inside, 409, "ResourceGroupBeingDeleted");
    let place = reply.header("location").to_owned();
    let poll = azure.ask("GET", &place).send().await;
    assert_eq!((poll.status, poll.header("location"), poll.header("retry-after")), (202, place.as_str(), "15"));
    azure.harness.advance(186);
    azure.ask("GET", &place).send().await.expect(200);
    azure.get(GROUP).await.expect(404);
}

async fn a_network_is_updating_until_its_operation_ends(way: Way) {
    let azure = Azure::new(way).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let path = network("virtualNetworks/vnet");
    let reply = azure.put(&path, &virtual_network()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (201, "3"));
    let address = reply.header("azure-asyncoperation").to_owned();
    assert!(address.starts_with(&azure.harness.origin(Service::ResourceManager)), "on the caller's own origin");
    assert!(address.len() > 2000, "signed addresses are several KB long");
    assert_eq!(reply.json()["properties"]["provisioningState"], "Updating");
    let poll = azure.ask("GET", &address).send().await;
    assert_eq!((poll.header("retry-after"), poll.json()), ("3", json!({"status": "InProgress"})));
    // The same again joins the running operation; something else must wait.
    let again = azure.put(&path, &virtual_network()).await;
    assert_eq!((again.status, again.header("azure-asyncoperation")), (200, address.as_str()));
    let mut other = virtual_network();
    other["tags"] = json!({"x": "y"});
    let busy = refused(azure.put(&path, &other).await, 409, "AnotherOperationInProgress");
    assert!(busy["message"].as_str().unwrap().contains("/operations/"));
    let mangled = azure.ask("GET", &address.replace("&s=", "&s=x")).send().await;
    refused(mangled, 400, "InvalidOperationUrl");
    azure.harness.advance(3);
    assert_eq!(azure.ask("GET", &address).send().await.json(), json!({"status": "Succeeded"}));
    let done = azure.get(&path).await.expect(200);
    assert_eq!(done["properties"]["subnets"][0]["properties"]["provisioningState"], "Succeeded");
    assert_eq!(done["properties"]["subnets"][0]["properties"]["defaultOutboundAccess"], false);
}

async fn an_interface_waits_for_its_network_and_is_then_ready_at_once(way: Way) {
    let azure = Azure::new(way).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let nic = network("networkInterfaces/nic");
    refused(azure.put(&nic, &interface(&azure)).await, 400, "InvalidResourceReference");
    for (path, body) in [
        ("networkSecurityGroups/nsg", security_group()),
        ("virtualNetworks/vnet", virtual_network()),
        ("publicIPAddresses/pip", public_ip()),
    ] {
        azure.put(&network(path), &body).await.expect(201);
    }
    let early = refused(azure.put(&nic, &interface(&azure)).await, 429, "RetryableError");
    assert_eq!(early["details"][0]["code"], "ReferencedResourceNotProvisioned");
    assert!(early["details"][0]["message"].as_str().unwrap().contains("is in Updating state"));
    azure.harness.advance(3);
    let ready = azure.put(&nic, &interface(&azure)).await;
    assert_eq!(ready.status, 201);
    assert!(!ready.header("azure-asyncoperation").is_empty());
    let body = ready.json();
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(body["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], "10.0.0.4");
    let expanded = azure.get(&format!("{nic}?$expand=ipConfigurations/publicIPAddress")).await.expect(200);
    let address =
        &expanded["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]["properties"]["ipAddress"];
    assert!(address.as_str().unwrap().starts_with("198.18."));
}

async fn things_in_use_cannot_be_deleted(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    for (path, code) in [
        ("virtualNetworks/vnet", "InUseSubnetCannotBeDeleted"),
        ("virtualNetworks/vnet/subnets/default", "InUseSubnetCannotBeDeleted"),
        ("networkSecurityGroups/nsg", "InUseNetworkSecurityGroupCannotBeDeleted"),
        ("publicIPAddresses/pip", "PublicIPAddressCannotBeDeleted"),
    ] {
        refused(azure.delete(&network(path)).await, 400, code);
    }
    let reply = azure.delete(&network("networkInterfaces/nic")).await;
    assert_eq!(reply.status, 202);
    azure.finish(&reply).await;
    for path in ["virtualNetworks/vnet", "networkSecurityGroups/nsg", "publicIPAddresses/pip"] {
        let reply = azure.delete(&network(path)).await;
        assert_eq!(azure.finish(&reply).await["status"], "Succeeded");
        azure.get(&network(path)).await.expect(404);
        assert_eq!(azure.delete(&network(path)).await.status, 204, "absent already");
    }
    let truth = azure.harness.emulator.truth();
    let live: Vec<&str> =
        truth.ledger.iter().filter(|entry| entry.is_live()).map(|entry| entry.kind.as_str()).collect();
    assert_eq!(live, ["Microsoft.Resources/resourceGroups", "Microsoft.Resources/resourceGroups"]);
    let subnet = truth.ledger.iter().find(|entry| entry.kind.ends_with("/subnets")).unwrap();
    assert!(subnet.created_by.is_some() && !subnet.is_live());
}

async fn impossible_networks_are_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let mut outside = virtual_network();
    outside["properties"]["subnets"][0]["properties"]["addressPrefix"] = json!("192.168.0.0/24");
    let vnet = network("virtualNetworks/vnet");
    refused(azure.put(&vnet, &outside).await, 400, "NetcfgSubnetRangeOutsideVnet");
    let mut crooked = virtual_network();
    crooked["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.0.0.1/16"]);
    refused(azure.put(&vnet, &crooked).await, 400, "InvalidAddressPrefixFormat");
    refused(azure.put(&network("virtualNetworks/login"), &virtual_network()).await, 400, "ReservedResourceName");
    refused(azure.put(&network("virtualNetworks/-x"), &virtual_network()).await, 400, "InvalidResourceName");
    refused(azure.put(&vnet, &json!({"properties": {}})).await, 400, "LocationRequired");
    refused(azure.put(&vnet, &json!({"location": "atlantis"})).await, 400, "LocationNotAvailableForResourceType");
    let mut basic = public_ip();
    basic["sku"]["name"] = json!("Basic");
    refused(azure.put(&network("publicIPAddresses/pip"), &basic).await, 400, "IPv4BasicSkuPublicIpCountLimitReached");
    let subnet = json!({"properties": {"addressPrefix": "10.0.0.0/24"}});
    let lonely = azure.put(&network("virtualNetworks/none/subnets/a"), &subnet).await;
    refused(lonely, 404, "ParentResourceNotFound");
    // Three usable addresses in a /29.
    azure.make(&vnet, &virtual_network()).await;
    let nic = |at: u8| network(&format!("networkInterfaces/nic{at}"));
    let subnet = json!({"id": azure.id(&network("virtualNetworks/vnet/subnets/default"))});
    let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}]}});
    for at in 0..3 {
        azure.put(&nic(at), &body).await.expect(201);
    }
    refused(azure.put(&nic(3), &body).await, 400, "SubnetIsFull");
    let manager = azure.harness.emulator.resource_manager();
    manager.set_quota(SUBSCRIPTION.parse().unwrap(), "westeurope", "PublicIPAddresses", 0).unwrap();
    refused(azure.put(&network("publicIPAddresses/pip"), &public_ip()).await, 400, "PublicIPCountLimitReached");
}

async fn a_contributor_of_one_group_can_do_nothing_outside(way: Way) {
    let azure = Azure::new(way).await;
    let token = azure.deployer().await;
    let ask = |method: &str, path: &str| azure.ask_as(&token, method, path);
    let denied = ask("PUT", GROUP).json(&json!({"location": "westeurope"})).send().await;
    let error = refused(denied, 403, "AuthorizationFailed");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("'Microsoft.Resources/subscriptions/resourceGroups/write'"), "{message}");
    assert!(message.contains(&format!("over scope '/subscriptions/{GROUP}'")), "{message}");
    for path in
        ["locations", "providers/Microsoft.Compute/skus", "providers/Microsoft.Compute/locations/westeurope/usages"]
    {
        refused(ask("GET", &format!("{SUBSCRIPTION}/{path}")).send().await, 403, "AuthorizationFailed");
    }
    let register = ask("POST", &format!("{SUBSCRIPTION}/providers/Microsoft.Compute/register")).send().await;
    refused(register, 403, "AuthorizationFailed");
    ask("GET", SUBSCRIPTION).send().await.expect(200);
    let shared = format!("{SUBSCRIPTION}/resourceGroups/shared");
    ask("GET", &shared).send().await.expect(200);
    let groups = ask("GET", &format!("{SUBSCRIPTION}/resourceGroups")).send().await.expect(200);
    assert_eq!(groups["value"].as_array().unwrap().len(), 1);
    let permissions =
        ask("GET", &format!("{shared}/providers/Microsoft.Authorization/permissions")).send().await.expect(200);
    assert_eq!(permissions["value"][0]["actions"], json!(["*"]));
    assert!(
        permissions["value"][0]["notActions"].as_array().unwrap().contains(&json!("Microsoft.Authorization/*/Write"))
    );
    let assign =
        format!("{shared}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001");
    refused(ask("PUT", &assign).json(&json!({})).send().await, 403, "AuthorizationFailed");
    // Something in the group that refers to something outside it.
    azure.make_network().await;
    let nic = format!("{shared}/providers/Microsoft.Network/networkInterfaces/nic");
    let linked = ask("PUT", &nic).json(&interface(&azure)).send().await;
    let error = refused(linked, 403, "LinkedAuthorizationFailed");
    assert!(error["message"].as_str().unwrap().contains("networkSecurityGroups/join/action"));
}

async fn roles_are_given_once_and_taken_away(way: Way) {
    let settings = ArmSettings::instant().with_role_lag(Duration::from_secs(30));
    let azure = Azure::with(way, settings).await;
    let token = azure.deployer().await;
    let truth = azure.harness.emulator.truth();
    let principal = truth.application(DEPLOYER.parse().unwrap()).unwrap().service_principal_id.unwrap();
    let roles = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments");
    let path = format!("{roles}/00000000-0000-4000-8000-000000000001");
    let role =
        |id: &str| format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}");
    let body = |role: String, principal: String| {
        json!({"properties": {
            "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal",
        }})
    };
    let reader = body(role("acdd72a7-3385-48ef-bd42-f606fba81ae7"), principal.to_string());
    let stranger =
        body(role("acdd72a7-3385-48ef-bd42-f606fba81ae7"), "00000000-0000-4000-8000-0000000000aa".to_owned());
    refused(azure.put(&path, &stranger).await, 400, "PrincipalNotFound");
    let unknown = body(role("00000000-0000-4000-8000-0000000000aa"), principal.to_string());
    refused(azure.put(&path, &unknown).await, 400, "RoleDefinitionDoesNotExist");
    let made = azure.put(&path, &reader).await.expect(201);
    assert_eq!(made["properties"]["scope"], format!("/subscriptions/{SUBSCRIPTION}"));
    refused(azure.put(&path, &reader).await, 409, "RoleAssignmentExists");
    let other_name = format!("{roles}/00000000-0000-4000-8000-000000000002");
    refused(azure.put(&other_name, &reader).await, 409, "RoleAssignmentExists");
    let owner = body(role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), principal.to_string());
    refused(azure.put(&path, &owner).await, 400, "RoleAssignmentUpdateNotPermitted");
    let skus = format!("{SUBSCRIPTION}/locations");
    azure.ask_as(&token, "GET", &skus).send().await.expect(403);
    azure.harness.advance(30);
    azure.ask_as(&token, "GET", &skus).send().await.expect(200);
    let mine = azure.get(&format!("{roles}?$filter=principalId%20eq%20'{principal}'")).await.expect(200);
    assert_eq!(mine["value"].as_array().unwrap().len(), 2);
    let named = format!(
        "{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName%20eq%20'Contributor'"
    );
    let named = azure.get(&named).await.expect(200);
    assert_eq!(named["value"][0]["name"], "b24988ac-6180-42a0-ab88-20f7382dd24c");
    azure.delete(&path).await.expect(200);
    azure.delete(&path).await.expect(204);
    azure.ask_as(&token, "GET", &skus).send().await.expect(403);
}

async fn a_new_principal_is_not_known_at_once(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant().with_principal_lag(Duration::from_secs(60))).await;
    let graph = azure.harness.token(crate::harness::GRAPH_SCOPE).await;
    let make = |path: &str, body: Value| azure.harness.graph("POST", path).bearer(&graph).json(&body).send();
    let application = make("/applications", json!({"displayName": "new"})).await.expect(201);
    let principal = make("/servicePrincipals", json!({"appId": application["appId"]})).await.expect(201);
    let role = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    );
    let mut body = json!({"properties": {"roleDefinitionId": role, "principalId": principal["id"]}});
    let path = |at: u8| {
        format!(
            "{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000000{at}"
        )
    };
    refused(azure.put(&path(1), &body).await, 400, "PrincipalNotFound");
    azure.harness.advance(60);
    azure.put(&path(1), &body).await.expect(201);
    azure.delete(&path(1)).await.expect(200);
    body["properties"]["principalType"] = json!("User");
    refused(azure.put(&path(2), &body).await, 400, "UnmatchedPrincipalType");
    body["properties"]["principalType"] = json!("ServicePrincipal");
    azure.put(&path(2), &body).await.expect(201);
}

async fn a_seed_says_how_azure_behaves_and_names_its_mistakes(way: Way) {
    let mut seed = azure();
    seed["settings"] = json!({"resourceManager": {"operationSeconds": 2, "retryAfterSeconds": 1}});
    seed["subscriptions"][0]["machines"] = json!([{"name": "vm", "exitCode": 3, "output": "no"}]);
    let text = seed.to_string();
    let parsed = azconnect_emulator::Seed::from_json(&text).unwrap();
    let clock = std::sync::Arc::new(azconnect_testkit::ManualClock::new());
    azconnect_emulator::Emulator::from_seed(parsed, clock.clone()).unwrap();
    for (pointer, wrong, field) in [
        ("/subscriptions/0/quotas/0/location", json!("atlantis"), "seed.subscriptions[0].quotas[0].location"),
        ("/subscriptions/0/restrictedSizes/0/size", json!("Huge"), "seed.subscriptions[0].restrictedSizes[0].size"),
        ("/subscriptions/0/machines/0/exitCode", json!(256), "seed.subscriptions[0].machines[0].exitCode"),
        ("/settings/resourceManager/operationSeconds", json!(-1), "seed.settings.resourceManager.operationSeconds"),
    ] {
        let mut broken = seed.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        let error = azconnect_core::Error::from(azconnect_emulator::Seed::from_json(&broken.to_string()).unwrap_err());
        assert_eq!(error.field(), Some(field));
    }
    for (field, wrong) in [("role", json!("King")), ("principal", json!("00000000-0000-4000-8000-0000000000ee"))] {
        let mut broken = seed.clone();
        broken["subscriptions"][0]["roleAssignments"][0][field] = wrong;
        let parsed = azconnect_emulator::Seed::from_json(&broken.to_string()).unwrap();
        let error = azconnect_emulator::Emulator::from_seed(parsed, clock.clone()).unwrap_err();
        assert_eq!(error.field(), Some("seed.subscriptions[0].roleAssignments[0]"));
    }
    let harness = Harness::new(way, Settings::default(), &azure()).await;
    assert_eq!(harness.emulator.resource_manager().ledger().len(), 1);
}

async fn sizes_images_and_usages_are_listed(way: Way) {
    let azure = Azure::new(way).await;
    let compute = format!("{SUBSCRIPTION}/providers/Microsoft.Compute");
    let skus = azure.get(&format!("{compute}/skus?$filter=location%20eq%20'westeurope'")).await.expect(200);
    let find = |name: &str| skus["value"].as_array().unwrap().iter().find(|sku| sku["name"] == name).unwrap().clone();
    assert_eq!(find("Standard_D2s_v5")["restrictions"], json!([]));
    assert_eq!(find("Standard_F2s_v2")["restrictions"][0]["type"], "Location");
    assert_eq!(find("Standard_E2s_v5")["restrictions"][0]["restrictionInfo"]["zones"], json!(["2"]));
    assert_eq!(find("Standard_D2s_v5")["family"], "standardDSv5Family");
    let everywhere = azure.get(&format!("{compute}/skus")).await.expect(200);
    assert!(everywhere["value"].as_array().unwrap().len() > 10 * skus["value"].as_array().unwrap().len());
    let versions = format!(
        "{compute}/locations/westeurope/publishers/Canonical/artifacttypes/vmimage/offers/ubuntu-24_04-lts/skus/server/versions"
    );
    let latest = azure.get(&format!("{versions}?$top=1&$orderby=name%20desc")).await.expect(200);
    assert_eq!(latest.as_array().unwrap().len(), 1);
    let item = azure.get(&format!("{versions}/{}", latest[0]["name"].as_str().unwrap())).await.expect(200);
    assert_eq!(
        (&item["properties"]["hyperVGeneration"], &item["properties"]["architecture"]),
        (&json!("V2"), &json!("x64"))
    );
    refused(azure.get(&versions.replace("/server/", "/nope/")).await, 404, "NotFound");
    let usages = azure.get(&format!("{compute}/locations/northeurope/usages")).await.expect(200);
    let family =
        usages["value"].as_array().unwrap().iter().find(|row| row["name"]["value"] == "standardDSv5Family").unwrap();
    assert_eq!((&family["limit"], &family["currentValue"]), (&json!(2), &json!(0)));
    let network =
        azure.get(&format!("{SUBSCRIPTION}/providers/Microsoft.Network/locations/westeurope/usages")).await.expect(200);
    assert!(
        network["value"].as_array().unwrap().iter().any(|row| row["name"]["value"] == "StandardSkuPublicIpAddresses")
    );
}

async fn reads_and_lists_lag_where_they_are_told_to(way: Way) {
    let settings = ArmSettings::instant()
        .with_read_lag(Duration::from_secs(10))
        .with_list_lag(Duration::from_secs(20))
        .with_retry_after(RetryAfter::Absent);
    let azure = Azure::with(way, settings).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let reply = azure.put(&network("publicIPAddresses/pip"), &public_ip()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (201, ""));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(azure.get(&network("publicIPAddresses/pip")).await.status);
    }
    assert_eq!(seen, [404, 200, 404, 200]);
    azure.harness.advance(10);
    azure.get(&network("publicIPAddresses/pip")).await.expect(200);
    let list = azure.get(&network("publicIPAddresses")).await.expect(200);
    assert_eq!(list["value"], json!([]));
    azure.harness.advance(10);
    let list = azure.get(&network("publicIPAddresses")).await.expect(200);
    assert_eq!(list["value"][0]["name"], "pip");
}

async fn an_unknown_route_is_loud(way: Way) {
    let azure = Azure::new(way).await;
    let body = azure.get(&format!("{SUBSCRIPTION}/providers/Microsoft.Quantum/qubits")).await.expect(501);
    assert_eq!(body["error"]["service"], "resource_manager");
    assert_eq!(azure.harness.emulator.truth().unknown_routes, 1);
    let place = format!("{}/metadata/endpoints?api-version=2022-09-01", azure.harness.origin(Service::ResourceManager));
    let endpoints = azure.ask("GET", &place).send().await.expect(200);
    let login = azure.harness.origin(Service::Login);
    assert_eq!(endpoints["authentication"]["loginEndpoint"], format!("{login}/"));
}

mod each_way {
    crate::both_ways! {
        who_and_what_is_asked_is_checked_first
        a_subscription_is_shown_with_its_regions_and_providers
        groups_are_made_at_once_and_deleted_slowly
        a_network_is_updating_until_its_operation_ends
        an_interface_waits_for_its_network_and_is_then_ready_at_once
        things_in_use_cannot_be_deleted
        impossible_networks_are_refused
        a_contributor_of_one_group_can_do_nothing_outside
        roles_are_given_once_and_taken_away
        a_new_principal_is_not_known_at_once
        a_seed_says_how_azure_behaves_and_names_its_mistakes
        sizes_images_and_usages_are_listed
        reads_and_lists_lag_where_they_are_told_to
        an_unknown_route_is_loud
    }
}
