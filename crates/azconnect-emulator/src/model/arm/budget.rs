//! Request budgets: buckets that fill up again.

use std::collections::HashMap;
use std::time::Duration;

/// A bucket: what is left of it, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Duration,
}

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

/// Every bucket that was ever drawn from.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<String, Bucket>);

impl Buckets {
    /// Draws one request: what is left then, or how long to wait.
    pub(crate) fn draw(&mut self, name: String, budget: Budget, now: Duration) -> Result<u64, u64> {
        let bucket = self.0.entry(name).or_insert(Bucket { left: budget.size, at: now });
        // Filled up when it is next drawn from, for all the time since then: no task has to run.
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * budget.per_second).min(budget.size);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(bucket.left as u64);
        }
        // In whole seconds and at least one, as `Retry-After` has to be.
        Err(((1.0 - bucket.left) / budget.per_second).ceil().max(1.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
