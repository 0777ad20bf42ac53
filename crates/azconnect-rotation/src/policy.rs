//! How long things may take, and when a rotation is due.

use std::time::Duration;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use crate::moment::doubled;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The longest pause between two tries. An outage of days is then asked about some two hundred times, and its end is
/// noticed within the hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The longest pause that a service is granted: one that names a longer is asked again all the same.
const LONGEST_GRANTED: Duration = DAY;

/// The terms of a rotation. They are recorded when it begins, so a changed policy applies from the next one on.
///
/// ```
/// use azconnect_rotation::Policy;
/// use std::time::Duration;
///
/// let day = Duration::from_secs(86_400);
/// let policy = Policy::default().with_lifetime(90 * day).with_rotate_before(30 * day);
/// policy.check()?;
///
/// // A secret that is due as soon as it is minted would rotate for ever.
/// let fault = policy.with_lifetime(10 * day).check().unwrap_err();
/// assert_eq!(fault.field(), "policy.lifetime");
/// # Ok::<(), azconnect_rotation::PolicyFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Policy {
    /// How long a new secret lives, where the tenant's own policy allows it.
    pub lifetime: Duration,
    /// How long before its end a secret is rotated.
    pub rotate_before: Duration,
    /// How long the next rotation may fail and be repeated before the secret ends.
    pub retry_budget: Duration,
    /// How old a new secret must be before it is pushed: the time Entra ID's replicas take to agree.
    pub settle: Duration,
    /// How long a new secret may be refused before the rotation gives up.
    pub proof_timeout: Duration,
    /// How long the old secret stays alive after every consumer has proved the new one.
    pub grace: Duration,
    /// How often a consumer may refuse before it counts as failed. An outage is not counted: it may last as long as the
    /// retry budget.
    pub attempts: u32,
    /// The first pause after a failure; it doubles up to an hour.
    pub pause: Duration,
    /// How many reads in a row must not list a removed key before it counts as gone.
    pub absence_reads: u32,
    /// The pause between two of these reads.
    pub absence_spacing: Duration,
    /// How long a secret whose answer was lost is looked for after it could not be found.
    pub orphan_watch: Duration,
    /// How long an old secret must live on for it to be given back to a consumer.
    pub restore_life: Duration,
}

impl Default for Policy {
    /// Secrets of 90 days, rotated 30 days before their end, with a week of retries; 2 minutes to settle and an hour
    /// of grace.
    fn default() -> Self {
        Self {
            lifetime: 90 * DAY,
            rotate_before: 30 * DAY,
            retry_budget: 7 * DAY,
            settle: 2 * MINUTE,
            proof_timeout: 15 * MINUTE,
            grace: 60 * MINUTE,
            attempts: 8,
            pause: Duration::from_secs(5),
            absence_reads: 3,
            absence_spacing: Duration::from_secs(10),
            orphan_watch: 60 * MINUTE,
            restore_life: DAY,
        }
    }
}

/// Declares one `with_` method a field.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $field:ident $type:ty;)*) => {
        impl Policy {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            })*
        }
    };
}

setters! {
    /// Sets how long a new secret lives.
    with_lifetime: lifetime Duration;
    /// Sets how long before its end a secret is rotated.
    with_rotate_before: rotate_before Duration;
    /// Sets how long the next rotation may be repeated before the secret ends.
    with_retry_budget: retry_budget Duration;
    /// Sets how old a new secret must be before it is pushed.
    with_settle: settle Duration;
    /// Sets how long a new secret may be refused.
    with_proof_timeout: proof_timeout Duration;
    /// Sets how long the old secret stays alive after the cut-over.
    with_grace: grace Duration;
    /// Sets how often a consumer is tried.
    with_attempts: attempts u32;
    /// Sets the first pause after a failure.
    with_pause: pause Duration;
    /// Sets how many reads in a row prove that a key is gone.
    with_absence_reads: absence_reads u32;
    /// Sets the pause between two reads of the list.
    with_absence_spacing: absence_spacing Duration;
    /// Sets how long a lost secret is looked for.
    with_orphan_watch: orphan_watch Duration;
    /// Sets how long an old secret must live on for it to be given back.
    with_restore_life: restore_life Duration;
}

impl Policy {
    /// The longest life of a secret that is accepted, and the longest of every other term: there is no documented maximum,
    /// so this is ours.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(730 * 86_400);

    /// The shortest pause between two reads of the list: reads at one moment are one read.
    pub const SHORTEST_SPACING: Duration = Duration::from_secs(1);

    /// The highest count that is accepted.
    pub const HIGHEST_COUNT: u32 = 1000;

