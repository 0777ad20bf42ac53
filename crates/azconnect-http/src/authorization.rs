//! How a request proves who sends it.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Scope};
use azconnect_credential::{AccessToken, TokenProvider};
use http::HeaderValue;
use zeroize::Zeroizing;

/// The value of one `authorization` header, and the token it was made of.
#[non_exhaustive]
pub struct Authorization {
    /// The header's value, marked sensitive.
    pub header: HeaderValue,
    /// The token in it, where there is one.
    pub token: Option<Arc<AccessToken>>,
}

impl Authorization {
    /// A header's value; it is marked sensitive here.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the text cannot be a header's value; it is not shown.
    pub fn new(text: &str) -> Result<Self, Error> {
        let mut header = HeaderValue::from_str(text).map_err(|_| {
            Error::invalid("credential", "holds characters that no header can carry")
                .with_advice("paste the credential again, without line breaks")
        })?;
        header.set_sensitive(true);
        Ok(Self { header, token: None })
    }

    /// Sets the token it was made of.
    #[must_use]
    pub fn with_token(mut self, token: Arc<AccessToken>) -> Self {
        self.token = Some(token);
        self
    }
}

/// Gives the `authorization` header of a request.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// The header for the next attempt.
    async fn authorize(&self) -> Result<Authorization, Error>;

    /// The service refused this one. Says whether the next one will differ, so that one more attempt makes sense.
    async fn refused(&self, authorization: &Authorization) -> bool;
}

/// Bearer tokens of one scope.
#[derive(Clone)]
pub struct Bearer {
    provider: Arc<dyn TokenProvider>,
    scope: Scope,
}

impl Bearer {
    /// Tokens of a provider for a scope.
    pub fn new(provider: Arc<dyn TokenProvider>, scope: Scope) -> Self {
        Self { provider, scope }
    }
}

#[async_trait]
impl Authorizer for Bearer {
    async fn authorize(&self) -> Result<Authorization, Error> {
        let token = self.provider.token(&self.scope).await?;
        let text = Zeroizing::new(format!("Bearer {}", token.secret.expose()));
        let authorization = Authorization::new(&text).map_err(|_| {
            Error::new(ErrorKind::Unexpected, "the access token holds characters that no header can carry")
        })?;
        Ok(authorization.with_token(token))
    }

    async fn refused(&self, authorization: &Authorization) -> bool {
        let Some(token) = &authorization.token else { return false };
        self.provider.invalidate(&self.scope, token).await;
        true
    }
}
