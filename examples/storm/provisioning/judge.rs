//! What must hold of resources at every moment, by the emulator's own ledger.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::work::Judge;

/// What one machine is made of: group, security group, network, address, interface, machine, disk, and what runs in it.
const AT_MOST: usize = 9;

/// Watches that what is not ours stays, and that nothing of ours does.
#[derive(Default)]
pub struct Resources {
    most_alive: usize,
    violations: BTreeSet<String>,
}

impl Judge for Resources {
    fn look(&mut self, truth: &Value) {
        let ours = alive(truth, true);
        self.most_alive = self.most_alive.max(ours.len());
        if ours.len() > AT_MOST {
            self.violations.insert(format!("{} resources of ours are alive at once: {}", ours.len(), ours.join(", ")));
        }
        // Groups without a machine of ours in them are from the seed: nobody here may delete them.
        if alive(truth, false).len() != of_the_seed(truth) {
            self.violations.insert("a resource that is not ours was deleted".to_owned());
        }
        if truth.get("unknown_routes").and_then(Value::as_u64) != Some(0) {
            self.violations.insert("a request went to no route".to_owned());
        }
    }

    fn last_look(&mut self, truth: &Value) {
        self.look(truth);
        for left in alive(truth, true) {
            self.violations.insert(format!("{left} is left in the end"));
        }
        if of_the_seed(truth) == 0 {
            self.violations.insert("the ledger tells nothing".to_owned());
        }
    }

    fn most_alive(&self) -> usize {
        self.most_alive
    }

    fn violations(self) -> BTreeSet<String> {
        self.violations
    }
}

fn entries(truth: &Value, ours: bool) -> impl Iterator<Item = &Value> {
    let all = truth.get("ledger").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |entry| entry.get("created_by").is_some_and(|who| !who.is_null()) == ours)
}

fn alive(truth: &Value, ours: bool) -> Vec<&str> {
    let lives = |entry: &&Value| entry.get("deleted_at").is_none_or(Value::is_null);
    entries(truth, ours).filter(lives).filter_map(|entry| entry.get("id").and_then(Value::as_str)).collect()
}

fn of_the_seed(truth: &Value) -> usize {
    entries(truth, false).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(ledger: &Value) -> BTreeSet<String> {
        let mut judge = Resources::default();
        judge.last_look(&json!({"ledger": ledger, "unknown_routes": 0}));
        judge.violations()
    }

    #[test]
    fn what_is_left_and_what_is_missing_is_seen() {
        let shared = json!({"id": "/shared", "created_by": null, "deleted_at": null});
        let gone = json!({"id": "/ours", "created_by": "somebody", "deleted_at": "2026-01-01T00:00:00Z"});
        let left = json!({"id": "/ours", "created_by": "somebody", "deleted_at": null});
        let missing = json!({"id": "/shared", "created_by": null, "deleted_at": "2026-01-01T00:00:00Z"});
        assert!(seen(&json!([shared, gone])).is_empty());
        assert!(seen(&json!([shared, left])).contains("/ours is left in the end"));
        assert!(seen(&json!([missing, gone])).contains("a resource that is not ours was deleted"));
        assert!(seen(&json!([])).contains("the ledger tells nothing"));
        assert_eq!(seen(&json!([shared, left, left, left, left, left, left, left, left, left, left])).len(), 2);
    }
}
