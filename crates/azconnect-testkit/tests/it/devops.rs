//! The fake of Azure DevOps keeps the promises of its ports, and what breaks one is named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Error, Secret, SubscriptionId, TenantId};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict};
use azconnect_devops::{
    ConnectionAddress, ConnectionDirectory, ConnectionPermission, ConversionRules, Deletion, Endpoint, EndpointChange,
    EndpointId, EndpointQuery, Execution, FederationConverter, NewConnection, OrganizationName, OrganizationSearch,
    OrganizationTenant, PermissionReport, Picker, PipelineGrants, Progress, Project, ProjectAddress, ProjectRef,
    ServiceConnectionSharing, ServiceConnectionVerifier, ServiceConnectionWriter, ServiceConnections, UpdatedEndpoint,
};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::devops::{
    Caller, DevOpsHarness, connections, directory, federation, sharing, verifier, writer,
};
use azconnect_testkit::fake::{DevOps, DevOpsCaller, DevOpsStep, Fault};
use serde_json::json;
use time::OffsetDateTime;

use crate::judged::{named, verdict};

const TENANT: &str = "1272a66f-e2e8-4e88-ab43-487409186c3f";
const CLIENT: &str = "7c86b535-818b-423f-b0fd-19a2e9f32710";
const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";

/// The fake with both connections of the suites.
struct World {
    clock: ManualClock,
    service: DevOps,
    web: Project,
    manual: EndpointId,
    automatic: EndpointId,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let service = DevOps::new(Arc::new(clock.clone()));
        service.seed_organization(&contoso(), TENANT.parse().unwrap());
        let web = service.seed_project(&contoso(), "Web");
        service.seed_project(&contoso(), "Mobile");
        service.accept(Secret::new("held from the start"));
        let seed = |name: &str, mode: &str| {
            let document = json!({"name": name, "type": "azurerm", "url": "https://management.azure.com/", "unknownToUs": [1],
                "data": {"subscriptionId": SUBSCRIPTION, "environment": "AzureCloud", "creationMode": mode},
                "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantid": TENANT,
                    "serviceprincipalid": CLIENT, "authenticationType": "spnKey", "serviceprincipalkey": null}}});
            service.seed_connection(&address("Web"), &document.to_string(), Secret::new("held from the start"))
        };
        let (manual, automatic) = (seed("production", "Manual"), seed("automatic", "Automatic"));
        service.seed_executions(manual, 60);
        Self { clock, service, web, manual, automatic }
    }

    fn caller(&self, caller: Caller) -> Arc<DevOpsCaller> {
        match caller {
            Caller::Contributor => self.service.contributor(),
            _ => self.service.administrator(),
        }
    }
}

fn contoso() -> OrganizationName {
    OrganizationName::new("contoso").unwrap()
}

fn address(project: &str) -> ProjectAddress {
    ProjectAddress::new(contoso(), ProjectRef::new(project).unwrap())
}

