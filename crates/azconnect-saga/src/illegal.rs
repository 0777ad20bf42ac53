//! An event that cannot follow.

use azconnect_core::{Effect, Error, ErrorKind};

/// An event that cannot follow in the state that the events before it add up to.
///
/// ```
/// use azconnect_core::{Error, ErrorKind};
/// use azconnect_saga::IllegalEvent;
///
/// let error = Error::from(IllegalEvent::new("minted", "no rotation is under way"));
/// assert_eq!(error.kind(), ErrorKind::Corrupt);
/// assert_eq!(error.message(), "the event minted cannot follow: no rotation is under way");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event {event} cannot follow: {state}")]
#[non_exhaustive]
pub struct IllegalEvent {
    /// The kind of the event, as in the journal.
    pub event: &'static str,
    /// What the state is that forbids it, in a few words.
    pub state: String,
}

impl IllegalEvent {
    /// An event of a kind, and what the state is that forbids it.
    pub fn new(event: &'static str, state: impl Into<String>) -> Self {
        Self { event, state: state.into() }
    }
}

impl From<IllegalEvent> for Error {
    fn from(illegal: IllegalEvent) -> Self {
        Self::new(ErrorKind::Corrupt, illegal.to_string()).with_effect(Effect::None).with_advice(
            "the journal is damaged or was changed by hand: restore it from a backup; the services' own lists tell what \
             exists",
        )
    }
}
