//! The arguments of the program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use azconnect_core::Error;
use clap::{Parser, ValueEnum, value_parser};
use url::Url;

use crate::shell::seen::KEPT;

/// Serve Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps on this machine.
///
/// Prints one line of JSON when it is ready, and runs until SIGTERM or ctrl-c.
#[derive(Debug, Parser)]
#[command(name = "azconnect-emulator", version, max_term_width = 80, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// Serve plain HTTP on a loopback address; port 0 takes a free one. 127.0.0.1:0 if nothing else is served.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    http: Option<SocketAddr>,
    /// Serve HTTPS on a loopback address, under a certificate that is made at the start.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub(super) https: Option<SocketAddr>,
    /// Be a proxy on a loopback address for clients whose host names are fixed: requests to Microsoft's hosts are answered
    /// here, all others refused.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub(super) proxy: Option<SocketAddr>,
    /// Write the certificate of the authority that clients have to trust, in PEM.
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Serve everything at one origin, or each service and each key vault at one of its own, on ports in a row.
    #[arg(long, value_name = "COUNT", default_value = "one")]
    pub(super) origins: OriginCount,
    /// The origin by which callers know the emulator, where another server stands in front.
    #[arg(long, value_name = "URL", value_parser = PublicUrl::read)]
    pub(super) public_url: Option<PublicUrl>,
    /// Believe X-Forwarded-Proto and X-Forwarded-Host, which only a server in front should be able to set.
    #[arg(long)]
    pub(super) trust_forwarded: bool,
    /// What to start with, in JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,
    /// Print the JSON schema of a seed, and do nothing else.
    #[arg(long)]
    pub(super) schema: bool,
    /// The machine's clock, or one that stands still until a control route or a delay moves it on.
    #[arg(long, value_name = "CLOCK", default_value = "real")]
    pub(super) clock: ClockKind,
    /// What every request takes longer.
    #[arg(long, value_name = "MS", value_parser = value_parser!(u32).range(..=600_000))]
    pub(super) latency: Option<u32>,
    /// How long every operation of Azure Resource Manager takes, and the longest pause that answers name; as measured at
    /// the service unless given.
    #[arg(long, value_name = "N")]
    pub(super) operation_seconds: Option<u32>,
    /// How long new secrets, applications, roles and their removal take to be known everywhere.
    #[arg(long, value_name = "N")]
    pub(super) replication_seconds: Option<u32>,
    /// Keep the published request budgets, or none; as the seed says unless given.
    #[arg(long, value_name = "BUDGETS")]
    pub(super) throttle: Option<Throttle>,
    /// Write one line for each request to the standard error, without what may be secret.
    #[arg(long)]
    pub(super) log: bool,
    /// How many requests seen, and how many deleted resources, are remembered.
    #[arg(long, value_name = "N", default_value_t = KEPT)]
    pub(super) keep: usize,
    /// Keep the world in a file, and go on from it. The file holds secrets: its owner alone can read it.
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// Do not serve the control routes below /_emulator.
    #[arg(long)]
    pub(super) no_control: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  it was told to stop
  1  it failed, such as at a port that is taken
  2  an argument or a file cannot be used";

/// How many origins the services have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OriginCount {
    /// One for all.
    One,
    /// One for each.
    Each,
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ClockKind {
    /// The machine's.
    Real,
    /// Nobody's: it stands still until it is moved on.
    Virtual,
}

/// Which request budgets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Throttle {
    /// Those that Microsoft publishes.
    Published,
    /// None.
    Off,
}

/// An address of this machine with a port. Whoever reaches the emulator may use it, so there is no other.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let number = text.strip_prefix("localhost:").map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    match number.as_deref().unwrap_or(text).parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("it is not loopback: give one such as 127.0.0.1:8001 or [::1]:8001".to_owned()),
        Err(_) => Err("it is no address with a port: give one such as 127.0.0.1:8001".to_owned()),
    }
}

/// An origin such as `https://emulator.test:8443`.
#[derive(Clone, Debug)]
pub(super) struct PublicUrl(Url);

impl PublicUrl {
    fn read(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let is_origin = |url: &Url| {
            let bare = url.username().is_empty() && url.password().is_none();
            bare && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
        };
        match url {
            Some(url) if is_origin(&url) => Ok(Self(url)),
            // Without the text: an address may hold a password.
            Some(_) => Err("it is more than an origin: give a scheme, a host and perhaps a port".to_owned()),
            None => Err("it is no address: give one such as https://localhost:8443".to_owned()),
        }
    }

    pub(super) fn origin(&self) -> String {
        self.0.as_str().trim_end_matches('/').to_owned()
    }
}

impl Arguments {
    /// Where plain HTTP is served: somewhere, if nothing else is.
    pub(super) fn http(&self) -> Option<SocketAddr> {
        let alone = self.https.is_none() && self.proxy.is_none();
        self.http.or_else(|| alone.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    pub(super) fn has_tls(&self) -> bool {
        self.https.is_some() || self.proxy.is_some()
    }

    pub(super) fn public_host(&self) -> Option<String> {
        self.public_url.as_ref()?.0.host_str().map(str::to_owned)
    }

    /// Refuses arguments that say nothing together.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.ca.is_some() && !self.has_tls() {
            return Err(Error::invalid("--ca", "there is no certificate without --https or --proxy")
                .with_advice("add --https 127.0.0.1:8443, or leave --ca out"));
        }
        let one_address = self.public_url.is_some() || self.trust_forwarded;
        if one_address && self.origins == OriginCount::Each {
            return Err(Error::invalid("--origins", "one address in front cannot stand for several origins")
                .with_advice("leave --origins each out, or --public-url and --trust-forwarded"));
        }
        Ok(())
    }
}
