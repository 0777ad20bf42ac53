//! What came of a storm, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use azconnect_examples::page::hanging;
use azconnect_examples::table::table;

/// What came of one lane, or of all.
#[derive(Default)]
pub struct Tally {
    /// How many processes were killed.
    pub kills: u64,
    /// How often, after which step.
    pub killed_after: BTreeMap<String, u64>,
    /// How many processes ended before they were killed.
    pub ended: u64,
    /// How many of them failed: they stopped with an error, and the next one went on.
    pub failed: u64,
    /// What the journals hold: how many events of each kind.
    pub events: BTreeMap<String, u64>,
    /// How often the truth was looked at.
    pub looks: u64,
    /// The most that was alive at once of what the program makes.
    pub most_alive: usize,
    /// What must not be, and was seen.
    pub violations: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.kills += other.kills;
        for (step, count) in other.killed_after {
            *self.killed_after.entry(step).or_default() += count;
        }
        self.ended += other.ended;
        self.failed += other.failed;
        for (kind, count) in other.events {
            *self.events.entry(kind.to_owned()).or_default() += count;
        }
        self.looks += other.looks;
        self.most_alive = self.most_alive.max(other.most_alive);
        self.violations.extend(other.violations);
    }

    /// Counts an event of a journal.
    pub fn count(&mut self, kind: &str) {
        *self.events.entry(kind.to_owned()).or_default() += 1;
    }

    /// How many events of a kind the journals hold.
    pub fn of(&self, kind: &str) -> u64 {
        self.events.get(kind).copied().unwrap_or_default()
    }

    /// The figures, for a person.
    pub fn shown(&self, figures: Vec<(&'static str, String)>, took: Duration) -> String {
        let steps: Vec<_> =
            self.killed_after.iter().map(|(step, count)| vec![step.clone(), count.to_string()]).collect();
        let mut text = format!("\n{}", table(&["killed after", "times"], &steps));
        let kills = format!("{}; {} processes ended before, {} with an error", self.kills, self.ended, self.failed);
        let last = [
            ("truth", format!("looked at {} times", self.looks)),
            ("violations", self.violations.len().to_string()),
            ("duration", format!("{} s", took.as_secs())),
        ];
        let lines = [("kills", kills)].into_iter().chain(figures).chain(last);
        for (name, said) in lines {
            text.push_str(&format!("\n{}", hanging(&format!("{name:<12}"), &said)));
        }
        for violation in &self.violations {
            text.push_str(&format!("\n{}", hanging("  ✗ ", violation)));
        }
        text
    }
}
