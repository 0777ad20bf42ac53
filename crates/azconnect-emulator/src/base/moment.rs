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

/// A moment as Azure Resource Manager writes it.
pub(crate) fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}
