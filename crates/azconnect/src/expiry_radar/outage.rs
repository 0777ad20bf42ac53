//! What keeps a look at thousands of connections from waiting for a service that is away, once for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{ErrorKind, TenantId};
use azconnect_credential::EndReading;

/// After how many reads in a row that the service did not answer it is taken to be away: reads of one tenant for that tenant, and
/// reads of as many tenants for all. One customer's tenant, which may fail by whatever the customer does, says nothing of others.
const FAILURES: u32 = 8;

/// How long it is not asked then.
const PAUSE: Duration = Duration::from_secs(15 * 60);

/// Whether the service that lists the ends is away, as far as the reads until now tell. Times are those of a clock that never goes
/// back.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The tenants whose last read was not answered.
    tenants: BTreeMap<TenantId, Failing>,
    /// Those of them that failed since anybody was answered.
    in_a_row: BTreeSet<TenantId>,
    away_until: Duration,
}

#[derive(Debug, Default)]
struct Failing {
    reads: u32,
    away_until: Duration,
}

impl Outage {
    /// Whether nobody asks for a tenant now.
    pub(super) fn is_on(&self, tenant: TenantId, elapsed: Duration) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        elapsed < seen.away_until || seen.tenants.get(&tenant).is_some_and(|failing| elapsed < failing.away_until)
    }

    /// Takes in how a read for a tenant ended. A throttled one was answered: the service is there, and names its own pauses.
    pub(super) fn learn(&self, tenant: TenantId, reading: &EndReading, elapsed: Duration) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unanswered = |kind| matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout);
        if !reading.problem().is_some_and(|problem| unanswered(problem.kind())) {
            seen.tenants.remove(&tenant);
            seen.in_a_row.clear();
            return;
        }
        let failing = seen.tenants.entry(tenant).or_default();
        failing.reads += 1;
        if failing.reads >= FAILURES {
            *failing = Failing { reads: 0, away_until: elapsed.saturating_add(PAUSE) };
        }
        seen.in_a_row.insert(tenant);
        if seen.in_a_row.len() >= FAILURES as usize {
            *seen = Seen { away_until: elapsed.saturating_add(PAUSE), ..Seen::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::Diagnosis;

    use super::*;

    const UNANSWERED: [ErrorKind; 2] = [ErrorKind::Unavailable, ErrorKind::Timeout];

    fn unread(kind: ErrorKind) -> EndReading {
        EndReading::Unread(Diagnosis::new(kind, "no answer"))
    }

    fn tenant(number: usize) -> TenantId {
        format!("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d{number:02}").parse().unwrap()
    }

    #[test]
    fn a_tenant_is_left_alone_after_failures_in_a_row_and_is_asked_again_after_a_while() {
        let (outage, start) = (Outage::default(), Duration::from_secs(100));
        for kind in UNANSWERED.repeat(4) {
            assert!(!outage.is_on(tenant(0), start));
            outage.learn(tenant(0), &unread(kind), start);
        }
        let late = start + PAUSE;
        assert!(outage.is_on(tenant(0), start) && outage.is_on(tenant(0), late - Duration::from_secs(1)));
        assert!(!outage.is_on(tenant(0), late));
        assert!(!outage.is_on(tenant(1), start), "of another customer nothing is known");
    }

    #[test]
    fn a_service_is_away_for_all_once_it_answers_none_of_many_tenants() {
        let (outage, start) = (Outage::default(), Duration::from_secs(100));
        for number in 0..8 {
            assert!(!outage.is_on(tenant(99), start), "{number}");
            // Of whom each failed twice, as one that got what Graph did not answer for.
            outage.learn(tenant(number), &unread(ErrorKind::Unavailable), start);
            let signed_in = EndReading::SignedIn(Diagnosis::new(ErrorKind::Timeout, "Graph is silent"));
            outage.learn(tenant(number), &signed_in, start);
        }
        assert!(outage.is_on(tenant(99), start) && !outage.is_on(tenant(99), start + PAUSE));
    }

    #[test]
    fn an_answer_between_the_failures_says_that_the_service_is_there() {
        let outage = Outage::default();
        for number in 0..50 {
            // That it refuses to say is an answer.
            let kind = if number % 7 == 0 { ErrorKind::PermissionDenied } else { ErrorKind::Unavailable };
            outage.learn(tenant(0), &unread(kind), Duration::ZERO);
            outage.learn(tenant(number), &unread(kind), Duration::ZERO);
        }
        assert!((0..50).all(|number| !outage.is_on(tenant(number), Duration::ZERO)));
    }

    #[test]
    fn a_tenant_that_is_throttled_is_answered() {
        let outage = Outage::default();
        for _ in 0..50 {
            outage.learn(tenant(0), &unread(ErrorKind::Throttled), Duration::ZERO);
        }
        assert!(!outage.is_on(tenant(0), Duration::ZERO));
    }
}
