//! The transport over the network, with reqwest.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::HeaderValue;
use http::header::CONNECTION;
use reqwest::redirect::Policy;
use zeroize::Zeroizing;

use crate::address::require_safe_scheme;
use crate::transport::{
    ByteStream, Request, Response, SendOptions, Transport, answer_lost, answer_too_large, no_answer, not_connected,
};

/// Sends over the network with reqwest. Follows no redirect, uses no cookie, and talks plain `http` to nobody unless
/// loopback was opted in to.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    pooled: reqwest::Client,
    fresh: reqwest::Client,
    http_loopback: bool,
}

/// A certificate authority. Without TLS of our own choice there is none.
#[cfg(feature = "rustls")]
type Root = reqwest::Certificate;
#[cfg(not(feature = "rustls"))]
type Root = std::convert::Infallible;

/// Builds a [`ReqwestTransport`].
#[derive(Debug, Default)]
pub struct ReqwestTransportBuilder {
    clients: Option<(reqwest::Client, reqwest::Client)>,
    roots: Vec<Root>,
    http_loopback: bool,
}

impl ReqwestTransport {
    /// A transport with clients of its own.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if TLS cannot be set up on this machine.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A builder, to trust more certificate authorities or to bring clients.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }

    async fn start(&self, request: Request) -> Result<reqwest::Response, Error> {
        require_safe_scheme(request.uri(), self.http_loopback)?;
        let options = SendOptions::of(&request);
        let (parts, body) = request.into_parts();
        let uri = parts.uri.to_string();
        let client = if options.fresh_connection { &self.fresh } else { &self.pooled };
        let mut builder = client.request(parts.method, &uri).headers(parts.headers).timeout(options.timeout).body(body);
        if options.fresh_connection {
            builder = builder.header(CONNECTION, HeaderValue::from_static("close"));
        }
        let answer = builder.send().await.map_err(|error| translate(error, options.timeout))?;
        if answer.url().as_str() != reqwest::Url::parse(&uri).map(String::from).unwrap_or_default() {
            return Err(Error::new(ErrorKind::Unexpected, "the HTTP client followed a redirect").with_advice(
                "build the reqwest::Client with redirect::Policy::none(): credentials must not follow a redirect",
            ));
        }
        Ok(answer)
    }
}

impl ReqwestTransportBuilder {
    /// Uses the caller's clients: one that keeps connections, and one that does not
    /// (`pool_max_idle_per_host(0)`), for checks that need a fresh connection. Both must follow no redirect.
    #[must_use]
    pub fn with_clients(mut self, pooled: reqwest::Client, fresh: reqwest::Client) -> Self {
        self.clients = Some((pooled, fresh));
        self
    }

    /// Trusts one more certificate authority, in PEM. Has no effect on the caller's own clients.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not a certificate.
    #[cfg(feature = "rustls")]
    pub fn with_root_certificate(mut self, pem: &[u8]) -> Result<Self, Error> {
        let certificate = reqwest::Certificate::from_pem(pem)
            .map_err(|_| Error::invalid("root_certificate", "is not a certificate in PEM"))?;
        self.roots.push(certificate);
        Ok(self)
    }

    /// Talks plain `http` to loopback: secrets travel in the clear on this machine. For emulators and tests.
    #[must_use]
    pub fn danger_allow_http_loopback(mut self) -> Self {
        self.http_loopback = true;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if TLS cannot be set up on this machine.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        let Self { clients, roots, http_loopback } = self;
        let (pooled, fresh) = match clients {
            Some(clients) => clients,
            None => (client(&roots, None)?, client(&roots, Some(0))?),
        };
        Ok(ReqwestTransport { pooled, fresh, http_loopback })
    }
}

fn client(roots: &[Root], idle: Option<usize>) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(15))
        .user_agent(concat!("azconnect/", env!("CARGO_PKG_VERSION")));
    if let Some(idle) = idle {
        builder = builder.pool_max_idle_per_host(idle);
    }
    #[cfg(feature = "rustls")]
    {
        builder = builder.tls_certs_merge(roots.iter().cloned());
    }
    #[cfg(not(feature = "rustls"))]
    let _ = roots;
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Unavailable, "the HTTP client cannot be set up")
            .with_advice("check the machine's certificate store")
            .with_source(error)
    })
}

/// Says what a failure proves. The address is taken out: operation URLs are signed.
fn translate(error: reqwest::Error, timeout: Duration) -> Error {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        not_connected(error)
    } else if error.is_timeout() {
        no_answer(timeout).with_source(error)
    } else {
        answer_lost(error)
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let options = SendOptions::of(&request);
        let mut answer = self.start(request).await?;
        let expected = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if expected > options.answer_limit {
            return Err(answer_too_large(options.answer_limit));
        }
        // Overwritten after use, since an answer may hold a secret; sized at once where the length is known, since a
        // buffer that grows leaves copies behind that nothing overwrites.
        let mut body = Zeroizing::new(Vec::with_capacity(expected));
        while let Some(piece) = answer.chunk().await.map_err(|error| translate(error, options.timeout))? {
            if body.len() + piece.len() > options.answer_limit {
                return Err(answer_too_large(options.answer_limit));
            }
            body.extend_from_slice(&piece);
        }
        Ok(head(&answer).map(|()| Bytes::from_owner(body)))
    }

    async fn stream(&self, request: Request) -> Result<http::Response<ByteStream>, Error> {
        let timeout = SendOptions::of(&request).timeout;
        let answer = self.start(request).await?;
        let head = head(&answer);
        // `chunk` and not `bytes_stream`, which would bring `tokio-util` and tokio's files for this one line.
        let pieces = try_unfold(answer, move |mut answer| async move {
            let piece = answer.chunk().await.map_err(|error| translate(error, timeout))?;
            Ok(piece.map(|piece| (piece, answer)))
        });
        Ok(head.map(|()| Box::pin(pieces) as ByteStream))
    }
}

fn head(answer: &reqwest::Response) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = answer.status();
    *head.headers_mut() = answer.headers().clone();
    head
}
