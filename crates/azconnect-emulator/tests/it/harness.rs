//! One emulator, reached in process or over real HTTP, and raw requests to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Cloud, Error};
use azconnect_emulator::{Emulator, Seed, Service, Settings, server};
use azconnect_http::{ReqwestTransport, Transport};
use azconnect_testkit::ManualClock;
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

pub(crate) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const OPERATOR: &str = "10000000-0000-4000-8000-000000000001";
pub(crate) const OPERATOR_SECRET: &str = "operator-secret";
pub(crate) const DEPLOYER: &str = "10000000-0000-4000-8000-000000000002";
pub(crate) const DEPLOYER_OBJECT: &str = "20000000-0000-4000-8000-000000000002";
pub(crate) const SUBSCRIPTION: &str = "30000000-0000-4000-8000-000000000001";
pub(crate) const WEB: &str = "40000000-0000-4000-8000-000000000001";
pub(crate) const GRAPH_SCOPE: &str = "00000003-0000-0000-c000-000000000000/.default";
pub(crate) const DEVOPS_SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";

/// How the emulator is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    InProcess,
    Http,
}

/// Runs a test both ways.
#[macro_export]
macro_rules! both_ways {
    ($($name:ident)*) => { $(
        mod $name {
            #[tokio::test]
            async fn in_process() { super::super::$name($crate::harness::Way::InProcess).await; }
            #[tokio::test]
            async fn over_http() { super::super::$name($crate::harness::Way::Http).await; }
        }
    )* };
}

pub(crate) struct Harness {
    pub(crate) emulator: Emulator,
    pub(crate) clock: ManualClock,
    pub(crate) cloud: Cloud,
    pub(crate) transport: Arc<dyn Transport>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Harness {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// An answer, decoded.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    harness: &'a Harness,
    service: Service,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn pat(self, token: &str) -> Self {
        self.basic("", token)
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.header("authorization", &format!("Basic {text}"))
    }

    /// Sets a header in the place of the one of that name; without a value, takes it away.
    pub(crate) fn replaced(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if value.is_empty() { self } else { self.header(name, value) }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self.header("content-type", "application/json")
    }

    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        self.body = form.extend_pairs(fields).finish().into();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) async fn try_send(self) -> Result<Reply, Error> {
        let uri = if self.path.starts_with("http") {
            self.path.clone()
        } else {
            format!("{}{}", self.harness.origin(self.service), self.path)
        };
        let mut request = http::Request::builder().method(self.method).uri(uri);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let answer = self.harness.transport.send(request.body(self.body).unwrap()).await?;
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, text })
    }

    pub(crate) async fn send(self) -> Reply {
        self.try_send().await.unwrap()
    }
}

impl Harness {
    pub(crate) async fn new(way: Way, settings: Settings, seed: &Value) -> Self {
        let clock = ManualClock::new();
        let seed = Seed::from_json(&seed.to_string()).unwrap_or_else(|error| panic!("{error}; {}", error.advice()));
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone()));
        let emulator = emulator.unwrap_or_else(|error| panic!("{error}; {}", error.advice()));
        let emulator = emulator.with_settings(settings);
        match way {
            Way::InProcess => {
                let (cloud, transport) = (emulator.cloud(), emulator.transport());
                Self { emulator, clock, cloud, transport, serving: None }
            }
            Way::Http => {
                let loopback: SocketAddr = "127.0.0.1:0".parse().unwrap();
                let server = server::serve(emulator.clone(), loopback).await.unwrap();
                let cloud = server.cloud();
                let serving = tokio::spawn(async move { server.run().await.unwrap() });
                let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
                Self { emulator, clock, cloud, transport: Arc::new(transport), serving: Some(serving) }
            }
        }
    }

    pub(crate) async fn contoso(way: Way) -> Self {
        Self::new(way, Settings::default(), &contoso()).await
    }

    pub(crate) fn origin(&self, service: Service) -> String {
        let url = match service {
            Service::Login => self.cloud.login(),
            Service::ResourceManager => self.cloud.resource_manager(),
            Service::Graph => self.cloud.graph(),
            Service::DevOps => self.cloud.devops(),
            Service::DevOpsIdentity => self.cloud.devops_identity(),
            Service::DevOpsProfile => self.cloud.devops_profile(),
            other => panic!("{other:?}"),
        };
        url.as_str().trim_end_matches('/').to_owned()
    }

    pub(crate) fn ask(&self, service: Service, method: &str, path: &str) -> Ask<'_> {
        Ask {
            harness: self,
            service,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Asks Graph below `/v1.0`.
    pub(crate) fn graph(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask(Service::Graph, method, &format!("/v1.0{path}"))
    }

    pub(crate) async fn token_reply(&self, client: &str, secret: &str, scope: &str) -> Reply {
        self.ask(Service::Login, "POST", &format!("/{TENANT}/oauth2/v2.0/token"))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", client),
                ("client_secret", secret),
                ("scope", scope),
            ])
            .send()
            .await
    }

    pub(crate) async fn token(&self, scope: &str) -> String {
        let body = self.token_reply(OPERATOR, OPERATOR_SECRET, scope).await.expect(200);
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn add_password(&self, token: &str, name: &str) -> Value {
        let end = "2026-06-01T00:00:00Z";
        self.graph("POST", &format!("/applications/{DEPLOYER_OBJECT}/addPassword"))
            .bearer(token)
            .json(&serde_json::json!({"passwordCredential": {"displayName": name, "endDateTime": end}}))
            .send()
            .await
            .expect(200)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A tenant with an operator who may do everything, and an application with two secrets.
pub(crate) fn contoso() -> Value {
    serde_json::json!({
        "tenants": [{
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "displayName": "Contoso",
            "applications": [
                {
                    "displayName": "Operator", "clientId": OPERATOR,
                    "graphRoles": ["Application.ReadWrite.All", "Policy.Read.ApplicationConfiguration"],
                    "devopsOrganizations": ["contoso"],
                    "passwords": [{"name": "own", "secret": OPERATOR_SECRET}],
                },
                {
                    "displayName": "Deployer", "clientId": DEPLOYER, "objectId": DEPLOYER_OBJECT,
                    "subscriptionReader": [SUBSCRIPTION],
                    "passwords": [
                        {"name": "old", "displayName": "portal 2025", "startsInDays": -300, "endsInDays": 9, "secret": "deployer-old"},
                        {"name": "expired", "startsInDays": -300, "endsInDays": -1, "secret": "deployer-expired"},
                    ],
                    "servicePrincipalPasswords": [{"name": "sp", "secret": "deployer-sp"}],
                },
            ],
        }],
        "subscriptions": [{"id": SUBSCRIPTION, "tenant": TENANT, "name": "Production"}],
        "organizations": [{
            "name": "contoso", "tenant": "contoso.onmicrosoft.com",
            "projects": [{"id": WEB, "name": "Web"}],
        }],
    })
}
