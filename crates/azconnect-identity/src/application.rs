//! An application at a token endpoint.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error};
use azconnect_credential::entra::Meaning;
use azconnect_http::SendOptions;

use crate::authority::Authority;
use crate::endpoint::{TokenAnswer, TokenEndpoint, is_untimely};
use crate::proof::{ClientProof, Proof};
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// An application that asks one token endpoint, with whatever proves who it is. Cheap to clone.
///
/// As a [`TokenSource`] it signs in as itself (the grant `client_credentials`). People's sign-ins are asked of it too: see
/// [`crate::user`].
#[derive(Clone)]
pub struct Application {
    endpoint: TokenEndpoint,
    client: ClientId,
    proof: Arc<dyn ClientProof>,
}

impl Application {
    /// An application, and what proves who it is.
    pub fn new(endpoint: TokenEndpoint, client: ClientId, proof: Arc<dyn ClientProof>) -> Self {
        Self { endpoint, client, proof }
    }

    /// The client id of the application.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The token endpoint that it asks.
    pub fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    /// The same application at another endpoint, such as another tenant's.
    #[must_use]
    pub fn at(&self, endpoint: TokenEndpoint) -> Self {
        Self { endpoint, ..self.clone() }
    }

    /// Asks for tokens with a grant, and with what proves who asks. A proof that is refused is followed by another at once, if
    /// there is one, and an untimely one by a newer one.
    pub(crate) async fn ask(&self, grant: &[(&str, &str)], options: SendOptions) -> Result<TokenAnswer, Error> {
        self.proven(grant, &Giving::Freely(options)).await
    }

    /// Gives in what may be accepted once only, such as a code: see [`TokenEndpoint::redeem`]. A refusal of the proof leaves it
    /// good, so that another proof may follow.
    pub(crate) async fn redeem(&self, grant: &[(&str, &str)]) -> Result<TokenAnswer, Error> {
        self.proven(grant, &Giving::Once).await
    }

    /// The proof of who asks, for a request to another address of the login than the token endpoint.
    pub(crate) async fn proof(&self) -> Result<Proof, Error> {
        self.proof.proof(self.endpoint.authority()).await
    }

    async fn proven(&self, grant: &[(&str, &str)], giving: &Giving) -> Result<TokenAnswer, Error> {
        let mut proof = self.proof().await?;
        let mut outcome = self.send(grant, &proof, giving).await;
        // Once: if the clocks differ, each further one would be refused as well.
        if outcome.as_ref().is_err_and(is_untimely)
            && let Ok(Some(next)) = self.proof.renewed(&proof, self.endpoint.authority()).await
        {
            outcome = self.send(grant, &next, giving).await;
            proof = next;
        }
        let refusal = match outcome {
            Err(refusal) if is_about_the_proof(&refusal) => refusal,
            outcome => return outcome,
        };
        match self.proof.another(&proof).await {
            Ok(Some(another)) => {
                let answer = self.send(grant, &another, giving).await?;
                self.proof.accepted(&another).await;
                Ok(answer)
            }
            Ok(None) => Err(refusal),
            Err(error) => Err(unread(refusal, error)),
        }
    }

    async fn send(&self, grant: &[(&str, &str)], proof: &Proof, giving: &Giving) -> Result<TokenAnswer, Error> {
        send((&self.endpoint, self.client), grant, proof, giving).await
    }
}

/// One request for tokens, with one proof.
async fn send(
    (endpoint, client): (&TokenEndpoint, ClientId),
    grant: &[(&str, &str)],
    proof: &Proof,
    giving: &Giving,
) -> Result<TokenAnswer, Error> {
    let client = client.to_string();
    let mut form = vec![("client_id", client.as_str())];
    form.extend_from_slice(grant);
    form.extend(proof.fields());
    // Another provider may take an assertion that comes again for a replay.
    let shown_once = matches!(proof, Proof::Assertion(_)) && endpoint.authority().provider().is_some();
    match giving {
        Giving::Freely(options) if !shown_once => endpoint.ask(&form, *options).await,
        Giving::Freely(options) => endpoint.redeem(&form, *options).await,
        Giving::Once => endpoint.redeem(&form, SendOptions::default()).await,
    }
}

/// One sign-in as the application itself, with one proof.
pub(crate) async fn sign_in(
    of: (&TokenEndpoint, ClientId),
    proof: &Proof,
    request: TokenRequest<'_>,
    options: SendOptions,
) -> Result<FetchedToken, Error> {
    Ok(send(of, &grant(request, of.0.authority()), proof, &Giving::Freely(options)).await?.token)
}

/// The grant by which an application signs in as itself.
fn grant<'a>(request: TokenRequest<'a>, authority: &Authority) -> Vec<(&'a str, &'a str)> {
    let mut grant = vec![("grant_type", "client_credentials"), ("scope", request.scope.as_str())];
    // Only newer ones know a scope that names a resource.
    if authority.is_ad_fs() {
        grant.push(("resource", request.scope.resource()));
    }
    grant.extend(request.claims.map(|claims| ("claims", claims)));
    grant
}

#[async_trait]
impl TokenSource for Application {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        Ok(self.ask(&grant(request, self.endpoint.authority()), SendOptions::default()).await?.token)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("endpoint", &self.endpoint)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Whether what is given in for a token may be given in again.
enum Giving {
    Freely(SendOptions),
    Once,
}

/// Whether a refusal is about the proof that was tried, so that another one may be accepted.
pub(crate) fn is_about_the_proof(error: &Error) -> bool {
    matches!(Meaning::of(error), Meaning::NoMatch | Meaning::Ended)
}

/// A refusal after which nobody knows whether there is a newer secret: it may pass if the record can be read again.
pub(crate) fn unread(refusal: Error, error: Error) -> Error {
    let message =
        format!("{}; whether the product's record holds a newer one could not be read: {error}", refusal.message());
    refusal.with_message(message).with_retry(error.retry()).with_advice(error.advice().to_owned()).with_source(error)
}
