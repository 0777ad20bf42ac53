//! The transport over the network, with reqwest.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind};
use futures_util::stream::try_unfold;
use http::header::{ACCEPT_ENCODING, CONNECTION};
use http::{HeaderMap, HeaderValue};
use reqwest::dns::Resolve;
use url::Url;

use super::clients::{Clients, Recipe, Way};
use super::foreign::{AllowedHosts, ForeignResolver, SystemResolver, is_refusal, refusal};
use crate::address::{is_loopback, require_safe_address};
use crate::buffer::SecretBuffer;
use crate::transport::{
    ByteStream, Request, Response, SendOptions, Transport, answer_lost, answer_too_large, no_answer, not_connected,
};

/// How many bytes the headers of an answer may take together. Those of Microsoft's services take about 3 KiB, with a long
/// continuation token 8 KiB. The HTTP library itself stops at 100 headers.
const HEAD_BYTES: usize = 64 * 1024;

/// Sends over the network with reqwest. Follows no redirect, uses no cookie, and talks plain `http` to nobody unless
/// loopback was opted in to.
///
/// A call to the platform ([`Call::to_platform_host`](crate::Call::to_platform_host)) is the exception: it may speak plain
/// `http` to a number of this machine, or of a link-local or private network.
///
/// It reads no environment and goes through no proxy, unless it is told to with [`ReqwestTransportBuilder::with_proxy`] or
/// [`ReqwestTransportBuilder::with_environment_proxy`]. This machine is always reached directly.
///
/// It talks HTTP/2 where the service does, and takes long lists and streams compressed with gzip; limits hold for what they
/// are decompressed. A connection that the service closed while it was idle costs nothing: what provably never left is sent
/// over another one. A request that may have left is not, so a `POST` then fails with effect
/// [`Unknown`](azconnect_core::Effect::Unknown).
///
/// What it reads of an answer is overwritten after use. What the libraries below it keep is not: of each connection, hyper
/// keeps the headers of the last request and the last piece of an answer in a buffer of 8 KiB or more until the connection is
/// closed, and rustls the records that it encrypts and decrypts.
///
/// A call to a foreign host ([`Call::to_foreign_host`](crate::Call::to_foreign_host)) connects directly, and only to public
/// addresses: the name is resolved once, every address is checked, and the connection is made to what was checked. A host
/// of your own in a private network is allowed by name, see [`ReqwestTransportBuilder::with_allowed_private_hosts`].
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    clients: Clients,
    /// For this machine itself, where a proxy would read what plain `http` shows.
    direct: Clients,
    /// Apart from the others, so that no connection is reused that was made without a check.
    foreign: Clients,
    allowed: AllowedHosts,
    http_loopback: bool,
}

/// Builds a [`ReqwestTransport`].
#[derive(Debug, Default)]
pub struct ReqwestTransportBuilder {
    clients: Option<Clients>,
    recipe: Recipe,
    allowed: AllowedHosts,
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
        require_safe_address(&request, self.http_loopback)?;
        let options = SendOptions::of(&request);
        let (parts, body) = request.into_parts();
        let uri = parts.uri.to_string();
        let url = Url::parse(&uri).map_err(|_| Error::invalid("address", "cannot be sent"))?;
        let client = self.clients_for(&url, options)?.pick(options.fresh_connection);
        let mut builder =
            client.request(parts.method, url.clone()).headers(parts.headers).timeout(options.timeout).body(body);
        if !options.compressed_answer {
            // Without it the client asks for what it can decompress.
            builder = builder.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if options.fresh_connection {
            builder = builder.header(CONNECTION, HeaderValue::from_static("close"));
        }
        let answer = builder.send().await.map_err(|error| refused(error, &url, options.timeout))?;
        require_same_address(&answer, &url)?;
        require_small_head(answer.headers())?;
        Ok(answer)
    }

    fn clients_for(&self, url: &Url, options: SendOptions) -> Result<&Clients, Error> {
        if options.foreign_host {
            self.allowed.require_number_permitted(url)?;
            return Ok(&self.foreign);
        }
        Ok(if options.platform_host || is_loopback(url) { &self.direct } else { &self.clients })
    }
}

impl ReqwestTransportBuilder {
    /// Uses the caller's clients: one that keeps connections, and one that does not
    /// (`pool_max_idle_per_host(0)`), for checks that need a fresh connection. Both must follow no redirect. Calls to a
    /// foreign host still take clients of the transport's own, since only those check where a name leads; and so do calls to
    /// this machine, since the caller's may know a proxy.
    #[must_use]
    pub fn with_clients(mut self, pooled: reqwest::Client, fresh: reqwest::Client) -> Self {
        self.clients = Some(Clients::new(pooled, fresh));
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
        self.recipe.roots.push(certificate);
        Ok(self)
    }

