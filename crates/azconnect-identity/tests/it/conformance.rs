//! The suite that every verifier passes, against the emulator.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, KeyId, Secret};
use azconnect_credential::{CredentialVerifier, Minted};
use azconnect_emulator::{Emulator, Fault, FaultAction, Service, Settings};
use azconnect_identity::SecretVerifier;
use azconnect_testkit::conformance::credential_verifier::{self, VerifierHarness};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stage::{CLIENT, Stage, TENANT, client};

/// Longer than the emulator's replicas need.
const SETTLED: Duration = Duration::from_secs(60);

struct Harness {
    stage: Stage,
    verifier: Arc<SecretVerifier>,
}

impl Harness {
    fn new() -> Self {
        let lag = Duration::from_secs(20);
        let stage = Stage::new(Settings::default().with_add_lag(lag).with_remove_lag(lag));
        let verifier = Arc::new(SecretVerifier::new(&stage.endpoint(), client()));
        Self { stage, verifier }
    }
}

#[async_trait]
impl VerifierHarness for Harness {
    fn verifier(&self) -> Arc<dyn CredentialVerifier> {
        self.verifier.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.stage.clock.now()
    }

    async fn mint(&self) -> Minted {
        mint(&self.stage).await
    }

    async fn remove(&self, key: KeyId) {
        graph(&self.stage.emulator, "POST", "/removePassword", json!({"keyId": key})).await;
    }

    async fn settle(&self) {
        self.stage.clock.sleep(SETTLED).await;
    }

    async fn disconnect(&self) {
        let broken = Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever();
        self.stage.emulator.faults().add(broken);
    }
}

#[tokio::test(start_paused = true)]
async fn the_verifier_conforms() {
    credential_verifier::all(async || Harness::new()).await;
}

/// Adds a secret to the application, as its administrator would.
pub(crate) async fn mint(stage: &Stage) -> Minted {
    let end = stage.clock.now() + Duration::from_secs(90 * 86_400);
    let end_text = end.format(&time::format_description::well_known::Rfc3339).unwrap();
    let body = json!({"passwordCredential": {"endDateTime": end_text}});
    let added = graph(&stage.emulator, "POST", "/addPassword", body).await;
    let text = |name: &str| added[name].as_str().unwrap();
    Minted::new(text("keyId").parse().unwrap(), Secret::new(text("secretText")), end)
}

/// A request of the application to Graph in plain HTTP, so that no other client stands in between.
pub(crate) async fn graph(emulator: &Emulator, method: &str, path: &str, body: Value) -> Value {
    let send = async |(method, address): (&str, String), authorization: Option<String>, body: String| {
        let mut request = http::Request::builder().method(method).uri(address);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization).header("content-type", "application/json");
        } else {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let answer = emulator.transport().send(request.body(body.into()).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
    };
    let form = "grant_type=client_credentials&client_id=10000000-0000-4000-8000-000000000003\
                &client_secret=the-minters-secret&scope=https://graph.microsoft.com/.default";
    let address = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    let token: Value = send(("POST", address), None, form.to_owned()).await;
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let address = format!("https://graph.microsoft.com/v1.0/applications(appId='{CLIENT}'){path}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send((method, address), Some(bearer), body).await
}
