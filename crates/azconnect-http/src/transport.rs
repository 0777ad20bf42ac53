//! The transport, as a port: one request and its answer over the network.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;

/// A request with its whole body.
pub type Request = http::Request<Bytes>;

/// An answer with its whole body.
pub type Response = http::Response<Bytes>;

/// The body of an answer, as a stream of pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// How many bytes of an answer are read unless its call says otherwise. A document of small parts takes about 70 times its
/// size in memory once it is parsed.
const ANSWER_BYTES: usize = 1024 * 1024;

/// How many bytes of an answer are read that is no success: it explains itself in a few kilobytes.
const REFUSAL_BYTES: usize = 256 * 1024;

/// What one attempt may cost. Travels in the request's extensions; a transport reads it with [`SendOptions::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// The largest body, in bytes, that is read; a longer one is an error. Ignored by [`Transport::stream`]. Of an answer
    /// that is no success, 256 KiB are read at most.
    pub answer_limit: usize,
    /// The longest time from the start to the last byte of the answer.
    pub timeout: Duration,
    /// Whether the request must use a connection that carried no other request, so that a load balancer chooses anew.
    pub fresh_connection: bool,
    /// Whether somebody else named the host, so that it must not be in a network that only this machine can see. A
    /// transport that connects over a network must hold to it.
    pub foreign_host: bool,
    /// Whether the host is the platform that this process runs on, such as the metadata service of a virtual machine. It is
    /// asked directly, never through a proxy, and may speak plain `http` where only this machine or its neighbours can hear
    /// it: see [`require_safe_address`](crate::require_safe_address).
    pub platform_host: bool,
    /// Whether the answer may come compressed: worth it for long lists. Limits hold for what it is afterwards. An answer that
    /// holds a secret is not asked for so, since the decompressor keeps a copy of the last 32 KiB that it is done with.
    pub compressed_answer: bool,
}

impl Default for SendOptions {
    /// The default: an answer of at most 1 MiB, uncompressed, within 60 seconds, over any connection.
    fn default() -> Self {
        Self {
            answer_limit: ANSWER_BYTES,
            timeout: Duration::from_secs(60),
            fresh_connection: false,
            foreign_host: false,
            platform_host: false,
            compressed_answer: false,
        }
    }
}

impl SendOptions {
    /// The options of a request, or the default ones.
    pub fn of(request: &Request) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    /// The largest body, in bytes, that is read of an answer with this status.
    pub fn limit_for(&self, status: StatusCode) -> usize {
        if status.is_success() { self.answer_limit } else { self.answer_limit.min(REFUSAL_BYTES) }
    }

    /// Sets the largest body, in bytes, that is read.
    #[must_use]
    pub fn with_answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// Sets the longest time from the start to the last byte of the answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets whether the request must use a new connection.
    #[must_use]
    pub fn with_fresh_connection(mut self, fresh: bool) -> Self {
        self.fresh_connection = fresh;
        self
    }

    /// Sets whether somebody else named the host.
    #[must_use]
    pub fn with_foreign_host(mut self, foreign: bool) -> Self {
        self.foreign_host = foreign;
        self
    }

    /// Sets whether the host is the platform that this process runs on.
    #[must_use]
    pub fn with_platform_host(mut self, platform: bool) -> Self {
        self.platform_host = platform;
        self
    }

    /// Sets whether the answer may come compressed.
    #[must_use]
    pub fn with_compressed_answer(mut self, compressed: bool) -> Self {
        self.compressed_answer = compressed;
        self
    }
}

/// Sends one request once, and returns whatever was answered: every status is an `Ok`.
///
/// It follows no redirect, repeats nothing that the service may have seen, and adds no header of its own beyond what HTTP
/// needs. It never compresses a request. A compressed answer is handed over as it was before, held to its limit in that form.
///
/// What the suite `azconnect_testkit::conformance::transport` enforces, besides the errors below: a request arrives as it
/// was sent, once, whatever becomes of it; every status is an `Ok`, a redirect too; status, headers and body come back as
/// they were given; an answer of exactly [`SendOptions::answer_limit`] is read; a stream brings what a whole answer holds;
/// a fresh connection carried no other request; and no error shows an address or a credential.
///
/// # Errors of every implementation
/// [`Unavailable`](ErrorKind::Unavailable) with effect [`None`](Effect::None) if the connection could not be made, so
/// the service saw nothing; [`Unavailable`](ErrorKind::Unavailable) or [`Timeout`](ErrorKind::Timeout) with effect
/// [`Unknown`](Effect::Unknown) if it broke later; [`Unexpected`](ErrorKind::Unexpected) if the answer is too large;
/// [`InvalidInput`](ErrorKind::InvalidInput) for an address it will not talk to, such as plain `http` beyond loopback.
///
/// # Cancel safety
/// A dropped request may or may not have been applied.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer, within [`SendOptions`].
    async fn send(&self, request: Request) -> Result<Response, Error>;

    /// Sends a request and hands the answer's body over as it comes: for answers that do not fit in memory.
    ///
    /// The default reads it whole first, within [`SendOptions::answer_limit`].
    async fn stream(&self, request: Request) -> Result<http::Response<ByteStream>, Error> {
        let answer = self.send(request).await?;
        Ok(answer.map(|body| Box::pin(futures_util::stream::iter([Ok(body)])) as ByteStream))
    }
}

/// The error for a connection that could not be made: the service saw nothing.
pub fn not_connected(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    // A request is written to a connection that stands, so it was not written to any.
    Error::new(ErrorKind::Unavailable, "no connection to the service")
        .with_effect(Effect::None)
        .with_advice("check the network, the name and the proxy, then try again")
        .with_source(source)
}

/// The error for an answer that was lost: the service may have acted.
pub fn answer_lost(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, "the connection broke before the answer was complete").with_source(source)
}

/// The error for an answer that did not come in time: the service may have acted.
pub fn no_answer(timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no complete answer within {} s", timeout.as_secs()))
}

/// The error for a body beyond [`SendOptions::answer_limit`].
pub fn answer_too_large(limit: usize) -> Error {
    Error::new(ErrorKind::Unexpected, format!("the answer is larger than {limit} bytes"))
        .with_advice("raise the limit of this call, or ask for less")
}
