//! One request to a service, before it is sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use url::Url;

use crate::authorization::Authorizer;
use crate::buffer::SecretBuffer;
use crate::origin::Origin;
use crate::transport::{Response, SendOptions};

/// Whether sending a request twice has the same effect as sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// The effect of sending it twice is that of sending it once: the pipeline may repeat it whenever that may help.
    Idempotent,
    /// The effect of sending it twice may differ: it is sent again only after an answer that proves that nothing was
    /// applied.
    Once,
}

/// Slows the calls that share a budget, such as those to one organization.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Returns when the next attempt may be sent. `Err` with the time that is left, at once and without a place in the
    /// queue, if that is longer than the caller's patience.
    async fn ready(&self, patience: Duration) -> Result<(), Duration>;

    /// Learns from an answer, a successful one included. Of one that is streamed, it sees status and headers only.
    fn observe(&self, answer: &Response);
}

/// A request, and what the pipeline must know to send and repeat it.
#[derive(Clone)]
pub struct Call {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The address to send byte for byte, if normalising it as `url` would change it.
    pub(crate) verbatim: Option<http::Uri>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) idempotency: Idempotency,
    pub(crate) options: SendOptions,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) authorizer: Option<Arc<dyn Authorizer>>,
    pub(crate) pace: Option<Arc<dyn Pace>>,
    /// What the service heard before, which it may quote in its answer to this call.
    pub(crate) heard: Heard,
}

/// What a service heard before the answer to a call, beyond that call itself.
#[derive(Clone, Default)]
pub(crate) enum Heard {
    /// Nothing that this answer could quote.
    #[default]
    Nothing,
    /// The body of the call that began the operation.
    Body(Bytes),
    /// What another process sent.
    Unknown,
}

impl Call {
    /// A call of an operation, named as in `graph.application.get`.
    pub fn new(operation: &'static str, method: Method, url: Url, idempotency: Idempotency) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            operation,
            method,
            url,
            verbatim: None,
            headers,
            body: Bytes::new(),
            idempotency,
            options: SendOptions::default(),
            time_limit: None,
            request_id_header: None,
            authorizer: None,
            pace: None,
            heard: Heard::Nothing,
        }
    }

    /// A read: `GET`, idempotent.
    pub fn get(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::GET, url, Idempotency::Idempotent)
    }

    /// A replacement: `PUT`, idempotent.
    pub fn put(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::PUT, url, Idempotency::Idempotent)
    }

    /// A removal: `DELETE`, idempotent.
    pub fn delete(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::DELETE, url, Idempotency::Idempotent)
    }

    /// A request that must not be sent twice. See [`Call::with_idempotency`] for a `POST` that only reads.
    pub fn post(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::POST, url, Idempotency::Once)
    }

    /// Sets whether the call may be repeated.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Sets a JSON body. Its memory is overwritten after use, since it may hold a secret.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the value cannot be JSON.
    pub fn with_json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.body = SecretBuffer::of_json(body)?.into();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Sets a form as body. Its memory is overwritten after use, since it may hold a secret.
    #[must_use]
    pub fn with_form(mut self, fields: &[(&str, &str)]) -> Self {
        self.body = SecretBuffer::of_form(fields).into();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the limits of one attempt: size of the answer, time, connection. A call to a foreign host stays one, as does one
    /// to the platform.
    #[must_use]
    pub fn with_options(mut self, options: SendOptions) -> Self {
        let foreign = self.options.foreign_host || options.foreign_host;
        let platform = self.options.platform_host || options.platform_host;
        self.options = options.with_foreign_host(foreign).with_platform_host(platform);
        self
    }

    /// Sets the largest answer, in bytes, that is read. The default is 1 MiB: a list, or whatever else may be larger, says so.
    #[must_use]
    pub fn with_answer_limit(mut self, bytes: usize) -> Self {
        self.options.answer_limit = bytes;
        self
    }

    /// Lets the answer come compressed. Lists in [`Pages`](crate::Pages) and streams do so; an answer that holds a secret
    /// should not.
    #[must_use]
    pub fn with_compressed_answer(mut self) -> Self {
        self.options.compressed_answer = true;
        self
    }

    /// Marks the call as one to a host that somebody else named, such as the registry of a service connection that its
    /// editors may change. The transport then refuses an address in a network that only this machine can see: private,
    /// loopback, link-local and the like, whether by number or by what the name resolves to.
    #[must_use]
    pub fn to_foreign_host(mut self) -> Self {
        self.options.foreign_host = true;
        self
    }

    /// Marks the call as one to the platform that this process runs on, such as the metadata service of a virtual machine: it
    /// goes through no proxy, and may speak plain `http` to a number of this machine or of a network beside it. Never mark a
    /// call so whose host a customer may choose.
    #[must_use]
    pub fn to_platform_host(mut self) -> Self {
        self.options.platform_host = true;
        self
    }

    /// Sets the longest time of all attempts and pauses together, in place of the pipeline's.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = Some(time_limit);
        self
    }

    /// Repeats the client request id under another name, for a service that echoes or logs that one.
    #[must_use]
    pub fn with_request_id_header(mut self, name: HeaderName) -> Self {
        self.request_id_header = Some(name);
        self
    }

    /// Sets what gives the `authorization` header.
    #[must_use]
    pub fn with_authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = Some(authorizer);
        self
    }

    /// Sets the pace that the call shares with others.
    #[must_use]
    pub fn with_pace(mut self, pace: Arc<dyn Pace>) -> Self {
        self.pace = Some(pace);
        self
    }

    /// The same call to another address, for the next page.
    #[must_use]
    pub fn to(&self, url: Url) -> Self {
        Self { url, verbatim: None, ..self.clone() }
    }

    /// The same call with another method, and without a body.
    pub(crate) fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self.body = Bytes::new();
        self.headers.remove(CONTENT_TYPE);
        self
    }

    /// The same call to an address that is sent as it is, since it is signed. It must be of the call's own origin: the
    /// authorization travels with it.
    pub(crate) fn to_verbatim(&self, address: &str) -> Result<Self, Error> {
        let wrong = |_| {
            Error::new(
                ErrorKind::Corrupt,
                "the address of the operation is not one of the service's, so it was not called",
            )
            .with_effect(Effect::None)
            .with_field("operation")
            .with_advice("resume the operation with the client that began it")
        };
        if !Origin::of(&self.url).owns(address) {
            return Err(wrong(()));
        }
        let url = Url::parse(address).map_err(|_| wrong(()))?;
        let uri = address.parse().map_err(|_: http::uri::InvalidUri| wrong(()))?;
        Ok(Self { url, verbatim: Some(uri), ..self.clone() })
    }

    /// The HTTP method of the request.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address that the request goes to.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The name of the operation, such as `graph.application.get`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }
}
