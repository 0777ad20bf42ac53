//! What a sign-in is started with.

use azconnect_core::Scope;
use azconnect_credential::PersonId;

use super::claims::ClaimsChallenge;

/// What the login shows although it could go on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// The person signs in, even if the browser knows them.
    Login,
    /// Nothing is shown: where something must be, the answer is a refusal.
    Nothing,
    /// The person is asked to consent once more.
    Consent,
    /// The person chooses an account. It does not go together with a login hint.
    SelectAccount,
}

impl Prompt {
    /// The word of the protocol.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Nothing => "none",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// How a sign-in is started. Everything may be left out.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SignInOptions {
    /// The sign-in name to begin with, such as `ada@contoso.com`.
    pub login_hint: Option<String>,
    /// The domain whose own sign-in page comes first, such as `contoso.com`.
    pub domain_hint: Option<String>,
    /// What the login shows.
    pub prompt: Option<Prompt>,
    /// Who must sign in: if somebody else does, the sign-in ends with an error. For linking the same person again.
    pub expected: Option<PersonId>,
    /// Scopes of other resources that the person consents to at the same time. Tokens for them are had by the refresh token.
    pub further: Vec<Scope>,
    /// What a service or the login asked for when it refused the last token.
    pub claims: Option<ClaimsChallenge>,
}

impl SignInOptions {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sign-in name to begin with.
    #[must_use]
    pub fn with_login_hint(mut self, name: impl Into<String>) -> Self {
        self.login_hint = Some(name.into());
        self
    }

    /// Sets the domain whose own sign-in page comes first.
    #[must_use]
    pub fn with_domain_hint(mut self, domain: impl Into<String>) -> Self {
        self.domain_hint = Some(domain.into());
        self
    }

    /// Sets what the login shows.
    #[must_use]
    pub fn with_prompt(mut self, prompt: Prompt) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// Sets who must sign in.
    #[must_use]
    pub fn with_expected(mut self, person: PersonId) -> Self {
        self.expected = Some(person);
        self
    }

    /// Adds a scope of another resource to consent to at the same time.
    #[must_use]
    pub fn with_further(mut self, scope: Scope) -> Self {
        self.further.push(scope);
        self
    }

    /// Sets what a service or the login asked for.
    #[must_use]
    pub fn with_claims(mut self, claims: ClaimsChallenge) -> Self {
        self.claims = Some(claims);
        self
    }
}
