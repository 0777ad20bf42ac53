//! What happens beside the machine: processes end, time passes, people act.

use azconnect_rotation::RotationEvent;
use azconnect_rotation::state::{Course, SinkProgress};
use serde_json::json;

use crate::node::{Node, key, sink, sink_number, terms};
use crate::truth::{OLD, spend};

/// Time in which nobody runs the rotation: longer than every span but the life of a secret.
const AWAY: i64 = 3 * 86_400;

/// Something that happens to a node, in a word.
pub type Happening = (&'static str, Node);

/// What a person can say of a rotation.
pub const RESOLUTIONS: [&str; 5] = ["retry", "take as is", "abandon", "leave out a", "leave out b"];

impl Node {
    /// The process ends, and the next one takes over.
    pub fn resume(&mut self) {
        self.truth.proved_at = None;
        if !self.state.is_at_rest() {
            self.record(&RotationEvent::Resumed);
        }
    }

    /// Everything that may happen now beside what the machine does.
    pub fn happenings(&self) -> Vec<Happening> {
        let mut all = Vec::new();
        if self.truth.crashes > 0 {
            let mut crashed = self.clone();
            spend(&mut crashed.truth.crashes);
            crashed.resume();
            let mut away = crashed.clone();
            away.truth.now += AWAY;
            // Suspended, and woken before anybody else took over: it believes that nothing has changed.
            let mut asleep = self.clone();
            spend(&mut asleep.truth.crashes);
            asleep.truth.now += AWAY;
            all.extend([("crash", crashed), ("away", away), ("asleep", asleep)]);
        }
        if self.truth.people > 0 {
            let mut person = self.clone();
            spend(&mut person.truth.people);
            all.extend(person.deletions());
            all.extend(person.edits());
        }
        all
    }

    fn deletions(&self) -> Vec<Happening> {
        let newest =
            self.truth.keys.iter().rev().find(|(number, key)| **number != OLD && key.alive).map(|(key, _)| *key);
        let delete = |word, number| {
            let mut node = self.clone();
            let now = node.truth.now;
            let key = node.truth.keys.get_mut(&number)?;
            (key.alive, key.by_hand, key.since) = (false, true, now);
            Some((word, node))
        };
        let old = self.truth.is_alive(OLD).then(|| delete("old deleted", OLD)).flatten();
        old.into_iter().chain(newest.and_then(|number| delete("new deleted", number))).collect()
    }

    fn edits(&self) -> Vec<Happening> {
        let mut all = Vec::new();
        if self.truth.held[0].0 != OLD && self.truth.is_alive(OLD) {
            let mut node = self.clone();
            node.truth.held[0] = (OLD, self.truth.now);
            node.truth.put_back = Some(self.truth.now);
            all.push(("old put back", node));
        }
        let Some(rotation) = &self.state.rotation else { return all };
        if let Some(number) = self.truth.bound.iter().position(|bound| !bound)
            && rotation.course == Course::Forward
        {
            let mut node = self.clone();
            node.truth.bound[number] = true;
            node.resume();
            node.write(json!({"event": "sink_joined", "terms": terms(number, self.truth.required[number])}));
            all.push(("joins", node));
        }
        let sent = self.state.removals.get(&key(OLD)).is_some_and(|removal| removal.sent);
        if self.truth.adopted && rotation.retire.contains(&key(OLD)) && !sent && self.truth.is_alive(OLD) {
            let mut node = self.clone();
            node.truth.adopted = false;
            node.resume();
            if node.state.ledger.contains_key(&key(OLD)) {
                node.write(json!({"event": "unadopted", "key": key(OLD)}));
            }
            all.push(("un-adopted", node));
        }
        all
    }

    /// What a person says, as the driver records it; none where it would be refused.
    pub fn resolved(&self, resolution: &str) -> Option<Self> {
        let mut node = self.clone();
        node.truth.proved_at = None;
        let rotation = self.state.rotation.as_ref()?;
        node.record(&RotationEvent::Resumed);
        match resolution {
            "retry" => node.record(&RotationEvent::Unblocked),
            "take as is" => {
                let new = self.new_key()?;
                if self.state.removals.contains_key(&key(new)) {
                    return None;
                }
                let unproven = |sink: &&SinkProgress| {
                    !(sink.given_up || sink.left_out || (sink.receipt.is_some() && sink.proof.is_some()))
                };
                let sinks: Vec<_> =
                    rotation.sinks.iter().filter(unproven).map(|sink| sink.terms.sink.clone()).collect();
                node.truth.left_out.extend(sinks.iter().map(sink_number));
                node.truth.waived = true;
                node.write(json!({"event": "taken_as_is", "sinks": sinks}));
            }
            "abandon" => {
                node.truth.abandoned = true;
                let touched = rotation.sinks.iter().any(|sink| sink.touched || sink.in_flight);
                if let Some(new) = self.new_key().filter(|_| !touched)
                    && self.state.ledger.contains_key(&key(new))
                    && !self.state.removals.contains_key(&key(new))
                {
                    node.write(json!({"event": "removal_intended", "key": key(new), "cause": "rolled_back"}));
                }
                node.write(json!({"event": "abandoned"}));
            }
            leave_out => {
                let number = usize::from(leave_out.ends_with('b'));
                if !rotation.sinks.iter().any(|known| known.terms.sink == sink(number)) {
                    return None;
                }
                node.truth.left_out.insert(number);
                node.write(json!({"event": "sink_left_out", "sink": sink(number)}));
                if rotation.blocked().is_some() {
                    node.record(&RotationEvent::Unblocked);
                }
            }
        }
        Some(node)
    }
}
