//! When two states are the same: times count by how far off they are, and not at all where nothing depends on them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use azconnect_rotation::RotationState;

use crate::truth::Truth;

/// Every span that the machine compares ages with is shorter (see `node::policy`).
const OLD: i64 = 1000;

/// Every span that the machine looks ahead is shorter.
const FAR: i64 = 2 * 86_400;

/// What a moment looks like in JSON: `"2026-01-01T00:00:00Z"`.
const MOMENT: usize = 22;

/// Two hashes, so that a collision hides no state in practice.
pub fn fingerprint(state: &RotationState, truth: &Truth, now: i64) -> u128 {
    let text = serde_json::to_string(state).unwrap();
    // When the last event was recorded, and how an earlier rotation ended, decide nothing here.
    let text = text.split(r#","last":"#).next().unwrap_or(&text);
    let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
    1_u8.hash(&mut hashers[1]);
    let mut add = |part: &dyn Fn(&mut DefaultHasher)| hashers.iter_mut().for_each(part);
    let mut rest = text;
    while let Some(place) = rest.find(r#""20"#) {
        let (before, after) = rest.split_at(place);
        let Some(at) = after.get(..MOMENT).and_then(seconds) else {
            let (skipped, after) = rest.split_at(place + 1);
            add(&|hasher| skipped.hash(hasher));
            rest = after;
            continue;
        };
        let distance = (at - now).clamp(-OLD, FAR);
        add(&|hasher| (before, distance).hash(hasher));
        rest = &after[MOMENT..];
    }
    add(&|hasher| (rest, truth, state.setbacks).hash(hasher));
    let [first, second] = hashers.map(|hasher| u128::from(hasher.finish()));
    first << 64 | second
}

/// A moment in seconds since the first of January 2026; none if it is no moment.
fn seconds(text: &str) -> Option<i64> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    if text.as_bytes().get(11) != Some(&b'T') || text.as_bytes().get(20) != Some(&b'Z') {
        return None;
    }
    let (year, month, day) = (part(1..5)?, part(6..8)?, part(9..11)?);
    let date = time::Date::from_calendar_date(
        i32::try_from(year).ok()?,
        time::Month::try_from(u8::try_from(month).ok()?).ok()?,
        u8::try_from(day).ok()?,
    );
    let days = i64::from(date.ok()?.to_julian_day()) - 2_461_042;
    Some(days * 86_400 + part(12..14)? * 3600 + part(15..17)? * 60 + part(18..20)?)
}

#[test]
fn moments_are_read() {
    assert_eq!(seconds(r#""2026-01-01T00:00:00Z""#), Some(0));
    assert_eq!(seconds(r#""2026-01-02T01:01:01Z""#), Some(86_400 + 3661));
    assert_eq!(seconds(r#""2026-01-02 01:01:01Z""#), None);
}
