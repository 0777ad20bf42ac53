//! Connections to one port, each with a time limit for the head of a request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::{Here, handle};

/// How long the head of a request may take to arrive, and how long a connection may be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// How long exchanges may take to end after the server was stopped. One that never answers is cut then.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// The pause after a connection could not be taken, as when this process has too many files open.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes connections until `stop` is ready, then lets their exchanges end.
#[expect(clippy::disallowed_methods, reason = "sockets live in real time, and a connection is a task of its own")]
pub(super) async fn accept(listener: TcpListener, here: Arc<Here>, stop: impl Future<Output = ()>) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let stream = match select(pin!(listener.accept()), &mut stop).await {
            Either::Left((Ok((stream, _)), _)) => stream,
            Either::Left((Err(_), _)) => {
                sleep(PAUSE).await;
                continue;
            }
            Either::Right(_) => break,
        };
        let Ok((connection, peer)) = Connection::open(stream) else { continue };
        let here = here.clone();
        let service = service_fn(move |request| {
            let exchange = handle(here.clone(), peer.clone(), request);
            async move { Ok::<_, Infallible>(exchange.await) }
        });
        let serving = open.watch(builder.serve_connection(TokioIo::new(connection), service));
        // A connection that breaks concerns its caller only.
        tokio::spawn(async move { drop(serving.await) });
    }
    drop(timeout(LAST_ANSWERS, open.shutdown()).await);
}
