//! What people and administrators let a client do: what they have consented to, what is missing, and what they add.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::denial;
use super::resource::permissions_of;
use super::scope::{OPENID, Part, Wanted};
use crate::base::dice::Dice;
use crate::base::moment::Moment;
use crate::base::refusal::OrRefusal;
use crate::model::consent::{Assignment, Grant};
use crate::model::directory::{Birth, Directory, ServicePrincipal, Tenant, User};
use crate::model::registration::Registration;
use crate::model::replica::Replica;
use crate::model::sign_in::ForWhom;

/// Permissions of one resource, by its client id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) resource: Uuid,
    pub(super) names: BTreeSet<String>,
}

/// A client and a person in a tenant, as one replica sees them.
pub(super) struct Relation<'a> {
    pub(super) directory: &'a Directory,
    pub(super) tenant: &'a Tenant,
    pub(super) registration: &'a Registration,
    pub(super) person: &'a User,
    pub(super) replica: &'a Replica<'a>,
}

impl Relation<'_> {
    /// What was consented to for a resource, by the person or for everybody; nothing where nobody was ever asked.
    pub(super) fn held(&self, resource: Uuid) -> Option<BTreeSet<String>> {
        let resource = resource_object(self.tenant, resource);
        let mut grants = self.grants().filter(|grant| grant.resource == resource).peekable();
        grants.peek()?;
        Some(grants.flat_map(|grant| grant.scope.split_ascii_whitespace().map(str::to_owned)).collect())
    }

    fn grants(&self) -> impl Iterator<Item = &Grant> {
        let client = self.tenant.principal_of(self.registration.client_id).map(|principal| principal.object_id);
        self.tenant.consents.grants.iter().filter(move |grant| {
            Some(grant.client) == client
                && grant.person.is_none_or(|person| person == self.person.object_id)
                && self.replica.has_seen_creation(grant.id, grant.created.elapsed)
        })
    }

    /// What a token for one resource may carry.
    ///
    /// Refused if a scope was not consented to. `.default` is what was consented to, whatever has been registered since.
    pub(super) fn granted(&self, part: &Part, openid: &[String]) -> OrRefusal<Vec<String>> {
        if self.registration.is_microsoft_s() {
            let names = part.names.iter().cloned();
            return Ok(if part.is_default { vec!["user_impersonation".to_owned()] } else { names.collect() });
        }
        let missing = || denial::consent_missing(self.registration);
        // OpenID's scopes come with the first consent, whatever it was for.
        if !openid.is_empty() && self.grants().next().is_none() {
            return Err(missing());
        }
        if part.is_default {
            let held = self.held(part.resource.app).ok_or_else(missing)?;
            return Ok(held.into_iter().filter(|name| !OPENID.contains(&name.as_str())).collect());
        }
        let held = self.held(part.resource.app).unwrap_or_default();
        if part.names.iter().all(|name| held.contains(name)) { Ok(part.names.clone()) } else { Err(missing()) }
    }

    /// What the person is asked to consent to. With `again`, also to what it has consented to before.
    pub(super) fn missing(&self, wanted: &Wanted, again: bool) -> OrRefusal<Vec<Asked>> {
        if self.registration.is_microsoft_s() {
            return Ok(Vec::new());
        }
        let mut asked = Vec::new();
        for part in &wanted.parts {
            let held = if again { None } else { self.held(part.resource.app) };
            if !part.is_default {
                let held = held.unwrap_or_default();
                add(&mut asked, part.resource.app, part.names.iter().filter(|name| !held.contains(*name)).cloned());
                continue;
            }
            if held.is_some() {
                continue;
            }
            let registered = self.registered();
            if !registered.iter().any(|one| one.resource == part.resource.app) {
                return Err(denial::resource_not_registered(self.registration, &part.resource.text));
            }
            for one in registered {
                add(&mut asked, one.resource, one.names.into_iter());
            }
        }
        if again || self.grants().next().is_none() {
            add(&mut asked, crate::model::consent::GRAPH, wanted.openid().iter().cloned());
        }
        asked.retain(|one| !one.names.is_empty());
        Ok(asked)
    }

    /// The delegated permissions that the application was registered with.
    pub(super) fn registered(&self) -> Vec<Asked> {
        let mut asked = Vec::new();
        for required in self.registration.required.iter().filter(|required| !required.is_role) {
            let known = permissions_of(self.directory, required.resource);
            let name = known.into_iter().find(|one| one.id == Some(required.id)).map(|one| one.name);
            add(&mut asked, required.resource, name.into_iter());
        }
        asked
    }

    /// Whether the person may consent to this for itself.
    pub(super) fn may_consent(&self, asked: &[Asked]) -> bool {
        let only_administrators = asked.iter().any(|one| {
            let known = permissions_of(self.directory, one.resource);
            known.iter().any(|permission| permission.for_administrators && one.names.contains(&permission.name))
        });
        self.person.is_administrator || (self.tenant.people_may_consent && !only_administrators)
    }
}

