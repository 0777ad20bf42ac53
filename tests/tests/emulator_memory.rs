//! A long run of the emulator does not grow: what is over is remembered to a bound, however many requests there were.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

use std::sync::Arc;
use std::time::Duration;

use azconnect::http::{ReqwestTransport, Transport};
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Emulator, Origins, Seed, server};
use azconnect_testkit::ManualClock;
use azconnect_tests::watched::{Watched, held_now};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CLIENT: &str = "10000000-0000-4000-8000-000000000001";
const PRINCIPAL: &str = "50000000-0000-4000-8000-000000000001";
const SUBSCRIPTION: &str = "30000000-0000-4000-8000-000000000001";
const WEB: &str = "40000000-0000-4000-8000-000000000001";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// How much of each kind of thing that is over the emulator is to remember here.
const KEPT: usize = 100;

/// By then every table has been swept once: they are when they hold a thousand entries.
const SETTLED: usize = 20_000;

/// Twice as many requests, after which no more may be held.
const MANY: usize = 40_000;

/// What may be held more all the same. A hundred bytes a request would be two million.
const BOUND: usize = 128 * 1024;

/// Whatever is held in the process counts, so that one test runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Somebody who works with the emulator all day.
struct Worker {
    transport: Arc<dyn Transport>,
    clock: ManualClock,
    at: Origins,
    vault: String,
    sent: usize,
}

impl Worker {
    async fn ask(&mut self, method: &str, url: &str, token: &str, body: &Value, expected: &[u16]) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, url, &format!("Bearer {token}"), "application/json", body, expected).await
    }

    async fn send(
        &mut self,
        method: &str,
        url: &str,
        authorization: &str,
        kind: &str,
        body: String,
        expected: &[u16],
    ) -> Value {
        self.sent += 1;
        let request = http::Request::builder().method(method).uri(url);
        let request = request.header("authorization", authorization).header("content-type", kind);
        let answer = self.transport.send(request.body(Bytes::from(body)).unwrap()).await.unwrap();
        let text = String::from_utf8_lossy(answer.body());
        assert!(expected.contains(&answer.status().as_u16()), "{method} {url}: {} {text}", answer.status());
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn sign_in(&mut self, scope: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret=only.for-the-emulator&scope={scope}/.default"
        );
        let url = format!("{}/{TENANT}/oauth2/v2.0/token", self.at.login);
        let answer = self.send("POST", &url, "", "application/x-www-form-urlencoded", form, &[200]).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes one of everything, and takes it away again.
    async fn cycle(&mut self, number: usize) {
        self.clock.advance(Duration::from_secs(60));
        self.group_and_role(number).await;
        self.application(number).await;
        self.connection(number).await;
        self.vault_secret(number).await;
        // What nobody knows is counted, and named to a bound.
        let url = format!("{}/v1.0/nobody/knows/{number}", self.at.graph);
        self.ask("GET", &url, "", &Value::Null, &[401, 501]).await;
    }

    async fn group_and_role(&mut self, number: usize) {
        let token = self.sign_in("https://management.azure.com").await;
        let group = format!("{}/subscriptions/{SUBSCRIPTION}/resourceGroups/g{number}", self.at.resource_manager);
        let with_version = format!("{group}?api-version=2021-04-01");
        self.ask("PUT", &with_version, &token, &json!({"location": "westeurope"}), &[201]).await;
        let network = format!("{group}/providers/Microsoft.Network/publicIPAddresses/ip?api-version=2023-09-01");
        self.ask("PUT", &network, &token, &json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}), &[201]).await;
        let role = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}");
        let assignment = format!(
            "{group}/providers/Microsoft.Authorization/roleAssignments/{:08x}-0000-4000-8000-000000000000?api-version=2022-04-01",
            number
        );
        let body = json!({"properties": {"roleDefinitionId": role, "principalId": PRINCIPAL, "principalType": "ServicePrincipal"}});
        self.ask("PUT", &assignment, &token, &body, &[201]).await;
        self.ask("DELETE", &assignment, &token, &Value::Null, &[200]).await;
        self.ask("DELETE", &with_version, &token, &Value::Null, &[202]).await;
        self.ask("GET", &with_version, &token, &Value::Null, &[404]).await;
    }

    /// An application with a secret, and another secret of one that stays.
    async fn application(&mut self, number: usize) {
        let token = self.sign_in("https://graph.microsoft.com").await;
        let graph = format!("{}/v1.0", self.at.graph);
        let body = json!({"displayName": format!("a{number}")});
        let made = self.ask("POST", &format!("{graph}/applications"), &token, &body, &[201]).await;
        let id = made["id"].as_str().unwrap();
        for holder in [format!("{graph}/applications/{id}"), format!("{graph}/applications(appId='{CLIENT}')")] {
            let added = self.ask("POST", &format!("{holder}/addPassword"), &token, &json!({}), &[200]).await;
            let gone = json!({"keyId": added["keyId"]});
            self.ask("POST", &format!("{holder}/removePassword"), &token, &gone, &[204]).await;
        }
        self.ask("DELETE", &format!("{graph}/applications/{id}"), &token, &Value::Null, &[204]).await;
        self.ask("DELETE", &format!("{graph}/directory/deletedItems/{id}"), &token, &Value::Null, &[204]).await;
    }

    async fn connection(&mut self, number: usize) {
        let token = self.sign_in("499b84ac-1321-427f-aa17-267ca6975798").await;
        let endpoints = format!("{}/contoso/_apis/serviceendpoint/endpoints", self.at.devops);
        let body = json!({
            "name": format!("c{number}"), "type": "generic", "url": "https://example.com",
            "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u", "password": "p"}},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": WEB}, "name": format!("c{number}")}],
        });
        let made = self.ask("POST", &format!("{endpoints}?api-version=7.1"), &token, &body, &[200]).await;
        let id = made["id"].as_str().unwrap();
        let url = format!("{endpoints}/{id}?projectIds={WEB}&api-version=7.1");
        self.ask("DELETE", &url, &token, &Value::Null, &[204]).await;
    }

    async fn vault_secret(&mut self, number: usize) {
        let token = self.sign_in("https://vault.azure.net").await;
        let (vault, version) = (self.vault.clone(), "api-version=7.6");
        let secret = format!("{vault}/secrets/s{number}?{version}");
        self.ask("PUT", &secret, &token, &json!({"value": "x"}), &[200]).await;
        self.ask("DELETE", &secret, &token, &Value::Null, &[200]).await;
        if number.is_multiple_of(2) {
            // The others go by themselves, ninety days later.
            let deleted = format!("{vault}/deletedsecrets/s{number}?{version}");
            self.ask("DELETE", &deleted, &token, &Value::Null, &[204]).await;
        }
        if number.is_multiple_of(50) {
            self.clock.advance(Duration::from_secs(91 * 24 * 3600));
        }
    }

    /// Works until so many requests were sent; returns how many bytes are held then.
    async fn work_until(&mut self, requests: usize) -> usize {
        let mut number = self.sent;
        while self.sent < requests {
            number += 1;
            self.cycle(number).await;
        }
        held_now()
    }
}

