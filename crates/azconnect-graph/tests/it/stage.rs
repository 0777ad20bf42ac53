//! What the tests share: tokens, a scripted Graph, and a server on loopback.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Cloud, Error, Scope, Secret, danger};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_graph::GraphClient;
use azconnect_http::{Pipeline, Request, ReqwestTransport, Response, SystemClock, Transport};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use time::OffsetDateTime;
use wiremock::MockServer;

pub(crate) const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
pub(crate) const OBJECT: &str = "20000000-0000-4000-8000-000000000002";
pub(crate) const PRINCIPAL: &str = "30000000-0000-4000-8000-000000000002";
pub(crate) const KEY: &str = "f0b0b335-1d71-4883-8f98-567911bfdca6";

/// Tokens for Graph, whatever was refused.
pub(crate) struct Tokens(Secret);

impl Tokens {
    pub(crate) fn new(text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self(Secret::new(text)))
    }
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        assert!(scope.as_str().ends_with("/.default"));
        let end = OffsetDateTime::UNIX_EPOCH;
        Ok(Arc::new(AccessToken::new(self.0.duplicate(), end, end)))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

/// More requests than any test has need of. Under virtual time a client that does not stop would never let its test end.
const MOST_REQUESTS: usize = 1_000;

type Act = Box<dyn Fn(usize, &Request) -> Result<Response, Error> + Send + Sync>;

/// A Graph that answers by the number of the request, counted from 1, and by the request.
pub(crate) struct Scripted {
    act: Act,
    seen: Mutex<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(act: impl Fn(usize, &Request) -> Result<Response, Error> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { act: Box::new(act), seen: Mutex::default() })
    }

    /// A client under virtual time.
    pub(crate) fn client(self: &Arc<Self>) -> GraphClient {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(VirtualClock::new()));
        GraphClient::new(pipeline, &Cloud::public(), Tokens::new("a-token"))
    }

    /// The method and path of each request.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(format!("{} {}", request.method(), request.uri().path()));
            seen.len()
        };
        assert!(number <= MOST_REQUESTS, "the client does not stop asking");
        (self.act)(number, &request)
    }
}

/// A client of a server on loopback.
pub(crate) fn client_of(server: &MockServer, token: impl Into<String>) -> GraphClient {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
    let cloud = danger::allow_http_loopback(Cloud::custom("Test")).with_graph(&server.uri()).unwrap().build();
    GraphClient::new(pipeline, &cloud, Tokens::new(token))
}

pub(crate) fn answer(status: u16, body: &Value) -> Response {
    http::Response::builder().status(status).body(body.to_string().into()).unwrap()
}

pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Response {
    answer(status, &json!({"error": {"code": code, "message": message}}))
}

/// The example answer of *application: addPassword*.
pub(crate) fn added() -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": "azconnect 0001",
        "endDateTime": "2027-01-31T12:00:00Z",
        "hint": "[6g",
        "keyId": KEY,
        "secretText": "[6gyXA5S20@MN+WRXAJ]I-TO7g1:h2P8",
        "startDateTime": "2026-01-01T00:00:00Z",
    })
}

/// An application as *Get application* answers it.
pub(crate) fn application(passwords: &Value) -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications/$entity",
        "id": OBJECT,
        "appId": CLIENT,
        "displayName": "Deployer",
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2021-09-09T19:50:29.3086381Z",
        "disabledByMicrosoftStatus": null,
        "passwordCredentials": passwords,
        "keyCredentials": [],
    })
}

pub(crate) fn principal(passwords: &Value) -> Value {
    json!({
        "id": PRINCIPAL, "appId": CLIENT, "displayName": "Deployer", "accountEnabled": true,
        "servicePrincipalType": "Application", "passwordCredentials": passwords, "keyCredentials": [],
    })
}

/// A password as it is listed.
pub(crate) fn listed(key: &str, name: &str) -> Value {
    json!({
        "customKeyIdentifier": null, "displayName": name, "endDateTime": "2027-01-31T12:00:00Z", "hint": "[6g",
        "keyId": key, "secretText": null, "startDateTime": "2026-01-01T00:00:00Z",
    })
}
