//! The ground truth, whatever any replica or answer says. Tests judge by it.

use azconnect_core::{ApplicationObjectId, ClientId, KeyId, PrincipalObjectId, Secret, TenantId};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::moment::Moment;
use crate::model::arm::ledger::LedgerEntry;
use crate::model::devops::{Connection, Organization};
use crate::model::directory::{Application, Deleted, Directory, Password, ServicePrincipal, Tenant};
use crate::model::replica::Replica;
use crate::model::trust::{Certificate, certificate_in, holds_key_of};
use crate::model::world::World;

/// A snapshot of the ground truth. It holds ids, never the text of a secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Truth {
    /// The moment of the snapshot, by the emulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// Every application that is registered or has a service principal in a tenant.
    pub applications: Vec<ApplicationTruth>,
    /// Every application that was deleted and can be restored. Nobody signs in with their secrets.
    pub deleted_applications: Vec<ApplicationTruth>,
    /// Every service connection that has not been deleted.
    pub connections: Vec<ConnectionTruth>,
    /// Every resource that ever existed at Azure Resource Manager.
    pub ledger: Vec<LedgerEntry>,
    /// How many requests were received, those that met a fault included.
    pub exchanges: u64,
    /// How many of those requests no route knew.
    pub unknown_routes: u64,
    /// The unknown routes as service, method and path, at most a hundred different ones.
    pub unknown_route_names: Vec<String>,
}

/// An application in one tenant, and its client secrets there.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ApplicationTruth {
    /// The id of the tenant that it is registered or present in.
    pub tenant: TenantId,
    /// The application's client id, the `appId` of Graph.
    pub client_id: ClientId,
    /// Its object id; none where only its service principal is in this tenant.
    pub object_id: Option<ApplicationObjectId>,
    /// The object id of its service principal in this tenant.
    pub service_principal_id: Option<PrincipalObjectId>,
    /// Its display name in this tenant.
    pub display_name: String,
    /// Whether its service principal in this tenant is there and may sign in.
    pub enabled: bool,
    /// Its client secrets, removed ones included.
    pub passwords: Vec<PasswordTruth>,
    /// Its certificates, removed ones included.
    pub certificates: Vec<CertificateTruth>,
}

/// A certificate that an application signs in with.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CertificateTruth {
    /// Its public id, the `keyId` of Graph.
    pub key_id: KeyId,
    /// Its display name, verbatim; a marker, where a rotation minted it.
    pub display_name: Option<String>,
    /// When it begins to be valid, also before it is known everywhere.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it stops being valid, unless it is removed before.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// Whether it has not been removed. An expired one is live until someone removes it.
    pub live: bool,
    /// When it was removed; none while it is live.
    #[serde(with = "time::serde::rfc3339::option")]
    pub removed_at: Option<OffsetDateTime>,
    /// Whether the application or its service principal has it.
    pub on: PasswordHome,
    /// Whether the token endpoint accepts assertions that it has signed.
    pub accepted: Acceptance,
}

/// Which directory object has a client secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordHome {
    /// Among the `passwordCredentials` of the application.
    Application,
    /// Among the `passwordCredentials` of its service principal.
    ServicePrincipal,
}

/// A client secret, without its text and its hint.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasswordTruth {
    /// Its public id, the `keyId` of Graph.
    pub key_id: KeyId,
    /// Its display name, verbatim; a marker, where a rotation minted it.
    pub display_name: Option<String>,
    /// When it begins to be valid, also before it is known everywhere.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it stops being valid, unless it is removed before.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// Whether it has not been removed. An expired one is live until someone removes it.
    pub live: bool,
    /// When it was removed; none while it is live.
    #[serde(with = "time::serde::rfc3339::option")]
    pub removed_at: Option<OffsetDateTime>,
    /// Whether the application or its service principal has it.
    pub on: PasswordHome,
    /// Whether the token endpoint accepts it now.
    pub accepted: Acceptance,
}

