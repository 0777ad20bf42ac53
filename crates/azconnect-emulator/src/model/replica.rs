//! Replicas that learn of a change at different times.

use std::time::Duration;

use uuid::Uuid;

use crate::base::dice::mix;
use crate::base::moment::Moment;
use crate::base::settings::{ReplicaChoice, Settings};

/// The kinds of change that replicas learn of. Each kind has a lag of its own.
#[derive(Clone, Copy)]
enum News {
    Added = 1,
    Removed = 2,
    Created = 3,
}

/// The view of one replica at one moment.
pub(crate) struct Replica<'a> {
    settings: &'a Settings,
    number: u32,
    elapsed: Duration,
    added: Duration,
    removed: Duration,
}

impl<'a> Replica<'a> {
    /// A replica of the token endpoint.
    pub(crate) fn of_tokens(settings: &'a Settings, number: u32, now: Moment) -> Self {
        Self { settings, number, elapsed: now.elapsed, added: settings.add_lag, removed: settings.remove_lag }
    }

    /// A replica of Graph, which learns of changes after the lags of lists.
    pub(crate) fn of_lists(settings: &'a Settings, number: u32, now: Moment) -> Self {
        let removed = settings.list_removal_lag.unwrap_or(settings.list_lag);
        Self { settings, number, elapsed: now.elapsed, added: settings.list_lag, removed }
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.settings
    }

    /// Every replica of the token endpoint.
    pub(crate) fn all_of_tokens(settings: &'a Settings, now: Moment) -> Vec<Self> {
        (0..settings.replicas).map(|number| Self::of_tokens(settings, number, now)).collect()
    }

    pub(crate) fn has_seen_addition(&self, id: Uuid, at: Duration) -> bool {
        self.has_seen(id, at, self.added, News::Added)
    }

    pub(crate) fn has_seen_removal(&self, id: Uuid, at: Duration) -> bool {
        self.has_seen(id, at, self.removed, News::Removed)
    }

    pub(crate) fn has_seen_creation(&self, id: Uuid, at: Option<Duration>) -> bool {
        at.is_none_or(|at| self.has_seen(id, at, self.settings.create_lag, News::Created))
    }

    fn has_seen(&self, id: Uuid, at: Duration, longest: Duration, news: News) -> bool {
        self.elapsed >= at.saturating_add(self.lag(id, longest, news))
    }

    /// One replica of each piece of news takes the whole lag, so that the lag is exact for all together; the others
    /// hear of it at moments of their own.
    fn lag(&self, id: Uuid, longest: Duration, news: News) -> Duration {
        // From the id and not from the dice: asking a replica twice must give the same lag.
        let (high, low) = id.as_u64_pair();
        let piece = mix(high ^ low ^ self.settings.seed ^ (news as u64));
        if piece % u64::from(self.settings.replicas) == u64::from(self.number) {
            return longest;
        }
        let share = mix(piece ^ u64::from(self.number).wrapping_add(1)) % 1000;
        longest.mul_f64(share as f64 / 1000.0)
    }
}

/// The replica that answers the nth request of a service.
pub(crate) fn choose(settings: &Settings, nth: u64) -> u32 {
    let number = match settings.replica_choice {
        ReplicaChoice::RoundRobin => nth,
        ReplicaChoice::Hashed => mix(nth ^ settings.seed),
    };
    u32::try_from(number % u64::from(settings.replicas)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn at(seconds: u64) -> Moment {
        Moment { wall: OffsetDateTime::UNIX_EPOCH, elapsed: Duration::from_secs(seconds) }
    }

    #[test]
    fn all_replicas_know_after_the_lag_and_not_all_before() {
        let settings = Settings::default().with_add_lag(Duration::from_secs(10));
        for seed in 0..50 {
            let id = crate::base::dice::Dice::new(seed).guid();
            let knowing = |moment| {
                let replicas = Replica::all_of_tokens(&settings, moment);
                replicas.iter().filter(|replica| replica.has_seen_addition(id, Duration::ZERO)).count()
            };
            assert!(knowing(at(9)) < 3);
            assert_eq!(knowing(at(10)), 3);
        }
    }
}
