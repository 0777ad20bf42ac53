//! What happened in a world, in order, in words that are the same each time it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use azconnect::core::KeyId;
use serde_json::Value;
use uuid::Uuid;

use super::cloud::connection_id;
use super::words::At;

/// Names of keys, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<KeyId, String>);

impl Names {
    /// Gives a key a name.
    pub(super) fn give(&mut self, key: KeyId, name: String) {
        self.0.entry(key).or_insert(name);
    }

    /// The name of a key.
    pub(super) fn of(&self, key: KeyId) -> String {
        self.0.get(&key).cloned().unwrap_or_else(|| "an unknown key".to_owned())
    }

    /// A text in which every id is replaced by a name, since ids differ each time.
    pub(super) fn plain(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, id, after)) = next_id(rest) {
            plain.push_str(before);
            plain.push_str(&self.named(id));
            rest = after;
        }
        plain + rest
    }

    fn named(&self, id: Uuid) -> String {
        if let Some(name) = self.0.get(&KeyId::from(id)) {
            return name.clone();
        }
        (0..3)
            .find(|number| connection_id(*number) == id)
            .map_or("…".to_owned(), |number| format!("connection {number}"))
    }

    /// An event of the journal in words.
    pub(super) fn event(&self, kind: &str, payload: &str) -> String {
        let event: Value = serde_json::from_str(payload).unwrap_or_default();
        let mut words = kind.replace('_', " ");
        for field in ["key", "sink", "sinks", "retire", "cause", "listed", "answer"] {
            if let Some(value) = event.get(field).filter(|value| !value[0].is_object()) {
                words += &format!(", {field} {}", self.plain(&value.to_string().replace('"', "")));
            }
        }
        if let Some(message) = event.pointer("/problem/diagnosis/message").and_then(Value::as_str) {
            words += &format!(": {}", self.plain(message));
        }
        words
    }
}

fn next_id(text: &str) -> Option<(&str, Uuid, &str)> {
    (0..text.len().saturating_sub(35)).find_map(|at| {
        let candidate = text.get(at..at + 36)?;
        if candidate.as_bytes()[8] != b'-' {
            return None;
        }
        let id = Uuid::parse_str(candidate).ok()?;
        Some((&text[..at], id, &text[at + 36..]))
    })
}

/// The lines of a story.
#[derive(Clone, Debug, Default)]
pub struct Story {
    lines: Vec<String>,
    digest: u64,
    keeps: bool,
}

impl Story {
    /// A story that keeps its lines, or only their digest.
    pub(super) fn new(keeps: bool) -> Self {
        Self { lines: Vec::new(), digest: 0xcbf2_9ce4_8422_2325, keeps }
    }

    /// Tells a line.
    pub(super) fn tell(&mut self, at: Duration, who: &str, what: &str) {
        let line = format!("{} {who:<9} {what}", At(at));
        self.digest =
            line.bytes().fold(self.digest, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        if self.keeps {
            self.lines.push(line);
        }
    }

    /// The lines, where they were kept.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A number that differs where two stories differ.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}
