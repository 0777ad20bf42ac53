//! Sends a call until it succeeds, fails for good, or its time is up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Attempt, Clock, Effect, Error, ErrorKind, ExponentialBackoff, Retry, RetryPolicy};
use futures_util::future::{Either, select};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use tracing::{Instrument, Span, debug_span, field};
use uuid::Uuid;

use crate::answer::request_id;
use crate::authorization::Authorization;
use crate::buffer::SecretBuffer;
use crate::call::{Call, Heard, Idempotency};
use crate::challenge::claims_wanted;
use crate::dialect::Dialect;
use crate::retry_after::retry_after;
use crate::service_text::Sent;
use crate::transport::{ByteStream, Request, Response, SendOptions, Transport, answer_too_large, no_answer};

/// The longest pause that a call waits through, unless its pipeline says otherwise. A caller that holds a lease or a person's
/// attention must not wait longer without knowing.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Executes calls over a transport. Cheap to clone.
///
/// What it guarantees:
/// - a call that is not idempotent is sent again only after an answer that proves that nothing was applied; once one
///   attempt's effect is unknown, the whole call's is;
/// - a pause a service names is never undercut, never shortens the pipeline's own, and one that is longer than the pipeline waits ends the call with an error
///   that names it, so that the caller waits without holding a call;
/// - a 401 makes it fetch one fresh token and try once more;
/// - every attempt carries the same `x-ms-client-request-id`, which also stands in the span;
/// - spans (`azconnect.http`) hold operation, attempt, status and request id, never a header, an address or a body.
#[derive(Clone)]
pub struct Pipeline {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    retry: Arc<dyn RetryPolicy>,
    time_limit: Duration,
    longest_pause: Duration,
}

