//! Moments that a service counts from now.

use std::time::Duration;

use time::OffsetDateTime;

/// A moment a while later, or the last one there is: a service names the length.
pub(crate) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_add(time::Duration::try_from(by).unwrap_or(time::Duration::MAX))
}
