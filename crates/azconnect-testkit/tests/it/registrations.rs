//! The fake tenant keeps the promises of its ports, and tenants that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ErrorKind, KeyId};
use azconnect_graph::{
    Application, ApplicationRef, ApplicationTrust, Applications, FederatedCredential, FederatedCredentialRef,
    NewFederatedCredential, PasswordCredential, ServicePrincipal,
};
use azconnect_testkit::conformance::application_trust::{self, ApplicationTrustHarness};
use azconnect_testkit::conformance::applications::{self, ApplicationsHarness};
use azconnect_testkit::fake::{Fault, RegistrationStep, Registrations};
use uuid::Uuid;

use crate::judged::{named, verdict};

struct Harness<P: ?Sized> {
    tenant: Registrations,
    application: ApplicationRef,
    port: Arc<P>,
}

impl<P: ?Sized> Harness<P> {
    fn new(wrap: impl Fn(Registrations) -> Arc<P>) -> Self {
        let tenant = Registrations::new();
        Self { application: tenant.register("Deployer").id.into(), port: wrap(tenant.clone()), tenant }
    }

    fn break_down(&self) {
        for step in [RegistrationStep::Read, RegistrationStep::Ensure, RegistrationStep::Delete] {
            self.tenant.faults().break_down(step, Fault::Dropped);
        }
    }
}

#[async_trait]
impl ApplicationsHarness for Harness<dyn Applications> {
    fn applications(&self) -> Arc<dyn Applications> {
        self.port.clone()
    }
    async fn register(&self, display_name: &str) -> ClientId {
        let client = ClientId::from(Uuid::new_v4());
        let password = PasswordCredential::new(KeyId::from(Uuid::new_v4()));
        let application = Application::new(Uuid::new_v4().into(), client)
            .with_display_name(display_name)
            .with_passwords(vec![password]);
        self.tenant.add(application, Some(ServicePrincipal::new(Uuid::new_v4().into(), client)));
        client
    }
    async fn settle(&self) {}
    async fn disconnect(&self) {
        self.break_down();
    }
}

#[async_trait]
impl ApplicationTrustHarness for Harness<dyn ApplicationTrust> {
    fn trust(&self) -> Arc<dyn ApplicationTrust> {
        self.port.clone()
    }
    fn application(&self) -> ApplicationRef {
        self.application
    }
    async fn settle(&self) {}
    async fn disconnect(&self) {
        self.break_down();
    }
    async fn lose_next_change(&self) {
        self.tenant.faults().script(RegistrationStep::Ensure, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn the_fake_tenant_conforms() {
    applications::all(async || Harness::<dyn Applications>::new(|tenant| Arc::new(tenant))).await;
    application_trust::all(async || Harness::<dyn ApplicationTrust>::new(|tenant| Arc::new(tenant))).await;
}

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    ForgetsPasswords,
    FindsByPart,
    HidesOutages,
    DeletesAll,
    OverwritesNames,
}

struct BadTenant(Registrations, Sin);

#[async_trait]
impl Applications for BadTenant {
    async fn find(&self, application: ApplicationRef) -> Result<Application, Error> {
        let found = self.0.find(application).await?;
        Ok(if self.1 == Sin::ForgetsPasswords { found.with_passwords(Vec::new()) } else { found })
    }
    async fn find_named(&self, display_name: &str) -> Result<Vec<Application>, Error> {
        let name = match self.1 {
            Sin::FindsByPart => display_name.split('\'').next().unwrap_or_default(),
            _ => display_name,
        };
        match self.0.find_named(name).await {
            Err(error) if self.1 == Sin::HidesOutages && error.kind() == ErrorKind::Unavailable => Ok(Vec::new()),
            outcome => outcome,
        }
    }
    async fn service_principal_of(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.0.service_principal_of(client).await
    }
}

#[async_trait]
impl ApplicationTrust for BadTenant {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<FederatedCredential>, Error> {
        self.0.list(application).await
    }
    async fn ensure(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        if self.1 == Sin::OverwritesNames {
            self.0.delete(application, &wish.name.clone().into()).await?;
        }
        self.0.ensure(application, wish).await
    }
    async fn delete(&self, application: ApplicationRef, which: &FederatedCredentialRef) -> Result<(), Error> {
        if self.1 == Sin::DeletesAll {
            for known in self.0.list(application).await? {
                self.0.delete(application, &known.id.into()).await?;
            }
        }
        self.0.delete(application, which).await
    }
}

#[tokio::test]
async fn a_broken_tenant_is_named() {
    let reads = async |sin| {
        let make = async || Harness::<dyn Applications>::new(|tenant| Arc::new(BadTenant(tenant, sin)));
        verdict(applications::all(make)).await
    };
    named(&reads(Sin::ForgetsPasswords).await, &["its passwords are listed with their ids"]);
    named(&reads(Sin::FindsByPart).await, &["a name finds every application of it, and no other"]);
    named(&reads(Sin::HidesOutages).await, &["an unreachable directory is an error"]);

    let changes = async |sin| {
        let make = async || Harness::<dyn ApplicationTrust>::new(|tenant| Arc::new(BadTenant(tenant, sin)));
        verdict(application_trust::all(make)).await
    };
    let spared = "deleting what is not there succeeds, and deletes nothing else";
    named(&changes(Sin::DeletesAll).await, &[spared]);
    let message = changes(Sin::OverwritesNames).await;
    assert!(message.contains("a name or an audience that is taken is a conflict"), "{message}");
}
