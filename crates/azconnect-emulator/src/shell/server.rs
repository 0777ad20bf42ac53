//! The emulator as a real HTTP server on loopback: one port, and so one origin, for each service, or one for all.

mod bind;
mod body;
mod connection;
mod gate;
mod listen;
mod path;
mod place;
mod refused;
mod tunnel;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use azconnect_core::{Cloud, Error};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;

pub(crate) use self::bind::{Bound, Plan, bind};
use self::body::{Outgoing, outgoing, read};
pub(crate) use self::connection::AnyStream;
use self::connection::Peer;
use self::listen::{Open, accept};
use self::place::Place;
use self::refused::Head;
use super::control;
use super::emulator::{Emulator, ExchangeOutcome};
use crate::base::answer::{Answer, empty};
use crate::base::call::Call;
use crate::base::origins::{Origins, Service};

/// Binds one port for each service, and one for each key vault of the seed.
///
/// Port 0 takes a free one for each; any other port is the first of as many in a row: six services in the order of the
/// fields of [`Origins`], then the vaults in the order of the seed.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for an address that is not loopback, or a port too high for
/// as many in a row; [`Unavailable`](azconnect_core::ErrorKind::Unavailable) if a port is taken.
pub async fn serve(emulator: Emulator, address: SocketAddr) -> Result<Server, Error> {
    bind(emulator, Plan { http: Some(address), ..Plan::default() }).await
}

/// A server that is bound to its ports. It answers while [`Server::run`] is polled.
pub struct Server {
    doors: Vec<(TcpListener, Arc<Here>)>,
    open: Open,
    bound: Bound,
    origins: Origins,
    cloud: Cloud,
}

impl Server {
    /// The address of each service, with the port that it is bound to.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The cloud that clients of this server use.
    pub fn cloud(&self) -> Cloud {
        self.cloud.clone()
    }

    /// Answers until the future is dropped. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Unavailable`](azconnect_core::ErrorKind::Unavailable) if a listener fails.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending()).await
    }

    /// Answers until `stop` is ready, then lets open exchanges finish, those that take seconds aside.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let stop: Shared<Pin<Box<dyn Future<Output = ()> + Send>>> = stop.boxed().shared();
        join_all(self.doors.into_iter().map(|(listener, here)| accept(listener, here, stop.clone()))).await;
        self.open.close().await;
        Ok(())
    }

    /// Every address that it is bound to.
    #[cfg(feature = "cli")]
    pub(crate) fn bound(&self) -> &Bound {
        &self.bound
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// Puts TLS, or whatever else, on a connection before its first request.
pub(crate) type Handshake = Arc<dyn Fn(AnyStream) -> BoxFuture<'static, io::Result<AnyStream>> + Send + Sync>;

/// What is behind a port.
#[derive(Clone, Debug)]
enum Behind {
    /// One service or vault, and the ports of them all.
    One(Door, Arc<[(Door, u16)]>),
    /// Every service: the path says which.
    Everything,
    /// Every service under its real host names, inside a tunnel.
    RealHosts,
    /// A proxy to those host names.
    Proxy,
}

/// What has a port of its own, where each has one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Door {
    Service(Service),
    /// A key vault, by its name.
    Vault(String),
}

/// What the handler of one port knows.
#[derive(Clone)]
struct Here {
    behind: Behind,
    emulator: Emulator,
    bound: SocketAddr,
    open: Open,
    /// How a connection to this port begins.
    handshake: Option<Handshake>,
    /// How a connection inside a tunnel begins.
    tunnels: Option<Handshake>,
    public_url: Option<String>,
    trusts_forwarded: bool,
    has_control: bool,
    /// The key vaults that there are, by their names.
    vaults: Arc<[String]>,
}

impl Here {
    fn scheme(&self) -> &'static str {
        if self.handshake.is_some() { "https" } else { "http" }
    }
}

/// Answers one request. The bounds of [`gate`] and [`body`] come first: whoever reaches the port is nobody yet.
async fn handle(here: Arc<Here>, peer: Peer, request: Request<Incoming>) -> Response<Outgoing> {
    peer.has_asked();
    if matches!(here.behind, Behind::Proxy) && request.method() == Method::CONNECT {
        return outgoing(tunnel::open(&here, &peer, request));
    }
    let answered = match Place::of(&here, &request) {
        Ok(place) => match gate::refusal(&place, &request, &peer, here.has_control) {
            Some(refused) => Head::of(Some(place.service), &request).refuse(&here, &refused),
            None => answer(&here, &peer, place, request).await,
        },
        Err(nowhere) => Head::of(None, &request).refuse(&here, &nowhere),
    };
    peer.has_asked();
    outgoing(answered)
}

async fn answer(here: &Here, peer: &Peer, place: Place, request: Request<Incoming>) -> Answer {
    let (mut parts, body) = request.into_parts();
    let body = match read(body, &parts.headers, gate::body_limit(&here.emulator, &parts.headers)).await {
        Ok(body) => body,
        Err(refused) => {
            let (service, headers) = (Some(place.service), &parts.headers);
            let head = Head { service, method: &parts.method, address: &parts.uri, headers };
            return head.refuse(here, &refused);
        }
    };
    parts.uri = place.address;
    let request = Request::from_parts(parts, body);
    let call = Call::new(place.service, place.origins, place.origin, request, here.emulator.now());
    let call = call.with_vault(place.vault);
    if let Some(answer) = control::answer(&here.emulator, &call) {
        return answer;
    }
    match here.emulator.exchange(call).await {
        ExchangeOutcome::Answered(answer) => answer,
        ExchangeOutcome::Broken | ExchangeOutcome::Refused => {
            // The connection wants an answer all the same. On one that is cut it never leaves.
            peer.cut();
            empty(500)
        }
    }
}
