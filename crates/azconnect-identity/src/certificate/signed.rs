//! The assertions that were signed, known for as long as they live.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{Clock, Secret};
use time::OffsetDateTime;

use super::manner::{LIFE, Manner};

/// How long an assertion is shown again: long before its end, since it must arrive in time.
const KEEP: Duration = Duration::from_secs(300);

/// How many of one manner are known at most. Where each request shows one of its own, those that are longest under way are
/// forgotten first.
const MOST: usize = 64;

/// The assertions that were signed, for each manner the newest last.
///
/// A request may be under way for minutes, and its refusal must find the certificate that signed. So an assertion is known for its
/// whole life, although it is shown again for half of it only.
#[derive(Default)]
pub(super) struct SignedAssertions(Mutex<HashMap<Manner, Vec<Signed>>>);

/// An assertion, and what it was signed with.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) text: Arc<Secret>,
    /// The certificate that signed it, as text.
    pub(super) pem: Arc<Secret>,
    /// Until when it is shown again, in the clock's elapsed time, and by the wall: a machine that slept has not counted the former.
    until: (Duration, OffsetDateTime),
    /// Until when it is known, in the clock's elapsed time.
    end: Duration,
}

/// An assertion that was shown, with its manner and the newest one of that.
pub(super) struct Shown {
    pub(super) manner: Manner,
    pub(super) itself: Signed,
    pub(super) newest: Signed,
}

impl SignedAssertions {
    /// Notes an assertion that was signed now.
    pub(super) fn note(&self, manner: &Manner, (text, pem): (Arc<Secret>, Arc<Secret>), clock: &dyn Clock) {
        let (elapsed, now) = (clock.elapsed(), clock.now());
        let mut all = self.all();
        // A product that signs in to many tenants would gather those that have ended.
        all.retain(|_, known| {
            known.retain(|one| elapsed < one.end);
            !known.is_empty()
        });
        let until = (elapsed.saturating_add(KEEP), now.saturating_add(KEEP.try_into().unwrap_or_default()));
        let known = all.entry(manner.clone()).or_default();
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push(Signed { text, pem, until, end: elapsed.saturating_add(LIFE) });
    }

    /// The newest assertion of a manner, if this certificate signed it and it may be shown again.
    pub(super) fn fresh(&self, manner: &Manner, pem: &Arc<Secret>, clock: &dyn Clock) -> Option<Arc<Secret>> {
        let all = self.all();
        let newest = all.get(manner)?.last()?;
        (Arc::ptr_eq(&newest.pem, pem) && newest.is_fresh(clock)).then(|| newest.text.clone())
    }

    /// What is known of an assertion that was shown.
    pub(super) fn shown(&self, assertion: &Secret) -> Option<Shown> {
        self.all().iter().find_map(|(manner, known)| {
            let itself = known.iter().find(|one| one.text.same_as(assertion))?.clone();
            Some(Shown { manner: manner.clone(), itself, newest: known.last()?.clone() })
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Manner, Vec<Signed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signed {
    /// Whether it may be shown again.
    pub(super) fn is_fresh(&self, clock: &dyn Clock) -> bool {
        let (elapsed, now) = (clock.elapsed(), clock.now());
        let begun = self.until.1.saturating_sub(LIFE.try_into().unwrap_or_default());
        elapsed < self.until.0 && begun <= now && now < self.until.1
    }
}
