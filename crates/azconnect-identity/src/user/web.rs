//! A person signs in, in their browser.

use std::fmt;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry, Scope};
use azconnect_http::with_query;
use url::Url;

use super::answer::RedirectAnswer;
use super::id_token;
use super::keys::LoginKeys;
use super::obstacle::Obstacle;
use super::options::{Prompt, SignInOptions};
use super::pending::PendingSignIn;
use super::random;
use super::redirect_uri::RedirectUri;
use super::signed_in::SignedIn;
use crate::application::Application;
use crate::endpoint::TokenAnswer;
use crate::hashed::hashed;

/// How long a sign-in may take, unless the caller says otherwise. A code lives as long.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// The sign-in of people in their browsers: the authorization code flow with PKCE, and an id token whose signature is verified.
///
/// 1. [`start`](Self::start) gives an address to send the browser to, and a [`PendingSignIn`] to keep for it.
/// 2. The login sends the browser back. [`RedirectAnswer`] reads what it brings.
/// 3. [`finish`](Self::finish) says who it is, and gives the tokens.
///
/// Cheap to clone; clones share the login's published keys. AD FS names people otherwise, and is refused.
///
/// Documents: Microsoft's *OAuth 2.0 authorization code flow*, *OpenID Connect on the Microsoft identity platform*; RFC 7636.
#[derive(Clone)]
pub struct WebSignIn {
    application: Application,
    redirect: RedirectUri,
    scope: Scope,
    form_post: bool,
    time_limit: Duration,
    keys: LoginKeys,
}

impl WebSignIn {
    /// The sign-in to an application, which sends people back to `redirect`, with tokens for `scope`. Who signed in is asked for
    /// in any case; a refresh token only by [`Scope::with_offline_access`].
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the field `authority` for AD FS.
    pub fn new(application: Application, redirect: RedirectUri, scope: Scope) -> Result<Self, Error> {
        require_entra(&application)?;
        let keys = LoginKeys::new(application.endpoint());
        let scope = scope.with_profile();
        Ok(Self { application, redirect, scope, form_post: false, time_limit: TIME_LIMIT, keys })
    }

    /// Lets the answer come as a form that the browser posts, which is in no log of addresses. The post comes from the login's
    /// page: cookies with `SameSite=Lax` are absent then, so the sign-in must be found by its key, or by a cookie without that.
    #[must_use]
    pub fn with_form_post(mut self) -> Self {
        self.form_post = true;
        self
    }

