//! What a program under the storm does: how it is started, what it says, and what must hold while it is killed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use azconnect::core::{Error, ErrorKind};
use serde_json::Value;

use crate::tally::Tally;

/// A program that is killed again and again.
pub trait Work: Default {
    /// The name of the program.
    const PROGRAM: &'static str;

    /// Where the moments of the kills lie.
    const REACH: Reach;

    /// What looks at the truth.
    type Judge: Judge;

    /// What the emulator starts with.
    fn seed() -> Result<String, Error>;

    /// Writes what the program needs to a folder.
    fn prepare(_folder: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// The arguments beside the emulator's address and the folder for its state. In calm weather nobody kills it any more.
    fn arguments(&self, folder: &Path, is_calm: bool) -> Vec<OsString>;

    /// What a line of its output says.
    fn hear(line: &str) -> Said;

    /// Takes note of a process that ended by itself. Whether nothing is left to do.
    fn ended(&mut self, code: Option<i32>, outcome: Option<&str>) -> Fate;

    /// Looks at what the processes left in the folder for their state.
    async fn read_journal(&self, state: &Path, tally: &mut Tally) -> Result<(), Error>;

    /// What the tally's counts say of this program, line by line.
    fn figures(tally: &Tally) -> Vec<(&'static str, String)>;
}

/// What a process that ended by itself means for the storm.
pub struct Fate {
    /// Whether it ended as it may.
    pub verdict: Verdict,
    /// Whether nothing is left to do.
    pub is_finished: bool,
}

/// How a process ended by itself.
pub enum Verdict {
    /// As it should.
    Good,
    /// With an error, which the next one gets over.
    Failed,
    /// As it never may.
    Wrong,
}

/// Where the moments of the kills lie.
#[derive(Clone, Copy)]
pub struct Reach {
    /// The longest time after the start, in milliseconds.
    pub milliseconds: u64,
    /// The most events after the start.
    pub events: u64,
}

/// What a line of a program's output says.
pub enum Said {
    /// The step that it is at, which is no event.
    Step(String),
    /// The step that has an event.
    Event(String),
    /// How it ended.
    Outcome(String),
    /// Nothing of interest.
    Nothing,
}

/// Looks at one truth after the other, and remembers what must not be.
pub trait Judge: Default {
    /// Judges one truth.
    fn look(&mut self, truth: &Value);

    /// Judges the truth after everything has finished.
    fn last_look(&mut self, truth: &Value);

    /// The most that was alive at once of what the program makes.
    fn most_alive(&self) -> usize;

    /// What must not be, and was seen.
    fn violations(self) -> BTreeSet<String>;
}

/// An error of the storm itself.
pub fn broken(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unexpected, what).with_source(source)
}

pub fn parse(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| broken("the seed is no JSON", error))
}

pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| broken("cannot write a file", error))
}
