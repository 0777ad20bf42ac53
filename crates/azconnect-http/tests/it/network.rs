//! The adapter over reqwest, against real sockets on loopback.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, NoRetry};
use azconnect_http::{
    Call, Pipeline, PlainDialect, Request, ReqwestTransport, Response, SendOptions, SystemClock, Transport,
};
use futures_util::StreamExt;
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn transport() -> ReqwestTransport {
    ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap()
}

fn request(address: &str, options: SendOptions) -> Request {
    let mut request = http::Request::get(address).body(bytes::Bytes::new()).unwrap();
    request.extensions_mut().insert(options);
    request
}

async fn serve(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(template).mount(&server).await;
    server
}

/// A server that answers every connection with the same bytes, and closes it.
fn raw_server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(answer);
        }
    });
    address
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let elsewhere = serve(ResponseTemplate::new(200)).await;
    let server = serve(ResponseTemplate::new(302).insert_header("location", elsewhere.uri())).await;
    let answer = transport().send(request(&server.uri(), SendOptions::default())).await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn plain_http_is_refused_beyond_loopback_and_without_the_opt_in() {
    let server = serve(ResponseTemplate::new(200)).await;
    let without = ReqwestTransport::new().unwrap().send(request(&server.uri(), SendOptions::default())).await;
    let beyond = transport().send(request("http://example.com/", SendOptions::default())).await;
    for error in [without.unwrap_err(), beyond.unwrap_err()] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::None));
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_an_error_whether_its_length_is_announced_or_not() {
    let announced = serve(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1025])).await;
    let chunked = raw_server(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n4\r\nijkl\r\n0\r\n\r\n",
    );
    for (address, limit, size) in [(announced.uri(), 1024, 1025), (chunked, 11, 12)] {
        let small = SendOptions::default().with_answer_limit(limit);
        let error = transport().send(request(&address, small)).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::Unknown), "{address}");
        let enough = SendOptions::default().with_answer_limit(size);
        assert_eq!(transport().send(request(&address, enough)).await.unwrap().body().len(), size);
    }
}

#[tokio::test]
async fn headers_beyond_the_limit_are_an_error() {
    for (size, reason) in [(70_000, "headers of the answer are larger than 65536 bytes"), (1_000_000, "")] {
        let line = format!("HTTP/1.1 200 OK\r\nx-much: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(size));
        let address = raw_server(line.leak().as_bytes());
        let error = transport().send(request(&address, SendOptions::default())).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown);
        assert!(error.message().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn of_a_refusal_less_is_read_than_of_a_success() {
    let server = serve(ResponseTemplate::new(500).set_body_bytes(vec![b'x'; 300_000])).await;
    let error = transport().send(request(&server.uri(), SendOptions::default())).await.unwrap_err();
    assert_eq!(error.message(), "the answer is larger than 262144 bytes");
}

#[tokio::test]
async fn a_port_nobody_listens_on_proves_that_nothing_was_applied() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = transport().send(request(&format!("http://{closed}/"), SendOptions::default())).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
    assert!(!format!("{error:?}").contains(&closed.to_string()), "no address in {error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_the_effect_unknown() {
    for answer in [&b""[..], b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"] {
        let address = raw_server(answer);
        let error = transport().send(request(&address, SendOptions::default())).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    }
}

#[tokio::test]
async fn an_answer_that_is_late_leaves_the_effect_unknown() {
    let server = serve(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let options = SendOptions::default().with_timeout(Duration::from_millis(100));
    let error = transport().send(request(&server.uri(), options)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
}

#[tokio::test]
async fn a_fresh_connection_is_not_shared() {
    let server = serve(ResponseTemplate::new(200)).await;
    let transport = transport();
    for fresh in [true, false] {
        let options = SendOptions::default().with_fresh_connection(fresh);
        transport.send(request(&server.uri(), options)).await.unwrap();
    }
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[0].headers["connection"], "close");
    assert!(!asked[1].headers.contains_key("connection"));
}

fn pipeline() -> Pipeline {
    Pipeline::new(Arc::new(transport()), Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry))
}

#[tokio::test]
async fn a_stream_is_not_held_to_the_limit_of_an_answer_but_a_failure_is() {
    let server = MockServer::start().await;
    let large = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 100_000]);
    Mock::given(path("/large")).respond_with(large).mount(&server).await;
    let failure = ResponseTemplate::new(404).set_body_bytes(vec![b'x'; 100_000]);
    Mock::given(path("/missing")).respond_with(failure).mount(&server).await;
    let call = |path: &str| {
        let url = Url::parse(&server.uri()).unwrap().join(path).unwrap();
        Call::get("thing.stream", url).with_options(SendOptions::default().with_answer_limit(10))
    };

    let answer = pipeline().execute_streaming(call("/large"), &PlainDialect).await.unwrap();
    let sizes: Vec<usize> = answer.into_body().map(|piece| piece.unwrap().len()).collect().await;
    assert_eq!(sizes.iter().sum::<usize>(), 100_000);

    let Err(error) = pipeline().execute_streaming(call("/missing"), &PlainDialect).await else { panic!("it failed") };
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some("thing.stream")));
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so() {
    let url = Url::parse(&raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")).unwrap();
    let answer = pipeline().execute_streaming(Call::get("thing.stream", url), &PlainDialect).await.unwrap();
    let pieces: Vec<Result<bytes::Bytes, Error>> = answer.into_body().collect().await;
    let error = pieces.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// A transport that knows only whole answers.
struct Whole;

#[async_trait::async_trait]
impl Transport for Whole {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Ok(http::Response::new("whole".into()))
    }
}

#[tokio::test]
async fn a_transport_without_streams_streams_its_whole_answer() {
    let pipeline = Pipeline::new(Arc::new(Whole), Arc::new(SystemClock::new()));
    let call = Call::get("thing.stream", Url::parse("https://service.example/").unwrap());
    let answer = pipeline.execute_streaming(call, &PlainDialect).await.unwrap();
    let pieces: Vec<_> = answer.into_body().map(Result::unwrap).collect().await;
    assert_eq!(pieces, ["whole"]);
}
