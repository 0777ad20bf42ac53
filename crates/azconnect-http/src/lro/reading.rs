//! Reads the state of an operation from one answer.

use azconnect_core::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::value::RawValue;

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

/// The members that may name a state, as text: a tree of an answer takes many times its memory, and a member of another
/// form must not fail the whole.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    #[serde(borrow, default)]
    provisioning_state: Option<&'a RawValue>,
}

/// The state a body names, if any. An empty body names none.
pub(super) fn state_of(source: Source, body: &[u8]) -> Result<Option<State>, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let wrong = || Error::new(ErrorKind::Unexpected, "the status of the operation is not the JSON expected");
    let value: &RawValue = serde_json::from_slice(body).map_err(|_| wrong())?;
    // A result may be a list: it has no state.
    if !value.get().starts_with('{') {
        return Ok(None);
    }
    // What fails here names a member twice. An absent state means success, so this must not be read as an absent one.
    let body: Body<'_> = serde_json::from_str(value.get()).map_err(|_| wrong())?;
    let of_resource = match body.properties.filter(|properties| properties.get().starts_with('{')) {
        Some(properties) => {
            let properties: Properties<'_> = serde_json::from_str(properties.get()).map_err(|_| wrong())?;
            properties.provisioning_state.and_then(text)
        }
        None => None,
    };
    let word = match source {
        // An address that leads to the resource itself answers with the resource.
        Source::Status => body.status.and_then(text).or(of_resource),
        Source::Location | Source::Resource => of_resource,
        Source::Result => None,
    };
    Ok(word.as_deref().map(of_word))
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
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

    #[test]
    fn a_member_of_another_form_names_no_state_and_one_that_is_there_twice_is_no_answer() {
        for body in
            [r#"{"status":7}"#, r#"{"status":{"a":1},"properties":"x"}"#, r#"{"properties":{"provisioningState":[]}}"#]
        {
            assert_eq!(state_of(Source::Status, body.as_bytes()).unwrap(), None, "{body}");
        }
        for body in [
            r#"{"status":"Failed","status":"Succeeded"}"#,
            r#"{"properties":{"provisioningState":"Failed","provisioningState":"Succeeded"}}"#,
            r#"{"status":"Succeeded"} trailing"#,
        ] {
            assert!(state_of(Source::Status, body.as_bytes()).is_err(), "{body}");
        }
    }
}
