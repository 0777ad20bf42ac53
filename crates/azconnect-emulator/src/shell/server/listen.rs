//! Connections to one port, each with a time limit for its handshake and for the head of a request.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::connection::{AnyStream, Connection};
use super::{Here, handle};

/// How long the head of a request may take to arrive, and how long a connection may be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long exchanges may take to end after the server was stopped. One that never answers is cut then.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// The pause after a connection could not be taken, as when this process has too many files open.
const PAUSE: Duration = Duration::from_millis(200);

/// The connections of a server that are open, those inside tunnels included.
#[derive(Clone)]
pub(super) struct Open(Arc<watch::Sender<()>>);

impl Open {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }

    /// Lets every exchange end, within a time limit.
    pub(super) async fn close(&self) {
        self.0.send_replace(());
        drop(timeout(LAST_ANSWERS, self.0.closed()).await);
    }
}

/// Takes connections until `stop` is ready.
#[expect(clippy::disallowed_methods, reason = "sockets live in real time, and a connection is a task of its own")]
pub(super) async fn accept(listener: TcpListener, here: Arc<Here>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    loop {
        let (stream, address) = match select(pin!(listener.accept()), &mut stop).await {
            Either::Left((Ok(taken), _)) => taken,
            Either::Left((Err(_), _)) => {
                sleep(PAUSE).await;
                continue;
            }
            Either::Right(_) => break,
        };
        // Small answers should not wait for the peer's acknowledgements.
        drop(stream.set_nodelay(true));
        tokio::spawn(serve(here.clone(), Box::new(stream), address));
    }
}

/// Answers on one connection until it ends. One that breaks, or whose handshake fails, concerns its caller only.
pub(super) fn serve(here: Arc<Here>, stream: AnyStream, address: SocketAddr) -> BoxFuture<'static, ()> {
    let serving = async move {
        // Held until the end: the server counts its open connections by those who listen.
        let mut closing = here.open.0.subscribe();
        let stream = match &here.handshake {
            Some(handshake) => match timeout(HANDSHAKE_LIMIT, handshake(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(_)) | Err(_) => return,
            },
            None => stream,
        };
        let (connection, peer) = Connection::open(stream, address);
        let service = service_fn(move |request| {
            let exchange = handle(here.clone(), peer.clone(), request);
            async move { Ok::<_, Infallible>(exchange.await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
        let connection = builder.serve_connection(TokioIo::new(connection), service).with_upgrades();
        let mut connection = pin!(connection);
        if let Either::Right(_) = select(connection.as_mut(), pin!(closing.changed())).await {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    };
    serving.boxed()
}
