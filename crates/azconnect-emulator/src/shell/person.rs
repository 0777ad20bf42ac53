//! What people do behind everybody's back.

mod connections;
mod users;

use azconnect_core::{ClientId, Error, ErrorKind, KeyId, Secret};
use time::OffsetDateTime;

use super::emulator::Emulator;
use crate::base::moment::Moment;
use crate::model::directory::{Hidden, Password, ServicePrincipal, Tenant};
use crate::model::world::World;

/// A person at a portal: changes the world as the services let people change it, without a request that anybody's client
/// makes. See [`Emulator::person`](crate::Emulator::person).
///
/// Replicas learn of a person's changes to secrets as they learn of anybody's, after the lags of the
/// [`Settings`](crate::Settings); all else is seen at once. What is not there is an error of kind
/// [`NotFound`](ErrorKind::NotFound), and nothing changes.
///
/// ```
/// # use std::sync::Arc;
/// # use azconnect_emulator::{Emulator, Seed};
/// # use azconnect_testkit::ManualClock;
/// # let seed = Seed::from_json(r#"{"tenants": [{
/// #     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com",
/// #     "applications": [{"displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002"}]
/// # }]}"#)?;
/// # let emulator = Emulator::from_seed(seed, Arc::new(ManualClock::new()))?;
/// let deployer = "10000000-0000-4000-8000-000000000002".parse()?;
/// let person = emulator.person();
/// let key = person.add_password(deployer, "by hand", emulator.truth().now + time::Duration::days(30))?;
/// assert!(emulator.truth().password(key).is_some_and(|password| password.accepted.everywhere));
///
/// person.disable_application(deployer)?;
/// assert!(emulator.truth().password(key).is_some_and(|password| password.live && !password.accepted.somewhere));
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Person {
    emulator: Emulator,
}

impl Person {
    pub(crate) fn new(emulator: Emulator) -> Self {
        Self { emulator }
    }

    /// Adds a client secret to an application. [`Emulator::secret_of`](crate::Emulator::secret_of) has its text.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such application.
    pub fn add_password(
        &self,
        application: ClientId,
        display_name: &str,
        ends_at: OffsetDateTime,
    ) -> Result<KeyId, Error> {
        self.act(|world, now| {
            let password = made(world, display_name, ends_at, now);
            let key = password.key_id;
            let id = application.as_uuid();
            let tenant = world.directory.home_mut(id).ok_or_else(|| no_application(application))?;
            let found = tenant.applications.iter_mut().find(|one| one.client_id == id);
            found.ok_or_else(|| no_application(application))?.passwords.push(password);
            Ok(key.into())
        })
    }

    /// Adds a client secret to the service principal of an application, in its home tenant.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn add_service_principal_password(
        &self,
        application: ClientId,
        display_name: &str,
        ends_at: OffsetDateTime,
    ) -> Result<KeyId, Error> {
        self.act(|world, now| {
            let password = made(world, display_name, ends_at, now);
            let key = password.key_id;
            principal(world, application)?.passwords.push(password);
            Ok(key.into())
        })
    }

    /// Deletes a client secret, of an application or a service principal. It cannot be restored.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such secret, or it was removed before.
    pub fn delete_password(&self, key: KeyId) -> Result<(), Error> {
        self.act(|world, now| {
            let found = world.directory.password_mut(key.as_uuid()).filter(|password| password.is_live());
            found.ok_or_else(|| missing(format!("no secret is called {key}")))?.removed = Some((now.elapsed, now.wall));
            Ok(())
        })
    }

    /// Disables the service principal of an application in its home tenant: every sign-in is refused with AADSTS7000112.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn disable_application(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, _| principal(world, application).map(|principal| principal.enabled = false))
    }

    /// Enables the service principal of an application again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn enable_application(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, _| principal(world, application).map(|principal| principal.enabled = true))
    }

    /// Deletes an application, and with it its service principal in its home tenant. Nobody signs in with its secrets,
    /// and [`restore_application`](Self::restore_application) brings everything back.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such application.
    pub fn delete_application(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, now| {
            let id = application.as_uuid();
            let tenant = world.directory.home_mut(id).ok_or_else(|| no_application(application))?;
            let object = tenant.applications.iter().find(|one| one.client_id == id).map(|one| one.object_id);
            object
                .filter(|object| tenant.throw_away(*object, now))
                .map(|_| ())
                .ok_or_else(|| no_application(application))
        })
    }

    /// Restores a deleted application with its service principal and all secrets that it had, under the same ids.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no such application was deleted.
    pub fn restore_application(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, _| {
            let taken = world.directory.tenants.iter_mut().any(|tenant| tenant.take_back(application.as_uuid()));
            if taken { Ok(()) } else { Err(missing(format!("no deleted application is called {application}"))) }
        })
    }

    /// Takes everybody's permission to see the service principal of an application, in its home tenant: Graph answers as
    /// `how` says. Sign-ins go on.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn hide_service_principal(&self, application: ClientId, how: Hidden) -> Result<(), Error> {
        self.act(|world, _| principal(world, application).map(|principal| principal.hidden = Some(how)))
    }

    /// Gives the permission to see the service principal back.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn show_service_principal(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, _| principal(world, application).map(|principal| principal.hidden = None))
    }

    /// Does something to the world, after what should have reached it before.
    fn act<T>(&self, deed: impl FnOnce(&mut World, Moment) -> Result<T, Error>) -> Result<T, Error> {
        self.emulator.catch_up();
        let now = self.emulator.now();
        deed(&mut self.emulator.world(), now)
    }
}

fn made(world: &mut World, display_name: &str, ends: OffsetDateTime, now: Moment) -> Password {
    Password {
        key_id: world.dice.guid(),
        display_name: Some(display_name.to_owned()),
        starts: now.wall,
        ends,
        text: Secret::new(world.dice.client_secret()),
        added: Some(now.elapsed),
        removed: None,
    }
}

/// The service principal of an application in its home tenant; elsewhere, if its home is unknown.
fn principal(world: &mut World, application: ClientId) -> Result<&mut ServicePrincipal, Error> {
    let id = application.as_uuid();
    let home = world.directory.application(id).map(|(tenant, _)| tenant.id);
    let is_home = |tenant: &Tenant| home.is_none_or(|home| tenant.id == home);
    let tenants = world.directory.tenants.iter_mut().filter(|tenant| is_home(tenant));
    let mut principals = tenants.flat_map(|tenant| &mut tenant.principals);
    principals
        .find(|principal| principal.client_id == id)
        .ok_or_else(|| missing(format!("the application {application} has no service principal")))
}

fn no_application(application: ClientId) -> Error {
    missing(format!("no application is called {application}"))
}

fn missing(message: String) -> Error {
    Error::new(ErrorKind::NotFound, message).with_advice("take an id from the seed or from the ground truth")
}
