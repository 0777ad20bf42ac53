//! How a test sets Azure Resource Manager up and looks inside.

use azconnect_core::Error;
use serde_json::Value;
use uuid::Uuid;

use super::emulator::Emulator;
use crate::base::dice::named_guid;
use crate::model::arm::account::{Quota, Registration, Restriction};
use crate::model::arm::address::{key, within};
use crate::model::arm::agent::AgentScript;
use crate::model::arm::ledger::LedgerEntry;
use crate::model::arm::offers::{region_named, size_named};
use crate::model::arm::policy::Policy;
use crate::model::arm::resource::Resource;
use crate::model::arm::roles::{Assignment, Terms};
use crate::service::arm;

/// Sets up Azure Resource Manager beyond its seed, and looks inside: see
/// [`Emulator::resource_manager`](crate::Emulator::resource_manager).
#[derive(Clone, Debug)]
pub struct ResourceManager {
    emulator: Emulator,
}

impl ResourceManager {
    pub(crate) fn new(emulator: Emulator) -> Self {
        Self { emulator }
    }

    /// Assigns a role, by its name or id, to a principal at a scope such as `/subscriptions/{id}`. It takes effect at once.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if there is no such role, or the scope is not an id.
    pub fn grant(&self, principal: Uuid, role: &str, scope: &str) -> Result<(), Error> {
        let mut world = self.emulator.world();
        let now = self.emulator.now();
        let Some(role_id) = world.arm.roles.definition(role).map(|definition| definition.id) else {
            return Err(Error::invalid("role", format!("there is no role {role}"))
                .with_advice("use Owner, Contributor, Reader, or the id of a role"));
        };
        if !scope.starts_with("/subscriptions/") {
            return Err(Error::invalid("scope", format!("{scope} is no scope"))
                .with_advice("begin it with /subscriptions/ and the id of the subscription"));
        }
        let name = named_guid(&format!("{principal}/{role_id}/{}", key(scope))).to_string();
        world.arm.roles.assignments.push(Assignment {
            name,
            scope: scope.trim_end_matches('/').to_owned(),
            role: role_id,
            principal,
            principal_type: "ServicePrincipal".to_owned(),
            effective: now.elapsed,
            created: now.wall,
            by: None,
            terms: Terms::default(),
        });
        Ok(())
    }

    /// Removes every role assignment of a principal at a scope and below it.
    pub fn revoke(&self, principal: Uuid, scope: &str) {
        let mut world = self.emulator.world();
        world.arm.roles.assignments.retain(|a| a.principal != principal || !within(scope, &a.scope));
    }

    /// Adds a resource group. The ledger names nobody as its creator.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if there is no such region.
    pub fn add_group(&self, subscription: Uuid, name: &str, location: &str) -> Result<(), Error> {
        let region = region(location)?;
        let now = self.emulator.now();
        let new = Resource::group(&subscription.to_string(), name, region, now, None);
        self.emulator.world().arm.insert(new, None);
        Ok(())
    }

    /// Sets the limit of a quota: `cores`, a family such as `standardDSv5Family`, `PublicIPAddresses`,
    /// `StandardSkuPublicIpAddresses` or `NetworkInterfaces`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if there is no such region.
    pub fn set_quota(&self, subscription: Uuid, location: &str, name: &str, limit: u32) -> Result<(), Error> {
        let quota = Quota { location: region(location)?.to_owned(), name: name.to_owned(), limit };
        self.emulator.world().arm.account(subscription).quotas.push(quota);
        Ok(())
    }

    /// Makes a size unavailable to a subscription, in the given zones of a region or, without zones, in the whole region.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if there is no such region or size.
    pub fn restrict_size(&self, subscription: Uuid, location: &str, size: &str, zones: &[&str]) -> Result<(), Error> {
        let size = size_named(size).ok_or_else(|| {
            Error::invalid("size", format!("there is no size {size}")).with_advice("use one that the SKU list has")
        })?;
        let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
        let restriction = Restriction { location: region(location)?.to_owned(), size: size.name.to_owned(), zones };
        self.emulator.world().arm.account(subscription).restrictions.push(restriction);
        Ok(())
    }

