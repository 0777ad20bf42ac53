//! Links of people's accounts that break a promise are named.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Scope, Secret, TenantId};
use azconnect_credential::{
    AccessToken, AccountLending, Check, CheckReport, FitRequest, Lent, LinkRole, Linked, LinkedAccount, LinkedAccounts,
    LinkedAs, RecordPage, RecordQuery, Revised, TokenProvider,
};
use azconnect_identity::user::{AccountLinking, PendingLink, RedirectAnswer, SignInOptions, SignedIn};
use azconnect_testkit::conformance::account_links;
use azconnect_testkit::fake::People;
use url::Url;

use crate::account_links::{Stage, bob, by_other_means};
use crate::judged::{named, verdict};

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flaw {
    /// To begin ends the service user's link.
    MakesRoomAtOnce,
    /// The former link ends before the new one is known to work.
    MakesRoomFirst,
    /// Where a link fails so, somebody is linked all the same.
    LinksAnyway(ErrorKind),
    /// What fails is called something else.
    Misnames,
    /// Everybody is told to have replaced themselves.
    CountsThemselves,
    /// A sign-in without a refresh token is kept.
    KeepsNothing,
    /// A sign-in to another application is kept.
    KeepsAnything,
    /// What a person lent stays when they unlink.
    KeepsAll,
    /// An unlink that fails is called done.
    HidesFailures,
    /// Whoever is linked lends, if the one who is asked for is not.
    LendsAnothers,
    /// Whose token is asked for in another tenant gets one of their own.
    StaysAtHome,
    /// A token is given for ever.
    NeverRenews,
    /// Every page is the first one.
    KnowsOnePage,
    /// What cannot be read is not there.
    ReadsNobody,
    /// Whatever stands in the way, the person is to link again.
    BlamesThePerson,
    /// What a check found is not what is noted.
    NotesSomethingElse,
    /// A token is written to the log.
    Talks,
}

/// Links that break one promise, and keep all others.
pub(crate) struct Broken {
    people: People,
    flaw: Flaw,
}

impl Broken {
    pub(crate) fn new(people: People, flaw: Flaw) -> Self {
        Self { people, flaw }
    }

    /// Who is asked in the place of somebody.
    async fn somebody(&self, which: LinkedAs) -> Result<LinkedAs, Error> {
        if self.flaw != Flaw::LendsAnothers || self.people.get(which).await?.is_some() {
            return Ok(which);
        }
        let listed = self.people.list(&RecordQuery::new()).await?.records;
        Ok(listed.first().map_or(which, |found| found.value.linked_as()))
    }
}

#[async_trait]
impl AccountLinking for Broken {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        if self.flaw == Flaw::MakesRoomAtOnce {
            self.people.unlink(LinkedAs::ServiceUser).await?;
        }
        self.people.begin(role, options).await
    }

    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        let role = pending.role();
        if self.flaw == Flaw::MakesRoomFirst && role == LinkRole::ServiceUser {
            self.people.unlink(LinkedAs::ServiceUser).await?;
        }
        match (self.flaw, self.people.finish(pending, answer).await) {
            (Flaw::LinksAnyway(kind), Err(error)) if error.kind() == kind => {
                self.people.keep(role, by_other_means(bob())).await
            }
            (Flaw::Misnames, Err(error)) => Err(error.with_kind(ErrorKind::Unexpected)),
            (Flaw::CountsThemselves, Ok(linked)) => {
                let person = linked.account.person.id;
                Ok(linked.with_replaced(Some(person)))
            }
            (_, outcome) => outcome,
        }
    }

    async fn keep(&self, role: LinkRole, mut signed_in: SignedIn) -> Result<Linked, Error> {
        if matches!(self.flaw, Flaw::KeepsAnything) {
            signed_in.application = People::application();
        }
        match (self.flaw, &signed_in.refresh) {
            (Flaw::KeepsNothing, None) => signed_in.refresh = Some(Secret::new("nothing at all")),
            (Flaw::Talks, Some(token)) => tracing::info!(token = token.expose(), "somebody lends something"),
            _ => {}
        }
        self.people.keep(role, signed_in).await
    }

    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        match (self.flaw, which) {
            (Flaw::KeepsAll, LinkedAs::Person(_)) => Ok(()),
            (Flaw::HidesFailures, _) => self.people.unlink(which).await.or(Ok(())),
            _ => self.people.unlink(which).await,
        }
    }
}

