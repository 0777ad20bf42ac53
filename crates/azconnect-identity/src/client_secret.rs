//! Signing in with a client secret.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, Scope, Secret};
use azconnect_credential::check_client_secret;
use azconnect_http::SendOptions;

use crate::endpoint::TokenEndpoint;
use crate::source::{FetchedToken, TokenSource};

/// Signs in as an application with its client secret, which may be replaced while it is in use.
///
/// Cheap to clone; clones share the secret.
#[derive(Clone)]
pub struct ClientSecretSource {
    endpoint: TokenEndpoint,
    client: ClientId,
    // The inner `Arc` lets a sign-in under way keep the secret it began with, without a copy of the text.
    secret: Arc<RwLock<Arc<Secret>>>,
}

impl ClientSecretSource {
    /// An application that signs in at an endpoint.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the text cannot be a client secret, such as the
    /// secret's *ID*; see [`check_client_secret`].
    pub fn new(endpoint: TokenEndpoint, client: ClientId, secret: Secret) -> Result<Self, Error> {
        check_client_secret(&secret)?;
        Ok(Self { endpoint, client, secret: Arc::new(RwLock::new(Arc::new(secret))) })
    }

    /// Signs in with another secret from now on. A sign-in that has begun ends with the former one, and tokens that
    /// were given for it stay valid until they end.
    ///
    /// It is not tried first: see [`OwnCredentialSink`](crate::OwnCredentialSink) for a replacement that is.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) as [`ClientSecretSource::new`]; the former secret
    /// stays in use.
    pub fn replace_secret(&self, secret: Secret) -> Result<(), Error> {
        check_client_secret(&secret)?;
        *self.secret.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secret);
        Ok(())
    }

    /// Whether this is the secret in use.
    pub fn holds(&self, secret: &Secret) -> bool {
        self.current().same_as(secret)
    }

    /// The client id of the application that signs in.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The token endpoint at which it signs in.
    pub fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    fn current(&self) -> Arc<Secret> {
        Arc::clone(&self.secret.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl TokenSource for ClientSecretSource {
    async fn fetch(&self, scope: &Scope) -> Result<FetchedToken, Error> {
        let secret = self.current();
        sign_in(&self.endpoint, self.client, &secret, (scope, SendOptions::default())).await
    }
}

impl fmt::Debug for ClientSecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecretSource")
            .field("endpoint", &self.endpoint)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// One sign-in with a secret, as the endpoint's pipeline sends it.
pub(crate) async fn sign_in(
    endpoint: &TokenEndpoint,
    client: ClientId,
    secret: &Secret,
    (scope, options): (&Scope, SendOptions),
) -> Result<FetchedToken, Error> {
    let client = client.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.expose()),
        ("scope", scope.as_str()),
    ];
    endpoint.ask(&form, options).await
}
