//! What is refused at a port before any service sees it: answered, and shown among the requests with the reason.

use http::{HeaderMap, Method, Request, Uri};

use super::Here;
use crate::base::answer::Answer;
use crate::base::origins::Service;
use crate::shell::control::refusal;
use crate::shell::seen::SeenRequest;

/// A refusal of the port's own.
pub(super) struct Refused {
    status: u16,
    reason: String,
}

impl Refused {
    pub(super) fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    fn answer(&self) -> Answer {
        refusal(self.status, &self.reason)
    }
}

/// The head of a request, as far as it is shown.
pub(super) struct Head<'a> {
    pub(super) service: Option<Service>,
    pub(super) method: &'a Method,
    pub(super) address: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Head<'a> {
    pub(super) fn of<B>(service: Option<Service>, request: &'a Request<B>) -> Self {
        Self { service, method: request.method(), address: request.uri(), headers: request.headers() }
    }

    /// Answers with a refusal, and shows it.
    pub(super) fn refuse(&self, here: &Here, refused: &Refused) -> Answer {
        let seen = SeenRequest::refused(here.emulator.now(), &refused.reason).with_status(refused.status);
        here.emulator.seen().add(seen.with_head(self.service, self.method, self.address, self.headers));
        refused.answer()
    }
}

/// Shows that a connection ended without a request that could be read.
pub(super) fn unread(here: &Here, reason: &str) {
    let seen = SeenRequest::refused(here.emulator.now(), reason);
    here.emulator.seen().add(seen);
}
