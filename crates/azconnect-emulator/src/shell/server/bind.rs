//! Taking the ports of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use serde::Serialize;
use tokio::net::TcpListener;

use super::listen::Open;
use super::place::vault_host;
use super::{Behind, Door, Handshake, Here, Server};
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
    let vaults: Arc<[String]> = emulator.vault_names().into();
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
        vaults: vaults.clone(),
    };
    for (name, address, handshake, origins) in
        [("http", plan.http, None, &mut bound.http), ("https", plan.https, plan.handshake.clone(), &mut bound.https)]
    {
        let Some(address) = address else { continue };
        if plan.one_origin {
            let (listener, at) = listen(address, "every service").await?;
            *origins = Some(one_origin(&format!("{name}://{at}"), &vaults));
            doors.push((listener, Arc::new(here(Behind::Everything, at, handshake))));
            continue;
        }
        let taken = listeners(address, &vaults).await?;
        let ports: Arc<[(Door, u16)]> = taken.iter().map(|(door, _, at)| (door.clone(), at.port())).collect();
        *origins =
            Some(origins_by_port(&ports, &vaults, |port| format!("{name}://{}", SocketAddr::new(address.ip(), port))));
        for (door, listener, at) in taken {
            doors.push((listener, Arc::new(here(Behind::One(door, ports.clone()), at, handshake.clone()))));
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

/// One origin for everything. One vault is there as well; each of several has a host name of its own, which is this machine.
pub(super) fn one_origin(origin: &str, vaults: &[String]) -> Origins {
    let names = vaults.iter().map(String::as_str);
    Origins::one(origin).with_vaults(names, |name| match vaults {
        [_] => origin.to_owned(),
        _ => vault_host(origin, name),
    })
}

/// An origin for each service and vault, by the port that it has.
pub(super) fn origins_by_port(ports: &[(Door, u16)], vaults: &[String], at: impl Fn(u16) -> String) -> Origins {
    let of = |wanted: &Door| {
        let port = ports.iter().find(|(door, _)| door == wanted).map_or(0, |(_, port)| *port);
        at(port)
    };
    let origins = Origins::each(|service| of(&Door::Service(service)));
    origins.with_vaults(vaults.iter().map(String::as_str), |name| of(&Door::Vault(name.to_owned())))
}

type Taken = (Door, TcpListener, SocketAddr);

/// A port for each service, and for each vault after them.
async fn listeners(address: SocketAddr, vaults: &[String]) -> Result<Vec<Taken>, Error> {
    let doors = Service::ALL.into_iter().map(Door::Service).chain(vaults.iter().cloned().map(Door::Vault));
    let mut taken = Vec::new();
    for (offset, door) in (0_u16..).zip(doors) {
        let port = match address.port() {
            0 => 0,
            first => first.checked_add(offset).ok_or_else(|| {
                Error::invalid("address", "there are not enough ports from there on")
                    .with_advice("choose a lower port: each service and each vault of the seed takes one")
            })?,
        };
        let what = match &door {
            Door::Service(service) => service.name(),
            Door::Vault(name) => name,
        };
        let (listener, at) = listen(SocketAddr::new(address.ip(), port), what).await?;
        taken.push((door, listener, at));
    }
    Ok(taken)
}

async fn listen(wanted: SocketAddr, what: &str) -> Result<(TcpListener, SocketAddr), Error> {
    if !wanted.ip().is_loopback() {
        return Err(Error::invalid("address", format!("{} is not loopback", wanted.ip()))
            .with_advice("use 127.0.0.1 or [::1]: anyone who reaches the emulator may use it"));
    }
    let taken = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {wanted} for {what}: {}", error.kind()))
            .with_advice("choose another port, or port 0 for free ones")
            .with_source(error)
    };
    let listener = TcpListener::bind(wanted).await.map_err(taken)?;
    let bound = listener.local_addr().map_err(taken)?;
    Ok((listener, bound))
}
