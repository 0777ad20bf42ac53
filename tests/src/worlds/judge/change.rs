//! What has changed in the truth since the last look, and who changed it.

use std::time::Duration;

use azconnect::core::KeyId;
use azconnect_emulator::{Emulator, Held, Truth};

use super::seen::{Key, Seen, Shown};
use super::{Actor, push, removal};
use crate::worlds::cloud::{connection_id, deploy, foreign_key, old_key};
use crate::worlds::words::Span;

/// What every name of ours begins with.
const OURS: &str = "azconnect ";

/// Takes in what was so from the beginning.
pub(super) fn begin(seen: &mut Seen, emulator: &Emulator) {
    seen.began_at = emulator.truth().now;
    observe(seen, emulator, Duration::ZERO, Actor::Seed);
}

/// Looks at the truth, judges every change, and says in words what has changed.
pub(super) fn observe(seen: &mut Seen, emulator: &Emulator, now: Duration, actor: Actor) -> Vec<String> {
    let truth = emulator.truth();
    let mut told = Vec::new();
    births(seen, emulator, &truth, (now, actor), &mut told);
    deaths(seen, &truth, (now, actor), &mut told);
    holdings(seen, &truth, (now, actor), &mut told);
    told
}

fn births(
    seen: &mut Seen,
    emulator: &Emulator,
    truth: &Truth,
    (now, actor): (Duration, Actor),
    told: &mut Vec<String>,
) {
    let Some(application) = truth.application(deploy()) else { return };
    for password in &application.passwords {
        if let Some(known) = seen.keys.get_mut(&password.key_id) {
            // A restored application has its secrets again.
            if password.live && known.died.is_some_and(|(_, by)| by == Actor::Person) {
                known.died = None;
            }
            continue;
        }
        let marker = password.display_name.clone().filter(|name| name.starts_with(OURS));
        let number = seen.keys.len() as u32;
        let name = match password.key_id {
            key if key == old_key() => "the old key".to_owned(),
            key if key == foreign_key() => "the foreign key".to_owned(),
            _ if marker.is_some() => format!("key {number}"),
            _ => format!("hand-made key {number}"),
        };
        seen.names.give(password.key_id, name.clone());
        let text = emulator.secret_of(password.key_id).map(|secret| secret.expose().to_owned()).unwrap_or_default();
        let key = Key { number, marker, text, ends_at: password.ends_at, died: None };
        seen.keys.insert(password.key_id, key);
        if actor != Actor::Seed {
            told.push(format!("{name} is made by {actor:?}, for {}", Span(seen.rest_of(password.key_id, now))));
        }
        if matches!(actor, Actor::Process(_) | Actor::Late(_)) {
            minted(seen, password.key_id, now);
        }
    }
}

/// I2, I3 and I6 of a key that a process has just made.
fn minted(seen: &mut Seen, key: KeyId, now: Duration) {
    let name = seen.name(key);
    let announced = seen.keys[&key].marker.as_ref().is_some_and(|marker| seen.announced.contains(marker));
    if !announced {
        seen.find("I2", format!("{name} was made without an earlier intent in the journal"));
    }
    // A quarter of an hour: the call may wait and be on its way, and the service counts from its own clock.
    let least = seen.least(|policy| policy.lifetime).saturating_sub(Duration::from_secs(900) + seen.skew());
    let rest = seen.rest_of(key, now);
    if rest < least {
        seen.find("I6", format!("{name} is born with {} to live, and must have {}", Span(rest), Span(least)));
    }
    let alive = seen.keys.iter().filter(|(id, key)| key.marker.is_some() && seen.is_alive(**id, now)).count();
    if alive > 3 {
        seen.find("I3", format!("{alive} live secrets carry our marker"));
    }
}

fn deaths(seen: &mut Seen, truth: &Truth, (now, actor): (Duration, Actor), told: &mut Vec<String>) {
    let dead = |key: &KeyId| !truth.password(*key).is_some_and(|password| password.live);
    let died: Vec<KeyId> =
        seen.keys.iter().filter(|(id, key)| key.died.is_none() && dead(id)).map(|(id, _)| *id).collect();
    for key in died {
        told.push(format!("{} is removed by {actor:?}", seen.name(key)));
        if let Actor::Process(process) | Actor::Late(process) = actor {
            removal::judge(seen, process, key, now);
        }
        if let Some(known) = seen.keys.get_mut(&key) {
            known.died = Some((now, actor));
        }
    }
}

fn holdings(seen: &mut Seen, truth: &Truth, (now, actor): (Duration, Actor), told: &mut Vec<String>) {
    for number in 0..seen.connections.len() {
        let shows = match truth.connection(connection_id(number)).map(|connection| &connection.holds) {
            None => Shown::Gone,
            Some(Held::Key(key)) => Shown::Key(*key),
            Some(_) => Shown::Other,
        };
        let before = seen.connections[number].shows;
        if before != shows {
            let what = match shows {
                Shown::Key(key) => format!("holds {}", seen.name(key)),
                Shown::Other => "holds nothing known".to_owned(),
                Shown::Gone => "is gone".to_owned(),
            };
            if actor != Actor::Seed {
                told.push(format!("connection {number} {what}, by {actor:?}"));
            }
            if let Actor::Process(process) | Actor::Late(process) = actor {
                push::judge(seen, truth, (process, number), now);
            }
        }
        let connection = &mut seen.connections[number];
        if before != shows {
            (connection.shows, connection.since, connection.by) = (shows, now, actor);
            if let Shown::Key(key) = before {
                connection.before = Some(key);
            }
            if let Shown::Key(key) = shows {
                connection.ever.insert(key);
            }
            if actor == Actor::Person {
                connection.touched_at = Some(now);
            }
        }
    }
}
