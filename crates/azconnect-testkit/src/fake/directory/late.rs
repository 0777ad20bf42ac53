//! Requests that arrive when nobody waits for them any more.

use std::time::Duration;

use azconnect_core::{Clock, KeyId, Secret};
use azconnect_credential::{MintRequest, SinkId};
use time::OffsetDateTime;

use super::world::World;

/// A request on its way.
pub(super) struct Late {
    pub(super) due: Duration,
    pub(super) request: LateRequest,
}

pub(super) enum LateRequest {
    Mint(MintRequest),
    Retire(KeyId),
    Push(SinkId, Secret),
}

impl World {
    /// Lets the requests have their effect that have arrived by now, each at its own moment and in the order of those.
    pub(super) fn catch_up(&mut self, clock: &dyn Clock) {
        let now = clock.elapsed();
        if self.late.iter().all(|late| late.due > now) {
            return;
        }
        let mut due: Vec<Late> = self.late.extract_if(.., |late| late.due <= now).collect();
        due.sort_by_key(|late| late.due);
        for Late { due, request } in due {
            let ago = time::Duration::try_from(now.saturating_sub(due)).unwrap_or(time::Duration::MAX);
            self.arrive(request, due, clock.now().saturating_sub(ago));
        }
    }

    fn arrive(&mut self, request: LateRequest, at: Duration, wall: OffsetDateTime) {
        match request {
            LateRequest::Mint(request) => {
                // What the service refuses has no effect, and nobody hears of it.
                if self.check(&request, wall).is_ok() {
                    self.add_key(Some(request.marker.as_str()), request.ends_at, Some(at));
                }
            }
            LateRequest::Retire(key) => {
                self.remove_key(key, at);
            }
            LateRequest::Push(id, secret) => {
                if let Some(sink) = self.sinks.get_mut(&id) {
                    sink.take(secret);
                }
            }
        }
    }
}
