//! The token cache keeps the promises of its port, against the emulator.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Scope};
use azconnect_credential::TokenProvider;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings};
use azconnect_identity::TokenCache;
use azconnect_testkit::conformance::token_provider::{self, TokenProviderHarness};
use serde_json::json;
use time::OffsetDateTime;

use crate::stage::Stage;

struct Harness {
    stage: Stage,
    cache: Arc<dyn TokenProvider>,
}

impl Harness {
    fn new() -> Self {
        let stage = Stage::new(Settings::default());
        let cache = TokenCache::new(stage.source(), Arc::new(stage.clock.clone()));
        Self { stage, cache: Arc::new(cache) }
    }

    fn always(&self, action: FaultAction) {
        self.stage.emulator.faults().add(Fault::new(action).with_service(Service::Login).forever());
    }
}

#[async_trait]
impl TokenProviderHarness for Harness {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.cache.clone()
    }

    fn scopes(&self) -> [Scope; 2] {
        let cloud = self.stage.emulator.cloud();
        [cloud.graph_scope(), cloud.resource_manager_scope()]
    }

    fn now(&self) -> OffsetDateTime {
        self.stage.clock.now()
    }

    async fn pass(&self, time: Duration) {
        self.stage.clock.sleep(time).await;
    }

    async fn disconnect(&self) {
        self.always(FaultAction::DropBefore);
    }

    async fn refuse(&self) {
        let body = json!({
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided.",
            "error_codes": [7_000_215],
        });
        self.always(FaultAction::Answer(CannedAnswer::new(401).with_body(body)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_cache_conforms() {
    token_provider::all(async || Harness::new()).await;
}
