//! Microsoft's own clients sign in as these crates do, and the other way round (feature `azure-core`).
//!
//! [`SdkCredential`] makes a `TokenCredential` of any [`TokenProvider`], for the clients of the Azure SDK for Rust; [`SdkTokens`]
//! makes a [`TokenProvider`] of any `TokenCredential`, such as one of the crate `azure_identity`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Retry, Scope, Secret};
use azconnect_credential::entra::EntraCode;
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_http::kind_of_status;
use azure_core::credentials::{self, TokenCredential, TokenRequestOptions};
use azure_core::error as sdk;
use http::StatusCode;

/// The tokens of a provider, such as a [`TokenCache`](crate::TokenCache), for the clients of the Azure SDK.
///
/// What the SDK does with a token is its own: its types copy tokens, and do not overwrite them.
#[derive(Clone)]
pub struct SdkCredential(Arc<dyn TokenProvider>);

impl SdkCredential {
    /// A credential that asks a provider, which should keep tokens: the SDK's clients ask often.
    pub fn new(tokens: Arc<dyn TokenProvider>) -> Self {
        Self(tokens)
    }

    /// Our error behind one of the SDK's, however often its clients have wrapped it: with kind, code and advice.
    pub fn cause(error: &sdk::Error) -> Option<&Error> {
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            if let Some(own) = next.downcast_ref() {
                return Some(own);
            }
            cause = next.source();
        }
        None
    }
}

#[async_trait]
impl TokenCredential for SdkCredential {
    /// A token for the scopes, which must be of one resource.
    ///
    /// # Errors
    /// Of the SDK's kind `Credential`, with the provider's error behind it: see [`SdkCredential::cause`].
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<credentials::AccessToken> {
        let scope: Scope = scopes.join(" ").parse().map_err(refused)?;
        let token = self.0.token(&scope).await.map_err(refused)?;
        Ok(credentials::AccessToken::new(token.secret.expose().to_owned(), token.expires_at))
    }
}

impl fmt::Debug for SdkCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkCredential")
    }
}

fn refused(error: Error) -> sdk::Error {
    let message = format!("{error}; {}", error.advice());
    sdk::Error::with_error(sdk::ErrorKind::Credential, error, message)
}

/// The tokens of a credential of the Azure SDK, for the clients of these crates. The credential keeps them itself.
pub struct SdkTokens {
    credential: Arc<dyn TokenCredential>,
    clock: Arc<dyn Clock>,
    /// What a service refused, so that it is not given again. The SDK has no way to ask for another.
    refused: Mutex<HashMap<Scope, Secret>>,
}

impl SdkTokens {
    /// The tokens of a credential.
    pub fn new(credential: Arc<dyn TokenCredential>, clock: Arc<dyn Clock>) -> Self {
        Self { credential, clock, refused: Mutex::default() }
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<Scope, Secret>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenProvider for SdkTokens {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let names: Vec<&str> = scope.as_str().split(' ').collect();
        let given = self.credential.get_token(&names, None).await.map_err(|error| explain(&error))?;
        let secret = Secret::new(given.token.secret());
        if given.expires_on <= self.clock.now() {
            return Err(unexpected("the credential of the Azure SDK gave a token that has ended")
                .with_advice("check this machine's clock"));
        }
        let mut refused = self.refused();
        if refused.get(scope).is_some_and(|refused| refused.same_as(&secret)) {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "the credential of the Azure SDK gives a token again that the service refused",
            )
            .with_effect(Effect::None)
            .with_retry(Retry::Backoff)
            .with_advice("try again when the token has ended, or make the credential anew"));
        }
        refused.remove(scope);
        Ok(Arc::new(AccessToken::new(secret, given.expires_on, given.expires_on)))
    }

    async fn invalidate(&self, scope: &Scope, refused: &AccessToken) {
        self.refused().insert(scope.clone(), refused.secret.duplicate());
    }
}

impl fmt::Debug for SdkTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkTokens")
    }
}

/// What an error of the SDK says, as far as it is known: its code of Entra ID, else its status, else its kind. Its text may hold
/// the body of an answer, so neither that nor the error itself is kept.
fn explain(error: &sdk::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push(' ');
        text.push_str(&next.to_string());
        cause = next.source();
    }
    if let Some(code) = EntraCode::most_telling(&EntraCode::all_in(&text)) {
        return code.explain().with_service_code(code.to_string()).with_effect(Effect::None);
    }
    let kind = match error.kind() {
        sdk::ErrorKind::HttpResponse { status, .. } => {
            StatusCode::from_u16(u16::from(*status)).map_or(ErrorKind::Unexpected, kind_of_status)
        }
        sdk::ErrorKind::Connection | sdk::ErrorKind::Io => ErrorKind::Unavailable,
        sdk::ErrorKind::Credential => ErrorKind::Unauthenticated,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, "the credential of the Azure SDK gave no token").with_effect(Effect::None)
}

fn unexpected(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, why).with_effect(Effect::None)
}
