//! Who asks Graph, and what it may do.

use uuid::Uuid;

use super::error::GraphError;
use crate::base::call::{Call, Claim};
use crate::model::token::{Audience, Identity, Misfit};
use crate::model::world::World;

/// The caller behind a token.
pub(super) struct Caller {
    pub(super) tenant: Uuid,
    object_id: Uuid,
    roles: Vec<String>,
}

impl Caller {
    pub(super) fn of(call: &Call, world: &World) -> Result<Self, GraphError> {
        let unknown = |message: &str| GraphError::new(401, "InvalidAuthenticationToken", message);
        let Claim::Bearer(text) = call.claim() else { return Err(unknown("Access token is empty.")) };
        let token = world.tokens.check(&text, &Audience::Graph, call.now.wall).map_err(|misfit| {
            unknown(match misfit {
                Misfit::Unknown => "CompactToken parsing failed with error code: 80049217",
                Misfit::Expired => "Lifetime validation failed, the token is expired.",
                Misfit::WrongAudience => "Access token validation failure. Invalid audience.",
            })
        })?;
        let roles = match token.identity {
            Identity::ServicePrincipal(id) => {
                world.directory.principal(id).map(|principal| principal.graph_roles.clone()).unwrap_or_default()
            }
            Identity::User(_) => Vec::new(),
        };
        Ok(Self { tenant: token.tenant, object_id: token.identity.object_id(), roles })
    }

    pub(super) fn object_id(&self) -> Uuid {
        self.object_id
    }

    /// Reading applications takes any of these; so the *List applications* reference has it for `OwnedBy` too.
    pub(super) fn may_read(&self) -> Result<(), GraphError> {
        self.has(&[
            "Application.Read.All",
            "Application.ReadWrite.All",
            "Application.ReadWrite.OwnedBy",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ])
    }

    /// Creating takes no ownership: whoever creates is the owner.
    pub(super) fn may_create(&self) -> Result<(), GraphError> {
        self.has(&["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All"])
    }

    /// Changing takes the role for all, or the role for what is owned and the ownership.
    pub(super) fn may_change(&self, owners: &[Uuid]) -> Result<(), GraphError> {
        let owned: &[&str] = if owners.contains(&self.object_id) { &["Application.ReadWrite.OwnedBy"] } else { &[] };
        self.has(&[["Application.ReadWrite.All", "Directory.ReadWrite.All"].as_slice(), owned].concat())
    }

    pub(super) fn may_read_policies(&self) -> Result<(), GraphError> {
        self.has(&["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All"])
    }

    fn has(&self, any_of: &[&str]) -> Result<(), GraphError> {
        let granted = self.roles.iter().any(|role| any_of.contains(&role.as_str()));
        if granted { Ok(()) } else { Err(GraphError::denied()) }
    }
}
