//! What a person is sent to the sign-in for: by which client, for which scopes, and where the answer goes.

use super::people::Authority;
use super::reply::Target;
use super::scope::Wanted;
use crate::base::refusal::Refusal;
use crate::model::registration::Registration;
use crate::model::sign_in::{Account, Challenge, ClientKind};

/// An interactive sign-in, as its request describes it.
pub(super) struct Ask {
    pub(super) authority: Authority,
    pub(super) registration: Registration,
    pub(super) wanted: Wanted,
    pub(super) scope: String,
    pub(super) prompt: Option<Prompt>,
    pub(super) hint: Option<String>,
    pub(super) purpose: Purpose,
}

/// What the person is to be asked in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    Nothing,
    SignIn,
    Consent,
    Account,
}

impl Prompt {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::Nothing,
            "login" => Self::SignIn,
            "consent" => Self::Consent,
            "select_account" => Self::Account,
            _ => return None,
        })
    }
}

/// What comes of the sign-in.
pub(super) enum Purpose {
    /// A code for an application that the browser came from.
    Code(CodeAsk),
    /// Tokens for a device, by its device code.
    Device(String),
    /// The consent of an administrator for everybody.
    Consent(Target),
}

/// What a code is asked for with.
pub(super) struct CodeAsk {
    pub(super) target: Target,
    /// The redirect address as it was sent, which the redemption repeats.
    pub(super) redirect: String,
    pub(super) kind: ClientKind,
    pub(super) with_id_token: bool,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
}

/// Why a sign-in cannot begin.
pub(super) enum Stop {
    /// Nobody knows where an answer may go, so the person reads it.
    Page(Box<Refusal>),
    /// The application hears of it.
    Back(Target, Box<Refusal>),
}

impl From<Box<Refusal>> for Stop {
    fn from(refusal: Box<Refusal>) -> Self {
        Self::Page(refusal)
    }
}

impl Ask {
    /// Where the answer goes; nowhere, if a device waits for it.
    pub(super) fn target(&self) -> Option<&Target> {
        match &self.purpose {
            Purpose::Code(code) => Some(&code.target),
            Purpose::Consent(target) => Some(target),
            Purpose::Device(_) => None,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.prompt == Some(Prompt::Nothing)
    }

    /// Whether an account may sign in here at all.
    pub(super) fn admits(&self, account: Account) -> bool {
        let tenant = self.authority.tenant_of(account);
        // A tenant that is named was compared with the application before.
        tenant.is_some_and(|tenant| matches!(self.authority, Authority::Tenant(_)) || self.registration.admits(tenant))
    }
}
