//! The emulator as a real HTTP server on loopback: one port, and so one origin, for each service.

mod connection;

use std::future::{Future, IntoFuture};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use azconnect_core::{Cloud, Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::{Shared, join_all};
use http::Request;
use tokio::net::TcpListener;

use self::connection::{Connections, Peer};
use super::control;
use super::emulator::{Emulator, ExchangeOutcome};
use crate::base::answer::{Answer, Pieces, empty};
use crate::base::call::Call;
use crate::base::origins::{Origins, Service};

/// The largest request body the server reads.
const REQUEST_LIMIT: usize = 32 * 1024 * 1024;

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

    /// Answers until `stop` is ready, then lets open exchanges finish.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let stop: Shared<Pin<Box<dyn Future<Output = ()> + Send>>> = stop.boxed().shared();
        let serving = self.listeners.into_iter().map(|(service, listener)| {
            let origin = Arc::new(Here { service, origins: self.origins.clone(), emulator: self.emulator.clone() });
            let router = Router::new().fallback(handle).with_state(origin);
            let router = router.into_make_service_with_connect_info::<Peer>();
            axum::serve(Connections(listener), router).with_graceful_shutdown(stop.clone()).into_future()
        });
        let ended: Result<Vec<()>, _> = join_all(serving).await.into_iter().collect();
        ended.map(drop).map_err(|error| Error::new(ErrorKind::Unavailable, "a listener failed").with_source(error))
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

async fn handle(
    State(here): State<Arc<Here>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_LIMIT).await else {
        return respond(control::refusal(413, "the request body is too large or incomplete"));
    };
    // Links lead back by the name under which the caller came.
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned);
    let origin =
        host.as_deref().map_or_else(|| here.origins.of(here.service).to_owned(), |host| format!("http://{host}"));
    let request = Request::from_parts(parts, body);
    let call = Call::new(here.service, here.origins.clone(), origin, request, here.emulator.now());
    if call.segments.first().is_some_and(|first| first == "_emulator")
        && !(peer.is_loopback() && host.as_deref().is_none_or(is_loopback_name))
    {
        return respond(control::refusal(403, "this is for callers on this machine only"));
    }
    if let Some(answer) = control::answer(&here.emulator, &call) {
        return respond(answer);
    }
    match here.emulator.exchange(call).await {
        ExchangeOutcome::Answered(answer) => respond(answer),
        ExchangeOutcome::Broken | ExchangeOutcome::Refused => {
            // The framework wants an answer all the same. On a connection that is cut it never leaves.
            peer.cut();
            respond(empty(500))
        }
    }
}

fn respond(answer: Answer) -> Response {
    match Pieces::of(&answer) {
        Some(pieces) => {
            let pieces = pieces.map(Ok::<_, std::convert::Infallible>);
            answer.map(|_| Body::from_stream(futures_util::stream::iter(pieces)))
        }
        None => answer.map(Body::from),
    }
}

/// Whether a `Host` header names this machine. A page in a browser that reaches loopback by a name of its own does not.
fn is_loopback_name(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    };
    name == "localhost" || name == "[::1]" || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_name_and_number_only() {
        for host in ["localhost", "localhost:80", "127.0.0.1:8001", "[::1]:9"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["127.0.0.1.example.com", "example.com:80", "localhost.example.com"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
