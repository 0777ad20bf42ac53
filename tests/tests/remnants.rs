//! What is left of a secret in memory that was freed: nothing in buffers of ours, and a known number of copies in the
//! libraries'.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect::SystemClock;
use azconnect::core::{Clock, Cloud, Error, Scope, Secret, SecretId, SecretStore};
use azconnect::credential::{AccessToken, Marker, TokenProvider};
use azconnect::devops::{DevOpsClient, EndpointChange, OrganizationName, PersonalAccessToken, ProjectRef};
use azconnect::graph::{GraphClient, NewPassword};
use azconnect::http::{Bearer, Call, Pipeline, PlainDialect, Request, ReqwestTransport, Response, Transport};
use azconnect::identity::{ClientSecretSource, TokenEndpoint, TokenRequest, TokenSource};
use azconnect::store::seal::SealingKey;
use azconnect::store::{MemorySecrets, SqliteStore};
use azconnect_tests::watched::{Watched, remnants};
use time::OffsetDateTime;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A secret that every encoding on the way leaves as it is.
const SECRET: &str = "Kq7vX2mPz9Lw4RtP8BnQ3sHd6fJy1cGu5aEoViTbMk0xQrZe";

/// What `:` and the secret are in base64, as a personal access token is sent.
const SECRET_IN_BASE64: &str = "OktxN3ZYMm1QejlMdzRSdFA4Qm5RM3NIZDZmSnkxY0d1NWFFb1ZpVGJNazB4UXJaZQ==";

const ID: &str = "1dfdea68-9549-409e-abee-c5da69cfec5f";

/// A service that answers everything alike, from memory that is never freed.
struct Canned(&'static [u8]);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Ok(http::Response::new(bytes::Bytes::from_static(self.0)))
    }
}

fn canned(answer: &'static str) -> Arc<dyn Transport> {
    Arc::new(Canned(answer.as_bytes()))
}

fn pipeline(transport: Arc<dyn Transport>) -> Pipeline {
    Pipeline::new(transport, Arc::new(SystemClock::new()))
}

/// Counts what is left of a text after some work, whose runtime and connections are gone by then.
fn left<F: Future<Output = ()>>(text: &str, work: impl FnOnce() -> F) -> usize {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work());
    remnants(text, run).0
}

async fn sign_in(transport: Arc<dyn Transport>, cloud: &Cloud, secret: &str) {
    let endpoint = TokenEndpoint::new(pipeline(transport), cloud, ID.parse().unwrap());
    let source = ClientSecretSource::new(endpoint, ID.parse().unwrap(), Secret::new(secret)).unwrap();
    source.fetch(TokenRequest::new(&Scope::of_resource("https://management.azure.com"))).await.unwrap();
}

fn token_answer(token: &str) -> &'static str {
    format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{token}"}}"#).leak()
}

fn password_answer() -> &'static str {
    format!(r#"{{"keyId":"{ID}","secretText":"{SECRET}","endDateTime":"2027-01-31T12:00:00Z"}}"#).leak()
}

struct OneToken(Arc<AccessToken>);

#[async_trait]
impl TokenProvider for OneToken {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Ok(Arc::clone(&self.0))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

fn tokens(token: &str) -> Arc<dyn TokenProvider> {
    let end = OffsetDateTime::UNIX_EPOCH;
    Arc::new(OneToken(Arc::new(AccessToken::new(Secret::new(token), end, end))))
}

async fn call_with_bearer(transport: Arc<dyn Transport>, address: &str) {
    let bearer = Bearer::new(tokens(SECRET), Scope::of_resource("https://service.example"));
    let call = Call::get("thing.get", address.parse().unwrap()).with_authorizer(Arc::new(bearer));
    pipeline(transport).execute(call, &PlainDialect).await.unwrap();
}

async fn add_password(answer: &'static str) {
    let graph = GraphClient::new(pipeline(canned(answer)), &Cloud::public(), tokens("another-token"));
    let end = SystemClock::new().now() + std::time::Duration::from_secs(86_400);
    let request = NewPassword::new(Marker::new("azconnect 0001").unwrap(), end);
    let added = graph.add_password(azconnect::graph::PasswordHolder::Application(ID.parse().unwrap()), &request).await;
    assert_eq!(added.unwrap().secret.expose(), SECRET);
}

/// Reads a connection, writes it with a new secret, and reads it again.
async fn update_connection(pat: &str, secret: &str) {
    let document = format!(
        r#"{{"id":"{ID}","name":"deploy","type":"AzureRM","url":"https://management.azure.com/","padding":"{}",
            "authorization":{{"scheme":"ServicePrincipal","parameters":{{"tenantid":"{ID}","serviceprincipalid":"{ID}",
            "authenticationType":"spnKey","serviceprincipalkey":null}}}},"data":{{}}}}"#,
        // Longer than the first room of a buffer, so that it grows.
        "x".repeat(5000)
    );
    let pat = PersonalAccessToken::new(Secret::new(pat)).unwrap();
    let client = DevOpsClient::new(pipeline(canned(document.leak())), &Cloud::public(), Arc::new(pat));
    let organization = client.organization(&OrganizationName::new("contoso").unwrap()).unwrap();
    let endpoints = organization.endpoints(ProjectRef::new("Web").unwrap());
    let before = endpoints.get(ID.parse().unwrap()).await.unwrap();
    let secret = Secret::new(secret);
    endpoints.update(&before, &EndpointChange::new().with_client_secret(&secret)).await.unwrap();
}

