//! What of a service's text a report shows.

/// The longest text of a service that is shown. No name of anything has more characters.
const LONGEST: usize = 128;

/// A text of a service as a page or a terminal can show it: not empty, not long, in one line. `None` for any other.
pub(super) fn shown(text: &str) -> Option<&str> {
    (!text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)).then_some(text)
}
