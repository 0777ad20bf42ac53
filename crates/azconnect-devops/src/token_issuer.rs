//! Personal access tokens as credentials that are rotated.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, KeyId};
use azconnect_credential::{
    CredentialIssuer, Inventory, IssuedKey, KeyHolder, MintRequest, Minted, Retirement, SubjectId,
};

use crate::organization::Organization;
use crate::token::{NewToken, TokenEntry};

/// The longest life that Azure DevOps gives a personal access token.
const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// Mints and revokes the personal access tokens of one user in one organization, all with the same scope.
///
/// A value is shown once, so a token is rotated by making another and revoking the former. The organization must be
/// reached with the user's own Entra token.
#[derive(Clone)]
pub struct PersonalTokenIssuer {
    organization: Organization,
    subject: SubjectId,
    user: String,
    scope: String,
}

impl PersonalTokenIssuer {
    /// An issuer for a user, named as in `ada@contoso.example`, with the scope of every token it makes. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a user that cannot be part of a subject's id, or no scope.
    pub fn new(organization: Organization, user: impl Into<String>, scope: impl Into<String>) -> Result<Self, Error> {
        let (user, scope) = (user.into(), scope.into());
        if scope.trim().is_empty() {
            return Err(
                Error::invalid("scope", "is empty").with_advice("give a scope such as vso.serviceendpoint_manage")
            );
        }
        let name = format!("pat/{}/{}", organization.name(), user).to_ascii_lowercase();
        let subject = SubjectId::new(name).map_err(|error| error.with_field("user"))?;
        Ok(Self { organization, subject, user, scope })
    }
}

fn listed(token: TokenEntry) -> IssuedKey {
    let key = IssuedKey::new(token.id, KeyHolder::User).with_validity(token.valid_from, token.valid_to);
    match token.display_name {
        Some(name) => key.with_display_name(name),
        None => key,
    }
}

#[async_trait]
impl CredentialIssuer for PersonalTokenIssuer {
    fn subject(&self) -> &SubjectId {
        &self.subject
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let keys = self.organization.personal_tokens().await?.into_iter().map(listed).collect();
        let title = format!("personal access tokens of {} in {}", self.user, self.organization.name());
        Ok(Inventory::new(title, keys).with_max_lifetime(Some(LONGEST_TOKEN_LIFE)))
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let wanted = NewToken::new(request.marker.as_str(), self.scope.as_str(), request.ends_at);
        let (entry, secret) = self.organization.create_personal_token(&wanted).await?;
        let ends_at = entry.valid_to.unwrap_or(request.ends_at);
        Ok(Minted::new(entry.id, secret, ends_at).with_holder(KeyHolder::User))
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let known = self.organization.revoke_personal_token(key).await?;
        Ok(if known { Retirement::Accepted } else { Retirement::NotListed })
    }
}

impl fmt::Debug for PersonalTokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalTokenIssuer")
            .field("subject", &self.subject)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
