//! The fake's roles.

use async_trait::async_trait;
use azconnect_arm::port::Roles;
use azconnect_arm::resource::access::RoleAssignment;
use azconnect_arm::{Assigned, Assignment, PrincipalType, ResourceId};
use azconnect_core::{Error, PrincipalObjectId, SubscriptionId};

use super::Subscription;
use super::world::{Access, ArmCall};

#[async_trait]
impl Roles for Subscription {
    async fn assign(&self, assignment: &Assignment) -> Result<Assigned, Error> {
        subscription_of(&assignment.scope)?;
        self.faults.write(&ArmCall::Assign, || {
            let mut world = self.world();
            world.require(Access::Owner, "Microsoft.Authorization/roleAssignments/write")?;
            // The name follows from what is given to whom and where, so giving the same again finds it.
            if world.assignments.iter().any(|given| given.name() == assignment.name()) {
                return Ok(Assigned::Before);
            }
            world.assignments.push(assignment.clone());
            Ok(Assigned::Now)
        })
    }

    async fn list(&self, scope: &ResourceId, principal: PrincipalObjectId) -> Result<Vec<RoleAssignment>, Error> {
        self.faults.read(&ArmCall::ListRoles, || {
            let world = self.world();
            let here = world.assignments.iter().filter(|given| given.principal == principal && is_listed(given, scope));
            here.map(view).collect()
        })
    }

    async fn remove(&self, assignment: &Assignment) -> Result<(), Error> {
        subscription_of(&assignment.scope)?;
        self.faults.write(&ArmCall::Remove, || {
            let mut world = self.world();
            world.require(Access::Owner, "Microsoft.Authorization/roleAssignments/delete")?;
            world.assignments.retain(|given| given.name() != assignment.name());
            Ok(())
        })
    }
}

/// Whether the service lists a role at a scope: it was given there, above it or below it.
fn is_listed(given: &Assignment, scope: &ResourceId) -> bool {
    let (one, other) = (scope.as_str().to_ascii_lowercase(), given.scope.as_str().to_ascii_lowercase());
    one == other || one.starts_with(&format!("{other}/")) || other.starts_with(&format!("{one}/"))
}

/// The assignment as the service shows it.
fn view(given: &Assignment) -> Result<RoleAssignment, Error> {
    let subscription = subscription_of(&given.scope)?;
    let mut view = RoleAssignment::default();
    view.name = given.name().to_string();
    view.id = format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", given.scope, view.name);
    view.properties.role_definition_id = given.role.definition_id(subscription);
    view.properties.principal_id = given.principal.to_string();
    view.properties.scope = Some(given.scope.to_string());
    let kind = match given.principal_type {
        PrincipalType::User => "User",
        PrincipalType::Group => "Group",
        _ => "ServicePrincipal",
    };
    view.properties.principal_type = Some(kind.to_owned());
    Ok(view)
}

fn subscription_of(scope: &ResourceId) -> Result<SubscriptionId, Error> {
    let wrong = || {
        Error::invalid("scope", "is not in a subscription")
            .with_advice("give the id of a subscription, a resource group or a resource")
    };
    scope.after("subscriptions").ok_or_else(wrong)?.parse().map_err(|_| wrong())
}
