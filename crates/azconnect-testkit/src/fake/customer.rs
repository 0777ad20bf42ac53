//! A customer's tenant and subscription, in which applications are set up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Effect, Error, ErrorKind, PrincipalObjectId, SecretStore, TenantId};
use azconnect_credential::{CredentialIssuer, CredentialVerifier, Marker};
use azconnect_saga::SessionPorts;
use azconnect_setup::port::{
    Credentials, Found, Given, Grants, NewRegistration, Ours, Presence, Registered, Registry, Subject, Taken, Which,
};
use azconnect_setup::{ApplicationSetup, Part, SetupPorts, Step};
use uuid::Uuid;

use super::{Directory, Faults};

/// A kind of call at a [`Customer`] that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CustomerStep {
    /// Any call that only reads.
    Read,
    /// Registering an application.
    Register,
    /// Giving a part of this step.
    Give(Step),
    /// Taking a part back, or the application.
    Take,
}

/// A customer's tenant and subscription in memory, behind the ports that a setup stands on. Clones are the same customer.
///
/// The orchestrator on top is the real one: [`Customer::setup`] gives it a customer's services, and the test brings journal,
/// lease and secret store.
#[derive(Clone)]
pub struct Customer {
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
    faults: Faults<CustomerStep>,
}

#[derive(Default)]
struct World {
    applications: Vec<Application>,
    groups: Vec<(Part, Option<Marker>)>,
    forbidden: Vec<Step>,
}

struct Application {
    registered: Registered,
    name: String,
    marker: Option<Marker>,
    principal: Option<PrincipalObjectId>,
    parts: Vec<Part>,
    keys: Directory,
    used_by: Vec<String>,
}

impl Customer {
    /// A tenant without applications, whose operator may do everything.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let tenant = TenantId::from(Uuid::from_u128(0x6a4d_7f5e_0c5c_4f6c_8d0f_1b9a_3a0c_1d01));
        Self { tenant, clock, world: Arc::default(), faults: Faults::new() }
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<CustomerStep> {
        &self.faults
    }

    /// The orchestrator over this customer's services, with a journal, a lease and a secret store of the caller's.
    pub fn setup(&self, session: SessionPorts, secrets: Arc<dyn SecretStore>) -> ApplicationSetup {
        let own = || Arc::new(self.clone());
        ApplicationSetup::new(SetupPorts::new(session, secrets, own(), own(), own()))
    }

    /// Registers an application of a name that nobody's setup made.
    pub fn register_by_hand(&self, name: &str) -> ClientId {
        self.add(name, None).client
    }

    /// The client ids of the applications of a name.
    pub fn applications(&self, name: &str) -> Vec<ClientId> {
        let world = self.world();
        world.applications.iter().filter(|one| one.name == name).map(|one| one.registered.client).collect()
    }

    /// How many secrets an application has.
    pub fn keys(&self, client: ClientId) -> usize {
        self.world().of(client).map_or(0, |one| one.keys.keys().len())
    }

    /// How many parts stand in the tenant and the subscription, secrets apart.
    pub fn parts(&self) -> usize {
        let world = self.world();
        world.groups.len() + world.applications.iter().map(|one| one.parts.len()).sum::<usize>()
    }

    /// Lets somebody else use an application from now on.
    pub fn use_elsewhere(&self, client: ClientId, how: &str) {
        if let Ok(one) = self.world().of_mut(client) {
            one.used_by.push(how.to_owned());
        }
    }

    /// Takes the right to do the parts of a step from the operator, or gives it back.
    pub fn allow(&self, step: Step, is_allowed: bool) {
        let mut world = self.world();
        world.forbidden.retain(|known| *known != step);
        if !is_allowed {
            world.forbidden.push(step);
        }
    }

    fn add(&self, name: &str, marker: Option<Marker>) -> Registered {
        let registered = Registered::new(Uuid::new_v4().into(), Uuid::new_v4().into());
        let keys = Directory::new(self.clock.clone());
        let (principal, parts, used_by) = (None, Vec::new(), Vec::new());
        let (name, made) = (name.to_owned(), registered.clone());
        self.world().applications.push(Application { registered, name, marker, principal, parts, keys, used_by });
        made
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn of(&self, client: ClientId) -> Result<&Application, Error> {
        self.applications.iter().find(|one| one.registered.client == client).ok_or_else(absent)
    }

    fn of_mut(&mut self, client: ClientId) -> Result<&mut Application, Error> {
        self.applications.iter_mut().find(|one| one.registered.client == client).ok_or_else(absent)
    }

    fn require(&self, step: Step) -> Result<(), Error> {
        if !self.forbidden.contains(&step) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PermissionDenied, "the operator may not do this").with_effect(Effect::None))
    }
}

