//! Connections that can be cut before anything is answered.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What bytes travel over: a socket, or TLS over one.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Any stream.
pub(crate) type AnyStream = Box<dyn Stream>;

/// The other end of a connection, as a handler sees it.
#[derive(Clone)]
pub(super) struct Peer {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    /// Whether it has sent anything since its last request.
    sends: Arc<AtomicBool>,
}

impl Peer {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Notes that all it has sent belongs to a request that was read.
    pub(super) fn has_asked(&self) {
        self.sends.store(false, Ordering::SeqCst);
    }

    /// Whether it has sent a part of a request that was not read.
    pub(super) fn is_amid_a_request(&self) -> bool {
        self.sends.load(Ordering::SeqCst)
    }

    /// Breaks the connection: whatever is answered from now on never leaves.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }
}

/// A connection that fails every write once it is cut.
pub(super) struct Connection {
    stream: AnyStream,
    cut: Arc<AtomicBool>,
    sends: Arc<AtomicBool>,
}

impl Connection {
    /// A connection over a stream to an address, and its other end as handlers see it.
    pub(super) fn open(stream: AnyStream, address: SocketAddr) -> (Self, Peer) {
        let peer = Peer { address, cut: Arc::default(), sends: Arc::default() };
        (Self { stream, cut: Arc::clone(&peer.cut), sends: Arc::clone(&peer.sends) }, peer)
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.sends.store(true, Ordering::SeqCst);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
