//! What a service wants to see in the next token.

use std::fmt;

use azconnect_core::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the login or a service wants to see in the next token (a *claims challenge*), as JSON.
///
/// It comes with a refusal: [`ClaimsChallenge::of`] finds it in the error. Start a sign-in with it
/// ([`SignInOptions::with_claims`](super::SignInOptions::with_claims)), or pass it on to the caller whose person has to be asked
/// ([`www_authenticate`](Self::www_authenticate)).
///
/// Document: Microsoft's *Claims challenges, claims requests and client capabilities*.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(Box<str>);

impl ClaimsChallenge {
    /// The challenge that came with a refusal.
    pub fn of(error: &Error) -> Option<Self> {
        error.claims().map(|claims| Self(claims.into()))
    }

    /// The challenge as the login takes it in `claims`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header `WWW-Authenticate` of a 401 that passes the challenge on to our own caller.
    pub fn www_authenticate(&self) -> String {
        format!(r#"Bearer error="insufficient_claims", claims="{}""#, STANDARD.encode(&*self.0))
    }
}

impl fmt::Debug for ClaimsChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimsChallenge")
    }
}
