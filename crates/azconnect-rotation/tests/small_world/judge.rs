//! The truth about the small world, and what must never be seen in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use azconnect_core::{Clock, KeyId};
use azconnect_credential::SinkId;
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::Directory;
use time::OffsetDateTime;

/// How old a proof may be when an old secret is removed, and how long the calls after it take.
const FRESH: Duration = Duration::from_secs(300 + 60);

/// Which process made a call.
pub type Process = u32;

pub struct Judge {
    clock: VirtualClock,
    /// The secret that the consumers held when the story began.
    pub first: KeyId,
    foreign: KeyId,
    /// What the bound consumers are, and whether each is required.
    pub bound: BTreeMap<SinkId, bool>,
    pub grace: Duration,
    /// The processes for which the first secret is adopted, or was minted by us, so that it may be removed.
    may_remove_first: BTreeSet<Process>,
    /// Whether its removal was answered once: then it cannot be taken back.
    first_was_asked_for: bool,
    minted: Vec<KeyId>,
    by_hand: BTreeMap<KeyId, OffsetDateTime>,
    /// Since when each consumer holds what it holds, and whether a person put it there.
    held_since: BTreeMap<SinkId, (OffsetDateTime, bool)>,
    /// Consumers that a person left out: what becomes of them is that person's business.
    pub left_out: BTreeSet<SinkId>,
    /// Whether a person took the new secret as it is, or ended the rotation: then nobody need hold what was minted.
    pub settled_by_hand: bool,
    proofs: BTreeMap<(Process, KeyId, Proof), OffsetDateTime>,
    pub violations: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    Listed,
    Accepted,
    Held(SinkId),
}

