//! I11 at the moment at which a process gives a consumer a secret.

use std::time::Duration;

use azconnect_emulator::Truth;

use super::seen::{Seen, Shown};
use crate::worlds::cloud::connection_id;
use crate::worlds::plan::policy;
use crate::worlds::words::Span;

/// The least remaining life of a secret that is given back.
const RESTORE_LIFE: Duration = Duration::from_secs(86_400);

/// Judges what a process has just written into a connection.
pub(super) fn judge(seen: &mut Seen, truth: &Truth, (process, number): (usize, usize), now: Duration) {
    if let Some(what) = wrong(seen, truth, (process, number), now) {
        seen.find("I11", what);
    }
}

fn wrong(seen: &Seen, truth: &Truth, (process, number): (usize, usize), now: Duration) -> Option<String> {
    let known = truth.connection(connection_id(number))?;
    let azconnect_emulator::Held::Key(key) = known.holds else {
        return Some(format!("process {process} leaves connection {number} without a known secret"));
    };
    let name = seen.name(key);
    if !seen.runs[process].product.bound.contains_key(&number) {
        return Some(format!("process {process} writes {name} into connection {number}, which is not bound"));
    }
    // Killed by a person after it was proved: nobody could know.
    if !seen.is_alive(key, now) && !seen.was_killed_by_hand(key, now) {
        return Some(format!("connection {number} is given {name}, which is dead"));
    }
    let before = match seen.connections[number].shows {
        Shown::Key(before) => seen.keys.get(&before),
        _ => None,
    };
    let goes_back = before.is_some_and(|before| before.number > seen.keys[&key].number && before.marker.is_some());
    let rest = seen.rest_of(key, now);
    if goes_back && rest + seen.skew() < RESTORE_LIFE {
        return Some(format!("connection {number} is given {name} back, which ends in {}", Span(rest)));
    }
    if !goes_back && is_refused(seen, truth, key, now) {
        return Some(format!("connection {number} is given {name}, which no replica accepts"));
    }
    None
}

/// Whether Entra ID refuses the secret, where the machine had a chance to know.
fn is_refused(seen: &Seen, truth: &Truth, key: azconnect::core::KeyId, now: Duration) -> bool {
    let settled = policy(seen.plan.policy).settle >= seen.plan.weather.add_lag;
    // A new secret is known everywhere by then; later, only a person can have made the services refuse it.
    let person =
        seen.was_killed_by_hand(key, now) || seen.is_recent(seen.enabled_changed_at, now) && now > Duration::ZERO;
    settled
        && !person
        && seen.disabled_since.is_none()
        && !truth.password(key).is_some_and(|password| password.accepted.somewhere)
}
