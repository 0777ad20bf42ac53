//! The formats in which notes on ends were ever written, and the note as a document. None of them changes any more.

use azconnect_core::{DocumentId, Effect, Error, ErrorKind, Labels};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::crossing::Crossing;
use crate::expiry_end::ListedEnd;
use crate::expiry_note::{Absence, ExpiryNote};
use crate::expiry_reached::Reached;
use crate::record::ConnectionId;
use crate::records::{Kept, RecordQuery};

/// The label of the notes in which a crossing is open.
const OPEN: &str = "azconnect/open";

/// The first format. It is strict, so that nothing is lost when a note is read and written again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    version: u32,
    connection: ConnectionId,
    credential: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<ListedEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absence: Option<FirstAbsence>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    ended: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Reached>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<Crossing>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstAbsence {
    reads: u32,
    #[serde(with = "time::serde::rfc3339")]
    last: OffsetDateTime,
}

impl ExpiryNote {
    /// The notes in which a crossing is open.
    ///
    /// # Errors
    /// Never, as things are: the label fits.
    pub fn open_notes() -> Result<RecordQuery, Error> {
        Ok(RecordQuery::new().with_labels(Labels::new().with(OPEN, "yes")?))
    }
}

impl Kept for ExpiryNote {
    const COLLECTION: &'static str = "expiry-notes";

    fn document_id(&self) -> Result<DocumentId, Error> {
        DocumentId::new(self.connection.as_str())
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        if self.open().is_empty() { Ok(Labels::new()) } else { Labels::new().with(OPEN, "yes") }
    }

    fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(&First::from(self.clone())).map_err(|error| {
            // Such as a date that the text form does not know.
            Error::new(ErrorKind::InvalidInput, "the note on the connection's expiry cannot be written")
                .with_field("expiry_note")
                .with_effect(Effect::None)
                .with_advice("give the credential an end that a calendar has")
                .with_source(error)
        })
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        // Looked at before anything else: a later format may say anything in any place.
        match value.get("version").and_then(Value::as_u64) {
            Some(1) => serde_json::from_value::<First>(value).map(Self::from).map_err(|error| unreadable(&error)),
            Some(other) => Err(later(other)),
            None => Err(corrupt("it does not say its version")),
        }
    }
}

fn later(version: u64) -> Error {
    let known = ExpiryNote::VERSION;
    let message = format!(
        "the note on the connection's expiry has version {version}, and this program knows versions up to {known}"
    );
    Error::new(ErrorKind::Unsupported, message)
        .with_field("expiry_note.version")
        .with_effect(Effect::None)
        .with_advice("use the newer version of the program that wrote it")
}

/// What the parser says of a note may quote it, and it holds no secret.
fn unreadable(error: &serde_json::Error) -> Error {
    corrupt(&error.to_string())
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the note on the connection's expiry cannot be read: {why}"))
        .with_field("expiry_note")
        .with_effect(Effect::None)
        .with_advice(
            "find out who changed it, and restore it from a backup, or remove it: then each crossing is told once more",
        )
}

impl From<ExpiryNote> for First {
    fn from(note: ExpiryNote) -> Self {
        Self {
            version: ExpiryNote::VERSION,
            connection: note.connection,
            credential: note.credential,
            listed: note.listed,
            absence: note.absence.map(|Absence { reads, last }| FirstAbsence { reads, last }),
            ended: note.ended,
            reached: note.reached,
            gone: note.gone,
            open: note.open,
        }
    }
}

impl From<First> for ExpiryNote {
    fn from(first: First) -> Self {
        Self {
            connection: first.connection,
            credential: first.credential,
            listed: first.listed,
            absence: first.absence.map(|FirstAbsence { reads, last }| Absence { reads, last }),
            ended: first.ended,
            reached: first.reached,
            gone: first.gone,
            open: first.open,
        }
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::Diagnosis;
    use time::macros::datetime;

    use super::*;
    use crate::expiry_end::EndSource;
    use crate::expiry_policy::ExpiryStep;
    use crate::expiry_reached::Point;

    /// A note as it was written at the time. Never change it.
    const FIRST: &str = include_str!("../tests/golden/expiry-note-1.json");

    fn whole() -> ExpiryNote {
        let (ends_at, at) = (datetime!(2026-12-01 0:00 UTC), datetime!(2026-11-24 8:00 UTC));
        let later = datetime!(2027-11-24 8:00 UTC);
        let key = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
        let connection: ConnectionId = "contoso".parse().unwrap();
        let mut due = Crossing::new(
            connection.clone(),
            ExpiryStep::Before { left: std::time::Duration::from_secs(7 * 86_400) },
            EndSource::ListedByKey,
            at,
        )
        .with_ends_at(Some(ends_at));
        due.id = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap();
        let problem = Diagnosis::new(ErrorKind::NotFound, "the key is not listed").with_effect(Effect::None);
        let mut gone =
            Crossing::new(connection.clone(), ExpiryStep::Gone, EndSource::ListedByKey, at).with_problem(Some(problem));
        gone.id = "1272a66f-e2e8-4e88-ab43-487409186c40".parse().unwrap();
        let mut withheld = Crossing::new(connection.clone(), ExpiryStep::Ended, EndSource::ListedByKey, later);
        withheld.id = "1272a66f-e2e8-4e88-ab43-487409186c41".parse().unwrap();
        let points = vec![
            Point { step: due.step, noted_at: at, doubted: false, withheld: None },
            Point { step: ExpiryStep::Ended, noted_at: later, doubted: true, withheld: Some(withheld) },
        ];
        ExpiryNote {
            connection,
            credential: "connection/contoso/1".to_owned(),
            listed: Some(ListedEnd::new(key, EndSource::ListedByKey, Some(ends_at))),
            absence: Some(Absence { reads: 3, last: at }),
            ended: Some(at),
            reached: Some(Reached { ends_at, points }),
            gone: true,
            open: vec![due, gone],
        }
    }

    #[test]
    fn the_first_format_is_written_and_read_word_for_word() {
        let read = ExpiryNote::from_text(FIRST).unwrap();
        assert_eq!(read, whole());
        let (written, kept): (Value, Value) =
            (serde_json::from_str(&whole().to_text().unwrap()).unwrap(), serde_json::from_str(FIRST).unwrap());
        assert_eq!(written, kept);
    }

    #[test]
    fn a_later_format_is_refused_by_its_version_whatever_it_says_else() {
        let error = ExpiryNote::from_text(r#"{"version":2,"connection":7,"mailed":true}"#).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("expiry_note.version")));
        assert!(error.message().contains('2') && error.advice().contains("newer"), "{error}");
    }

    #[test]
    fn what_is_no_note_is_corrupt_and_a_member_that_is_not_known_is_not_dropped() {
        let more = FIRST.replacen("\"version\": 1,", "\"version\": 1, \"mailed\": true,", 1);
        assert_ne!(more, FIRST);
        for text in ["", "7", "{}", r#"{"version":1}"#, &more] {
            let error = ExpiryNote::from_text(text).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("expiry_note")), "{text}");
        }
    }

    #[test]
    fn a_note_is_found_by_its_open_crossings() {
        let mut note = whole();
        let wanted = ExpiryNote::open_notes().unwrap().labels;
        assert!(note.document_labels().unwrap().contain(&wanted));
        note.open.clear();
        assert!(!note.document_labels().unwrap().contain(&wanted));
    }
}