impl Judge {
    pub fn new(clock: VirtualClock, first: KeyId, foreign: KeyId) -> Self {
        Self {
            clock,
            first,
            foreign,
            bound: BTreeMap::new(),
            grace: Duration::ZERO,
            may_remove_first: BTreeSet::new(),
            first_was_asked_for: false,
            minted: Vec::new(),
            by_hand: BTreeMap::new(),
            held_since: BTreeMap::new(),
            left_out: BTreeSet::new(),
            settled_by_hand: false,
            proofs: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    /// A process begins, which may remove the first secret or not.
    pub fn builds(&mut self, process: Process, may_remove_first: bool) {
        if may_remove_first {
            self.may_remove_first.insert(process);
        }
    }

    pub fn accuse(&mut self, what: String) {
        if !self.violations.contains(&what) {
            self.violations.push(what);
        }
    }

    /// The secret of ours that was minted last.
    pub fn newest(&self) -> Option<KeyId> {
        self.minted.last().copied()
    }

    pub fn was_deleted_by_hand(&self, key: KeyId) -> bool {
        self.by_hand.contains_key(&key)
    }

    pub fn deleted_by_hand(&mut self, key: KeyId) {
        self.by_hand.entry(key).or_insert(self.clock.now());
    }

    pub fn put_by_hand(&mut self, sink: &SinkId) {
        self.held_since.insert(sink.clone(), (self.clock.now(), true));
    }

    pub fn pushed(&mut self, sink: &SinkId) {
        self.held_since.insert(sink.clone(), (self.clock.now(), false));
    }

    pub fn proved(&mut self, process: Process, key: KeyId, proof: Proof) {
        self.proofs.insert((process, key, proof), self.clock.now());
    }

    /// A process is about to have a living key removed.
    pub fn retires(&mut self, process: Process, key: KeyId, directory: &Directory) {
        let may_go = self.may_remove_first.contains(&process) || self.first_was_asked_for;
        self.first_was_asked_for |= key == self.first;
        if key == self.foreign || (key == self.first && !may_go) {
            return self.accuse(format!("I4: {key} is removed, and is not ours"));
        }
        let bound: Vec<_> = self.bound.iter().map(|(sink, required)| (sink.clone(), *required)).collect();
        let counts = |sink: &SinkId| !self.left_out.contains(sink);
        let holders: Vec<_> = bound.iter().filter(|(sink, _)| directory.held_by(sink) == Some(key)).cloned().collect();
        let guarded = |required: bool| required || key != self.first;
        if let Some((sink, _)) = holders.iter().find(|(sink, required)| guarded(*required) && counts(sink)) {
            // A person who puts a secret back behind the last proof cannot be seen.
            if !self.acted_unseen(process, self.held_since.get(sink).filter(|held| held.1).map(|held| held.0)) {
                return self.accuse(format!("I11: {key} is removed while {sink} holds it"));
            }
        }
        if key == self.first {
            self.supersedes(process, directory, &bound);
        }
    }

    /// Whether a person did something that this process could not have noticed: it was after its proofs.
    fn acted_unseen(&self, process: Process, acted_at: Option<OffsetDateTime>) -> bool {
        let proofs = self.proofs.iter().filter(|((by, _, proof), _)| *by == process && *proof != Proof::Listed);
        let proved = proofs.map(|(_, at)| *at).max();
        acted_at.is_some_and(|acted| proved.is_none_or(|proved| acted >= proved))
    }

    /// The first secret goes: everybody must hold another one that is proved to work, by this process, now.
    fn supersedes(&mut self, process: Process, directory: &Directory, bound: &[(SinkId, bool)]) {
        let now = self.clock.now();
        let served: Vec<_> = bound
            .iter()
            .filter(|(sink, _)| !self.left_out.contains(sink))
            .filter_map(|(sink, required)| Some((sink, *required, directory.held_by(sink)?)))
            .filter(|(_, required, key)| *required || *key != self.first)
            .collect();
        let Some(new) = served.iter().map(|(_, _, key)| *key).find(|key| *key != self.first) else {
            let by_hand = self.held_since.values().filter(|held| held.1).map(|held| held.0).max();
            if self.settled_by_hand || self.acted_unseen(process, by_hand) {
                return;
            }
            return self.accuse("I1: the old secret is removed, and nobody holds another".into());
        };
        let mut faults = Vec::new();
        let alive = directory.secret_of(new).is_some_and(|secret| directory.accepts(&secret));
        if !alive && !self.acted_unseen(process, self.by_hand.get(&new).copied()) {
            faults.push(format!("I1: the old secret is removed, and the new one {new} is not accepted everywhere"));
        }
        let fresh = |proof: Proof| self.proofs.get(&(process, new, proof)).is_some_and(|at| now - *at <= FRESH);
        for (what, proof) in [("listed", Proof::Listed), ("accepted", Proof::Accepted)] {
            if !fresh(proof) {
                faults
                    .push(format!("I1: the old secret is removed, and this process did not see {new} {what} just now"));
            }
        }
        for (sink, required, _) in &served {
            let (since, by_hand) = self.held_since.get(sink).copied().unwrap_or((now, false));
            if *required && !fresh(Proof::Held((*sink).clone())) {
                faults.push(format!("I1: the old secret is removed, and this process has no proof of {sink} now"));
            }
            if *required && now - since < self.grace && !by_hand {
                faults.push(format!("I1: the old secret is removed, and {sink} got the new one only at {since}"));
            }
        }
        faults.into_iter().for_each(|fault| self.accuse(fault));
    }

    /// What must hold at any time. `before` are the keys that were alive before the call.
    pub fn look(&mut self, directory: &Directory) {
        let alive: BTreeSet<_> = directory.keys().iter().map(|issued| issued.key).collect();
        for issued in directory.keys() {
            let marked = issued.display_name.as_deref().is_some_and(|name| name.starts_with("azconnect "));
            if marked && !self.minted.contains(&issued.key) {
                self.minted.push(issued.key);
            }
        }
        if !alive.contains(&self.foreign) {
            self.accuse("I4: somebody else's secret is gone".into());
        }
        let ours = alive.iter().filter(|key| self.minted.contains(key) || **key == self.first).count();
        if ours > 3 {
            self.accuse(format!("I3: {ours} secrets of ours are alive"));
        }
        for sink in directory.failing_sinks() {
            let held = directory.held_by(&sink);
            let excused = held.is_none_or(|key| self.was_deleted_by_hand(key)) || self.left_out.contains(&sink);
            let is_optional = self.bound.get(&sink) == Some(&false) && held == Some(self.first);
            let put_back = self.held_since.get(&sink).is_some_and(|(_, by_hand)| *by_hand);
            if !excused && !is_optional && !put_back {
                self.accuse(format!("I11: {sink} holds a secret that is refused"));
            }
        }
    }

    /// What must hold when nothing is left to do. `process` is the one that said so.
    pub fn at_the_end(&mut self, process: Process, directory: &Directory, rotated: bool) {
        self.look(directory);
        let holds: Vec<_> = self.bound.keys().map(|sink| directory.held_by(sink)).collect();
        let alive: BTreeSet<_> = directory.keys().iter().map(|issued| issued.key).collect();
        for key in self.minted.clone() {
            if alive.contains(&key) && !holds.contains(&Some(key)) && !self.settled_by_hand {
                self.accuse(format!("I8: nothing is left to do, and {key}, which nobody holds, lives"));
            }
        }
        if !rotated {
            return;
        }
        let required: Vec<_> =
            self.bound.iter().filter(|(sink, required)| **required && !self.left_out.contains(*sink)).collect();
        for (sink, _) in required {
            let held = directory.held_by(sink);
            let put_back = self.held_since.get(sink).is_some_and(|(_, by_hand)| *by_hand);
            let unseen = held.is_some_and(|key| self.acted_unseen(process, self.by_hand.get(&key).copied()));
            if held.is_none_or(|key| key == self.first || !alive.contains(&key)) && !put_back && !unseen {
                let sink = sink.clone();
                return self.accuse(format!("I1: rotated, and {sink} has no living new secret"));
            }
        }
        if alive.contains(&self.first) && self.may_remove_first.contains(&process) {
            self.accuse("I8: rotated, and the old secret lives".into());
        }
    }
}
