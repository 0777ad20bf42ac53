//! What a sign-in ends with.

use azconnect_core::{ClientId, Scope, Secret};
use azconnect_credential::Person;

use crate::source::FetchedToken;

/// A person who signed in, and what the application got of them.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The application that the person signed in to. What was lent to it is of no use to another.
    pub application: ClientId,
    /// Who it is, as the id token says, whose signature was verified.
    pub person: Person,
    /// An access token for the scope that was asked for.
    pub token: FetchedToken,
    /// What gives further access tokens, if [`Scope::with_offline_access`] was asked for: keep it sealed.
    pub refresh: Option<Secret>,
    /// The permissions that were asked for and not granted.
    pub missing: Vec<String>,
}

impl SignedIn {
    /// A person who signed in to an application, with the tokens that it got.
    pub fn new(application: ClientId, person: Person, token: FetchedToken, refresh: Option<Secret>) -> Self {
        Self { application, person, token, refresh, missing: Vec::new() }
    }

    /// Says what was asked for. What was not granted of it is told by the token.
    #[must_use]
    pub fn with_asked(mut self, asked: &Scope) -> Self {
        // RFC 6749, section 5.1: without a word, all that was asked for is granted.
        let missing = self.token.granted.as_deref().map(|granted| asked.missing_from(granted)).unwrap_or_default();
        self.missing = missing.into_iter().map(str::to_owned).collect();
        self
    }
}
