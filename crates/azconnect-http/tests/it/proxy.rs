//! Proxies: none is taken from the environment, and this machine is always reached directly.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_http::{Request, ReqwestTransport, ReqwestTransportBuilder, SendOptions, Transport};
use azconnect_testkit::Canary;

/// The variable that holds the address of the service, in the process that is started with proxies in its environment.
const SERVICE: &str = "AZCONNECT_TEST_SERVICE";

/// A server that notes what it is told, and answers every request with an empty 200.
struct Ear {
    address: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Ear {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).unwrap_or(0);
                notes.lock().unwrap().extend_from_slice(&buffer[..length]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

fn loopback() -> ReqwestTransportBuilder {
    ReqwestTransport::builder().danger_allow_http_loopback()
}

fn request(address: &str, secret: &str, foreign: bool) -> Request {
    let mut request = http::Request::post(address).body(bytes::Bytes::from(format!("secret={secret}"))).unwrap();
    let options = SendOptions::default().with_timeout(Duration::from_secs(5)).with_foreign_host(foreign);
    request.extensions_mut().insert(options);
    request
}

async fn is_reached(builder: ReqwestTransportBuilder, address: &str, secret: &str, foreign: bool) -> bool {
    builder.build().unwrap().send(request(address, secret, foreign)).await.is_ok()
}

/// What the process with proxies in its environment does: it tells a secret to a service on this machine in every way
/// there is, and calls hosts that only a proxy could find, since nothing resolves their names.
async fn speak(service: &str, secret: &str) {
    let client = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let asked = || loopback().with_environment_proxy();
    for builder in [loopback(), asked(), loopback().with_clients(client(), client())] {
        assert!(is_reached(builder, service, secret, false).await, "this machine is reached");
    }
    let allowed = || asked().with_allowed_private_hosts(["127.0.0.1"]);
    assert!(is_reached(allowed(), service, secret, true).await, "a foreign host on this machine is reached");
    for (builder, address, foreign) in [
        (loopback(), "https://default.invalid/", false),
        (allowed(), "https://foreign.invalid/", true),
        (asked(), "https://asked-for.invalid/", false),
    ] {
        assert!(!is_reached(builder, address, secret, foreign).await, "{address} cannot be reached");
    }
}

/// Variables of a process under test cannot be set safely while its threads run, so this test starts itself once more.
#[expect(clippy::disallowed_methods, reason = "a test of what is read from the environment")]
#[tokio::test]
async fn a_proxy_in_the_environment_sees_nothing_unless_it_was_asked_for() {
    if let Ok(service) = std::env::var(SERVICE) {
        return speak(&service, &std::env::var("AZCONNECT_TEST_SECRET").unwrap()).await;
    }
    let (service, proxy, canary) = (Ear::new(), Ear::new(), Canary::new());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxy::a_proxy_in_the_environment_sees_nothing_unless_it_was_asked_for"])
        .env(SERVICE, &service.address)
        .env("AZCONNECT_TEST_SECRET", canary.secret().expose())
        .env_remove("REQUEST_METHOD");
    for name in ["http", "https", "all"] {
        let name = format!("{name}_proxy");
        child.env(name.to_uppercase(), &proxy.address).env(name, &proxy.address);
    }
    child.env("NO_PROXY", "").env("no_proxy", "");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    assert_eq!(service.heard().matches(canary.secret().expose()).count(), 4, "each call reached the service itself");
    let heard = proxy.heard();
    canary.assert_absent("the proxy", heard.as_bytes());
    assert!(heard.contains("CONNECT asked-for.invalid:443"), "{heard}");
    assert!(!heard.contains("default.invalid") && !heard.contains("foreign.invalid"), "{heard}");
}

#[tokio::test]
async fn a_proxy_that_was_named_carries_tunnels_only_and_never_to_this_machine() {
    let (service, proxy, canary) = (Ear::new(), Ear::new(), Canary::new());
    let secret = canary.secret();
    let secret = secret.expose();
    let builder = || loopback().with_proxy(&proxy.address).unwrap().with_allowed_private_hosts(["127.0.0.1"]);
    for foreign in [false, true] {
        assert!(is_reached(builder(), &service.address, secret, foreign).await);
    }
    assert!(!is_reached(builder(), "https://foreign.invalid/", secret, true).await);
    assert!(!is_reached(builder(), "https://service.invalid/", secret, false).await);
    let heard = proxy.heard();
    canary.assert_absent("the proxy", heard.as_bytes());
    assert!(heard.contains("CONNECT service.invalid:443") && !heard.contains("foreign.invalid"), "{heard}");
}

/// The platform's services speak plain `http`, so a proxy would read the token.
#[tokio::test]
async fn the_platform_is_never_asked_through_a_proxy() {
    let (proxy, canary) = (Ear::new(), Canary::new());
    let secret = canary.secret();
    let transport = ReqwestTransport::builder().with_proxy(&proxy.address).unwrap().build().unwrap();
    let mut asked = request("http://169.254.169.254/metadata", secret.expose(), false);
    let options = SendOptions::default().with_timeout(Duration::from_millis(300)).with_platform_host(true);
    asked.extensions_mut().insert(options);
    // Whatever answers there on this machine, or nobody.
    let _ = transport.send(asked).await;
    canary.assert_absent("the proxy", proxy.heard().as_bytes());
    assert!(proxy.heard().is_empty(), "{}", proxy.heard());
    let refused = transport.send(request("http://169.254.169.254/metadata", secret.expose(), false)).await.unwrap_err();
    assert_eq!(refused.field(), Some("address"), "an ordinary call is refused: {refused}");
}
