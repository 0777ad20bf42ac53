//! What must hold of secrets at every moment, by the emulator's own truth.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::work::Judge;

/// The application whose secret is rotated.
pub const APPLICATION: &str = "a0000000-0000-4000-8000-000000000002";

/// The connections that use its secret.
const CONSUMERS: [&str; 2] = ["c0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000011"];

/// The secret that was adopted, so that it is ours from the start.
pub const ADOPTED: &str = "b0000000-0000-4000-8000-000000000002";

/// What every marker begins with.
const MARKED: &str = "azconnect ";

/// How many secrets of ours may be alive: the old one, the new one, and one whose answer was lost.
const AT_MOST: usize = 3;

/// Watches that every consumer is served, and that only our own secrets come and go.
#[derive(Default)]
pub struct Secrets {
    most_alive: usize,
    violations: BTreeSet<String>,
    /// The secrets that are not ours, as the first look found them.
    foreign: Option<BTreeSet<String>>,
}

impl Judge for Secrets {
    fn look(&mut self, truth: &Value) {
        for id in CONSUMERS {
            let found = connection(truth, id);
            if found.and_then(|one| one.get("secret_usable_now")).and_then(Value::as_bool) != Some(true) {
                self.violations.insert(format!("connection {id} holds a secret that is refused"));
            }
        }
        let ours = ours(truth);
        self.most_alive = self.most_alive.max(ours.len());
        if ours.len() > AT_MOST {
            self.violations.insert(format!("{} secrets of ours are alive at once", ours.len()));
        }
        let foreign = foreign(truth);
        let first = self.foreign.get_or_insert_with(|| foreign.clone());
        if foreign != *first {
            self.violations.insert("a secret that is not ours was made or removed".to_owned());
        }
        if truth.get("unknown_routes").and_then(Value::as_u64) != Some(0) {
            self.violations.insert("a request went to no route".to_owned());
        }
    }

    /// One secret of ours is alive, and every consumer holds it.
    fn last_look(&mut self, truth: &Value) {
        self.look(truth);
        let ours = ours(truth);
        let [only] = &*ours else {
            self.violations.insert(format!("{} secrets of ours are left in the end", ours.len()));
            return;
        };
        for id in CONSUMERS {
            let held = connection(truth, id).and_then(|one| one.pointer("/holds/key_id")).and_then(Value::as_str);
            if held != Some(only.as_str()) {
                self.violations.insert(format!("connection {id} holds another secret in the end"));
            }
        }
    }

    fn most_alive(&self) -> usize {
        self.most_alive
    }

    fn violations(self) -> BTreeSet<String> {
        self.violations
    }
}

fn connection<'a>(truth: &'a Value, id: &str) -> Option<&'a Value> {
    let all = truth.get("connections")?.as_array()?;
    all.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(id))
}

/// The keys that are alive, with whether they are ours.
fn alive(truth: &Value) -> Vec<(String, bool)> {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut alive = Vec::new();
    for application in truth.get("applications").and_then(Value::as_array).into_iter().flatten() {
        let rotated = text(application, "client_id") == APPLICATION;
        for password in application.get("passwords").and_then(Value::as_array).into_iter().flatten() {
            if password.get("live").and_then(Value::as_bool) == Some(true) {
                let key = text(password, "key_id");
                let marked = text(password, "display_name").starts_with(MARKED) || key == ADOPTED;
                alive.push((key, rotated && marked));
            }
        }
    }
    alive
}

fn ours(truth: &Value) -> Vec<String> {
    alive(truth).into_iter().filter_map(|(key, ours)| ours.then_some(key)).collect()
}

fn foreign(truth: &Value) -> BTreeSet<String> {
    alive(truth).into_iter().filter_map(|(key, ours)| (!ours).then_some(key)).collect()
}
