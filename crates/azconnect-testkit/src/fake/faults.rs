//! How calls of a fake are made to fail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};

/// How a call fails, and with which effect the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before anything happens, which the caller cannot know: effect `Unknown`.
    Dropped,
    /// Everything happens, and the answer is lost: effect `Unknown`.
    AnswerLost,
    /// The service refuses with an error of this kind: effect `None`.
    Refused(ErrorKind),
    /// The service is throttled, and says how long to wait: effect `None`.
    Throttled(Duration),
    /// No answer ever comes, and nothing happens: only the caller's own deadline ends the call. A [`Directory`] plays it;
    /// another fake answers at once, as after a long wait.
    ///
    /// [`Directory`]: crate::fake::Directory
    Hangs,
    /// Everything happens, and no answer ever comes. As [`Fault::Hangs`].
    HangsAfterwards,
    /// The caller is told that no answer came, and the request arrives this much later: it happens when nobody waits for it
    /// any more. A [`Directory`] plays it; at another fake it never arrives.
    ///
    /// [`Directory`]: crate::fake::Directory
    ArrivesLate(Duration),
    /// Somebody else changes the object between the caller's read and its write: refused as a conflict, effect `None`.
    ChangedMeanwhile,
}

impl Fault {
    /// Whether the call takes effect all the same.
    fn applies(self) -> bool {
        matches!(self, Self::AnswerLost | Self::HangsAfterwards)
    }

    pub(crate) fn error(self) -> Error {
        match self {
            // An error's effect is unknown unless it is stated, as it is for a caller whose connection breaks.
            Self::Dropped => Error::new(ErrorKind::Unavailable, "scripted: the connection broke"),
            Self::AnswerLost => Error::new(ErrorKind::Timeout, "scripted: no answer came"),
            Self::Hangs | Self::HangsAfterwards | Self::ArrivesLate(_) => {
                Error::new(ErrorKind::Timeout, "scripted: no answer came in time")
            }
            Self::Throttled(pause) => Error::new(ErrorKind::Throttled, "scripted: too many requests")
                .with_effect(Effect::None)
                .with_retry(Retry::After(pause)),
            Self::Refused(kind) => Error::new(kind, "scripted: refused").with_effect(Effect::None),
            Self::ChangedMeanwhile => {
                Error::new(ErrorKind::Conflict, "scripted: somebody else changed it").with_effect(Effect::None)
            }
        }
    }
}

/// The failures that a test has prescribed for a fake's calls. `S` says which call. Clones share the same failures.
///
/// ```
/// use azconnect_core::{Effect, Error, ErrorKind};
/// use azconnect_testkit::fake::{Fault, Faults};
///
/// let faults = Faults::new();
/// faults.script("create", Fault::AnswerLost);
///
/// let mut created = 0;
/// let mut create = || faults.write(&"create", || Ok::<_, Error>(created += 1));
/// assert_eq!(create().unwrap_err().effect(), Effect::Unknown);
/// assert!(create().is_ok());
/// assert_eq!(created, 2, "an answer that was lost had its effect");
/// ```
pub struct Faults<S>(Arc<Mutex<Prescribed<S>>>);

struct Prescribed<S> {
    once: Vec<(S, Fault)>,
    always: Vec<(S, Fault)>,
}

impl<S: PartialEq> Faults<S> {
    /// No failures: every call succeeds until one is prescribed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next call of a kind fail. Several faults of one kind of call happen in turn.
    pub fn script(&self, step: S, fault: Fault) {
        self.prescribed().once.push((step, fault));
    }

    /// Makes every call of a kind fail until [`heal`](Self::heal), after those that are scripted.
    pub fn break_down(&self, step: S, fault: Fault) {
        self.prescribed().always.push((step, fault));
    }

    /// Forgets every fault, scripted or lasting.
    pub fn heal(&self) {
        let mut prescribed = self.prescribed();
        prescribed.once.clear();
        prescribed.always.clear();
    }

    /// Takes the fault that is due for a call, if any.
    pub fn next(&self, step: &S) -> Option<Fault> {
        let mut prescribed = self.prescribed();
        if let Some(place) = prescribed.once.iter().position(|(scripted, _)| scripted == step) {
            return Some(prescribed.once.remove(place).1);
        }
        prescribed.always.iter().find(|(broken, _)| broken == step).map(|(_, fault)| *fault)
    }

    /// Makes a call that changes nothing: any fault ends it, with effect `None`.
    ///
    /// # Errors
    /// The fault's, or the call's own.
    pub fn read<T>(&self, step: &S, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match self.next(step) {
            // A read changes nothing, so its effect is known however it fails.
            Some(fault) => Err(fault.error().with_effect(Effect::None)),
            None => call(),
        }
    }

    /// Makes a call that changes something: [`Fault::AnswerLost`] lets it happen, and hides its answer.
    ///
    /// # Errors
    /// The fault's, or the call's own.
    pub fn write<T>(&self, step: &S, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let fault = self.next(step);
        proceed(fault)?;
        answer(fault, call()?)
    }

    fn prescribed(&self) -> MutexGuard<'_, Prescribed<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Faults<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Default for Faults<S> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Prescribed { once: Vec::new(), always: Vec::new() })))
    }
}

impl<S: PartialEq + fmt::Debug> fmt::Debug for Faults<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prescribed = self.prescribed();
        f.debug_struct("Faults").field("once", &prescribed.once).field("always", &prescribed.always).finish()
    }
}

/// Ends a call that does not take effect.
pub(crate) fn proceed(fault: Option<Fault>) -> Result<(), Error> {
    match fault {
        Some(fault) if !fault.applies() => Err(fault.error()),
        _ => Ok(()),
    }
}

/// Answers a call that took effect, unless the answer is lost.
pub(crate) fn answer<T>(fault: Option<Fault>, value: T) -> Result<T, Error> {
    fault.map_or(Ok(value), |fault| Err(fault.error()))
}
