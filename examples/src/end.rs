//! How a program ends: 0 done, 1 failed or blocked, 2 bad usage.

use std::process::ExitCode;

use azconnect::core::{Error, ErrorKind};

/// Why a program did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The arguments or files given to it cannot be used.
    Usage(Error),
    /// It could not be done.
    Failed(Error),
    /// It was told already, line by line.
    Told,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Self::Usage(error),
            _ => Self::Failed(error),
        }
    }
}

/// Says why it ended, with the remedy, and gives the exit code.
#[expect(clippy::print_stderr, reason = "this is a program")]
pub fn report(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::from(1),
        Err(Failure::Failed(error)) => {
            eprintln!("failed: {error}\nremedy: {}", error.advice());
            ExitCode::from(1)
        }
        Err(Failure::Usage(error)) => {
            eprintln!("cannot be used: {error}\nremedy: {}", error.advice());
            ExitCode::from(2)
        }
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
