//! The clients of reqwest that a transport sends with, one for each way a request may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;

/// How often a connection of HTTP/2 in use is asked whether it still stands, and for how long it may be silent then. All
/// requests to a host share one, so one that a firewall forgot would hold them all up.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate authority. Without TLS of our own choice there is none.
#[cfg(feature = "rustls")]
pub(super) type Root = reqwest::Certificate;
#[cfg(not(feature = "rustls"))]
pub(super) type Root = std::convert::Infallible;

/// Two clients that differ in whether they keep connections.
#[derive(Clone)]
pub(super) struct Clients {
    pooled: reqwest::Client,
    fresh: reqwest::Client,
}

impl Clients {
    pub(super) fn new(pooled: reqwest::Client, fresh: reqwest::Client) -> Self {
        Self { pooled, fresh }
    }

    pub(super) fn pick(&self, fresh: bool) -> &reqwest::Client {
        if fresh { &self.fresh } else { &self.pooled }
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Those of reqwest show their proxies, whose addresses may hold a password.
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// Which way connections take.
#[derive(Clone, Default)]
pub(super) enum Way {
    /// To the host itself, whatever the environment says.
    #[default]
    Direct,
    /// Through this proxy.
    Proxy(Box<reqwest::Proxy>),
    /// Through the proxy that the environment or the operating system names, if any.
    Environment,
}

/// What clients of our own are built from.
#[derive(Clone, Default)]
pub(super) struct Recipe {
    pub(super) roots: Vec<Root>,
    pub(super) resolver: Option<Arc<dyn Resolve>>,
    pub(super) way: Way,
}

impl Recipe {
    pub(super) fn with_resolver(&self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver: Some(resolver), ..self.clone() }
    }

    /// The same, without a proxy.
    pub(super) fn direct(&self) -> Self {
        Self { way: Way::Direct, ..self.clone() }
    }

    /// Builds both clients. Unless asked to, they read nothing from the environment, so no variable can lead a request
    /// elsewhere.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if TLS cannot be set up on this machine.
    pub(super) fn build(&self) -> Result<Clients, Error> {
        Ok(Clients::new(self.client(false)?, self.client(true)?))
    }

    fn client(&self, fresh: bool) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .user_agent(concat!("azconnect/", env!("CARGO_PKG_VERSION")));
        builder = match &self.way {
            Way::Direct => builder.no_proxy(),
            Way::Proxy(proxy) => builder.proxy(reqwest::Proxy::clone(proxy)),
            Way::Environment => builder,
        };
        builder = match fresh {
            // HTTP/2 would share a connection, and knows no `connection: close`.
            true => builder.pool_max_idle_per_host(0).http1_only(),
            false => builder.http2_keep_alive_interval(PING_INTERVAL).http2_keep_alive_timeout(PING_TIMEOUT),
        };
        if let Some(resolver) = &self.resolver {
            builder = builder.dns_resolver(Arc::clone(resolver));
        }
        #[cfg(feature = "rustls")]
        {
            builder = builder.tls_certs_merge(self.roots.iter().cloned());
        }
        builder.build().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the HTTP client cannot be set up")
                .with_advice("check the machine's certificate store")
                .with_source(error)
        })
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe").field("roots", &self.roots.len()).finish_non_exhaustive()
    }
}
