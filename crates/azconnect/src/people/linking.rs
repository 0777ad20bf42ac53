//! Linking an account: a person signs in, and what they lend is kept.

use azconnect_core::{ClientId, Effect, Error, ErrorKind};
use azconnect_credential::{LinkId, LinkRole, Linked, LinkedAccount, LinkedAs, PersonId, RefreshTokens};
use azconnect_identity::user::{PendingLink, RedirectAnswer, SignInOptions, SignedIn};
use url::Url;
use uuid::{NoContext, Timestamp, Uuid};

use super::AccountLinks;

impl AccountLinks {
    /// Begins a link: the address to send the person's browser to, and what to keep until they come back. Nothing is sent or
    /// written; an account that is linked stays so.
    ///
    /// # Errors
    /// As [`WebSignIn::start`](azconnect_identity::user::WebSignIn::start).
    pub fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        let (address, pending) = self.sign_in.start(options)?;
        Ok((address, PendingLink::new(role, pending)))
    }

    /// Finishes a link with what the browser brought back: finds out who signed in, seals what they lend, and names them in the
    /// record. Only then is what the former account had lent forgotten, so at each moment one of the two works. At Entra ID,
    /// nothing is withdrawn from a former account.
    ///
    /// # Errors
    /// As [`WebSignIn::finish`](azconnect_identity::user::WebSignIn::finish);
    /// [`Unsupported`](ErrorKind::Unsupported) with the field `scope` if the login gave no refresh token;
    /// [`Conflict`](ErrorKind::Conflict) if what was lent was destroyed meanwhile, as by a sweep while this process was suspended,
    /// or by somebody who linked or unlinked; else if a store fails. The account that was linked stays so, unless somebody else
    /// has changed it. A repetition needs a new sign-in.
    pub async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        let role = pending.role();
        let signed_in = self.sign_in.finish(pending.into_sign_in(), answer).await?;
        self.keep(role, signed_in).await
    }

    /// Keeps what somebody has lent who signed in by other means, such as
    /// [`DeviceSignIn`](azconnect_identity::user::DeviceSignIn), as [`finish`](Self::finish) does.
    ///
    /// # Errors
    /// As [`finish`](Self::finish); [`InvalidInput`](ErrorKind::InvalidInput) with the field `application` for a sign-in to
    /// another application than that of these links, before anything is written.
    pub async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        let SignedIn { person, refresh, missing, application, .. } = signed_in;
        self.require_own(application)?;
        let refresh = refresh.ok_or_else(no_refresh_token)?;
        let link = self.new_link(role, person.id)?;
        let sealed_at = self.now();
        self.tokens.store(&link, &refresh, None).await.map_err(|error| error.with_effect(Effect::None))?;
        let account = LinkedAccount::new(role, person, (application, link), self.now()).with_missing(missing);
        let former = match self.name(&account).await {
            Ok(former) => former,
            Err(error) => {
                // What may be named stays: a sweep finds it if it is not.
                if error.effect() == Effect::None {
                    self.forget(&account.link).await;
                }
                return Err(error);
            }
        };
        self.require_kept((&account, sealed_at), former.as_ref()).await?;
        if let Some(former) = &former {
            self.forget(&former.link).await;
        }
        let replaced = former.map(|former| former.person.id).filter(|former| *former != account.person.id);
        Ok(Linked::new(account).with_replaced(replaced))
    }

    /// Refuses what was lent to another application: it gives this one no token, ever.
    fn require_own(&self, application: ClientId) -> Result<(), Error> {
        let own = self.sign_in.application().client();
        if application == own {
            return Ok(());
        }
        let message = format!("the person signed in to {application}, and these links are those of {own}");
        Err(Error::invalid("application", message)
            .with_advice("let the person sign in to the application that the account links were made with"))
    }

    /// Forgets what a link has lent. What stays is found by a sweep.
    pub(super) async fn forget(&self, link: &LinkId) {
        if let Err(error) = self.tokens.remove(link).await {
            tracing::warn!(%link, %error, "what a former link had lent could not be forgotten");
        }
    }

    /// A name that no link has had.
    fn new_link(&self, role: LinkRole, person: PersonId) -> Result<LinkId, Error> {
        let now = self.now();
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        let unique = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond()));
        let which = match role {
            LinkRole::ServiceUser => LinkedAs::ServiceUser,
            _ => LinkedAs::Person(person),
        };
        LinkId::new(format!("{which}/{unique}"))
    }
}

fn no_refresh_token() -> Error {
    Error::new(ErrorKind::Unsupported, "the login gave no refresh token, so nothing can be done without the person")
        .with_field("scope")
        .with_effect(Effect::None)
        .with_advice("ask for `offline_access`, and look whether a policy of the tenant forbids it")
}
