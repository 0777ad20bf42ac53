//! Request budgets: buckets that fill up again.

use std::collections::HashMap;
use std::time::Duration;

/// A bucket: what is left of it, when that was so, and when it is full again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Duration,
    full: Duration,
}

/// How many buckets there are at most. There is one for each resource and operation that was asked for.
const MOST: usize = 10_000;

/// Size and refill of a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    size: f64,
    per_second: f64,
}

impl Budget {
    pub(crate) const fn new(size: f64, per_second: f64) -> Self {
        Self { size, per_second }
    }

    pub(crate) const fn per_minute(size: f64, refill: f64) -> Self {
        Self { size, per_second: refill / 60.0 }
    }
}

/// The buckets that are not full. One that is forgotten is full: as good as one that nobody has drawn from.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<String, Bucket>);

impl Buckets {
    /// Draws one request: what is left then, or how long to wait.
    pub(crate) fn draw(&mut self, name: String, budget: Budget, now: Duration) -> Result<u64, u64> {
        self.draw_cost(name, budget, 1.0, now)
    }

    /// Draws a request that costs as much as several.
    pub(crate) fn draw_cost(&mut self, name: String, budget: Budget, cost: f64, now: Duration) -> Result<u64, u64> {
        if self.0.len() >= MOST && !self.0.contains_key(&name) {
            self.forget(now);
        }
        let bucket = self.0.entry(name).or_insert(Bucket { left: budget.size, at: now, full: now });
        // Filled up when it is next drawn from, for all the time since then: no task has to run.
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * budget.per_second).min(budget.size);
        bucket.at = now;
        if bucket.left >= cost {
            bucket.left -= cost;
            let refill = Duration::try_from_secs_f64((budget.size - bucket.left) / budget.per_second);
            bucket.full = now.saturating_add(refill.unwrap_or(Duration::MAX));
            return Ok(bucket.left as u64);
        }
        // In whole seconds and at least one, as `Retry-After` has to be.
        Err(((cost - bucket.left) / budget.per_second).ceil().max(1.0) as u64)
    }

    /// Forgets the buckets that are full again; where time stands still and too many are not, those that will be first.
    fn forget(&mut self, now: Duration) {
        self.0.retain(|_, bucket| bucket.full > now);
        if self.0.len() >= MOST / 2 {
            let mut ends: Vec<Duration> = self.0.values().map(|bucket| bucket.full).collect();
            let half = ends.len() / 2;
            let (_, &mut middle, _) = ends.select_nth_unstable(half);
            self.0.retain(|_, bucket| bucket.full > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_that_are_full_again_are_forgotten_and_no_other() {
        let mut buckets = Buckets::default();
        let slow = Budget::per_minute(2.0, 0.001);
        assert_eq!(buckets.draw("slow".to_owned(), slow, Duration::ZERO), Ok(1));
        for number in 0..3 * MOST as u64 {
            // One a second: each is full again after ten.
            let drawn = buckets.draw(number.to_string(), Budget::per_minute(2.0, 6.0), Duration::from_secs(number));
            assert_eq!(drawn, Ok(1));
            assert!(buckets.0.len() <= MOST);
        }
        assert_eq!(buckets.draw("slow".to_owned(), slow, Duration::from_secs(30_000)), Ok(0), "it was not full");
        // Nothing fills up where time stands still.
        for number in 0..3 * MOST {
            let drawn = buckets.draw(format!("still/{number}"), Budget::new(2.0, 1.0), Duration::from_secs(30_000));
            assert_eq!(drawn, Ok(1));
            assert!(buckets.0.len() <= MOST);
        }
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut buckets = Buckets::default();
        let budget = Budget::per_minute(2.0, 6.0);
        let mut draw = |at: u64| buckets.draw("x".to_owned(), budget, Duration::from_secs(at));
        assert_eq!(draw(0), Ok(1));
        assert_eq!(draw(0), Ok(0));
        assert_eq!(draw(0), Err(10));
        assert_eq!(draw(5), Err(5));
        assert_eq!(draw(11), Ok(0));
        assert_eq!(draw(3600), Ok(1));
    }
}
