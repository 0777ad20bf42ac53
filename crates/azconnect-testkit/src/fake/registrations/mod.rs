//! The applications of a tenant, without a directory.

mod registrar;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, PrincipalObjectId};
use azconnect_credential::Marker;
use azconnect_graph::{
    Application, ApplicationRef, ApplicationTrust, Applications, Consent, DirectoryObjectId, FederatedCredential,
    FederatedCredentialId, FederatedCredentialRef, NewFederatedCredential, ServicePrincipal,
};
use uuid::Uuid;

use super::Faults;

/// Applications in memory, behind [`Applications`], [`ApplicationTrust`] and the ports that register: `ApplicationRegistrar`,
/// `PrincipalRegistrar`, `ApplicationOwners` and `ConsentKeeper`. Clones are the same tenant.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use azconnect_graph::{Applications, ApplicationRef};
/// use azconnect_testkit::fake::Registrations;
///
/// let tenant = Registrations::new();
/// let deployer = tenant.register("Deployer");
/// let found = tenant.find(deployer.client_id.into()).await?;
/// assert_eq!(found, deployer);
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Registrations {
    registered: Arc<Mutex<Vec<Registered>>>,
    caller: DirectoryObjectId,
    faults: Faults<RegistrationStep>,
}

/// A kind of call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationStep {
    /// Any call that only reads, of either port.
    Read,
    /// Making an application trust, by `ApplicationTrust::ensure`.
    Ensure,
    /// Taking its trust away, by `ApplicationTrust::delete`.
    Delete,
    /// Any change by a port that registers.
    Register,
}

#[derive(Debug)]
struct Registered {
    application: Application,
    principal: Option<ServicePrincipal>,
    trusted: Vec<FederatedCredential>,
    marker: Option<Marker>,
    owners: Vec<DirectoryObjectId>,
    consents: Vec<Consent>,
}

impl Registrations {
    /// A tenant without applications, to which [`register`](Self::register) adds some.
    pub fn new() -> Self {
        let caller = DirectoryObjectId::from(Uuid::new_v4());
        Self { registered: Arc::default(), caller, faults: Faults::default() }
    }

    /// Who makes the calls, and owns what it registers.
    pub fn caller(&self) -> DirectoryObjectId {
        self.caller
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<RegistrationStep> {
        &self.faults
    }

    /// Adds an application of a name, with a service principal and without any password.
    pub fn register(&self, display_name: &str) -> Application {
        let application =
            Application::new(Uuid::new_v4().into(), Uuid::new_v4().into()).with_display_name(display_name);
        let principal = ServicePrincipal::new(PrincipalObjectId::from(Uuid::new_v4()), application.client_id)
            .with_display_name(display_name);
        self.add(application.clone(), Some(principal));
        application
    }

    /// Adds an application as it is given, and its service principal where it has one.
    pub fn add(&self, application: Application, principal: Option<ServicePrincipal>) {
        self.registered().push(Registered {
            application,
            principal,
            trusted: Vec::new(),
            marker: None,
            owners: vec![self.caller],
            consents: Vec::new(),
        });
    }

    /// The truth: whom an application trusts.
    pub fn trusts(&self, application: impl Into<ApplicationRef>) -> Vec<FederatedCredential> {
        let which = application.into();
        self.registered().iter().find(|one| is(one, which)).map(|one| one.trusted.clone()).unwrap_or_default()
    }

    /// Looks at an application, and may change it.
    fn with<T>(
        &self,
        which: ApplicationRef,
        act: impl FnOnce(&mut Registered) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut registered = self.registered();
        act(registered.iter_mut().find(|one| is(one, which)).ok_or_else(|| not_found("application"))?)
    }

    fn registered(&self) -> MutexGuard<'_, Vec<Registered>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Registrations {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Applications for Registrations {
    async fn find(&self, application: ApplicationRef) -> Result<Application, Error> {
        self.faults.read(&RegistrationStep::Read, || self.with(application, |one| Ok(one.application.clone())))
    }

    async fn find_named(&self, display_name: &str) -> Result<Vec<Application>, Error> {
        self.faults.read(&RegistrationStep::Read, || {
            let registered = self.registered();
            let named = registered.iter().filter(|one| one.application.display_name.as_deref() == Some(display_name));
            Ok(named.map(|one| one.application.clone()).collect())
        })
    }

    async fn service_principal_of(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.faults.read(&RegistrationStep::Read, || {
            self.with(client.into(), |one| one.principal.clone().ok_or_else(|| not_found("service principal")))
        })
    }
}

#[async_trait]
impl ApplicationTrust for Registrations {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<FederatedCredential>, Error> {
        self.faults.read(&RegistrationStep::Read, || self.with(application, |one| Ok(one.trusted.clone())))
    }

    async fn ensure(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        wish.check()?;
        self.faults.write(&RegistrationStep::Ensure, || {
            self.with(application, |one| {
                // The rule of the client itself, so that both call the same wishes a conflict.
                if let Some(known) = wish.fulfilled_by(&one.trusted)? {
                    return Ok(known);
                }
                let created = FederatedCredential::new(FederatedCredentialId::from(Uuid::new_v4()), wish);
                one.trusted.push(created.clone());
                Ok(created)
            })
        })
    }

    async fn delete(&self, application: ApplicationRef, which: &FederatedCredentialRef) -> Result<(), Error> {
        self.faults.write(&RegistrationStep::Delete, || {
            self.with(application, |one| {
                one.trusted.retain(|credential| !which.names(credential));
                Ok(())
            })
        })
    }
}

fn is(registered: &Registered, which: ApplicationRef) -> bool {
    match which {
        ApplicationRef::Object(id) => registered.application.id == id,
        ApplicationRef::Client(client) => registered.application.client_id == client,
        _ => false,
    }
}

fn not_found(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the fake tenant has no such {what}"))
        .with_effect(Effect::None)
        .with_advice("register it first")
}
