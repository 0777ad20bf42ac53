//! The state at rest as one entry of its stream, so that a reader need not begin at the first.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::saga::Saga;

/// The kind under which a checkpoint stands in the journal.
pub(crate) const KIND: &str = "checkpoint";

#[derive(Serialize)]
struct Frozen<'a, T> {
    format: u32,
    state: &'a T,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Thawed<T> {
    state: T,
}

/// A state as JSON with the number of its format, for [`Saga::freeze`].
pub fn freeze_as(format: u32, state: &impl Serialize) -> Option<String> {
    serde_json::to_string(&Frozen { format, state }).ok()
}

/// The state that [`freeze_as`] wrote under the same number; none for any other text. For [`Saga::thaw`].
pub fn thaw_as<T: DeserializeOwned>(format: u32, text: &str) -> Option<T> {
    let known = serde_json::from_str::<Format>(text).ok()?.format == format;
    known.then(|| serde_json::from_str::<Thawed<T>>(text).ok()).flatten().map(|thawed| thawed.state)
}

/// The text of a state's checkpoint, if the saga has one and reads it back as it was.
pub(crate) fn frozen<S: Saga>(state: &S::State) -> Option<String> {
    let text = S::freeze(state)?;
    let sound = thawed::<S>(&text).is_some();
    if !sound {
        tracing::warn!("a checkpoint would not read back as it was written, and is left out");
    }
    sound.then_some(text)
}

/// The state of a checkpoint, if this program would write the same text of it. A text with a field that this program does
/// not know, or without one that it has now, is another version's: its state must be folded anew.
pub(crate) fn thawed<S: Saga>(text: &str) -> Option<S::State> {
    S::thaw(text).filter(|state| S::freeze(state).as_deref() == Some(text))
}
