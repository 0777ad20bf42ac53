//! The emulator as a real HTTP server on loopback: one port, and so one origin, for each service.

mod body;
mod connection;
mod gate;
mod listen;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use azconnect_core::{Cloud, Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::{Shared, join_all};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use self::body::{Outgoing, outgoing, read};
use self::connection::Peer;
use self::listen::accept;
use super::control;
use super::emulator::{Emulator, ExchangeOutcome};
use crate::base::answer::{Answer, empty};
use crate::base::call::Call;
use crate::base::origins::{Origins, Service};

/// Binds one port for each service.
///
/// Port 0 takes a free one for each; any other port is the first of six in a row, in the order of the fields of
/// [`Origins`].
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) for an address that is not loopback, or a port too high for six in a row;
/// [`Unavailable`](ErrorKind::Unavailable) if a port is taken.
pub async fn serve(emulator: Emulator, address: SocketAddr) -> Result<Server, Error> {
    if !address.ip().is_loopback() {
        return Err(Error::invalid("address", format!("{} is not loopback", address.ip()))
            .with_advice("use 127.0.0.1 or [::1]: anyone who reaches the emulator may use it"));
    }
    let mut listeners = Vec::new();
    for (offset, service) in (0_u16..).zip(Service::ALL) {
        let port = match address.port() {
            0 => 0,
            first => first.checked_add(offset).ok_or_else(|| {
                Error::invalid("address", "there are not six ports from there on")
                    .with_advice("choose a port up to 65530")
            })?,
        };
        let wanted = SocketAddr::new(address.ip(), port);
        let taken = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, format!("cannot listen on {wanted} for {}", service.name()))
                .with_advice("choose another port, or port 0 for free ones")
                .with_source(error)
        };
        let listener = TcpListener::bind(wanted).await.map_err(taken)?;
        let bound = listener.local_addr().map_err(taken)?;
        listeners.push((service, listener, format!("http://{bound}")));
    }
    let origin = |service: Service| {
        listeners.iter().find(|(s, ..)| *s == service).map(|(_, _, origin)| origin.clone()).unwrap_or_default()
    };
    let origins = Origins {
        login: origin(Service::Login),
        resource_manager: origin(Service::ResourceManager),
        graph: origin(Service::Graph),
        devops: origin(Service::DevOps),
        devops_identity: origin(Service::DevOpsIdentity),
        devops_profile: origin(Service::DevOpsProfile),
    };
    let cloud = origins.cloud()?;
    Ok(Server { emulator, listeners: listeners.into_iter().map(|(s, l, _)| (s, l)).collect(), origins, cloud })
}

/// A server that is bound to its ports. It answers while [`Server::run`] is polled.
pub struct Server {
    emulator: Emulator,
    listeners: Vec<(Service, TcpListener)>,
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
    /// [`Unavailable`](ErrorKind::Unavailable) if a listener fails.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending()).await
    }

    /// Answers until `stop` is ready, then lets open exchanges finish, those that take seconds aside.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let stop: Shared<Pin<Box<dyn Future<Output = ()> + Send>>> = stop.boxed().shared();
        let serving = self.listeners.into_iter().map(|(service, listener)| {
            let here = Here { service, origins: self.origins.clone(), emulator: self.emulator.clone() };
            accept(listener, Arc::new(here), stop.clone())
        });
        join_all(serving).await;
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// What the handler of one port knows: its service, and where all the others are.
struct Here {
    service: Service,
    origins: Origins,
    emulator: Emulator,
}

/// Answers one request. The bounds of [`gate`] and [`body`] come first: whoever reaches the port is nobody yet.
async fn handle(here: Arc<Here>, peer: Peer, request: Request<Incoming>) -> Response<Outgoing> {
    let answer = match gate::refusal(here.service, &request, &peer) {
        Some(refused) => refused,
        None => answer(&here, &peer, request).await,
    };
    outgoing(answer)
}

async fn answer(here: &Here, peer: &Peer, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match read(body, &parts.headers, gate::body_limit(&here.emulator, &parts.headers)).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    // Links lead back by the name under which the caller came.
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let origin = host.map_or_else(|| here.origins.of(here.service).to_owned(), |host| format!("http://{host}"));
    let request = Request::from_parts(parts, body);
    let call = Call::new(here.service, here.origins.clone(), origin, request, here.emulator.now());
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
