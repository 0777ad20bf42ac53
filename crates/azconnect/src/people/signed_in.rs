//! A linked account, signed in.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind, TenantId};
use azconnect_credential::{Lent, LinkedAccount, LinkedAs, Person, TokenProvider};
use azconnect_devops::DevOpsClient;
use azconnect_http::Bearer;
use azconnect_identity::user::UserTokenSource;
use azconnect_identity::{Authority, TokenCache};

use super::AccountLinks;
use crate::azure::Azure;

/// A person whose permissions are used. It gets its tokens by what the person has lent, and never asks them. Cheap to clone.
///
/// It is that person's alone: after another account was linked, or after an unlink, it gets no new token, and its last one ends
/// within 90 minutes. Ask [`AccountLinks::sign_in`] for each piece of work, and keep it no longer.
#[derive(Clone)]
pub struct LinkedIdentity {
    pub(super) azure: Azure,
    account: LinkedAccount,
    tenant: TenantId,
    tokens: Arc<dyn TokenProvider>,
}

impl AccountLinks {
    /// The identity of a linked account. Reads the record; nothing is sent before a call needs a token.
    ///
    /// The service user's work is done as the service user, and a person's own as that person: where the one that is asked for is
    /// not linked, this is an error, and no other one takes its place.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) with the field `link` if it is not linked; else if the store fails.
    pub async fn sign_in(&self, which: LinkedAs) -> Result<LinkedIdentity, Error> {
        let account = self.require(which).await?.value;
        let tenant = account.person.id.tenant;
        self.identity(account, tenant)
    }

    /// The identity of a linked account in another tenant, where the person is a guest.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in). Whether the person is a guest there shows at the first call: what that tenant refuses is
    /// [`LinkState::RefusedByTenant`](azconnect_identity::user::LinkState::RefusedByTenant), and the link may be good.
    pub async fn sign_in_at(&self, which: LinkedAs, tenant: TenantId) -> Result<LinkedIdentity, Error> {
        let account = self.require(which).await?.value;
        self.identity(account, tenant)
    }

    fn identity(&self, account: LinkedAccount, tenant: TenantId) -> Result<LinkedIdentity, Error> {
        let tokens = TokenCache::new(self.source(&account, tenant)?, self.azure.pipeline().clock().clone());
        Ok(LinkedIdentity { azure: self.azure.clone(), account, tenant, tokens: Arc::new(tokens) })
    }

    /// New tokens of a tenant in the name of a linked person.
    pub(super) fn source(&self, account: &LinkedAccount, tenant: TenantId) -> Result<UserTokenSource, Error> {
        let application = self.sign_in.application();
        if application.client() != account.application {
            let message = format!(
                "the account was linked to the application {}, and the product uses {}",
                account.application,
                application.client()
            );
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_field("application")
                .with_effect(Effect::None)
                .with_advice("link the account again: what was lent to one application is of no use to another"));
        }
        let authority = Authority::of_tenant(self.azure.cloud(), tenant);
        let application = application.at(application.endpoint().with_authority(authority));
        let source = UserTokenSource::new(application, self.tokens.clone(), account.link.clone(), self.lease.clone())?;
        Ok(if tenant == account.person.id.tenant { source } else { source.with_guest_tenant(tenant) })
    }
}

impl LinkedIdentity {
    /// The identity that acts by what was lent.
    pub(super) fn of(azure: Azure, lent: &Lent) -> Self {
        Self { azure, account: lent.account.clone(), tenant: lent.tenant, tokens: lent.tokens.clone() }
    }

    /// What the account lends, for who knows the port only.
    pub(super) fn lent(&self) -> Lent {
        Lent::new(self.account.clone(), self.tenant, self.tokens())
    }

    /// Whose permissions are used.
    pub fn person(&self) -> &Person {
        &self.account.person
    }

    /// The account as it was linked.
    pub fn account(&self) -> &LinkedAccount {
        &self.account
    }

    /// The tenant whose tokens these are.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The access tokens in the person's name.
    pub fn tokens(&self) -> Arc<dyn TokenProvider> {
        self.tokens.clone()
    }

    /// Azure DevOps as this person sees it.
    pub fn devops(&self) -> DevOpsClient {
        let authorizer = Bearer::new(self.tokens(), self.azure.cloud().devops_scope());
        DevOpsClient::new(self.azure.pipeline().clone(), self.azure.cloud(), Arc::new(authorizer))
    }
}

impl fmt::Debug for LinkedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedIdentity").field("person", &self.account.person.id).finish_non_exhaustive()
    }
}
