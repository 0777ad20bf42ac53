//! A consent, whichever kind it is, and the calls that list, grant and revoke it.

use azconnect_core::{Error, PrincipalObjectId};
use serde::Serialize;

use crate::application::PermissionId;
use crate::client::GraphClient;

/// That an application, as the service principal of a tenant, may use one permission of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum Consent {
    /// On behalf of every person of the tenant who signs in to it: one scope of an `oauth2PermissionGrant`.
    Delegated {
        /// The service principal of the application.
        client: PrincipalObjectId,
        /// The service principal of the resource.
        resource: PrincipalObjectId,
        /// The scope by its name, such as `user_impersonation`.
        scope: String,
    },
    /// By itself: an `appRoleAssignment`.
    Role {
        /// The service principal of the application.
        client: PrincipalObjectId,
        /// The service principal of the resource.
        resource: PrincipalObjectId,
        /// The application role, such as that of `Application.ReadWrite.OwnedBy`.
        role: PermissionId,
    },
}

impl Consent {
    /// To a scope, on behalf of every person.
    pub fn delegated(client: PrincipalObjectId, resource: PrincipalObjectId, scope: impl Into<String>) -> Self {
        Self::Delegated { client, resource, scope: scope.into() }
    }

    /// To an application role.
    pub fn role(client: PrincipalObjectId, resource: PrincipalObjectId, role: PermissionId) -> Self {
        Self::Role { client, resource, role }
    }

    /// Checks what the service would refuse, or take for something else.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `scope`.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            // A space would make it two scopes.
            Self::Delegated { scope, .. } if scope.is_empty() || !scope.chars().all(|c| c.is_ascii_graphic()) => {
                Err(Error::invalid("scope", "is not the name of one scope")
                    .with_advice("name one scope without spaces, such as user_impersonation"))
            }
            _ => Ok(()),
        }
    }
}

impl GraphClient {
    /// What an application was allowed in this tenant: scopes for everybody, and application roles. Consents of single
    /// persons are passed over. Idempotent; reads lag behind writes.
    ///
    /// Permission: `Directory.Read.All`. Documents: Microsoft Graph, *List oauth2PermissionGrants* and *List
    /// appRoleAssignments granted to a service principal*.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if the service principal is not there, or was made moments ago.
    pub async fn consents(&self, client: PrincipalObjectId) -> Result<Vec<Consent>, Error> {
        let mut all = Vec::new();
        for grant in self.grants(client).await?.into_iter().filter(|grant| grant.is_for_everybody()) {
            all.extend(grant.scopes().map(|scope| Consent::delegated(client, grant.resource, scope)));
        }
        let roles = self.assignments(client).await?;
        all.extend(roles.into_iter().map(|one| Consent::role(client, one.resource, one.role)));
        Ok(all)
    }

    /// Consents to one permission. Idempotent: what was granted already stays, and other scopes of the same resource too.
    /// Both kinds are kept unique by the service, so a lost answer is settled by doing it again.
    ///
    /// Tokens show a new permission once they are new themselves. Permission: `DelegatedPermissionGrant.ReadWrite.All` for a
    /// scope, `AppRoleAssignment.ReadWrite.All` for a role, granted by a Privileged Role Administrator. Documents: Microsoft
    /// Graph, *Create oauth2PermissionGrant*, *Update oauth2PermissionGrant* and *Grant an appRoleAssignment to a service
    /// principal*.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `scope`, before anything is sent;
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if a service principal is not there. After a timeout it may have been
    /// granted.
    pub async fn grant_consent(&self, consent: &Consent) -> Result<(), Error> {
        consent.check()?;
        match consent {
            Consent::Delegated { client, resource, scope } => self.grant_scope(*client, *resource, scope).await,
            Consent::Role { client, resource, role } => self.assign_role(*client, *resource, *role).await,
        }
    }

    /// Revokes one permission, and leaves all others. Idempotent: what is not granted is a success. Tokens that were issued
    /// before stay good until they end.
    ///
    /// Permission: as [`GraphClient::grant_consent`]. Documents: Microsoft Graph, *Update oauth2PermissionGrant*, *Delete
    /// oauth2PermissionGrant* and *Delete appRoleAssignment*.
    ///
    /// # Errors
    /// As [`GraphClient::grant_consent`]. After a timeout it may have been revoked.
    pub async fn revoke_consent(&self, consent: &Consent) -> Result<(), Error> {
        consent.check()?;
        match consent {
            Consent::Delegated { client, resource, scope } => self.revoke_scope(*client, *resource, scope).await,
            Consent::Role { client, resource, role } => self.take_role(*client, *resource, *role).await,
        }
    }
}
