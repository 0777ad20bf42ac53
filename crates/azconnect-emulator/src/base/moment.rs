//! Moments, on the wall and on the clock that never jumps.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The moment of a request. Lags follow `elapsed`, which never jumps; expiry follows `wall`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) wall: OffsetDateTime,
    pub(crate) elapsed: Duration,
}

impl Moment {
    /// The moment on the clock that never jumps, this much later.
    pub(crate) fn elapsed_after(self, time: Duration) -> Duration {
        self.elapsed.saturating_add(time)
    }

    /// An earlier or later moment, which the clock that never jumps shows as `elapsed`.
    pub(crate) fn at(self, elapsed: Duration) -> Self {
        let wall = match elapsed.checked_sub(self.elapsed) {
            Some(ahead) => later(self.wall, ahead),
            None => self.wall.saturating_sub(whole(self.elapsed.saturating_sub(elapsed))),
        };
        Self { wall, elapsed }
    }
}

/// A moment on the wall, this much later; at most the last one that can be written.
pub(crate) fn later(moment: OffsetDateTime, time: Duration) -> OffsetDateTime {
    moment.saturating_add(whole(time))
}

fn whole(time: Duration) -> time::Duration {
    time::Duration::try_from(time).unwrap_or(time::Duration::MAX)
}

/// A moment as Azure Resource Manager writes it.
pub(crate) fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}
