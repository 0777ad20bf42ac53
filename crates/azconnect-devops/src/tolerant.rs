//! Reading fields that may be absent, null, or written otherwise than documented.

use azconnect_core::Error;
use serde::{Deserialize, Deserializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Reads `null` as the default.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads `null` as an empty list.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a moment in RFC 3339; any other text is `None`.
pub(crate) fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Writes a moment in RFC 3339, in UTC.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field, for a moment that this form cannot say.
pub(crate) fn moment_text(field: &'static str, moment: OffsetDateTime) -> Result<String, Error> {
    let text = moment.checked_to_offset(UtcOffset::UTC).and_then(|moment| moment.format(&Rfc3339).ok());
    // Not written as nothing: the service would choose an end of its own.
    text.ok_or_else(|| {
        Error::invalid(field, "lies beyond the years 0 to 9999").with_advice("choose an end within a year")
    })
}

/// A list as the service wraps it.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct List<T> {
    /// Required: an answer without it is no list, and must not be read as an empty one.
    pub(crate) value: Vec<T>,
}
