//! The ground truth of Entra ID: tenants, applications, service principals, users and their secrets.

use std::time::Duration;

use azconnect_core::Secret;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::consent::{self, Consents};
use super::credential_policy::CredentialPolicy;
use super::history::Mortal;
use super::replica::Replica;
use super::trust::Certificate;
use crate::base::moment::Moment;

/// Every tenant of the emulated world.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) tenants: Vec<Tenant>,
}

/// A tenant: its own applications, and the principals that act in it.
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) domain: String,
    pub(crate) display_name: String,
    pub(crate) applications: Vec<Application>,
    pub(crate) principals: Vec<ServicePrincipal>,
    pub(crate) users: Vec<User>,
    /// The service principals of Microsoft's own applications, which other applications call.
    pub(crate) resources: Vec<ServicePrincipal>,
    pub(crate) consents: Consents,
    /// What was deleted and can be restored.
    pub(crate) bin: Vec<Deleted>,
    /// What new credentials the tenant allows.
    pub(crate) policy: CredentialPolicy,
    /// How many changes were asked for at Graph.
    pub(crate) changes: u32,
    /// Whether people may consent for themselves to what takes no administrator.
    pub(crate) people_may_consent: bool,
}

/// An application that was deleted in its home tenant, and what went with it.
pub(crate) struct Deleted {
    pub(crate) application: Application,
    /// Its service principal in the home tenant, if it had one.
    pub(crate) principal: Option<ServicePrincipal>,
    /// When it was deleted.
    pub(crate) at: Moment,
}

/// How long a deleted application can be restored, by *Recover deleted applications*.
const BIN_LIFE: time::Duration = time::Duration::days(30);

impl Deleted {
    /// Whether its time in the bin is over.
    pub(crate) fn is_purged(&self, wall: OffsetDateTime) -> bool {
        self.at.wall.saturating_add(BIN_LIFE) <= wall
    }
}

/// An application registration, in its home tenant.
pub(crate) struct Application {
    pub(crate) object_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) display_name: String,
    pub(crate) sign_in_audience: String,
    pub(crate) passwords: Vec<Password>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) federated: Vec<Federated>,
    /// Those that were removed, and when: replicas that have not heard of it go on listing them.
    pub(crate) removed_federated: Vec<(Federated, Duration)>,
    /// The object ids of its owners.
    pub(crate) owners: Vec<Uuid>,
    pub(crate) created: Birth,
    /// The other fields as Graph shows them.
    pub(crate) document: Map<String, Value>,
}

/// An application's presence in a tenant.
pub(crate) struct ServicePrincipal {
    pub(crate) object_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) display_name: String,
    pub(crate) enabled: bool,
    /// How Graph keeps it from everybody who asks; sign-ins go on.
    pub(crate) hidden: Option<Hidden>,
    pub(crate) passwords: Vec<Password>,
    /// They authenticate as those of its application do.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) owners: Vec<Uuid>,
    /// The application roles it has been granted at Graph.
    pub(crate) graph_roles: Vec<String>,
    pub(crate) created: Birth,
    pub(crate) document: Map<String, Value>,
}

/// How Graph answers a request for an object that the caller may not see. It is in no list either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hidden {
    /// 403 `Authorization_RequestDenied`: it is there, and closed.
    Denied,
    /// 404 `Request_ResourceNotFound`: as if it were not there.
    NotFound,
}

/// A person who may sign in to a tenant.
pub(crate) struct User {
    pub(crate) object_id: Uuid,
    pub(crate) principal_name: String,
    pub(crate) display_name: String,
    pub(crate) mail: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) enabled: bool,
    /// Whether a password alone is not enough.
    pub(crate) needs_strong_sign_in: bool,
    /// Whether it may consent for everybody, and to what only an administrator may.
    pub(crate) is_administrator: bool,
    /// The sign-in name at home, of somebody who is a guest here.
    pub(crate) guest_of: Option<String>,
    pub(crate) epochs: Epochs,
}

/// How often a person's sign-ins were ended. Numbers and not moments, since a clock may stand still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    /// Every sign-in of an earlier number counts for nothing.
    pub(crate) sign_ins: u32,
    /// Nor do those of public clients, once the person has changed its password.
    pub(crate) passwords: u32,
}

/// A federated identity credential, as Graph shows it.
pub(crate) struct Federated {
    pub(crate) id: Uuid,
    pub(crate) document: Map<String, Value>,
    pub(crate) created: Birth,
}

/// When something was created. What comes from the seed has no elapsed time: every replica has always known it.
#[derive(Clone, Copy)]
pub(crate) struct Birth {
    pub(crate) wall: OffsetDateTime,
    pub(crate) elapsed: Option<Duration>,
}

