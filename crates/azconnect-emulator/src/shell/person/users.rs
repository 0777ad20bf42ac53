//! What administrators do with people, and people with themselves.

use azconnect_core::{ClientId, Error, Secret};

use super::{Person, missing};
use crate::model::consent::Grant;
use crate::model::directory::User;
use crate::model::world::World;

impl Person {
    /// Ends every sign-in of a person, as *Revoke sessions* in the Entra admin centre does: refresh tokens are refused with
    /// AADSTS50173, and browsers are signed in no longer. Access tokens live on until they end.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if nobody is called like that.
    pub fn revoke_sign_ins(&self, user_principal_name: &str) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| user.epochs.sign_ins = user.epochs.sign_ins.saturating_add(1))
    }

    /// Gives a person another password, as an administrator does in the Entra admin centre: every sign-in ends as well.
    ///
    /// # Errors
    /// As [`revoke_sign_ins`](Self::revoke_sign_ins).
    pub fn reset_password(&self, user_principal_name: &str, password: &Secret) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| {
            user.password = Some(password.duplicate());
            user.epochs.sign_ins = user.epochs.sign_ins.saturating_add(1);
        })
    }

    /// Has a person change its own password. The refresh tokens of public clients and single-page applications end with it;
    /// those of clients with a credential do not.
    ///
    /// # Errors
    /// As [`revoke_sign_ins`](Self::revoke_sign_ins).
    pub fn change_password(&self, user_principal_name: &str, password: &Secret) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| {
            user.password = Some(password.duplicate());
            user.epochs.passwords = user.epochs.passwords.saturating_add(1);
        })
    }

    /// Disables a person: sign-ins and refresh tokens are refused with AADSTS50057.
    ///
    /// # Errors
    /// As [`revoke_sign_ins`](Self::revoke_sign_ins).
    pub fn disable_user(&self, user_principal_name: &str) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| user.enabled = false)
    }

    /// Enables a person again.
    ///
    /// # Errors
    /// As [`revoke_sign_ins`](Self::revoke_sign_ins).
    pub fn enable_user(&self, user_principal_name: &str) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| user.enabled = true)
    }

    /// Demands more than a password of a person from now on. What followed from a weaker sign-in is refused with
    /// AADSTS50076 until it signs in again.
    ///
    /// # Errors
    /// As [`revoke_sign_ins`](Self::revoke_sign_ins).
    pub fn require_mfa(&self, user_principal_name: &str) -> Result<(), Error> {
        self.change_user(user_principal_name, |user| user.needs_strong_sign_in = true)
    }

    /// Takes back every consent to an application, of everybody and in every tenant. Tokens that it has live on until they
    /// end; with its refresh tokens it hears AADSTS65001.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if nobody has consented to it.
    pub fn withdraw_consent(&self, application: ClientId) -> Result<(), Error> {
        self.act(|world, _| {
            let mut taken = 0;
            for tenant in &mut world.directory.tenants {
                let client = tenant.principal_of(application.as_uuid()).map(|principal| principal.object_id);
                let is_its = |grant: &mut Grant| Some(grant.client) == client;
                taken += tenant.consents.grants.extract_if(.., is_its).count();
            }
            if taken > 0 { Ok(()) } else { Err(missing(format!("nobody has consented to {application}"))) }
        })
    }

    fn change_user(&self, name: &str, change: impl FnOnce(&mut User)) -> Result<(), Error> {
        self.act(|world, _| user(world, name).map(change))
    }
}

fn user<'w>(world: &'w mut World, name: &str) -> Result<&'w mut User, Error> {
    let mut users = world.directory.tenants.iter_mut().flat_map(|tenant| &mut tenant.users);
    let found = users.find(|user| user.principal_name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| missing(format!("nobody is called {name}")))
}
