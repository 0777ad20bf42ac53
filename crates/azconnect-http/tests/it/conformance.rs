//! The suites of the ports, against real sockets on loopback and the machine's own clock.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use azconnect_http::{ReqwestTransport, Response, SystemClock, Transport};
use azconnect_testkit::conformance::clock::{self, ClockHarness};
use azconnect_testkit::conformance::transport::{self, EchoHarness, Received, TransportHarness};
use azconnect_testkit::fake::Conduct;

struct System(SystemClock);

#[async_trait]
impl ClockHarness for System {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0)
    }

    async fn pass(&self, time: Duration) {
        self.0.sleep(time).await;
    }
}

#[tokio::test]
async fn the_system_clock_conforms() {
    clock::all(async || System(SystemClock::new())).await;
}

/// Services on loopback, each a listener of its own.
struct Loopback {
    transport: Arc<dyn Transport>,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicU64>,
}

impl Loopback {
    fn new() -> Self {
        let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
        Self { transport: Arc::new(transport), received: Arc::default(), connections: Arc::default() }
    }

    /// Starts a server that treats every request as `treat` says.
    fn start(&self, treat: impl Fn(&Asked) -> Conduct + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/service", listener.local_addr().unwrap());
        let (received, connections, treat) = (self.received.clone(), self.connections.clone(), Arc::new(treat));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (received, treat) = (received.clone(), treat.clone());
                let connection = connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || serve(stream.unwrap(), connection, &received, &*treat));
            }
        });
        address
    }
}

/// A request as it came over the socket.
struct Asked {
    method: String,
    target: String,
    header: String,
    body: String,
}

fn serve(stream: TcpStream, connection: u64, received: &Mutex<Vec<Received>>, treat: &dyn Fn(&Asked) -> Conduct) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(asked) = read(&mut reader) {
        let path = asked.target.split('?').next().unwrap();
        received.lock().unwrap().push(Received::new(&asked.method, path, connection));
        match treat(&asked) {
            Conduct::Answer(answer) => write(&stream, &answer),
            Conduct::Hang => std::thread::sleep(Duration::from_secs(3600)),
            _ => return,
        }
    }
}

/// Reads one request, if the connection brings another.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = VecDeque::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push_back(line.to_owned()),
        }
    }
    let first = lines.pop_front()?;
    let mut words = first.split(' ');
    let header = |name: &str| {
        let found =
            lines.iter().filter_map(|line| line.split_once(": ")).find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(String::new(), |(_, value)| value.to_owned())
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Asked { method, target, header: header("x-conformance"), body: String::from_utf8(body).unwrap() })
}

fn write(mut stream: &TcpStream, answer: &Response) {
    let mut head = format!("HTTP/1.1 {}\r\n", answer.status());
    for (name, value) in answer.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    if !matches!(answer.status().as_u16(), 204 | 304) {
        head += &format!("content-length: {}\r\n", answer.body().len());
    }
    // The other side may have stopped listening.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(b"\r\n");
    let _ = stream.write_all(answer.body());
}

#[async_trait]
impl TransportHarness for Loopback {
    fn transport(&self) -> Arc<dyn Transport> {
        self.transport.clone()
    }

    async fn serve(&self, conduct: Conduct) -> String {
        if matches!(conduct, Conduct::Refuse) {
            // A port that was free a moment ago, and nobody listens on.
            let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            return format!("http://{closed}/service");
        }
        self.start(move |_| conduct.clone())
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

#[async_trait]
impl EchoHarness for Loopback {
    fn transport(&self) -> Arc<dyn Transport> {
        self.transport.clone()
    }

    async fn serve_echo(&self) -> String {
        self.start(|asked| {
            let Asked { method, target, header, body } = asked;
            Conduct::Answer(http::Response::new(format!("{method}\n{target}\n{header}\n{body}").into()))
        })
    }
}

#[tokio::test]
async fn the_transport_over_reqwest_conforms() {
    transport::all(async || Loopback::new()).await;
    transport::echo(async || Loopback::new()).await;
}