impl Pipeline {
    /// A pipeline with [`ExponentialBackoff::default`], a time limit of 5 minutes a call, and pauses of at most 30 seconds
    /// on the word of a service.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let retry = Arc::new(ExponentialBackoff::default());
        Self { transport, clock, retry, time_limit: Duration::from_secs(300), longest_pause: LONGEST_PAUSE }
    }

    /// Sets the policy that decides when to try again.
    #[must_use]
    pub fn with_retry(mut self, retry: Arc<dyn RetryPolicy>) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the longest time of all attempts and pauses of a call.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the longest pause that a call waits through because a service asked for it, whether before its first attempt or
    /// between two. A longer one ends the call at once with [`Retry::After`].
    #[must_use]
    pub fn with_longest_pause(mut self, longest_pause: Duration) -> Self {
        self.longest_pause = longest_pause;
        self
    }

    /// The clock with which it measures time limits and pauses.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// The transport that it sends requests over.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Executes a call and returns its successful answer.
    ///
    /// # Errors
    /// What the dialect made of the last answer, or the transport's error, with operation and request id. The message
    /// of a call that was tried several times says how often and how long. [`Throttled`](ErrorKind::Throttled) with
    /// [`Retry::After`] and without an attempt if the call's [`Pace`](crate::Pace) asks for a longer pause than the
    /// pipeline waits.
    ///
    /// # Cancel safety
    /// As the call itself: a dropped call that is not idempotent may have been applied.
    pub async fn execute(&self, call: Call, dialect: &dyn Dialect) -> Result<Response, Error> {
        let call = &call;
        let sender = |request: Request, sent: Option<Sent>, timeout: Duration| async move {
            let options = SendOptions::of(&request);
            let answer = self.within(timeout, self.transport.send(request)).await?;
            require_bounded(&answer, options)?;
            if let Some(pace) = &call.pace {
                pace.observe(&answer);
            }
            let mut answer = self.judged(answer, sent, dialect)?;
            // Only the status of an operation may tell of a refusal in a success.
            if matches!(call.heard, Heard::Nothing) {
                answer.extensions_mut().remove::<Sent>();
            }
            Ok(answer)
        };
        self.attempts(call, sender).await
    }

    /// Executes a call whose answer is too large to hold. The body of a failure is read whole, within the limit.
    ///
    /// # Errors
    /// As [`Pipeline::execute`]. Once the stream has begun nothing is retried; its errors come through the stream.
    pub async fn execute_streaming(
        &self,
        call: Call,
        dialect: &dyn Dialect,
    ) -> Result<http::Response<ByteStream>, Error> {
        // What is too large to hold is worth compressing.
        let call = &call.with_compressed_answer();
        let sender = |request: Request, sent: Option<Sent>, timeout: Duration| async move {
            let options = SendOptions::of(&request);
            let answer = self.within(timeout, self.transport.stream(request)).await?;
            if let Some(pace) = &call.pace {
                pace.observe(&head_of(&answer));
            }
            if answer.status().is_success() {
                return Ok(answer);
            }
            let answer = self.within(timeout, collect(answer, options)).await?;
            let answer = self.judged(answer, sent, dialect)?;
            Ok(answer.map(|body| Box::pin(futures_util::stream::iter([Ok(body)])) as ByteStream))
        };
        self.attempts(call, sender).await
    }

    async fn attempts<T, F>(
        &self,
        call: &Call,
        sender: impl Fn(Request, Option<Sent>, Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
        T: Answered,
    {
        let id = Uuid::new_v4();
        let started = self.clock.elapsed();
        let time_limit = call.time_limit.unwrap_or(self.time_limit);
        let mut renewed = false;
        let mut number = 0;
        // Once one attempt's effect is unknown, the whole call's is: a later refusal does not undo it.
        let mut effect = Effect::None;
        loop {
            number += 1;
            if let Some(pace) = &call.pace {
                let ready = pace.ready(self.longest_pause).await;
                ready.map_err(|left| overall(asked_to_wait(call, left), effect))?;
            }
            let span = debug_span!("azconnect.http", operation = call.operation, attempt = number,
                client_request_id = %id, status = field::Empty, request_id = field::Empty, effect = field::Empty);
            let authorization = self.authorization(call).instrument(span.clone()).await;
            let authorization = authorization.map_err(|error| overall(error, effect))?;
            // After the pace and the token, both of which may have waited.
            let left = time_limit.saturating_sub(self.clock.elapsed().saturating_sub(started));
            if left.is_zero() {
                return Err(overall(too_late(call), effect));
            }
            let request = build(call, id, authorization.as_ref(), left)?;
            let sent = Sent::of(call, authorization.as_ref());
            let outcome = sender(request, sent, call.options.timeout.min(left)).instrument(span.clone()).await;
            let error = match outcome {
                Ok(mut answer) => {
                    answer.record(&span);
                    if effect != Effect::None {
                        answer.mark();
                    }
                    return Ok(answer);
                }
                Err(error) => error.in_operation(call.operation),
            };
            record_error(&span, &error);
            if error.effect() != Effect::None {
                effect = Effect::Unknown;
            }
            let refused = error.kind() == ErrorKind::Unauthenticated && is_safe(call, &error);
            // At once and only once: if a fresh token is refused as well, the token is not what is wrong.
            if refused && !renewed && self.renew(call, authorization.as_ref(), &error).await {
                renewed = true;
                continue;
            }
            let elapsed = self.clock.elapsed().saturating_sub(started);
            match self.pause(call, id, number, elapsed, &error) {
                // A pause that ends after the time limit would only delay the error.
                Some(pause) if elapsed.saturating_add(pause) < time_limit => self.clock.sleep(pause).await,
                _ => return Err(tried(overall(error, effect), number, elapsed)),
            }
        }
    }

    async fn authorization(&self, call: &Call) -> Result<Option<Authorization>, Error> {
        match &call.authorizer {
            Some(authorizer) => Ok(Some(authorizer.authorize().await?)),
            None => Ok(None),
        }
    }

    async fn renew(&self, call: &Call, refused: Option<&Authorization>, refusal: &Error) -> bool {
        match (&call.authorizer, refused) {
            (Some(authorizer), Some(refused)) => authorizer.refused(refused, refusal).await,
            _ => false,
        }
    }

    /// The pause before a repetition, if one is safe and the policy wants it.
    fn pause(&self, call: &Call, id: Uuid, number: u32, elapsed: Duration, error: &Error) -> Option<Duration> {
        let is_too_long = error.retry().named_pause().is_some_and(|named| named > self.longest_pause);
        if !is_safe(call, error) || error.retry() == Retry::No || is_too_long {
            return None;
        }
        // The request id is random: spread callers by it, so that a replayed id replays its pauses.
        let jitter = f64::from(id.as_u128() as u32 ^ number.wrapping_mul(0x9e37_79b9)) / f64::from(u32::MAX);
        self.retry.pause(&Attempt::new(number, elapsed, error, jitter))
    }

    async fn within<T>(&self, timeout: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let work = pin!(work);
        // The pipeline measures as well as the transport, by its own clock, which tests can move.
        let timer = self.clock.sleep(timeout);
        match select(work, timer).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(no_answer(timeout)),
        }
    }

    /// What the dialect makes of an answer, which knows what was sent, so that its text can be shown without that.
    fn judged(&self, mut answer: Response, sent: Option<Sent>, dialect: &dyn Dialect) -> Result<Response, Error> {
        if let Some(sent) = sent {
            answer.extensions_mut().insert(sent);
        }
        match dialect.judge(&answer) {
            Ok(()) => Ok(answer),
            Err(error) => Err(self.complete(error, &answer)),
        }
    }

    /// Adds to an error what its answer carries: the status, the request id and the pause that it asks for.
    fn complete(&self, error: Error, answer: &Response) -> Error {
        let status = answer.status().as_u16();
        let mut error = if error.http_status().is_none() { error.with_http_status(status) } else { error };
        if let (None, Some(id)) = (error.request_id(), request_id(answer)) {
            error = error.with_request_id(id);
        }
        if let (401, None, Some(claims)) = (status, error.claims(), claims_wanted(answer.headers())) {
            error = error.with_claims(claims);
        }
        match (error.retry(), retry_after(answer.headers(), self.clock.now())) {
            (Retry::Backoff, Some(pause)) => error.with_retry(Retry::After(pause)),
            _ => error,
        }
    }
}

