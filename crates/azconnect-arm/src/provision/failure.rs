//! Why a step did not complete, and what that permits.

use azconnect_core::{Effect, Error, ErrorKind};

use super::event::Step;
use crate::error::{Class, Fault};

/// What an error proves about the step that it ended. Only a definitive failure permits a clean-up.
#[derive(Debug)]
pub(super) enum Failure {
    /// The step would fail again if it were repeated.
    Definitive(Error),
    /// The step may have been applied, or may succeed later: nothing is deleted, and it can be resumed.
    Unknown(Error),
}

impl Failure {
    /// Judges a refusal. It is definitive if nothing was applied and waiting would change nothing.
    pub(super) fn of_refusal(error: Error) -> Self {
        let by_time = matches!(
            error.kind(),
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unauthenticated
        );
        // A lack of capacity is `Unavailable`, but nobody waits for it: another placement is tried, or it has failed.
        let by_capacity = Fault::of(&error).is_some_and(|fault| fault.class == Class::FallBack);
        if by_capacity || (error.effect() == Effect::None && !by_time && !is_momentary(&error)) {
            Self::Definitive(error)
        } else {
            Self::Unknown(error)
        }
    }

    pub(super) fn is_definitive(&self) -> bool {
        matches!(self, Self::Definitive(_))
    }

    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Definitive(error) | Self::Unknown(error) => error,
        }
    }
}

/// A step that did not complete.
#[derive(Debug)]
pub(super) struct StepFailure {
    pub(super) step: Step,
    pub(super) failure: Failure,
}

/// Whether something else stands in the way for a moment only.
pub(super) fn is_momentary(error: &Error) -> bool {
    // Not `Timeout`: a machine whose set-up timed out is of class `Retry` as well, and may still come up.
    let kind = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable);
    kind && Fault::of(error).is_some_and(|fault| fault.class == Class::Retry)
}

/// Whether a write was refused since the subscription is not registered for the resource provider.
pub(super) fn lacks_registration(error: &Error) -> bool {
    matches!(error.service_code(), Some("MissingSubscriptionRegistration" | "SubscriptionNotRegistered"))
}
