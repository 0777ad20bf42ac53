//! How much is remembered of what was removed.

use std::time::Duration;

use crate::base::settings::Settings;

/// What stays for a while after its removal, for replicas that have not heard of it and for the truth.
pub(crate) trait Mortal {
    /// When it was removed, if it was.
    fn removed_at(&self) -> Option<Duration>;
}

/// How much of what was removed is remembered, and for how long in any case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    kept: usize,
    /// How long a replica may go on showing what was removed: nothing younger is forgotten.
    settled: Duration,
}

impl Memory {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { kept: settings.kept, settled: settings.longest_removal_lag() }
    }

    /// Forgets the items that were removed first, beyond those that are remembered.
    pub(crate) fn forget<T: Mortal>(self, items: &mut Vec<T>, now: Duration) {
        let mut removals: Vec<Duration> = items.iter().filter_map(Mortal::removed_at).collect();
        // In strokes, since each looks at every item.
        if removals.len() <= self.kept.saturating_add(self.kept / 4) {
            return;
        }
        removals.sort_unstable();
        let mut surplus = removals.len() - self.kept;
        let Some(last) = removals.get(surplus - 1).copied() else { return };
        let is_over = |at: Duration| at <= last && at.saturating_add(self.settled) < now;
        items.retain(|item| {
            let goes = surplus > 0 && item.removed_at().is_some_and(is_over);
            surplus -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(u64, Option<u64>);

    impl Mortal for Item {
        fn removed_at(&self) -> Option<Duration> {
            self.1.map(Duration::from_secs)
        }
    }

    #[test]
    fn of_the_removed_the_last_are_remembered_and_of_the_others_all() {
        let mut items = vec![Item(0, None)];
        for number in 1..1000 {
            items.push(Item(number, Some(number)));
            Memory { kept: 8, settled: Duration::ZERO }.forget(&mut items, Duration::from_secs(number + 1));
            assert!(items.len() <= 1 + 8 + 2, "{}", items.len());
        }
        assert!(items.iter().any(|item| item.0 == 0) && items.iter().any(|item| item.0 == 999));
        assert!(!items.iter().any(|item| item.0 == 1));
    }

    #[test]
    fn what_a_replica_may_still_show_is_not_forgotten() {
        let mut items: Vec<Item> = (1..100).map(|number| Item(number, Some(number))).collect();
        let memory = Memory { kept: 8, settled: Duration::from_secs(100) };
        memory.forget(&mut items, Duration::from_secs(100));
        assert_eq!(items.len(), 99);
        memory.forget(&mut items, Duration::from_secs(300));
        assert_eq!(items.iter().map(|item| item.0).collect::<Vec<_>>(), (92..100).collect::<Vec<_>>());
    }
}
