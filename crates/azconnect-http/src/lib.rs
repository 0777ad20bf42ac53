//! The HTTP pipeline of azconnect: authorization, retry by idempotency, throttling and pages over one port,
//! [`Transport`].
//!
//! A client of a service builds a [`Call`], names a [`Dialect`] (how that service says that something went wrong), and
//! lets the [`Pipeline`] execute it. The pipeline knows no service. With feature `reqwest`, `ReqwestTransport` sends
//! over the network; with feature `clock`, which `reqwest` includes, `SystemClock` tells the time. Tests and emulators bring
//! a transport and a clock of their own.
//!
//! ```
//! use std::sync::Arc;
//! use azconnect_core::Error;
//! use azconnect_http::{Call, Pipeline, PlainDialect, Request, Response, Transport, endpoint};
//! use azconnect_testkit::VirtualClock;
//!
//! /// A service in three lines.
//! struct Greeter;
//!
//! #[async_trait::async_trait]
//! impl Transport for Greeter {
//!     async fn send(&self, request: Request) -> Result<Response, Error> {
//!         Ok(http::Response::new(format!("\"{}\"", request.uri().path()).into()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! let pipeline = Pipeline::new(Arc::new(Greeter), Arc::new(VirtualClock::new()));
//! let base = url::Url::parse("https://example.com").unwrap();
//! // A segment can never change the path, whatever it holds.
//! let url = endpoint(&base, &["greet", "a/../b"])?;
//! let answer = pipeline.execute(Call::get("greeter.greet", url), &PlainDialect).await?;
//! assert_eq!(azconnect_http::json::<String>(&answer)?, "/greet/a%2F..%2Fb");
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "clock", feature = "reqwest"))]
mod adapter;
mod address;
mod answer;
mod authorization;
mod bounds;
mod buffer;
mod call;
mod challenge;
mod dialect;
mod logging;
mod lro;
mod origin;
mod pages;
mod pipeline;
mod redacted;
mod retry_after;
mod service_text;
mod shape;
mod transport;

#[cfg(feature = "clock")]
pub use adapter::SystemClock;
#[cfg(feature = "reqwest")]
pub use adapter::{ReqwestTransport, ReqwestTransportBuilder};
pub use address::{endpoint, require_safe_scheme, with_query};
pub use answer::{json, request_id, sensitive_json};
pub use authorization::{Authorization, Authorizer, Bearer};
pub use bounds::{ListBounds, ListWatch};
pub use buffer::SecretBuffer;
pub use call::{Call, Idempotency, Pace};
pub use dialect::{Dialect, PlainDialect, kind_of_status};
pub use logging::LoggingTransport;
pub use lro::{
    Begun, DoublingToRetryAfter, Eager, Finish, Operation, OperationDialect, OperationOutcome, PollPolicy, Poller,
    Seen, StoredOperation,
};
pub use pages::{PageStyle, Pages};
pub use pipeline::{Pipeline, is_after_doubt};
pub use redacted::{RedactedAddress, redacted};
pub use retry_after::retry_after;
pub use service_text::service_text;
pub use transport::{ByteStream, Request, Response, SendOptions, Transport};
pub use transport::{answer_lost, answer_too_large, no_answer, not_connected};
