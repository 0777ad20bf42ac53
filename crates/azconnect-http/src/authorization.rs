//! The `authorization` header: which identity sends a request.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Scope};
use azconnect_credential::{AccessToken, TokenProvider};
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// The value of an `authorization` header, and the token that it was made from.
#[non_exhaustive]
pub struct Authorization {
    /// The value of the header, marked as sensitive so that it is not logged.
    pub header: HeaderValue,
    /// The token in it; `None` for a scheme without tokens.
    pub token: Option<Arc<AccessToken>>,
}

impl Authorization {
    /// An authorization with this header value, which it marks as sensitive.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the text cannot be a header's value; it is not shown.
    pub fn new(text: &str) -> Result<Self, Error> {
        // Its memory is ours, so that it is overwritten with the last request that carries it.
        let bytes = Bytes::from_owner(Zeroizing::new(text.as_bytes().to_vec()));
        let mut header = HeaderValue::from_maybe_shared(bytes).map_err(|_| {
            Error::invalid("credential", "holds characters that no header can carry")
                .with_advice("paste the credential again, without line breaks")
        })?;
        header.set_sensitive(true);
        Ok(Self { header, token: None })
    }

    /// Sets the token that the header was made from, so that it can be invalidated if the service refuses it.
    #[must_use]
    pub fn with_token(mut self, token: Arc<AccessToken>) -> Self {
        self.token = Some(token);
        self
    }
}

/// The source of the `authorization` header of requests.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// The header for the next attempt.
    async fn authorize(&self) -> Result<Authorization, Error>;

    /// Takes note that the service refused an authorization, and how: [`Error::claims`] says what it wants of the next token.
    /// `true` if the next one will differ, so that one more attempt makes sense.
    async fn refused(&self, authorization: &Authorization, refusal: &Error) -> bool;
}

/// An authorizer that sends bearer tokens of one scope.
#[derive(Clone)]
pub struct Bearer {
    provider: Arc<dyn TokenProvider>,
    scope: Scope,
}

impl Bearer {
    /// A bearer authorizer that asks a provider for tokens of one scope.
    pub fn new(provider: Arc<dyn TokenProvider>, scope: Scope) -> Self {
        Self { provider, scope }
    }
}

#[async_trait]
impl Authorizer for Bearer {
    async fn authorize(&self) -> Result<Authorization, Error> {
        let token = self.provider.token(&self.scope).await?;
        let text = Zeroizing::new(format!("Bearer {}", token.secret.expose()));
        // Its own error tells a person to paste the credential again, which does not fit a token.
        let authorization = Authorization::new(&text).map_err(|_| {
            Error::new(ErrorKind::Unexpected, "the access token holds characters that no header can carry")
        })?;
        Ok(authorization.with_token(token))
    }

    async fn refused(&self, authorization: &Authorization, refusal: &Error) -> bool {
        let Some(token) = &authorization.token else { return false };
        match refusal.claims() {
            Some(claims) => self.provider.challenged(&self.scope, token, claims).await,
            None => self.provider.invalidate(&self.scope, token).await,
        }
        true
    }
}
