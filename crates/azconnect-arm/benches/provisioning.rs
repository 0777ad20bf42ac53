//! What a provisioning costs over real TCP, against its critical path; and what a long list of sizes costs in memory.
//!
//! Run with `cargo bench -p azconnect-arm`. It prints numbers and asserts nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azconnect_arm::{Arm, GroupChoice, ProvisionId, ProvisionPlan, Provisioner, VmSpec};
use azconnect_core::{Clock, Cloud, Error, ResourceGroupName, Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Emulator, Seed, Settings, server};
use azconnect_http::{ByteStream, Pipeline, Request, ReqwestTransport, Response, SystemClock, Transport};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use bytes::Bytes;

const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
const SEED: &str = r#"{
    "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com", "applications": [{
        "displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002",
        "passwords": [{"secret": "from the seed"}]}]}],
    "subscriptions": [{"id": "20000000-0000-4000-8000-000000000001", "name": "Contoso",
        "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
        "roleAssignments": [{"principal": "10000000-0000-4000-8000-000000000002", "role": "Contributor"}]}]}"#;

/// The duration of every operation.
const OPERATION: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test` runs benchmarks with this argument: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    provisioning().await;
    sizes().await;
}

/// Counts what is sent.
struct Counting {
    inner: ReqwestTransport,
    requests: AtomicU64,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}

struct Token(Arc<AccessToken>);

#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Ok(self.0.clone())
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

async fn sign_in(cloud: &Cloud, transport: &dyn Transport, clock: &dyn Clock) -> Arc<Token> {
    let scope = cloud.resource_manager_scope();
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=from+the+seed&scope={scope}");
    let address = format!("{}contoso.onmicrosoft.com/oauth2/v2.0/token", cloud.login());
    let answer = transport.send(http::Request::post(address).body(form.into()).unwrap()).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let later = clock.now() + Duration::from_secs(3000);
    let secret = Secret::new(answer["access_token"].as_str().expect("a token"));
    Arc::new(Token(Arc::new(AccessToken::new(secret, later, later))))
}

async fn provisioning() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let settings = ArmSettings::default().with_all_durations(OPERATION);
    let emulator = Emulator::from_seed(Seed::from_json(SEED).unwrap(), clock.clone())
        .unwrap()
        .with_settings(Settings::default().with_resource_manager(settings));
    let server = server::serve(emulator.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let cloud = server.cloud();
    let serving = tokio::spawn(server.run());
    let inner = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let transport = Arc::new(Counting { inner, requests: AtomicU64::new(0) });
    let tokens = sign_in(&cloud, &*transport, &*clock).await;
    let arm = Arm::new(Pipeline::new(transport.clone(), clock.clone()), &cloud, tokens);
    let subscription = arm.subscription(SUBSCRIPTION.parse().unwrap());
    let provisioner = Provisioner::new(
        subscription.clone(),
        Arc::new(MemoryJournal::new()),
        Arc::new(MemorySecrets::new()),
        Arc::new(MemoryLease::new(clock)),
    );
    // The network's parts at once, the network interface (an operation that the service calls done at once), the machine.
    let critical = OPERATION * 2;
    for round in 0..=5 {
        let name = format!("web{round}");
        let group = GroupChoice::Create(ResourceGroupName::new(format!("rg-{name}")).unwrap());
        let spec = VmSpec::new(&name, "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
        let plan = ProvisionPlan::new(ProvisionId::new(&name).unwrap(), subscription.id(), spec).unwrap();
        let before = transport.requests.load(Ordering::Relaxed);
        let started = Instant::now();
        provisioner.run(&plan).await.unwrap();
        let took = started.elapsed();
        let requests = transport.requests.load(Ordering::Relaxed) - before;
        // The first one pays for connections and pages that every later one finds.
        let label = if round == 0 { "(warm-up)".to_owned() } else { round.to_string() };
        println!(
            "provisioning {label}: {:.3} s, critical path {:.3} s, ratio {:.3}, {requests} requests",
            took.as_secs_f64(),
            critical.as_secs_f64(),
            took.as_secs_f64() / critical.as_secs_f64()
        );
    }
    serving.abort();
}

/// Makes 120 MB of sizes as they are read.
struct Generated(usize);

#[async_trait]
impl Transport for Generated {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        unreachable!("the list is read as a stream")
    }

    async fn stream(&self, _: Request) -> Result<http::Response<ByteStream>, Error> {
        let elements = self.0;
        let filler = "x".repeat(1900);
        let pieces = (0..elements + 2).map(move |at| {
            Ok(Bytes::from(match at {
                0 => "{\"value\":[".to_owned(),
                at if at <= elements => format!(
                    "{}{{\"resourceType\":\"virtualMachines\",\"name\":\"Standard_X{at}\",\"capabilities\":[{{\"name\":\"vCPUs\",\"value\":\"2\"}}],\"filler\":\"{filler}\"}}",
                    if at > 1 { "," } else { "" }
                ),
                _ => "]}".to_owned(),
            }))
        });
        Ok(http::Response::new(Box::pin(futures_util::stream::iter(pieces))))
    }
}

async fn sizes() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let later = clock.now() + Duration::from_secs(3000);
    let tokens = Arc::new(Token(Arc::new(AccessToken::new(Secret::new("token"), later, later))));
    let arm = Arm::new(Pipeline::new(Arc::new(Generated(60_000)), clock), &Cloud::public(), tokens);
    let before = peak_memory();
    let started = Instant::now();
    let mut list = arm.subscription(SUBSCRIPTION.parse().unwrap()).skus(None).unwrap();
    let mut count = 0_u32;
    while list.next().await.unwrap().is_some() {
        count += 1;
    }
    println!(
        "sizes: {count} read from about 120 MB in {:.1} s, peak memory {} kB before, {} kB after",
        started.elapsed().as_secs_f64(),
        before,
        peak_memory()
    );
}

/// The highest resident memory of this process so far, in kB, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
