//! Linked accounts behind the ports that a product calls.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, TenantId};
use azconnect_credential::{
    AccountLending, CheckReport, FitRequest, Lent, LinkRole, Linked, LinkedAccount, LinkedAccounts, LinkedAs,
    RecordPage, RecordQuery, Revised,
};
use azconnect_identity::user::{AccountLinking, PendingLink, RedirectAnswer, SignInOptions, SignedIn};
use url::Url;

use super::{AccountLinks, LinkedIdentity};

impl AccountLinks {
    /// Links accounts and unlinks them: these links behind that port.
    pub fn linking(&self) -> Arc<dyn AccountLinking> {
        Arc::new(self.clone())
    }

    /// Says who is linked, and whether that still works: these links behind that port.
    pub fn accounts(&self) -> Arc<dyn LinkedAccounts> {
        Arc::new(self.clone())
    }

    /// Lends the permissions of linked people: these links behind that port.
    pub fn lending(&self) -> Arc<dyn AccountLending> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl AccountLinking for AccountLinks {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        Self::begin(self, role, options)
    }

    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        Self::finish(self, pending, answer).await
    }

    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        Self::keep(self, role, signed_in).await
    }

    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        Self::unlink(self, which).await
    }
}

#[async_trait]
impl LinkedAccounts for AccountLinks {
    async fn get(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error> {
        Self::get(self, which).await
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<LinkedAccount>, Error> {
        Self::list(self, query).await
    }

    async fn check(&self, which: LinkedAs) -> Result<CheckReport, Error> {
        Self::check(self, which).await
    }
}

#[async_trait]
impl AccountLending for AccountLinks {
    async fn lend(&self, which: LinkedAs) -> Result<Lent, Error> {
        Ok(self.sign_in(which).await?.lent())
    }

    async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error> {
        Ok(self.sign_in_at(which, tenant).await?.lent())
    }

    async fn fit(&self, lent: &Lent, request: &FitRequest) -> CheckReport {
        LinkedIdentity::of(self.azure.clone(), lent).fit(request).await
    }
}
