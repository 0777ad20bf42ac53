//! The port that gives access tokens.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Scope, Secret};
use time::OffsetDateTime;

/// An access token and its life.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token, for an `authorization: Bearer` header.
    pub secret: Secret,
    /// When services stop accepting the token.
    pub expires_at: OffsetDateTime,
    /// The moment from which a new token should be fetched, somewhat before the end.
    pub refresh_at: OffsetDateTime,
}

impl AccessToken {
    /// A token with its end and the moment from which to renew it.
    pub fn new(secret: Secret, expires_at: OffsetDateTime, refresh_at: OffsetDateTime) -> Self {
        Self { secret, expires_at, refresh_at }
    }
}

/// Gives tokens for scopes, from a cache where it can.
///
/// What the suite `azconnect_testkit::conformance::token_provider` enforces: a token is valid when it is given, for its own
/// scope only; one that was refused is not given again, while a newer one and those of other scopes are kept; callers at
/// the same time all get a token, and one that stops waiting disturbs no other; a failure has effect
/// [`None`](azconnect_core::Effect::None), and tells a refused credential ([`Unauthenticated`] with the service's code and
/// advice) from a service that is out of reach ([`Unavailable`] or [`Timeout`]); no token is shown or logged.
///
/// [`Unauthenticated`]: azconnect_core::ErrorKind::Unauthenticated
/// [`Unavailable`]: azconnect_core::ErrorKind::Unavailable
/// [`Timeout`]: azconnect_core::ErrorKind::Timeout
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token for the scope that is still valid, from a cache or newly fetched.
    ///
    /// # Errors
    /// [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) and its neighbours with the service's code.
    /// The effect is [`None`](azconnect_core::Effect::None): asking for a token changes nothing.
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error>;

    /// Forgets a token that a service refused, so that the next call fetches another. A newer one is kept.
    async fn invalidate(&self, scope: &Scope, refused: &AccessToken);

    /// As [`invalidate`](Self::invalidate), where the service said what it wants of the next token: the JSON of a `claims`
    /// request ([`Error::claims`]), which the next sign-in sends. A provider that cannot send it gives a token without.
    async fn challenged(&self, scope: &Scope, refused: &AccessToken, claims: &str) {
        let _ = claims;
        self.invalidate(scope, refused).await;
    }
}
