//! Accounts of people that are linked to a product: one service user for work that nobody waits for, and people's own.

mod check;
mod fit;
mod fit_inside;
mod linking;
mod naming;
mod ports;
mod refresh_store;
mod signed_in;
mod sweep;
mod unlink;

use std::fmt;
use std::sync::Arc;

pub use self::signed_in::LinkedIdentity;
use azconnect_core::{ClientId, Cloud, Effect, Error, ErrorKind, Lease, Scope};
use azconnect_credential::{LinkId, LinkedAccount, LinkedAs, RecordPage, RecordQuery, Records, RefreshTokens, Revised};
use azconnect_identity::user::{RedirectUri, WebSignIn};
use azconnect_identity::{Application, Authority, ClientProof, TokenEndpoint};
use time::OffsetDateTime;
use uuid::Uuid;

use self::refresh_store::SealedTokens;
use crate::azure::Azure;
use crate::storage::Storage;

/// The permission of Azure DevOps by which an application acts as the person.
const IMPERSONATION: &str = "user_impersonation";

/// The application that people sign in to when they link an account.
#[derive(Clone)]
pub struct LinkApplication {
    client: ClientId,
    proof: Arc<dyn ClientProof>,
    redirect: RedirectUri,
    authority: Option<Authority>,
    scope: Option<Scope>,
}

impl LinkApplication {
    /// An application, what proves who it is, and the address to which people are sent back. People of any organization may
    /// link, for Azure DevOps, unless it is told otherwise.
    pub fn new(client: ClientId, proof: Arc<dyn ClientProof>, redirect: RedirectUri) -> Self {
        Self { client, proof, redirect, authority: None, scope: None }
    }

    /// Sets where people sign in, such as one tenant ([`Authority::of_tenant`]): a guest of that tenant needs it.
    #[must_use]
    pub fn with_authority(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Sets what people lend, in place of everything they may do in Azure DevOps (`user_impersonation`). A refresh token is asked
    /// for in any case.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    fn scope(&self, cloud: &Cloud) -> Result<Scope, Error> {
        let scope = match &self.scope {
            Some(scope) => scope.clone(),
            None => Scope::delegated(cloud.devops_scope().resource(), [IMPERSONATION])?,
        };
        Ok(scope.with_offline_access())
    }
}

impl fmt::Debug for LinkApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkApplication").field("client", &self.client).finish_non_exhaustive()
    }
}

/// The accounts of people that are linked to a product. Their records are documents, which hold no token; the refresh tokens lie
/// sealed, each under a name that is bound to its link.
///
/// There is one service user, for work that no person waits for, and any number of people's own accounts, which are told apart by
/// tenant and object id. Neither is ever used in the place of the other.
///
/// What is written is safe from a crash between any two writes: when another account is linked, its token is sealed before the
/// record names it, and the former one is forgotten after that, so that at each moment one of the two works. What a crash leaves
/// behind is found by [`AccountLinks::sweep`].
///
/// Cheap to clone.
#[derive(Clone)]
pub struct AccountLinks {
    azure: Azure,
    sign_in: WebSignIn,
    tokens: Arc<SealedTokens>,
    accounts: Records<LinkedAccount>,
    lease: Arc<dyn Lease>,
}

impl Azure {
    /// The accounts of people that are linked to a product, through an application that they sign in to.
    ///
    /// # Errors
    /// As [`WebSignIn::new`], and for a scope that cannot be.
    pub fn account_links(&self, storage: &Storage, application: LinkApplication) -> Result<AccountLinks, Error> {
        let scope = application.scope(self.cloud())?;
        let authority = application.authority.unwrap_or_else(|| Authority::organizations(self.cloud()));
        let endpoint = TokenEndpoint::at(self.pipeline().clone(), self.cloud(), authority);
        let asked = Application::new(endpoint, application.client, application.proof);
        Ok(AccountLinks {
            azure: self.clone(),
            sign_in: WebSignIn::new(asked, application.redirect, scope)?,
            tokens: Arc::new(SealedTokens::new(storage, self.pipeline().clock().clone())),
            accounts: Records::new(storage.documents()),
            lease: storage.lease(),
        })
    }
}

impl AccountLinks {
    /// A linked account: whose permissions are used, and since when. `None` if nobody is linked so. Nothing is sent.
    ///
    /// # Errors
    /// If the store fails, or the record cannot be read.
    pub async fn get(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error> {
        let found = self.accounts.get(&which.document_id()?).await?;
        match found {
            // Whoever can write to the product's records must not pass one person's account off as another's.
            Some(found) if !is_of(which, &found.value) => {
                Err(Error::new(ErrorKind::Corrupt, format!("the record of {which} is that of another account"))
                    .with_field("linked_account")
                    .with_effect(Effect::None)
                    .with_advice("find out who changed it, and link the account again"))
            }
            found => Ok(found),
        }
    }

    /// A record as it lies there, to be replaced or removed. One that names somebody else's link is as good as any for that, and
    /// says nothing of who was linked: see [`is_of`].
    async fn record(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error> {
        self.accounts.get(&which.document_id()?).await
    }

    /// A page of the linked accounts. Nothing is sent.
    ///
    /// # Errors
    /// If the store fails. Records that cannot be read are in [`RecordPage::unreadable`].
    pub async fn list(&self, query: &RecordQuery) -> Result<RecordPage<LinkedAccount>, Error> {
        self.accounts.list(query).await
    }

    /// The port in which the refresh tokens of these links are kept, for a product that signs people in by other means, such as
    /// [`DeviceSignIn`](azconnect_identity::user::DeviceSignIn).
    pub fn refresh_tokens(&self) -> Arc<dyn RefreshTokens> {
        self.tokens.clone()
    }

    async fn require(&self, which: LinkedAs) -> Result<Revised<LinkedAccount>, Error> {
        self.get(which).await?.ok_or_else(|| {
            let (message, advice) = match which {
                LinkedAs::ServiceUser => ("no service user is linked", "ask an administrator to link the service user"),
                LinkedAs::Person(_) => ("this person has linked no account", "ask the person to link the account"),
            };
            Error::new(ErrorKind::NotFound, message).with_field("link").with_effect(Effect::None).with_advice(advice)
        })
    }

    fn now(&self) -> OffsetDateTime {
        self.azure.pipeline().clock().now()
    }
}

impl fmt::Debug for AccountLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLinks").field("sign_in", &self.sign_in).finish_non_exhaustive()
    }
}

/// Whether a record is that of this account, and names a link that was made for it.
fn is_of(which: LinkedAs, account: &LinkedAccount) -> bool {
    account.linked_as() == which && is_own(which, &account.link)
}

/// Whether a link was made for this account.
fn is_own(which: LinkedAs, link: &LinkId) -> bool {
    let unique = link.as_str().strip_prefix(&which.to_string()).and_then(|rest| rest.strip_prefix('/'));
    unique.is_some_and(|unique| Uuid::try_parse(unique).is_ok())
}
