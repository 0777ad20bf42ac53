//! A service connection without a secret: created at Azure DevOps, trusted at Entra ID, and both deleted again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs, reason = "a test")]

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::core::{ClientId, Effect, ErrorKind, SubscriptionId, TenantId};
use azconnect::devops::{
    AzureConnection, AzureCredential, AzureScope, FederatedCredentials, FederatedTrust, OrganizationName, Progress,
    ProjectRef,
};
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_testkit::conformance::federated_credentials::{self, FederatedCredentialsHarness};
use azconnect_tests::contoso::{Contoso, deploy, operator};

#[tokio::test(start_paused = true)]
async fn a_federated_connection_is_created_trusted_and_deleted_with_its_trust() {
    let contoso = Contoso::new();
    let identity = contoso.operator(contoso.emulator.transport());
    let (graph, credentials) = (identity.graph(), identity.federated_credentials(deploy()));
    let organization = identity.devops().organization(&OrganizationName::new("contoso").unwrap()).unwrap();
    let web = ProjectRef::new("Web").unwrap();
    let project = organization.project(&web).await.unwrap();
    let endpoints = organization.endpoints(web);

    let subscription: SubscriptionId = "22222222-2222-4222-8222-222222222222".parse().unwrap();
    let credential = AzureCredential::FederationManual { tenant: identity.tenant(), client: deploy() };
    let scope = AzureScope::subscription(subscription, "Contoso Production");
    let wish = AzureConnection::new("without a secret", scope, credential).build(&project).unwrap();
    let (endpoint, trust) = endpoints.create_federated(&wish, &credentials).await.unwrap();

    let returned = |key| endpoint.parameter(key).unwrap();
    assert_eq!(trust.issuer, returned("workloadIdentityFederationIssuer"));
    assert_eq!(trust.subject, returned("workloadIdentityFederationSubject"));
    credentials.ensure(&trust).await.unwrap();
    let held = async || graph.federated_credentials(deploy()).await.unwrap();
    let trusted = held().await;
    assert_eq!(trusted.len(), 1, "repeated, and still one: {trusted:?}");
    assert!(trusted[0].trusts(&trust.issuer, &trust.subject) && trusted[0].accepts("api://AzureADTokenExchange"));
    assert_eq!(trusted[0].name.as_deref(), Some(trust.name.as_str()));

    // The connection gets another issuer: the new trust stands beside the old one, which a running pipeline still uses.
    let mut moved = trust.clone();
    moved.issuer = "https://vstoken.dev.azure.com/22222222-2222-4222-8222-222222222222".to_owned();
    credentials.ensure(&moved).await.unwrap();
    contoso.outlive_the_dead().await;
    assert_eq!(held().await.len(), 2);
    credentials.remove(&moved).await.unwrap();
    contoso.outlive_the_dead().await;
    assert_eq!(held().await, trusted);

    let other = identity.federated_credentials(operator());
    for error in [other.ensure(&trust).await.unwrap_err(), other.remove(&trust).await.unwrap_err()] {
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("client")));
        assert_eq!(error.effect(), Effect::None);
    }

    let deleted = endpoints.delete_federated(&endpoint, &credentials, &[project.id]).await.unwrap();
    assert_eq!(deleted, Progress::Done(()), "the service's background is waited for");
    contoso.outlive_the_dead().await;
    assert!(held().await.is_empty());
    assert_eq!(endpoints.get(endpoint.id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    credentials.remove(&trust).await.unwrap();
    let truth = contoso.emulator.truth();
    assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
}

/// An application of Contoso at Microsoft Graph.
struct Application {
    contoso: Contoso,
    credentials: Arc<dyn FederatedCredentials>,
}

impl Application {
    fn new() -> Self {
        let contoso = Contoso::new();
        let credentials = contoso.operator(contoso.emulator.transport()).federated_credentials(deploy());
        Self { contoso, credentials: Arc::new(credentials) }
    }
}

#[async_trait]
impl FederatedCredentialsHarness for Application {
    fn credentials(&self) -> Arc<dyn FederatedCredentials> {
        self.credentials.clone()
    }

    fn application(&self) -> (TenantId, ClientId) {
        (self.contoso.operator(self.contoso.emulator.transport()).tenant(), deploy())
    }

    async fn count(&self, trust: &FederatedTrust) -> usize {
        let graph = self.contoso.operator(self.contoso.emulator.transport()).graph();
        let listed = graph.federated_credentials(deploy()).await.unwrap();
        listed.iter().filter(|one| one.trusts(&trust.issuer, &trust.subject) && one.accepts(&trust.audience)).count()
    }

    async fn settle(&self) {
        self.contoso.outlive_the_dead().await;
    }

    async fn disconnect(&self) {
        self.contoso.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Graph).forever());
    }

    async fn reconnect(&self) {
        self.contoso.emulator.faults().clear();
    }

    async fn lose_next_change(&self) {
        let lost = Fault::new(FaultAction::LoseAnswer).with_service(Service::Graph).with_method("POST");
        self.contoso.emulator.faults().add(lost);
    }
}

