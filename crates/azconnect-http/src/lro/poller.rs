//! Polls an operation until its outcome is known.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, NoRetry, Retry};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::operation::Operation;
use super::policy::{DoublingToRetryAfter, PollPolicy, Seen};
use super::reading::{Source, State, state_of};
use crate::call::{Call, Heard};
use crate::dialect::Dialect;
use crate::pipeline::Pipeline;
use crate::retry_after::retry_after;
use crate::transport::Response;

/// How long after its start an operation whose status is not found counts as in progress.
const NOT_THERE_YET: Duration = Duration::from_secs(60);

/// The shortest pause between two polls, whatever a service or a policy says: a `Retry-After: 0` must not become a storm.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A dialect that also says why an operation failed.
pub trait OperationDialect: Dialect {
    /// The error in a successful answer that names the state `Failed` or `Canceled`.
    fn failure(&self, answer: &Response) -> Error;
}

/// Where an operation stands: what a poll, or waiting, found.
#[derive(Debug)]
#[non_exhaustive]
pub enum OperationOutcome {
    /// The operation goes on. From [`Poller::wait`], it means that the time limit was reached.
    InProgress,
    /// The operation succeeded. The answer is its result, and empty if it has none.
    Done(Response),
    /// The operation failed or was cancelled, as the service says.
    Failed(Error),
    /// The status could not be read. The operation itself goes on, or has ended in a way that is not known.
    Unread(Error),
}

impl OperationOutcome {
    /// The result, or an error for everything else. The effect is unknown unless it was done.
    ///
    /// # Errors
    /// The failure; why the status could not be read; or [`Timeout`](ErrorKind::Timeout) if it still went on.
    pub fn into_result(self) -> Result<Response, Error> {
        match self {
            Self::Done(answer) => Ok(answer),
            Self::Failed(error) | Self::Unread(error) => Err(error),
            Self::InProgress => Err(Error::new(ErrorKind::Timeout, "the operation still goes on")
                .with_advice("wait on: the operation continues at the service")),
        }
    }
}

/// Polls one operation.
///
/// Each poll is one exchange, plus one for a token that has expired and one for the result.
///
/// # Cancel safety
/// Dropping it, or a future of it, loses nothing: [`Poller::operation`] can be polled on by another.
pub struct Poller<'a> {
    pipeline: Pipeline,
    template: Call,
    dialect: &'a dyn OperationDialect,
    policy: Arc<dyn PollPolicy>,
    operation: Operation,
    resumed: bool,
    read: bool,
    started: Duration,
    time_limit: Duration,
    seen: Seen,
}

impl<'a> Poller<'a> {
    /// Polls an operation that this process has just begun: it pauses first. The template brings the operation's name,
    /// the authorizer and the pace; its method, address and body are not sent. Where it is the very call that began the
    /// operation, the service's words about a failure can be shown without what that call sent.
    pub fn new(pipeline: &Pipeline, template: Call, dialect: &'a dyn OperationDialect, operation: Operation) -> Self {
        let heard =
            if operation.may_be_begun_by(&template) { Heard::Body(template.body.clone()) } else { Heard::Unknown };
        let template = Call { heard, ..template };
        let started = pipeline.clock().elapsed();
        let seen = Seen { retry_after: operation.pause, ..Seen::new() };
        // Pauses are the policy's alone, and it must see every throttle.
        let pipeline = pipeline.clone().with_retry(Arc::new(NoRetry));
        Self {
            pipeline,
            template,
            dialect,
            policy: Arc::new(DoublingToRetryAfter),
            operation,
            resumed: false,
            read: false,
            started,
            time_limit: Duration::from_secs(3600),
            seen,
        }
    }

