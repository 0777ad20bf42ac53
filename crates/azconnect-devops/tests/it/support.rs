//! A service connection behind a real socket, and a client for it.

use std::sync::{Arc, Mutex};

use azconnect_core::{Cloud, NoRetry, Secret, danger};
use azconnect_devops::{
    DevOpsClient, Endpoint, EndpointId, Endpoints, Organization, OrganizationName, PersonalAccessToken, ProjectRef,
};
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const ID: &str = "1dfdea68-9549-409e-abee-c5da69cfec5f";
pub(crate) const TENANT: &str = "1272a66f-e2e8-4e88-ab43-487409186c3f";
pub(crate) const CLIENT: &str = "7c86b535-818b-423f-b0fd-19a2e9f32710";

pub(crate) fn id() -> EndpointId {
    ID.parse().unwrap()
}

pub(crate) fn pipeline() -> Pipeline {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry))
}

pub(crate) fn cloud(server: &MockServer) -> Cloud {
    danger::allow_http_loopback(Cloud::custom("Mock"))
        .with_devops(&server.uri())
        .unwrap()
        .with_devops_identity(&server.uri())
        .unwrap()
        .with_devops_profile(&server.uri())
        .unwrap()
        .build()
}

pub(crate) fn client_with(server: &MockServer, pat: Secret) -> DevOpsClient {
    DevOpsClient::new(pipeline(), &cloud(server), Arc::new(PersonalAccessToken::new(pat).unwrap()))
}

pub(crate) fn organization(server: &MockServer) -> Organization {
    client_with(server, Secret::new("a-personal-access-token"))
        .organization(&OrganizationName::new("contoso").unwrap())
        .unwrap()
}

pub(crate) fn endpoints(server: &MockServer) -> Endpoints {
    organization(server).endpoints(ProjectRef::new("Web").unwrap())
}

/// Answers everything with one answer.
pub(crate) async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A connection to Azure Resource Manager with a service principal's key.
pub(crate) fn azurerm() -> Value {
    json!({
        "data": {"subscriptionId": "s", "subscriptionName": "n", "environment": "AzureCloud", "scopeLevel": "Subscription",
                 "creationMode": "Manual"},
        "id": ID, "name": "deploy", "type": "AzureRM", "url": "https://management.azure.com/",
        "description": "kept", "isShared": false, "isReady": true, "isDisabled": false, "owner": "Library",
        "authorization": {"scheme": "ServicePrincipal", "parameters": {
            "tenantId": TENANT, "serviceprincipalid": CLIENT, "authenticationType": "spnKey",
            "ServicePrincipalKey": null, "accessToken": null, "scope": "/subscriptions/s"}},
        "serviceManagementReference": "ref", "creationDate": "2026-01-01T00:00:00Z", "modificationDate": "2026-01-01T00:00:00Z",
        "somethingNew": {"nested": [1, {"deep": null}], "big": 18446744073709551615_u64},
        "serviceEndpointProjectReferences": [
            {"projectReference": {"id": "c7e5f0b3-71fa-4429-9fb3-3321963a7c06", "name": "Web"}, "name": "deploy", "extra": true}]
    })
}

pub(crate) fn docker(registry: &str) -> Value {
    json!({
        "data": {"registrytype": "Others"}, "id": ID, "name": "images", "type": "dockerregistry",
        "url": "https://hub.docker.com/", "isShared": false, "isReady": true,
        "authorization": {"scheme": "UsernamePassword", "parameters": {
            "registry": registry, "username": CLIENT, "email": "", "password": null}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": "p", "name": "Web"}, "name": "images"}]
    })
}

/// One connection that can be read, written and tested, as the service does it: secrets are masked.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<State>>);

/// A change of a document.
pub(crate) type Edit = fn(&mut Value);

pub(crate) struct State {
    pub(crate) document: Value,
    pub(crate) writes: Vec<Value>,
    pub(crate) tests: Vec<Value>,
    /// What a test answers.
    pub(crate) verdict: Value,
    /// Done to the document before the reading of this number, counted from 1.
    pub(crate) meddle: Option<(usize, Edit)>,
    pub(crate) reads: usize,
    /// Done to what is stored by a write.
    pub(crate) distort: Option<Edit>,
    /// The date of the last change that a write leaves behind, where it is not a new one.
    pub(crate) date: Option<Value>,
    /// Whether the caller may administer the connection; none where that is not told.
    pub(crate) administers: Option<bool>,
    /// What was asked about the caller's rights.
    pub(crate) asked: Vec<Value>,
}

impl Fake {
    pub(crate) fn new(document: Value) -> Self {
        Self(Arc::new(Mutex::new(State {
            document,
            writes: Vec::new(),
            tests: Vec::new(),
            verdict: json!({"result": [], "statusCode": "ok", "errorMessage": ""}),
            meddle: None,
            reads: 0,
            distort: None,
            date: None,
            administers: Some(true),
            asked: Vec::new(),
        })))
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    pub(crate) async fn start(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self.clone()).mount(&server).await;
        server
    }
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.with(|state| match request.method.as_str() {
            "GET" => {
                state.reads += 1;
                if let Some((_, meddle)) = state.meddle.filter(|(number, _)| *number == state.reads) {
                    meddle(&mut state.document);
                }
                ResponseTemplate::new(200).set_body_json(&state.document)
            }
            "PUT" => {
                let written: Value = request.body_json().unwrap();
                state.writes.push(written.clone());
                state.document = masked(written);
                state.document["modificationDate"] = state.date.clone().unwrap_or("2026-11-21T00:00:00Z".into());
                if let Some(distort) = state.distort {
                    distort(&mut state.document);
                }
                ResponseTemplate::new(200).set_body_json(&state.document)
            }
            _ if request.url.path().ends_with("/permissionevaluationbatch") => state.evaluate(request),
            _ => {
                state.tests.push(request.body_json().unwrap());
                ResponseTemplate::new(200).set_body_json(&state.verdict)
            }
        })
    }
}

