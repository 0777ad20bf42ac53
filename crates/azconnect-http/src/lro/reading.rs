//! Reads the state of an operation from one answer.

use azconnect_core::{Error, ErrorKind};
use serde::Deserialize;

/// The kind of address that was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The address in `Azure-AsyncOperation`.
    Status,
    /// The address in `Location`.
    Location,
    /// The address of the resource itself.
    Resource,
    /// The address of the result, after the operation has succeeded.
    Result,
}

/// The state of an operation. A word that is not known counts as running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Succeeded,
    Failed,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    status: serde_json::Value,
    #[serde(default)]
    properties: serde_json::Value,
}

/// The state a body names, if any. An empty body names none.
pub(super) fn state_of(source: Source, body: &[u8]) -> Result<Option<State>, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|_| Error::new(ErrorKind::Unexpected, "the status of the operation is not JSON"))?;
    // A result may be a list: it has no state.
    let Ok(body) = Body::deserialize(value) else { return Ok(None) };
    let of_resource = body.properties.get("provisioningState").and_then(serde_json::Value::as_str);
    let word = match source {
        // An address that leads to the resource itself answers with the resource.
        Source::Status => body.status.as_str().or(of_resource),
        Source::Location | Source::Resource => of_resource,
        Source::Result => None,
    };
    Ok(word.map(of_word))
}

fn of_word(word: &str) -> State {
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    if is("Succeeded") || is("Completed") {
        State::Succeeded
    } else if is("Failed") || is("Canceled") || is("Cancelled") {
        State::Failed
    } else {
        State::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_word_is_known_in_both_spellings() {
        let state = |text: &str| state_of(Source::Status, text.as_bytes()).unwrap();
        assert_eq!(state(r#"{"status":"Succeeded"}"#), Some(State::Succeeded));
        assert_eq!(state(r#"{"status":"Canceled"}"#), Some(State::Failed));
        assert_eq!(state(r#"{"status":"Cancelled"}"#), Some(State::Failed));
        assert_eq!(state(r#"{"status":"InProgress"}"#), Some(State::Running));
        assert_eq!(state(r#"{"properties":{"provisioningState":"Updating"}}"#), Some(State::Running));
    }

    #[test]
    fn an_empty_body_and_a_list_have_no_state_and_a_page_is_no_status() {
        assert_eq!(state_of(Source::Location, b"").unwrap(), None);
        assert_eq!(state_of(Source::Location, b"[1]").unwrap(), None);
        assert_eq!(state_of(Source::Resource, br#"{"status":"Failed"}"#).unwrap(), None);
        assert!(state_of(Source::Status, b"<html>").is_err());
    }
}
