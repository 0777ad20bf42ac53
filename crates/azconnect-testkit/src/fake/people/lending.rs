//! Tokens in the name of those who are linked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, Scope, Secret, TenantId};
use azconnect_credential::{
    AccessToken, AccountLending, CheckReport, FitRequest, Lent, LinkedAccount, LinkedAs, TokenProvider,
};
use azconnect_identity::user::Obstacle;

use super::{People, PeopleStep, World, refusal};

/// How long an access token lives.
const LIFE: Duration = Duration::from_secs(3600);

/// The tokens of a tenant in the name of one link.
struct Lender {
    people: People,
    account: LinkedAccount,
    tenant: TenantId,
    held: Mutex<HashMap<Scope, Arc<AccessToken>>>,
}

impl Lender {
    fn held(&self) -> MutexGuard<'_, HashMap<Scope, Arc<AccessToken>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenProvider for Lender {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let now = self.people.clock.now();
        if let Some(held) = self.held().get(scope).filter(|token| now < token.expires_at) {
            return Ok(held.clone());
        }
        let token = Arc::new(self.people.token(&self.account, self.tenant)?);
        self.held().insert(scope.clone(), token.clone());
        Ok(token)
    }

    async fn invalidate(&self, scope: &Scope, refused: &AccessToken) {
        let mut held = self.held();
        // A second caller may report an older token, which must not cost the newer one.
        if held.get(scope).is_some_and(|token| token.secret.same_as(&refused.secret)) {
            held.remove(scope);
        }
    }
}

impl People {
    /// A new token in the name of a link.
    pub(super) fn token(&self, account: &LinkedAccount, tenant: TenantId) -> Result<AccessToken, Error> {
        self.faults.read(&PeopleStep::Store, || match self.world().lent.contains_key(&account.link) {
            true => Ok(()),
            false => Err(refusal::unlinked()),
        })?;
        self.faults.read(&PeopleStep::Login, || {
            let mut world = self.world();
            if let Some(obstacle) = world.obstacle(account, tenant) {
                let refused = refusal::of_token(obstacle);
                let is_at_home = tenant == account.person.id.tenant;
                return Err(if is_at_home { refused } else { refused.with_field("guest_tenant") });
            }
            world.given += 1;
            let secret = Secret::new(format!("fake-access-token~{:08}", world.given));
            let now = self.clock.now();
            Ok(AccessToken::new(secret, now + LIFE, now + LIFE / 2))
        })
    }

    fn lent_by(&self, which: LinkedAs, tenant: Option<TenantId>) -> Result<Lent, Error> {
        let account = self.require(which)?.value;
        let tenant = tenant.unwrap_or(account.person.id.tenant);
        let lender = Lender { people: self.clone(), account: account.clone(), tenant, held: Mutex::default() };
        Ok(Lent::new(account, tenant, Arc::new(lender)))
    }
}

impl World {
    /// What stands in the way of a token.
    fn obstacle(&self, account: &LinkedAccount, tenant: TenantId) -> Option<Obstacle> {
        let person = account.person.id;
        let human = self.people.get(&person);
        let is_known = tenant == person.tenant || human.is_some_and(|human| human.guest_of.contains(&tenant));
        human
            .and_then(|human| human.blocked)
            .or_else(|| self.refused.get(&account.link).copied())
            .or_else(|| (!is_known).then_some(Obstacle::WrongAccount))
    }
}

#[async_trait]
impl AccountLending for People {
    async fn lend(&self, which: LinkedAs) -> Result<Lent, Error> {
        self.lent_by(which, None)
    }

    async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error> {
        self.lent_by(which, Some(tenant))
    }

    async fn fit(&self, lent: &Lent, request: &FitRequest) -> CheckReport {
        self.judge(lent, request)
    }
}
