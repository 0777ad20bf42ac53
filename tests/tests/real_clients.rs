//! What one client makes, the other reads, field by field: ours and Microsoft's, at one running emulator.
//!
//! `tests/real_clients/run` starts the emulator and Microsoft's clients, and calls these two in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use azconnect::arm::{GroupChoice, ProvisionId, VmSpec};
use azconnect::core::{Clock, Cloud, ResourceGroupName, Secret, danger};
use azconnect::credential::Marker;
use azconnect::devops::{AzureConnection, AzureCredential, AzureScope, OrganizationName, ProjectRef};
use azconnect::graph::{ApplicationQuery, NewApplication, NewPassword};
use azconnect::http::{ReqwestTransport, SystemClock};
use azconnect::{Azure, Identity, Storage};
use serde_json::{Value, json};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2FJdmPVbGpZFm3W8Wg2nuxZKbDmYBTrVX9ovBWZ4fG me@home";

/// Where the emulator of this run is, and who may do what in it.
struct Here {
    facts: Value,
    clock: Arc<dyn Clock>,
    operator: Identity,
}

impl Here {
    fn new() -> Self {
        let path = std::env::var("REAL_CLIENTS_FACTS").expect("tests/real_clients/run sets REAL_CLIENTS_FACTS");
        let facts: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let text = |name: &str| facts[name].as_str().unwrap();
        let origin = text("http");
        let cloud = danger::allow_http_loopback(Cloud::custom("AzureCloud"));
        let cloud = cloud.with_login(origin).unwrap().with_resource_manager(origin).unwrap();
        let cloud = cloud.with_graph(origin).unwrap().with_devops(origin).unwrap();
        let cloud = cloud.with_devops_identity(origin).unwrap().with_devops_profile(origin).unwrap().build();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
        let azure = Azure::new(cloud, Arc::new(transport), clock.clone());
        let (tenant, client) = (text("tenant").parse().unwrap(), text("client").parse().unwrap());
        let operator = azure.identity_with_secret(tenant, client, Secret::new(text("secret"))).unwrap();
        Self { facts, clock, operator }
    }

    fn text(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(self.text("folder")).join(name)
    }

    fn organization(&self) -> OrganizationName {
        "Contoso".parse().unwrap()
    }
}

#[tokio::test]
#[ignore = "needs the emulator that tests/real_clients/run starts"]
async fn ours_are_made_for_the_others_to_read() {
    let here = Here::new();
    let graph = here.operator.graph();
    let wish = NewApplication::new(Marker::new("azconnect ours").unwrap(), "Ours");
    let application = graph.create_application(&wish).await.unwrap();
    graph.ensure_service_principal(application.client_id).await.unwrap();
    let ends = here.clock.now() + std::time::Duration::from_secs(90 * 86_400);
    let request = NewPassword::new(Marker::new("azconnect ours 1").unwrap(), ends);
    let password = graph.add_password(application.id, &request).await.unwrap();

    let organization = here.operator.devops().organization(&here.organization()).unwrap();
    let project = organization.project(&"Web".parse::<ProjectRef>().unwrap()).await.unwrap();
    let credential = AzureCredential::Secret {
        tenant: here.text("tenant").parse().unwrap(),
        client: application.client_id,
        secret: &password.secret,
    };
    let scope = AzureScope::subscription(here.text("subscription").parse().unwrap(), "Production");
    let connection = AzureConnection::new("ours", scope, credential).build(&project).unwrap();
    let endpoint = organization.create_connection(&connection).await.unwrap();

    let storage = Storage::in_memory(here.clock.clone());
    let provisioner = here.operator.provisioner(here.text("subscription").parse().unwrap(), &storage);
    let group = GroupChoice::Create(ResourceGroupName::new("rg-ours").unwrap());
    let spec = VmSpec::new("ours", "westeurope", "Standard_D2s_v5", "Ubuntu2404".parse().unwrap(), group).unwrap();
    let spec = spec.with_public_key(KEY).with_tag("owner", "ours");
    let plan = provisioner.plan(ProvisionId::new("contoso/ours").unwrap(), spec).await.unwrap();
    let machine = provisioner.run(&plan).await.unwrap();

    let made = json!({
        "application": application.id.to_string(),
        "client": application.client_id.to_string(),
        "key": password.key.to_string(),
        "secret": password.secret.expose(),
        "endpoint": endpoint.id().to_string(),
        "machine": machine.machine.as_str(),
        "address": machine.address,
        "admin": machine.admin,
        "public_key": KEY,
    });
    fs::write(here.file("ours.json"), made.to_string()).unwrap();
}

#[tokio::test]
#[ignore = "needs the emulator that tests/real_clients/run starts"]
async fn theirs_are_read_field_by_field() {
    let here = Here::new();
    let theirs: Value = serde_json::from_str(&fs::read_to_string(here.file("theirs.json")).unwrap()).unwrap();
    let text = |name: &str| theirs[name].as_str().unwrap();

    let graph = here.operator.graph();
    let application = graph.application_by_client_id(text("client").parse().unwrap()).await.unwrap();
    assert_eq!(application.id.to_string(), text("application"));
    assert_eq!(application.display_name.as_deref(), Some("Theirs"));
    assert_eq!(application.passwords.len(), 1);
    assert_eq!(application.passwords[0].key.unwrap().to_string(), text("key"));
    assert_eq!(application.passwords[0].display_name.as_deref(), Some("theirs 1"));
    let named = graph.applications(&ApplicationQuery::named("Theirs")).await.unwrap();
    assert_eq!(named.iter().map(|one| one.id).collect::<Vec<_>>(), [application.id]);

    let organization = here.operator.devops().organization(&here.organization()).unwrap();
    let endpoints = organization.endpoints("Web".parse::<ProjectRef>().unwrap());
    let endpoint = endpoints.get(text("endpoint").parse().unwrap()).await.unwrap();
    assert_eq!((endpoint.name(), endpoint.url()), (Some("theirs"), Some("https://management.azure.com/")));
    assert!(endpoint.is_type("azurerm") && endpoint.is_scheme("ServicePrincipal"));
    assert_eq!(endpoint.parameter("serviceprincipalid"), Some(text("client")));
    assert_eq!(endpoint.parameter("tenantid"), Some(here.text("tenant")));
    assert_eq!(endpoint.data("subscriptionId"), Some(here.text("subscription")));

    let group = ResourceGroupName::new("rg-theirs").unwrap();
    let group = here.operator.arm().subscription(here.text("subscription").parse().unwrap()).group(&group);
    let machine = group.virtual_machine("vm").unwrap().get().await.unwrap();
    assert_eq!((machine.id.as_str(), machine.location.as_str()), (text("machine"), "westeurope"));
    assert_eq!(machine.tags["owner"], "python");
    assert_eq!(machine.properties.provisioning_state.as_deref(), Some("Succeeded"));
    assert_eq!(machine.properties.vm_id.as_deref(), Some(text("vm_id")));
    let interface = group.network_interface("nic").unwrap().get().await.unwrap();
    assert_eq!(interface.id, text("nic"));
    assert_eq!(interface.properties.virtual_machine.unwrap().id, machine.id);
    let configuration = &interface.properties.ip_configurations[0];
    assert_eq!(configuration.name, "primary");
    assert_eq!(configuration.properties.private_ip_address.as_deref(), Some(text("private_address")));
    // Ours goes on where theirs ended.
    group.virtual_machine("vm").unwrap().deallocate().await.unwrap().wait().await.unwrap();
}
