//! When a credential's end is near enough to say so.

use std::fmt;
use std::time::Duration;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::expiry::Expiry;

const DAY: Duration = Duration::from_secs(86_400);

/// How many thresholds there may be.
const MAX_THRESHOLDS: usize = 16;

/// The nearest and the furthest threshold that there may be. A secret lives at most a few years.
const BOUNDS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(10 * 365 * 86_400));

/// How long before its end a credential is spoken of, and by when another one should have taken its place.
///
/// By default it is spoken of 90, 30, 7 days and 1 day before the end, and is overdue from 7 days before the end on. A rotation
/// that begins earlier, 30 days before the end unless it is told otherwise, has finished by then, or has failed.
///
/// ```
/// use std::time::Duration;
/// use azconnect_credential::{Expiry, ExpiryPolicy};
/// use time::macros::datetime;
///
/// let day = Duration::from_secs(86_400);
/// let policy = ExpiryPolicy::new([60 * day, 14 * day])?.with_rotate_by(14 * day)?;
/// let now = datetime!(2026-11-21 0:00 UTC);
/// assert!(matches!(policy.judge(Some(now + 61 * day), now), Expiry::Fresh { .. }));
/// assert!(matches!(policy.judge(Some(now + 60 * day), now), Expiry::Due { .. }));
/// assert!(matches!(policy.judge(Some(now + 14 * day), now), Expiry::Overdue { .. }));
/// assert_eq!(policy.judge(None, now), Expiry::Unknown);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryPolicy {
    /// The furthest first, and at least one.
    thresholds: Vec<Duration>,
    rotate_by: Duration,
    absence_reads: u32,
    absence_spacing: Duration,
}

/// A point on the way of a credential to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExpiryStep {
    /// A threshold before the end.
    Before {
        /// How long before the end.
        #[serde(rename = "left_seconds", with = "seconds")]
        left: Duration,
    },
    /// The end.
    Ended,
    /// It is gone before its end: see [`Expiry::Gone`].
    Gone,
}

impl ExpiryPolicy {
    /// Speaks of a credential at these times before its end, and when it has ended. It is overdue from 7 days before the end on,
    /// or from the furthest threshold on where that is nearer.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `expiry_policy.thresholds` for none or more than
    /// 16, for one that is there twice, is not in whole seconds, or is shorter than a minute or longer than ten years.
    pub fn new(thresholds: impl IntoIterator<Item = Duration>) -> Result<Self, Error> {
        let mut thresholds: Vec<_> = thresholds.into_iter().take(MAX_THRESHOLDS + 1).collect();
        thresholds.sort_unstable_by(|one, other| other.cmp(one));
        let wrong = |message: &str, advice: &str| {
            Err(Error::invalid("expiry_policy.thresholds", message).with_advice(advice.to_owned()))
        };
        let Some(furthest) = thresholds.first().copied() else {
            return wrong("there is none", "name at least one, such as 30 days");
        };
        if thresholds.len() > MAX_THRESHOLDS {
            return wrong("there are more than 16", "leave out those that nobody acts on");
        }
        if thresholds.iter().any(|left| *left < BOUNDS.0 || *left > BOUNDS.1 || left.subsec_nanos() > 0) {
            return wrong("one is out of bounds", "give each in whole seconds, from a minute to ten years");
        }
        if thresholds.windows(2).any(|pair| pair.first() == pair.last()) {
            return wrong("one is there twice", "name each threshold once");
        }
        Ok(Self { thresholds, rotate_by: furthest.min(7 * DAY), ..Self::default() })
    }

    /// Sets how long before its end another credential should have taken its place: from then on it is overdue. Less than a
    /// rotation's own lead, so that it is not overdue while the rotation does its work.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `expiry_policy.rotate_by` if that is longer than
    /// the furthest threshold: it would be overdue before it was due.
    pub fn with_rotate_by(mut self, left: Duration) -> Result<Self, Error> {
        if self.thresholds.first().is_none_or(|furthest| left > *furthest) {
            return Err(Error::invalid("expiry_policy.rotate_by", "is longer than every threshold")
                .with_advice("name a longer threshold as well, or a shorter time"));
        }
        self.rotate_by = left;
        Ok(self)
    }

    /// Sets how many reads in which a key is not listed say that it is gone, and how far apart they are at least: 3, an hour apart,
    /// unless set. Replicas of the directory differ for a while, so that one read proves nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `expiry_policy.absence_reads` for less than two,
    /// and `expiry_policy.absence_spacing` for less than a minute.
    pub fn with_absence(mut self, reads: u32, spacing: Duration) -> Result<Self, Error> {
        if reads < 2 {
            return Err(Error::invalid("expiry_policy.absence_reads", "is less than two")
                .with_advice("one absent read proves nothing: ask for at least 2"));
        }
        if spacing < Duration::from_secs(60) {
            return Err(Error::invalid("expiry_policy.absence_spacing", "is less than a minute")
                .with_advice("reads in a row may come from the same late replica: space them"));
        }
        (self.absence_reads, self.absence_spacing) = (reads, spacing);
        Ok(self)
    }

    /// How long before the end it is spoken of, the longest first.
    pub fn thresholds(&self) -> &[Duration] {
        &self.thresholds
    }

    /// How long before its end another credential should have taken its place.
    pub fn rotate_by(&self) -> Duration {
        self.rotate_by
    }

    /// How many reads in which a key is not listed say that it is gone.
    pub fn absence_reads(&self) -> u32 {
        self.absence_reads
    }

    /// How far apart such reads are at least.
    pub fn absence_spacing(&self) -> Duration {
        self.absence_spacing
    }

