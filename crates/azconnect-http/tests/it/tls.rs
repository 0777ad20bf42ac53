//! TLS: certificates that are not trusted are named as such, and HTTP/2 is spoken where the service can.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_http::{Call, Pipeline, PlainDialect, ReqwestTransport, SendOptions, SystemClock};
use azconnect_testkit::Canary;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use url::Url;

/// A certificate authority that only this test knows.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: pem(&certificate), issuer: Issuer::new(params, key) }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

fn pem(certificate: &Certificate) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let der = certificate.der();
    let mut base64 = String::new();
    for group in der.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            base64.push(if place <= group.len() { char::from(alphabet[digit as usize]) } else { '=' });
        }
    }
    for line in base64.as_bytes().chunks(64) {
        writeln!(text, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    text + "-----END CERTIFICATE-----\n"
}

/// What a service was told on its connections: the protocol agreed on, and the bytes.
type Heard = Arc<Mutex<Vec<(Option<String>, String)>>>;

/// A service with a certificate, which speaks HTTP/2 or else HTTP/1.1, and answers 200 to everything.
#[expect(clippy::disallowed_methods, reason = "a server beside the test")]
async fn serve((certificate, key): (Certificate, KeyPair)) -> (String, Heard) {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let chain = vec![certificate.der().clone()];
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let heard = Heard::default();
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(acceptor.clone(), stream, Arc::clone(&notes)));
        }
    });
    (address, heard)
}

async fn converse(acceptor: TlsAcceptor, stream: tokio::net::TcpStream, heard: Heard) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let protocol = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap());
    let note = |text: String| heard.lock().unwrap().push((protocol.clone(), text));
    if protocol.as_deref() == Some("h2") {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            note(format!("{} {:?}", request.uri().path(), request.headers().get("x-secret").is_some()));
            let answer = http::Response::builder().status(200).body(()).unwrap();
            respond.send_response(answer, false).unwrap().send_data("ok".into(), true).unwrap();
        }
        return;
    }
    let mut buffer = vec![0; 4096];
    let length = stream.read(&mut buffer).await.unwrap_or(0);
    note(String::from_utf8_lossy(&buffer[..length]).into_owned());
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let _ = stream.shutdown().await;
}

fn pipeline(roots: &[&str]) -> Pipeline {
    let builder = ReqwestTransport::builder();
    let builder = roots.iter().fold(builder, |builder, pem| builder.with_root_certificate(pem.as_bytes()).unwrap());
    Pipeline::new(Arc::new(builder.build().unwrap()), Arc::new(SystemClock::new()))
}

fn call(address: &str) -> Call {
    Call::get("thing.get", Url::parse(address).unwrap())
}

/// Asks a service with a certificate, trusting an authority or nobody but the machine's own.
async fn refused(authority: Option<&Authority>, certificate: (Certificate, KeyPair)) -> Error {
    let (address, heard) = serve(certificate).await;
    let roots: Vec<&str> = authority.iter().map(|authority| authority.pem.as_str()).collect();
    let canary = Canary::new();
    let secret = http::HeaderValue::from_str(canary.secret().expose()).unwrap();
    let call =
        call(&format!("{address}path?sig=signed")).with_header(http::HeaderName::from_static("x-secret"), secret);
    let error = pipeline(&roots).execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    // Nothing changes before somebody does something: five attempts would be four too many.
    assert_eq!(error.retry(), Retry::No);
    assert!(heard.lock().unwrap().is_empty(), "nothing was told to who is not trusted");
    assert!(error.message().starts_with("the certificate of localhost "), "{error}");
    let shown = format!("{error:?}");
    assert!(!shown.contains("signed\"") && !shown.contains("sig=") && !shown.contains("/path"), "{shown}");
    canary.assert_absent("the error", shown.as_bytes());
    error
}

#[tokio::test]
async fn each_reason_to_distrust_a_certificate_has_its_words_and_its_remedy() {
    let authority = Authority::new();
    let past = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(2090, 1, 1);
    let elsewhere =
        |params: &mut CertificateParams| *params = CertificateParams::new(vec!["else.example".into()]).unwrap();
    for (trusted, certificate, message, advice) in [
        (false, authority.sign(|_| ()), "is signed by nobody that this machine trusts", "with_root_certificate"),
        (true, authority.sign(past), "has expired", "clock"),
        (true, authority.sign(future), "is not valid yet", "clock"),
        (true, authority.sign(elsewhere), "is for another name", "the address"),
    ] {
        let error = refused(trusted.then_some(&authority), certificate).await;
        assert!(error.message().ends_with(message), "{error}");
        assert!(error.advice().contains(advice), "{}", error.advice());
    }
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_named_as_one_that_nobody_vouches_for() {
    for ca in [false, true] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        if ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let error = refused(None, (params.self_signed(&key).unwrap(), key)).await;
        assert!(error.message().ends_with("is signed by nobody that this machine trusts"), "{error}");
        assert!(error.advice().contains("signed by itself"), "{}", error.advice());
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_the_service_can_and_not_over_a_fresh_connection() {
    let authority = Authority::new();
    let (address, heard) = serve(authority.sign(|_| ())).await;
    let pipeline = pipeline(&[&authority.pem]);
    for fresh in [false, true] {
        let options = SendOptions::default().with_fresh_connection(fresh).with_timeout(Duration::from_secs(10));
        let answer = pipeline.execute(call(&address).with_options(options), &PlainDialect).await.unwrap();
        assert_eq!(answer.body(), "ok");
    }
    let heard = heard.lock().unwrap();
    let protocols: Vec<Option<&str>> = heard.iter().map(|(protocol, _)| protocol.as_deref()).collect();
    assert_eq!(protocols, [Some("h2"), Some("http/1.1")]);
    assert!(heard[1].1.to_ascii_lowercase().contains("connection: close"), "{heard:?}");
}