#[async_trait]
impl LinkedAccounts for Broken {
    async fn get(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error> {
        match (self.flaw, self.people.get(which).await) {
            (Flaw::ReadsNobody, Err(_)) => Ok(None),
            (_, found) => found,
        }
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<LinkedAccount>, Error> {
        match self.flaw {
            Flaw::KnowsOnePage => self.people.list(&query.clone().with_after(None)).await,
            _ => self.people.list(query).await,
        }
    }

    async fn check(&self, which: LinkedAs) -> Result<CheckReport, Error> {
        let mut report = self.people.check(which).await?;
        match self.flaw {
            Flaw::BlamesThePerson if report.of("linked").is_none() => {
                let check = Check::failed("must-link-again", "the account", "it does not work", "link it again");
                report = CheckReport::from(vec![check]);
            }
            Flaw::NotesSomethingElse => report.push(Check::passed("more", "the account", "it was looked at")),
            _ => {}
        }
        Ok(report)
    }
}

/// Gives the first token for ever.
struct Forever {
    tokens: Arc<dyn TokenProvider>,
    held: Mutex<HashMap<Scope, Arc<AccessToken>>>,
}

#[async_trait]
impl TokenProvider for Forever {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        if let Some(held) = self.held.lock().unwrap().get(scope) {
            return Ok(held.clone());
        }
        let token = self.tokens.token(scope).await?;
        self.held.lock().unwrap().insert(scope.clone(), token.clone());
        Ok(token)
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

#[async_trait]
impl AccountLending for Broken {
    async fn lend(&self, which: LinkedAs) -> Result<Lent, Error> {
        let lent = self.people.lend(self.somebody(which).await?).await?;
        Ok(match self.flaw {
            Flaw::NeverRenews => {
                let tokens = Forever { tokens: lent.tokens, held: Mutex::default() };
                Lent::new(lent.account, lent.tenant, Arc::new(tokens))
            }
            _ => lent,
        })
    }

    async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error> {
        match self.flaw {
            Flaw::StaysAtHome => self.people.lend(which).await,
            _ => self.people.lend_at(self.somebody(which).await?, tenant).await,
        }
    }

    async fn fit(&self, lent: &Lent, request: &FitRequest) -> CheckReport {
        self.people.fit(lent, request).await
    }
}

async fn named_for(flaw: Flaw, behaviours: &[&str]) {
    let message = verdict(account_links::all(async || Stage::new(Some(flaw)))).await;
    named(&message, behaviours);
}

#[tokio::test]
async fn links_that_end_the_former_one_too_early_are_named() {
    let at_once = [
        "to begin a link changes nothing",
        "somebody else than was expected is not linked",
        "who declines leaves the former link",
        "a store that fails leaves the former link",
        "another account takes the place of the former",
        "to link again is to replace one's own link",
        "an unlink destroys what was lent",
        "what was lent to a former link gets no new token",
        "an account whose sign-ins were ended must link again",
        "no token is shown or logged",
    ];
    named_for(Flaw::MakesRoomAtOnce, &at_once).await;
    let first = [
        "an answer links once",
        "somebody else than was expected is not linked",
        "who declines leaves the former link",
        "another account takes the place of the former",
    ];
    named_for(Flaw::MakesRoomFirst, &first).await;
}

#[tokio::test]
async fn links_that_link_whom_they_must_not_are_named() {
    for (kind, behaviour) in [
        (ErrorKind::InvalidInput, "an answer of another sign-in links nobody"),
        (ErrorKind::Unauthenticated, "an answer links once"),
        (ErrorKind::Timeout, "a sign-in that took too long links nobody"),
        (ErrorKind::Conflict, "somebody else than was expected is not linked"),
        (ErrorKind::PermissionDenied, "who declines leaves the former link"),
    ] {
        named_for(Flaw::LinksAnyway(kind), &[behaviour]).await;
    }
    for flaw in [Flaw::KeepsNothing, Flaw::KeepsAnything] {
        named_for(flaw, &["who signed in by other means is linked as well"]).await;
    }
}

#[tokio::test]
async fn links_that_tell_something_else_are_named() {
    let kinds = [
        "an answer of another sign-in links nobody",
        "a sign-in that took too long links nobody",
        "somebody else than was expected is not linked",
        "who declines leaves the former link",
        "a store that fails leaves the former link",
    ];
    named_for(Flaw::Misnames, &kinds).await;
    let replaced = [
        "who signs in is who is linked",
        "another account takes the place of the former",
        "to link again is to replace one's own link",
    ];
    named_for(Flaw::CountsThemselves, &replaced).await;
    named_for(Flaw::KnowsOnePage, &["two people's own accounts are told apart"]).await;
    named_for(Flaw::ReadsNobody, &["a store that cannot be read does not say that nobody is linked"]).await;
    named_for(Flaw::Talks, &["no token is shown or logged"]).await;
}

#[tokio::test]
async fn links_that_check_carelessly_are_named() {
    let checked = [
        "an account whose sign-ins were ended must link again",
        "a disabled account is blocked until it is enabled",
        "while the login is away nobody is told to link again",
    ];
    named_for(Flaw::BlamesThePerson, &checked).await;
    named_for(Flaw::NotesSomethingElse, &checked).await;
}

#[tokio::test]
async fn links_that_do_not_destroy_what_was_lent_are_named() {
    let kept = [
        "an unlink destroys what was lent",
        "what was lent to a former link gets no new token",
        "who is not linked cannot be checked",
    ];
    named_for(Flaw::KeepsAll, &kept).await;
    named_for(Flaw::HidesFailures, &["an unlink that fails may be repeated"]).await;
}

#[tokio::test]
async fn lending_what_is_another_s_is_named() {
    let anothers = ["an unlink destroys what was lent", "nobody's account is used in the place of another's"];
    named_for(Flaw::LendsAnothers, &anothers).await;
    let home =
        ["another tenant gives tokens to its guests only", "whether an account fits is told with what is missing"];
    named_for(Flaw::StaysAtHome, &home).await;
    let renewed =
        ["what is lent is the person's, and new when it ends", "what was lent to a former link gets no new token"];
    named_for(Flaw::NeverRenews, &renewed).await;
}