/// How many replicas of the token endpoint accept a secret at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Acceptance {
    /// Whether every replica of the token endpoint accepts it now.
    pub everywhere: bool,
    /// Whether at least one replica accepts it.
    pub somewhere: bool,
}

/// Whose secret a service connection holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "key_id")]
#[non_exhaustive]
pub enum Held {
    /// It holds no secret, as with workload identity federation.
    Nothing,
    /// The client secret of this key, or the certificate of it, live or removed.
    Key(KeyId),
    /// A text that was never a client secret of this directory.
    Unknown,
}

/// A service connection, and what is really in it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ConnectionTruth {
    /// The name of its organization.
    pub organization: String,
    /// The names of the projects it is in, its own first.
    pub projects: Vec<String>,
    /// Its id, the same in all its projects.
    #[serde(serialize_with = "as_text")]
    pub id: Uuid,
    /// Its name in the project that owns it.
    pub name: String,
    /// Its type, such as `azurerm`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its authentication scheme, such as `ServicePrincipal`.
    pub scheme: String,
    /// Whose secret it holds.
    pub holds: Held,
    /// Whether the token endpoint accepts that secret for the client that the connection names, if it names one.
    pub accepted: Acceptance,
    /// Whether a pipeline that uses it now is certain to succeed: accepted everywhere, and not broken.
    pub secret_usable_now: bool,
    /// Whether an update with `accessToken: null` broke it.
    pub broken: bool,
    /// Whether its creation, or its conversion, has ended well.
    pub ready: bool,
}

impl Truth {
    /// A service connection by its id, unless it was deleted.
    pub fn connection(&self, id: Uuid) -> Option<&ConnectionTruth> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    /// An application by its client id, in its home tenant first.
    pub fn application(&self, client_id: ClientId) -> Option<&ApplicationTruth> {
        let mut matching = self.applications.iter().filter(|application| application.client_id == client_id);
        let first = matching.next()?;
        if first.object_id.is_some() {
            return Some(first);
        }
        matching.find(|application| application.object_id.is_some()).or(Some(first))
    }

    /// A secret by the id of its key, also one of a deleted application.
    pub fn password(&self, key_id: KeyId) -> Option<&PasswordTruth> {
        self.applications
            .iter()
            .chain(&self.deleted_applications)
            .flat_map(|application| &application.passwords)
            .find(|p| p.key_id == key_id)
    }

    pub(crate) fn of(world: &World, now: Moment, exchanges: u64) -> Self {
        let replicas = Replica::all_of_tokens(&world.settings, now);
        let view = View { directory: &world.directory, replicas, now };
        let connections = world.devops.organizations.iter().flat_map(|organization| {
            let existing = organization.connections.iter().filter(|connection| connection.exists(now.elapsed));
            existing.map(|connection| view.connection(organization, connection))
        });
        Self {
            now: now.wall,
            applications: view.applications(),
            deleted_applications: view.deleted(),
            connections: connections.collect(),
            ledger: world.arm.ledger.entries().to_vec(),
            exchanges,
            unknown_routes: world.unknown_routes,
            unknown_route_names: world.unknown_route_names.iter().cloned().collect(),
        }
    }
}

/// What a client signs in with.
#[derive(Clone, Copy)]
enum Credential<'a> {
    Password(&'a Password),
    Certificate(&'a Certificate),
}

impl Credential<'_> {
    fn key_id(self) -> Uuid {
        match self {
            Self::Password(one) => one.key_id,
            Self::Certificate(one) => one.key_id,
        }
    }

    fn is_accepted_by(self, replica: &Replica<'_>, wall: OffsetDateTime) -> bool {
        match self {
            Self::Password(one) => one.is_accepted_by(replica, wall),
            Self::Certificate(one) => one.is_accepted_by(replica, wall),
        }
    }
}

struct View<'a> {
    directory: &'a Directory,
    replicas: Vec<Replica<'a>>,
    now: Moment,
}

