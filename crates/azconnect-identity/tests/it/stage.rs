//! What the tests share: a scripted transport, and an emulator with one application.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Cloud, Error, Secret, TenantId};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_http::{Pipeline, Request, Response, SendOptions, Transport};
use azconnect_identity::{ClientSecretSource, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use serde_json::json;

pub(crate) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
pub(crate) const SECRET: &str = "from-the-seed";

pub(crate) fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

pub(crate) fn client() -> ClientId {
    CLIENT.parse().unwrap()
}

type Act = Box<dyn Fn(usize) -> Result<Response, Error> + Send + Sync>;

/// A transport that answers by the number of the request, counted from 1, and remembers when and how it was asked.
pub(crate) struct Scripted {
    clock: VirtualClock,
    act: Act,
    seen: Mutex<Vec<(Duration, SendOptions)>>,
}

impl Scripted {
    pub(crate) fn new(act: impl Fn(usize) -> Result<Response, Error> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { clock: VirtualClock::new(), act: Box::new(act), seen: Mutex::default() })
    }

    pub(crate) fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    pub(crate) fn endpoint(self: &Arc<Self>) -> TokenEndpoint {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(self.clock.clone()));
        TokenEndpoint::new(pipeline, &Cloud::public(), tenant())
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(crate) fn times(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    pub(crate) fn all_on_fresh_connections(&self) -> bool {
        self.fresh().into_iter().all(|fresh| fresh)
    }

    /// Which requests asked for a connection of their own.
    pub(crate) fn fresh(&self) -> Vec<bool> {
        self.seen.lock().unwrap().iter().map(|(_, options)| options.fresh_connection).collect()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push((self.clock.elapsed(), SendOptions::of(&request)));
            seen.len()
        };
        (self.act)(number)
    }
}

pub(crate) fn token() -> Response {
    let body = json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "a.b.c"});
    http::Response::new(body.to_string().into())
}

/// A refusal as documented.
pub(crate) fn refusal(status: u16, word: &str, number: u32) -> Response {
    let body = json!({"error": word, "error_description": format!("AADSTS{number}: words"), "error_codes": [number]});
    http::Response::builder().status(status).body(body.to_string().into()).unwrap()
}

pub(crate) fn wrong_secret() -> Response {
    refusal(401, "invalid_client", 7_000_215)
}

/// An emulator whose one application may change itself, with a secret that signs in.
pub(crate) struct Stage {
    pub(crate) clock: VirtualClock,
    pub(crate) emulator: Emulator,
}

impl Stage {
    pub(crate) fn new(settings: Settings) -> Self {
        let clock = VirtualClock::new();
        let seed = json!({"tenants": [{
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "applications": [
                {"displayName": "Deployer", "clientId": CLIENT, "passwords": [{"secret": SECRET}],
                 "graphRoles": ["Application.ReadWrite.All"]},
                {"displayName": "Minter", "clientId": "10000000-0000-4000-8000-000000000003",
                 "passwords": [{"secret": "the-minters-secret"}], "graphRoles": ["Application.ReadWrite.All"]},
            ],
        }]});
        let seed = Seed::from_json(&seed.to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        Self { clock, emulator }
    }

    pub(crate) fn endpoint(&self) -> TokenEndpoint {
        let pipeline = Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()));
        TokenEndpoint::new(pipeline, &self.emulator.cloud(), tenant())
    }

    pub(crate) fn source(&self) -> ClientSecretSource {
        ClientSecretSource::new(self.endpoint(), client(), Secret::new(SECRET)).unwrap()
    }
}
