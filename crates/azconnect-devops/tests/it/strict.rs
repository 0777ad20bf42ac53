//! Every kind of connection, created where the service takes nothing that its types do not publish.

use azconnect_core::Secret;
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, DockerConnection, DockerRegistry, GenericConnection, NewConnection,
    Project, ProjectRef, ReadyPolicy,
};
use azconnect_emulator::Settings;

use crate::emulated::{APPLICATION, AZURE, SUBSCRIPTION, TENANT, World};

pub(crate) struct Secrets {
    key: Secret,
    pem: Secret,
    profile: Secret,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        Self {
            key: Secret::new("a-secret~of-ours"),
            pem: Secret::new("-----BEGIN CERTIFICATE----- -----BEGIN PRIVATE KEY-----"),
            profile: Secret::new("<publishData/>"),
        }
    }

    fn credentials(&self) -> Vec<AzureCredential<'_>> {
        let (tenant, client) = (TENANT.parse().unwrap(), APPLICATION.parse().unwrap());
        let resource = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Web/sites/shop");
        vec![
            AzureCredential::FederationAutomatic { tenant },
            AzureCredential::FederationManual { tenant, client },
            AzureCredential::ServicePrincipalAutomatic { tenant },
            AzureCredential::ManagedIdentity { tenant },
            AzureCredential::Secret { tenant, client, secret: &self.key },
            AzureCredential::Certificate { tenant, client, pem: &self.pem },
            AzureCredential::PublishProfile { tenant, resource, profile: &self.profile },
        ]
    }
}

pub(crate) fn wishes<'a>(secrets: &'a Secrets, project: &Project) -> Vec<NewConnection<'a>> {
    let id = SUBSCRIPTION.parse().unwrap();
    let mut wishes = Vec::new();
    let scopes = [
        AzureScope::subscription(id, "P"),
        AzureScope::Subscription { id, name: "P".to_owned(), resource_group: Some("rg".parse().unwrap()) },
        AzureScope::ManagementGroup { id: "mg".to_owned(), name: "MG".to_owned() },
    ];
    for scope in scopes {
        for credential in secrets.credentials() {
            let name = format!("azure {}", wishes.len());
            wishes.extend(AzureConnection::new(name, scope.clone(), credential).build(project).ok());
        }
    }
    for credential in secrets.credentials() {
        let registry = DockerRegistry::AzureContainerRegistry {
            login_server: "contoso.azurecr.io".to_owned(),
            scope: format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
            ),
            subscription_name: "P".to_owned(),
            credential,
        };
        wishes.extend(DockerConnection::new(format!("acr {}", wishes.len()), registry).build(project).ok());
    }
    let hub = DockerRegistry::DockerHub { user: "u".to_owned(), password: &secrets.key, email: None };
    wishes.push(DockerConnection::new("hub", hub).build(project).unwrap());
    let generic = GenericConnection::new("generic", "https://server.example.com").with_login("u", &secrets.key);
    wishes.push(generic.build(project).unwrap());
    wishes
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_connection_is_created_where_only_published_inputs_are_taken() {
    let world = World::new(Settings::realistic(), AZURE);
    let organization = world.organization("anns-access-token");
    let project = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
    let secrets = Secrets::new();
    let wishes = wishes(&secrets, &project);
    assert_eq!(wishes.len(), 7 + 5 + 5 + 6 + 2);
    for wish in wishes {
        let created = organization.create_connection(&wish).await.unwrap_or_else(|error| panic!("{wish:?}: {error:?}"));
        let ready = world.web().wait_until_ready(created.id(), ReadyPolicy::default()).await.unwrap();
        // What the service makes itself is there by then: an application, and issuer and subject of a federation.
        if ready.is_scheme("ServicePrincipal") || ready.is_federated() {
            assert!(ready.parameter("serviceprincipalid").is_some_and(|id| !id.is_empty()), "{wish:?}");
        }
        assert!(!ready.is_federated() || ready.parameter("workloadIdentityFederationSubject").is_some(), "{wish:?}");
    }
    world.assert_known_routes();
}
