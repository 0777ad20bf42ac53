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

use super::connection::{AnyStream, Connection, Peer};
use super::refused::unread;
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
                Ok(Err(error)) => return unread(&here, &format!("the TLS handshake failed: {error}")),
                Err(_) => return unread(&here, "the TLS handshake took too long"),
            },
            None => stream,
        };
        let (connection, peer) = Connection::open(stream, address);
        let (teller, other_end) = (here.clone(), peer.clone());
        let service = service_fn(move |request| {
            let exchange = handle(here.clone(), peer.clone(), request);
            async move { Ok::<_, Infallible>(exchange.await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
        let connection = builder.serve_connection(TokioIo::new(connection), service).with_upgrades();
        let mut connection = pin!(connection);
        let ended = match select(connection.as_mut(), pin!(closing.changed())).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Some(reason) = ended.err().and_then(|error| complaint(&error, &other_end)) {
            unread(&teller, reason);
        }
    };
    serving.boxed()
}

/// Why a connection ended without the request that was under way. One that is closed between two, or whose answer is cut,
/// has none.
fn complaint(error: &hyper::Error, peer: &Peer) -> Option<&'static str> {
    match error {
        error if error.is_parse_too_large() => Some("the head of the request is too large"),
        error if error.is_parse() => Some("it is not HTTP/1.1"),
        error if error.is_incomplete_message() => Some("the connection ended in the middle of a request"),
        error if error.is_timeout() && peer.is_amid_a_request() => Some("the head of the request took too long"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use azconnect_http::SystemClock;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::super::Behind;
    use super::*;
    use crate::shell::emulator::Emulator;

    /// What is shown of a connection that says so much and then nothing more, once every time limit has passed.
    async fn shown_after(said: &str) -> String {
        let emulator = Emulator::new(Arc::new(SystemClock::new()));
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let here = Here {
            behind: Behind::Everything,
            emulator: emulator.clone(),
            bound: address,
            open: Open::new(),
            handshake: None,
            tunnels: None,
            public_url: None,
            trusts_forwarded: false,
            has_control: true,
            vaults: Arc::default(),
        };
        let (mut client, server) = duplex(64 * 1024);
        client.write_all(said.as_bytes()).await.unwrap();
        // The other end stays open, so that nothing but time ends it.
        timeout(Duration::from_secs(3600), serve(Arc::new(here), Box::new(server), address)).await.unwrap();
        drop(client);
        serde_json::to_string(&emulator.seen().all()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_shown_and_what_says_nothing_is_not() {
        assert_eq!(shown_after("").await, "[]", "a connection that is opened in advance");
        let idle = "GET /_emulator/clock HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(shown_after(idle).await, "[]", "one that is kept open for another request");
        let slow = shown_after("GET / HTTP/1.1\r\nHost: loc").await;
        assert!(slow.contains("the head of the request took too long"), "{slow}");
        let head = "POST /v1.0/applications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        let slow = shown_after(&format!("{head}Content-Length: 9\r\n\r\n{{")).await;
        assert!(slow.contains("the request body took too long") && slow.contains("\"status\":408"), "{slow}");
    }
}
