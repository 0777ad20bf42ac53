//! Taking the ports of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use serde::Serialize;
use tokio::net::TcpListener;

use super::listen::Open;
use super::{Behind, Handshake, Here, Server};
use crate::base::origins::{Origins, Service};
use crate::shell::emulator::Emulator;

/// What a server listens on, and how.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) http: Option<SocketAddr>,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) proxy: Option<SocketAddr>,
    /// How connections of `https`, and those inside the proxy's tunnels, begin.
    pub(crate) handshake: Option<Handshake>,
    /// Whether one port has every service, or each its own.
    pub(crate) one_origin: bool,
    /// The address by which callers know the one origin, where it is not the one they name.
    pub(crate) public_url: Option<String>,
    pub(crate) trusts_forwarded: bool,
    pub(crate) has_control: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            http: None,
            https: None,
            proxy: None,
            handshake: None,
            one_origin: false,
            public_url: None,
            trusts_forwarded: false,
            has_control: true,
        }
    }
}

/// The addresses that a server is bound to.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Bound {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<Origins>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<Origins>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<String>,
}

/// Takes the ports of a plan.
///
/// # Errors
/// As [`serve`](super::serve).
pub(crate) async fn bind(emulator: Emulator, plan: Plan) -> Result<Server, Error> {
    // Whoever reaches a socket may check signatures; in process nobody does.
    emulator.sign_tokens();
    let open = Open::new();
    let mut doors = Vec::new();
    let mut bound = Bound::default();
    let here = |behind, address, handshake: Option<Handshake>| Here {
        behind,
        emulator: emulator.clone(),
        bound: address,
        open: open.clone(),
        handshake,
        tunnels: plan.handshake.clone(),
        public_url: plan.public_url.clone(),
        trusts_forwarded: plan.trusts_forwarded,
        has_control: plan.has_control,
    };
    for (name, address, handshake, origins) in
        [("http", plan.http, None, &mut bound.http), ("https", plan.https, plan.handshake.clone(), &mut bound.https)]
    {
        let Some(address) = address else { continue };
        let taken = listeners(address, plan.one_origin).await?;
        let ports: Arc<[(Service, u16)]> = taken.iter().filter_map(|(s, _, at)| Some(((*s)?, at.port()))).collect();
        let at = |service| taken.iter().find(|(s, ..)| s.is_none_or(|s| s == service)).map(|(.., at)| *at);
        *origins = Some(Origins::each(|s| at(s).map_or_else(String::new, |at| format!("{name}://{at}"))));
        for (service, listener, at) in taken {
            let behind = service.map_or(Behind::Everything, |service| Behind::Service(service, ports.clone()));
            doors.push((listener, Arc::new(here(behind, at, handshake.clone()))));
        }
    }
    if let Some(address) = plan.proxy {
        let (listener, at) = listen(address, "the proxy").await?;
        bound.proxy = Some(format!("http://{at}"));
        doors.push((listener, Arc::new(here(Behind::Proxy, at, None))));
    }
    // Who comes through the proxy alone uses the real addresses.
    let origins = bound.http.clone().or_else(|| bound.https.clone()).unwrap_or_else(Origins::public);
    let cloud = origins.cloud()?;
    Ok(Server { doors, open, bound, origins, cloud })
}

type Taken = (Option<Service>, TcpListener, SocketAddr);

/// One port for everything, or six.
async fn listeners(address: SocketAddr, one_origin: bool) -> Result<Vec<Taken>, Error> {
    if one_origin {
        let (listener, at) = listen(address, "every service").await?;
        return Ok(vec![(None, listener, at)]);
    }
    let mut taken = Vec::new();
    for (offset, service) in (0_u16..).zip(Service::ALL) {
        let port = match address.port() {
            0 => 0,
            first => first.checked_add(offset).ok_or_else(|| {
                Error::invalid("address", "there are not six ports from there on")
                    .with_advice("choose a port up to 65530")
            })?,
        };
        let (listener, at) = listen(SocketAddr::new(address.ip(), port), service.name()).await?;
        taken.push((Some(service), listener, at));
    }
    Ok(taken)
}

async fn listen(wanted: SocketAddr, what: &str) -> Result<(TcpListener, SocketAddr), Error> {
    if !wanted.ip().is_loopback() {
        return Err(Error::invalid("address", format!("{} is not loopback", wanted.ip()))
            .with_advice("use 127.0.0.1 or [::1]: anyone who reaches the emulator may use it"));
    }
    let taken = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {wanted} for {what}"))
            .with_advice("choose another port, or port 0 for free ones")
            .with_source(error)
    };
    let listener = TcpListener::bind(wanted).await.map_err(taken)?;
    let bound = listener.local_addr().map_err(taken)?;
    Ok((listener, bound))
}
