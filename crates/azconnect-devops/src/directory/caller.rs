//! Who the caller is in an organization.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::Call;
use serde::{Deserialize, Serialize};

use crate::organization::Organization;

/// What kind of identity a descriptor names, by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentityKind {
    /// `aad.`: a user of Entra ID.
    EntraUser,
    /// `msa.`: a personal account.
    PersonalAccount,
    /// `aadsp.`: a service principal or managed identity.
    ServicePrincipal,
    /// `vssgp.` or `aadgp.`: a group.
    Group,
    /// Any other prefix, or no descriptor.
    Other,
}

/// The caller, as an organization knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DevOpsIdentity {
    /// The identity's id inside the organization; not the object id of Entra ID.
    pub id: String,
    /// The older descriptor, such as `Microsoft.IdentityModel.Claims.ClaimsIdentity;{tenant}\{user}`.
    pub descriptor: Option<String>,
    /// The subject descriptor by which the graph calls of Azure DevOps know it, such as `aad.{base64}`.
    pub subject_descriptor: Option<String>,
    /// The name that the portal shows for it.
    pub display_name: Option<String>,
}

impl DevOpsIdentity {
    /// An identity with this id and nothing else known.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), descriptor: None, subject_descriptor: None, display_name: None }
    }

    /// Sets the name that the portal shows.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The kind of identity, by the prefix of its subject descriptor.
    pub fn kind(&self) -> IdentityKind {
        let prefix = self.subject_descriptor.as_deref().and_then(|text| text.split_once('.')).map(|(prefix, _)| prefix);
        match prefix {
            Some("aad") => IdentityKind::EntraUser,
            Some("msa") => IdentityKind::PersonalAccount,
            Some("aadsp") => IdentityKind::ServicePrincipal,
            Some("vssgp" | "aadgp") => IdentityKind::Group,
            _ => IdentityKind::Other,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionData {
    #[serde(default)]
    authenticated_user: Option<WireIdentity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIdentity {
    id: String,
    #[serde(default)]
    descriptor: Option<String>,
    #[serde(default)]
    subject_descriptor: Option<String>,
    #[serde(default)]
    provider_display_name: Option<String>,
    #[serde(default)]
    custom_display_name: Option<String>,
}

/// The id under which Azure DevOps knows those who did not sign in.
const ANONYMOUS: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

impl Organization {
    /// Who the caller is in this organization. Idempotent, without effect.
    ///
    /// # Errors
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) also where a public organization lets anybody in unsigned.
    pub async fn caller(&self) -> Result<DevOpsIdentity, Error> {
        let url = self.preview_url(&["_apis", "connectionData"], &[])?;
        let data: ConnectionData = self.read(Call::get("devops.caller", url)).await?;
        let user = data.authenticated_user.filter(|user| user.id != ANONYMOUS).ok_or_else(|| {
            Error::new(ErrorKind::Unauthenticated, "the organization sees an anonymous caller")
                // Only read.
                .with_effect(Effect::None)
                .in_operation("devops.caller")
                .with_service_code("Anonymous")
                .with_advice("check that the token arrives, and that its owner is a member of the organization")
        })?;
        Ok(DevOpsIdentity {
            id: user.id,
            descriptor: user.descriptor,
            subject_descriptor: user.subject_descriptor,
            display_name: user.custom_display_name.or(user.provider_display_name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_prefix() {
        let kind = |descriptor: &str| {
            DevOpsIdentity {
                id: String::new(),
                descriptor: None,
                subject_descriptor: Some(descriptor.to_owned()),
                display_name: None,
            }
            .kind()
        };
        assert_eq!(kind("aadsp.x"), IdentityKind::ServicePrincipal);
        assert_eq!(kind("aad.x"), IdentityKind::EntraUser);
        assert_eq!(kind("x"), IdentityKind::Other);
    }
}
