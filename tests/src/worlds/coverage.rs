//! What was met in worlds: which fault at which call, at which moment of a rotation.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::call::Call;
use super::happening::Fault;

/// How often each fault struck each kind of call, at each moment of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    met: BTreeMap<(Call, &'static str, String), u64>,
    calls: BTreeMap<Call, u64>,
    people: BTreeMap<(String, String), u64>,
    ends: BTreeMap<String, u64>,
}

impl Coverage {
    /// A call was made.
    pub fn called(&mut self, call: Call) {
        *self.calls.entry(call).or_default() += 1;
    }

    /// A fault struck a call when `moment` was the last event.
    pub fn met(&mut self, call: Call, fault: Fault, moment: &str) {
        *self.met.entry((call, fault.label(), moment.to_owned())).or_default() += 1;
    }

    /// A person did something when `moment` was the last event.
    pub fn acted(&mut self, deed: &str, moment: &str) {
        *self.people.entry((deed.to_owned(), moment.to_owned())).or_default() += 1;
    }

    /// A run ended so.
    pub fn ended(&mut self, outcome: &str) {
        *self.ends.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        other.met.iter().for_each(|(key, count)| *self.met.entry(key.clone()).or_default() += count);
        other.calls.iter().for_each(|(key, count)| *self.calls.entry(*key).or_default() += count);
        other.people.iter().for_each(|(key, count)| *self.people.entry(key.clone()).or_default() += count);
        other.ends.iter().for_each(|(key, count)| *self.ends.entry(key.clone()).or_default() += count);
    }

    /// How many different combinations of call, fault and moment were met.
    pub fn combinations(&self) -> usize {
        self.met.len() + self.people.len()
    }

    /// The tables, at most 80 columns wide.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let rows: Vec<_> = Call::ALL.iter().map(|call| call.to_string()).collect();
        table(&mut text, "call", &rows, |row, label| {
            let met = self.met.iter().filter(|((call, fault, _), _)| call.to_string() == row && *fault == label);
            met.map(|(_, count)| count).sum()
        });
        let mut moments: Vec<_> = self.met.keys().map(|(.., moment)| moment.clone()).collect();
        moments.sort();
        moments.dedup();
        table(&mut text, "last event", &moments, |row, label| {
            let met = self.met.iter().filter(|((_, fault, moment), _)| moment == row && *fault == label);
            met.map(|(_, count)| count).sum()
        });
        let mut deeds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for ((deed, _), count) in &self.people {
            let known = deeds.entry(deed).or_default();
            *known = (known.0 + count, known.1 + 1);
        }
        let _ = writeln!(text, "{:<42} {:>10} {:>10}", "people and edits", "times", "moments");
        for (deed, (times, moments)) in deeds {
            let _ = writeln!(text, "{:<42} {times:>10} {moments:>10}", short(deed, 42));
        }
        let _ = writeln!(text, "\n{:<42} {:>10}", "runs that ended", "times");
        for (outcome, times) in &self.ends {
            let _ = writeln!(text, "{:<42} {times:>10}", short(outcome, 42));
        }
        let calls: u64 = self.calls.values().sum();
        let _ = writeln!(
            text,
            "\n{calls} calls; {} combinations of call, fault and moment; {} of deed and moment",
            self.met.len(),
            self.people.len()
        );
        text
    }
}

fn table(text: &mut String, title: &str, rows: &[String], count: impl Fn(&str, &str) -> u64) {
    let _ = write!(text, "{title:<15}");
    for label in Fault::LABELS {
        let _ = write!(text, "{:>5}", short(label, 4));
    }
    let _ = writeln!(text);
    for row in rows {
        let _ = write!(text, "{:<15}", short(row, 15));
        for label in Fault::LABELS {
            let _ = write!(text, "{:>5}", figure(count(row, label)));
        }
        let _ = writeln!(text);
    }
    let _ = writeln!(text);
}

/// A number in at most four characters.
fn figure(number: u64) -> String {
    match number {
        0 => ".".to_owned(),
        1..=9999 => number.to_string(),
        10_000..=999_999 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn short(text: &str, most: usize) -> String {
    // The mark of before or after stays readable at the end of a shortened label.
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => {
            let mark = text.chars().last().filter(|last| matches!(last, '<' | '>'));
            let kept: String = text.chars().take(most - usize::from(mark.is_some())).collect();
            kept + mark.map(String::from).unwrap_or_default().as_str()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_into_80_columns() {
        let mut coverage = Coverage::default();
        for call in Call::ALL {
            coverage.met(call, Fault::HangAfter, "a_moment_of_a_very_long_name");
            coverage.acted("a person does something that takes many words to say, in fact too many", "x");
        }
        for line in coverage.tables().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
