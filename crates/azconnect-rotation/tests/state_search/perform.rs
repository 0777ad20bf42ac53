//! Performs an action as the driver does, in a world that may answer anything.

use azconnect_credential::SinkId;
use azconnect_rotation::{Action, RotationEvent};
use serde_json::{Value, json};

use crate::choices::Choices;
use crate::node::{Node, key, key_number, marker, marker_number, policy, sink, sink_number};
use crate::truth::{OLD, spend};

/// How a call that changes something turns out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Done,
    Refused,
    Throttled,
    Dropped,
    AnswerLost,
    CrashBefore,
    CrashAfter,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Truth,
    Unread,
    Lie,
}

/// The process died.
pub struct Died;

pub fn outage(effect: &str) -> Value {
    problem("unavailable", effect, true)
}

fn problem(kind: &str, effect: &str, may_pass: bool) -> Value {
    json!({"diagnosis": {"kind": kind, "message": kind, "effect": effect, "retry": if may_pass { "backoff" } else { "no" }}, "may_pass": may_pass})
}

fn refused() -> Value {
    problem("permission_denied", "none", false)
}

fn rejected() -> Value {
    problem("unauthenticated", "none", true)
}

fn throttled() -> Value {
    problem("throttled", "none", true)
}

fn effect(node: &mut Node, choices: &mut Choices) -> Effect {
    let mut all = vec![Effect::Done];
    if node.truth.luck > 0 {
        all.extend([Effect::Refused, Effect::Throttled, Effect::Dropped, Effect::AnswerLost]);
    }
    if node.truth.crashes > 0 {
        all.extend([Effect::CrashBefore, Effect::CrashAfter]);
    }
    let chosen = choices.of(&all);
    match chosen {
        Effect::Done => {}
        Effect::CrashBefore | Effect::CrashAfter => spend(&mut node.truth.crashes),
        _ => spend(&mut node.truth.luck),
    }
    chosen
}

fn answer(node: &mut Node, choices: &mut Choices, may_lie: bool) -> Answer {
    let mut all = vec![Answer::Truth];
    if node.truth.luck > 0 {
        all.push(Answer::Unread);
        if may_lie {
            all.push(Answer::Lie);
        }
    }
    let chosen = choices.of(&all);
    if chosen != Answer::Truth {
        spend(&mut node.truth.luck);
    }
    chosen
}

/// Whether a list shows a key.
fn lists(node: &mut Node, choices: &mut Choices, number: u32) -> bool {
    let shown = choices.of(&node.truth.listings(number));
    if shown {
        node.truth.shows(number);
    }
    shown
}

impl Node {
    pub fn perform(&mut self, action: Action, choices: &mut Choices) -> Result<(), Died> {
        match action {
            Action::Rest => {}
            Action::Wait { until, .. } => self.wait_until(until),
            Action::Record(event) => {
                if let RotationEvent::MarkerDropped { marker } = &*event {
                    self.truth.sealed.remove(&marker_number(marker));
                }
                self.record(&event);
            }
            Action::Mint => self.mint(choices)?,
            Action::Search { marker } => self.search(marker_number(&marker), choices),
            Action::Prove => self.prove(choices),
            Action::Push { sinks } => self.push(&sinks, choices)?,
            Action::Verify { sinks } => self.verify(&sinks, choices),
            Action::Gate => self.gate(choices),
            Action::Remove { key } => self.remove(key_number(key), choices)?,
            Action::CheckRemoved { key } => self.check_removed(key_number(key), choices),
            Action::Forget { key, sealed } => {
                let number = sealed.as_str().rsplit('/').next().unwrap().parse().unwrap();
                self.truth.sealed.remove(&number);
                self.record(&RotationEvent::Forgotten { key });
            }
            Action::ProveOld { .. } => self.prove_old(choices),
            Action::Restore { sinks, .. } => self.restore(&sinks, choices)?,
            Action::GateBack { .. } => self.gate_back(choices),
            other => panic!("an unknown action {other:?}"),
        }
        Ok(())
    }

    fn mint(&mut self, choices: &mut Choices) -> Result<(), Died> {
        let number = self.truth.next;
        let marked = marker(number);
        self.write(json!({"event": "mint_intended", "marker": marked}));
        match effect(self, choices) {
            Effect::Done => {
                let minted = self.truth.mint(number);
                self.minted(minted, number, false);
            }
            Effect::Refused => self.write(json!({"event": "mint_refused", "marker": marked, "problem": refused()})),
            Effect::Throttled => self.write(json!({"event": "mint_refused", "marker": marked, "problem": throttled()})),
            lost @ (Effect::Dropped | Effect::AnswerLost) => {
                if lost == Effect::AnswerLost {
                    self.truth.mint(number);
                } else {
                    self.truth.next += 1;
                }
                self.write(json!({"event": "mint_unanswered", "marker": marked, "problem": outage("unknown")}));
            }
            Effect::CrashBefore => {
                self.truth.next += 1;
                return Err(Died);
            }
            Effect::CrashAfter => {
                self.truth.mint(number);
                if choices.of(&["unsealed", "sealed"]) == "sealed" {
                    self.truth.sealed.insert(number);
                }
                return Err(Died);
            }
        }
        Ok(())
    }

