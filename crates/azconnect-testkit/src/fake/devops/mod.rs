//! Azure DevOps in memory, behind the ports for service connections.
//!
//! One [`DevOps`] holds organizations, projects and connections, and is called by an administrator or by a contributor.
//! It is deterministic: ids are counted, time is the given clock's, and failures happen where they were scripted. A secret
//! can be put in and tested, and never read back; what a connection really holds can be asked beside the ports.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//!
//! use azconnect_core::Secret;
//! use azconnect_devops::{
//!     EndpointChange, OrganizationName, ProjectAddress, ProjectRef, ServiceConnectionWriter, ServiceConnections,
//! };
//! use azconnect_testkit::ManualClock;
//! use azconnect_testkit::fake::DevOps;
//!
//! let service = DevOps::new(Arc::new(ManualClock::new()));
//! let contoso = OrganizationName::new("contoso")?;
//! service.seed_organization(&contoso, "1272a66f-e2e8-4e88-ab43-487409186c3f".parse()?);
//! service.seed_project(&contoso, "Web");
//! let web = ProjectAddress::new(contoso, ProjectRef::new("Web")?);
//! let document = r#"{"name": "deploy", "type": "azurerm", "url": "https://management.azure.com/", "data": {},
//!     "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantid": "t", "serviceprincipalid": "c"}}}"#;
//! let id = service.seed_connection(&web, document, Secret::new("old"));
//!
//! let ann = service.administrator();
//! let before = ann.read(&web.connection(id)).await?;
//! let new = Secret::new("new");
//! ann.update(&web, &before, &EndpointChange::new().with_secret(&new)).await?;
//! assert!(service.holds(id, &new));
//! # Ok::<(), azconnect_core::Error>(())
//! # }).unwrap();
//! ```

mod connections;
mod directory;
mod document;
mod federation;
mod sharing;
mod verifier;
mod world;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect_core::{Clock, Effect, Error, ErrorKind, Secret, TenantId};
use azconnect_devops::{
    ConnectionAddress, Endpoint, EndpointId, OrganizationName, OrganizationTenant, Project, ProjectAddress,
};
use serde_json::{Map, Value};

use self::document::split;
use self::world::{Organization, World};
use super::faults::{Fault, Faults};

/// A kind of call of [`DevOps`], to make it fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DevOpsStep {
    /// A look at organizations, projects or permissions.
    Directory,
    /// Reading, listing or finding connections, and reading how they were used.
    Read,
    /// Creating, changing or deleting a connection.
    Write,
    /// Testing the secret of a connection, or a candidate for it.
    Verify,
    /// Sharing a connection, or granting it to pipelines.
    Share,
    /// Converting a connection, or undoing that.
    Convert,
}

impl DevOpsStep {
    /// All kinds of calls, for a test that breaks each in turn.
    pub const ALL: [Self; 6] = [Self::Directory, Self::Read, Self::Write, Self::Verify, Self::Share, Self::Convert];
}

/// Azure DevOps in memory. Clones are the same service.
#[derive(Clone)]
pub struct DevOps {
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
    faults: Faults<DevOpsStep>,
}

