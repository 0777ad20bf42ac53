//! The fake links of people's accounts keep the promises of the ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Cloud, ErrorKind, Scope, Secret, TenantId};
use azconnect_credential::{
    AccountLending, CheckStatus, FitRequest, LinkRole, LinkedAccounts, LinkedAs, Person, PersonId, TokenProvider,
};
use azconnect_identity::FetchedToken;
use azconnect_identity::user::{AccountLinking, Obstacle, RedirectAnswer, SignInOptions, SignedIn};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::account_links::{self, AccountLinksHarness};
use azconnect_testkit::conformance::token_provider::{self, TokenProviderHarness};
use azconnect_testkit::fake::{Fault, People, PeopleStep};
use time::OffsetDateTime;
use url::Url;

use crate::broken_links::{Broken, Flaw};

fn ann() -> PersonId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000001".parse().unwrap()
}

pub(crate) fn bob() -> PersonId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000002".parse().unwrap()
}

fn fabrikam() -> TenantId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02".parse().unwrap()
}

fn scope() -> Scope {
    Scope::delegated(Cloud::public().devops_scope().resource(), ["user_impersonation"]).unwrap()
}

/// Somebody who signed in by other means.
pub(crate) fn by_other_means(person: PersonId) -> SignedIn {
    let token = FetchedToken::new(Secret::new("an-access-token-of-another-way"), Duration::from_secs(3600));
    let refresh = Some(Secret::new("a-refresh-token-of-another-way"));
    SignedIn::new(People::application(), Person::new(person), token, refresh).with_asked(&scope())
}

/// The fake world, and the links under test.
pub(crate) struct Stage {
    clock: Arc<ManualClock>,
    people: People,
    flaw: Option<Flaw>,
}

impl Stage {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        let clock = Arc::new(ManualClock::new());
        let people = People::new(clock.clone());
        people.seed(Person::new(ann()).with_display_name("Ann".to_owned()));
        people.seed(Person::new(bob()).with_display_name("Bob".to_owned()));
        people.invite(bob(), fabrikam()).unwrap();
        people.seed_organization("contoso", ann().tenant, &[ann(), bob()]);
        people.seed_project("contoso", "Web", &[ann()]).unwrap();
        people.seed_organization("fabrikam", fabrikam(), &[bob()]);
        Self { clock, people, flaw }
    }

    fn broken(&self) -> Option<Arc<Broken>> {
        self.flaw.map(|flaw| Arc::new(Broken::new(self.people.clone(), flaw)))
    }

    fn fault(&self, step: PeopleStep, is_broken: bool) {
        match is_broken {
            true => self.people.faults().break_down(step, Fault::Refused(ErrorKind::Unavailable)),
            false => self.people.faults().heal(),
        }
    }
}

#[async_trait]
impl AccountLinksHarness for Stage {
    fn linking(&self) -> Arc<dyn AccountLinking> {
        match self.broken() {
            Some(broken) => broken,
            None => Arc::new(self.people.clone()),
        }
    }
    fn accounts(&self) -> Arc<dyn LinkedAccounts> {
        match self.broken() {
            Some(broken) => broken,
            None => Arc::new(self.people.clone()),
        }
    }
    fn lending(&self) -> Arc<dyn AccountLending> {
        match self.broken() {
            Some(broken) => broken,
            None => Arc::new(self.people.clone()),
        }
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
        by_other_means(person)
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
    account_links::all(async || Stage::new(None)).await;
}

#[tokio::test]
async fn what_the_login_did_not_grant_is_told_by_a_check() {
    let people = Stage::new(None).people;
    let token = FetchedToken::new(Secret::new("an-access-token"), Duration::from_secs(3600));
    let token = token.with_granted(Some("openid".into()));
    let signed_in =
        SignedIn::new(People::application(), Person::new(ann()), token, Some(Secret::new("a-refresh-token")))
            .with_asked(&scope());
    let linked = people.keep(LinkRole::ServiceUser, signed_in).await.unwrap();
    assert_eq!(linked.account.missing.len(), 1);
    let report = people.check(LinkedAs::ServiceUser).await.unwrap();
    assert!(report.is_clear() && report.of("permissions-missing").is_some(), "{report:?}");
}

#[tokio::test]
async fn while_azure_devops_is_away_nobody_is_told_not_to_fit() {
    let people = Stage::new(None).people;
    let (address, pending) = people.begin(LinkRole::ServiceUser, &SignInOptions::new()).await.unwrap();
    people.finish(pending, &people.visit(&address, ann()).unwrap()).await.unwrap();
    people.faults().break_down(PeopleStep::DevOps, Fault::Dropped);
    let lent = people.lend(LinkedAs::ServiceUser).await.unwrap();
    let report = people.fit(&lent, &FitRequest::new("contoso")).await;
    assert_eq!(report.with_status(CheckStatus::Unknown).count(), report.len(), "{report:?}");
}

/// What somebody lends, as its own provider of tokens.
struct Provided {
    stage: Stage,
    provider: Arc<dyn TokenProvider>,
}

impl Provided {
    async fn new() -> Self {
        let stage = Stage::new(None);
        stage.people.keep(LinkRole::ServiceUser, by_other_means(ann())).await.unwrap();
        let provider = stage.people.lend(LinkedAs::ServiceUser).await.unwrap().tokens;
        Self { stage, provider }
    }
}

#[async_trait]
impl TokenProviderHarness for Provided {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.provider.clone()
    }
    fn scopes(&self) -> [Scope; 2] {
        ["https://graph.microsoft.com", "https://management.azure.com"].map(Scope::of_resource)
    }
    fn now(&self) -> OffsetDateTime {
        self.stage.clock.now()
    }
    async fn pass(&self, time: Duration) {
        self.stage.clock.advance(time);
    }
    async fn disconnect(&self) {
        self.stage.cut_login(true).await;
    }
    async fn refuse(&self) {
        self.stage.revoke(ann()).await;
    }
}

#[tokio::test]
async fn what_a_fake_person_lends_is_a_provider_of_tokens() {
    token_provider::all(async || Provided::new().await).await;
}