    /// Polls an operation that another process has begun: it polls first.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.resumed = true;
        // What the other process sent is not known here.
        self.template.heard = Heard::Unknown;
        self
    }

    /// Sets the policy that decides when to poll.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn PollPolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how long [`Poller::wait`] waits; an hour by default.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// The operation as it stands now, to be stored.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Polls, in the pace of the policy, until the outcome is known or the time limit is reached.
    pub async fn wait(&mut self) -> OperationOutcome {
        let mut at_once = self.resumed;
        let mut last = OperationOutcome::InProgress;
        loop {
            self.seen.elapsed = self.pipeline.clock().elapsed().saturating_sub(self.started);
            if !at_once {
                let Some(pause) = self.policy.pause(&self.seen) else { return last };
                let pause = pause.max(SHORTEST_PAUSE);
                if self.seen.elapsed.saturating_add(pause) > self.time_limit {
                    return last;
                }
                self.pipeline.clock().sleep(pause).await;
            }
            let linked = self.operation.is_linked();
            last = self.poll().await;
            match &last {
                OperationOutcome::Done(_) | OperationOutcome::Failed(_) => return last,
                OperationOutcome::Unread(error) if !may_be_read_later(error) => return last,
                _ => {}
            }
            // The links have just been given up for the resource itself: nothing to wait for.
            at_once = linked && !self.operation.is_linked();
        }
    }

    /// Polls once, without a pause.
    pub async fn poll(&mut self) -> OperationOutcome {
        loop {
            self.seen.polls += 1;
            let (source, address) = self.operation.next();
            let call = match self.template.clone().with_method(Method::GET).to_verbatim(address) {
                Ok(call) => call,
                Err(error) => return OperationOutcome::Unread(error.in_operation(self.template.operation())),
            };
            let outcome = match self.pipeline.execute(call, self.dialect).await {
                Ok(answer) => self.answered(source, answer),
                Err(error) => Some(self.refused(source, error)),
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// Takes in a poll that was answered. `None` if the result is to be read next.
    fn answered(&mut self, source: Source, answer: Response) -> Option<OperationOutcome> {
        let state = match answer.status() {
            StatusCode::ACCEPTED => Ok(Some(State::Running)),
            _ => state_of(source, answer.body()),
        };
        let state = match state {
            // The service leaves the state out of many answers; an absent one means that it succeeded.
            Ok(state) => state.unwrap_or(State::Succeeded),
            Err(error) => {
                self.seen.unread += 1;
                return Some(OperationOutcome::Unread(error.in_operation(self.template.operation())));
            }
        };
        self.read = true;
        self.seen.unread = 0;
        self.seen.throttled = false;
        self.seen.remaining = remaining(answer.headers()).or(self.seen.remaining);
        self.seen.retry_after = retry_after(answer.headers(), self.pipeline.clock().now()).or(self.seen.retry_after);
        match state {
            State::Running => {
                self.operation.follow(answer.headers());
                Some(OperationOutcome::InProgress)
            }
            // A deletion that succeeded leaves no resource that could say so.
            State::Succeeded if source == Source::Resource && self.operation.is_delete() && shows(&answer) => {
                Some(self.still_there())
            }
            State::Succeeded if self.operation.succeed(source) => None,
            State::Succeeded => Some(OperationOutcome::Done(answer)),
            State::Failed => {
                Some(OperationOutcome::Failed(self.dialect.failure(&answer).in_operation(self.template.operation())))
            }
        }
    }

    /// What a resource that is to be deleted, and is there without a sign of it, says of the deletion.
    fn still_there(&self) -> OperationOutcome {
        let elapsed = self.pipeline.clock().elapsed().saturating_sub(self.started);
        if elapsed < NOT_THERE_YET {
            return OperationOutcome::InProgress;
        }
        let error = Error::new(ErrorKind::Conflict, "the resource is still there, and nothing deletes it any more")
            .with_effect(Effect::Unknown)
            .in_operation(self.template.operation())
            .with_advice("delete it again; if it stays, look for a lock or for what still uses it");
        OperationOutcome::Failed(error)
    }

    fn refused(&mut self, source: Source, error: Error) -> OperationOutcome {
        let missing = error.http_status() == Some(404);
        // What is to be deleted is gone: that is the success of a deletion, not a failure to read.
        if missing && source == Source::Resource && self.operation.is_delete() {
            let mut gone = http::Response::new(Bytes::new());
            *gone.status_mut() = StatusCode::NO_CONTENT;
            return OperationOutcome::Done(gone);
        }
        if missing {
            let elapsed = self.pipeline.clock().elapsed().saturating_sub(self.started);
            // Soon after the start, the service may not show an operation yet that it has accepted.
            if !self.read && !self.resumed && elapsed < NOT_THERE_YET {
                return OperationOutcome::InProgress;
            }
            if self.operation.is_linked() {
                // The service has forgotten the operation; the resource itself still knows its state.
                self.operation.forget_links();
                return OperationOutcome::InProgress;
            }
        }
        // Only the caller that began an operation may read its status: another, who takes over after a new sign-in, never
        // can. The resource shows its own state to whoever may read that.
        if error.kind() == ErrorKind::PermissionDenied && self.operation.is_linked() && self.operation.has_resource() {
            self.operation.forget_links();
            return OperationOutcome::InProgress;
        }
        self.seen.unread += 1;
        self.seen.throttled = error.kind() == ErrorKind::Throttled;
        if let Retry::After(pause) = error.retry() {
            self.seen.retry_after = Some(pause);
        }
        OperationOutcome::Unread(error)
    }
}

/// Whether an answer shows a resource.
fn shows(answer: &Response) -> bool {
    !answer.body().iter().all(u8::is_ascii_whitespace)
}

fn may_be_read_later(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::Unauthenticated
            | ErrorKind::InvalidInput
            | ErrorKind::Unsupported
            | ErrorKind::NotFound
            | ErrorKind::Corrupt
    )
}

/// The budget of operation reads in `x-ms-ratelimit-remaining-resource`, such as
/// `Microsoft.Compute/GetOperationResource;44`.
fn remaining(headers: &HeaderMap) -> Option<u32> {
    headers
        .get_all("x-ms-ratelimit-remaining-resource")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| entry.split_once(';'))
        .filter(|(name, _)| name.contains("GetOperation"))
        .filter_map(|(_, count)| count.trim().parse().ok())
        .min()
}
