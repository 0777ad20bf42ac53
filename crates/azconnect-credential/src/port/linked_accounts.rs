//! The port that says which accounts of people are linked, and whether they still work.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::check_report::CheckReport;
use crate::linked_account::{LinkedAccount, LinkedAs};
use crate::person::PersonId;
use crate::records::{RecordPage, RecordQuery, Revised};

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Linked {
    /// The account that is linked now.
    pub account: LinkedAccount,
    /// The person whose account it has taken the place of, if it was somebody else's.
    pub replaced: Option<PersonId>,
}

impl Linked {
    /// An account that is linked now, and in nobody's place.
    pub fn new(account: LinkedAccount) -> Self {
        Self { account, replaced: None }
    }

    /// Sets the person whose account it has taken the place of.
    #[must_use]
    pub fn with_replaced(mut self, replaced: Option<PersonId>) -> Self {
        self.replaced = replaced;
        self
    }
}

/// Says which accounts of people are linked to a product, and whether they still work: what a page about them shows.
///
/// There is one service user, for work that no person waits for, and any number of people's own accounts, which are told apart by
/// tenant and object id. `azconnect_identity::user::AccountLinking` links and unlinks them, and
/// [`AccountLending`](crate::AccountLending) uses what they lend.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::account_links` checks:
/// - a record says whose permissions are used, and holds no token;
/// - the service user is never told in the place of a person's own account, nor the other way round;
/// - a check tells apart who has to link again, what somebody else must solve first, and what nobody can say during an outage; it
///   says why, and notes what it found.
#[async_trait]
pub trait LinkedAccounts: Send + Sync {
    /// A linked account: whose permissions are used, and since when. `None` if nobody is linked so. No service is asked.
    ///
    /// # Errors
    /// If the store fails, or the record cannot be read.
    async fn get(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error>;

    /// A page of the linked accounts. No service is asked.
    ///
    /// # Errors
    /// If the store fails. Records that cannot be read are in [`RecordPage::unreadable`].
    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<LinkedAccount>, Error>;

    /// Asks for a token in the account's name now, and notes in its record what came of it. Idempotent.
    ///
    /// The codes: `linked`; `must-link-again` and `blocked`, with the reason in the cause and who has to act in the remedy;
    /// `not-known` while nobody can say; `permissions-missing`, a warning, for what was asked for when the account was linked and
    /// not granted.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) with the field `link` if it is not linked; else if a store fails. What
    /// the login says is in the report.
    ///
    /// # Cancel safety
    /// Cancel safe: what the check found may not be noted.
    async fn check(&self, which: LinkedAs) -> Result<CheckReport, Error>;
}