/// A client secret, kept after its removal for the replicas that have not heard of it, and for the truth.
pub(crate) struct Password {
    pub(crate) key_id: Uuid,
    pub(crate) display_name: Option<String>,
    pub(crate) starts: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
    pub(crate) text: Secret,
    pub(crate) added: Option<Duration>,
    pub(crate) removed: Option<(Duration, OffsetDateTime)>,
}

impl Password {
    /// The first three characters, by which people tell secrets apart.
    pub(crate) fn hint(&self) -> String {
        self.text.expose().chars().take(3).collect()
    }

    /// Whether it has not been removed, whatever replicas believe.
    pub(crate) fn is_live(&self) -> bool {
        self.removed.is_none()
    }

    /// Whether a replica of the token endpoint believes it to exist.
    pub(crate) fn is_known_to(&self, replica: &Replica<'_>) -> bool {
        let added = self.added.is_none_or(|added| replica.has_seen_addition(self.key_id, added));
        let removed = self.removed.is_some_and(|(removed, _)| replica.has_seen_removal(self.key_id, removed));
        added && !removed
    }

    /// Whether a replica of the token endpoint accepts it at a moment.
    pub(crate) fn is_accepted_by(&self, replica: &Replica<'_>, wall: OffsetDateTime) -> bool {
        self.is_known_to(replica) && self.starts <= wall && wall < self.ends
    }
}

impl Mortal for Password {
    fn removed_at(&self) -> Option<Duration> {
        self.removed.map(|(at, _)| at)
    }
}

impl Mortal for Deleted {
    fn removed_at(&self) -> Option<Duration> {
        Some(self.at.elapsed)
    }
}

impl Mortal for (Federated, Duration) {
    fn removed_at(&self) -> Option<Duration> {
        Some(self.1)
    }
}

impl Directory {
    /// A tenant by its id or domain.
    pub(crate) fn tenant(&self, name: &str) -> Option<&Tenant> {
        let id = Uuid::parse_str(name).ok();
        self.tenants.iter().find(|tenant| Some(tenant.id) == id || tenant.domain.eq_ignore_ascii_case(name))
    }

    pub(crate) fn tenant_by_id(&self, id: Uuid) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    pub(crate) fn tenant_mut(&mut self, id: Uuid) -> Option<&mut Tenant> {
        self.tenants.iter_mut().find(|tenant| tenant.id == id)
    }

    /// An application by its client id, with its home tenant.
    pub(crate) fn application(&self, client_id: Uuid) -> Option<(&Tenant, &Application)> {
        // Over all tenants: a service principal may stand for an application whose home is another tenant.
        self.tenants.iter().find_map(|tenant| {
            let application = tenant.applications.iter().find(|application| application.client_id == client_id)?;
            Some((tenant, application))
        })
    }

    /// A service principal by its object id.
    pub(crate) fn principal(&self, object_id: Uuid) -> Option<&ServicePrincipal> {
        self.tenants.iter().find_map(|tenant| tenant.principals.iter().find(|p| p.object_id == object_id))
    }

    /// The application roles that a service principal has at Graph, from the beginning or by consent.
    pub(crate) fn graph_roles_of(&self, object_id: Uuid) -> Vec<String> {
        let given = self.tenants.iter().flat_map(|tenant| {
            let graph = tenant.resources.iter().find(|resource| consent::is_graph(resource));
            let assigned = tenant.consents.assignments.iter();
            assigned.filter(move |one| one.principal == object_id && graph.is_some_and(|g| g.object_id == one.resource))
        });
        let given = given.filter_map(|one| consent::graph_role(one.role)).map(str::to_owned);
        let own = self.principal(object_id).map(|principal| principal.graph_roles.clone()).unwrap_or_default();
        own.into_iter().chain(given).collect()
    }

    /// A person by its object id.
    pub(crate) fn user(&self, object_id: Uuid) -> Option<&User> {
        self.tenants.iter().find_map(|tenant| tenant.users.iter().find(|user| user.object_id == object_id))
    }

    /// Every certificate that authenticates a client in a tenant: of its application, then of its service principal.
    pub(crate) fn certificates_of<'a>(&'a self, tenant: &'a Tenant, client_id: Uuid) -> Vec<&'a Certificate> {
        let application = self.application(client_id).map(|(_, application)| application.certificates.as_slice());
        let principal = tenant.principal_of(client_id).map(|principal| principal.certificates.as_slice());
        application.into_iter().chain(principal).flatten().collect()
    }