    /// Checks that the terms fit together.
    ///
    /// # Errors
    /// The first fault. As an [`Error`] it is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) and names the
    /// field, with the remedy.
    pub fn check(&self) -> Result<(), PolicyFault> {
        if self.lifetime > Self::LONGEST_LIFETIME {
            return Err(PolicyFault::LifetimeTooLong);
        }
        if let Some((field, _)) = self.durations().into_iter().find(|(_, term)| *term > Self::LONGEST_LIFETIME) {
            return Err(PolicyFault::TermTooLong(field));
        }
        let counts = [("policy.attempts", self.attempts), ("policy.absence_reads", self.absence_reads)];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count > Self::HIGHEST_COUNT) {
            return Err(PolicyFault::CountTooHigh(field));
        }
        if self.lifetime <= self.rotate_before {
            return Err(PolicyFault::DueAtOnce);
        }
        if self.rotate_before < self.needed_to_rotate() {
            return Err(PolicyFault::TooLittleTime);
        }
        if self.attempts == 0 {
            return Err(PolicyFault::NoAttempt);
        }
        if self.absence_reads < 2 {
            return Err(PolicyFault::TooFewReads);
        }
        if self.absence_spacing < Self::SHORTEST_SPACING {
            return Err(PolicyFault::ReadsTooClose);
        }
        Ok(())
    }

    /// How long a rotation may take with all its retries: a secret must live that long when it is due.
    pub(crate) fn needed_to_rotate(&self) -> Duration {
        self.retry_budget.saturating_add(self.grace).saturating_add(self.settle)
    }

    /// Every term that is a span of time, by the name of its field.
    fn durations(&self) -> [(&'static str, Duration); 9] {
        [
            ("policy.rotate_before", self.rotate_before),
            ("policy.retry_budget", self.retry_budget),
            ("policy.settle", self.settle),
            ("policy.proof_timeout", self.proof_timeout),
            ("policy.grace", self.grace),
            ("policy.pause", self.pause),
            ("policy.absence_spacing", self.absence_spacing),
            ("policy.orphan_watch", self.orphan_watch),
            ("policy.restore_life", self.restore_life),
        ]
    }

    /// How long a new secret lives where the tenant allows at most `maximum`, or an error if that is too short.
    ///
    /// # Errors
    /// [`PolicyFault::TenantAllowsTooShort`] if a secret of that life would be due at once.
    pub fn lifetime_within(&self, maximum: Option<Duration>) -> Result<Duration, PolicyFault> {
        let lifetime = maximum.map_or(self.lifetime, |maximum| self.lifetime.min(maximum.saturating_sub(MINUTE)));
        if lifetime <= self.rotate_before {
            return Err(PolicyFault::TenantAllowsTooShort);
        }
        Ok(lifetime)
    }

    /// The pause after the `failures`-th failure in a row, or what the service asked for if that is longer.
    pub(crate) fn pause_after(&self, failures: u32, asked: Option<Duration>) -> Duration {
        doubled(self.pause, failures, LONGEST_PAUSE).max(asked.unwrap_or_default().min(LONGEST_GRANTED))
    }

    /// How long nothing is begun, or tried again, after the `times`-th failure of a whole rotation in a row.
    pub(crate) fn setback_pause(times: u32) -> Duration {
        doubled(60 * MINUTE, times, DAY)
    }
}

/// Why the terms of a rotation do not fit together.
///
/// ```
/// use azconnect_core::Error;
/// use azconnect_rotation::{Policy, PolicyFault};
///
/// let fault = Policy::default().with_attempts(0).check().unwrap_err();
/// assert_eq!((fault, fault.field()), (PolicyFault::NoAttempt, "policy.attempts"));
/// assert_eq!(Error::from(fault).field(), Some("policy.attempts"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PolicyFault {
    /// The lifetime exceeds [`Policy::LONGEST_LIFETIME`], 730 days.
    #[error("is longer than 730 days")]
    LifetimeTooLong,
    /// The lifetime is no longer than `rotate_before`: a new secret would be due at once.
    #[error("is not longer than rotate_before, so a new secret would be due at once")]
    DueAtOnce,
    /// A secret might end before a rotation that is repeated has ended.
    #[error("leaves no room for the retry budget, the grace and the settling time before the secret ends")]
    TooLittleTime,
    /// `attempts` is 0, so that every consumer would fail untried.
    #[error("is 0")]
    NoAttempt,
    /// One read that does not list a key is taken as proof that it is gone.
    #[error("is less than 2")]
    TooFewReads,
    /// Two reads of the list would be one, so that their number proves nothing.
    #[error("is shorter than a second")]
    ReadsTooClose,
    /// A span of time exceeds [`Policy::LONGEST_LIFETIME`], 730 days.
    #[error("is longer than 730 days")]
    TermTooLong(&'static str),
    /// A count exceeds [`Policy::HIGHEST_COUNT`].
    #[error("is more than 1000")]
    CountTooHigh(&'static str),
    /// The tenant's own policy allows a secret no longer life than `rotate_before`.
    #[error("is longer than the life that the tenant's policy allows a secret")]
    TenantAllowsTooShort,
}

impl PolicyFault {
    /// The field that is wrong, such as `policy.lifetime`.
    pub fn field(self) -> &'static str {
        match self {
            Self::LifetimeTooLong | Self::DueAtOnce => "policy.lifetime",
            Self::TooLittleTime | Self::TenantAllowsTooShort => "policy.rotate_before",
            Self::NoAttempt => "policy.attempts",
            Self::TooFewReads => "policy.absence_reads",
            Self::ReadsTooClose => "policy.absence_spacing",
            Self::TermTooLong(field) | Self::CountTooHigh(field) => field,
        }
    }

    /// What the person should do, such as lengthening the lifetime.
    pub fn advice(self) -> &'static str {
        match self {
            Self::LifetimeTooLong => "choose a shorter life: rotation makes it safe",
            Self::DueAtOnce => "lengthen the lifetime or shorten rotate_before",
            Self::TooLittleTime => "lengthen rotate_before, or shorten retry_budget or grace",
            Self::NoAttempt => "allow at least one attempt",
            Self::TooFewReads => "one absent read proves nothing: ask for at least 2",
            Self::ReadsTooClose => "leave the service time between two reads, such as 10 seconds",
            Self::TermTooLong(_) | Self::CountTooHigh(_) => "choose a smaller value",
            Self::TenantAllowsTooShort => {
                "shorten rotate_before, or ask the tenant's administrator for a longer maximum lifetime"
            }
        }
    }
}

