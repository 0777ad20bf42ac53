//! Where in a subscription an application acts, and as what.

use azconnect_core::{ResourceGroupName, SubscriptionId};
use azconnect_credential::Region;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

/// A role of Azure: the id of its definition, and its name for a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoleId {
    /// The GUID of the definition, which for a built-in role is the same in every subscription.
    pub definition: Uuid,
    /// The name that the portal shows, such as `Contributor`.
    pub name: String,
}

impl RoleId {
    /// A role by the GUID of its definition and its name.
    pub fn new(definition: Uuid, name: impl Into<String>) -> Self {
        Self { definition, name: name.into() }
    }

    /// *Contributor*: may change every resource, but may not give roles.
    pub fn contributor() -> Self {
        Self::new(uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c"), "Contributor")
    }

    /// *Reader*: may read every resource, and change none.
    pub fn reader() -> Self {
        Self::new(uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"), "Reader")
    }
}

/// The one resource group in which an application may act.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupWish {
    /// Its name.
    pub name: ResourceGroupName,
    /// The region in which it is created where it is not there; without one it must be there.
    pub create_in: Option<Region>,
}

impl GroupWish {
    /// A group that is there already.
    pub fn existing(name: ResourceGroupName) -> Self {
        Self { name, create_in: None }
    }

    /// A group that is created where it is not there.
    pub fn create(name: ResourceGroupName, region: Region) -> Self {
        Self { name, create_in: Some(region) }
    }
}

/// What an application may do in a subscription: one role, in the whole of it or in one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionAccess {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The one resource group, if it is limited to one.
    pub group: Option<GroupWish>,
    /// The role: Contributor unless set.
    pub role: RoleId,
}

impl SubscriptionAccess {
    /// Contributor of a whole subscription.
    pub fn new(subscription: SubscriptionId) -> Self {
        Self { subscription, group: None, role: RoleId::contributor() }
    }

    /// Limits it to one resource group.
    #[must_use]
    pub fn with_group(mut self, group: GroupWish) -> Self {
        self.group = Some(group);
        self
    }

    /// Sets the role.
    #[must_use]
    pub fn with_role(mut self, role: RoleId) -> Self {
        self.role = role;
        self
    }

    /// The scope of the role, as Azure Resource Manager writes it.
    pub fn scope(&self) -> String {
        let subscription = format!("/subscriptions/{}", self.subscription);
        match &self.group {
            Some(group) => format!("{subscription}/resourceGroups/{}", group.name),
            None => subscription,
        }
    }
}
