//! What the libraries log, on standard error, as `RUST_LOG` asks for it.

use azconnect::core::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::end::environment;

/// The variable that says what is logged, such as `azconnect=debug` or `trace`. Without it nothing is.
const RUST_LOG: &str = "RUST_LOG";

/// Begins to log. A program calls it first.
///
/// # Errors
/// [`InvalidInput`](azconnect::core::ErrorKind::InvalidInput) naming the variable if it is no list of directives.
pub fn start() -> Result<(), Error> {
    let Ok(directives) = environment(RUST_LOG) else { return Ok(()) };
    let filter = EnvFilter::try_new(&directives).map_err(|_| {
        Error::invalid(RUST_LOG, "is not a list of directives")
            .with_advice("set a level such as debug, or several such as azconnect_http=trace,azconnect_rotation=debug")
    })?;
    // A program that logs already keeps its way to.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // The libraries tell what they send and what is answered as spans, which have it all when they end.
    let _ = log.with_span_events(FmtSpan::CLOSE).try_init();
    Ok(())
}