    fn search(&mut self, number: u32, choices: &mut Choices) {
        let marked = marker(number);
        if answer(self, choices, false) == Answer::Unread {
            return self.write(json!({"event": "marker_unread", "marker": marked, "problem": outage("none")}));
        }
        let carrying = self.truth.keys.iter().find(|(_, key)| key.marker == number).map(|(key, _)| *key);
        let Some(found) = carrying.filter(|found| lists(self, choices, *found)) else {
            return self.write(json!({"event": "marker_absent", "marker": marked}));
        };
        let asked = self.state.rotation.as_ref().is_some_and(|rotation| {
            matches!(&rotation.mint, azconnect_rotation::state::Mint::Asked { marker, .. } if *marker == marked)
        });
        if asked && self.truth.sealed.contains(&number) {
            return self.minted(found, number, true);
        }
        self.truth.sealed.remove(&number);
        if !self.state.removals.contains_key(&key(found)) {
            self.write(json!({"event": "removal_intended", "key": key(found), "cause": "lost", "marker": marked, "holder": "application"}));
        }
    }

    fn prove(&mut self, choices: &mut Choices) {
        let Some(new) = self.new_key() else { return };
        match answer(self, choices, true) {
            Answer::Truth if self.truth.is_alive(new) => self.write(json!({"event": "proven", "evidence": "e"})),
            Answer::Unread => self.write(json!({"event": "proof_deferred", "problem": outage("none")})),
            _ => self.write(json!({"event": "proof_deferred", "problem": rejected()})),
        }
    }

    fn push(&mut self, sinks: &[SinkId], choices: &mut Choices) -> Result<(), Died> {
        let Some(new) = self.new_key() else { return Ok(()) };
        self.write(json!({"event": "push_intended", "sinks": sinks}));
        for sink in sinks {
            let number = sink_number(sink);
            let problem = match effect(self, choices) {
                Effect::Done => {
                    self.truth.push(number, new);
                    self.write(json!({"event": "pushed", "sink": sink, "evidence": "e"}));
                    continue;
                }
                Effect::Refused => refused(),
                Effect::Throttled => throttled(),
                Effect::Dropped => outage("unknown"),
                Effect::AnswerLost => {
                    self.truth.push(number, new);
                    outage("unknown")
                }
                Effect::CrashBefore => return Err(Died),
                Effect::CrashAfter => {
                    self.truth.push(number, new);
                    return Err(Died);
                }
            };
            self.write(json!({"event": "push_failed", "sink": sink, "problem": problem}));
        }
        Ok(())
    }

    fn verify(&mut self, sinks: &[SinkId], choices: &mut Choices) {
        let Some(new) = self.new_key() else { return };
        for sink in sinks {
            match self.asked(sink_number(sink), new, choices) {
                Verdict::Accepted => self.write(json!({"event": "sink_verified", "sink": sink, "evidence": "e"})),
                verdict => {
                    let rejected = verdict == Verdict::Rejected;
                    self.write(json!({"event": "sink_unverified", "sink": sink, "rejected": rejected, "problem": verdict.problem()}));
                }
            }
        }
    }

    /// What a consumer says of a secret that it should hold.
    fn asked(&mut self, sink: usize, expected: u32, choices: &mut Choices) -> Verdict {
        match answer(self, choices, true) {
            Answer::Unread => Verdict::Inconclusive,
            Answer::Truth if self.truth.held[sink].0 == expected && self.truth.is_alive(expected) => Verdict::Accepted,
            _ => Verdict::Rejected,
        }
    }

    fn gate(&mut self, choices: &mut Choices) {
        let Some(new) = self.new_key() else { return };
        let listed = answer(self, choices, false) == Answer::Truth;
        let shown = listed && lists(self, choices, new);
        let accepted = answer(self, choices, true) == Answer::Truth && self.truth.is_alive(new);
        let sinks = self.sinks(|sink| {
            (sink.terms.required || (sink.receipt.is_some() && sink.proof.is_some()))
                && !sink.given_up
                && !sink.left_out
        });
        let verdicts: Vec<_> = sinks.iter().map(|sink| (*sink, self.asked(*sink, new, choices))).collect();
        if let Some((number, _)) = verdicts.iter().find(|(_, verdict)| *verdict == Verdict::Rejected) {
            return self.write(json!({"event": "sink_disproved", "sink": sink(*number), "problem": rejected()}));
        }
        let unproven = verdicts.iter().any(|(_, verdict)| *verdict != Verdict::Accepted);
        let problem = match (listed, shown, accepted, unproven) {
            (false, ..) | (.., true) => outage("none"),
            (_, false, ..) => problem("conflict", "none", true),
            (.., false, _) => rejected(),
            _ => {
                self.truth.proved_at = Some(self.truth.now);
                return self.write(json!({"event": "cleared", "evidence": "e"}));
            }
        };
        self.write(json!({"event": "gate_held", "problem": problem}));
    }

