//! How a program ends: the same exit codes in all of them.

use std::io::IsTerminal;
use std::process::ExitCode;

use azconnect::core::{Error, ErrorKind};

use crate::page::hanging;
use crate::turn::held_for;

/// What the exit codes mean, for the help of every program.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing was due
  1  it failed
  2  the arguments, the environment or a file cannot be used
  3  a person is needed: the reason and the remedy are printed
  4  not finished: run the same command again, at the time that is printed";

/// Why a program did not do all that it was asked to, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Nothing is left to do.
    Done,
    /// Something is left, and the same command finishes it later.
    RunAgain,
    /// Something is left that only a person can decide or put right.
    NeedsPerson,
    /// It could not be done.
    Failed,
}

impl Ending {
    /// The exit code that tells it.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NeedsPerson => 3,
            Self::RunAgain => 4,
        }
    }
}

/// Why a program did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The arguments or files given to it cannot be used.
    Usage(Error),
    /// It could not be done.
    Failed(Error),
    /// Something stands in the way that a person has to move.
    NeedsPerson(Error),
    /// It was not finished, and the same command finishes it later.
    RunAgain(Error),
    /// It was told already, line by line.
    Told(Ending),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Self::Usage(error),
            // Another process has the lease: it does what this one was asked to, or was killed.
            _ if held_for(&error).is_some() => Self::RunAgain(error),
            _ => Self::Failed(error),
        }
    }
}

/// Says why it ended, with the remedy, and gives the exit code.
pub fn report(outcome: Result<(), Failure>) -> ExitCode {
    let (ending, code) = match &outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Told(ending)) => return ExitCode::from(ending.code()),
        Err(Failure::Failed(error)) => (("failed: ", error), Ending::Failed.code()),
        Err(Failure::NeedsPerson(error)) => (("needs a person: ", error), Ending::NeedsPerson.code()),
        Err(Failure::RunAgain(error)) => (("not finished: ", error), Ending::RunAgain.code()),
        Err(Failure::Usage(error)) => (("cannot be used: ", error), 2),
    };
    tell(ending.0, ending.1);
    ExitCode::from(code)
}

#[expect(clippy::print_stderr, reason = "this is a program")]
fn tell(what: &str, error: &Error) {
    // A log keeps a failure in one line, so that it can be searched.
    let (first, second) = match std::io::stderr().is_terminal() {
        true => (hanging(what, &error.to_string()), hanging("remedy: ", error.advice())),
        false => (format!("{what}{error}"), format!("remedy: {}", error.advice())),
    };
    eprintln!("{first}\n{second}");
    // Without what was sent: the library has hidden that.
    if let Some(text) = error.service_text() {
        let lead = "the service says: ";
        let third = if std::io::stderr().is_terminal() { hanging(lead, text) } else { format!("{lead}{text}") };
        eprintln!("{third}");
    }
}

/// A value of the environment.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) naming the variable if it is not set, or not text.
#[expect(clippy::disallowed_methods, reason = "a program reads its environment")]
pub fn environment(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| {
        Error::invalid(name, "is not set in the environment").with_advice(format!("set {name} and run again"))
    })
}

/// Reads a text file.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) naming the option and the file.
pub fn read_file(option: &str, path: &std::path::Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::invalid(option, format!("cannot read {}: {}", path.display(), error.kind()))
            .with_advice("give the path of a readable file")
    })
}