impl View<'_> {
    fn applications(&self) -> Vec<ApplicationTruth> {
        let mut all = Vec::new();
        for tenant in &self.directory.tenants {
            let own = tenant.applications.iter();
            all.extend(own.map(|one| self.application(tenant, one, tenant.principal_of(one.client_id))));
            let own = |client_id| tenant.applications.iter().any(|a| a.client_id == client_id);
            let foreign = tenant.principals.iter().filter(|principal| !own(principal.client_id));
            all.extend(foreign.map(|principal| self.foreign(tenant, principal)));
        }
        all
    }

    /// The applications in the bin. Nobody signs in with their secrets, which `acceptance` sees by itself.
    fn deleted(&self) -> Vec<ApplicationTruth> {
        let bin = self.directory.tenants.iter().flat_map(|tenant| tenant.bin.iter().map(move |one| (tenant, one)));
        let truth = |(tenant, one): (&Tenant, &Deleted)| {
            let truth = self.application(tenant, &one.application, one.principal.as_ref());
            ApplicationTruth { enabled: false, ..truth }
        };
        bin.map(truth).collect()
    }

    fn application(
        &self,
        tenant: &Tenant,
        one: &Application,
        principal: Option<&ServicePrincipal>,
    ) -> ApplicationTruth {
        let principals = self.principals_of(one.client_id);
        let mut passwords = self.passwords(&one.passwords, PasswordHome::Application, &principals);
        let mut certificates = self.certificates(&one.certificates, PasswordHome::Application, &principals);
        if let Some(principal) = principal {
            let on = PasswordHome::ServicePrincipal;
            passwords.extend(self.passwords(&principal.passwords, on, &principals));
            certificates.extend(self.certificates(&principal.certificates, on, &principals));
        }
        ApplicationTruth {
            tenant: tenant.id.into(),
            client_id: one.client_id.into(),
            object_id: Some(one.object_id.into()),
            service_principal_id: principal.map(|principal| principal.object_id.into()),
            display_name: one.display_name.clone(),
            enabled: principal.is_some_and(|principal| principal.enabled),
            passwords,
            certificates,
        }
    }

    fn foreign(&self, tenant: &Tenant, principal: &ServicePrincipal) -> ApplicationTruth {
        ApplicationTruth {
            tenant: tenant.id.into(),
            client_id: principal.client_id.into(),
            object_id: None,
            service_principal_id: Some(principal.object_id.into()),
            display_name: principal.display_name.clone(),
            enabled: principal.enabled,
            passwords: self.passwords(&principal.passwords, PasswordHome::ServicePrincipal, &[principal]),
            certificates: self.certificates(&principal.certificates, PasswordHome::ServicePrincipal, &[principal]),
        }
    }

    fn passwords(
        &self,
        passwords: &[Password],
        on: PasswordHome,
        principals: &[&ServicePrincipal],
    ) -> Vec<PasswordTruth> {
        let truth = |password: &Password| PasswordTruth {
            key_id: password.key_id.into(),
            display_name: password.display_name.clone(),
            starts_at: password.starts,
            ends_at: password.ends,
            live: password.is_live(),
            removed_at: password.removed.map(|(_, wall)| wall),
            on,
            accepted: self.acceptance(Credential::Password(password), principals),
        };
        passwords.iter().map(truth).collect()
    }

    fn certificates(
        &self,
        certificates: &[Certificate],
        on: PasswordHome,
        principals: &[&ServicePrincipal],
    ) -> Vec<CertificateTruth> {
        let ago = |removed: std::time::Duration| self.now.wall - self.now.elapsed.saturating_sub(removed);
        let truth = |one: &Certificate| CertificateTruth {
            key_id: one.key_id.into(),
            display_name: one.display_name.clone(),
            starts_at: one.starts,
            ends_at: one.ends,
            live: one.is_live(),
            removed_at: one.removed.map(ago),
            on,
            accepted: self.acceptance(Credential::Certificate(one), principals),
        };
        certificates.iter().map(truth).collect()
    }

    /// The service principals of an application, in every tenant.
    fn principals_of(&self, client_id: Uuid) -> Vec<&ServicePrincipal> {
        let all = self.directory.tenants.iter().flat_map(|tenant| &tenant.principals);
        all.filter(|principal| principal.client_id == client_id).collect()
    }

    /// How many replicas accept a credential. Nobody signs in without a service principal, or with a disabled one.
    fn acceptance(&self, credential: Credential<'_>, principals: &[&ServicePrincipal]) -> Acceptance {
        let lets_in = |replica: &Replica<'_>| {
            let mut enabled = principals.iter().filter(|principal| principal.enabled);
            enabled.any(|principal| replica.has_seen_creation(principal.object_id, principal.created.elapsed))
        };
        let accepts = |replica: &Replica<'_>| lets_in(replica) && credential.is_accepted_by(replica, self.now.wall);
        Acceptance { everywhere: self.replicas.iter().all(accepts), somewhere: self.replicas.iter().any(accepts) }
    }

    fn connection(&self, organization: &Organization, connection: &Connection) -> ConnectionTruth {
        let names = connection.references.iter().filter_map(|reference| organization.project_by_id(reference.project));
        let held = connection.secrets.first().map(|(_, text)| self.credential_of(text));
        let accepted = match held {
            Some(Some(credential)) => match self.client_of(connection, credential) {
                Some(client) => self.acceptance(credential, &self.principals_of(client)),
                None => Acceptance::default(),
            },
            _ => Acceptance::default(),
        };
        ConnectionTruth {
            organization: organization.name.clone(),
            projects: names.map(|project| project.name.clone()).collect(),
            id: connection.id,
            name: connection.references.first().map(|r| r.name.clone()).unwrap_or_default(),
            kind: connection.text("type").unwrap_or_default().to_owned(),
            scheme: connection.scheme().unwrap_or_default().to_owned(),
            holds: match held {
                None => Held::Nothing,
                Some(None) => Held::Unknown,
                Some(Some(credential)) => Held::Key(credential.key_id().into()),
            },
            accepted,
            secret_usable_now: accepted.everywhere && !connection.broken,
            broken: connection.broken,
            ready: connection.is_ready(self.now.elapsed),
        }
    }

    /// The client secret, or the certificate with its key, that a text is.
    fn credential_of(&self, text: &Secret) -> Option<Credential<'_>> {
        if let Some(der) = certificate_in(text.expose()) {
            let known = self.directory.certificate_with(&der).filter(|_| holds_key_of(text.expose(), &der));
            return known.map(Credential::Certificate);
        }
        self.directory.password_with(text).map(Credential::Password)
    }

    /// The client that signs in with a credential, if it is the one that a connection names. A connection that names none,
    /// such as one to a registry with a user's name, may hold anyone's.
    fn client_of(&self, connection: &Connection, credential: Credential<'_>) -> Option<Uuid> {
        let named = ["serviceprincipalid", "username", "spnId"].into_iter().find_map(|key| connection.parameter(key));
        let named = named.and_then(|client| Uuid::parse_str(client).ok());
        let mut principals = self.directory.tenants.iter().flat_map(|tenant| {
            let named = tenant.principals.iter().filter(|one| named.is_none_or(|client| one.client_id == client));
            named.map(move |principal| (tenant, principal.client_id))
        });
        let has = |(tenant, client): &(&Tenant, Uuid)| {
            let (passwords, certificates) =
                (self.directory.passwords_of(tenant, *client), self.directory.certificates_of(tenant, *client));
            let mut keys = passwords.iter().map(|one| one.key_id).chain(certificates.iter().map(|one| one.key_id));
            keys.any(|known| known == credential.key_id())
        };
        principals.find(has).map(|(_, client)| client)
    }
}

fn as_text<S: serde::Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
