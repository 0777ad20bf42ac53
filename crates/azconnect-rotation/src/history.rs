//! What happened to a subject, as a page or a report shows it.

use azconnect_credential::SinkId;
use serde::Serialize;
use time::OffsetDateTime;

use crate::event::RotationEvent;

/// One thing that was intended or that happened. It holds no secret.
///
/// ```
/// use azconnect_rotation::{HistoryEntry, RotationEvent};
/// use time::macros::datetime;
///
/// let entry = HistoryEntry::new(datetime!(2026-01-01 0:00 UTC), &RotationEvent::CutOver);
/// let text = serde_json::to_string(&entry).unwrap();
/// assert!(text.starts_with(r#"{"at":"2026-01-01T00:00:00Z","kind":"cut_over","step":"cut over","sink":null,"#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// When it was recorded, by the rotator's clock; in JSON as RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The stable name of its kind, such as `minted`.
    pub kind: &'static str,
    /// What was done, in a few words.
    pub step: &'static str,
    /// The consumer it is about, where it is about one.
    pub sink: Option<SinkId>,
    /// What shows that it was done, or why it was not, in one line.
    pub proof: String,
}

impl HistoryEntry {
    /// The entry of an event that was recorded at a moment.
    pub fn new(at: OffsetDateTime, event: &RotationEvent) -> Self {
        Self { at, kind: event.kind(), step: event.step(), sink: event.sink().cloned(), proof: event.proof() }
    }
}
