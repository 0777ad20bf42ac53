//! What a refusal says beside its code: facts for a program that no message shows.

use std::error::Error as StdError;
use std::fmt;

use azconnect_core::Error;
use azconnect_credential::entra::TokenRefusal;

/// What a refusal says beside its code. It is the source of the refusal's error.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct RefusalDetail {
    word: Option<Box<str>>,
    suberror: Option<Box<str>>,
}

impl RefusalDetail {
    /// What a body says; nothing if it says no more than its code.
    pub(crate) fn read(refusal: &TokenRefusal) -> Option<Self> {
        let detail = Self {
            word: refusal.error.as_deref().map(Into::into),
            suberror: refusal.suberror.as_deref().map(Into::into),
        };
        Some(detail).filter(|detail| *detail != Self::default())
    }

    /// The detail behind an error, however often it was handed on.
    pub(crate) fn of(error: &Error) -> Option<&Self> {
        let mut next = StdError::source(error);
        while let Some(inner) = next {
            if let Some(found) = inner.downcast_ref() {
                return Some(found);
            }
            next = inner.source();
        }
        None
    }

    /// The word of the OAuth standards, such as `invalid_grant`.
    pub(crate) fn word(&self) -> Option<&str> {
        self.word.as_deref()
    }

    /// The word by which Entra ID says what helps (`suberror`), such as `consent_required`; in a redirect `error_subcode`.
    pub(crate) fn suberror(&self) -> Option<&str> {
        self.suberror.as_deref()
    }
}

impl fmt::Display for RefusalDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the login refused")
    }
}

impl fmt::Debug for RefusalDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalDetail")
    }
}

impl StdError for RefusalDetail {}
