//! A long-running operation that this process may poll.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use time::OffsetDateTime;
use url::Url;

use super::reading::{Source, State, state_of};
use super::stored::{Finish, StoredOperation, Verb};
use crate::call::Call;
use crate::origin::Origin;
use crate::retry_after::retry_after;
use crate::transport::Response;

/// What the first answer to a request says: done, or still running.
#[derive(Debug)]
#[non_exhaustive]
pub enum Begun {
    /// The request is done, and this is its result.
    Done(Response),
    /// The service continues with an operation.
    Running(Operation),
}

/// An operation that goes on at the service. What a process stores of it is a [`StoredOperation`].
///
/// All its addresses are of the origin of the call that began it: one that is not is never taken in, whether a service
/// names it or a store gives it back. They are signed: whoever has one can read the operation. They are kept byte for byte,
/// and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    kept: StoredOperation,
    /// The pause that the first answer named. Not stored: it counts from that answer, and who takes over polls at once.
    pub(super) pause: Option<Duration>,
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
        let linked = operation.is_linked();
        let ended = match answer.status() {
            StatusCode::ACCEPTED => false,
            StatusCode::NO_CONTENT => true,
            _ => match state_of(Source::Resource, answer.body()) {
                Ok(Some(State::Succeeded)) => true,
                Ok(Some(State::Running | State::Failed)) => false,
                // Without a state it has succeeded, unless the headers speak of an operation.
                Ok(None) => !linked || operation.is_delete(),
                Err(_) => !linked,
            },
        };
        if ended { Self::Done(answer) } else { Self::Running(operation) }
    }
}

/// The verb that is kept of a call.
fn verb_of(call: &Call) -> Verb {
    match *call.method() {
        Method::PUT => Verb::Put,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ => Verb::Post,
    }
}

impl Operation {
    fn new(call: &Call) -> Self {
        let method = verb_of(call);
        let finish = match method {
            Verb::Put | Verb::Patch => Finish::Resource,
            Verb::Delete | Verb::Post => Finish::Nothing,
        };
        let resource = call.url().to_string();
        let kept = StoredOperation { method, resource, status: None, location: None, finish, succeeded: false };
        Self { kept, pause: None }
    }

    /// An operation whose addresses were checked.
    pub(super) fn checked(kept: StoredOperation) -> Self {
        Self { kept, pause: None }
    }

    /// What must be stored to poll the operation on from another process.
    pub fn stored(&self) -> StoredOperation {
        self.kept.clone()
    }

    /// Sets where the result is, where the method does not tell: a `POST` with a result has it at
    /// [`Finish::Location`].
    #[must_use]
    pub fn with_finish(mut self, finish: Finish) -> Self {
        self.kept.finish = finish;
        self
    }

    /// The address that the request went to.
    pub fn resource(&self) -> &str {
        &self.kept.resource
    }

    /// Takes over the links in the headers of an answer; one that is missing there stays as it was.
    pub(super) fn follow(&mut self, headers: &HeaderMap) {
        if let Some(link) = self.link(headers, "azure-asyncoperation") {
            self.kept.status = Some(link);
        }
        if let Some(link) = self.link(headers, "location") {
            self.kept.location = Some(link);
        }
    }

    /// A link of the same origin, byte for byte.
    fn link(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let text = headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())?;
        let base = Url::parse(&self.kept.resource).ok()?;
        let origin = Origin::of(&base);
        // A relative link has no bytes of its own to keep.
        if Url::parse(text).is_ok() { origin.adopt(text) } else { origin.adopt(base.join(text).ok()?.as_str()) }
    }

    /// Whether a call looks like the one that began this operation: its method and address are the same, and a write has a body.
    pub(super) fn may_be_begun_by(&self, call: &Call) -> bool {
        let has_body = !call.body.is_empty() || matches!(self.kept.method, Verb::Delete | Verb::Post);
        verb_of(call) == self.kept.method && call.url().as_str() == self.kept.resource && has_body
    }

    pub(super) fn forget_links(&mut self) {
        self.kept.status = None;
        self.kept.location = None;
    }

    pub(super) fn is_linked(&self) -> bool {
        !self.kept.succeeded && (self.kept.status.is_some() || self.kept.location.is_some())
    }

    pub(super) fn is_delete(&self) -> bool {
        self.kept.method == Verb::Delete
    }

    /// Whether the address that the request went to shows a resource, and with it a state. That of a `POST` shows none.
    pub(super) fn has_resource(&self) -> bool {
        self.kept.method != Verb::Post
    }

    /// The address to poll next, and what its answer will show.
    pub(super) fn next(&self) -> (Source, &str) {
        if self.kept.succeeded {
            let address = self.kept.location.as_deref().filter(|_| self.kept.finish == Finish::Location);
            return (Source::Result, address.unwrap_or(&self.kept.resource));
        }
        match (&self.kept.status, &self.kept.location) {
            (Some(status), _) => (Source::Status, status),
            (None, Some(location)) if *location == self.kept.resource => (Source::Resource, location),
            (None, Some(location)) => (Source::Location, location),
            (None, None) => (Source::Resource, &self.kept.resource),
        }
    }

    /// Notes success. `true` if the result is still to be read from elsewhere.
    pub(super) fn succeed(&mut self, source: Source) -> bool {
        let elsewhere = match (self.kept.finish, source) {
            (_, Source::Result | Source::Resource) | (Finish::Nothing, _) | (Finish::Location, Source::Location) => {
                false
            }
            (Finish::Resource, _) => true,
            (Finish::Location, _) => self.kept.location.is_some(),
        };
        self.kept.succeeded = elsewhere;
        elsewhere
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.kept, f)
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
        let stored = serde_json::to_string(&operation.stored()).unwrap();
        let resumed: StoredOperation = serde_json::from_str(&stored).unwrap();
        let resumed = resumed.resume(&Call::put("o", url())).unwrap();
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

    #[test]
    fn a_link_that_another_reader_could_take_elsewhere_is_not_followed() {
        for link in ["https://x@management.azure.com/op", "https://management.azure.com\\@evil.example/op"] {
            let operation = running(begun(Call::delete("o", url()), 202, &[("location", link)], ""));
            assert_eq!(operation.next(), (Source::Resource, "https://management.azure.com/r"), "{link}");
        }
    }

    #[test]
    fn a_link_with_the_port_that_goes_without_saying_is_followed() {
        let link = "https://management.azure.com:443/op?s=%2f";
        let operation = running(begun(Call::delete("o", url()), 202, &[("location", link)], ""));
        assert_eq!(operation.next(), (Source::Location, "https://management.azure.com/op?s=%2f"));
    }

    #[test]
    fn a_relative_link_may_hold_an_address() {
        let operation = running(begun(Call::delete("o", url()), 202, &[("location", "/op?u=https://e.example")], ""));
        assert_eq!(operation.next().1, "https://management.azure.com/op?u=https://e.example");
    }
}
