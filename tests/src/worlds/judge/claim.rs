//! What the machine says, held against the truth.

use std::time::Duration;

use azconnect::core::{Error, KeyId};
use azconnect::rotation::RotationOutcome;

use super::journal::no_secret;
use super::seen::{Seen, Shown};
use crate::worlds::cloud::old_key;
use crate::worlds::happening::{Edit, Happening, What};
use crate::worlds::product::Product;

/// A run ended: what it says must be true.
pub(super) fn concluded(seen: &mut Seen, process: usize, outcome: &Result<RotationOutcome, Error>) {
    let text = match outcome {
        Ok(outcome) => format!("{outcome:?}"),
        Err(error) => format!("{error:?} {error}"),
    };
    no_secret(seen, "an outcome", &text);
    if let Ok(RotationOutcome::Rotated { .. }) = outcome
        && let Some(what) = lives_on(seen)
    {
        seen.find("I8", format!("process {process} says rotated, and {what}"));
    }
}

/// It is recorded that a rotation is done: what is said must be true at this moment. When the run returns may be days later.
pub(super) fn rotated(seen: &mut Seen, process: usize, key: KeyId, now: Duration) {
    let product = seen.runs[process].product.clone();
    if let Some(what) = not_rotated(seen, &product, key, now) {
        seen.find("I1", format!("process {process} says rotated, and {what}"));
    }
}

/// I8: it says rotated, and the key that was adopted all the time lives. An unseen holder is no proof of absence.
fn lives_on(seen: &Seen) -> Option<String> {
    let edited = |happening: &Happening| matches!(happening.what, What::Edit(Edit::Adopt(_)));
    let adopted = !seen.plan.happenings.iter().any(edited);
    let lives = seen.keys.get(&old_key()).is_some_and(|old| old.died.is_none());
    (adopted && lives).then(|| "the adopted old key lives".to_owned())
}

/// Why it is not true that every required consumer has this secret.
fn not_rotated(seen: &Seen, product: &Product, key: KeyId, now: Duration) -> Option<String> {
    if !seen.is_alive(key, now) && !seen.was_killed_by_hand(key, now) {
        return Some(format!("{} is dead", seen.name(key)));
    }
    for number in seen.required(product) {
        if seen.connections[number].shows != Shown::Key(key)
            && !seen.was_touched(number, now)
            && !seen.is_gone_registry(number)
        {
            return Some(format!("connection {number} does not hold {}", seen.name(key)));
        }
    }
    None
}

/// Everything has ended: nothing of ours lives that the machine does not know, and every consumer is served.
pub(super) fn ended(seen: &mut Seen, product: &Product, known: &str, now: Duration) {
    let ours = seen.keys.iter().filter(|(_, key)| key.marker.is_some() && key.died.is_none());
    let unknown = ours.clone().find(|(id, _)| !known.contains(&id.to_string())).map(|(id, _)| *id);
    if let Some(key) = unknown {
        let name = seen.name(key);
        return seen.find("I2", format!("{name} lives, and the machine does not know it"));
    }
    let alive: Vec<String> = ours.map(|(id, _)| seen.name(*id)).collect();
    if alive.len() > 1 {
        return seen.find("I2", format!("after the end, {} are alive", alive.join(" and ")));
    }
    for number in product.bound.keys() {
        let connection = &seen.connections[*number];
        let served =
            matches!(connection.shows, Shown::Key(key) if seen.is_alive(key, now) && seen.keys[&key].marker.is_some());
        if !served && connection.shows != Shown::Gone {
            return seen.find("I12", format!("after the end, connection {number} is not served"));
        }
    }
}
