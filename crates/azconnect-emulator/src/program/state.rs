//! The file in which the program keeps its world from one run to the next.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::clock::AdjustableClock;
use super::file::{self, Readers};
use crate::base::moment::Moment;
use crate::base::signer::Signer;
use crate::shell::emulator::Emulator;
use crate::shell::record::{At, Record, ReplayFault};

/// The version of the file. Another one is refused: what it says might mean something else.
const VERSION: u64 = 2;

/// What whoever opens the file should know.
const WARNING: &str = "This file holds secrets: the seed, a signing key, the keys of vaults, and every request with its tokens and passwords.";

/// The version of the program. Another one may answer the same requests in another way, and make another world of them.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What to do about a file that this program cannot go on from.
const OTHER_PROGRAM: &str = "run the version that wrote it, or remove the file";

/// What lies in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct State {
    version: u64,
    /// The version of the program that wrote it.
    program: String,
    warning: String,
    /// What the world was made with. Under other options the same requests would make another one.
    options: Value,
    pub(super) seed: String,
    signing_key: Option<String>,
    /// When it was written, and how far the clock had been moved on by then.
    written: At,
    pub(super) ahead: Duration,
    pub(super) record: Record,
}

impl State {
    /// Reads the file of the arguments; nothing if there is none yet.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the file, if it is of another version, damaged, or was
    /// made with other options.
    pub(super) fn read(arguments: &Arguments, path: &Path) -> Result<Option<Self>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let text = file::read("--state", path)?;
        let unusable = |complaint: &str, advice: &'static str| unusable(path, complaint, advice);
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let program = value.get("program").and_then(Value::as_str);
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) if program == Some(PROGRAM) => {}
            // Without its words: whatever the file says there may be a secret.
            Some(_) => {
                let by = program.filter(|text| is_version(text)).map(|text| format!(", {text},")).unwrap_or_default();
                let complaint = format!("was written by another version of this program{by} than {PROGRAM}");
                return Err(unusable(&complaint, OTHER_PROGRAM));
            }
            None => return Err(unusable("is no state of this program", "name another file")),
        }
        // Without the parser's words: they may quote a value.
        let state: Self =
            serde_json::from_value(value).map_err(|_| unusable("is damaged", "name another file, or restore it"))?;
        if state.options != options(arguments) {
            return Err(unusable("was made with other options", "start with the same options, or name another file"));
        }
        Ok(Some(state))
    }

    /// Has tokens signed with the key of the former run, so that they stay what they were.
    pub(super) fn restore_key(&self) {
        if let Some(key) = self.signing_key.as_ref().and_then(|key| STANDARD.decode(key).ok()) {
            Signer::restore(&key);
        }
    }

    /// The moment at which it was written.
    pub(super) fn written(&self) -> Option<Moment> {
        self.written.moment()
    }
}

/// Whether a text is the number of a version and nothing else.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() < 6 && part.parse::<u32>().is_ok())
}

/// Why the requests of a file cannot be acted on again.
pub(super) fn unplayable(path: &Path, fault: &ReplayFault) -> Error {
    match fault {
        ReplayFault::Damaged => unusable(path, "is damaged", "name another file, or restore it"),
        ReplayFault::AnsweredOtherwise { number, of, then, now } => unusable(
            path,
            &format!("request {number} of {of} was answered with {then} and would be with {now} now"),
            OTHER_PROGRAM,
        ),
    }
}

fn unusable(path: &Path, complaint: &str, advice: &'static str) -> Error {
    Error::invalid("--state", format!("{}: {complaint}", path.display())).with_advice(advice)
}

/// Writes the file, whole. It can be read by its owner alone.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the file.
pub(super) fn write(emulator: &Emulator, clock: &AdjustableClock, kept: &Kept) -> Result<(), Error> {
    let Some(record) = emulator.record()? else { return Ok(()) };
    let state = State {
        version: VERSION,
        program: PROGRAM.to_owned(),
        warning: WARNING.to_owned(),
        options: kept.options.clone(),
        seed: kept.seed.clone(),
        signing_key: Signer::of_process().and_then(Signer::pkcs8).map(|key| STANDARD.encode(key)),
        written: Moment { wall: clock.now(), elapsed: clock.elapsed() }.into(),
        ahead: clock.ahead(),
        record,
    };
    let text = serde_json::to_string(&state)
        .map_err(|error| Error::invalid("--state", "cannot be written as JSON").with_source(error))?;
    file::write("--state", &kept.path, &text, Readers::Owner)
}

/// What is written beside the record.
pub(super) struct Kept {
    pub(super) path: Arc<Path>,
    pub(super) seed: String,
    pub(super) options: Value,
}

/// The options that make the world what it is.
pub(super) fn options(arguments: &Arguments) -> Value {
    json!({
        "clock": format!("{:?}", arguments.clock),
        "operationSeconds": arguments.operation_seconds,
        "replicationSeconds": arguments.replication_seconds,
        "throttle": arguments.throttle.map(|throttle| format!("{throttle:?}")),
    })
}
