//! Things that are found by an unguessable text, and forgotten some time after they have ended.

use std::collections::HashMap;

use time::OffsetDateTime;

/// The least size at which what has ended is swept out.
const SWEEP_AT: usize = 1_000;

/// More than this are never kept: under a clock that stands still nothing ends.
const MOST: usize = 20_000;

/// Things by text, each with the moment from which it may be forgotten.
pub(crate) struct Shelf<T> {
    items: HashMap<String, (OffsetDateTime, T)>,
    sweep_at: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: HashMap::new(), sweep_at: SWEEP_AT }
    }
}

impl<T> Shelf<T> {
    /// Puts a thing under a text.
    pub(crate) fn put(&mut self, key: String, (ends, item): (OffsetDateTime, T), now: OffsetDateTime) {
        // Whoever reaches the emulator makes things here, so they must not pile up for ever.
        if self.items.len() >= self.sweep_at {
            self.items.retain(|_, (ends, _)| *ends > now);
            if self.items.len() >= MOST {
                let mut ends: Vec<OffsetDateTime> = self.items.values().map(|(ends, _)| *ends).collect();
                ends.sort_unstable();
                // Half of them, so that it is not done for every new one.
                let (half, mut left) = (ends.get(MOST / 2).copied().unwrap_or(now), MOST / 2);
                self.items.retain(|_, (ends, _)| {
                    let goes = left > 0 && *ends <= half;
                    left -= usize::from(goes);
                    !goes
                });
            }
            self.sweep_at = (2 * self.items.len()).clamp(SWEEP_AT, MOST);
        }
        self.items.insert(key, (ends, item));
    }

    pub(crate) fn find(&self, key: &str) -> Option<&T> {
        self.items.get(key).map(|(_, item)| item)
    }

    pub(crate) fn find_by(&self, fits: impl Fn(&T) -> bool) -> Option<(&str, &T)> {
        self.items.iter().find(|(_, (_, item))| fits(item)).map(|(key, (_, item))| (key.as_str(), item))
    }

    pub(crate) fn find_mut(&mut self, key: &str) -> Option<&mut T> {
        self.items.get_mut(key).map(|(_, item)| item)
    }

    /// Lets a thing be remembered until another moment.
    pub(crate) fn keep_until(&mut self, key: &str, moment: OffsetDateTime) {
        if let Some((ends, _)) = self.items.get_mut(key) {
            *ends = moment;
        }
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<T> {
        self.items.remove(key).map(|(_, item)| item)
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.values_mut().map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn of_too_many_the_newest_is_there() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut shelf = Shelf::default();
        for number in 0..3 * MOST {
            shelf.put(number.to_string(), (now + Duration::from_secs(60), number), now);
            assert!(shelf.items.len() <= MOST);
            assert!(shelf.find(&number.to_string()).is_some());
        }
    }

    #[test]
    fn what_has_ended_is_swept_out_and_what_lives_stays() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut shelf = Shelf::default();
        for number in 0..4 * SWEEP_AT {
            let ends = now + Duration::from_secs(if number % 4 == 0 { 60 } else { 0 });
            shelf.put(number.to_string(), (ends, number), now);
        }
        assert!(shelf.items.len() < 3 * SWEEP_AT, "{}", shelf.items.len());
        assert!((0..4 * SWEEP_AT).step_by(4).all(|number| shelf.find(&number.to_string()).is_some()));
    }
}
