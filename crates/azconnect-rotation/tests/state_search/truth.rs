//! What is really so, and what must never be seen in it.

use std::collections::{BTreeMap, BTreeSet};

/// How long a list may hide a key that it has never shown, or show one that is gone, in seconds.
pub const LAG: i64 = 100;

/// How old a proof may be when the old secret goes.
const FRESH: i64 = 300;

/// The secret that the consumers hold at first.
pub const OLD: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub marker: u32,
    pub alive: bool,
    /// Whether a list has shown it, so that every list does.
    pub shown: bool,
    /// Since when it is as it is.
    pub since: i64,
    pub by_hand: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    pub now: i64,
    pub keys: BTreeMap<u32, Key>,
    /// What each consumer holds, and since when.
    pub held: Vec<(u32, i64)>,
    pub required: Vec<bool>,
    /// Consumers that are bound. One that is not yet, may join.
    pub bound: Vec<bool>,
    pub left_out: BTreeSet<usize>,
    /// When a person last put a secret into a consumer.
    pub put_back: Option<i64>,
    /// Whether the old secret was minted by us, so that its text is sealed.
    pub old_is_sealed: bool,
    pub adopted: bool,
    pub waived: bool,
    /// When the process that works now saw everything proved, which consumers had the new secret then.
    pub proved_at: Option<i64>,
    /// What `proved_at` was when the machine said that it had rotated. It outlives the process that said so.
    pub vouched_at: Option<i64>,
    /// Markers under which a text is sealed.
    pub sealed: BTreeSet<u32>,
    pub next: u32,
    /// How much may still go wrong.
    pub luck: u32,
    pub crashes: u32,
    pub people: u32,
    pub operators: u32,
    pub abandoned: bool,
    pub broken: Option<String>,
}

impl std::hash::Hash for Truth {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let age = |at: i64| (self.now - at).min(1000);
        for (number, key) in &self.keys {
            (number, key.marker, key.alive, key.shown, age(key.since), key.by_hand).hash(state);
        }
        for (key, since) in &self.held {
            (key, age(*since)).hash(state);
        }
        (&self.bound, &self.left_out, self.adopted, self.waived, self.proved_at.map(age)).hash(state);
        (self.put_back.map(age), self.vouched_at.map(age)).hash(state);
        (&self.sealed, self.next, self.luck, self.crashes, self.people, self.operators, self.abandoned).hash(state);
    }
}

/// No bound.
pub const ANY: u32 = u32::MAX;

/// Takes one from what is left, where that is bounded.
pub fn spend(left: &mut u32) {
    if *left != ANY {
        *left -= 1;
    }
}

impl Truth {
    pub fn accuse(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.broken.get_or_insert(what);
    }

    pub fn is_alive(&self, key: u32) -> bool {
        self.keys.get(&key).is_some_and(|known| known.alive)
    }

    pub fn mint(&mut self, marker: u32) -> u32 {
        let number = self.next;
        self.next += 1;
        self.keys.insert(number, Key { marker, alive: true, shown: false, since: self.now, by_hand: false });
        let ours = self.keys.values().filter(|key| key.alive).count();
        if ours > 3 {
            self.accuse(format!("I3: {ours} secrets are alive"));
        }
        number
    }

    /// The orchestrator has a key removed.
    pub fn retire(&mut self, key: u32, grace: i64) {
        if !self.is_alive(key) {
            return;
        }
        if key == OLD && !self.old_is_sealed && !self.adopted {
            self.accuse("I4: a key that is not adopted is removed");
        }
        let counts = |sink: usize| self.bound[sink] && !self.left_out.contains(&sink);
        let holders: Vec<_> = (0..self.held.len()).filter(|sink| counts(*sink) && self.held[*sink].0 == key).collect();
        // What a person does behind the last proof cannot be seen.
        let unseen = self.put_back.zip(self.proved_at).is_some_and(|(put, proved)| put >= proved);
        if let Some(sink) = holders.iter().find(|sink| self.required[**sink] || key != OLD).filter(|_| !unseen) {
            let text = format!("I11: key {key} is removed while consumer {sink} holds it");
            self.accuse(text);
        }
        if key == OLD {
            self.supersede(grace, unseen);
        }
        if let Some(known) = self.keys.get_mut(&key) {
            (known.alive, known.since) = (false, self.now);
        }
    }

    fn supersede(&mut self, grace: i64, unseen: bool) {
        let served: Vec<_> =
            (0..self.held.len()).filter(|sink| self.bound[*sink] && self.held[*sink].0 != OLD).collect();
        if served.is_empty() && !self.waived && !unseen {
            return self.accuse("I1: the old secret is removed, and nobody holds another");
        }
        if self.proved_at.is_none_or(|at| self.now - at > FRESH) {
            self.accuse("I1: the old secret is removed, and this process has no fresh proof");
        }
        let must: Vec<_> =
            served.into_iter().filter(|sink| self.required[*sink] && !self.left_out.contains(sink)).collect();
        for sink in must {
            let (key, since) = self.held[sink];
            // A person may act after the last proof.
            let unseen = self.keys[&key].by_hand && self.proved_at.is_some_and(|at| self.keys[&key].since >= at);
            if !self.is_alive(key) && !unseen {
                self.accuse(format!("I1: the old secret is removed, and that of consumer {sink} is dead"));
            }
            if self.now - since < grace {
                self.accuse(format!(
                    "I1: the old secret is removed {} s after consumer {sink} left it",
                    self.now - since
                ));
            }
        }
    }

    pub fn push(&mut self, sink: usize, key: u32) {
        if self.held[sink].0 == key {
            return;
        }
        self.held[sink] = (key, self.now);
        let known = &self.keys[&key];
        if !known.alive && !known.by_hand {
            self.accuse(format!("I11: consumer {sink} is given the dead key {key}"));
        }
    }

    /// Whether a list may or must show a key: what it may say.
    pub fn listings(&self, key: u32) -> Vec<bool> {
        let Some(known) = self.keys.get(&key) else { return vec![false] };
        let late = self.now - known.since >= LAG;
        match (known.alive, known.shown) {
            (true, true) => vec![true],
            (true, false) if late => vec![true],
            (true, false) => vec![true, false],
            // Gone: lists that have shown it may go on for a while.
            (false, true) if !late => vec![false, true],
            (false, _) => vec![false],
        }
    }

    pub fn shows(&mut self, key: u32) {
        if let Some(known) = self.keys.get_mut(&key) {
            known.shown = true;
        }
    }

    /// What must hold when nothing is left to do.
    pub fn at_rest(&mut self, rotated: bool, known: &BTreeSet<u32>) {
        for (number, key) in self.keys.clone() {
            if key.alive && number != OLD && !known.contains(&number) {
                self.accuse(format!("I8: nothing is left to do, and nobody knows of key {number}, which lives"));
            }
        }
        if !rotated {
            return;
        }
        if self.is_alive(OLD) && (self.adopted || self.old_is_sealed) {
            self.accuse("I8: rotated, and the old secret lives");
        }
        for sink in 0..self.held.len() {
            let (key, _) = self.held[sink];
            // A person may act after the last proof.
            let unseen = self.keys[&key].by_hand && self.vouched_at.is_some_and(|at| self.keys[&key].since >= at);
            let counts = self.bound[sink] && self.required[sink] && !self.left_out.contains(&sink);
            if counts && !self.is_alive(key) && !unseen {
                self.accuse(format!("I1: rotated, and consumer {sink} holds the dead key {key}"));
            }
        }
    }
}
