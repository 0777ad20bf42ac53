//! Texts of the service, for a person to read.

/// A text of the service for a person: one line, not endless.
pub(crate) fn shown(text: Option<&str>) -> String {
    let text = text.unwrap_or("unknown").chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(300).collect()
}
