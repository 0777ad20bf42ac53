//! A long-running operation, as it must be stored to learn its outcome.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use super::reading::{Source, State, state_of};
use crate::call::Call;
use crate::retry_after::retry_after;
use crate::transport::Response;

/// Where the result of an operation is, once it has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// At the address that was written to (`PUT`, `PATCH`).
    Resource,
    /// At the address in `Location` (`POST` with a result).
    Location,
    /// There is no result (`DELETE`, `POST` without a result).
    Nothing,
}

/// What the first answer to a request says: done, or still running.
#[derive(Debug)]
#[non_exhaustive]
pub enum Begun {
    /// The request is done, and this is its result.
    Done(Response),
    /// The service continues with an operation.
    Running(Operation),
}

/// An operation that goes on at the service. It is what a process stores before it polls, so that another can.
///
/// Its addresses are signed: whoever has one can read the operation. They are kept byte for byte, are part of the
/// serialised form, and never of `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Operation {
    method: Verb,
    resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    finish: Finish,
    /// Whether the operation has succeeded, so that only its result is still to be read.
    #[serde(default)]
    succeeded: bool,
    /// The pause that the first answer named. Not stored: it counts from that answer, and who takes over polls at once.
    #[serde(skip)]
    pub(super) pause: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
    Put,
    Patch,
    Delete,
    Post,
}

impl Begun {
    /// Reads the successful answer to a call. `now` resolves a `Retry-After` that is a date.
    ///
    /// A state in the answer decides first: what has `Succeeded` already is done, whatever the headers say. Otherwise
    /// `Azure-AsyncOperation` is preferred to `Location`, and the resource itself to nothing. A link to another origin
    /// is not followed, since the token would travel with it.
    pub fn of(call: &Call, answer: Response, now: OffsetDateTime) -> Self {
        let mut operation = Operation::new(call);
        operation.follow(answer.headers());
        operation.pause = retry_after(answer.headers(), now);
        let linked = operation.status.is_some() || operation.location.is_some();
        let ended = match answer.status() {
            StatusCode::ACCEPTED => false,
            StatusCode::NO_CONTENT => true,
            _ => match state_of(Source::Resource, answer.body()) {
                Ok(Some(State::Succeeded)) => true,
                Ok(Some(State::Running | State::Failed)) => false,
                // Without a state it has succeeded, unless the headers speak of an operation.
                Ok(None) => !linked || operation.method == Verb::Delete,
                Err(_) => !linked,
            },
        };
        if ended { Self::Done(answer) } else { Self::Running(operation) }
    }
}

impl Operation {
    fn new(call: &Call) -> Self {
        let method = match *call.method() {
            Method::PUT => Verb::Put,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ => Verb::Post,
        };
        let finish = match method {
            Verb::Put | Verb::Patch => Finish::Resource,
            Verb::Delete | Verb::Post => Finish::Nothing,
        };
        let resource = call.url().to_string();
        Self { method, resource, status: None, location: None, finish, succeeded: false, pause: None }
    }

    /// Sets where the result is, where the method does not tell: a `POST` with a result has it at
    /// [`Finish::Location`].
    #[must_use]
    pub fn with_finish(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    /// The address that the request went to.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Takes over the links in the headers of an answer; one that is missing there stays as it was.
    pub(super) fn follow(&mut self, headers: &HeaderMap) {
        if let Some(link) = self.link(headers, "azure-asyncoperation") {
            self.status = Some(link);
        }
        if let Some(link) = self.link(headers, "location") {
            self.location = Some(link);
        }
    }

    /// A link of the same origin, byte for byte.
    fn link(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let text = headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())?;
        let base = Url::parse(&self.resource).ok()?;
        let link = base.join(text).ok().filter(|link| link.origin() == base.origin())?;
        // A relative link has no bytes of its own to keep.
        Some(if text.contains("://") { text.to_owned() } else { link.into() })
    }

    pub(super) fn forget_links(&mut self) {
        self.status = None;
        self.location = None;
    }

    pub(super) fn is_linked(&self) -> bool {
        !self.succeeded && (self.status.is_some() || self.location.is_some())
    }

    pub(super) fn is_delete(&self) -> bool {
        self.method == Verb::Delete
    }

