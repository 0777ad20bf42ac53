//! Makes a world of a seed.

mod arm;
mod devops;
mod sign_in;

use azconnect_core::{Error, Secret};
use serde_json::Map;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::seed::{ApplicationSeed, CertificateSeed, PasswordSeed, PrincipalSeed, Seed, TenantSeed};
use crate::base::dice::Dice;
use crate::base::moment::Moment;
use crate::model::consent::{Consents, resources_of};
use crate::model::directory::{Application, Birth, Epochs, Federated, Password, ServicePrincipal, Tenant, User};
use crate::model::registry::Registry;
use crate::model::trust::Certificate;
use crate::model::vault::Vault;
use crate::model::world::{Subscription, World};

/// The secret texts by the names a seed gives them, for the service connections that hold them.
pub(crate) type NamedSecrets = Vec<(Uuid, String, Secret)>;

/// Fills a world with what a seed holds.
///
/// # Errors
/// If a part of the seed refers to something that is not in it.
pub(crate) fn populate(world: &mut World, seed: Seed, now: Moment) -> Result<(), Error> {
    if let Some(settings) = seed.settings {
        world.adopt(settings, now);
    }
    // Everything below draws ids in the order of the seed: to move a line moves every id after it.
    let mut named = NamedSecrets::new();
    let mut entries = Vec::new();
    for mut tenant in seed.tenants {
        entries.extend(tenant_entries(&tenant));
        for (principal, subscription) in readers(&tenant) {
            world.arm.roles.give("Reader", (principal, &format!("/subscriptions/{subscription}")), None, now);
        }
        let consents = std::mem::take(&mut tenant.consents);
        let mut tenant = build_tenant(&mut world.dice, tenant, now.wall, &mut named)?;
        sign_in::consent(&mut world.dice, &mut tenant, &consents, now.wall)?;
        if world.directory.tenant_by_id(tenant.id).is_some() {
            return Err(Error::invalid("seed.tenants", format!("tenant {} is there twice", tenant.id))
                .with_advice("give each tenant an id of its own"));
        }
        world.directory.tenants.push(tenant);
    }
    for subscription in seed.subscriptions {
        let tenant = tenant_id(world, &subscription.tenant, "seed.subscriptions")?;
        world.subscriptions.push(Subscription { id: subscription.id, tenant, name: subscription.name });
        arm::populate(world, subscription.id, subscription.account, now)?;
    }
    for organization in seed.organizations {
        devops::add_organization(world, organization, &named, now)?;
    }
    // An administrator joins a group of its organization, so the organizations come first.
    for (who, organization) in entries {
        devops::add_administrator(world, who, &organization)?;
    }
    for organization in &mut world.devops.organizations {
        organization.create_lazy_groups();
    }
    for registry in seed.registries {
        let tenant = registry.tenant.map(|tenant| tenant_id(world, &tenant, "seed.registries")).transpose()?;
        let (host, users) = (registry.host, registry.users);
        world.registries.push(Registry { host, tenant, users, tokens: Vec::new() });
    }
    world.issuers.extend(seed.issuers);
    for vault in seed.vaults {
        let tenant = tenant_id(world, &vault.tenant, "seed.vaults")?;
        let known = |id: &Uuid| world.directory.tenant_by_id(tenant)?.principal_of(*id).map(|one| one.object_id);
        let ids = |clients: &[Uuid]| clients.iter().filter_map(known).collect();
        let (officers, readers) = (ids(&vault.officers), ids(&vault.readers));
        world.vaults.push(Vault { officers, readers, ..Vault::new(vault.name, tenant) });
    }
    Ok(())
}

/// The id of a tenant that a seed names by id or domain.
fn tenant_id(world: &World, name: &str, path: &str) -> Result<Uuid, Error> {
    world.directory.tenant(name).map(|tenant| tenant.id).ok_or_else(|| {
        Error::invalid(path, format!("{path} names the tenant {name}, which is not in the seed"))
            .with_advice("add it to tenants, or correct the name")
    })
}

/// Who enters which organization as its administrator: object ids.
fn tenant_entries(tenant: &TenantSeed) -> Vec<(Uuid, String)> {
    let own = tenant.applications.iter().filter_map(|application| application.principal.as_ref());
    let principals = own.chain(&tenant.foreign).map(|principal| (principal.object_id, &principal.organizations));
    let users = tenant.users.iter().map(|user| (user.object_id, &user.organizations));
    let all = principals.chain(users);
    all.flat_map(|(id, organizations)| organizations.iter().map(move |name| (id, name.clone()))).collect()
}

/// Who may read which subscription, whether the seed has it or not: Azure DevOps tests connections to it.
fn readers(tenant: &TenantSeed) -> Vec<(Uuid, Uuid)> {
    let own = tenant.applications.iter().filter_map(|application| application.principal.as_ref());
    let all = own.chain(&tenant.foreign);
    all.flat_map(|principal| principal.reader_of.iter().map(|id| (principal.object_id, *id))).collect()
}

