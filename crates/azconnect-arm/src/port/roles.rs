//! Roles at a scope, as a port.

use async_trait::async_trait;
use azconnect_core::{Error, PrincipalObjectId};

use crate::client::Arm;
use crate::resource::ResourceId;
use crate::resource::access::RoleAssignment;
use crate::role::{Assigned, Assignment};

/// Roles, given and taken away at a subscription, a resource group or a resource.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::roles` checks:
/// - a role that is given is listed, and giving it again says [`Assigned::Before`] and adds nothing;
/// - a role given to one principal at one scope is not given to another, nor elsewhere;
/// - taking away what is not there succeeds;
/// - a scope that is in no subscription is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), before any request;
/// - an identity that may not give roles is refused with
///   [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied), and nothing changes;
/// - of these refusals the effect is `None`.
#[async_trait]
pub trait Roles: Send + Sync {
    /// Gives a role. Idempotent. A principal that was created a moment ago may be waited for, up to five minutes.
    async fn assign(&self, assignment: &Assignment) -> Result<Assigned, Error>;

    /// The roles of a principal at a scope, above it and below it, as the service lists them.
    async fn list(&self, scope: &ResourceId, principal: PrincipalObjectId) -> Result<Vec<RoleAssignment>, Error>;

    /// Takes away a role that [`Roles::assign`] gave. Idempotent. The same role given by someone else stays.
    async fn remove(&self, assignment: &Assignment) -> Result<(), Error>;
}

#[async_trait]
impl Roles for Arm {
    async fn assign(&self, assignment: &Assignment) -> Result<Assigned, Error> {
        self.assign_role(assignment).await
    }

    async fn list(&self, scope: &ResourceId, principal: PrincipalObjectId) -> Result<Vec<RoleAssignment>, Error> {
        self.roles_of(scope, principal).await
    }

    async fn remove(&self, assignment: &Assignment) -> Result<(), Error> {
        self.remove_role(assignment).await
    }
}
