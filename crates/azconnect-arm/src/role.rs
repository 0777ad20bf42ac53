//! Roles, given and taken away at a subscription, a resource group or a resource.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, PrincipalObjectId, SubscriptionId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::Arm;
use crate::resource::ResourceId;
use crate::resource::access::{RoleAssignment, RoleAssignmentProperties};

/// How long to wait for a principal that the service does not know yet. The longest wait seen was 252 s.
const PROPAGATION_LIMIT: Duration = Duration::from_secs(300);

/// The pause between two attempts to give a role to such a principal.
const PROPAGATION_PAUSE: Duration = Duration::from_secs(10);

/// A role, by the GUID of its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Role(Uuid);

impl Role {
    /// *Contributor*: may change every resource, but may not give roles.
    pub const CONTRIBUTOR: Self = Self(Uuid::from_u128(0xb249_88ac_6180_42a0_ab88_20f7_382d_d24c));
    /// *Reader*: may read every resource, and change none.
    pub const READER: Self = Self(Uuid::from_u128(0xacdd_72a7_3385_48ef_bd42_f606_fba8_1ae7));

    /// A role by the GUID of its definition.
    pub fn new(definition: Uuid) -> Self {
        Self(definition)
    }

    /// The GUID of the definition, which for a built-in role is the same in every subscription.
    pub fn definition(self) -> Uuid {
        self.0
    }

    /// The resource id of the definition in a subscription, as an assignment names it.
    pub fn definition_id(self, subscription: SubscriptionId) -> String {
        format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", self.0)
    }
}

/// The type of a principal. If a request names it, the service accepts a principal that was created a moment ago
/// sooner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalType {
    /// An application or a managed identity.
    #[default]
    ServicePrincipal,
    /// A person's account.
    User,
    /// A group, whose members all get the role.
    Group,
}

impl PrincipalType {
    fn word(self) -> &'static str {
        match self {
            Self::ServicePrincipal => "ServicePrincipal",
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// A role that a principal is to have at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assignment {
    /// The subscription, resource group or resource at which the role holds.
    pub scope: ResourceId,
    /// The role that the principal gets.
    pub role: Role,
    /// The object id of the principal that gets the role. An application's client id does not work here.
    pub principal: PrincipalObjectId,
    /// The type of the principal.
    pub principal_type: PrincipalType,
}

impl Assignment {
    /// An assignment to a service principal; [`Assignment::with_principal_type`] names another type.
    pub fn new(scope: ResourceId, role: Role, principal: PrincipalObjectId) -> Self {
        Self { scope, role, principal, principal_type: PrincipalType::default() }
    }

    /// Sets the type of the principal; a service principal by default.
    #[must_use]
    pub fn with_principal_type(mut self, principal_type: PrincipalType) -> Self {
        self.principal_type = principal_type;
        self
    }

    /// The name of the assignment: the same for the same role, principal and scope, so that giving it twice gives it once.
    pub fn name(&self) -> Uuid {
        // Case does not matter in an id: two spellings of one scope must give one name.
        let scope = self.scope.as_str().to_ascii_lowercase();
        let text = format!("{scope}|{}|{}", self.role.0, self.principal);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes())
    }
}

/// The result of giving a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Assigned {
    /// This call gave the role.
    Now,
    /// The principal had the role at this scope already.
    Before,
}

impl Arm {
    /// Gives a role. Idempotent: the assignment's name is derived from scope, role and principal. If the service does
    /// not know the principal yet, it tries again for up to five minutes. A role that is there already is a success.
    ///
    /// Follows Microsoft's *Assign Azure roles using the REST API*.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the identity may not give roles: Contributor does not suffice.
    pub async fn assign_role(&self, assignment: &Assignment) -> Result<Assigned, Error> {
        let subscription = subscription_of(&assignment.scope)?;
        let properties = RoleAssignmentProperties::to_send(
            assignment.role.definition_id(subscription),
            assignment.principal.to_string(),
            assignment.principal_type.word(),
        );
        let started = self.clock().elapsed();
        loop {
            let error = match self.put_role_assignment(&assignment.scope, assignment.name(), &properties).await {
                Ok(_) => return Ok(Assigned::Now),
                Err(error) => error,
            };
            match error.service_code() {
                // The service refuses a repeated write so, even if it changes nothing.
                Some("RoleAssignmentExists") => return Ok(Assigned::Before),
                Some("PrincipalNotFound") if self.clock().elapsed().saturating_sub(started) < PROPAGATION_LIMIT => {
                    self.clock().sleep(PROPAGATION_PAUSE).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// The role assignments of a principal at a scope, above it and below it. A read: idempotent.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn roles_of(
        &self,
        scope: &ResourceId,
        principal: PrincipalObjectId,
    ) -> Result<Vec<RoleAssignment>, Error> {
        self.role_assignments(scope, principal).await
    }

    /// Takes away a role that [`Arm::assign_role`] gave. Idempotent: a role that is not there is a success. The same
    /// role given by someone else under another name stays.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn remove_role(&self, assignment: &Assignment) -> Result<(), Error> {
        match self.delete_role_assignment(&assignment.scope, assignment.name()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

fn subscription_of(scope: &ResourceId) -> Result<SubscriptionId, Error> {
    let wrong = || {
        Error::invalid("scope", "is not in a subscription")
            .with_effect(Effect::None)
            .with_advice("give the id of a subscription, a resource group or a resource")
    };
    scope.after("subscriptions").ok_or_else(wrong)?.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_assignment_depends_on_what_is_given_alone() {
        let principal: PrincipalObjectId = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap();
        let scope = |text: &str| ResourceId::parse(text).unwrap();
        let name = |text: &str, role| Assignment::new(scope(text), role, principal).name();
        let one = name("/subscriptions/S/resourceGroups/g", Role::CONTRIBUTOR);
        assert_eq!(one, name("/subscriptions/s/resourcegroups/G", Role::CONTRIBUTOR));
        assert_ne!(one, name("/subscriptions/s/resourceGroups/g", Role::READER));
        assert_ne!(one, name("/subscriptions/s/resourceGroups/h", Role::CONTRIBUTOR));
    }

    #[test]
    fn contributor_is_the_documented_guid() {
        assert_eq!(Role::CONTRIBUTOR.0.to_string(), "b24988ac-6180-42a0-ab88-20f7382dd24c");
        assert_eq!(Role::READER.0.to_string(), "acdd72a7-3385-48ef-bd42-f606fba81ae7");
    }
}
