//! Who asks Graph, and what it may do.

use uuid::Uuid;

use super::refusal;
use crate::base::call::{Call, Claim};
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::token::{Audience, Caller, Identity, TokenFault};
use crate::model::world::World;

/// What Graph knows of a request whose token is good.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// The application roles that the caller was granted.
    roles: Vec<String>,
    /// The delegated permissions, where a person consented to some.
    scope: Option<String>,
    /// The number of the replica that answers.
    pub(super) replica: u32,
}

impl Admitted {
    pub(super) fn of(call: &Call, world: &mut World) -> OrRefusal<Self> {
        let unknown = |message: &str| Refusal::new(401, "InvalidAuthenticationToken", message);
        let Claim::Bearer(text) = call.claim() else { return Err(unknown("Access token is empty.")) };
        let token = world.tokens.check(&text, &Audience::Graph, call.now.wall).map_err(|misfit| {
            unknown(match misfit {
                TokenFault::Unknown => "CompactToken parsing failed with error code: 80049217",
                TokenFault::Expired => "Lifetime validation failed, the token is expired.",
                TokenFault::WrongAudience => "Access token validation failure. Invalid audience.",
            })
        })?;
        let roles = match token.identity {
            Identity::ServicePrincipal(id) => world.directory.graph_roles_of(id),
            // What a person may do at Graph is not emulated, but for what it let an application read of itself.
            Identity::User(_) => Vec::new(),
        };
        let (caller, scope) = (token.caller(), token.scope().map(str::to_owned));
        Ok(Self { caller, roles, scope, replica: world.next_replica(Service::Graph) })
    }

    /// Reading applications takes any of these; so the *List applications* reference has it for `OwnedBy` too.
    pub(super) fn may_read(&self) -> OrRefusal<()> {
        self.has(&[
            "Application.Read.All",
            "Application.ReadWrite.All",
            "Application.ReadWrite.OwnedBy",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ])
    }

    /// Creating takes no ownership: whoever creates is the owner.
    pub(super) fn may_create(&self) -> OrRefusal<()> {
        self.has(&["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All"])
    }

    /// Changing takes the role for all, or the role for what is owned and the ownership.
    pub(super) fn may_change(&self, owners: &[Uuid]) -> OrRefusal<()> {
        let owned: &[&str] =
            if owners.contains(&self.caller.object_id()) { &["Application.ReadWrite.OwnedBy"] } else { &[] };
        self.has(&[["Application.ReadWrite.All", "Directory.ReadWrite.All"].as_slice(), owned].concat())
    }

    /// Delegated permissions are granted by whoever may grant any.
    pub(super) fn may_grant(&self) -> OrRefusal<()> {
        self.has(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"])
    }

    pub(super) fn may_assign_roles(&self) -> OrRefusal<()> {
        self.has(&["AppRoleAssignment.ReadWrite.All"])
    }

    /// Reading policies takes a permission for policies: none for applications is enough.
    pub(super) fn may_read_policies(&self) -> OrRefusal<()> {
        self.has(&[
            "Policy.Read.ApplicationConfiguration",
            "Policy.Read.All",
            "Policy.ReadWrite.ApplicationConfiguration",
        ])
    }

    /// Reading oneself takes a delegated permission that says so. The scopes of OpenID Connect do not.
    pub(super) fn may_read_oneself(&self) -> OrRefusal<()> {
        let enough =
            ["User.Read", "User.ReadBasic.All", "User.Read.All", "Directory.Read.All", "Directory.AccessAsUser.All"];
        let granted = self.scope.as_deref().is_none_or(|scope| scope.split(' ').any(|one| enough.contains(&one)));
        if granted { Ok(()) } else { Err(refusal::denied()) }
    }

    /// Whether the caller has any of these roles.
    pub(super) fn may(&self, any_of: &[&str]) -> OrRefusal<()> {
        self.has(any_of)
    }

    fn has(&self, any_of: &[&str]) -> OrRefusal<()> {
        let granted = self.roles.iter().any(|role| any_of.contains(&role.as_str()));
        if granted { Ok(()) } else { Err(refusal::denied()) }
    }
}
