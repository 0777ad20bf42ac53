//! Connections that the service closes while nobody uses them, or as they are used.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Clock as _, Effect, Error, ErrorKind};
use azconnect_http::{Call, Pipeline, PlainDialect, ReqwestTransport, Response, SystemClock};
use http::Method;
use url::Url;

/// What a service does with the second request of a connection. The first is answered.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// Has closed the connection before it comes.
    Gone,
    /// Reads it whole and closes without a word.
    Unanswered,
    /// Closes in the middle of it, which resets the connection.
    Reset,
}

/// A service that keeps connections, and closes each at its second request.
struct Service {
    url: Url,
    /// The method of each request that was read whole.
    seen: Arc<Mutex<Vec<String>>>,
    closed: Receiver<()>,
}

impl Service {
    fn start(second: Second) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/things", listener.local_addr().unwrap())).unwrap();
        let (seen, (told, closed)) = (Arc::new(Mutex::new(Vec::new())), channel());
        let notes = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), second, &notes, &told);
            }
        });
        Self { url, seen, closed }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, second: Second, seen: &Mutex<Vec<String>>, told: &Sender<()>) {
    let mut reader = BufReader::new(stream);
    let Some(method) = read(&mut reader) else { return };
    seen.lock().unwrap().push(method);
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
    match second {
        Second::Gone => {}
        Second::Unanswered => {
            if let Some(method) = read(&mut reader) {
                seen.lock().unwrap().push(method);
            }
        }
        // What is left unread makes the system send a reset.
        Second::Reset => drop(reader.get_mut().read_exact(&mut [0; 1])),
    }
    let _ = stream.shutdown(Shutdown::Both);
    let _ = told.send(());
}

/// Reads a request with its body, and returns its method.
fn read(reader: &mut impl BufRead) -> Option<String> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    first.split(' ').next().map(str::to_owned)
}

/// Sends a first request over a connection, and a second over the same one.
async fn ask_twice(service: &Service, method: &Method, pause: Pause) -> Result<Response, Error> {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
    pipeline.execute(Call::get("thing.first", service.url.clone()), &PlainDialect).await.unwrap();
    match pause {
        Pause::None => {}
        Pause::Noticed => {
            service.closed.recv().unwrap();
            SystemClock::new().sleep(Duration::from_millis(50)).await;
        }
        // The thread that would hear of it is held, so the end of the connection and the request meet.
        Pause::Unnoticed => service.closed.recv().unwrap(),
    }
    let url = service.url.clone();
    let second = match *method {
        Method::POST => Call::post("thing.second", url),
        Method::PUT => Call::put("thing.second", url),
        Method::DELETE => Call::delete("thing.second", url),
        _ => Call::get("thing.second", url),
    };
    pipeline.execute(second.with_json(&"a body").unwrap(), &PlainDialect).await
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    Noticed,
    Unnoticed,
}

/// Azure's front ends close a connection that nobody uses for some minutes.
#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_request_of_any_method() {
    for pause in [Pause::Noticed, Pause::Unnoticed] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::GET] {
            let service = Service::start(Second::Gone);
            let outcome = ask_twice(&service, &method, pause).await;
            assert!(outcome.is_ok(), "{method} {pause:?}: {outcome:?}");
            assert_eq!(service.seen(), ["GET", method.as_str()], "{pause:?}: it came exactly once");
        }
    }
}

#[tokio::test]
async fn a_post_that_may_have_been_read_is_not_sent_again() {
    for second in [Second::Unanswered, Second::Reset] {
        let service = Service::start(second);
        let error = ask_twice(&service, &Method::POST, Pause::None).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown), "{second:?}");
        let posts = service.seen().iter().filter(|method| *method == "POST").count();
        assert_eq!(posts, usize::from(matches!(second, Second::Unanswered)), "{second:?}");
    }
}

#[tokio::test]
async fn what_is_idempotent_is_sent_again_over_another_connection() {
    for second in [Second::Unanswered, Second::Reset] {
        for method in [Method::PUT, Method::DELETE, Method::GET] {
            let service = Service::start(second);
            let answer = ask_twice(&service, &method, Pause::None).await.unwrap();
            assert_eq!(answer.status(), 200, "{method} {second:?}");
        }
    }
}
