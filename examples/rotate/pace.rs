//! How long a rotation waits for what.

use std::time::Duration;

use azconnect::rotation::Policy;
use azconnect_examples::place::Place;

use crate::arguments::Arguments;

/// Hours on Azure; seconds on an emulator, whose replicas agree sooner; as little as possible under test.
#[derive(Clone, Copy)]
pub enum Pace {
    Azure,
    Emulator,
    Hurried,
}

impl Pace {
    pub fn of(arguments: &Arguments, place: &Place) -> Self {
        match (place.is_azure, arguments.hurry) {
            (true, _) => Self::Azure,
            (false, false) => Self::Emulator,
            (false, true) => Self::Hurried,
        }
    }

    pub fn policy(self) -> Policy {
        let policy = Policy::default();
        match self {
            Self::Azure => policy,
            Self::Emulator => policy
                .with_settle(Duration::from_secs(2))
                .with_grace(Duration::from_secs(3))
                .with_pause(Duration::from_secs(1))
                .with_absence_spacing(Duration::from_secs(1))
                .with_orphan_watch(Duration::from_secs(30)),
            Self::Hurried => policy
                .with_settle(Duration::from_millis(1_200))
                .with_grace(Duration::from_millis(300))
                .with_pause(Duration::from_millis(100))
                .with_absence_reads(2)
                .with_absence_spacing(Duration::from_secs(1))
                .with_orphan_watch(Duration::from_secs(3)),
        }
    }

    /// How long the next process waits for the lease of one that was killed.
    pub fn lease_term(self) -> Duration {
        match self {
            Self::Azure => Duration::from_secs(60),
            Self::Emulator => Duration::from_secs(6),
            Self::Hurried => Duration::from_secs(1),
        }
    }
}
