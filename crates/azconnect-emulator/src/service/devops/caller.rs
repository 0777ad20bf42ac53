//! Who asks Azure DevOps: a bearer token of Entra ID, or a personal access token.

use uuid::Uuid;

use super::refusal;
use crate::base::call::{Call, Claim};
use crate::base::moment::Moment;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::{Member, Organization, Pat};
use crate::model::token::{Audience, Identity};
use crate::model::world::World;

/// The caller of one organization.
pub(super) struct OrganizationCaller {
    pub(super) member: Member,
    /// The scopes of the personal access token that was used; none for a token of Entra ID.
    pat_scope: Option<String>,
    /// What a person let an application do, where that is less than everything.
    delegated_scope: Option<String>,
}

impl OrganizationCaller {
    /// The caller of a request to an organization.
    pub(super) fn of(call: &Call, world: &World, organization: &str) -> OrRefusal<Self> {
        let found = world.devops.organization(organization).ok_or_else(|| refusal::organization(organization))?;
        let refused = || Refusal::sign_in(found.tenant);
        match call.claim() {
            Claim::Bearer(text) => {
                let token = world.tokens.check(&text, &Audience::DevOps, call.now.wall).map_err(|_| refused())?;
                // A token of another tenant does not open an organization, even to a guest.
                if found.tenant.is_some_and(|tenant| tenant != token.tenant) {
                    return Err(refused());
                }
                let member = found.member_of(token.identity).cloned().ok_or_else(refused)?;
                let scope = token.scope().filter(|scope| !scope.split(' ').any(|one| one == "user_impersonation"));
                Ok(Self { member, pat_scope: None, delegated_scope: scope.map(str::to_owned) })
            }
            Claim::Basic { password, .. } => {
                let (identity, pat) = find_pat(world, found, &password, call.now).ok_or_else(refused)?;
                // A token of someone who has left the organization is worth nothing.
                let member = found.member_of(identity).cloned().ok_or_else(refused)?;
                Ok(Self { member, pat_scope: Some(pat.scope.clone()), delegated_scope: None })
            }
            Claim::Nobody | Claim::Other => Err(refused()),
        }
    }

    pub(super) fn id(&self) -> Uuid {
        self.member.id
    }

    /// Whether it signs in as a person, and not by a personal access token.
    pub(super) fn is_delegated(&self) -> bool {
        self.pat_scope.is_none() && matches!(self.member.identity, Identity::User(_))
    }

    /// Whether the personal access token, or what a person let an application do, has one of these scopes.
    pub(super) fn is_within(&self, scopes: &[&str]) -> bool {
        self.pat_scope
            .as_deref()
            .or(self.delegated_scope.as_deref())
            .is_none_or(|granted| granted.split(' ').any(|scope| scope == "app_token" || scopes.contains(&scope)))
    }
}

/// A valid personal access token for an organization: one of its own, or one of its owner's for all organizations.
fn find_pat<'w>(world: &'w World, here: &'w Organization, text: &str, now: Moment) -> Option<(Identity, &'w Pat)> {
    world.devops.organizations.iter().find_map(|organization| {
        let pat = organization.pats.iter().find(|pat| pat.opens(text, now.wall))?;
        let reaches = pat.all_organizations || organization.id == here.id;
        let owner = organization.member(pat.owner)?;
        reaches.then_some((owner.identity, pat))
    })
}
