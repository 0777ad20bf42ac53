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
}

impl FetchedToken {
    /// A token with its life.
    pub fn new(secret: Secret, expires_in: Duration) -> Self {
        Self { secret, expires_in, refresh_in: None }
    }

    /// Sets after what time it should be renewed.
    #[must_use]
    pub fn with_refresh_in(mut self, refresh_in: Option<Duration>) -> Self {
        self.refresh_in = refresh_in;
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
    async fn fetch(&self, scope: &Scope) -> Result<FetchedToken, Error>;
}

#[async_trait]
impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    async fn fetch(&self, scope: &Scope) -> Result<FetchedToken, Error> {
        (**self).fetch(scope).await
    }
}

impl fmt::Debug for dyn TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