    /// Sets how long a sign-in may take, 10 minutes unless set.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// The application that people sign in to.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// What is asked for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Begins a sign-in: the address to send the browser to, and what to keep for it. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `prompt` or `further` for options that do not go together.
    pub fn start(&self, options: &SignInOptions) -> Result<(Url, PendingSignIn), Error> {
        if options.prompt == Some(Prompt::SelectAccount) && options.login_hint.is_some() {
            return Err(Error::invalid("prompt", "a choice of account does not go together with a login hint")
                .with_advice("leave out one of the two"));
        }
        let scope = self.all_scopes(options)?;
        let pending = PendingSignIn {
            state: random::token()?,
            nonce: random::token()?,
            verifier: random::token()?,
            began: self.application.endpoint().pipeline().clock().now(),
            purpose: self.purpose(),
            expected: options.expected,
        };
        let (client, challenge) = (self.application.client().to_string(), hashed(pending.verifier.expose()));
        let mut query = vec![
            ("client_id", client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", self.redirect.as_str()),
            ("response_mode", if self.form_post { "form_post" } else { "query" }),
            ("scope", &scope),
            ("state", pending.state.expose()),
            ("nonce", pending.nonce.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        query.extend(options.prompt.map(|prompt| ("prompt", prompt.word())));
        query.extend(options.login_hint.as_deref().map(|hint| ("login_hint", hint)));
        query.extend(options.domain_hint.as_deref().map(|hint| ("domain_hint", hint)));
        query.extend(options.claims.as_ref().map(|claims| ("claims", claims.as_str())));
        let address = with_query(self.application.endpoint().authority().authorize_url(), &query);
        Ok((address, pending))
    }

    /// Finishes a sign-in with what the browser brought back: compares the two, redeems the code, once and with PKCE, and verifies
    /// who it is.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `answer` if the two do not belong together, and with the field
    /// `pending` for a sign-in of another application; [`Timeout`](ErrorKind::Timeout) if it was begun too long ago; then what the
    /// login refused: [`Obstacle::of`] tells a person who declined from a policy and from a consent that is
    /// missing. [`Unauthenticated`](ErrorKind::Unauthenticated) for an id token that cannot be believed, and
    /// [`Conflict`](ErrorKind::Conflict) with the field `person` if somebody else signed in than was expected. None has an effect,
    /// and none can be repeated: the person has to sign in again.
    ///
    /// # Cancel safety
    /// A dropped call may have used up the code.
    pub async fn finish(&self, pending: PendingSignIn, answer: &RedirectAnswer) -> Result<SignedIn, Error> {
        if !pending.state.same_as(&answer.state) {
            return Err(Error::invalid("answer", "it belongs to another sign-in, or to none")
                .with_advice("start the sign-in again, in the same browser"));
        }
        if pending.purpose != self.purpose() {
            return Err(Error::invalid("pending", "the sign-in was begun with other settings")
                .with_advice("start the sign-in again"));
        }
        pending.require_young(self.application.endpoint().pipeline().clock().now(), self.time_limit)?;
        if answer.issuer.is_some() || answer.outcome.is_ok() {
            // Read before the code is given in, which serves once: without keys nobody could be told by what comes for it.
            let published = self.keys.published().await?;
            // Before the code is shown to anybody: another login's code is none of this one's business.
            if answer.issuer.as_ref().is_some_and(|issuer| !id_token::is_by(issuer, &published)) {
                return Err(Error::invalid("answer", "another login gave it").with_advice("start the sign-in again"));
            }
        }
        let code = match &answer.outcome {
            Ok(code) => code,
            Err(refusal) => return Err(explained(refusal.error())),
        };
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", pending.verifier.expose()),
            ("scope", self.scope.as_str()),
        ];
        let TokenAnswer { token, refresh, id_token } =
            self.application.redeem(&grant).await.map_err(|error| explained(error).with_retry(Retry::No))?;
        let id_token = id_token.ok_or_else(|| id_token::wrong("there is none"))?;
        let person = id_token::person(&self.application, &self.keys, (&id_token, Some(&pending.nonce))).await?;
        if pending.expected.is_some_and(|expected| expected != person.id) {
            return Err(Error::new(ErrorKind::Conflict, "somebody else signed in than the person who was expected")
                .with_effect(Effect::None)
                .with_retry(Retry::No)
                .with_field("person")
                .with_advice("sign in with the account that is linked, or unlink that one first"));
        }
        Ok(SignedIn::new(self.application.client(), person, token, refresh).with_asked(&self.scope))
    }

    /// The scopes of all resources, in one request (*Scopes and permissions in the Microsoft identity platform*).
    fn all_scopes(&self, options: &SignInOptions) -> Result<String, Error> {
        let mut words: Vec<&str> = Vec::new();
        for word in [&self.scope].into_iter().chain(&options.further).flat_map(|scope| scope.as_str().split(' ')) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let of_resources = || words.iter().filter(|word| word.contains('/'));
        if of_resources().any(|word| word.ends_with("/.default")) && of_resources().count() > 1 {
            return Err(Error::invalid("further", ".default does not go together with other scopes").with_advice(
                "name the permissions of each resource, or let the person consent to one resource at a time",
            ));
        }
        Ok(words.join(" "))
    }

    /// What a sign-in is for, as a hash: it must be finished as it was begun.
    fn purpose(&self) -> String {
        let authority = self.application.endpoint().authority();
        let (client, login) = (self.application.client(), authority.login());
        hashed(&format!("{client} {login} {authority} {} {}", self.redirect, self.scope))
    }
}

impl fmt::Debug for WebSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSignIn")
            .field("application", &self.application)
            .field("redirect", &self.redirect)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Refuses a login whose tokens do not say who somebody is by tenant and object.
pub(super) fn require_entra(application: &Application) -> Result<(), Error> {
    if !application.endpoint().authority().is_ad_fs() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "AD FS does not say who somebody is by tenant and object id")
        .with_effect(Effect::None)
        .with_field("authority")
        .with_advice("let people sign in at Microsoft Entra ID"))
}

/// A refusal with what the person can do about it.
fn explained(error: Error) -> Error {
    match Obstacle::of(&error) {
        Some(obstacle) => error.with_advice(obstacle.advice()),
        None => error,
    }
}