impl DevOps {
    /// A service without organizations, whose dates and deadlines follow a clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, world: Arc::default(), faults: Faults::new() }
    }

    /// Adds an organization of a tenant.
    pub fn seed_organization(&self, name: &OrganizationName, tenant: TenantId) {
        let organization =
            Organization { name: name.clone(), tenant: OrganizationTenant::Entra(tenant), projects: Vec::new() };
        self.world().organizations.push(organization);
    }

    /// Adds a project to an organization.
    ///
    /// # Panics
    /// If there is no such organization.
    #[track_caller]
    pub fn seed_project(&self, organization: &OrganizationName, name: &str) -> Project {
        let mut world = self.world();
        let project = Project::new(world.next_id().into(), name);
        let found = world.organizations.iter_mut().find(|known| known.name == *organization);
        #[expect(clippy::expect_used, reason = "a mistake of the test itself")]
        found.expect("an organization that was seeded").projects.push(project.clone());
        project
    }

    /// Adds a connection to a project: its JSON document, to which id, dates and the project are added, and the secret that
    /// it holds.
    ///
    /// # Panics
    /// If there is no such project, or the document is not an object with a name.
    #[track_caller]
    pub fn seed_connection(&self, project: &ProjectAddress, document: &str, secret: Secret) -> EndpointId {
        let now = self.clock.now();
        let mut world = self.world();
        #[expect(clippy::expect_used, reason = "a mistake of the test itself")]
        let (owner, document) = (
            world.project(project).expect("a project that was seeded").clone(),
            serde_json::from_str::<Map<String, Value>>(document).expect("a document that is an object in JSON"),
        );
        world.add(&project.organization, &owner, (document, Some(secret)), now)
    }

    /// Adds uses of a connection by pipelines.
    ///
    /// # Panics
    /// If there is no such connection.
    #[track_caller]
    pub fn seed_executions(&self, connection: EndpointId, count: u32) {
        #[expect(clippy::expect_used, reason = "a mistake of the test itself")]
        self.world().held(connection).expect("a connection that was seeded").add_executions(count);
    }

    /// Has sign-ins accept a secret from now on. Any other is refused.
    pub fn accept(&self, secret: Secret) {
        self.world().working.push(secret);
    }

    /// Changes a connection's description behind the ports, as a person would.
    ///
    /// # Panics
    /// If there is no such connection.
    #[track_caller]
    pub fn interfere(&self, connection: EndpointId, description: &str) {
        let now = self.clock.now();
        let mut world = self.world();
        #[expect(clippy::expect_used, reason = "a mistake of the test itself")]
        let held = world.held(connection).expect("a connection that was seeded");
        held.document.insert("description".to_owned(), description.into());
        world.touch(connection, now);
    }

    /// Makes the next call of a kind fail. Several faults of one kind happen in turn.
    pub fn script(&self, step: DevOpsStep, fault: Fault) {
        self.faults.script(step, fault);
    }

    /// Makes every call of a kind fail until [`DevOps::heal`], after those that are scripted.
    pub fn break_down(&self, step: DevOpsStep, fault: Fault) {
        self.faults.break_down(step, fault);
    }

    /// Forgets every fault, scripted or lasting.
    pub fn heal(&self) {
        self.faults.heal();
    }

    /// The ports of someone who may administer everything.
    pub fn administrator(&self) -> Arc<DevOpsCaller> {
        Arc::new(DevOpsCaller { service: self.clone(), administers: true })
    }

    /// The ports of someone who may see connections and use them in pipelines, and no more.
    pub fn contributor(&self) -> Arc<DevOpsCaller> {
        Arc::new(DevOpsCaller { service: self.clone(), administers: false })
    }

    /// The truth: whether a connection holds a secret.
    pub fn holds(&self, connection: EndpointId, secret: &Secret) -> bool {
        let mut world = self.world();
        world.held(connection).and_then(|held| held.secret.as_ref()).is_some_and(|held| held.same_as(secret))
    }

    /// The truth: what a project sees of a connection; `None` if nothing.
    pub fn look(&self, connection: &ConnectionAddress) -> Option<Endpoint> {
        self.world().see(connection).ok()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DevOps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevOps").field("connections", &self.world().connections.len()).finish_non_exhaustive()
    }
}

/// One caller of [`DevOps`]: the implementation of every port for service connections.
#[derive(Clone, Debug)]
pub struct DevOpsCaller {
    service: DevOps,
    administers: bool,
}

impl DevOpsCaller {
    /// Reads something, unless a fault is due.
    fn read<T>(&self, step: DevOpsStep, call: impl FnOnce(&mut World) -> Result<T, Error>) -> Result<T, Error> {
        self.service.faults.read(&step, || call(&mut self.service.world()))
    }

    /// Changes something, unless a fault is due or the caller may not.
    fn write<T>(&self, step: DevOpsStep, call: impl FnOnce(&mut World) -> Result<T, Error>) -> Result<T, Error> {
        self.service.faults.write(&step, || call(&mut self.service.world()))
    }

    /// Refuses a caller who may not administer. Asked after what is addressed was found, as the service does.
    fn require_administrator(&self) -> Result<(), Error> {
        if self.administers {
            return Ok(());
        }
        Err(refused(ErrorKind::PermissionDenied, "the caller may not administer the connection")
            .with_advice("ask an administrator of the project for the role Administrator on the connection"))
    }
}

/// A refusal that changed nothing.
fn refused(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message.into()).with_effect(Effect::None)
}
