//! The fake tenant keeps the promises of the ports that register, and tenants that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, PrincipalObjectId};
use azconnect_credential::Marker;
use azconnect_graph::{
    Application, ApplicationOwners, ApplicationRef, ApplicationRegistrar, Applications, Consent, ConsentKeeper,
    DirectoryObjectId, NewApplication, Owner, PermissionId, PrincipalRegistrar, ServicePrincipal,
};
use azconnect_testkit::conformance::registration::{self, RegistrationHarness};
use azconnect_testkit::fake::{Fault, RegistrationStep, Registrations};
use uuid::Uuid;

use crate::judged::verdict;

/// The four ports that register, of one tenant.
struct SetUp<T> {
    tenant: Registrations,
    ports: Arc<T>,
}

impl<T> SetUp<T> {
    fn new(wrap: impl Fn(Registrations) -> T) -> Self {
        let tenant = Registrations::new();
        Self { ports: Arc::new(wrap(tenant.clone())), tenant }
    }
}

#[async_trait]
impl<T> RegistrationHarness for SetUp<T>
where
    T: ApplicationRegistrar + PrincipalRegistrar + ApplicationOwners + ConsentKeeper + 'static,
{
    fn registrar(&self) -> Arc<dyn ApplicationRegistrar> {
        self.ports.clone()
    }
    fn principals(&self) -> Arc<dyn PrincipalRegistrar> {
        self.ports.clone()
    }
    fn owners(&self) -> Arc<dyn ApplicationOwners> {
        self.ports.clone()
    }
    fn consents(&self) -> Arc<dyn ConsentKeeper> {
        self.ports.clone()
    }
    fn applications(&self) -> Arc<dyn Applications> {
        Arc::new(self.tenant.clone())
    }
    fn resource(&self) -> (PrincipalObjectId, [PermissionId; 2]) {
        (Uuid::new_v4().into(), [Uuid::new_v4().into(), Uuid::new_v4().into()])
    }
    async fn settle(&self) {}
    async fn lose_next_change(&self) {
        self.tenant.faults().script(RegistrationStep::Register, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn the_fake_tenant_conforms() {
    registration::all(async || SetUp::new(|tenant| tenant)).await;
}

/// How a tenant breaks the promises of the ports that register.
#[derive(Clone, Copy, PartialEq)]
enum Offence {
    RegistersAnew,
    RemovesTheLastOwner,
    RevokesAll,
    DeletesTheApplication,
    TakesAnyWish,
}

struct Careless(Registrations, Offence);

#[async_trait]
impl ApplicationRegistrar for Careless {
    async fn find_marked(&self, marker: &Marker) -> Result<Option<Application>, Error> {
        self.0.find_marked(marker).await
    }
    async fn ensure(&self, wish: &NewApplication) -> Result<Application, Error> {
        match self.1 {
            Offence::RegistersAnew if self.0.find_marked(&wish.marker).await?.is_some() => {
                Ok(self.0.register(&wish.display_name))
            }
            Offence::TakesAnyWish if wish.check().is_err() => {
                let wish = NewApplication::new(wish.marker.clone(), "made up");
                ApplicationRegistrar::ensure(&self.0, &wish).await
            }
            _ => ApplicationRegistrar::ensure(&self.0, wish).await,
        }
    }
    async fn delete(&self, application: ApplicationRef) -> Result<(), Error> {
        ApplicationRegistrar::delete(&self.0, application).await
    }
}

#[async_trait]
impl PrincipalRegistrar for Careless {
    async fn ensure(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        PrincipalRegistrar::ensure(&self.0, client).await
    }
    async fn delete(&self, id: PrincipalObjectId) -> Result<(), Error> {
        if self.1 == Offence::DeletesTheApplication
            && let Some(found) = self.0.find_marked(&Marker::new("set-up 1")?).await?
        {
            return ApplicationRegistrar::delete(&self.0, found.id.into()).await;
        }
        PrincipalRegistrar::delete(&self.0, id).await
    }
}

#[async_trait]
impl ApplicationOwners for Careless {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<Owner>, Error> {
        ApplicationOwners::list(&self.0, application).await
    }
    async fn add(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        ApplicationOwners::add(&self.0, application, owner).await
    }
    async fn remove(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        let outcome = self.0.remove(application, owner).await;
        if self.1 == Offence::RemovesTheLastOwner { Ok(()) } else { outcome }
    }
}

#[async_trait]
impl ConsentKeeper for Careless {
    async fn list(&self, client: PrincipalObjectId) -> Result<Vec<Consent>, Error> {
        ConsentKeeper::list(&self.0, client).await
    }
    async fn grant(&self, consent: &Consent) -> Result<(), Error> {
        self.0.grant(consent).await
    }
    async fn revoke(&self, consent: &Consent) -> Result<(), Error> {
        if self.1 == Offence::RevokesAll
            && let Consent::Delegated { client, .. } = consent
        {
            for known in ConsentKeeper::list(&self.0, *client).await? {
                self.0.revoke(&known).await?;
            }
        }
        self.0.revoke(consent).await
    }
}

#[tokio::test]
async fn a_careless_tenant_is_named() {
    for (offence, broken) in [
        (Offence::RegistersAnew, "registering again finds the same one"),
        (Offence::RemovesTheLastOwner, "the last owner stays"),
        (Offence::RevokesAll, "a consent changes no other"),
        (Offence::DeletesTheApplication, "deleting a service principal leaves the application"),
        (Offence::TakesAnyWish, "a wish that would be refused has no effect"),
    ] {
        let make = async || SetUp::new(|tenant| Careless(tenant, offence));
        let message = verdict(registration::all(make)).await;
        assert!(message.contains(broken), "{broken}: {message}");
    }
}
