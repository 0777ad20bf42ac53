//! The port through which people link their accounts, and the link that was begun.

use std::fmt;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::{LinkRole, Linked, LinkedAs};
use url::Url;

use super::answer::RedirectAnswer;
use super::options::SignInOptions;
use super::pending::PendingSignIn;
use super::signed_in::SignedIn;

/// A link that was begun and not finished yet: a [`PendingSignIn`], and what the account is to be linked for. Keep it as that says.
pub struct PendingLink {
    role: LinkRole,
    pending: PendingSignIn,
}

impl PendingLink {
    /// A sign-in that was begun for a link.
    pub fn new(role: LinkRole, pending: PendingSignIn) -> Self {
        Self { role, pending }
    }

    /// What the account is to be linked for.
    pub fn role(&self) -> LinkRole {
        self.role
    }

    /// The sign-in that was begun for it.
    pub fn into_sign_in(self) -> PendingSignIn {
        self.pending
    }

    /// A name for it that is no secret: see [`PendingSignIn::key`].
    pub fn key(&self) -> String {
        self.pending.key()
    }

    /// All of it as one text, to keep sealed until the person comes back.
    pub fn to_secret(&self) -> Secret {
        let pending = self.pending.to_secret();
        // Room for all of it at once: a text that grows leaves copies behind.
        let mut text = String::with_capacity(word(self.role).len() + 1 + pending.expose().len());
        text.push_str(word(self.role));
        text.push(' ');
        text.push_str(pending.expose());
        Secret::new(text)
    }

    /// Reads what [`to_secret`](Self::to_secret) wrote.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `pending` for any other text.
    pub fn from_secret(secret: &Secret) -> Result<Self, Error> {
        let unknown =
            || Error::invalid("pending", "is no link that was begun here").with_advice("begin the link again");
        let (role, pending) = secret.expose().split_once(' ').ok_or_else(unknown)?;
        let role = [LinkRole::ServiceUser, LinkRole::Personal].into_iter().find(|known| word(*known) == role);
        Ok(Self { role: role.ok_or_else(unknown)?, pending: PendingSignIn::from_secret(&Secret::new(pending))? })
    }
}

impl fmt::Debug for PendingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLink").field("role", &self.role).finish_non_exhaustive()
    }
}

fn word(role: LinkRole) -> &'static str {
    match role {
        LinkRole::ServiceUser => "service-user",
        _ => "personal",
    }
}

/// Links accounts of people to a product, and unlinks them.
///
/// [`LinkedAccounts`](azconnect_credential::LinkedAccounts) says who is linked, and
/// [`AccountLending`](azconnect_credential::AccountLending) uses what they lend.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::account_links` checks:
/// - to begin a link changes nothing, and an answer finishes the link that it belongs to and no other, once and in time;
/// - who signs in is who is linked: in each role one account, and a person's own account is told by tenant and object id;
/// - a link that fails, or that the person declines, leaves the account that was linked as it was;
/// - what the former account had lent is destroyed once the new one is linked, and not before;
/// - an unlink destroys what was lent and leaves others alone; one that fails says so and may be repeated;
/// - no token is in a `Debug`, an error or a log.
#[async_trait]
pub trait AccountLinking: Send + Sync {
    /// Begins a link: the address to send the person's browser to, and what to keep until they come back. An account that is
    /// linked stays so.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for options that do not go together.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is linked.
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error>;

    /// Finishes a link with what the browser brought back: finds out who signed in, keeps what they lend, and names them in the
    /// record. Only then is what the former account had lent destroyed. Not idempotent: a repetition needs a new sign-in.
    ///
    /// # Errors
    /// As [`WebSignIn::finish`](super::WebSignIn::finish); [`Unsupported`](azconnect_core::ErrorKind::Unsupported) with the field
    /// `scope` if the login gave no refresh token; else if a store fails. The account that was linked stays so, unless the
    /// effect is [`Unknown`](azconnect_core::Effect::Unknown): then either is.
    ///
    /// # Cancel safety
    /// Not cancel safe: either account may be linked, the answer may be used up, and a token may be kept that no account names.
    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error>;

    /// Keeps what somebody has lent who signed in by other means, such as [`DeviceSignIn`](super::DeviceSignIn), as
    /// [`finish`](Self::finish) does.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `application` for a sign-in to another application than
    /// these links', which could never use what was lent; [`Unsupported`](azconnect_core::ErrorKind::Unsupported) with the field
    /// `scope` if the login gave no refresh token; else if a store fails, as for [`finish`](Self::finish).
    ///
    /// # Cancel safety
    /// Not cancel safe: either account may be linked, and a token may be kept that no account names.
    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error>;

    /// Destroys what a linked account has lent, and then its record. Idempotent. At the login nothing is withdrawn.
    ///
    /// # Errors
    /// If a store fails: what is left is still linked, and may be unlinked again.
    ///
    /// # Cancel safety
    /// It may be dropped, and repeated.
    async fn unlink(&self, which: LinkedAs) -> Result<(), Error>;
}
