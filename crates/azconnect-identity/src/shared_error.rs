//! One error for several callers who waited for the same work.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Effect, Error};

/// A copy of one error for each of the callers that waited for the same work, which changed nothing.
pub(crate) fn share(error: &Arc<Error>) -> Error {
    let copy = Error::from(error.diagnosis().clone()).with_effect(Effect::None).with_source(Cause(Arc::clone(error)));
    let copy = error.claims().into_iter().fold(copy, Error::with_claims);
    error.service_text().into_iter().fold(copy, Error::with_service_text)
}

/// The one error that several callers received, as the source of each one's copy.
#[derive(Debug)]
struct Cause(Arc<Error>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}