    /// Judges at `now` how near an end is.
    pub fn judge(&self, ends_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Expiry {
        let warn_before = self.thresholds.first().copied().unwrap_or_default();
        match Expiry::of(ends_at, now, warn_before) {
            Expiry::Due { ends_at } if ends_at - now <= self.rotate_by => Expiry::Overdue { ends_at },
            expiry => expiry,
        }
    }

    /// The last point that a credential has come to on the way to its end, or `None` while it is far away.
    pub fn step(&self, ends_at: OffsetDateTime, now: OffsetDateTime) -> Option<ExpiryStep> {
        if ends_at <= now {
            return Some(ExpiryStep::Ended);
        }
        let passed = self.thresholds.iter().rev().find(|left| ends_at - now <= **left);
        passed.map(|left| ExpiryStep::Before { left: *left })
    }
}

/// 90, 30, 7 days and 1 day before the end; overdue from 7 days before the end on.
impl Default for ExpiryPolicy {
    fn default() -> Self {
        Self {
            thresholds: vec![90 * DAY, 30 * DAY, 7 * DAY, DAY],
            rotate_by: 7 * DAY,
            absence_reads: 3,
            absence_spacing: Duration::from_secs(3600),
        }
    }
}

impl ExpiryStep {
    /// How long before the end it lies.
    pub fn left(self) -> Duration {
        match self {
            Self::Before { left } => left,
            Self::Ended | Self::Gone => Duration::ZERO,
        }
    }

    /// Whether a credential with this end has come to it at `now`. Of [`Gone`](Self::Gone) no end says so.
    pub fn is_reached(self, ends_at: OffsetDateTime, now: OffsetDateTime) -> bool {
        self != Self::Gone && ends_at - now <= self.left()
    }
}

impl fmt::Display for ExpiryStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, hour) = (86_400, 3600);
        match self {
            Self::Before { left } => {
                let seconds = left.as_secs();
                let (count, unit) = match seconds {
                    _ if seconds % day == 0 => (seconds / day, "day"),
                    _ if seconds % hour == 0 => (seconds / hour, "hour"),
                    _ => (seconds / 60, "minute"),
                };
                let plural = if count == 1 { "" } else { "s" };
                write!(f, "{count} {unit}{plural} before the end")
            }
            Self::Ended => f.write_str("ended"),
            Self::Gone => f.write_str("gone before its end"),
        }
    }
}

/// A duration as a whole number of seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(left: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(left.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 8:00 UTC);

    fn field(refused: Result<ExpiryPolicy, Error>) -> String {
        let error = refused.unwrap_err();
        assert!(!error.advice().is_empty());
        error.field().unwrap().to_owned()
    }

    #[test]
    fn a_policy_that_nobody_can_mean_is_refused() {
        let thresholds = "expiry_policy.thresholds";
        let odd = Duration::from_millis(86_400_500);
        let many: Vec<_> = (1..=17).map(|days| days * DAY).collect();
        for bad in [&[][..], &many, &[DAY, DAY], &[odd], &[Duration::ZERO], &[Duration::MAX]] {
            assert_eq!(field(ExpiryPolicy::new(bad.iter().copied())), thresholds, "{bad:?}");
        }
        assert_eq!(field(ExpiryPolicy::default().with_rotate_by(91 * DAY)), "expiry_policy.rotate_by");
        assert_eq!(field(ExpiryPolicy::default().with_absence(1, DAY)), "expiry_policy.absence_reads");
        assert_eq!(field(ExpiryPolicy::default().with_absence(2, Duration::ZERO)), "expiry_policy.absence_spacing");
    }

    #[test]
    fn what_is_named_in_any_order_is_kept_with_the_furthest_first() {
        let policy = ExpiryPolicy::new([DAY, 30 * DAY, 7 * DAY]).unwrap();
        assert_eq!(policy.thresholds(), [30 * DAY, 7 * DAY, DAY]);
        assert_eq!(policy.rotate_by(), 7 * DAY);
        let near = ExpiryPolicy::new([DAY]).unwrap();
        assert_eq!(near.rotate_by(), DAY, "never overdue before it is due");
    }

    #[test]
    fn states_and_steps_turn_on_the_moment() {
        let policy = ExpiryPolicy::default();
        let second = Duration::from_secs(1);
        for (left, state, step) in [
            (90 * DAY + second, "fresh", None),
            (90 * DAY, "due", Some(90)),
            (30 * DAY + second, "due", Some(90)),
            (30 * DAY, "due", Some(30)),
            (7 * DAY + second, "due", Some(30)),
            (7 * DAY, "overdue", Some(7)),
            (DAY, "overdue", Some(1)),
            (second, "overdue", Some(1)),
            (Duration::ZERO, "expired", Some(0)),
        ] {
            let end = NOW + left;
            assert_eq!(policy.judge(Some(end), NOW).as_str(), state, "{left:?}");
            let wanted = step.map(|days| match days {
                0 => ExpiryStep::Ended,
                days => ExpiryStep::Before { left: days * DAY },
            });
            assert_eq!(policy.step(end, NOW), wanted, "{left:?}");
            assert!(wanted.is_none_or(|step| step.is_reached(end, NOW)));
        }
        assert_eq!(policy.judge(None, NOW), Expiry::Unknown);
    }

    #[test]
    fn a_step_is_said_in_the_largest_unit_that_fits() {
        let before = |left| ExpiryStep::Before { left }.to_string();
        assert_eq!(before(30 * DAY), "30 days before the end");
        assert_eq!(before(DAY), "1 day before the end");
        assert_eq!(before(Duration::from_secs(12 * 3600)), "12 hours before the end");
        assert_eq!(before(Duration::from_secs(90 * 60)), "90 minutes before the end");
        assert_eq!(ExpiryStep::Ended.to_string(), "ended");
    }
}
