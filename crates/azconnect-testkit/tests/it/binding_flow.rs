//! The fake flow of bindings keeps the promises of the port, and flows that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, Secret, TenantId};
use azconnect_credential::{
    ActingChoice, ApplicationBindings, BindingRecords, NewPersonalToken, TenantSettingsKeeper as _,
    TenantSettingsRequest,
};
use azconnect_devops::{
    BindingDraft, BindingFlow, BindingSteps, Deletion, EndpointChange, EndpointId, OrganizationName, ProjectAddress,
    ProjectRef, ServiceConnectionWriter as _, ServiceConnections as _,
};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::binding_flow::{self, BindingFlowHarness};
use azconnect_testkit::fake::{Binder, BindingBook, DevOps, DevOpsStep, Fault, Integrations};
use serde_json::json;

use crate::judged::{named, verdict};

fn tenant() -> TenantId {
    "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap()
}

fn application() -> ClientId {
    "a0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// Fakes, on top of which stands the flow under test.
struct Stage<F> {
    devops: DevOps,
    integrations: Integrations,
    book: BindingBook,
    binder: Binder,
    wrap: fn(Binder) -> F,
}

fn document(name: &str, client: &str) -> String {
    json!({"name": name, "type": "azurerm", "url": "https://management.azure.com/",
        "data": {"subscriptionId": "22222222-2222-4222-8222-222222222222", "environment": "AzureCloud",
            "scopeLevel": "Subscription", "creationMode": "Manual"},
        "authorization": {"scheme": "ServicePrincipal", "parameters": {
            "tenantid": tenant(), "serviceprincipalid": client, "authenticationType": "spnKey"}}})
    .to_string()
}

impl<F> Stage<F> {
    async fn new(wrap: fn(Binder) -> F) -> Self {
        let (devops, integrations, book) =
            (DevOps::new(Arc::new(ManualClock::new())), Integrations::new(), BindingBook::new());
        let contoso = OrganizationName::new("contoso").unwrap();
        devops.seed_organization(&contoso, tenant());
        devops.seed_project(&contoso, "Web");
        let own = document("deploy", &application().to_string());
        devops.seed_connection(&web(), &own, Secret::new("old"));
        let other = document("other", "a0000000-0000-4000-8000-00000000000f");
        devops.seed_connection(&web(), &other, Secret::new("other"));
        integrations.accept(Secret::new("a-token-that-is-accepted-in-this-test"));
        let token = NewPersonalToken::new(Secret::new("a-token-that-is-accepted-in-this-test"));
        let request = TenantSettingsRequest::new(tenant()).enabled().with_organization("contoso");
        let request = request.with_acting(ActingChoice::PersonalToken(Some(token)));
        integrations.save(request).await.unwrap().saved().unwrap();
        let binder = Binder::new(integrations.clone(), devops.administrator(), book.clone());
        Self { devops, integrations, book, binder, wrap }
    }
}

fn web() -> ProjectAddress {
    ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new("Web").unwrap())
}

#[async_trait]
impl<F: BindingFlow + 'static> BindingFlowHarness for Stage<F> {
    fn flow(&self) -> Arc<dyn BindingFlow> {
        Arc::new((self.wrap)(self.binder.clone()))
    }
    fn records(&self) -> Arc<dyn BindingRecords> {
        Arc::new(self.book.clone())
    }
    fn draft(&self) -> BindingDraft {
        BindingDraft::new(application(), tenant())
    }
    fn organization(&self) -> String {
        "contoso".to_owned()
    }
    fn project(&self) -> String {
        "Web".to_owned()
    }
    fn fitting(&self) -> String {
        "deploy".to_owned()
    }
    fn unfitting(&self) -> String {
        "other".to_owned()
    }
    async fn turn_off(&self) {
        self.integrations.save(TenantSettingsRequest::new(tenant())).await.unwrap().saved().unwrap();
    }
    async fn take_permission(&self) {
        self.binder.let_act(self.devops.contributor());
    }
    async fn rename(&self, connection: EndpointId) {
        let ann = self.devops.administrator();
        let before = ann.read(&web().connection(connection)).await.unwrap();
        ann.update(&web(), &before, &EndpointChange::new().with_name("renamed")).await.unwrap();
    }
    async fn delete(&self, connection: EndpointId) {
        self.devops.administrator().delete(&web().connection(connection), Deletion::ConnectionOnly).await.unwrap();
    }
    async fn disconnect_service(&self) {
        for step in DevOpsStep::ALL {
            self.devops.break_down(step, Fault::Dropped);
        }
    }
}

#[tokio::test]
async fn the_fake_flow_of_bindings_conforms() {
    binding_flow::all(async || Stage::new(|flow| flow).await).await;
}

/// Forgets how a connection was bound when it was shown, and saves what a page says without a look.
struct Hasty(Binder);

#[async_trait]
impl BindingFlow for Hasty {
    async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error> {
        self.0.steps(draft).await
    }
    async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
        // What is there now counts as shown.
        let mut now = draft.clone();
        let picker = self.0.steps(draft).await?.connections.offered.unwrap_or_default();
        if let Some(choice) =
            picker.choices.iter().find(|one| draft.connection.as_ref().is_some_and(|c| c.id == one.connection.id))
        {
            now = now.with_connection(choice);
        }
        self.0.bind_chosen(&now).await
    }
}

#[tokio::test]
async fn a_hasty_flow_is_named() {
    let message = verdict(binding_flow::all(async || Stage::new(Hasty).await)).await;
    named(&message, &["what was renamed since is not saved", "what was bound otherwise since is kept"]);
}

/// Offers what cannot receive the secret.
struct Polite(Binder);

#[async_trait]
impl BindingFlow for Polite {
    async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error> {
        let mut steps = self.0.steps(draft).await?;
        if let Some(picker) = &mut steps.connections.offered {
            let others = std::mem::take(&mut picker.others);
            picker.choices.extend(others);
        }
        Ok(steps)
    }
    async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
        self.0.bind_chosen(draft).await
    }
}

#[tokio::test]
async fn a_flow_that_offers_what_does_not_fit_is_named() {
    let message = verdict(binding_flow::all(async || Stage::new(Polite).await)).await;
    named(&message, &["what does not fit is shown with the reason", "what does not fit is not saved"]);
}
