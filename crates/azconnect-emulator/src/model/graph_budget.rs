//! The request budgets of Microsoft Graph, after *Identity and access service limits*: buckets that run empty with time.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

/// Whose budget, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BudgetKey {
    /// Resource units of an application in a tenant.
    Units { client: Uuid, tenant: Uuid },
    /// Changes by an application in a tenant.
    Writes { client: Uuid, tenant: Uuid },
    /// Changes of applications that personal accounts may use, by an application in a tenant.
    PersonalWrites { client: Uuid, tenant: Uuid },
    /// Changes by all applications in a tenant.
    TenantWrites { tenant: Uuid },
}

/// What a request takes out of one budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    pub(crate) key: BudgetKey,
    pub(crate) cost: u32,
    pub(crate) limit: u32,
    /// In which time the whole limit comes back.
    pub(crate) window: Duration,
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UsedUp {
    pub(crate) key: BudgetKey,
    /// After how many seconds the request would be let in.
    pub(crate) wait: u64,
}

/// What is used of a budget, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Usage {
    used: f64,
    at: Duration,
    /// When nothing of it is used any more.
    free_at: Duration,
}

/// How far beyond its limit a budget is counted: the service names no share above this.
const CEILING: f64 = 1.8;

/// The size at which budgets are swept out that nobody draws from any longer.
const SWEEP_AT: usize = 1000;

/// Every budget that is not whole.
#[derive(Debug, Default)]
pub(crate) struct GraphBudgets(HashMap<BudgetKey, Usage>);

impl GraphBudgets {
    /// Draws a request from all its budgets: the largest share of one that is used then, or the one that is used up.
    pub(crate) fn draw(&mut self, charges: &[Charge], now: Duration) -> Result<f64, UsedUp> {
        self.sweep(now);
        let mut highest = 0.0_f64;
        let mut refused: Option<UsedUp> = None;
        for charge in charges {
            let (limit, cost) = (f64::from(charge.limit), f64::from(charge.cost));
            let per_second = limit / charge.window.as_secs_f64().max(f64::MIN_POSITIVE);
            let used = self.0.get(&charge.key).map_or(0.0, |usage| {
                let passed = now.saturating_sub(usage.at).as_secs_f64();
                (usage.used - passed * per_second).max(0.0)
            });
            let after = used + cost;
            // What is refused counts as well, so that knocking on without a pause keeps the door shut.
            let counted = after.min(limit * CEILING);
            let free_at = now.saturating_add(Duration::from_secs_f64(counted / per_second));
            self.0.insert(charge.key, Usage { used: counted, at: now, free_at });
            highest = highest.max(counted / limit);
            if after > limit {
                // In whole seconds and at least one, as `Retry-After` has to be.
                let wait = ((counted + cost - limit) / per_second).ceil().max(1.0) as u64;
                refused = Some(refused.filter(|known| known.wait >= wait).unwrap_or(UsedUp { key: charge.key, wait }));
            }
        }
        refused.map_or(Ok(highest), Err)
    }

    /// Forgets the budgets that are whole again, once there are many.
    fn sweep(&mut self, now: Duration) {
        if self.0.len() >= SWEEP_AT {
            self.0.retain(|_, usage| usage.free_at > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(number: u128, cost: u32) -> Charge {
        let key = BudgetKey::TenantWrites { tenant: Uuid::from_u128(number) };
        Charge { key, cost, limit: 10, window: Duration::from_secs(10) }
    }

    #[test]
    fn a_budget_is_used_up_and_whoever_waits_as_told_is_let_in() {
        let mut budgets = GraphBudgets::default();
        let at = Duration::from_secs;
        assert_eq!(budgets.draw(&[charge(1, 8)], at(0)), Ok(0.8));
        assert_eq!(budgets.draw(&[charge(1, 2)], at(0)), Ok(1.0));
        let wait = budgets.draw(&[charge(1, 2)], at(0)).unwrap_err().wait;
        assert_eq!(wait, 4);
        assert!(budgets.draw(&[charge(1, 2)], at(4)).is_ok());
        assert_eq!(budgets.draw(&[charge(2, 1)], at(4)), Ok(0.1), "another tenant has a budget of its own");
    }

    #[test]
    fn knocking_on_keeps_the_door_shut_but_not_for_ever() {
        let mut budgets = GraphBudgets::default();
        for _ in 0..100 {
            let _ = budgets.draw(&[charge(1, 1)], Duration::ZERO);
        }
        assert_eq!(budgets.draw(&[charge(1, 1)], Duration::ZERO).unwrap_err().wait, 9);
        assert!(budgets.draw(&[charge(1, 1)], Duration::from_secs(9)).is_ok());
    }

    #[test]
    fn budgets_that_are_whole_again_are_forgotten() {
        let mut budgets = GraphBudgets::default();
        for number in 0..100_000_u32 {
            let now = Duration::from_secs(u64::from(number));
            assert!(budgets.draw(&[charge(number.into(), 1)], now).is_ok());
            assert!(budgets.0.len() <= SWEEP_AT);
        }
    }
}
