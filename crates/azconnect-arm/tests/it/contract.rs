//! What is on the wire, against Microsoft's documented examples.

use std::sync::Arc;

use azconnect_arm::{Arm, GroupChoice, ImageChoice, ProvisionId, Provisioner, Subscription, VmSpec};
use azconnect_core::{Cloud, ErrorKind, ResourceGroupName, danger};
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{OneToken, subscription_id};

const GROUP: &str = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/myResourceGroup";

async fn arm(server: &MockServer) -> Arm {
    let later = time::OffsetDateTime::UNIX_EPOCH;
    let token = azconnect_credential::AccessToken::new(azconnect_core::Secret::new("token"), later, later);
    let cloud =
        danger::allow_http_loopback(Cloud::custom("Test")).with_resource_manager(&server.uri()).unwrap().build();
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
    Arm::new(pipeline, &cloud, Arc::new(OneToken(Arc::new(token))))
}

async fn subscription(server: &MockServer) -> Subscription {
    arm(server).await.subscription(subscription_id())
}

fn group_name() -> ResourceGroupName {
    ResourceGroupName::new("myResourceGroup").unwrap()
}

async fn expect(server: &MockServer, verb: &str, route: &str, api: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(route))
        .and(query_param("api-version", api))
        .and(header("authorization", "Bearer token"))
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn resources_are_read_at_their_documented_addresses() {
    let server = MockServer::start().await;
    let network = format!("{GROUP}/providers/Microsoft.Network");
    let compute = format!("{GROUP}/providers/Microsoft.Compute");
    for (route, api) in [
        (GROUP.to_owned(), "2025-04-01"),
        (format!("{network}/networkSecurityGroups/testnsg"), "2025-05-01"),
        (format!("{network}/virtualNetworks/test-vnet"), "2025-05-01"),
        (format!("{network}/virtualNetworks/test-vnet/subnets/default"), "2025-05-01"),
        (format!("{network}/publicIPAddresses/testDNS-ip"), "2025-05-01"),
        (format!("{network}/networkInterfaces/test-nic"), "2025-05-01"),
        (format!("{compute}/virtualMachines/myVM"), "2025-04-01"),
        (format!("{compute}/virtualMachines/myVM/extensions/myExt"), "2025-04-01"),
        (format!("{compute}/virtualMachines/myVM/runCommands/myRun"), "2025-04-01"),
    ] {
        expect(&server, "GET", &route, api, ok(json!({"id": route, "properties": {"provisioningState": "Succeeded"}})))
            .await;
    }
    let group = subscription(&server).await.group(&group_name());
    group.handle().get().await.unwrap();
    group.network_security_group("testnsg").unwrap().get().await.unwrap();
    let vnet = group.virtual_network("test-vnet").unwrap();
    vnet.get().await.unwrap();
    vnet.subnet("default").unwrap().get().await.unwrap();
    group.public_ip("testDNS-ip").unwrap().get().await.unwrap();
    group.network_interface("test-nic").unwrap().get().await.unwrap();
    let vm = group.virtual_machine("myVM").unwrap();
    vm.get().await.unwrap();
    vm.extension("myExt").unwrap().get().await.unwrap();
    vm.run_command("myRun").unwrap().get().await.unwrap();
}

#[tokio::test]
async fn actions_are_posted_without_a_body() {
    let server = MockServer::start().await;
    let vm = subscription(&server).await.group(&group_name()).virtual_machine("myVM").unwrap();
    for word in ["start", "powerOff", "restart", "deallocate"] {
        let route = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/myVM/{word}");
        expect(&server, "POST", &route, "2025-04-01", ResponseTemplate::new(200)).await;
    }
    vm.start().await.unwrap().wait().await.unwrap();
    vm.power_off().await.unwrap().wait().await.unwrap();
    vm.restart().await.unwrap().wait().await.unwrap();
    vm.deallocate().await.unwrap().wait().await.unwrap();
    assert!(server.received_requests().await.unwrap().iter().all(|request| request.body.is_empty()));
}

#[tokio::test]
async fn a_list_follows_its_links_with_the_token_and_never_to_another_host() {
    let server = MockServer::start().await;
    let route = "/subscriptions/20000000-0000-4000-8000-000000000001/providers/Microsoft.Compute/virtualMachines";
    let next = format!("{}/next?page=2", server.uri());
    expect(&server, "GET", route, "2025-04-01", ok(json!({"value": [{"name": "a"}], "nextLink": next}))).await;
    Mock::given(path("/next"))
        .respond_with(ok(json!({"value": [{"name": "b"}], "nextLink": "https://evil.example/"})))
        .mount(&server)
        .await;
    let error = subscription(&server).await.virtual_machines().await.unwrap_err();
    assert!(error.message().contains("another host"));
}

