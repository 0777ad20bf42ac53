//! Signing in with a client secret.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, Secret};
use azconnect_credential::check_client_secret;
use azconnect_http::SendOptions;

use crate::application::{is_about_the_proof, sign_in, unread};
use crate::authority::Authority;
use crate::endpoint::TokenEndpoint;
use crate::live::LiveSecret;
use crate::own_record::OwnRecord;
use crate::proof::{ClientProof, Proof};
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// Signs in as an application with its client secret, which may be replaced while it is in use.
///
/// Cheap to clone; clones share the secret, and the record that it is kept in.
#[derive(Clone)]
pub struct ClientSecretSource {
    endpoint: TokenEndpoint,
    client: ClientId,
    live: Arc<LiveSecret>,
}

impl ClientSecretSource {
    /// An application that signs in at an endpoint.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the text cannot be a client secret, such as the
    /// secret's *ID*; see [`check_client_secret`].
    pub fn new(endpoint: TokenEndpoint, client: ClientId, secret: Secret) -> Result<Self, Error> {
        check_client_secret(&secret)?;
        Ok(Self { endpoint, client, live: Arc::new(LiveSecret::new(secret)) })
    }

    /// Follows the record in which the product keeps this secret, here and in every clone.
    ///
    /// When Entra ID refuses the secret in use, and the record holds another one, a sign-in is tried once with that, which is
    /// in use from then on if it succeeds. So every process of a product goes on after one of them has rotated the secret
    /// that all of them sign in with. Without a record, each of them must be started again, or given the secret with
    /// [`replace_secret`](Self::replace_secret).
    #[must_use]
    pub fn with_record(self, record: Arc<dyn OwnRecord>) -> Self {
        self.live.follow(record);
        self
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
        self.live.replace(Arc::new(secret));
        Ok(())
    }

    /// Whether this is the secret in use.
    pub fn holds(&self, secret: &Secret) -> bool {
        self.live.current().same_as(secret)
    }

    /// The client id of the application that signs in.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The token endpoint at which it signs in.
    pub fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    async fn sign_in(&self, secret: &Arc<Secret>, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let proof = Proof::Secret(Arc::clone(secret));
        sign_in((&self.endpoint, self.client), &proof, request, SendOptions::default()).await
    }

    /// Signs in with the secret that has taken the place of a refused one, if there is any.
    async fn sign_in_anew(
        &self,
        refused: &Secret,
        refusal: Error,
        request: TokenRequest<'_>,
    ) -> Result<FetchedToken, Error> {
        let next = match self.live.successor(refused).await {
            Ok(Some(next)) => next,
            Ok(None) => return Err(refusal),
            Err(error) => return Err(unread(refusal, error)),
        };
        let token = self.sign_in(&next, request).await.map_err(|error| match is_about_the_proof(&error) {
            true => {
                let message =
                    format!("neither the secret in use nor the one in the product's record: {}", error.message());
                error.with_message(message)
            }
            false => error,
        })?;
        self.live.replace_refused(refused, next);
        tracing::info!(client = %self.client, "the secret in use was refused; the one in the product's record is in use now");
        Ok(token)
    }
}

#[async_trait]
impl TokenSource for ClientSecretSource {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let secret = self.live.current();
        match self.sign_in(&secret, request).await {
            Err(refusal) if is_about_the_proof(&refusal) => self.sign_in_anew(&secret, refusal, request).await,
            outcome => outcome,
        }
    }
}

/// The secret in use, for what the application asks in a person's name.
#[async_trait]
impl ClientProof for ClientSecretSource {
    async fn proof(&self, _: &Authority) -> Result<Proof, Error> {
        Ok(Proof::Secret(self.live.current()))
    }

    async fn another(&self, refused: &Proof) -> Result<Option<Proof>, Error> {
        match refused {
            Proof::Secret(refused) => Ok(self.live.successor(refused).await?.map(Proof::Secret)),
            _ => Ok(None),
        }
    }

    async fn accepted(&self, another: &Proof) {
        if let Proof::Secret(next) = another {
            self.live.replace(Arc::clone(next));
        }
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
