//! What everything must do that links people's accounts and lends what they have lent: [`AccountLinking`], [`LinkedAccounts`] and
//! [`AccountLending`].

mod lending;
mod linking;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Scope, TenantId};
use azconnect_credential::{
    AccountLending, FitRequest, LinkRole, Linked, LinkedAccount, LinkedAccounts, LinkedAs, PersonId,
};
use azconnect_identity::user::{AccountLinking, LinkState, PendingLink, RedirectAnswer, SignInOptions, SignedIn};
use url::Url;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// Links under test, and what lies behind them: nobody is linked, two people may sign in, and there is an organization in Azure
/// DevOps for each of two tenants.
#[async_trait]
pub trait AccountLinksHarness: Send + Sync {
    /// The links under test.
    fn linking(&self) -> Arc<dyn AccountLinking>;

    /// The same links, as a page reads them.
    fn accounts(&self) -> Arc<dyn LinkedAccounts>;

    /// The same links, as work uses them.
    fn lending(&self) -> Arc<dyn AccountLending>;

    /// Two people of one tenant. The second is a guest of [`foreign_tenant`](Self::foreign_tenant), and the first is not.
    fn people(&self) -> [PersonId; 2];

    /// Something that people lend access to.
    fn scope(&self) -> Scope;

    /// The second tenant.
    fn foreign_tenant(&self) -> TenantId;

    /// An organization in the people's tenant, with a project and a repository, all of which the first person sees.
    fn fitting(&self) -> FitRequest;

    /// An organization in the second tenant.
    fn foreign(&self) -> FitRequest;

    /// Signs a person in at the address with which a link began: what their browser brings back.
    async fn visit(&self, address: &Url, person: PersonId) -> RedirectAnswer;

    /// As [`visit`](Self::visit), by a person who declines to lend anything.
    async fn decline(&self, address: &Url, person: PersonId) -> RedirectAnswer;

    /// Signs a person in by other means, with a refresh token.
    async fn sign_in(&self, person: PersonId) -> SignedIn;

    /// Ends all sign-ins of a person, as an administrator does. They may sign in again.
    async fn revoke(&self, person: PersonId);

    /// Disables the account of a person, or enables it.
    async fn disable(&self, person: PersonId, is_disabled: bool);

    /// Makes the login unreachable, or reachable again.
    async fn cut_login(&self, is_cut: bool);

    /// Makes the storage fail, or work again.
    async fn break_storage(&self, is_broken: bool);

    /// Lets time pass.
    async fn pass(&self, time: Duration);

    /// How many refresh tokens are kept, whoever lent them.
    async fn lent(&self) -> usize;
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: AccountLinksHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("AccountLinking, LinkedAccounts, AccountLending");
    report.add("who signs in is who is linked", linking::links(&make().await).await);
    report.add("to begin a link changes nothing", linking::begins(&make().await).await);
    report.add("who signed in by other means is linked as well", linking::keeps(&make().await).await);
    report.add("an answer of another sign-in links nobody", linking::mixed_up(&make().await).await);
    report.add("an answer links once", linking::replayed(&make().await).await);
    report.add("a sign-in that took too long links nobody", linking::late(&make().await).await);
    report.add("somebody else than was expected is not linked", linking::unexpected(&make().await).await);
    report.add("who declines leaves the former link", linking::declined(&make().await).await);
    report.add("a store that fails leaves the former link", linking::store_fails(&make().await).await);
    report.add("another account takes the place of the former", linking::replaces(&make().await).await);
    report.add("to link again is to replace one's own link", linking::again(&make().await).await);
    report.add("an unlink destroys what was lent", linking::unlinks(&make().await).await);
    report.add("an unlink that fails may be repeated", linking::unlink_fails(&make().await).await);
    report.add("nobody's account is used in the place of another's", lending::no_substitute(&make().await).await);
    report.add("two people's own accounts are told apart", lending::apart(&make().await).await);
    report.add("what is lent is the person's, and new when it ends", lending::lends(&make().await).await);
    report.add("what was lent to a former link gets no new token", lending::former(&make().await).await);
    report.add("another tenant gives tokens to its guests only", lending::guests(&make().await).await);
    report.add("whether an account fits is told with what is missing", lending::fits(&make().await).await);
    report.add("an account whose sign-ins were ended must link again", standing::revoked(&make().await).await);
    report.add("a disabled account is blocked until it is enabled", standing::disabled(&make().await).await);
    report.add("while the login is away nobody is told to link again", standing::away(&make().await).await);
    report.add("who is not linked cannot be checked", standing::nobody(&make().await).await);
    report.add("a store that cannot be read does not say that nobody is linked", standing::unread(&make().await).await);
    report.add("no token is shown or logged", standing::shows_nothing(&make().await).await);
    report.finish();
}

const SERVICE_USER: LinkedAs = LinkedAs::ServiceUser;

async fn begin(
    harness: &impl AccountLinksHarness,
    role: LinkRole,
    options: &SignInOptions,
) -> Result<(Url, PendingLink), Failure> {
    Ok(harness.linking().begin(role, options).await?)
}

/// What a person's sign-in comes to, kept between the two requests of a browser as a product keeps it.
async fn try_link(harness: &impl AccountLinksHarness, role: LinkRole, person: PersonId) -> Result<Linked, Error> {
    let (address, pending) = harness.linking().begin(role, &SignInOptions::new()).await?;
    let pending = PendingLink::from_secret(&pending.to_secret())?;
    harness.linking().finish(pending, &harness.visit(&address, person).await).await
}

async fn link(harness: &impl AccountLinksHarness, role: LinkRole, person: PersonId) -> Result<LinkedAccount, Failure> {
    Ok(try_link(harness, role, person).await?.account)
}

/// Asks for a token in the name of an account.
async fn token(harness: &impl AccountLinksHarness, which: LinkedAs) -> Result<(), Error> {
    harness.lending().lend(which).await?.tokens.token(&harness.scope()).await.map(drop)
}

/// Fails unless this person's account is linked so, and gives tokens.
async fn works(harness: &impl AccountLinksHarness, which: LinkedAs, person: PersonId) -> CaseResult {
    token(harness, which).await?;
    let found = harness.accounts().get(which).await?.ok_or_else(|| Failure::new("nobody is linked"))?.value;
    ensure_eq("the person who is linked", &found.person.id, &person)?;
    ensure_eq("which account it is", &found.linked_as(), &which)
}

/// Fails unless nobody is linked so, which whoever asks for a token is told as well.
async fn is_unlinked(harness: &impl AccountLinksHarness, which: LinkedAs) -> CaseResult {
    ensure(harness.accounts().get(which).await?.is_none(), format!("{which} is linked"))?;
    unlinked(&format!("a token of {which}"), token(harness, which).await)
}

/// Fails unless a call says that nobody is linked.
fn unlinked<T>(what: &str, outcome: Result<T, Error>) -> CaseResult {
    let error = refused(what, ErrorKind::NotFound, outcome)?;
    ensure_eq("field", &error.field(), &Some("link"))?;
    ensure(!error.advice().is_empty(), "the refusal does not say what to do")?;
    ensure_eq("the state of the link", &LinkState::of(&error), &LinkState::Unlinked)
}

async fn ensure_lent(harness: &impl AccountLinksHarness, wanted: usize) -> CaseResult {
    ensure_eq("the refresh tokens that are kept", &harness.lent().await, &wanted)
}