#[tokio::test]
async fn a_machine_is_asked_for_with_everything_said_explicitly() {
    let server = MockServer::start().await;
    let exists = |route: &str, body: Value| {
        Mock::given(method("PUT")).and(path(route.to_owned())).and(body_partial_json(body)).respond_with(
            ResponseTemplate::new(201)
                .set_body_json(json!({"properties": {"provisioningState": "Succeeded", "ipAddress": "20.1.2.3"}})),
        )
    };
    Mock::given(method("GET")).and(path(GROUP)).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let plan = {
        let spec = VmSpec::new(
            "web",
            "westeurope",
            "Standard_B2s",
            "Canonical:ubuntu-24_04-lts:server:24.04.1".parse::<ImageChoice>().unwrap(),
            GroupChoice::Create(group_name()),
        )
        .unwrap()
        .with_zone("1");
        azconnect_arm::ProvisionPlan::new(ProvisionId::new("one").unwrap(), subscription_id(), spec).unwrap()
    };
    let network = format!("{GROUP}/providers/Microsoft.Network");
    exists(GROUP, json!({"location": "westeurope", "tags": {"azconnect-machine": "one"}})).mount(&server).await;
    exists(
        &format!("{network}/networkSecurityGroups/{}", plan.names.security_group),
        json!({"properties": {"securityRules": []}}),
    )
    .mount(&server)
    .await;
    exists(
        &format!("{network}/virtualNetworks/{}", plan.names.network),
        json!({"properties": {"subnets": [{"name": "default", "properties": {"addressPrefix": "10.0.0.0/24", "defaultOutboundAccess": true}}]}}),
    )
    .mount(&server)
    .await;
    let ip = format!("{network}/publicIPAddresses/{}", plan.names.public_ip);
    exists(&ip, json!({"sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(ip.clone()))
        .respond_with(ok(json!({"properties": {"ipAddress": "20.1.2.3"}})))
        .mount(&server)
        .await;
    let nic = format!("{network}/networkInterfaces/{}", plan.names.interface);
    exists(
        &nic,
        json!({"properties": {"ipConfigurations": [{"properties": {"publicIPAddress": {"id": ip, "properties": {"deleteOption": "Delete"}}}}]}}),
    )
    .mount(&server)
    .await;
    exists(
        &format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/web"),
        json!({
            "zones": ["1"],
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_B2s"},
                "storageProfile": {"osDisk": {"deleteOption": "Delete", "createOption": "FromImage"}},
                "osProfile": {"adminUsername": "azureuser", "linuxConfiguration": {"disablePasswordAuthentication": true}},
                "networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"deleteOption": "Delete"}}]}
            }
        }),
    )
    .expect(1)
    .mount(&server)
    .await;
    let clock = Arc::new(SystemClock::new());
    let provisioner = Provisioner::new(
        subscription(&server).await,
        Arc::new(MemoryJournal::new()),
        Arc::new(MemorySecrets::new()),
        Arc::new(MemoryLease::new(clock)),
    );
    let machine = provisioner.run(&plan).await.unwrap();
    assert_eq!(machine.address.as_deref(), Some("20.1.2.3"));
    let writes = server.received_requests().await.unwrap().iter().filter(|request| request.method == "PUT").count();
    assert_eq!(writes, 6);
}

#[tokio::test]
async fn a_role_is_assigned_as_documented() {
    let server = MockServer::start().await;
    let principal = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap();
    let scope = azconnect_arm::ResourceId::of_subscription(subscription_id());
    let assignment = azconnect_arm::Assignment::new(scope.clone(), azconnect_arm::Role::CONTRIBUTOR, principal);
    let route = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", assignment.name());
    Mock::given(method("PUT"))
        .and(path(route))
        .and(query_param("api-version", "2022-04-01"))
        .and(body_json(json!({"properties": {
            "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"),
            "principalId": "1272a66f-e2e8-4e88-ab43-487409186c3f",
            "principalType": "ServicePrincipal"
        }})))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(arm(&server).await.assign_role(&assignment).await.unwrap(), azconnect_arm::Assigned::Now);
}

#[tokio::test]
async fn a_web_page_instead_of_json_is_named_as_one() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("<html>sign in</html>"))
        .mount(&server)
        .await;
    let error = subscription(&server).await.get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(error.advice().contains("web page"));
}