fn emulator() -> (Emulator, ManualClock) {
    let mut seed: Value = serde_json::from_str(include_str!("../../crates/azconnect-emulator/data/seed.json")).unwrap();
    seed["organizations"][0]["projects"][0]["id"] = json!(WEB);
    seed["vaults"] = json!([{"name": "contoso-keys", "tenant": TENANT, "officers": [CLIENT]}]);
    let clock = ManualClock::new();
    let seed = Seed::from_json(&seed.to_string()).unwrap();
    let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap();
    emulator
        .adjust(|settings| settings.with_kept(KEPT).with_resource_manager(ArmSettings::instant().with_throttling()));
    (emulator, clock)
}

#[tokio::test]
async fn a_long_run_in_process_does_not_grow() {
    let _alone = ALONE.lock().await;
    let (emulator, clock) = emulator();
    let at: Origins = serde_json::from_value(json!({
        "login": "https://login.microsoftonline.com", "resource_manager": "https://management.azure.com",
        "graph": "https://graph.microsoft.com", "devops": "https://dev.azure.com",
        "devops_identity": "https://vssps.dev.azure.com", "devops_profile": "https://app.vssps.visualstudio.com",
    }))
    .unwrap();
    let vault = "https://contoso-keys.vault.azure.net".to_owned();
    let mut worker = Worker { transport: emulator.transport(), clock, at, vault, sent: 0 };
    does_not_grow(&mut worker).await;
}

async fn does_not_grow(worker: &mut Worker) {
    let settled = worker.work_until(SETTLED).await;
    let many = worker.work_until(MANY).await;
    assert!(many < settled + BOUND, "{settled} bytes after {SETTLED} requests, {many} after {MANY}");
}

#[tokio::test]
async fn a_long_run_over_sockets_does_not_grow() {
    let _alone = ALONE.lock().await;
    let (emulator, clock) = emulator();
    let server = server::serve(emulator, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = server.origins().clone();
    let serving = tokio::spawn(server.run());
    let vault = at.vaults["contoso-keys"].clone();
    let transport = Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap());
    let mut worker = Worker { transport, clock, at, vault, sent: 0 };
    does_not_grow(&mut worker).await;
    serving.abort();
}
