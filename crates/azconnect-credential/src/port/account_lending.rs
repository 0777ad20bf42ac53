//! The port through which work is done in the name of linked people.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, TenantId};

use crate::check_report::CheckReport;
use crate::linked_account::{LinkedAccount, LinkedAs};
use crate::token::TokenProvider;

/// What a linked account lends: access tokens in a person's name, without them. Cheap to clone.
///
/// It is that person's alone: after another account was linked, or after an unlink, it gets no new token. Ask
/// [`AccountLending`] for each piece of work, and keep it no longer.
#[derive(Clone)]
#[non_exhaustive]
pub struct Lent {
    /// Whose permissions are used.
    pub account: LinkedAccount,
    /// The tenant whose tokens these are.
    pub tenant: TenantId,
    /// The access tokens in the person's name. A client signs its requests with them through `azconnect_http::Bearer`.
    pub tokens: Arc<dyn TokenProvider>,
}

impl Lent {
    /// The tokens of a tenant in the name of a linked person.
    pub fn new(account: LinkedAccount, tenant: TenantId, tokens: Arc<dyn TokenProvider>) -> Self {
        Self { account, tenant, tokens }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("person", &self.account.person.id)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// What a product needs of an organization in Azure DevOps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FitRequest {
    /// The organization's name, exactly as Azure DevOps keeps it.
    pub organization: String,
    /// The projects in which the product works, by name or id.
    pub projects: Vec<String>,
    /// The repositories that it reads, by id, `{project}/{name}`, or a name alone, which is looked for in [`projects`](Self::projects)
    /// if there are any.
    pub repositories: Vec<String>,
}

impl FitRequest {
    /// An organization, of which nothing else is needed yet.
    pub fn new(organization: impl Into<String>) -> Self {
        Self { organization: organization.into(), ..Self::default() }
    }

    /// Adds a project, by name or id.
    #[must_use]
    pub fn with_project(mut self, project: impl Into<String>) -> Self {
        self.projects.push(project.into());
        self
    }

    /// Adds a repository, by id, `{project}/{name}`, or a name alone.
    #[must_use]
    pub fn with_repository(mut self, repository: impl Into<String>) -> Self {
        self.repositories.push(repository.into());
        self
    }
}

/// Lends the permissions of linked people to a product's work.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::account_links` checks:
/// - the service user's work is done as the service user, and a person's own as that person: where the one that is asked for is not
///   linked, this is an error, and no other one takes its place;
/// - what was lent before an unlink, or before another account was linked, gets no new token;
/// - a refusal says whether the person must link again or somebody else must act first, and why; an outage says neither;
/// - tokens of another tenant are had for a guest of that tenant only;
/// - no token is in a `Debug`, an error or a log.
#[async_trait]
pub trait AccountLending: Send + Sync {
    /// What a linked account lends, in the tenant in which it was linked. No service is asked before the first token is.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) with the field `link` if it is not linked; else if the store fails. Its
    /// tokens fail with the same when it is linked no longer, and with
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) when somebody has to act:
    /// `azconnect_identity::user::LinkState` says who.
    async fn lend(&self, which: LinkedAs) -> Result<Lent, Error>;

    /// What a linked account lends in another tenant, where the person is a guest.
    ///
    /// # Errors
    /// As [`lend`](Self::lend). Whether the person is a guest there shows at the first token.
    async fn lend_at(&self, which: LinkedAs, tenant: TenantId) -> Result<Lent, Error>;

    /// Whether what an account lends is enough for a product's work in an organization: its name, its tenant, and each project and
    /// repository, all at once. It is the organization's own tenant that must have lent: see [`lend_at`](Self::lend_at) for a
    /// guest. Idempotent, without effect.
    ///
    /// The codes: those of a link that gives no token, `must-link-again`, `blocked`, `refused-by-tenant` and `not-known`, after which
    /// Azure DevOps is not asked; `organization-name`, `organization-case`, `organization-not-found`, `organization-found`,
    /// `organization-of-another-tenant`, `organization-of-personal-accounts`, `organization-tenant`, `not-let-in`, `let-in`,
    /// `project-seen`, `project-not-seen`, `repository-seen`, `repository-not-seen`, `repository-ambiguous`,
    /// `repository-disabled`; each is unknown where Azure DevOps does not answer. A yes has neither a failed nor an unknown one.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    async fn fit(&self, lent: &Lent, request: &FitRequest) -> CheckReport;
}
