//! How the program ends: when it is told to, or with one sentence that says why not.

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use azconnect_core::{Error, ErrorKind};

/// The exit code for arguments and files that cannot be used.
const UNUSABLE: u8 = 2;

/// A future that is ready once the program is told to stop. It listens from now on.
///
/// # Errors
/// If the operating system does not tell of its signals.
pub(super) fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let deaf =
        |error: std::io::Error| Error::new(ErrorKind::Unavailable, "cannot listen for signals").with_source(error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(deaf)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(deaf)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c().map_err(deaf)?;
        Ok(async move {
            interrupt.recv().await;
        })
    }
}

/// Tells how it ended.
pub(super) fn of(outcome: Result<(), Error>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let advice = error.advice();
    let remedy = if advice.is_empty() { String::new() } else { format!("; {advice}") };
    tell(&format!("{error}{remedy}"));
    match error.kind() {
        ErrorKind::InvalidInput => ExitCode::from(UNUSABLE),
        _ => ExitCode::FAILURE,
    }
}

/// Tells what is wrong with the arguments in one sentence, or shows the help that was asked for.
pub(super) fn of_arguments(refused: &clap::Error) -> ExitCode {
    if !refused.use_stderr() {
        drop(refused.print());
        return ExitCode::SUCCESS;
    }
    let text = refused.to_string();
    // The usage follows after an empty line; --help shows it better.
    let lines: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    tell(&format!("{}; see --help", lines.join(" ").trim_start_matches("error: ")));
    ExitCode::from(UNUSABLE)
}

/// Prints the schema of a seed.
pub(super) fn of_schema(schema: &str) -> ExitCode {
    match std::io::stdout().lock().write_all(schema.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[expect(clippy::print_stderr, reason = "this is a program")]
fn tell(sentence: &str) {
    eprintln!("azconnect-emulator: {sentence}");
}