impl State {
    fn evaluate(&mut self, request: &Request) -> ResponseTemplate {
        let mut answer: Value = request.body_json().unwrap();
        self.asked.extend(answer["evaluations"].as_array().unwrap().iter().cloned());
        let Some(administers) = self.administers else {
            return ResponseTemplate::new(403)
                .set_body_json(json!({"typeKey": "AccessCheckException", "message": "no"}));
        };
        for evaluation in answer["evaluations"].as_array_mut().unwrap() {
            evaluation["value"] = administers.into();
        }
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

fn masked(mut document: Value) -> Value {
    if let Some(parameters) = document["authorization"]["parameters"].as_object_mut() {
        for (key, value) in parameters {
            if ["serviceprincipalkey", "password"].contains(&key.to_lowercase().as_str()) {
                *value = Value::Null;
            }
        }
    }
    document
}

pub(crate) fn endpoint(document: Value) -> Endpoint {
    Endpoint::from_value(document).unwrap()
}

/// Status, headers and body; status 0 is an answer that was lost.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, Value);

/// Answers in the same process, under virtual time.
#[derive(Clone)]
pub(crate) struct Script {
    answer: Arc<dyn Fn(&azconnect_http::Request) -> Answer + Send + Sync>,
    pub(crate) seen: Arc<Mutex<Vec<(String, String, Value)>>>,
}

impl Script {
    pub(crate) fn new(answer: impl Fn(&azconnect_http::Request) -> Answer + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), seen: Arc::default() }
    }

    pub(crate) fn client(&self, clock: &azconnect_testkit::VirtualClock) -> DevOpsClient {
        let pipeline = Pipeline::new(Arc::new(self.clone()), Arc::new(clock.clone()));
        let pat = PersonalAccessToken::new(Secret::new("a-personal-access-token")).unwrap();
        DevOpsClient::new(pipeline, &Cloud::public(), Arc::new(pat))
    }

    pub(crate) fn organization(&self, clock: &azconnect_testkit::VirtualClock) -> Organization {
        self.client(clock).organization(&OrganizationName::new("contoso").unwrap()).unwrap()
    }

    /// Method and path of everything that was sent.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(method, uri, _)| format!("{method} {uri}")).collect()
    }

    pub(crate) fn bodies(&self, method: &str) -> Vec<Value> {
        self.seen.lock().unwrap().iter().filter(|call| call.0 == method).map(|call| call.2.clone()).collect()
    }
}

#[async_trait::async_trait]
impl azconnect_http::Transport for Script {
    async fn send(&self, request: azconnect_http::Request) -> Result<azconnect_http::Response, azconnect_core::Error> {
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        self.seen.lock().unwrap().push((request.method().to_string(), request.uri().to_string(), body));
        let (status, headers, body) = (self.answer)(&request);
        if status == 0 {
            return Err(azconnect_http::answer_lost("scripted"));
        }
        let text = if status == 204 { String::new() } else { body.to_string() };
        let mut answer = azconnect_http::Response::new(text.into());
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            answer.headers_mut().append(name, value.parse().unwrap());
        }
        Ok(answer)
    }
}

/// An answer without headers.
pub(crate) fn plain(status: u16, body: Value) -> Answer {
    (status, Vec::new(), body)
}

pub(crate) const PROJECT: &str = "c7e5f0b3-71fa-4429-9fb3-3321963a7c06";

pub(crate) fn project() -> azconnect_devops::Project {
    serde_json::from_value(json!({"id": PROJECT, "name": "Web"})).unwrap()
}
