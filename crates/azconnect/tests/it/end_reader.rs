//! The reader of Microsoft Graph keeps the promises of its port.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::ListedEnds;
use azconnect::core::{Clock as _, KeyId, Secret};
use azconnect::credential::{ConnectionRecord, EndReader};
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_testkit::conformance::end_reader::{self, EndHarness};
use time::OffsetDateTime;

use crate::connections::{Stage, request};
use crate::expiry_radar::{DAY, DEPLOY, SETTLED};

/// A connection whose key is listed, in a tenant whose applications the operator reads.
struct Listed {
    stage: Stage,
    record: ConnectionRecord,
    key: KeyId,
    secret: Secret,
    ends_at: OffsetDateTime,
}

impl Listed {
    async fn new() -> Self {
        let stage = Stage::new();
        let ends_at = stage.clock.now() + 300 * DAY;
        let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
        let wish = request("shop").with_key(key);
        let record = stage.connections.connect(wish, secret.duplicate()).await.unwrap().record;
        Self { stage, record, key, secret, ends_at }
    }
}

#[async_trait]
impl EndHarness for Listed {
    fn reader(&self) -> Arc<dyn EndReader> {
        Arc::new(ListedEnds::new(self.stage.connections.clone()).with_reader(self.stage.operator()))
    }
    fn record(&self) -> ConnectionRecord {
        self.record.clone()
    }
    fn key(&self) -> (KeyId, OffsetDateTime) {
        (self.key, self.ends_at)
    }
    fn secret(&self) -> Secret {
        self.secret.duplicate()
    }
    async fn remove(&self) {
        self.stage.emulator.person().delete_password(self.key).unwrap();
        self.stage.clock.sleep(SETTLED).await;
    }
    async fn disconnect_service(&self) {
        for service in [Service::Graph, Service::Login] {
            self.stage.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(service).forever());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_ends_that_microsoft_graph_lists_conform() {
    end_reader::all(async || Listed::new().await).await;
}