    /// Assigns a policy, which is asked about every write from now on, and about every validation.
    pub fn assign_policy(&self, subscription: Uuid, policy: Policy) {
        self.emulator.world().arm.account(subscription).policies.push(policy);
    }

    /// Accepts the terms of a purchase plan.
    pub fn accept_terms(&self, subscription: Uuid, publisher: &str, product: &str, plan: &str) {
        let terms = format!("{publisher}/{product}/{plan}").to_ascii_lowercase();
        self.emulator.world().arm.account(subscription).terms.insert(terms);
    }

    /// Registers a subscription for a feature, such as `Microsoft.Compute/UseStandardSecurityType`.
    pub fn register_feature(&self, subscription: Uuid, feature: &str) {
        self.emulator.world().arm.account(subscription).features.insert(feature.to_ascii_lowercase());
    }

    /// Adds a user-assigned managed identity by its id. It can be given to machines.
    pub fn add_identity(&self, id: &str) {
        self.emulator.world().arm.identities.insert(key(id));
    }

    /// Takes the capacity of a Spot machine back, as the service does when somebody else needs it.
    pub fn evict(&self, machine_id: &str) {
        let now = self.emulator.now();
        arm::evict(&mut self.emulator.world(), machine_id, now);
    }

    /// Sets the state of a subscription: `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    pub fn set_subscription_state(&self, subscription: Uuid, state: &str) {
        state.clone_into(&mut self.emulator.world().arm.account(subscription).state);
    }

    /// Sets whether a resource provider is registered.
    pub fn set_registered(&self, subscription: Uuid, namespace: &str, registered: bool) {
        let state = if registered { Registration::Registered } else { Registration::NotRegistered };
        self.emulator.world().arm.account(subscription).providers.insert(namespace.to_ascii_lowercase(), state);
    }

    /// Says what happens inside machines that are created from now on and whose name contains a text; `""` means all of
    /// them. Of several scripts that fit, the last one counts.
    pub fn on_machines(&self, name_part: &str, script: AgentScript) {
        self.emulator.world().arm.agents.push((name_part.to_owned(), script));
    }

    /// Says what happens from now on inside a machine that exists, as if somebody had changed it by hand.
    pub fn change_machine(&self, machine_id: &str, script: AgentScript) {
        if let Some(machine) = self.emulator.world().arm.get_mut(machine_id).and_then(Resource::machine_mut) {
            machine.agent = script;
        }
    }

    /// The user data (`customData`, decoded) that a machine was created with. No route serves it.
    pub fn user_data(&self, machine_id: &str) -> Option<Vec<u8>> {
        self.emulator.world().arm.get(machine_id)?.machine()?.user_data.clone()
    }

    /// Whether the administrator of a machine signs in with a password. No route shows it.
    pub fn has_password(&self, machine_id: &str, password: &str) -> bool {
        let world = self.emulator.world();
        let machine = world.arm.get(machine_id).and_then(Resource::machine);
        machine.is_some_and(|machine| machine.admin_password.as_deref() == Some(password))
    }

    /// A resource as the service would show it now, without regard to lags and faults.
    pub fn resource(&self, id: &str) -> Option<Value> {
        let now = self.emulator.now();
        arm::shown(&mut self.emulator.world(), id, now)
    }

    /// Every resource that ever existed, in the order of creation.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let now = self.emulator.now();
        let mut world = self.emulator.world();
        arm::settle(&mut world, now);
        world.arm.ledger.entries().to_vec()
    }

    /// The ids of the resources that a principal created and that still exist. Once its work is done, these are leaks.
    pub fn left_by(&self, principal: Uuid) -> Vec<String> {
        let entries = self.ledger().into_iter();
        entries.filter(|entry| entry.is_live() && entry.created_by == Some(principal)).map(|entry| entry.id).collect()
    }

    /// How many operations have begun and not ended at this moment.
    pub fn running_operations(&self) -> usize {
        let now = self.emulator.now();
        let mut world = self.emulator.world();
        arm::settle(&mut world, now);
        world.arm.operations.running().count()
    }
}

fn region(name: &str) -> Result<&'static str, Error> {
    region_named(name).map(|region| region.name).ok_or_else(|| {
        Error::invalid("location", format!("there is no region {name}")).with_advice("use one such as westeurope")
    })
}
