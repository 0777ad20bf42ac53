//! The client keeps the promises of every port of use, over the emulator.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Secret, SubscriptionId, TenantId};
use azconnect_devops::{
    ConnectionAddress, DevOpsClient, Endpoint, EndpointChange, EndpointId, OrganizationName, Project, ProjectAddress,
    ProjectRef,
};
use azconnect_emulator::Settings;
use azconnect_testkit::conformance::devops::{
    Caller, DevOpsHarness, connections, directory, federation, sharing, verifier, writer,
};
use time::OffsetDateTime;

use crate::emulated::{APPLICATION, AUTOMATIC, AZURE, SETTLED, SUBSCRIPTION, TENANT, World};

struct Emulated {
    world: World,
    described: Project,
}

impl Emulated {
    async fn new(settings: Settings) -> Self {
        let world = World::new(settings, AZURE);
        let organization = world.organization("anns-access-token");
        let described = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
        Self { world, described }
    }

    fn caller(&self, caller: Caller) -> Arc<DevOpsClient> {
        Arc::new(self.world.signed_in(match caller {
            Caller::Contributor => "bob@contoso.com",
            _ => "ann@contoso.com",
        }))
    }
}

pub(crate) fn address(project: &str) -> ProjectAddress {
    ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new(project).unwrap())
}

#[async_trait]
impl DevOpsHarness for Emulated {
    fn project(&self) -> ProjectAddress {
        address("Web")
    }

    fn other_project(&self) -> ProjectAddress {
        address("Mobile")
    }

    fn described(&self) -> Project {
        self.described.clone()
    }

    fn manual(&self) -> EndpointId {
        AZURE.parse().unwrap()
    }

    fn automatic(&self) -> EndpointId {
        AUTOMATIC.parse().unwrap()
    }

    fn application(&self) -> (TenantId, ClientId) {
        (TENANT.parse().unwrap(), APPLICATION.parse().unwrap())
    }

    fn subscription(&self) -> SubscriptionId {
        SUBSCRIPTION.parse().unwrap()
    }

    fn now(&self) -> OffsetDateTime {
        self.world.clock.now()
    }

    async fn mint(&self) -> Secret {
        let secret = self.world.add_password().await.secret;
        self.settle().await;
        secret
    }

    async fn settle(&self) {
        self.world.clock.sleep(SETTLED).await;
    }

    async fn holds(&self, connection: EndpointId, secret: &Secret) -> bool {
        self.world.holds(connection, secret)
    }

    async fn look(&self, connection: &ConnectionAddress) -> Option<Endpoint> {
        let organization = self.world.organization("anns-access-token");
        organization.endpoints(connection.project.project.clone()).get(connection.id).await.ok()
    }

    async fn interfere(&self, connection: EndpointId) {
        // Two changes within one moment would have one date.
        self.settle().await;
        let before = self.world.web().get(connection).await.unwrap();
        let change = EndpointChange::new().with_description("somebody else's words");
        self.world.web().update(&before, &change).await.unwrap();
    }

    async fn disconnect(&self) {
        self.world.close();
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_is_a_directory() {
    let make = async || Emulated::new(Settings::default()).await;
    directory::all(make, |world, caller| world.caller(caller)).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_reads() {
    connections::all(async || Emulated::new(Settings::default()).await, |world, caller| world.caller(caller)).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_writes() {
    writer::all(async || Emulated::new(Settings::default()).await, |world, caller| world.caller(caller)).await;
    writer::all(async || Emulated::new(Settings::realistic()).await, |world, caller| world.caller(caller)).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_verifies() {
    verifier::all(async || Emulated::new(Settings::default()).await, |world, caller| world.caller(caller)).await;
    verifier::all(async || Emulated::new(Settings::realistic()).await, |world, caller| world.caller(caller)).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_shares() {
    sharing::all(async || Emulated::new(Settings::default()).await, |world, caller| world.caller(caller)).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_converts() {
    federation::all(async || Emulated::new(Settings::default()).await, |world, caller| world.caller(caller)).await;
    federation::all(async || Emulated::new(Settings::realistic()).await, |world, caller| world.caller(caller)).await;
}
