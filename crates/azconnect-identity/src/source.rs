//! The port through which the cache gets a new token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, Scope, Secret};

/// A token as the service has just given it. Its times count from the request.
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchedToken {
    /// The access token, as the service wrote it in `access_token`.
    pub secret: Secret,
    /// How long services accept it, counted from the request (`expires_in`).
    pub expires_in: Duration,
    /// After what time the service wants it renewed (`refresh_in`), where it said so.
    pub refresh_in: Option<Duration>,
    /// What was granted (`scope`), where the service said so: compare it with [`Scope::missing_from`].
    pub granted: Option<Box<str>>,
}

impl FetchedToken {
    /// A token with its life.
    pub fn new(secret: Secret, expires_in: Duration) -> Self {
        Self { secret, expires_in, refresh_in: None, granted: None }
    }

    /// Sets after what time it should be renewed.
    #[must_use]
    pub fn with_refresh_in(mut self, refresh_in: Option<Duration>) -> Self {
        self.refresh_in = refresh_in;
        self
    }

    /// Sets what was granted.
    #[must_use]
    pub fn with_granted(mut self, granted: Option<Box<str>>) -> Self {
        self.granted = granted;
        self
    }
}

/// What a token is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TokenRequest<'a> {
    /// What the token is to be for.
    pub scope: &'a Scope,
    /// What is sent as `claims`, as JSON: those of a service that refused the former token and wants another (continuous access
    /// evaluation), and those that say what this client can do. A source that cannot send them asks without: the service then
    /// refuses the token again.
    pub claims: Option<&'a str>,
    /// Whether a service refused the former token and wants another, so that a token which it has seen is of no use.
    pub challenged: bool,
}

impl<'a> TokenRequest<'a> {
    /// A request for a token of this scope.
    pub fn new(scope: &'a Scope) -> Self {
        Self { scope, claims: None, challenged: false }
    }

    /// Sets the claims that a service asked for.
    #[must_use]
    pub fn with_claims(mut self, claims: Option<&'a str>) -> Self {
        self.claims = claims;
        self.challenged = claims.is_some();
        self
    }

    /// Says whether the claims answer a service. Those that only say what this client can do (`cp1`) do not.
    #[must_use]
    pub fn with_challenged(mut self, challenged: bool) -> Self {
        self.challenged = challenged;
        self
    }
}

/// One way to sign in. It keeps no token: [`TokenCache`](crate::TokenCache) does that for every kind of source.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Signs in and returns a new token, never one that was handed out before.
    ///
    /// # Errors
    /// With the service's code and effect [`None`](azconnect_core::Effect::None): signing in changes nothing.
    ///
    /// # Cancel safety
    /// A dropped sign-in has no effect.
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error>;
}

#[async_trait]
impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        (**self).fetch(request).await
    }
}

impl fmt::Debug for dyn TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
