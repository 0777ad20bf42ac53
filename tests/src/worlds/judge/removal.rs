//! I1, I4 and I11 at the moment at which a key is removed by a process.

use std::time::Duration;

use azconnect::core::KeyId;

use super::seen::{Seen, Shown};
use crate::worlds::cloud::old_key;
use crate::worlds::product::Product;
use crate::worlds::words::Span;

/// Judges the removal of a key by a process. What is seen is how it was just before.
pub(super) fn judge(seen: &mut Seen, process: usize, key: KeyId, now: Duration) {
    let product = seen.runs[process].product.clone();
    if let Some(what) = not_ours(seen, &product, key) {
        return seen.find("I4", what);
    }
    // What has ended serves nobody any more.
    if seen.rest_of(key, now).is_zero() {
        return;
    }
    if let Some(what) = taken_away(seen, &product, key, now) {
        return seen.find("I11", what);
    }
    let is_adopted = seen.keys[&key].marker.is_none();
    // A key that no consumer ever had served nobody: a lost secret, or one of a rotation that never got so far.
    if !is_adopted && !seen.was_ever_held(key) {
        return;
    }
    if goes_back(seen, key) {
        return;
    }
    if let Some(what) = too_early(seen, &product, key, now) {
        seen.find("I1", what);
    }
}

/// I4: neither adopted by the configuration of this very run, nor with our marker.
fn not_ours(seen: &Seen, product: &Product, key: KeyId) -> Option<String> {
    let name = seen.name(key);
    match &seen.keys[&key].marker {
        Some(_) => None,
        None if key != old_key() => Some(format!("{name} is removed, which is not ours")),
        None if !product.adopted => Some(format!("{name} is removed, whose adoption was taken back before this run")),
        None => None,
    }
}

/// I11: a bound and required consumer holds the very secret that goes.
fn taken_away(seen: &Seen, product: &Product, key: KeyId, now: Duration) -> Option<String> {
    let holds = |number: usize| seen.connections[number].shows == Shown::Key(key);
    // An optional consumer may be left behind: its binding says so by name. A person who has just put the secret there
    // did so after the last proof.
    // Who was left out may lose the old secret, and never the new one: he has it already.
    let newest = seen.connections.iter().filter_map(|connection| connection.number_held(seen)).max();
    let left_out = seen.left_out.iter().copied().filter(|_| newest == Some(seen.keys[&key].number));
    let mut watched = seen.required(product).into_iter().chain(left_out);
    let left = watched.find(|number| holds(*number) && !seen.was_touched(*number, now))?;
    Some(format!("{} is removed while connection {left} holds it", seen.name(key)))
}

/// Whether the key is that of a rotation which is being undone: it has our marker, nobody holds it any more, and what
/// consumers hold is older.
fn goes_back(seen: &Seen, key: KeyId) -> bool {
    let known = &seen.keys[&key];
    let held = seen.connections.iter().filter_map(|connection| match connection.shows {
        Shown::Key(held) => seen.keys.get(&held).map(|held| held.number),
        _ => None,
    });
    known.marker.is_some() && held.max().is_some_and(|newest| newest < known.number)
}

/// I1: somebody has no proof yet, nobody is served at all, or the grace has not passed.
fn too_early(seen: &Seen, product: &Product, key: KeyId, now: Duration) -> Option<String> {
    let name = seen.name(key);
    // The operator answers for the consumers then, by name.
    let waived = product.waived || seen.taken_as_is;
    if product.bound.is_empty() && !waived {
        return Some(format!("{name} is removed and no consumer is bound"));
    }
    if let Some(since) = seen.disabled_since
        && !seen.is_recent(since, now)
    {
        return Some(format!("{name} is removed although no secret of the application is accepted"));
    }
    for number in seen.required(product) {
        if let Err(why) = served(seen, number, key, now) {
            return Some(format!("{name} is removed, and connection {number} {why}"));
        }
    }
    let anybody = product.bound.keys().any(|number| served(seen, *number, key, now).is_ok());
    (!anybody && !waived).then(|| format!("{name} is removed and no consumer holds a newer one"))
}

/// Whether a consumer holds another secret of ours that lives, and has held it for the grace.
fn served(seen: &Seen, number: usize, key: KeyId, now: Duration) -> Result<(), String> {
    // A person meddled with it after the last proof.
    if seen.was_touched(number, now) || seen.is_gone_registry(number) {
        return Ok(());
    }
    let connection = &seen.connections[number];
    let Shown::Key(held) = connection.shows else { return Err(format!("shows {:?}", connection.shows)) };
    let known = &seen.keys[&held];
    if held == key || known.marker.is_none() {
        return Err(format!("holds {}", seen.name(held)));
    }
    // Killed by a person between the last proof and the removal: nobody could know.
    if !seen.is_alive(held, now) && !seen.was_killed_by_hand(held, now) {
        return Err(format!("holds {}, which is dead", seen.name(held)));
    }
    let grace = seen.least(|policy| policy.grace).saturating_sub(seen.skew());
    let held_for = now.saturating_sub(connection.since);
    if held_for < grace {
        return Err(format!("has held {} for {} only", seen.name(held), Span(held_for)));
    }
    Ok(())
}
