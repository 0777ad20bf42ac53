//! The objects that hold credentials: applications and service principals.

use uuid::Uuid;

use super::principals::check_sight;
use super::{Context, HolderKind, Key, refusal};
use crate::base::refusal::OrRefusal;
use crate::model::directory::{Password, Tenant};
use crate::model::trust::Certificate;
use crate::model::world::World;

/// Whose credentials change, once it is sure that the caller may.
pub(super) struct Holder {
    kind: HolderKind,
    pub(super) object_id: Uuid,
    /// Whether personal accounts may sign in to it.
    pub(super) personal: bool,
}

/// What a change of credentials takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// A permission for this object.
    Granted,
    /// The same, or that the caller is the object's own application: it rolls its own keys without any permission.
    GrantedOrOwn,
}

impl Holder {
    /// Finds what a path names, if the answering replica knows it and the caller may change it.
    pub(super) fn find(
        cx: &Context<'_>,
        world: &World,
        (kind, key): (HolderKind, &Key),
        right: Right,
    ) -> OrRefusal<Self> {
        let tenant = world.directory.tenant_by_id(cx.caller.tenant).ok_or_else(|| refusal::not_found(key.text()))?;
        let missing = || refusal::not_found(key.text());
        let (holder, client, owners, created) = match kind {
            HolderKind::Application => {
                let found = tenant.applications.iter().find(|one| key.matches(one.object_id, one.client_id));
                let found = found.ok_or_else(missing)?;
                let personal = found.sign_in_audience.contains("PersonalMicrosoftAccount");
                let holder = Self { kind, object_id: found.object_id, personal };
                (holder, found.client_id, &found.owners, found.created)
            }
            HolderKind::ServicePrincipal => {
                let found = tenant.principals.iter().find(|one| key.matches(one.object_id, one.client_id));
                let found = found.ok_or_else(missing)?;
                check_sight(found, key)?;
                let holder = Self { kind, object_id: found.object_id, personal: false };
                (holder, found.client_id, &found.owners, found.created)
            }
        };
        if !cx.replica(world).has_seen_creation(holder.object_id, created.elapsed) {
            return Err(refusal::young(&world.settings.graph, key.text()));
        }
        let is_own = cx.caller.client_id == client && cx.caller.is_application();
        if right == Right::Granted || !is_own {
            cx.may_change(owners)?;
        }
        Ok(holder)
    }

    pub(super) fn passwords<'a>(&self, cx: &Context<'_>, world: &'a World) -> &'a [Password] {
        let found = world.directory.tenant_by_id(cx.caller.tenant).and_then(|tenant| self.passwords_in(tenant));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    fn passwords_in<'a>(&self, tenant: &'a Tenant) -> Option<&'a Vec<Password>> {
        let id = self.object_id;
        match self.kind {
            HolderKind::Application => tenant.applications.iter().find(|a| a.object_id == id).map(|a| &a.passwords),
            HolderKind::ServicePrincipal => tenant.principals.iter().find(|p| p.object_id == id).map(|p| &p.passwords),
        }
    }

    pub(super) fn passwords_mut<'a>(&self, cx: &Context<'_>, world: &'a mut World) -> Option<&'a mut Vec<Password>> {
        let tenant = world.directory.tenant_mut(cx.caller.tenant)?;
        let id = self.object_id;
        match self.kind {
            HolderKind::Application => {
                tenant.applications.iter_mut().find(|a| a.object_id == id).map(|a| &mut a.passwords)
            }
            HolderKind::ServicePrincipal => {
                tenant.principals.iter_mut().find(|p| p.object_id == id).map(|p| &mut p.passwords)
            }
        }
    }

    pub(super) fn certificates<'a>(&self, cx: &Context<'_>, world: &'a World) -> &'a [Certificate] {
        let Some(tenant) = world.directory.tenant_by_id(cx.caller.tenant) else { return &[] };
        let id = self.object_id;
        match self.kind {
            HolderKind::Application => {
                tenant.applications.iter().find(|a| a.object_id == id).map_or(&[], |a| &a.certificates)
            }
            HolderKind::ServicePrincipal => {
                tenant.principals.iter().find(|p| p.object_id == id).map_or(&[], |p| &p.certificates)
            }
        }
    }

    pub(super) fn certificates_mut<'a>(
        &self,
        cx: &Context<'_>,
        world: &'a mut World,
    ) -> Option<&'a mut Vec<Certificate>> {
        let tenant = world.directory.tenant_mut(cx.caller.tenant)?;
        let id = self.object_id;
        match self.kind {
            HolderKind::Application => {
                tenant.applications.iter_mut().find(|a| a.object_id == id).map(|a| &mut a.certificates)
            }
            HolderKind::ServicePrincipal => {
                tenant.principals.iter_mut().find(|p| p.object_id == id).map(|p| &mut p.certificates)
            }
        }
    }
}