#[tokio::test(start_paused = true)]
async fn the_federated_credentials_of_an_application_conform() {
    federated_credentials::all(async || Application::new()).await;
}

/// A list may show a federated credential for a while after it was deleted, also to the one who deleted it.
#[tokio::test(start_paused = true)]
async fn a_trust_whose_removal_was_not_answered_is_removed_for_certain_before_it_is_made_anew() {
    let application = Application::new();
    let contoso = &application.contoso;
    let identity = contoso.operator(contoso.emulator.transport());
    let credentials = identity.federated_credentials(deploy());
    let issuer = "https://vstoken.dev.azure.com/11111111-1111-4111-8111-111111111111";
    let trust = FederatedTrust::new(identity.tenant(), deploy(), issuer, "sc://contoso/Web/restored");
    credentials.ensure(&trust).await.unwrap();
    contoso.outlive_the_dead().await;
    let first = identity.graph().federated_credentials(deploy()).await.unwrap();

    contoso
        .emulator
        .faults()
        .add(Fault::new(FaultAction::LoseAnswer).with_service(Service::Graph).with_method("DELETE").forever());
    let error = credentials.remove(&trust).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "it is gone, and nobody was told");
    let error = credentials.ensure(&trust).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "a list is no proof that it stands");
    contoso.emulator.faults().clear();
    contoso.outlive_the_dead().await;
    credentials.ensure(&trust).await.unwrap();
    contoso.outlive_the_dead().await;
    let second = identity.graph().federated_credentials(deploy()).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0].id, second[0].id, "it is another one");
}

/// The person may have kept that connection, whose credential was not removed after all.
#[tokio::test(start_paused = true)]
async fn a_removal_without_an_answer_is_not_sent_again_for_another_connection() {
    let application = Application::new();
    let contoso = &application.contoso;
    let identity = contoso.operator(contoso.emulator.transport());
    let credentials = identity.federated_credentials(deploy());
    let issuer = "https://vstoken.dev.azure.com/11111111-1111-4111-8111-111111111111";
    let trust = |name: &str| {
        FederatedTrust::new(identity.tenant(), deploy(), issuer, format!("sc://contoso/Web/{name}")).with_name(name)
    };
    let (kept, new) = (trust("kept"), trust("another"));
    credentials.ensure(&kept).await.unwrap();
    contoso.outlive_the_dead().await;
    let dropped = Fault::new(FaultAction::DropBefore).with_service(Service::Graph).with_method("DELETE").forever();
    contoso.emulator.faults().add(dropped);
    assert_eq!(credentials.remove(&kept).await.unwrap_err().effect(), Effect::Unknown);
    contoso.emulator.faults().clear();
    credentials.ensure(&new).await.unwrap();
    contoso.outlive_the_dead().await;
    assert_eq!((credentials.count(&kept).await.unwrap(), credentials.count(&new).await.unwrap()), (1, 1));
}