/// Whether a failed call may be sent again.
fn is_safe(call: &Call, error: &Error) -> bool {
    call.idempotency == Idempotency::Idempotent || error.effect() == Effect::None
}

/// The time limit was reached while the next attempt was prepared, so that attempt was not sent.
fn too_late(call: &Call) -> Error {
    Error::new(ErrorKind::Timeout, "the time limit was reached before the request could be sent")
        .in_operation(call.operation)
        .with_effect(Effect::None)
}

/// The service asked for a pause that is longer than a call waits, so nothing was sent.
fn asked_to_wait(call: &Call, left: Duration) -> Error {
    Error::new(ErrorKind::Throttled, "the service asked for a pause, so it was not asked again")
        .in_operation(call.operation)
        .with_effect(Effect::None)
        .with_retry(Retry::After(left))
}

/// The last error with what is known of the effect of all attempts.
fn overall(error: Error, effect: Effect) -> Error {
    match effect {
        Effect::None => error,
        _ => error.with_effect(effect),
    }
}

/// The mark of an answer that came after an attempt of which nobody knows whether it was applied.
#[derive(Clone, Copy)]
struct AfterDoubt;

/// Whether an earlier attempt of the call that was answered may have been applied as well. What the answer says of the state
/// before it, such as *not there*, may then be that attempt's doing.
pub fn is_after_doubt(answer: &Response) -> bool {
    answer.extensions().get::<AfterDoubt>().is_some()
}

/// An answer of which status and request id can be recorded, whether its body is read or not.
trait Answered {
    fn record(&self, span: &Span);
    fn mark(&mut self);
}

impl Answered for Response {
    fn record(&self, span: &Span) {
        span.record("status", self.status().as_u16());
        if let Some(id) = request_id(self) {
            span.record("request_id", id);
        }
    }

    fn mark(&mut self) {
        self.extensions_mut().insert(AfterDoubt);
    }
}

impl Answered for http::Response<ByteStream> {
    fn record(&self, span: &Span) {
        span.record("status", self.status().as_u16());
    }

    fn mark(&mut self) {
        self.extensions_mut().insert(AfterDoubt);
    }
}

fn build(call: &Call, id: Uuid, authorization: Option<&Authorization>, left: Duration) -> Result<Request, Error> {
    let mut request = http::Request::new(call.body.clone());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = match &call.verbatim {
        Some(uri) => uri.clone(),
        None => call
            .url
            .as_str()
            .parse()
            .map_err(|_| Error::invalid("address", "cannot be sent").in_operation(call.operation))?,
    };
    *request.headers_mut() = call.headers.clone();
    let headers = request.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        if let Some(name) = &call.request_id_header {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(CLIENT_REQUEST_ID, value);
    }
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.header.clone());
    }
    let options = SendOptions { timeout: call.options.timeout.min(left), ..call.options };
    request.extensions_mut().insert(options);
    Ok(request)
}

fn record_error(span: &Span, error: &Error) {
    if let Some(status) = error.http_status() {
        span.record("status", status);
    }
    if let Some(id) = error.request_id() {
        span.record("request_id", id);
    }
    span.record("effect", field::debug(error.effect()));
}

/// Adds to the message how often and how long it was tried, if more than once.
fn tried(error: Error, attempts: u32, elapsed: Duration) -> Error {
    if attempts < 2 {
        return error;
    }
    let message = format!("{}, after {attempts} attempts in {} s", error.message(), elapsed.as_secs());
    error.with_message(message)
}

/// Holds an answer to the limit, whatever transport brought it.
fn require_bounded(answer: &Response, options: SendOptions) -> Result<(), Error> {
    let limit = options.limit_for(answer.status());
    if answer.body().len() > limit { Err(answer_too_large(limit)) } else { Ok(()) }
}

/// The status and headers of an answer, without its body.
fn head_of(answer: &http::Response<ByteStream>) -> Response {
    let mut head = Response::default();
    *head.status_mut() = answer.status();
    *head.headers_mut() = answer.headers().clone();
    head
}

async fn collect(answer: http::Response<ByteStream>, options: SendOptions) -> Result<Response, Error> {
    use futures_util::StreamExt;
    let limit = options.limit_for(answer.status());
    let (parts, mut stream) = answer.into_parts();
    let mut body = SecretBuffer::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if body.len() + piece.len() > limit {
            return Err(answer_too_large(limit));
        }
        body.push(&piece);
    }
    Ok(http::Response::from_parts(parts, body.into()))
}
