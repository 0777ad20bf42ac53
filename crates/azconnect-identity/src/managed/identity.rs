//! Which identity of a machine signs in.

use azconnect_core::{ClientId, Error, PrincipalObjectId};

/// Which identity of a machine signs in: its own, or one of those that somebody assigned to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedIdentityId {
    /// The machine's own (system-assigned). A virtual machine without one, to which exactly one other identity is assigned, signs
    /// in with that.
    #[default]
    System,
    /// An assigned one, by its client id.
    Client(ClientId),
    /// An assigned one, by the object id of its service principal.
    Object(PrincipalObjectId),
    /// An assigned one, by its resource id: see [`ManagedIdentityId::resource`].
    Resource(Box<str>),
}

impl ManagedIdentityId {
    /// An assigned identity by its id in Azure Resource Manager.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `identity` unless it has the form
    /// `/subscriptions/…/userAssignedIdentities/{name}`.
    pub fn resource(id: &str) -> Result<Self, Error> {
        let lower = id.to_ascii_lowercase();
        let named = lower.split_once("/userassignedidentities/").is_some_and(|(_, name)| !name.is_empty());
        if !lower.starts_with("/subscriptions/") || !named || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("identity", "is not the resource id of a managed identity").with_advice(
                "give /subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…",
            ));
        }
        Ok(Self::Resource(id.into()))
    }

    /// The parameter that names it, where a service calls resource ids by this name.
    pub(super) fn parameter(&self, resource: &'static str) -> Option<(&'static str, String)> {
        match self {
            Self::System => None,
            Self::Client(id) => Some(("client_id", id.to_string())),
            Self::Object(id) => Some(("object_id", id.to_string())),
            Self::Resource(id) => Some((resource, id.to_string())),
        }
    }

    /// Refuses an assigned identity where only the machine's own exists.
    pub(super) fn require_system(&self, place: &str) -> Result<(), Error> {
        if *self == Self::System {
            return Ok(());
        }
        Err(Error::invalid("identity", format!("{place} has its own identity only"))
            .with_advice("sign in with the system-assigned identity here, or with another kind of credential"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_id_has_its_form() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/n";
        assert_eq!(
            ManagedIdentityId::resource(id).unwrap().parameter("msi_res_id"),
            Some(("msi_res_id", id.to_owned()))
        );
        for bad in
            ["", "n", "/subscriptions/s", "/subscriptions/s/userAssignedIdentities/", &format!("{id} x"), &id[1..]]
        {
            assert_eq!(ManagedIdentityId::resource(bad).unwrap_err().field(), Some("identity"), "{bad}");
        }
    }
}