    fn gate_back(&mut self, choices: &mut Choices) {
        let accepted = answer(self, choices, true) == Answer::Truth && self.truth.is_alive(OLD);
        let sinks = self.sinks(|sink| (sink.touched || sink.in_flight) && !sink.left_out);
        let verdicts: Vec<_> = sinks.iter().map(|sink| (*sink, self.asked(*sink, OLD, choices))).collect();
        if let Some((number, _)) = verdicts.iter().find(|(_, verdict)| *verdict == Verdict::Rejected) {
            return self.write(json!({"event": "restore_undone", "sink": sink(*number), "problem": rejected()}));
        }
        if verdicts.iter().any(|(_, verdict)| *verdict != Verdict::Accepted) {
            return self.write(json!({"event": "back_held", "problem": outage("none")}));
        }
        match accepted {
            true => self.write(json!({"event": "back_cleared", "evidence": "e"})),
            false => self.write(json!({"event": "back_held", "problem": rejected()})),
        }
    }

    fn remove(&mut self, number: u32, choices: &mut Choices) -> Result<(), Died> {
        let grace = i64::try_from(policy().grace.as_secs()).unwrap();
        let chosen = effect(self, choices);
        let mut accepted = false;
        if matches!(chosen, Effect::Done | Effect::AnswerLost | Effect::CrashAfter) {
            // As in Graph, a replica that has not heard of a key answers as if there were none.
            accepted = lists(self, choices, number);
            if accepted {
                self.truth.retire(number, grace);
            }
        }
        let problem = match chosen {
            Effect::Done => {
                let answer = if accepted { "accepted" } else { "not_listed" };
                self.write(json!({"event": "removal_answered", "key": key(number), "answer": answer}));
                return Ok(());
            }
            Effect::CrashBefore | Effect::CrashAfter => return Err(Died),
            Effect::Refused => refused(),
            Effect::Throttled => throttled(),
            Effect::Dropped | Effect::AnswerLost => outage("unknown"),
        };
        self.write(json!({"event": "removal_failed", "key": key(number), "problem": problem}));
        Ok(())
    }

    fn check_removed(&mut self, number: u32, choices: &mut Choices) {
        if answer(self, choices, false) == Answer::Unread {
            return self.write(json!({"event": "removal_failed", "key": key(number), "problem": outage("none")}));
        }
        let listed = lists(self, choices, number);
        self.write(json!({"event": "key_read", "key": key(number), "listed": listed}));
    }

    fn prove_old(&mut self, choices: &mut Choices) {
        match answer(self, choices, true) {
            Answer::Unread => self.write(json!({"event": "old_unproven", "problem": outage("none")})),
            Answer::Truth if self.truth.is_alive(OLD) => self.write(json!({"event": "old_proven", "evidence": "e"})),
            _ => self.write(json!({"event": "blocked", "problem": rejected()})),
        }
    }

    fn restore(&mut self, sinks: &[SinkId], choices: &mut Choices) -> Result<(), Died> {
        for sink in sinks {
            let number = sink_number(sink);
            let problem = match effect(self, choices) {
                Effect::Done => {
                    self.truth.push(number, OLD);
                    match self.asked(number, OLD, choices) {
                        Verdict::Accepted => {
                            self.write(json!({"event": "restored", "sink": sink, "evidence": "e", "receipt": "r"}));
                            continue;
                        }
                        verdict => verdict.problem(),
                    }
                }
                Effect::Refused => refused(),
                Effect::Throttled => throttled(),
                Effect::Dropped => outage("unknown"),
                Effect::AnswerLost => {
                    self.truth.push(number, OLD);
                    outage("unknown")
                }
                Effect::CrashBefore => return Err(Died),
                Effect::CrashAfter => {
                    self.truth.push(number, OLD);
                    return Err(Died);
                }
            };
            self.write(json!({"event": "restore_failed", "sink": sink, "problem": problem}));
        }
        Ok(())
    }

    fn sinks(&self, wanted: impl Fn(&azconnect_rotation::state::SinkProgress) -> bool) -> Vec<usize> {
        let rotation = self.state.rotation.as_ref().unwrap();
        rotation.sinks.iter().filter(|sink| wanted(sink)).map(|sink| sink_number(&sink.terms.sink)).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Rejected,
    Inconclusive,
}

impl Verdict {
    fn problem(self) -> Value {
        match self {
            Self::Inconclusive => outage("none"),
            _ => rejected(),
        }
    }
}