    /// The address to poll next, and what its answer will show.
    pub(super) fn next(&self) -> (Source, &str) {
        if self.succeeded {
            let address = self.location.as_deref().filter(|_| self.finish == Finish::Location);
            return (Source::Result, address.unwrap_or(&self.resource));
        }
        match (&self.status, &self.location) {
            (Some(status), _) => (Source::Status, status),
            (None, Some(location)) if *location == self.resource => (Source::Resource, location),
            (None, Some(location)) => (Source::Location, location),
            (None, None) => (Source::Resource, &self.resource),
        }
    }

    /// Notes success. `true` if the result is still to be read from elsewhere.
    pub(super) fn succeed(&mut self, source: Source) -> bool {
        let elsewhere = match (self.finish, source) {
            (_, Source::Result | Source::Resource) | (Finish::Nothing, _) | (Finish::Location, Source::Location) => {
                false
            }
            (Finish::Resource, _) => true,
            (Finish::Location, _) => self.location.is_some(),
        };
        self.succeeded = elsewhere;
        elsewhere
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |link: &Option<String>| link.as_ref().map(|_| "(signed)");
        f.debug_struct("Operation")
            .field("method", &self.method)
            .field("status", &shown(&self.status))
            .field("location", &shown(&self.location))
            .field("finish", &self.finish)
            .field("succeeded", &self.succeeded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const SIGNED: &str = "https://management.azure.com/op/1?api-version=x&t=63&c=MII~a-_&s=%2fA%3D%3d&h='q'";

    fn begun(call: Call, status: u16, headers: &[(&str, &str)], body: &str) -> Begun {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        Begun::of(&call, answer.body(body.to_owned().into()).unwrap(), datetime!(2026-01-01 00:00 UTC))
    }

    fn url() -> Url {
        Url::parse("https://management.azure.com/r").unwrap()
    }

    fn running(begun: Begun) -> Operation {
        match begun {
            Begun::Running(operation) => operation,
            Begun::Done(_) => panic!("it is done"),
        }
    }

    #[test]
    fn what_succeeds_at_once_is_done_whatever_the_headers_say() {
        let body = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
        let done = begun(Call::put("o", url()), 201, &[("azure-asyncoperation", SIGNED)], body);
        assert!(matches!(done, Begun::Done(_)));
        assert!(matches!(begun(Call::put("o", url()), 200, &[], "{}"), Begun::Done(_)));
        assert!(matches!(begun(Call::delete("o", url()), 204, &[], ""), Begun::Done(_)));
    }

    #[test]
    fn a_signed_address_is_kept_byte_for_byte_and_never_shown() {
        let operation = running(begun(
            Call::put("o", url()),
            201,
            &[("azure-asyncoperation", SIGNED), ("retry-after", "10")],
            "{}",
        ));
        assert_eq!(operation.next(), (Source::Status, SIGNED));
        assert_eq!(operation.pause, Some(Duration::from_secs(10)));
        assert!(!format!("{operation:?}").contains("op/1"));
        let stored = serde_json::to_string(&operation).unwrap();
        let resumed: Operation = serde_json::from_str(&stored).unwrap();
        assert_eq!(resumed.next(), (Source::Status, SIGNED));
    }

    #[test]
    fn a_link_to_another_origin_is_not_followed() {
        let operation = running(begun(Call::delete("o", url()), 202, &[("location", "https://evil.example/op")], ""));
        assert_eq!(operation.next(), (Source::Resource, "https://management.azure.com/r"));
    }

    #[test]
    fn a_relative_link_leads_to_the_same_origin() {
        let operation = running(begun(Call::delete("o", url()), 202, &[("location", "/op?x=1")], ""));
        assert_eq!(operation.next(), (Source::Location, "https://management.azure.com/op?x=1"));
    }

    #[test]
    fn a_state_in_progress_without_links_is_read_from_the_resource() {
        let body = r#"{"properties":{"provisioningState":"Updating"}}"#;
        let operation = running(begun(Call::put("o", url()), 200, &[], body));
        assert_eq!(operation.next().0, Source::Resource);
    }

    #[test]
    fn the_result_of_a_post_is_where_location_says() {
        let headers = [("azure-asyncoperation", SIGNED), ("location", "https://management.azure.com/result")];
        let mut operation = running(begun(Call::post("o", url()), 202, &headers, "")).with_finish(Finish::Location);
        assert!(operation.succeed(Source::Status));
        assert_eq!(operation.next(), (Source::Result, "https://management.azure.com/result"));
    }
}