    /// Resolves names with this resolver, in place of the operating system's. Has no effect on the caller's own clients.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.recipe.resolver = Some(resolver);
        self
    }

    /// Goes through this proxy, such as `http://proxy.example:3128`, except to this machine and to foreign hosts. The proxy
    /// sees the names of the hosts, and nothing of what is said over TLS. Has no effect on the caller's own clients.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not the address of a proxy.
    pub fn with_proxy(mut self, address: &str) -> Result<Self, Error> {
        let proxy = reqwest::Proxy::all(address).map_err(|_| {
            Error::invalid("proxy", "is not the address of a proxy")
                .with_advice("give it with scheme, host and port, as in http://proxy.example:3128")
        })?;
        self.recipe.way = Way::Proxy(Box::new(proxy));
        Ok(self)
    }

    /// Goes through the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), except to this machine
    /// and to foreign hosts. Whoever can set a variable of this process then decides the way. Has no effect on the caller's
    /// own clients.
    #[must_use]
    pub fn with_environment_proxy(mut self) -> Self {
        self.recipe.way = Way::Environment;
        self
    }

    /// Lets calls to a foreign host reach these hosts in a private network or on this machine: names, or numbers, as an
    /// address spells them, without a port. Link-local addresses, and with them the metadata of a virtual machine, stay out
    /// of reach.
    #[must_use]
    pub fn with_allowed_private_hosts<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        for host in hosts {
            self.allowed.add(host.as_ref());
        }
        self
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
        let Self { clients, recipe, allowed, http_loopback } = self;
        let inner = recipe.resolver.clone().unwrap_or_else(|| Arc::new(SystemResolver));
        let foreign = recipe.direct().with_resolver(Arc::new(ForeignResolver::new(inner, allowed.clone()))).build()?;
        let direct = recipe.direct().build()?;
        let clients = match (clients, &recipe.way) {
            (Some(clients), _) => clients,
            (None, Way::Direct) => direct.clone(),
            (None, _) => recipe.build()?,
        };
        Ok(ReqwestTransport { clients, direct, foreign, allowed, http_loopback })
    }
}

/// Finds out a caller's client that follows redirects: its answer comes from another address.
fn require_same_address(answer: &reqwest::Response, asked: &Url) -> Result<(), Error> {
    if answer.url() == asked {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unexpected, "the HTTP client followed a redirect")
        .with_advice("build the reqwest::Client with redirect::Policy::none(): credentials must not follow a redirect"))
}

/// Holds the headers of an answer to a size: they are kept for as long as the answer is.
fn require_small_head(headers: &HeaderMap) -> Result<(), Error> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size <= HEAD_BYTES {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unexpected, format!("the headers of the answer are larger than {HEAD_BYTES} bytes"))
        .with_advice("report this to the service, or look at what stands between"))
}

/// Says what a failure before any answer proves.
fn refused(error: reqwest::Error, url: &Url, timeout: Duration) -> Error {
    #[cfg(feature = "rustls")]
    if let Some(distrusted) = super::certificate::distrusted(&error, url.host_str().unwrap_or_default()) {
        return distrusted.with_source(error.without_url());
    }
    #[cfg(not(feature = "rustls"))]
    let _ = url;
    translate(error, timeout)
}

/// Says what a failure proves. The address is taken out: operation URLs are signed.
fn translate(error: reqwest::Error, timeout: Duration) -> Error {
    let error = error.without_url();
    if is_refusal(&error) {
        refusal()
    } else if error.is_connect() || error.is_builder() {
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
        let limit = options.limit_for(answer.status());
        let expected = answer.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        if expected > limit {
            return Err(answer_too_large(limit));
        }
        // Overwritten after use, since an answer may hold a secret.
        let mut body = SecretBuffer::with_capacity(expected);
        while let Some(piece) = answer.chunk().await.map_err(|error| translate(error, options.timeout))? {
            if body.len() + piece.len() > limit {
                return Err(answer_too_large(limit));
            }
            body.push(&piece);
        }
        Ok(head(&answer).map(|()| body.into()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::ResponseBuilderExt;

    #[test]
    fn a_caller_s_client_that_follows_redirects_is_found_out() {
        let asked = Url::parse("https://service.example/a").unwrap();
        let from = |address: &str| {
            let url = Url::parse(address).unwrap();
            reqwest::Response::from(http::Response::builder().url(url).body("").unwrap())
        };
        assert!(require_same_address(&from("https://service.example/a"), &asked).is_ok());
        let error = require_same_address(&from("https://elsewhere.example/a"), &asked).unwrap_err();
        assert!(error.message().contains("followed a redirect"), "{error}");
        assert!(error.advice().contains("redirect::Policy::none"));
    }

    #[test]
    fn a_proxy_s_password_is_not_shown() {
        let builder = ReqwestTransport::builder().with_proxy("http://user:s3cr3t@proxy.example:3128").unwrap();
        let shown = format!("{builder:?} {:?}", ReqwestTransport::builder().build().unwrap());
        assert!(!shown.contains("s3cr3t") && !shown.contains("user"), "{shown}");
        let transport = builder.build().unwrap();
        assert!(!format!("{transport:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_no_proxy_s_address_is_refused_unseen() {
        let error = ReqwestTransport::builder().with_proxy("http://us er:s3cr3t@:x").unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("proxy")));
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}
