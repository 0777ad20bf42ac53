//! A transport that logs one line a request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error};

use crate::answer::request_id;
use crate::redacted::redacted;
use crate::transport::{ByteStream, Request, Response, Transport};

/// Logs every exchange of another transport, in one line at level `INFO` (target `azconnect.transport`): method, address,
/// status, milliseconds, and the service's id of the request. The address is [`redacted`](crate::redacted()); no header and no
/// body is logged.
///
/// The pipeline's own spans tell operations and attempts and hold no address; this is for whoever must see where requests go.
pub struct LoggingTransport {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl LoggingTransport {
    /// A transport that logs what goes through another one, and how long it took by a clock.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock }
    }

    fn log<B>(
        &self,
        method: &http::Method,
        address: &str,
        begun: Duration,
        outcome: &Result<http::Response<B>, Error>,
    ) {
        let milliseconds = self.clock.elapsed().saturating_sub(begun).as_millis();
        match outcome {
            Ok(answer) => tracing::info!(
                target: "azconnect.transport", %method, address, status = answer.status().as_u16(), milliseconds,
                request_id = request_id_of(answer), "answered"
            ),
            // A transport's error shows no address and no credential.
            Err(error) => {
                tracing::info!(target: "azconnect.transport", %method, address, milliseconds, %error, "not answered")
            }
        }
    }
}

fn request_id_of<B>(answer: &http::Response<B>) -> Option<String> {
    let mut head = Response::default();
    *head.headers_mut() = answer.headers().clone();
    request_id(&head).map(str::to_owned)
}

#[async_trait]
impl Transport for LoggingTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (method, address) = (request.method().clone(), redacted(request.uri()).to_string());
        let begun = self.clock.elapsed();
        let outcome = self.inner.send(request).await;
        self.log(&method, &address, begun, &outcome);
        outcome
    }

    async fn stream(&self, request: Request) -> Result<http::Response<ByteStream>, Error> {
        let (method, address) = (request.method().clone(), redacted(request.uri()).to_string());
        let begun = self.clock.elapsed();
        let outcome = self.inner.stream(request).await;
        self.log(&method, &address, begun, &outcome);
        outcome
    }
}