async fn keep(store: &dyn SecretStore) {
    let id = SecretId::new("connection/contoso/1").unwrap();
    store.put(&id, &Secret::new(SECRET)).await.unwrap();
    assert_eq!(store.get(&id).await.unwrap().unwrap().expose(), SECRET);
    store.remove(&id).await.unwrap();
}

async fn keep_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let key = SealingKey::generate().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.db"), key, Arc::new(SystemClock::new())).await.unwrap();
    keep(&store).await;
}

/// A service on this machine that answers every request alike, and whose thread keeps nothing on the heap.
fn serve(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer: &'static str =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).leak();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 16_384];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn network() -> Arc<dyn Transport> {
    Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap())
}

async fn over_network(service: &str, secret: &str) {
    let cloud =
        azconnect::core::danger::allow_http_loopback(Cloud::custom("Test")).with_login(service).unwrap().build();
    sign_in(network(), &cloud, secret).await;
}

async fn call_over_network(service: &str) {
    call_with_bearer(network(), service).await;
}

/// One test, since everything that the process frees counts.
#[test]
fn no_buffer_of_ours_leaves_a_secret_behind() {
    // The watch itself: a text that nobody overwrites is found, and one that is, is not.
    assert_eq!(remnants(SECRET, || drop(SECRET.to_owned())).0, 1);
    assert_eq!(remnants(SECRET, || drop(Secret::new(SECRET))).0, 0);

    let public = Cloud::public();
    // Made beforehand and under the watch, so that nothing of the test's own is counted.
    let prepare = || {
        let escaped: String = SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        (token_answer("dull"), token_answer(SECRET), token_answer(&escaped), password_answer())
    };
    let (_, (dull, token, escaped, password)) = remnants(SECRET, prepare);
    let (_, (dull_service, token_service)) = remnants(SECRET, || (serve(dull), serve(token)));
    let rows = [
        // Over a transport that keeps nothing: buffers of ours alone.
        ("token request", 0, left(SECRET, || sign_in(canned(dull), &public, SECRET))),
        ("token answer", 0, left(SECRET, || sign_in(canned(token), &public, "another-secret"))),
        ("token answer with escapes", 0, left(SECRET, || sign_in(canned(escaped), &public, "another-secret"))),
        ("bearer header", 0, left(SECRET, || call_with_bearer(canned("{}"), "https://service.example/"))),
        ("addPassword answer", 0, left(SECRET, || add_password(password))),
        ("connection written", 0, left(SECRET, || update_connection("another-token", SECRET))),
        ("personal access token", 0, left(SECRET, || update_connection(SECRET, "another-secret"))),
        ("its header", 0, left(SECRET_IN_BASE64, || update_connection(SECRET, "another-secret"))),
        ("store in memory", 0, left(SECRET, || async { keep(&MemorySecrets::new()).await })),
        ("store in SQLite", 0, left(SECRET, keep_in_sqlite)),
        // Copies of the libraries, which SECURITY.md names.
        ("hyper: a request's body", 0, left(SECRET, || over_network(&dull_service, SECRET))),
        ("hyper: a request's header", 1, left(SECRET, || call_over_network(&dull_service))),
        ("hyper: an answer", 1, left(SECRET, || over_network(&token_service, "another"))),
    ];
    for (path, allowed, found) in rows {
        println!("{path:32} {found} left, {allowed} expected");
    }
    for (path, allowed, found) in rows {
        assert_eq!(found, allowed, "{path}");
    }
}
