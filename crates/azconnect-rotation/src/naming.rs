//! The names that a rotation gives, and by which it knows its own again.

use azconnect_core::{Error, SecretId, StreamId};
use azconnect_credential::{Marker, SubjectId};
use time::OffsetDateTime;
use uuid::Uuid;

/// What every stream of this crate begins with, and every sealed secret's name.
pub(crate) const STREAM_PREFIX: &str = "rotation/";

/// What every marker begins with.
const MARKER_PREFIX: &str = "azconnect ";

/// A name for a new secret, which nobody else gives.
pub(crate) fn new_marker(now: OffsetDateTime, unique: Uuid) -> Result<Marker, Error> {
    Marker::new(format!("{MARKER_PREFIX}{} {unique}", now.date()))
}

/// Whether a name is one that [`new_marker`] makes.
pub(crate) fn is_marker(name: &str) -> bool {
    let unique = name.strip_prefix(MARKER_PREFIX).and_then(|rest| rest.rsplit_once(' '));
    unique.is_some_and(|(_, unique)| Uuid::try_parse(unique).is_ok())
}

/// The name under which the secret of a marker is sealed: known before the secret is, so that a crash between sealing
/// and recording leaves something to find.
pub(crate) fn sealed_name(subject: &SubjectId, marker: &Marker) -> Result<SecretId, Error> {
    // No path: it would name a secret of a subject whose name is longer.
    let unique = marker.as_str().rsplit([' ', '/']).next().unwrap_or_default();
    SecretId::new(format!("{STREAM_PREFIX}{subject}/{unique}"))
}

/// Whether a name is one that [`sealed_name`] gives for the subject of a stream.
pub(crate) fn is_sealed_in(stream: &StreamId, sealed: &SecretId) -> bool {
    let rest = sealed.as_str().strip_prefix(stream.as_str()).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|unique| !unique.is_empty() && !unique.contains('/'))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_marker_is_known_again_and_nothing_else_is_taken_for_one() {
        let marker = new_marker(datetime!(2026-01-01 0:00 UTC), Uuid::from_u128(1)).unwrap();
        assert!(is_marker(marker.as_str()));
        for other in ["azconnect", "azconnect deploy", "azconnect 2026-01-01 x", "portal"] {
            assert!(!is_marker(other), "{other}");
        }
    }

    #[test]
    fn a_sealed_name_belongs_to_its_own_subject_alone() {
        let (own, longer) = (SubjectId::new("application/1").unwrap(), SubjectId::new("application/1/x").unwrap());
        let sealed = |subject, marker: &str| sealed_name(subject, &Marker::new(marker).unwrap()).unwrap();
        let stream = StreamId::new("rotation/application/1").unwrap();
        assert!(is_sealed_in(&stream, &sealed(&own, "azconnect 2026-01-01 a")));
        assert!(is_sealed_in(&stream, &sealed(&own, "azconnect 2026-01-01 x/a")));
        for foreign in [sealed(&longer, "azconnect 2026-01-01 a"), SecretId::new("rotation/application/10").unwrap()] {
            assert!(!is_sealed_in(&stream, &foreign), "{foreign}");
        }
    }
}