fn absent() -> Error {
    Error::new(ErrorKind::NotFound, "the application is not there").with_effect(Effect::None)
}

#[async_trait]
impl Registry for Customer {
    fn tenant(&self) -> TenantId {
        self.tenant
    }

    async fn find(&self, which: &Which) -> Result<Vec<Registered>, Error> {
        self.faults.read(&CustomerStep::Read, || {
            let fits = |one: &&Application| match which {
                Which::Marked(marker) => one.marker.as_ref() == Some(marker),
                Which::Named(name) => one.name == *name,
                Which::Client(client) => one.registered.client == *client,
                _ => false,
            };
            Ok(self.world().applications.iter().filter(fits).map(|one| one.registered.clone()).collect())
        })
    }

    async fn register(&self, wish: &NewRegistration) -> Result<Registered, Error> {
        self.faults.write(&CustomerStep::Register, || {
            self.world().require(Step::Application)?;
            let known = |one: &&Application| one.marker.as_ref() == Some(&wish.marker);
            let known = self.world().applications.iter().find(known).map(|one| one.registered.clone());
            Ok(known.unwrap_or_else(|| self.add(&wish.display_name, Some(wish.marker.clone()))))
        })
    }

    async fn foreign_uses(&self, subject: &Subject, _: &Ours) -> Result<Vec<String>, Error> {
        self.faults.read(&CustomerStep::Read, || Ok(self.world().of(subject.application.client)?.used_by.clone()))
    }

    async fn unregister(&self, application: &Registered) -> Result<(), Error> {
        self.faults.write(&CustomerStep::Take, || {
            self.world().applications.retain(|one| one.registered != *application);
            Ok(())
        })
    }
}

#[async_trait]
impl Grants for Customer {
    async fn look(&self, subject: &Subject, part: &Part) -> Result<Found, Error> {
        self.faults.read(&CustomerStep::Read, || {
            let world = self.world();
            if let Part::Group { .. } = part {
                return Ok(Found::new(match world.groups.iter().find(|(known, _)| known == part) {
                    None => Presence::Absent,
                    Some((_, marker)) if *marker == Some(subject.marker.clone()) => Presence::Ours,
                    Some(_) => Presence::Present,
                }));
            }
            let application = world.of(subject.application.client)?;
            let found = if application.parts.contains(part) { Presence::Present } else { Presence::Absent };
            let found = Found::new(found);
            Ok(match application.principal.filter(|_| *part == Part::Principal) {
                Some(principal) => found.with_principal(principal),
                None => found,
            })
        })
    }

    async fn give(&self, subject: &Subject, part: &Part) -> Result<Given, Error> {
        self.faults.write(&CustomerStep::Give(part.step()), || {
            let mut world = self.world();
            world.require(part.step())?;
            if let Part::Group { .. } = part {
                if world.groups.iter().any(|(known, _)| known == part) {
                    return Ok(Given::before());
                }
                world.groups.push((part.clone(), Some(subject.marker.clone())));
                return Ok(Given::now());
            }
            let application = world.of_mut(subject.application.client)?;
            if !application.parts.contains(part) {
                application.parts.push(part.clone());
            }
            if *part != Part::Principal {
                return Ok(Given::now());
            }
            let principal = *application.principal.get_or_insert_with(|| Uuid::new_v4().into());
            Ok(Given::now().with_principal(principal))
        })
    }

    async fn take(&self, subject: &Subject, part: &Part) -> Result<Taken, Error> {
        self.faults.write(&CustomerStep::Take, || {
            let mut world = self.world();
            let own = Some(subject.marker.clone());
            world.groups.retain(|(known, marker)| known != part || *marker != own);
            if !matches!(part, Part::Group { .. }) {
                world.of_mut(subject.application.client)?.parts.retain(|known| known != part);
            }
            Ok(Taken::Gone)
        })
    }

    async fn may_give(&self, part: &Part) -> Result<Option<bool>, Error> {
        self.faults.read(&CustomerStep::Read, || Ok(Some(self.world().require(part.step()).is_ok())))
    }
}

impl Credentials for Customer {
    fn issuer(&self, application: ClientId) -> Result<Arc<dyn CredentialIssuer>, Error> {
        Ok(self.world().of(application)?.keys.issuer())
    }

    fn verifier(&self, application: ClientId) -> Arc<dyn CredentialVerifier> {
        match self.world().of(application) {
            Ok(one) => one.keys.verifier(),
            // Of an application that is not there no secret is accepted.
            Err(_) => Directory::new(self.clock.clone()).verifier(),
        }
    }
}