fn add(asked: &mut Vec<Asked>, resource: Uuid, names: impl Iterator<Item = String>) {
    match asked.iter_mut().find(|one| one.resource == resource) {
        Some(one) => one.names.extend(names),
        None => asked.push(Asked { resource, names: names.collect() }),
    }
}

/// The object id of a resource's service principal in a tenant. Resources that are not emulated have one that follows from
/// their names.
fn resource_object(tenant: &Tenant, resource: Uuid) -> Uuid {
    let known = tenant.any_principal_of(resource).map(|principal| principal.object_id);
    known.unwrap_or_else(|| Uuid::new_v5(&tenant.id, resource.as_bytes()))
}

/// Enters a consent. A client that the tenant does not know yet is entered with it.
pub(super) fn enter(
    (dice, now): (&mut Dice, Moment),
    tenant: &mut Tenant,
    registration: &Registration,
    (asked, person, whom): (&[Asked], Uuid, ForWhom),
) {
    let client = client_of((&mut *dice, now), tenant, registration);
    let person = (whom == ForWhom::Oneself).then_some(person);
    for one in asked {
        let resource = resource_object(tenant, one.resource);
        let same = |grant: &&mut Grant| (grant.client, grant.resource, grant.person) == (client, resource, person);
        match tenant.consents.grants.iter_mut().find(same) {
            Some(grant) => {
                let mut names: BTreeSet<&str> = grant.scope.split_ascii_whitespace().collect();
                names.extend(one.names.iter().map(String::as_str));
                grant.scope = names.into_iter().collect::<Vec<_>>().join(" ");
            }
            None => {
                let scope = one.names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
                let created = born(now);
                tenant.consents.grants.push(Grant { id: dice.guid(), client, person, resource, scope, created });
            }
        }
    }
}

/// Enters the application roles that an administrator consents to.
pub(super) fn enter_roles((dice, now): (&mut Dice, Moment), tenant: &mut Tenant, registration: &Registration) {
    let principal = client_of((&mut *dice, now), tenant, registration);
    for required in registration.required.iter().filter(|required| required.is_role) {
        let (resource, role) = (resource_object(tenant, required.resource), required.id);
        let same = |one: &Assignment| (one.principal, one.resource, one.role) == (principal, resource, role);
        if !tenant.consents.assignments.iter().any(same) {
            let id = dice.guid();
            tenant.consents.assignments.push(Assignment { id, principal, resource, role, created: born(now) });
        }
    }
}

fn client_of((dice, now): (&mut Dice, Moment), tenant: &mut Tenant, registration: &Registration) -> Uuid {
    if let Some(known) = tenant.principal_of(registration.client_id) {
        return known.object_id;
    }
    let object_id = dice.guid();
    tenant.principals.push(ServicePrincipal {
        object_id,
        client_id: registration.client_id,
        display_name: registration.name.clone(),
        enabled: true,
        hidden: None,
        passwords: Vec::new(),
        certificates: Vec::new(),
        owners: Vec::new(),
        graph_roles: Vec::new(),
        created: born(now),
        document: serde_json::Map::new(),
    });
    object_id
}

fn born(now: Moment) -> Birth {
    Birth { wall: now.wall, elapsed: Some(now.elapsed) }
}