fn build_tenant(
    dice: &mut Dice,
    seed: TenantSeed,
    now: OffsetDateTime,
    named: &mut NamedSecrets,
) -> Result<Tenant, Error> {
    let mut owned: Vec<(Uuid, Uuid)> = Vec::new();
    let mut principals = Vec::new();
    let mut applications = Vec::new();
    for mut application in seed.applications {
        if let Some(principal) = application.principal.take() {
            owned.extend(principal.owns.iter().map(|client_id| (*client_id, principal.object_id)));
            principals.push(build_principal(dice, principal, now, named));
        }
        applications.push(build_application(dice, application, now, named)?);
    }
    for principal in seed.foreign {
        owned.extend(principal.owns.iter().map(|client_id| (*client_id, principal.object_id)));
        principals.push(build_principal(dice, principal, now, named));
    }
    // Owners were given by client id; the directory knows them by the object id of their service principal.
    for application in &mut applications {
        let by_id = |id: &Uuid| principals.iter().find(|p| p.client_id == *id).map_or(*id, |p| p.object_id);
        application.owners = application.owners.iter().map(by_id).collect();
        let more = owned.iter().filter(|(client_id, _)| *client_id == application.client_id).map(|(_, owner)| *owner);
        application.owners.extend(more);
    }
    for principal in &mut principals {
        let mine = owned.iter().filter(|(client_id, _)| *client_id == principal.client_id).map(|(_, owner)| *owner);
        principal.owners = mine.collect();
    }
    Ok(Tenant {
        id: seed.id,
        domain: seed.domain,
        display_name: seed.display_name,
        applications,
        principals,
        users: seed
            .users
            .into_iter()
            .map(|user| User {
                object_id: user.object_id,
                principal_name: user.principal_name,
                display_name: user.display_name,
                mail: user.mail,
                password: user.password,
                enabled: user.enabled,
                needs_strong_sign_in: user.mfa,
                is_administrator: user.administrator,
                guest_of: user.guest_of,
                epochs: Epochs::default(),
            })
            .collect(),
        resources: resources_of(seed.id, now.saturating_sub(Duration::days(4000))),
        consents: Consents::default(),
        bin: Vec::new(),
        people_may_consent: seed.people_may_consent,
        policy: seed.policy,
        changes: 0,
    })
}

fn build_application(
    dice: &mut Dice,
    seed: ApplicationSeed,
    now: OffsetDateTime,
    named: &mut NamedSecrets,
) -> Result<Application, Error> {
    let born = Birth { wall: now.saturating_sub(Duration::days(400)), elapsed: None };
    Ok(Application {
        object_id: seed.object_id,
        client_id: seed.client_id,
        display_name: seed.display_name,
        sign_in_audience: seed.sign_in_audience,
        passwords: build_passwords(dice, seed.passwords, seed.client_id, now, named),
        certificates: build_certificates(dice, seed.certificates, now),
        removed_federated: Vec::new(),
        federated: seed
            .federated
            .into_iter()
            .map(|document| Federated { id: dice.guid(), document, created: born })
            .collect(),
        owners: seed.owners,
        created: born,
        document: sign_in::document(seed.client_id, &seed.sign_in)?,
    })
}

fn build_certificates(dice: &mut Dice, seeds: Vec<CertificateSeed>, now: OffsetDateTime) -> Vec<Certificate> {
    let day = |days: i64| now.saturating_add(Duration::days(days));
    let built = seeds.into_iter().filter_map(|seed| {
        let certificate = Certificate::new(dice.guid(), seed.der, day(seed.starts_in_days), day(seed.ends_in_days))?;
        Some(certificate.with_display_name(seed.display_name))
    });
    built.collect()
}

fn build_principal(
    dice: &mut Dice,
    seed: PrincipalSeed,
    now: OffsetDateTime,
    named: &mut NamedSecrets,
) -> ServicePrincipal {
    ServicePrincipal {
        object_id: seed.object_id,
        client_id: seed.client_id,
        display_name: seed.display_name,
        enabled: seed.enabled,
        hidden: None,
        passwords: build_passwords(dice, seed.passwords, seed.client_id, now, named),
        certificates: Vec::new(),
        owners: Vec::new(),
        graph_roles: seed.graph_roles,
        created: Birth { wall: now.saturating_sub(Duration::days(400)), elapsed: None },
        document: Map::new(),
    }
}

fn build_passwords(
    dice: &mut Dice,
    seeds: Vec<PasswordSeed>,
    client_id: Uuid,
    now: OffsetDateTime,
    named: &mut NamedSecrets,
) -> Vec<Password> {
    let mut build = |seed: PasswordSeed| {
        let text = seed.text.unwrap_or_else(|| Secret::new(dice.client_secret()));
        if let Some(name) = seed.name {
            named.push((client_id, name, text.duplicate()));
        }
        Password {
            key_id: seed.key_id.unwrap_or_else(|| dice.guid()),
            display_name: seed.display_name,
            starts: now.saturating_add(Duration::days(seed.starts_in_days)),
            ends: now.saturating_add(Duration::days(seed.ends_in_days)),
            text,
            added: None,
            removed: None,
        }
    };
    seeds.into_iter().map(&mut build).collect()
}
