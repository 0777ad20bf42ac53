//! An address to which a sign-in may lead back, by the rules of *Redirect URI restrictions and limitations*.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The longest address.
const LONGEST: usize = 256;

/// What kind of program an address leads back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// A web application with a back end, which holds a credential.
    Web,
    /// A program in a browser, which holds none.
    SinglePage,
    /// A program on a person's machine, which holds none.
    PublicClient,
}

/// An address to which a sign-in may lead back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RedirectUri {
    /// What it leads back to.
    pub platform: Platform,
    /// The address: the service compares it letter by letter.
    pub address: String,
}

impl RedirectUri {
    /// An address of a kind of program.
    pub fn new(platform: Platform, address: impl Into<String>) -> Self {
        Self { platform, address: address.into() }
    }

    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let Ok(url) = Url::parse(&self.address) else { return Some("is not a whole address") };
        if self.address.len() > LONGEST {
            return Some("is longer than 256 characters");
        }
        if url.fragment().is_some() || self.address.contains('*') {
            return Some("has a fragment or an asterisk");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some("names a user");
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => None,
            // The service takes no loopback address of IPv6, and the portal none of IPv4: the manifest does.
            ("http", Some(Host::Domain("localhost"))) => None,
            ("http", Some(Host::Ipv4(number))) if number.is_loopback() => None,
            ("http", Some(Host::Ipv6(number))) if number.is_loopback() => Some("is a loopback address of IPv6"),
            ("http", _) => Some("would carry sign-ins in the clear"),
            _ if self.platform == Platform::PublicClient => None,
            _ => Some("has a scheme that only a public client may have"),
        }
    }

    /// What the service compares of an address: of localhost the port does not count.
    pub(super) fn compared(&self) -> String {
        match Url::parse(&self.address) {
            Ok(mut url) if url.host_str() == Some("localhost") => {
                // Only an address without a host has no port to take away.
                let _ = url.set_port(None);
                url.into()
            }
            _ => self.address.clone(),
        }
    }
}
