//! A subscription at the emulator, and what is sent to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::{Arm, GroupChoice, Provisioner, VmSpec};
use azconnect_core::{Clock, Cloud, Error, ResourceGroupName, Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_http::{Pipeline, PollPolicy, Request, Response, Transport};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::VirtualClock;
use http::header::{HeaderValue, RETRY_AFTER};

pub(crate) const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
const SEED: &str = r#"{
    "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com", "applications": [{
        "displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002",
        "passwords": [{"secret": "from the seed"}]}]}],
    "subscriptions": [{"id": "20000000-0000-4000-8000-000000000001", "name": "Contoso",
        "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
        "roleAssignments": [{"principal": "10000000-0000-4000-8000-000000000002", "role": "Contributor"}]}]}"#;

/// Uneven, so that no poll falls on an end by chance: what the network takes, and the public address.
pub(crate) const NETWORK: Duration = Duration::from_millis(2_300);
pub(crate) const ADDRESS: Duration = Duration::from_millis(1_400);

pub(crate) struct Token(pub(crate) Arc<AccessToken>);

#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Ok(self.0.clone())
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

pub(crate) async fn sign_in(cloud: &Cloud, transport: &dyn Transport, clock: &dyn Clock) -> Arc<Token> {
    let scope = cloud.resource_manager_scope();
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=from+the+seed&scope={scope}");
    let address = format!("{}contoso.onmicrosoft.com/oauth2/v2.0/token", cloud.login());
    let request = http::Request::post(address).header("content-type", "application/x-www-form-urlencoded");
    let answer = transport.send(request.body(form.into()).unwrap()).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let later = clock.now() + Duration::from_secs(3000);
    let secret = Secret::new(answer["access_token"].as_str().expect("a token"));
    Arc::new(Token(Arc::new(AccessToken::new(secret, later, later))))
}

pub(crate) fn emulator(settings: ArmSettings, clock: Arc<dyn Clock>) -> Emulator {
    let seed = Seed::from_json(SEED).unwrap();
    Emulator::from_seed(seed, clock).unwrap().with_settings(Settings::default().with_resource_manager(settings))
}

pub(crate) fn machine(name: &str) -> VmSpec {
    let group = GroupChoice::Create(ResourceGroupName::new(format!("rg-{name}")).unwrap());
    VmSpec::new(name, "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
}

pub(crate) fn provisioner(arm: &Arm, clock: Arc<dyn Clock>) -> Provisioner {
    let (journal, secrets) = (Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()));
    let subscription = arm.subscription(SUBSCRIPTION.parse().unwrap());
    Provisioner::new(subscription, journal, secrets, Arc::new(MemoryLease::new(clock)))
}

/// Counts what is sent, and names other pauses than the service did.
pub(crate) struct Watching {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) requests: AtomicU64,
    pub(crate) polls_of_machine: AtomicU64,
    /// The pause that each status of a machine names, where it names one.
    pub(crate) then: Option<u64>,
}

impl Watching {
    pub(crate) fn new(inner: Arc<dyn Transport>, then: Option<u64>) -> Self {
        Self { inner, requests: AtomicU64::new(0), polls_of_machine: AtomicU64::new(0), then }
    }
}

#[async_trait]
impl Transport for Watching {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path().to_owned();
        let is_compute = path.contains("/providers/Microsoft.Compute/");
        let is_status = is_compute && path.contains("/operations/");
        if is_status {
            self.polls_of_machine.fetch_add(1, Ordering::Relaxed);
        }
        let mut answer = self.inner.send(request).await?;
        if let Some(then) = self.then
            && answer.headers().contains_key(RETRY_AFTER)
        {
            let pause = if is_status {
                then
            } else if is_compute {
                10
            } else {
                3
            };
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause));
        }
        Ok(answer)
    }
}

/// A provisioner in virtual time.
pub(crate) async fn virtual_site(
    settings: ArmSettings,
    then: Option<u64>,
    polling: Arc<dyn PollPolicy>,
) -> (Provisioner, Arc<Watching>, VirtualClock) {
    let clock = VirtualClock::new();
    let emulator = emulator(settings, Arc::new(clock.clone()));
    let transport = Arc::new(Watching::new(emulator.transport(), then));
    let tokens = sign_in(&emulator.cloud(), &*transport, &clock).await;
    let pipeline = Pipeline::new(transport.clone(), Arc::new(clock.clone()));
    let arm = Arm::new(pipeline, &emulator.cloud(), tokens).with_polling(polling);
    (provisioner(&arm, Arc::new(clock.clone())), transport, clock)
}