    /// Every password that authenticates a client in a tenant: of its application, then of its service principal.
    pub(crate) fn passwords_of<'a>(&'a self, tenant: &'a Tenant, client_id: Uuid) -> Vec<&'a Password> {
        let application = self.application(client_id).map(|(_, application)| application.passwords.as_slice());
        let principal = tenant.principals.iter().find(|p| p.client_id == client_id).map(|p| p.passwords.as_slice());
        application.into_iter().chain(principal).flatten().collect()
    }

    /// Every password there ever was, those of deleted applications included.
    pub(crate) fn all_passwords(&self) -> impl Iterator<Item = &Password> {
        self.tenants.iter().flat_map(|tenant| {
            let deleted = tenant.bin.iter().map(|deleted| &deleted.application);
            let applications = tenant.applications.iter().chain(deleted).flat_map(|application| &application.passwords);
            let deleted = tenant.bin.iter().filter_map(|deleted| deleted.principal.as_ref());
            applications.chain(tenant.principals.iter().chain(deleted).flat_map(|principal| &principal.passwords))
        })
    }

    /// The certificate with these bytes, live or removed, of applications and service principals that were not deleted.
    pub(crate) fn certificate_with(&self, der: &[u8]) -> Option<&Certificate> {
        let mut matching: Vec<&Certificate> = self
            .tenants
            .iter()
            .flat_map(|tenant| {
                let applications = tenant.applications.iter().flat_map(|application| &application.certificates);
                applications.chain(tenant.principals.iter().flat_map(|principal| &principal.certificates))
            })
            .filter(|one| one.der() == der)
            .collect();
        // The same one may have been removed and added again; the one that lives is the one that counts.
        matching.sort_by_key(|one| !one.is_live());
        matching.first().copied()
    }

    /// The password with a key id, wherever it is, to be changed.
    pub(crate) fn password_mut(&mut self, key_id: Uuid) -> Option<&mut Password> {
        let passwords = self.tenants.iter_mut().flat_map(|tenant| {
            let applications = tenant.applications.iter_mut().flat_map(|application| &mut application.passwords);
            applications.chain(tenant.principals.iter_mut().flat_map(|principal| &mut principal.passwords))
        });
        passwords.into_iter().find(|password| password.key_id == key_id)
    }

    /// The tenant that an application is registered in, to be changed.
    pub(crate) fn home_mut(&mut self, client_id: Uuid) -> Option<&mut Tenant> {
        self.tenants.iter_mut().find(|tenant| tenant.applications.iter().any(|a| a.client_id == client_id))
    }

    /// The password with a text, live or removed.
    pub(crate) fn password_with(&self, text: &Secret) -> Option<&Password> {
        let mut matching: Vec<&Password> = self.all_passwords().filter(|p| p.text.same_as(text)).collect();
        // A text may have been removed and added again; the one that lives is the one that counts.
        matching.sort_by_key(|password| !password.is_live());
        matching.first().copied()
    }

    pub(crate) fn secret_of(&self, key_id: &str) -> Option<Secret> {
        let id = Uuid::parse_str(key_id).ok()?;
        self.all_passwords().find(|password| password.key_id == id).map(|password| password.text.duplicate())
    }
}

impl Tenant {
    /// Puts an application into the bin. Its service principal in this tenant, which is its home, goes with it.
    pub(crate) fn throw_away(&mut self, object_id: Uuid, now: Moment) -> bool {
        let Some(place) = self.applications.iter().position(|a| a.object_id == object_id) else { return false };
        let application = self.applications.remove(place);
        let place = self.principals.iter().position(|principal| principal.client_id == application.client_id);
        let principal = place.map(|place| self.principals.remove(place));
        self.bin.retain(|deleted| !deleted.is_purged(now.wall));
        self.bin.push(Deleted { application, principal, at: now });
        true
    }

    /// Takes an application out of the bin, with all that it was.
    pub(crate) fn take_back(&mut self, client_id: Uuid) -> bool {
        let Some(place) = self.bin.iter().position(|deleted| deleted.application.client_id == client_id) else {
            return false;
        };
        let deleted = self.bin.remove(place);
        self.applications.push(deleted.application);
        self.principals.extend(deleted.principal);
        true
    }

    /// The service principal of a client, also of one of Microsoft's own applications.
    pub(crate) fn any_principal_of(&self, client_id: Uuid) -> Option<&ServicePrincipal> {
        self.principals.iter().chain(&self.resources).find(|principal| principal.client_id == client_id)
    }

    pub(crate) fn principal_of(&self, client_id: Uuid) -> Option<&ServicePrincipal> {
        self.principals.iter().find(|principal| principal.client_id == client_id)
    }
}