impl From<PolicyFault> for Error {
    fn from(fault: PolicyFault) -> Self {
        Self::invalid(fault.field(), fault.to_string()).with_advice(fault.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_holds() {
        Policy::default().check().unwrap();
    }

    #[test]
    fn terms_that_do_not_fit_are_refused_by_name() {
        let field = |policy: Policy| policy.check().unwrap_err().field();
        assert_eq!(field(Policy::default().with_lifetime(731 * DAY)), "policy.lifetime");
        assert_eq!(field(Policy::default().with_lifetime(DAY)), "policy.lifetime");
        assert_eq!(field(Policy::default().with_rotate_before(DAY)), "policy.rotate_before");
        assert_eq!(field(Policy::default().with_absence_reads(1)), "policy.absence_reads");
        assert_eq!(field(Policy::default().with_attempts(0)), "policy.attempts");
        assert_eq!(field(Policy::default().with_absence_spacing(Duration::ZERO)), "policy.absence_spacing");
    }

    #[test]
    fn every_term_has_a_bound() {
        let endless = Duration::MAX;
        let field = |policy: Policy| policy.check().unwrap_err().field();
        let policy = Policy::default;
        assert_eq!(field(policy().with_lifetime(endless)), "policy.lifetime");
        assert_eq!(field(policy().with_rotate_before(endless)), "policy.rotate_before");
        assert_eq!(field(policy().with_retry_budget(endless)), "policy.retry_budget");
        assert_eq!(field(policy().with_settle(endless)), "policy.settle");
        assert_eq!(field(policy().with_proof_timeout(endless)), "policy.proof_timeout");
        assert_eq!(field(policy().with_grace(endless)), "policy.grace");
        assert_eq!(field(policy().with_pause(endless)), "policy.pause");
        assert_eq!(field(policy().with_absence_spacing(endless)), "policy.absence_spacing");
        assert_eq!(field(policy().with_orphan_watch(endless)), "policy.orphan_watch");
        assert_eq!(field(policy().with_restore_life(endless)), "policy.restore_life");
        assert_eq!(field(policy().with_attempts(u32::MAX)), "policy.attempts");
        assert_eq!(field(policy().with_absence_reads(u32::MAX)), "policy.absence_reads");
    }

    #[test]
    fn a_tenant_s_maximum_shortens_the_life_but_never_below_the_next_rotation() {
        let policy = Policy::default();
        assert_eq!(policy.lifetime_within(None).unwrap(), 90 * DAY);
        assert!(policy.lifetime_within(Some(60 * DAY)).unwrap() < 60 * DAY);
        assert!(policy.lifetime_within(Some(20 * DAY)).is_err());
    }

    #[test]
    fn pauses_double_and_respect_the_service() {
        let policy = Policy::default();
        assert_eq!(policy.pause_after(1, None), Duration::from_secs(5));
        assert_eq!(policy.pause_after(3, None), Duration::from_secs(20));
        assert_eq!(policy.pause_after(99, None), 60 * MINUTE);
        assert_eq!(policy.pause_after(1, Some(MINUTE)), MINUTE);
        assert_eq!(policy.pause_after(1, Some(Duration::MAX)), DAY);
    }
}
