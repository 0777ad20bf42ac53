//! Hears what is logged.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// The process's one global subscriber, if it is ours. It keeps what it hears once a canary listens everywhere.
static EVERYWHERE: OnceLock<Option<Ears>> = OnceLock::new();

/// What the `log` crate emitted anywhere in the process, once any canary listens.
static LOG_CRATE: OnceLock<Buffer> = OnceLock::new();

/// The log lines that one canary hears, at every level.
#[derive(Default)]
pub(super) struct Log {
    own: Buffer,
    listening: AtomicBool,
}

impl Log {
    pub(super) fn was_listening(&self) -> bool {
        self.listening.load(Ordering::SeqCst)
    }

    /// Copies of everything heard so far.
    pub(super) fn contents(&self) -> Vec<Vec<u8>> {
        let everywhere = EVERYWHERE.get().and_then(Option::as_ref).map(|ears| &ears.buffer);
        [Some(&self.own), everywhere, LOG_CRATE.get()].into_iter().flatten().map(Buffer::copy).collect()
    }
}

/// Keeps the ears open until it is dropped.
#[must_use = "the canary hears only until this is dropped"]
pub struct Listening(#[expect(dead_code, reason = "held for its drop")] DefaultGuard);

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}

pub(super) fn listen(log: &Log) -> Listening {
    hear_log_crate();
    // A place in the code that is passed first on a thread without a subscriber would be silent for good, on every thread.
    // With a global one there is no such thread.
    install();
    log.listening.store(true, Ordering::SeqCst);
    let ears = Ears { buffer: log.own.clone(), open: Arc::new(AtomicBool::new(true)) };
    Listening(set_default(Registry::default().with(ears)))
}

#[track_caller]
pub(super) fn listen_everywhere(log: &Log) {
    hear_log_crate();
    let everywhere = install();
    assert!(everywhere.is_some(), "the process has a global `tracing` subscriber already: use `listen`");
    if let Some(ears) = everywhere {
        ears.open.store(true, Ordering::SeqCst);
    }
    log.listening.store(true, Ordering::SeqCst);
}

/// Takes the place of the process's one global subscriber, unless it is taken. All canaries share it.
fn install() -> Option<&'static Ears> {
    let install = || {
        let ears = Ears::default();
        set_global_default(Registry::default().with(ears.clone())).is_ok().then_some(ears)
    };
    EVERYWHERE.get_or_init(install).as_ref()
}

/// Installs a logger for crates that use `log`. A process that has one keeps it, and is not heard there.
fn hear_log_crate() {
    // The `log` crate takes one logger for the whole process, so all canaries share what it hears.
    LOG_CRATE.get_or_init(|| {
        let buffer = Buffer::default();
        if log::set_boxed_logger(Box::new(LogCrate(buffer.clone()))).is_ok() {
            log::set_max_level(log::LevelFilter::Trace);
        }
        buffer
    });
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<String>>);

impl Buffer {
    fn push(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }

    fn copy(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_bytes().to_vec()
    }
}

/// A layer that writes down every span, field and event while it is open.
#[derive(Clone, Default)]
struct Ears {
    buffer: Buffer,
    open: Arc<AtomicBool>,
}

impl Ears {
    fn write(&self, name: &str, record: impl FnOnce(&mut Line)) {
        if self.open.load(Ordering::SeqCst) {
            let mut line = Line(name.to_owned());
            record(&mut line);
            self.buffer.push(&line.0);
        }
    }
}

impl<S: Subscriber> Layer<S> for Ears {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        let name = format!("{} {}", attributes.metadata().target(), attributes.metadata().name());
        self.write(&name, |line| attributes.record(line));
    }

    fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        self.write("recorded", |line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.write(event.metadata().target(), |line| event.record(line));
    }
}

/// The fields of one span or event.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string fails only if the value's own Debug does: what it wrote until then is kept.
        let _ = write!(self.0, " {field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        // A secret may lie in a cause that the error's own text leaves out.
        let mut cause = Some(value);
        while let Some(error) = cause {
            let _ = write!(self.0, " {field}={error} ({error:?})");
            cause = error.source();
        }
    }
}

/// The ears for crates that use `log`.
struct LogCrate(Buffer);

impl log::Log for LogCrate {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.push(&format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Error, ErrorKind};
    use tracing::Level;

    use super::super::Canary;

    fn heard(act: impl FnOnce(&str)) -> bool {
        let canary = Canary::awkward();
        let ears = canary.listen();
        tracing::trace!("something harmless");
        assert!(canary.heard() > 0, "deaf");
        canary.assert_absent_from_logs();
        act(canary.secret().expose());
        drop(ears);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canary.assert_absent_from_logs())).is_err()
    }

    #[test]
    fn events_and_fields_are_heard_at_trace() {
        assert!(heard(|text| tracing::trace!("{text}")));
        assert!(heard(|text| tracing::trace!(text)));
        assert!(heard(|text| tracing::trace!(field = ?text)));
        assert!(heard(|text| tracing::trace!(target: "hyper::proto", field = %text)));
    }

    #[test]
    fn spans_are_heard_when_made_and_when_recorded() {
        assert!(heard(|text| drop(tracing::trace_span!("request", text))));
        assert!(heard(|text| {
            let span = tracing::span!(Level::TRACE, "request", late = tracing::field::Empty);
            span.record("late", text);
        }));
        assert!(heard(|text| {
            let _in = tracing::trace_span!("request", late = tracing::field::Empty).entered();
            tracing::Span::current().record("late", text);
        }));
    }

    #[test]
    fn the_cause_of_a_logged_error_is_heard() {
        assert!(heard(|text| {
            let error = Error::new(ErrorKind::Unexpected, "hidden").with_source(text);
            tracing::error!(error = &error as &dyn std::error::Error);
        }));
    }

    #[test]
    fn the_log_crate_is_heard() {
        assert!(heard(|text| log::trace!("{text}")));
    }

    #[test]
    fn other_threads_are_heard_by_a_canary_that_listens_everywhere() {
        let canary = Canary::new();
        canary.listen_everywhere();
        Canary::new().listen_everywhere();
        let secret = canary.secret();
        canary.assert_absent_from_logs();
        std::thread::spawn(move || tracing::trace!("{}", secret.expose())).join().unwrap();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canary.assert_absent_from_logs())).is_err());
    }

    #[test]
    fn nothing_is_heard_after_the_guard_is_dropped() {
        let canary = Canary::new();
        drop(canary.listen());
        tracing::error!("{}", canary.secret().expose());
        // Its own ears only: another test of this process may listen everywhere.
        assert!(canary.log.own.copy().is_empty());
    }

    #[test]
    fn what_was_passed_first_where_nobody_listened_is_heard() {
        fn speak(secret: &str) {
            tracing::debug!(secret, "spoken");
        }
        let canary = Canary::new();
        let ears = canary.listen();
        // Another test's thread, which passes the place before the listener does.
        std::thread::spawn(|| speak("nothing")).join().unwrap();
        speak(canary.secret().expose());
        drop(ears);
        assert!(canary.find_in_logs().is_some(), "deaf");
    }
}
