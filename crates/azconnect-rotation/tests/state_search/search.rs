//! All states, breadth first.

use std::collections::{HashMap, HashSet, VecDeque};

use azconnect_rotation::{Action, decide};

use crate::choices::Choices;
use crate::node::Node;
use crate::people::RESOLUTIONS;
use crate::truth::spend;

/// More steps than any way to an end takes when nothing goes wrong.
const LONGEST_WAY: usize = 250;

/// What was found.
#[derive(Default)]
pub struct Search {
    seen: HashMap<u128, usize>,
    /// How each state was reached: from which one, and by what.
    ways: Vec<(usize, String)>,
    /// States from which an end is reached when nothing goes wrong any more.
    ends: HashSet<u128>,
    pub broken: Vec<(String, Vec<String>)>,
    pub finals: usize,
    pub blocked: usize,
}

impl Search {
    /// Searches everything that can be reached, or so many states.
    pub fn all(start: Node, limit: usize) -> Self {
        let mut search = Self::default();
        let mut open = VecDeque::new();
        search.reach(start, 0, "begin", &mut open);
        while let Some((number, node)) = open.pop_front() {
            if search.seen.len() > limit {
                search.broken.push((format!("no end of states: more than {limit}"), search.story(number)));
                break;
            }
            search.expand(number, &node, &mut open);
            // One shortest story for each kind of fault is what a person wants to read.
            if search.broken.len() >= 12 {
                break;
            }
        }
        search
    }

    pub fn states(&self) -> usize {
        self.seen.len()
    }

    fn expand(&mut self, number: usize, node: &Node, open: &mut VecDeque<(usize, Node)>) {
        if node.state.is_at_rest() {
            self.finals += 1;
            return;
        }
        self.look_ahead(number, node);
        for (word, happened) in node.happenings() {
            self.reach(happened, number, word, open);
        }
        let blocked = node.state.rotation.as_ref().is_some_and(|rotation| rotation.blocked().is_some());
        if blocked {
            self.blocked += 1;
            if node.truth.operators > 0 {
                for resolution in RESOLUTIONS {
                    if let Some(mut resolved) = node.resolved(resolution) {
                        spend(&mut resolved.truth.operators);
                        self.reach(resolved, number, resolution, open);
                    }
                }
            }
            // That it goes on by itself after an hour or a day is the same as a person's call, without its end.
            return;
        }
        let action = decide(&node.state, node.now());
        let mut choices = Choices::default();
        loop {
            let mut next = node.clone();
            let died = next.perform(action.clone(), &mut choices).is_err();
            if died {
                next.resume();
            }
            let word = format!("{} {}{}", name(&action), choices.words.join(" "), if died { " dies" } else { "" });
            self.reach(next, number, &word, open);
            if !choices.next() {
                break;
            }
        }
    }

    fn reach(&mut self, mut node: Node, from: usize, by: &str, open: &mut VecDeque<(usize, Node)>) {
        let number = self.ways.len();
        if node.state.is_at_rest() {
            judge_the_end(&mut node);
        }
        if let Some(broken) = node.truth.broken.take() {
            let mut story = self.story(from);
            story.push(by.to_owned());
            if !self.broken.iter().any(|(known, _)| digits(known) == digits(&broken)) {
                self.broken.push((broken, story));
            }
            return;
        }
        if let std::collections::hash_map::Entry::Vacant(new) = self.seen.entry(node.fingerprint()) {
            new.insert(number);
            self.ways.push((from, by.to_owned()));
            open.push_back((number, node));
        }
    }

    fn story(&self, mut number: usize) -> Vec<String> {
        let mut story = Vec::new();
        while number != 0 {
            let (from, by) = &self.ways[number];
            story.push(by.clone());
            number = *from;
        }
        story.reverse();
        story
    }

    /// From everywhere an end is reached when nothing goes wrong any more: by itself, or by what a person says.
    fn look_ahead(&mut self, number: usize, node: &Node) {
        let mut calm = node.clone();
        (calm.truth.luck, calm.truth.crashes, calm.truth.people, calm.truth.operators) = (0, 0, 0, 0);
        let mut way = Vec::new();
        if let Err(stuck) = self.go_on_calmly(calm, 3, &mut way) {
            let mut story = self.story(number);
            story.extend(way);
            if !self.broken.iter().any(|(known, _)| *known == stuck) {
                self.broken.push((stuck, story));
            }
        }
    }

    fn go_on_calmly(&mut self, mut node: Node, persons: usize, way: &mut Vec<String>) -> Result<(), String> {
        let mut passed = Vec::new();
        for _ in 0..LONGEST_WAY {
            let print = node.fingerprint();
            if node.state.is_at_rest() || self.ends.contains(&print) {
                judge_the_end(&mut node);
                if let Some(broken) = node.truth.broken {
                    return Err(format!("calmly: {broken}"));
                }
                self.ends.extend(passed);
                return Ok(());
            }
            passed.push(print);
            if node.state.rotation.as_ref().is_some_and(|rotation| rotation.blocked().is_some()) {
                self.ask_a_person(&node, persons, way)?;
                self.ends.extend(passed);
                return Ok(());
            }
            let action = decide(&node.state, node.now());
            way.push(name(&action));
            if action == Action::Rest {
                return Err("I12: a dead end: nothing to do, and no end".into());
            }
            let died = node.perform(action, &mut Choices::default());
            assert!(died.is_ok(), "nobody dies");
            if let Some(broken) = &node.truth.broken {
                return Err(format!("calmly: {broken}"));
            }
        }
        Err("I12: no end although nothing goes wrong".into())
    }

    /// Each thing that a person can say must keep the rules, and one of them must end it; abandoning always does.
    fn ask_a_person(&mut self, node: &Node, persons: usize, way: &mut Vec<String>) -> Result<(), String> {
        if persons == 0 {
            return Err("I12: blocked again and again".into());
        }
        let mut end = Err("I12: blocked, and no call of a person ends it".to_owned());
        for resolution in RESOLUTIONS {
            let Some(resolved) = node.resolved(resolution) else { continue };
            let mut tried = way.clone();
            tried.push(resolution.to_owned());
            match self.go_on_calmly(resolved, persons - 1, &mut tried) {
                Ok(()) => end = Ok(()),
                Err(stuck) if stuck.starts_with("I12: blocked") && resolution != "abandon" => {}
                Err(stuck) => {
                    *way = tried;
                    return Err(stuck);
                }
            }
        }
        end
    }
}

fn judge_the_end(node: &mut Node) {
    if !node.state.is_at_rest() {
        return;
    }
    let rotated = node.state.last.as_ref().is_some_and(|last| last.rolled_back.is_none()) && !node.truth.abandoned;
    let known = node.known();
    node.truth.at_rest(rotated, &known);
}

fn digits(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

fn name(action: &Action) -> String {
    match action {
        Action::Record(event) => event.kind().to_owned(),
        Action::Wait { what, .. } => format!("wait for {what:?}"),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '{']).next().unwrap_or_default().to_lowercase()
        }
    }
}
