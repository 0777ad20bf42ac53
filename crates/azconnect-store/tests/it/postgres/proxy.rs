//! A proxy on this machine that loses a connection at a certain statement.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::server;

/// What is done to the next connection on which a text is sent.
#[derive(Clone, Copy)]
pub(super) enum Cut {
    /// The text does not reach the server.
    Before,
    /// The server does what the text says; its answer does not come back.
    After,
}

#[derive(Default)]
struct Plan {
    cut: Mutex<Option<(&'static str, Cut)>>,
    /// Whether every connection after the cut is refused.
    ends_then: AtomicBool,
    has_ended: AtomicBool,
}

/// Stands between the store and its server.
pub(super) struct Proxy {
    plan: Arc<Plan>,
    port: u16,
}

impl Proxy {
    pub(super) fn start() -> Self {
        let config: tokio_postgres::Config = server().parse().unwrap();
        let target = config.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Arc::new(Plan::default());
        let shared = Arc::clone(&plan);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.has_ended.load(Ordering::SeqCst) {
                    continue;
                }
                let upstream = TcpStream::connect(("127.0.0.1", target)).unwrap();
                carry(client, upstream, &shared);
            }
        });
        Self { plan, port }
    }

    /// The address of the server over this proxy, in the clear, so that the proxy can read it.
    pub(super) fn url(&self) -> String {
        let url = server();
        let (start, _) = url.rsplit_once(':').unwrap();
        format!("{start}:{}/postgres?sslmode=disable", self.port)
    }

    /// Cuts the next connection on which the text is sent.
    pub(super) fn cut(&self, text: &'static str, cut: Cut) {
        *self.plan.cut.lock().unwrap() = Some((text, cut));
    }

    /// As [`cut`](Self::cut), and lets no connection through any more.
    pub(super) fn cut_for_good(&self, text: &'static str, cut: Cut) {
        self.plan.ends_then.store(true, Ordering::SeqCst);
        self.cut(text, cut);
    }

    /// Whether what was planned was done.
    pub(super) fn has_cut(&self) -> bool {
        self.plan.cut.lock().unwrap().is_none()
    }
}

fn carry(client: TcpStream, upstream: TcpStream, plan: &Arc<Plan>) {
    let swallows = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let (plan, swallowing) = (Arc::clone(plan), Arc::clone(&swallows));
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let text = &buffer[..count];
            let planned = {
                let mut planned = plan.cut.lock().unwrap();
                planned.take_if(|(wanted, _)| text.windows(wanted.len()).any(|part| part == wanted.as_bytes()))
            };
            if planned.is_some() && plan.ends_then.load(Ordering::SeqCst) {
                plan.has_ended.store(true, Ordering::SeqCst);
            }
            match planned {
                Some((_, Cut::Before)) => break,
                Some((_, Cut::After)) => swallowing.store(true, Ordering::SeqCst),
                None => {}
            }
            if to.write_all(text).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
    let (mut from, mut to) = (upstream, client);
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            // The answer is there, so the server has done what it was told.
            if swallows.load(Ordering::SeqCst) || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}
