//! How behaviours fail, and how a suite says so.

use std::fmt;

use azconnect_core::{Effect, Error, ErrorKind};
use uuid::Uuid;

/// Why one behaviour does not hold.
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("unexpected error: {error:?}"))
    }
}

/// How one behaviour went: it holds, or why it does not.
pub(crate) type CaseResult = Result<(), Failure>;

/// Fails with a message unless a condition holds.
pub(crate) fn ensure(condition: bool, message: impl Into<String>) -> CaseResult {
    if condition { Ok(()) } else { Err(Failure::new(message)) }
}

/// Fails unless two values are equal.
pub(crate) fn ensure_eq<T: PartialEq + fmt::Debug>(what: &str, found: &T, wanted: &T) -> CaseResult {
    ensure(found == wanted, format!("{what}: found {found:?}, wanted {wanted:?}"))
}

/// Fails unless a call failed with a kind, provably without an effect; returns its error.
pub(crate) fn refused<T>(what: &str, kind: ErrorKind, result: Result<T, Error>) -> Result<Error, Failure> {
    let error = match result {
        Ok(_) => return Err(Failure::new(format!("{what} was not refused"))),
        Err(error) => error,
    };
    ensure(error.kind() == kind, format!("{what}: wanted {kind:?}, found {error:?}"))?;
    ensure(error.effect() == Effect::None, format!("{what}: the refusal must have effect None: {error:?}"))?;
    ensure(!error.to_string().contains('\n'), format!("{what}: the message has more than one line"))?;
    Ok(error)
}

/// A name that no other run uses.
pub(crate) fn fresh(what: &str) -> String {
    format!("conformance/{what}/{}", Uuid::new_v4())
}

/// Collects how the behaviours of one suite went.
pub(crate) struct Report {
    port: &'static str,
    run: usize,
    failed: Vec<String>,
}

impl Report {
    pub(crate) fn new(port: &'static str) -> Self {
        Self { port, run: 0, failed: Vec::new() }
    }

    /// Notes how the behaviour of a name went.
    pub(crate) fn add(&mut self, behaviour: &str, outcome: CaseResult) {
        self.run += 1;
        if let Err(Failure(message)) = outcome {
            self.failed.push(format!("  {behaviour}: {message}"));
        }
    }

    /// Panics if any behaviour failed.
    #[track_caller]
    pub(crate) fn finish(self) {
        assert!(
            self.failed.is_empty(),
            "{}: {} of {} behaviours do not hold\n{}",
            self.port,
            self.failed.len(),
            self.run,
            self.failed.join("\n")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "Port: 2 of 3 behaviours do not hold\n  first: why\n  third: unexpected error")]
    fn every_failure_is_named() {
        let mut report = Report::new("Port");
        report.add("first", ensure(false, "why"));
        report.add("second", Ok(()));
        report.add("third", Err(Error::new(ErrorKind::Timeout, "late").into()));
        report.finish();
    }

    #[test]
    fn a_refusal_needs_its_kind_and_no_effect() {
        let wrong_kind = Error::new(ErrorKind::Timeout, "x").with_effect(Effect::None);
        assert!(refused::<()>("call", ErrorKind::Conflict, Err(wrong_kind)).is_err());
        assert!(refused::<()>("call", ErrorKind::Conflict, Err(Error::new(ErrorKind::Conflict, "x"))).is_err());
        assert!(refused("call", ErrorKind::Conflict, Ok(())).is_err());
    }
}
