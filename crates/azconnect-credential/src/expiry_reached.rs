//! The points on the way to an end that were noted, and which of them a clock that was ahead has noted too early.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::crossing::Crossing;
use crate::expiry_policy::ExpiryStep;

/// The points that were noted on the way to one end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reached {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) ends_at: OffsetDateTime,
    pub(crate) points: Vec<Point>,
}

/// A point that was noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    pub(crate) step: ExpiryStep,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) noted_at: OffsetDateTime,
    /// A later look, by a clock that had not come so far, did not find it reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) doubted: bool,
    /// What nobody is told while it is doubted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withheld: Option<Crossing>,
}

impl Reached {
    pub(crate) fn new(ends_at: OffsetDateTime) -> Self {
        Self { ends_at, points: Vec::new() }
    }

    /// The point nearest to the end of which nobody doubts that it was reached.
    pub(crate) fn nearest(&self) -> Option<ExpiryStep> {
        let believed = self.points.iter().filter(|point| !point.doubted);
        believed.map(|point| point.step).min_by_key(|step| step.left())
    }

    pub(crate) fn note(&mut self, step: ExpiryStep, noted_at: OffsetDateTime) {
        self.points.push(Point { step, noted_at, doubted: false, withheld: None });
    }

    /// Weighs each point at `now`. Two clocks disagree about one that was noted later than now, by more than `slack`, and is not
    /// reached: it is doubted, and its crossing withheld. Time says which was wrong: where the point is reached before the moment
    /// at which it was noted, that clock was ahead, and it is forgotten, to be noted anew; once that moment is there, it was this
    /// one that had gone back, and the point stands.
    pub(crate) fn weigh(
        &mut self,
        is_reached: impl Fn(ExpiryStep) -> bool,
        now: OffsetDateTime,
        slack: Duration,
        open: &mut Vec<Crossing>,
    ) {
        self.points.retain_mut(|point| {
            let is_ahead = point.noted_at - now > slack;
            match (is_ahead, is_reached(point.step)) {
                (true, false) => point.doubt(open),
                (true, true) => return !point.doubted,
                (false, _) => point.stand(open),
            }
            true
        });
        open.sort_by_key(|open| open.noted_at);
    }
}

impl Point {
    fn doubt(&mut self, open: &mut Vec<Crossing>) {
        self.doubted = true;
        if let Some(at) = open.iter().position(|open| open.step == self.step) {
            self.withheld = Some(open.remove(at));
        }
    }

    fn stand(&mut self, open: &mut Vec<Crossing>) {
        self.doubted = false;
        open.extend(self.withheld.take());
    }
}