#[async_trait]
impl DevOpsHarness for World {
    fn project(&self) -> ProjectAddress {
        address("Web")
    }
    fn other_project(&self) -> ProjectAddress {
        address("Mobile")
    }
    fn described(&self) -> Project {
        self.web.clone()
    }
    fn manual(&self) -> EndpointId {
        self.manual
    }
    fn automatic(&self) -> EndpointId {
        self.automatic
    }
    fn application(&self) -> (TenantId, ClientId) {
        (TENANT.parse().unwrap(), CLIENT.parse().unwrap())
    }
    fn subscription(&self) -> SubscriptionId {
        SUBSCRIPTION.parse().unwrap()
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn mint(&self) -> Secret {
        let secret = Secret::new(uuid::Uuid::new_v4().to_string().replace('-', "~"));
        self.service.accept(secret.duplicate());
        secret
    }
    async fn settle(&self) {}
    async fn holds(&self, connection: EndpointId, secret: &Secret) -> bool {
        self.service.holds(connection, secret)
    }
    async fn look(&self, connection: &ConnectionAddress) -> Option<Endpoint> {
        self.service.look(connection)
    }
    async fn interfere(&self, connection: EndpointId) {
        self.service.interfere(connection, "somebody else's words");
    }
    async fn disconnect(&self) {
        for step in DevOpsStep::ALL {
            self.service.break_down(step, Fault::Dropped);
        }
    }
}

#[tokio::test]
async fn the_fake_keeps_every_promise() {
    directory::all(async || World::new(), |world, caller| world.caller(caller)).await;
    connections::all(async || World::new(), |world, caller| world.caller(caller)).await;
    writer::all(async || World::new(), |world, caller| world.caller(caller)).await;
    verifier::all(async || World::new(), |world, caller| world.caller(caller)).await;
    sharing::all(async || World::new(), |world, caller| world.caller(caller)).await;
    federation::all(async || World::new(), |world, caller| world.caller(caller)).await;
}

/// A promise that an implementation breaks.
#[derive(Clone, Copy, PartialEq)]
enum Sin {
    SaysEveryoneMay,
    ShowsForeign,
    OffersToEveryone,
    OverwritesOthers,
    LosesFields,
    DeletesAll,
    StoresCandidates,
    CallsDoubtAccepted,
    GrantsAllForOne,
    ForgetsNames,
    IgnoresRules,
}

/// An administrator's ports, with one promise broken.
struct Bad(Arc<DevOpsCaller>, DevOps, Sin);

#[async_trait]
impl ConnectionDirectory for Bad {
    async fn organizations(&self, known: &[OrganizationName]) -> Result<OrganizationSearch, Error> {
        self.0.organizations(known).await
    }
    async fn tenant_of(&self, organization: &OrganizationName) -> Result<OrganizationTenant, Error> {
        self.0.tenant_of(organization).await
    }
    async fn projects(&self, organization: &OrganizationName) -> Result<Vec<Project>, Error> {
        self.0.projects(organization).await
    }
    async fn permission(&self, project: &ProjectAddress) -> Result<PermissionReport, Error> {
        match self.2 {
            Sin::SaysEveryoneMay => self.1.administrator().permission(project).await,
            _ => self.0.permission(project).await,
        }
    }
    async fn connection_permission(&self, connection: &ConnectionAddress) -> Result<ConnectionPermission, Error> {
        self.0.connection_permission(connection).await
    }
}

#[async_trait]
impl ServiceConnections for Bad {
    async fn list(&self, project: &ProjectAddress, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        match self.2 {
            Sin::ShowsForeign if project == &address("Mobile") => self.0.list(&address("Web"), query).await,
            _ => self.0.list(project, query).await,
        }
    }
    async fn read(&self, connection: &ConnectionAddress) -> Result<Endpoint, Error> {
        match self.2 {
            Sin::ShowsForeign => self.0.read(&address("Web").connection(connection.id)).await,
            _ => self.0.read(connection).await,
        }
    }
    async fn find(&self, project: &ProjectAddress, name: &str) -> Result<Option<Endpoint>, Error> {
        self.0.find(project, name).await
    }
    async fn choices(&self, project: &ProjectAddress) -> Result<Picker, Error> {
        match self.2 {
            Sin::OffersToEveryone => self.1.administrator().choices(project).await,
            _ => self.0.choices(project).await,
        }
    }
    async fn executions(&self, connection: &ConnectionAddress, limit: usize) -> Result<Vec<Execution>, Error> {
        self.0.executions(connection, limit).await
    }
}

#[async_trait]
impl ServiceConnectionWriter for Bad {
    async fn create(&self, project: &ProjectAddress, connection: &NewConnection<'_>) -> Result<Endpoint, Error> {
        self.0.create(project, connection).await
    }
    async fn update(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        change: &EndpointChange<'_>,
    ) -> Result<UpdatedEndpoint, Error> {
        let address = project.connection(before.id());
        match self.2 {
            Sin::OverwritesOthers => {
                let now = self.0.read(&address).await?;
                self.0.update(project, &now, change).await
            }
            Sin::LosesFields => {
                let after = self.0.update(project, before, change).await?;
                let dropped = EndpointChange::new().with_parameter("serviceprincipalid", None);
                self.0.update(project, &after.endpoint, &dropped).await
            }
            _ => self.0.update(project, before, change).await,
        }
    }
    async fn delete(&self, connection: &ConnectionAddress, how: Deletion) -> Result<(), Error> {
        if self.2 == Sin::DeletesAll {
            for other in self.0.list(&connection.project, &EndpointQuery::new()).await? {
                self.0.delete(&connection.project.connection(other.id()), how).await?;
            }
        }
        self.0.delete(connection, how).await
    }
}

#[async_trait]
impl ServiceConnectionVerifier for Bad {
    async fn verify_stored(&self, connection: &ConnectionAddress, minted: Option<OffsetDateTime>) -> Assessment {
        self.0.verify_stored(connection, minted).await
    }
    async fn verify_candidate(&self, connection: &ConnectionAddress, candidate: &Candidate<'_>) -> Assessment {
        if self.2 == Sin::StoresCandidates
            && let Ok(before) = self.0.read(connection).await
        {
            let change = EndpointChange::new().with_secret(candidate.secret);
            drop(self.0.update(&connection.project, &before, &change).await);
        }
        let assessment = self.0.verify_candidate(connection, candidate).await;
        match assessment.verdict {
            CredentialVerdict::Inconclusive if self.2 == Sin::CallsDoubtAccepted => {
                Assessment::new(CredentialVerdict::Accepted, "probably")
            }
            _ => assessment,
        }
    }
}

#[async_trait]
impl ServiceConnectionSharing for Bad {
    async fn share(&self, connection: &ConnectionAddress, with: &ProjectRef, name: &str) -> Result<(), Error> {
        let name = if self.2 == Sin::ForgetsNames { "production" } else { name };
        self.0.share(connection, with, name).await
    }
    async fn unshare(&self, connection: &ConnectionAddress, from: &ProjectRef) -> Result<(), Error> {
        self.0.unshare(connection, from).await
    }
    async fn pipeline_grants(&self, connection: &ConnectionAddress) -> Result<PipelineGrants, Error> {
        self.0.pipeline_grants(connection).await
    }
    async fn grant_all_pipelines(
        &self,
        connection: &ConnectionAddress,
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        self.0.grant_all_pipelines(connection, authorized).await
    }
    async fn grant_pipelines(
        &self,
        connection: &ConnectionAddress,
        pipelines: &[u64],
        authorized: bool,
    ) -> Result<PipelineGrants, Error> {
        if self.2 == Sin::GrantsAllForOne && authorized {
            self.0.grant_all_pipelines(connection, true).await?;
        }
        self.0.grant_pipelines(connection, pipelines, authorized).await
    }
}

#[async_trait]
impl FederationConverter for Bad {
    async fn eligibility(
        &self,
        connection: &ConnectionAddress,
        rules: ConversionRules,
    ) -> Result<azconnect_credential::CheckReport, Error> {
        self.0.eligibility(connection, rules).await
    }
    async fn convert(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        rules: ConversionRules,
    ) -> Result<Progress<Endpoint>, Error> {
        let rules = if self.2 == Sin::IgnoresRules { rules.with_manual(true) } else { rules };
        self.0.convert(project, before, rules).await
    }
    async fn revert(&self, project: &ProjectAddress, before: &Endpoint) -> Result<Progress<Endpoint>, Error> {
        self.0.revert(project, before).await
    }
}

/// Makes ports with one promise broken.
fn broken(sin: Sin) -> impl Fn(&World, Caller) -> Arc<Bad> {
    move |world, caller| Arc::new(Bad(world.caller(caller), world.service.clone(), sin))
}

#[tokio::test]
async fn a_broken_directory_is_named() {
    let make = broken(Sin::SaysEveryoneMay);
    let said = verdict(directory::all(async || World::new(), |world, caller| make(world, caller))).await;
    named(&said, &["a missing permission is an answer"]);
}

#[tokio::test]
async fn a_broken_reader_is_named() {
    let run = async |sin| {
        let make = broken(sin);
        verdict(connections::all(async || World::new(), |world, caller| make(world, caller))).await
    };
    named(
        &run(Sin::ShowsForeign).await,
        &["a list holds what the query selects", "a connection of another project is not found"],
    );
    named(&run(Sin::OffersToEveryone).await, &["choices are for those who may administer them"]);
}

#[tokio::test]
async fn a_broken_writer_is_named() {
    let run = async |sin| {
        let make = broken(sin);
        verdict(writer::all(async || World::new(), |world, caller| make(world, caller))).await
    };
    named(&run(Sin::OverwritesOthers).await, &["somebody else's change is a conflict, and stays"]);
    named(
        &run(Sin::LosesFields).await,
        &["a secret is replaced and nothing else", "a description is changed and nothing else"],
    );
    named(&run(Sin::DeletesAll).await, &["what is deleted is gone, and may be deleted again"]);
}

#[tokio::test]
async fn a_broken_verifier_is_named() {
    let run = async |sin| {
        let make = broken(sin);
        verdict(verifier::all(async || World::new(), |world, caller| make(world, caller))).await
    };
    named(
        &run(Sin::StoresCandidates).await,
        &[
            "a candidate that works is accepted, and not stored",
            "a candidate of unknown age that does not work is rejected",
        ],
    );
    named(
        &run(Sin::CallsDoubtAccepted).await,
        &["a missing connection is inconclusive", "an unreachable service is inconclusive"],
    );
}

#[tokio::test]
async fn broken_sharing_and_conversion_are_named() {
    let sharing_with = async |sin| {
        let make = broken(sin);
        verdict(sharing::all(async || World::new(), |world, caller| make(world, caller))).await
    };
    named(&sharing_with(Sin::GrantsAllForOne).await, &["pipelines are granted one by one"]);
    named(&sharing_with(Sin::ForgetsNames).await, &["a connection is shared under a name, and again"]);
    let make = broken(Sin::IgnoresRules);
    let said = verdict(federation::all(async || World::new(), |world, caller| make(world, caller))).await;
    named(&said, &["what stands in the way is refused by its name"]);
}
