//! Calls to a host that somebody else named: they reach the public internet only.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, NoRetry};
use azconnect_http::{
    Call, Pipeline, PlainDialect, ReqwestTransport, ReqwestTransportBuilder, Response, SendOptions, SystemClock,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A resolver that gives one answer after the other, the last one for ever, to every name.
#[derive(Default)]
struct Table {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Table {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let read = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(read).collect()), asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Table {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(Box::new(answer.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs) })
    }
}

async fn ask(builder: ReqwestTransportBuilder, call: Call) -> Result<Response, Error> {
    let transport = Arc::new(builder.danger_allow_http_loopback().build().unwrap());
    let pipeline = Pipeline::new(transport, Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry));
    pipeline.execute(call, &PlainDialect).await
}

fn call(address: &str) -> Call {
    let options = SendOptions::default().with_timeout(Duration::from_secs(2));
    Call::get("thing.get", Url::parse(address).unwrap()).to_foreign_host().with_options(options)
}

fn is_refused(error: &Error) -> bool {
    (error.kind(), error.effect(), error.field()) == (ErrorKind::InvalidInput, Effect::None, Some("address"))
        && error.message().contains("private network")
        && error.advice().contains("with_allowed_private_hosts")
}

async fn service() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    server
}

#[tokio::test]
async fn a_number_of_a_private_network_is_refused_however_it_is_written() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "10.0.0.5",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "168.63.129.16",
        "0.0.0.0",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::a00:1]",
    ] {
        let error = ask(ReqwestTransport::builder(), call(&format!("https://{host}/"))).await.unwrap_err();
        assert!(is_refused(&error), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn a_name_is_refused_by_what_it_resolves_to() {
    for (name, address) in [
        ("kubernetes.default.svc", "10.96.0.1"),
        ("10.0.0.5.nip.io", "10.0.0.5"),
        ("metadata.google.internal", "169.254.169.254"),
        ("registry.example.com", "::1"),
        ("registry.example.com", "::ffff:10.0.0.1"),
        ("registry.example.com", "fd12::1"),
    ] {
        let builder = ReqwestTransport::builder().with_resolver(Table::new(&[&[address]]));
        let error = ask(builder, call(&format!("https://{name}/"))).await.unwrap_err();
        assert!(is_refused(&error), "{name}: {error:?}");
        assert!(!format!("{error:?}").contains(name), "no address in {error:?}");
    }
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_refused() {
    let builder = ReqwestTransport::builder().with_resolver(Table::new(&[&["8.8.8.8", "10.0.0.5"]]));
    assert!(is_refused(&ask(builder, call("https://registry.example.com/")).await.unwrap_err()));
}

#[tokio::test]
async fn the_operating_system_s_answer_is_checked_as_well() {
    let server = service().await;
    let address = format!("http://localhost:{}/", server.address().port());
    assert!(is_refused(&ask(ReqwestTransport::builder(), call(&address)).await.unwrap_err()));
    let allowed = ReqwestTransport::builder().with_allowed_private_hosts(["LOCALHOST."]);
    assert!(ask(allowed, call(&address)).await.is_ok());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_allowed_by_name_is_reached_and_no_other() {
    let server = service().await;
    let allowed = || ReqwestTransport::builder().with_allowed_private_hosts(["127.0.0.1", "[::1]"]);
    assert!(ask(allowed(), call(&server.uri())).await.is_ok());
    let other = format!("http://127.0.0.2:{}/", server.address().port());
    assert!(is_refused(&ask(allowed(), call(&other)).await.unwrap_err()));
}

#[tokio::test]
async fn metadata_is_refused_even_for_a_host_that_is_allowed() {
    let names = ["registry.corp.example", "169.254.169.254"];
    for name in names {
        let builder = ReqwestTransport::builder()
            .with_resolver(Table::new(&[&["169.254.169.254"]]))
            .with_allowed_private_hosts(names);
        assert!(is_refused(&ask(builder, call(&format!("https://{name}/"))).await.unwrap_err()));
    }
}

/// The resolver gives another answer the second time, as a host does that wants to be checked under one address and
/// called under another.
#[tokio::test]
async fn a_connection_is_made_to_the_addresses_that_were_checked() {
    let server = service().await;
    let table = Table::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let builder = ReqwestTransport::builder()
        .with_resolver(Arc::clone(&table) as Arc<dyn Resolve>)
        .with_allowed_private_hosts(["localhost"]);
    let address = format!("http://localhost:{}/", server.address().port());
    assert!(ask(builder, call(&address)).await.is_ok());
    assert_eq!(table.asked.load(Ordering::SeqCst), 1, "what was checked is what was connected to");
}

#[tokio::test]
async fn the_caller_s_own_clients_do_not_go_around_the_check() {
    let server = service().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let builder = ReqwestTransport::builder().with_clients(client.clone(), client);
    assert!(is_refused(&ask(builder, call(&server.uri())).await.unwrap_err()));
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_call_to_a_service_of_ones_own_choice_is_not_held_to_it() {
    let server = service().await;
    let own = Call::get("thing.get", Url::parse(&server.uri()).unwrap());
    assert!(ask(ReqwestTransport::builder(), own).await.is_ok());
}
