//! What one kind of saga is.

use azconnect_core::StreamId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::illegal::IllegalEvent;

/// One kind of saga: its events, and the state that they add up to. Implemented by a type without values.
pub trait Saga: 'static {
    /// What is known, as a fold of the events. The default is the state before the first event.
    type State: Clone + Default + Send + Sync;

    /// What is intended or has happened. As JSON it is what the journal keeps, so it holds no secret and what was written
    /// once must stay readable.
    type Event: Serialize + DeserializeOwned + Send + Sync;

    /// The name of an event's kind in the journal, such as `minted`.
    fn kind(event: &Self::Event) -> &'static str;

    /// The state after an event. Pure: the same events at the same times give the same state.
    ///
    /// # Errors
    /// If the event cannot follow in this state. It is not appended then; found in a journal, it means that the journal
    /// is damaged.
    fn evolve(state: Self::State, event: &Self::Event, at: OffsetDateTime) -> Result<Self::State, IllegalEvent>;

    /// Whether what a state names belongs to its stream, the names of sealed secrets above all: whoever can write to the
    /// journal must not be able to point at somebody else's. Asked whenever a stream has been read; by default all is well.
    ///
    /// # Errors
    /// What is named that belongs elsewhere. The stream is [`Corrupt`](azconnect_core::ErrorKind::Corrupt) then.
    fn check_names(state: &Self::State, stream: &StreamId) -> Result<(), String> {
        let _ = (state, stream);
        Ok(())
    }

    /// Whether nothing is left to do until something new begins. A stream at rest is not listed as unfinished.
    fn is_at_rest(state: &Self::State) -> bool;

    /// A state at rest as text for a checkpoint; none if this saga has no checkpoints, which is the default.
    ///
    /// A reader begins with the last checkpoint, so that a stream with a long history costs what a short one does. The text
    /// holds the whole state, no secret, and the number of its format: [`freeze_as`](crate::freeze_as) writes such a text.
    /// The same state gives the same text.
    ///
    /// Raise the number whenever the state, or what an event does to it, changes: then what older checkpoints say is folded
    /// anew. A test with [`audit`](crate::audit) proves that nothing is lost.
    fn freeze(state: &Self::State) -> Option<String> {
        let _ = state;
        None
    }

    /// The state that [`Saga::freeze`] wrote; none for a text of another format. The whole stream is read then.
    fn thaw(text: &str) -> Option<Self::State> {
        let _ = text;
        None
    }
}
