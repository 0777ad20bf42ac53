//! The resolver for calls to a foreign host: a connection is made only to addresses that were checked.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use azconnect_core::Error;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::reach::{Reach, reach};

/// The hosts that may lead into a private network, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct AllowedHosts(Arc<BTreeSet<String>>);

impl AllowedHosts {
    pub(super) fn add(&mut self, host: &str) {
        Arc::make_mut(&mut self.0).insert(plain(host));
    }

    fn holds(&self, host: &str) -> bool {
        self.0.contains(&plain(host))
    }

    fn permit(&self, host: &str, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Private => self.holds(host),
            Reach::Never => false,
        }
    }

    /// Refuses an address that is written as a number, which no resolver sees.
    pub(super) fn require_number_permitted(&self, url: &Url) -> Result<(), Error> {
        let number = match url.host() {
            Some(Host::Ipv4(number)) => IpAddr::V4(number),
            Some(Host::Ipv6(number)) => IpAddr::V6(number),
            _ => return Ok(()),
        };
        let host = url.host_str().unwrap_or_default();
        if self.permit(host, number) { Ok(()) } else { Err(refusal()) }
    }
}

/// A host as it is compared: without case, the root's dot, and the brackets of an IPv6 address.
fn plain(host: &str) -> String {
    host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Resolves names, and refuses those of which any address is not permitted. What it returns is what is connected to, so a
/// name that resolves to something else a moment later gains nothing.
pub(super) struct ForeignResolver {
    inner: Arc<dyn Resolve>,
    allowed: AllowedHosts,
}

impl ForeignResolver {
    pub(super) fn new(inner: Arc<dyn Resolve>, allowed: AllowedHosts) -> Self {
        Self { inner, allowed }
    }
}

impl Resolve for ForeignResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, allowed) = (name.as_str().to_owned(), self.allowed.clone());
        let found = self.inner.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = found.await?.collect();
            if addresses.iter().all(|address| allowed.permit(&host, address.ip())) {
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            Err(Box::new(Refused) as Box<dyn std::error::Error + Send + Sync>)
        })
    }
}

/// Resolves names as the operating system does.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The mark in an error of reqwest that a name was refused here.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads into a private network")
    }
}

impl std::error::Error for Refused {}

/// Whether an error comes from a refusal of the resolver.
pub(super) fn is_refusal(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<Refused>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The error for a call to a foreign host that leads into a private network: nothing was sent.
pub(super) fn refusal() -> Error {
    Error::invalid("address", "leads into a private network, where a host that somebody else named is not called")
        .with_advice(
            "check who wrote the address; if the host is yours, allow it by name with with_allowed_private_hosts \
             (link-local and metadata addresses are never called)",
        )
}
