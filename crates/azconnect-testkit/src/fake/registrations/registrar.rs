//! The ports of the fake tenant that register: applications, their service principals, owners and consents.

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, PrincipalObjectId};
use azconnect_credential::Marker;
use azconnect_graph::{
    Application, ApplicationOwners, ApplicationRef, ApplicationRegistrar, Consent, ConsentKeeper, DirectoryObjectId,
    NewApplication, Owner, PrincipalRegistrar, ServicePrincipal,
};
use uuid::Uuid;

use super::{Registered, RegistrationStep, Registrations, is, not_found};

impl Registrations {
    fn change<T>(&self, act: impl FnOnce(&mut Vec<Registered>) -> Result<T, Error>) -> Result<T, Error> {
        self.faults.write(&RegistrationStep::Register, || act(&mut self.registered()))
    }
}

fn with_principal(all: &mut [Registered], id: PrincipalObjectId) -> Result<&mut Registered, Error> {
    let found = all.iter_mut().find(|one| one.principal.as_ref().is_some_and(|principal| principal.id == id));
    found.ok_or_else(|| not_found("service principal"))
}

#[async_trait]
impl ApplicationRegistrar for Registrations {
    async fn find_marked(&self, marker: &Marker) -> Result<Option<Application>, Error> {
        self.faults.read(&RegistrationStep::Read, || {
            let registered = self.registered();
            let found = registered.iter().find(|one| one.marker.as_ref() == Some(marker));
            Ok(found.map(|one| one.application.clone()))
        })
    }

    async fn ensure(&self, wish: &NewApplication) -> Result<Application, Error> {
        wish.check()?;
        if let Some(known) = self.find_marked(&wish.marker).await? {
            return Ok(known);
        }
        self.change(|all| {
            let application = Application::new(Uuid::new_v4().into(), Uuid::new_v4().into())
                .with_display_name(&wish.display_name)
                .with_audience(wish.audience.clone());
            all.push(Registered {
                application: application.clone(),
                principal: None,
                trusted: Vec::new(),
                marker: Some(wish.marker.clone()),
                owners: vec![self.caller],
                consents: Vec::new(),
            });
            Ok(application)
        })
    }

    async fn delete(&self, application: ApplicationRef) -> Result<(), Error> {
        self.change(|all| {
            all.retain(|one| !is(one, application));
            Ok(())
        })
    }
}

#[async_trait]
impl PrincipalRegistrar for Registrations {
    async fn ensure(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.change(|all| {
            let found = all.iter_mut().find(|one| is(one, client.into())).ok_or_else(|| not_found("application"))?;
            let made = || ServicePrincipal::new(Uuid::new_v4().into(), client);
            Ok(found.principal.get_or_insert_with(made).clone())
        })
    }

    async fn delete(&self, id: PrincipalObjectId) -> Result<(), Error> {
        self.change(|all| {
            if let Ok(found) = with_principal(all, id) {
                found.principal = None;
                found.consents.clear();
            }
            Ok(())
        })
    }
}

#[async_trait]
impl ApplicationOwners for Registrations {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<Owner>, Error> {
        self.faults.read(&RegistrationStep::Read, || {
            self.with(application, |one| Ok(one.owners.iter().map(|id| Owner::new(*id)).collect()))
        })
    }

    async fn add(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        self.change(|all| {
            // The fake knows its caller and its service principals, and nobody else.
            let principals = all.iter().filter_map(|one| one.principal.as_ref());
            let known = principals.map(|principal| DirectoryObjectId::from(principal.id)).any(|id| id == owner);
            let found = all.iter_mut().find(|one| is(one, application)).ok_or_else(|| not_found("application"))?;
            if !known && owner != self.caller {
                return Err(not_found("owner"));
            }
            if !found.owners.contains(&owner) {
                found.owners.push(owner);
            }
            Ok(())
        })
    }

    async fn remove(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        self.change(|all| {
            let found = all.iter_mut().find(|one| is(one, application)).ok_or_else(|| not_found("application"))?;
            if found.owners == [owner] {
                return Err(Error::new(ErrorKind::Conflict, "the application has no other owner")
                    .with_field("owner")
                    .with_effect(Effect::None)
                    .with_advice("add another owner first"));
            }
            found.owners.retain(|known| *known != owner);
            Ok(())
        })
    }
}

#[async_trait]
impl ConsentKeeper for Registrations {
    async fn list(&self, client: PrincipalObjectId) -> Result<Vec<Consent>, Error> {
        self.faults.read(&RegistrationStep::Read, || {
            with_principal(&mut self.registered(), client).map(|one| one.consents.clone())
        })
    }

    async fn grant(&self, consent: &Consent) -> Result<(), Error> {
        consent.check()?;
        self.change(|all| {
            let consents = &mut with_principal(all, holder(consent)?)?.consents;
            if !consents.contains(consent) {
                consents.push(consent.clone());
            }
            Ok(())
        })
    }

    async fn revoke(&self, consent: &Consent) -> Result<(), Error> {
        consent.check()?;
        self.change(|all| {
            with_principal(all, holder(consent)?)?.consents.retain(|known| known != consent);
            Ok(())
        })
    }
}

/// Who was allowed something.
fn holder(consent: &Consent) -> Result<PrincipalObjectId, Error> {
    match consent {
        Consent::Delegated { client, .. } | Consent::Role { client, .. } => Ok(*client),
        _ => Err(Error::invalid("consent", "is of a kind that the fake does not know")),
    }
}
