//! Makes a failing world smaller, as long as the same promise stays broken.

use std::time::Duration;

use super::happening::{Trigger, What};
use super::plan::{Cadence, Plan, Weather};
use super::play::play;

/// The smallest world found in which the same invariant is broken, by leaving out one thing at a time.
pub fn shrink(plan: &Plan, invariant: &str) -> Plan {
    let mut smallest = plan.clone();
    loop {
        let before = smallest.clone();
        for smaller in smaller(&before) {
            if smaller != smallest && size(&smaller) < size(&smallest) && fails(&smaller, invariant) {
                smallest = smaller;
                break;
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

fn fails(plan: &Plan, invariant: &str) -> bool {
    play(plan, false).violation.is_some_and(|violation| violation.invariant == invariant)
}

/// How much there is to a plan.
fn size(plan: &Plan) -> u64 {
    let weather = plan.weather;
    let lags = [weather.add_lag, weather.remove_lag, weather.list_lag, weather.unlist_lag]
        .iter()
        .filter(|lag| !lag.is_zero())
        .count();
    let skewed = plan.orchestrators.iter().filter(|one| one.ahead != 0).count();
    let odd = plan.orchestrators.iter().filter(|one| one.cadence != Cadence::AsTold).count();
    let times: u64 =
        plan.happenings.iter().map(|one| if let What::Fault { times, .. } = one.what { times.min(2) } else { 1 }).sum();
    let parts = plan.orchestrators.len() * 4 + plan.connections.len() * 4 + lags + skewed + odd;
    parts as u64
        + u64::from(plan.old_on_principal)
        + times * 10
        + u64::from(weather.replicas)
        + u64::from(weather.at_random)
}

/// All plans that lack one thing.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Plan)| {
        let mut smaller = plan.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    for at in (0..plan.happenings.len()).rev() {
        with(&|plan| {
            plan.happenings.remove(at);
        });
    }
    for at in 0..plan.happenings.len() {
        with(&|plan| {
            if let What::Fault { times, .. } = &mut plan.happenings[at].what {
                *times = 1;
            }
        });
    }
    if plan.orchestrators.len() > 1 {
        let last = plan.orchestrators.len() - 1;
        let needed = |when: &Trigger| matches!(when, Trigger::Call { process, .. } if *process == last);
        if !plan
            .happenings
            .iter()
            .any(|one| needed(&one.when) || matches!(one.what, What::ClockSet { process, .. } if process == last))
        {
            with(&|plan| plan.orchestrators.truncate(last));
        }
    }
    if plan.connections.len() > 1 {
        with(&|plan| plan.connections.truncate(plan.connections.len() - 1));
    }
    for at in 0..plan.orchestrators.len() {
        with(&|plan| plan.orchestrators[at].ahead = 0);
        with(&|plan| plan.orchestrators[at].cadence = Cadence::AsTold);
    }
    with(&|plan| plan.old_on_principal = false);
    with(&|plan| plan.weather.add_lag = Duration::ZERO);
    with(&|plan| plan.weather.remove_lag = Duration::ZERO);
    with(&|plan| plan.weather.list_lag = Duration::ZERO);
    with(&|plan| plan.weather.unlist_lag = Duration::ZERO);
    with(&|plan| plan.weather = Weather { replicas: 1, at_random: false, ..plan.weather });
    all
}
