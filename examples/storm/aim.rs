//! When a process is killed.

use std::time::Duration;

use crate::work::Reach;

/// A moment in the life of a process.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after it was started.
    After(Duration),
    /// So long after it said that so many events are in its journal.
    AfterEvents(u64, Duration),
}

/// Draws moments. The same seed draws the same ones, though no two processes are equally fast.
pub struct Aim {
    seed: u64,
    reach: Reach,
}

impl Aim {
    pub fn new(seed: u64, lane: u64, reach: Reach) -> Self {
        // Never zero, which the generator would not leave.
        Self { seed: (seed ^ lane.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1, reach }
    }

    /// Half of the moments lie anywhere, the start and the waits included. The others follow an event closely, where a
    /// request is on its way or an answer is about to be recorded.
    pub fn next(&mut self) -> Moment {
        match self.below(2) {
            0 => Moment::After(Duration::from_millis(self.below(self.reach.milliseconds))),
            _ => {
                let events = 1 + self.below(self.reach.events);
                Moment::AfterEvents(events, Duration::from_micros(self.below(30_000)))
            }
        }
    }

    /// A number below another one, by Marsaglia's xorshift.
    fn below(&mut self, limit: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % limit
    }
}
