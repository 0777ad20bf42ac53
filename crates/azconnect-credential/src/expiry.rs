//! How near its end a credential is.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How near its end a credential is: one vocabulary for a connection, a rotation's plan and the radar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Expiry {
    /// There is nothing that could end: no secret and no certificate is held.
    Never,
    /// Nobody knows when it ends. It may end tomorrow, so it is never taken for fresh.
    Unknown,
    /// It ends later than the time to act.
    Fresh {
        /// The end, which is further away than the first warning.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// It ends soon: it is time to act.
    Due {
        /// The end, which is at most the first warning away.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// It ends soon, and by now another one should have taken its place: whoever was to act has not.
    Overdue {
        /// The end, which is at most [`ExpiryPolicy::rotate_by`](crate::ExpiryPolicy::rotate_by) away.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// It has ended.
    Expired {
        /// The end, which has passed.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// The service lists the key no more, or refuses the secret, in spaced reads: somebody removed it before its end.
    Gone,
}

impl Expiry {
    /// Judges at `now` how near an end is; from `warn_before` before the end on, it is [`Due`](Self::Due). Where there is more
    /// than one warning, [`ExpiryPolicy::judge`](crate::ExpiryPolicy::judge) does.
    pub fn of(ends_at: Option<OffsetDateTime>, now: OffsetDateTime, warn_before: Duration) -> Self {
        match ends_at {
            None => Self::Unknown,
            Some(ends_at) if ends_at <= now => Self::Expired { ends_at },
            Some(ends_at) if ends_at - now <= warn_before => Self::Due { ends_at },
            Some(ends_at) => Self::Fresh { ends_at },
        }
    }

    /// The end, where it is known.
    pub fn ends_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Never | Self::Unknown | Self::Gone => None,
            Self::Fresh { ends_at } | Self::Due { ends_at } | Self::Overdue { ends_at } | Self::Expired { ends_at } => {
                Some(*ends_at)
            }
        }
    }

    /// The stable name of the state, such as `overdue`, as it is serialised.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Unknown => "unknown",
            Self::Fresh { .. } => "fresh",
            Self::Due { .. } => "due",
            Self::Overdue { .. } => "overdue",
            Self::Expired { .. } => "expired",
            Self::Gone => "gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn expiry_turns_due_and_expired_on_the_moment() {
        let end = datetime!(2026-12-01 0:00 UTC);
        let day = Duration::from_secs(86_400);
        assert_eq!(Expiry::of(Some(end), end, day), Expiry::Expired { ends_at: end });
        assert_eq!(Expiry::of(Some(end), end - day, day), Expiry::Due { ends_at: end });
        assert_eq!(Expiry::of(Some(end), end - day * 2, day), Expiry::Fresh { ends_at: end });
        assert_eq!(Expiry::of(None, end, day), Expiry::Unknown);
    }

    #[test]
    fn the_name_of_a_state_is_the_one_that_is_serialised() {
        let ends_at = datetime!(2026-12-01 0:00 UTC);
        let all = [
            Expiry::Never,
            Expiry::Unknown,
            Expiry::Fresh { ends_at },
            Expiry::Due { ends_at },
            Expiry::Overdue { ends_at },
            Expiry::Expired { ends_at },
            Expiry::Gone,
        ];
        for expiry in all {
            let written = serde_json::to_value(expiry).unwrap();
            assert_eq!(written["state"], expiry.as_str());
            assert_eq!(written.get("ends_at").is_some(), expiry.ends_at().is_some());
            assert_eq!(serde_json::from_value::<Expiry>(written).unwrap(), expiry);
        }
    }
}
