//! Tokens in the name of the person whose token came with a request.

use std::fmt;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Retry, Secret};
use azconnect_http::SendOptions;

use super::obstacle::Obstacle;
use crate::application::Application;
use crate::source::{FetchedToken, TokenRequest, TokenSource};

/// Tokens in the name of a person who called our API with a token for it: the on-behalf-of flow. People only; the token must be
/// for our application. One source serves one incoming token, and ends with it.
///
/// Where the login wants the person itself (a second factor), the error carries what it asks for:
/// [`ClaimsChallenge::of`](super::ClaimsChallenge::of). Only our caller can ask the person, so pass it on with a 401 and
/// [`ClaimsChallenge::www_authenticate`](super::ClaimsChallenge::www_authenticate).
///
/// Document: Microsoft's *OAuth 2.0 On-Behalf-Of flow*.
pub struct OnBehalfOf {
    application: Application,
    incoming: Secret,
}

impl OnBehalfOf {
    /// A source for the person behind a token that came with a request. Whether that token is good is judged by the login.
    pub fn new(application: Application, incoming: Secret) -> Self {
        Self { application, incoming }
    }
}

#[async_trait]
impl TokenSource for OnBehalfOf {
    async fn fetch(&self, request: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        let mut grant = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", self.incoming.expose()),
            ("requested_token_use", "on_behalf_of"),
            ("scope", request.scope.as_str()),
        ];
        grant.extend(request.claims.map(|claims| ("claims", claims)));
        // Nothing is used up: the same token may be given in as often as it lives.
        let answer = self.application.ask(&grant, SendOptions::default()).await.map_err(refused)?;
        Ok(answer.token)
    }
}

impl fmt::Debug for OnBehalfOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnBehalfOf").field("application", &self.application).finish_non_exhaustive()
    }
}

/// A refusal with what helps the person, who is our caller's.
fn refused(error: Error) -> Error {
    let advice = match Obstacle::of(&error) {
        Some(Obstacle::Interaction) => {
            "answer the caller with 401 and the claims challenge of this error, so that it asks the person"
        }
        Some(Obstacle::ConsentMissing) => {
            "ask the person, or an administrator, to consent to this application for the resource"
        }
        Some(Obstacle::NotAccepted | Obstacle::Expired | Obstacle::Revoked) => {
            "answer the caller with 401: it needs a new token for this application"
        }
        Some(other) => other.advice(),
        None => return error,
    };
    error.with_kind(ErrorKind::Unauthenticated).with_retry(Retry::No).with_advice(advice)
}
