//! What a sign-in ends with.

use azconnect_core::{ClientId, Scope, Secret};
use azconnect_credential::Person;

use crate::application::Application;
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
    pub(super) fn new(
        (application, asked): (&Application, &Scope),
        person: Person,
        token: FetchedToken,
        refresh: Option<Secret>,
    ) -> Self {
        // RFC 6749, section 5.1: without a word, all that was asked for is granted.
        let missing = token.granted.as_deref().map(|granted| asked.missing_from(granted)).unwrap_or_default();
        let missing = missing.into_iter().map(str::to_owned).collect();
        Self { application: application.client(), person, token, refresh, missing }
    }
}
