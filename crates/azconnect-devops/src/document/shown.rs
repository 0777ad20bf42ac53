//! Texts of the service, for a person to read.

/// A text of the service for a person: on one line, and cut to 300 characters.
pub(crate) fn shown(text: Option<&str>) -> String {
    let text = text.unwrap_or("unknown").chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(300).collect()
}
