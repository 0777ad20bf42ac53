//! What a refusal proves about the credential that was tried.

use std::time::Duration;

use azconnect_core::{Error, ErrorKind};

use super::code::EntraCode;
use crate::assessment::CredentialVerdict;

/// What a refusal says about the credential that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Meaning {
    /// The service compared it and found no match: it is wrong, or this replica has not seen it yet.
    NoMatch,
    /// It is of no use any more, or never was: it has expired, was revoked, or is of a kind that is not accepted.
    Ended,
    /// The application is not known in the tenant, or not known there yet: the credential was not looked at.
    UnknownApplication,
    /// Nothing: a policy, a setting, a throttle or a fault stands in the way, whatever the credential is.
    Silent,
}

impl Meaning {
    /// What an error of a sign-in says. Only a refusal says anything: a number that comes with a failure of the service
    /// does not.
    pub fn of(error: &Error) -> Self {
        match error.service_code().filter(|_| error.kind() == ErrorKind::Unauthenticated) {
            // The OAuth word alone: client authentication failed (RFC 6749, section 5.2).
            Some("invalid_client") => Self::NoMatch,
            Some(_) => EntraCode::of(error).map_or(Self::Silent, EntraCode::meaning),
            None => Self::Silent,
        }
    }

    /// The verdict on a credential of this age, where every replica knows a new one after the propagation time. A
    /// credential of unknown age is judged like an old one: nobody said that it is new.
    ///
    /// Only a refusal that is about this very credential rejects it: a rejected one is taken back from its consumers and
    /// removed, which mends neither a wrong tenant nor a disabled application.
    pub fn verdict(self, age: Option<Duration>, propagation: Duration) -> CredentialVerdict {
        let young = age.is_some_and(|age| age < propagation);
        match self {
            Self::NoMatch | Self::UnknownApplication if young => CredentialVerdict::Pending,
            Self::NoMatch | Self::Ended => CredentialVerdict::Rejected,
            Self::UnknownApplication | Self::Silent => CredentialVerdict::Inconclusive,
        }
    }
}
