//! The fake links of people's accounts keep the promises of the ports, and links that break one are named.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Cloud, Error, ErrorKind, Scope, Secret, TenantId};
use azconnect_credential::{
    AccountLending, CheckReport, CheckStatus, FitRequest, Lent, LinkRole, Linked, LinkedAccounts, LinkedAs, Person,
    PersonId, RecordQuery,
};
use azconnect_identity::FetchedToken;
use azconnect_identity::user::{AccountLinking, Obstacle, PendingLink, RedirectAnswer, SignInOptions, SignedIn};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::account_links::{self, AccountLinksHarness};
use azconnect_testkit::fake::{Fault, People, PeopleStep};
use url::Url;

use crate::judged::{named, verdict};

fn ann() -> PersonId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000001".parse().unwrap()
}

fn bob() -> PersonId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000002".parse().unwrap()
}

fn fabrikam() -> TenantId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02".parse().unwrap()
}

fn scope() -> Scope {
    Scope::delegated(Cloud::public().devops_scope().resource(), ["user_impersonation"]).unwrap()
}

/// The fake world, on top of which stand the links under test.
struct Stage<L> {
    clock: Arc<ManualClock>,
    people: People,
    wrap: fn(People) -> L,
}

impl<L> Stage<L> {
    fn new(wrap: fn(People) -> L) -> Self {
        let clock = Arc::new(ManualClock::new());
        let people = People::new(clock.clone());
        people.seed(Person::new(ann()).with_display_name("Ann".to_owned()));
        people.seed(Person::new(bob()).with_display_name("Bob".to_owned()));
        people.invite(bob(), fabrikam()).unwrap();
        people.seed_organization("contoso", ann().tenant, &[ann(), bob()]);
        people.seed_project("contoso", "Web", &[ann()]).unwrap();
        people.seed_organization("fabrikam", fabrikam(), &[bob()]);
        Self { clock, people, wrap }
    }

    fn links(&self) -> Arc<L> {
        Arc::new((self.wrap)(self.people.clone()))
    }

    fn fault(&self, step: PeopleStep, is_broken: bool) {
        match is_broken {
            true => self.people.faults().break_down(step, Fault::Refused(ErrorKind::Unavailable)),
            false => self.people.faults().heal(),
        }
    }
}

#[async_trait]
impl<L: AccountLinking + AccountLending + 'static> AccountLinksHarness for Stage<L> {
    fn linking(&self) -> Arc<dyn AccountLinking> {
        self.links()
    }
    fn accounts(&self) -> Arc<dyn LinkedAccounts> {
        Arc::new(self.people.clone())
    }
    fn lending(&self) -> Arc<dyn AccountLending> {
        self.links()
    }
    fn people(&self) -> [PersonId; 2] {
        [ann(), bob()]
    }
    fn scope(&self) -> Scope {
        scope()
    }
    fn foreign_tenant(&self) -> TenantId {
        fabrikam()
    }
    fn fitting(&self) -> FitRequest {
        FitRequest::new("contoso").with_project("Web").with_repository("Web/Web")
    }
    fn foreign(&self) -> FitRequest {
        FitRequest::new("fabrikam")
    }
    async fn visit(&self, address: &Url, person: PersonId) -> RedirectAnswer {
        self.people.visit(address, person).unwrap()
    }
    async fn decline(&self, address: &Url, _: PersonId) -> RedirectAnswer {
        self.people.decline(address).unwrap()
    }
    async fn sign_in(&self, person: PersonId) -> SignedIn {
        let token = FetchedToken::new(Secret::new("an-access-token-of-another-way"), Duration::from_secs(3600));
        let refresh = Some(Secret::new("a-refresh-token-of-another-way"));
        SignedIn::new(Person::new(person), token, refresh, &scope())
    }
    async fn revoke(&self, person: PersonId) {
        self.people.refuse(person, Obstacle::Revoked).unwrap();
    }
    async fn disable(&self, person: PersonId, is_disabled: bool) {
        match is_disabled {
            true => self.people.refuse(person, Obstacle::Disabled).unwrap(),
            false => self.people.admit(person).unwrap(),
        }
    }
    async fn cut_login(&self, is_cut: bool) {
        self.fault(PeopleStep::Login, is_cut);
    }
    async fn break_storage(&self, is_broken: bool) {
        self.fault(PeopleStep::Store, is_broken);
    }
    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
    async fn lent(&self) -> usize {
        self.people.lent()
    }
}

#[tokio::test]
async fn the_fake_links_of_accounts_conform() {
    account_links::all(async || Stage::new(|people| people)).await;
}

/// Passes every call on that a broken implementation does not change.
macro_rules! lends_as_it_should {
    ($name:ident) => {
        #[async_trait]
        impl AccountLending for $name {
            async fn lend(&self, which: LinkedAs) -> Result<Lent, Error> {
                self.0.lend(which).await
            }
            async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error> {
                self.0.lend_at(which, tenant).await
            }
            async fn fit(&self, which: LinkedAs, request: &FitRequest) -> Result<CheckReport, Error> {
                self.0.fit(which, request).await
            }
            async fn fit_at(&self, which: LinkedAs, at: TenantId, request: &FitRequest) -> Result<CheckReport, Error> {
                self.0.fit_at(which, at, request).await
            }
        }
    };
}