#[tokio::test]
async fn a_subscription_is_read_at_its_documented_addresses() {
    let server = MockServer::start().await;
    let root = "/subscriptions/20000000-0000-4000-8000-000000000001";
    let list = || ok(json!({"value": []}));
    expect(
        &server,
        "GET",
        root,
        "2022-12-01",
        ok(json!({"subscriptionId": "20000000-0000-4000-8000-000000000001", "state": "Enabled"})),
    )
    .await;
    expect(&server, "GET", &format!("{root}/locations"), "2022-12-01", list()).await;
    expect(&server, "GET", &format!("{root}/resourcegroups"), "2025-04-01", list()).await;
    expect(
        &server,
        "GET",
        &format!("{root}/providers/Microsoft.Compute"),
        "2025-04-01",
        ok(json!({"namespace": "Microsoft.Compute", "registrationState": "Registered"})),
    )
    .await;
    expect(&server, "GET", &format!("{root}/providers/Microsoft.Compute/virtualMachines"), "2025-04-01", list()).await;
    expect(&server, "GET", &format!("{root}/providers/Microsoft.Compute/skus"), "2021-07-01", list()).await;
    expect(
        &server,
        "GET",
        &format!("{root}/providers/Microsoft.Compute/locations/westeurope/usages"),
        "2025-04-01",
        list(),
    )
    .await;
    expect(
        &server,
        "GET",
        &format!("{root}/providers/Microsoft.Network/locations/westeurope/usages"),
        "2025-05-01",
        list(),
    )
    .await;
    let subscription = subscription(&server).await;
    subscription.get().await.unwrap();
    subscription.locations().await.unwrap();
    subscription.groups().await.unwrap();
    assert!(subscription.provider("Microsoft.Compute").await.unwrap().is_registered());
    subscription.virtual_machines().await.unwrap();
    assert!(subscription.skus(Some("westeurope")).unwrap().next().await.unwrap().is_none());
    subscription.compute_usages("westeurope").await.unwrap();
    subscription.network_usages("westeurope").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let skus = requests.iter().find(|request| request.url.path().ends_with("/skus")).unwrap();
    let filter = skus.url.query_pairs().find(|(name, _)| name == "$filter").map(|(_, value)| value.into_owned());
    assert_eq!(filter.as_deref(), Some("location eq 'westeurope'"));
}

#[tokio::test]
async fn machines_are_changed_and_removed_at_their_documented_addresses() {
    let server = MockServer::start().await;
    let vm_route = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/myVM");
    let done = |id: &str| ok(json!({"id": id, "properties": {"provisioningState": "Succeeded"}}));
    expect(&server, "GET", &format!("{vm_route}/instanceView"), "2025-04-01", ok(json!({"statuses": []}))).await;
    expect(&server, "GET", &format!("{vm_route}/vmSizes"), "2025-04-01", ok(json!({"value": []}))).await;
    expect(&server, "PUT", &format!("{vm_route}/extensions/myExt"), "2025-04-01", done("x")).await;
    expect(&server, "DELETE", &format!("{vm_route}/extensions/myExt"), "2025-04-01", ResponseTemplate::new(204)).await;
    expect(&server, "DELETE", &vm_route, "2025-04-01", ResponseTemplate::new(204)).await;
    for (kind, name) in [
        ("networkInterfaces", "test-nic"),
        ("publicIPAddresses", "testDNS-ip"),
        ("networkSecurityGroups", "testnsg"),
        ("virtualNetworks", "test-vnet"),
    ] {
        let route = format!("{GROUP}/providers/Microsoft.Network/{kind}/{name}");
        expect(&server, "DELETE", &route, "2025-05-01", ResponseTemplate::new(204)).await;
    }
    expect(&server, "DELETE", GROUP, "2025-04-01", ResponseTemplate::new(200)).await;
    let group = subscription(&server).await.group(&group_name());
    let vm = group.virtual_machine("myVM").unwrap();
    vm.instance_view().await.unwrap();
    vm.sizes().await.unwrap();
    let extension = vm.extension("myExt").unwrap();
    let written = extension.create(&json!({"location": "westeurope", "properties": {"publisher": "p"}})).await.unwrap();
    written.wait().await.unwrap();
    extension.delete().await.unwrap().wait().await.unwrap();
    vm.delete().await.unwrap().wait().await.unwrap();
    group.network_interface("test-nic").unwrap().delete().await.unwrap().wait().await.unwrap();
    group.public_ip("testDNS-ip").unwrap().delete().await.unwrap().wait().await.unwrap();
    group.network_security_group("testnsg").unwrap().delete().await.unwrap().wait().await.unwrap();
    group.virtual_network("test-vnet").unwrap().delete().await.unwrap().wait().await.unwrap();
    group.handle().delete().await.unwrap().wait().await.unwrap();
}