/// Makes room for the new account before it knows whether there is one.
struct Hasty(People);

#[async_trait]
impl AccountLinking for Hasty {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        self.0.begin(role, options).await
    }
    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        self.0.keep(role, signed_in).await
    }
    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        if pending.role() == LinkRole::ServiceUser {
            self.0.unlink(LinkedAs::ServiceUser).await?;
        }
        self.0.finish(pending, answer).await
    }
    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        self.0.unlink(which).await
    }
}

lends_as_it_should!(Hasty);

#[tokio::test]
async fn links_that_end_the_former_one_first_are_named() {
    let message = verdict(account_links::all(async || Stage::new(Hasty))).await;
    named(
        &message,
        &[
            "an answer links once",
            "somebody else than was expected is not linked",
            "who declines leaves the former link",
            "another account takes the place of the former",
        ],
    );
}

/// Says that all is unlinked, whatever the store said.
struct Forgetful(People);

#[async_trait]
impl AccountLinking for Forgetful {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        self.0.begin(role, options).await
    }
    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        self.0.keep(role, signed_in).await
    }
    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        self.0.finish(pending, answer).await
    }
    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        match which {
            LinkedAs::ServiceUser => self.0.unlink(which).await.or(Ok(())),
            // Its own people's accounts it keeps, in case they come back.
            LinkedAs::Person(_) => Ok(()),
        }
    }
}

lends_as_it_should!(Forgetful);

#[tokio::test]
async fn links_that_do_not_destroy_what_was_lent_are_named() {
    let message = verdict(account_links::all(async || Stage::new(Forgetful))).await;
    named(
        &message,
        &[
            "an unlink destroys what was lent",
            "an unlink that fails may be repeated",
            "what was lent to a former link gets no new token",
            "who is not linked cannot be checked",
        ],
    );
}

/// Works in the name of whoever is linked.
struct Obliging(People);

impl Obliging {
    async fn somebody(&self, which: LinkedAs) -> Result<LinkedAs, Error> {
        if self.0.get(which).await?.is_some() {
            return Ok(which);
        }
        let listed = self.0.list(&RecordQuery::new()).await?.records;
        Ok(listed.first().map_or(which, |found| found.value.linked_as()))
    }
}

#[async_trait]
impl AccountLinking for Obliging {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        self.0.begin(role, options).await
    }
    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        self.0.keep(role, signed_in).await
    }
    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        self.0.finish(pending, answer).await
    }
    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        self.0.unlink(which).await
    }
}

#[async_trait]
impl AccountLending for Obliging {
    async fn lend(&self, which: LinkedAs) -> Result<Lent, Error> {
        self.0.lend(self.somebody(which).await?).await
    }
    async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error> {
        self.0.lend_at(self.somebody(which).await?, tenant).await
    }
    async fn fit(&self, which: LinkedAs, request: &FitRequest) -> Result<CheckReport, Error> {
        self.0.fit(self.somebody(which).await?, request).await
    }
    async fn fit_at(&self, which: LinkedAs, tenant: TenantId, request: &FitRequest) -> Result<CheckReport, Error> {
        self.0.fit_at(self.somebody(which).await?, tenant, request).await
    }
}

#[tokio::test]
async fn lending_in_another_s_name_is_named() {
    let message = verdict(account_links::all(async || Stage::new(Obliging))).await;
    named(&message, &["an unlink destroys what was lent", "nobody's account is used in the place of another's"]);
}

#[tokio::test]
async fn what_the_login_did_not_grant_is_told_by_a_check() {
    let people = Stage::new(|people| people).people;
    let token = FetchedToken::new(Secret::new("an-access-token"), Duration::from_secs(3600));
    let token = token.with_granted(Some("openid".into()));
    let signed_in = SignedIn::new(Person::new(ann()), token, Some(Secret::new("a-refresh-token")), &scope());
    let linked = people.keep(LinkRole::ServiceUser, signed_in).await.unwrap();
    assert_eq!(linked.account.missing.len(), 1);
    let report = people.check(LinkedAs::ServiceUser).await.unwrap();
    assert!(report.is_clear() && report.of("permissions-missing").is_some(), "{report:?}");
}

#[tokio::test]
async fn while_azure_devops_is_away_nobody_is_told_not_to_fit() {
    let people = Stage::new(|people| people).people;
    let (address, pending) = people.begin(LinkRole::ServiceUser, &SignInOptions::new()).await.unwrap();
    people.finish(pending, &people.visit(&address, ann()).unwrap()).await.unwrap();
    people.faults().break_down(PeopleStep::DevOps, Fault::Dropped);
    let report = people.fit(LinkedAs::ServiceUser, &FitRequest::new("contoso")).await.unwrap();
    assert_eq!(report.with_status(CheckStatus::Unknown).count(), report.len(), "{report:?}");
}
