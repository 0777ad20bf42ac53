//! The flow to a binding behind its port, on the emulator.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::credential::BindingRecords;
use azconnect::devops::{BindingDraft, BindingFlow, EndpointId};
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_testkit::conformance::binding_flow::{self, BindingFlowHarness};
use serde_json::json;
use uuid::Uuid;

use crate::binding_steps::{bob_contributes, connection, draft};
use crate::product::{BOBS_TOKEN, Product, TOKEN, by_token};

fn id(connection: EndpointId) -> Uuid {
    connection.to_string().parse().unwrap()
}

/// A product whose settings let Ann act, in a world with a connection that holds no secret.
struct Stage(Product);

impl Stage {
    async fn new() -> Self {
        let product = Product::with_seed(|seed| {
            bob_contributes(seed);
            let own = seed["organizations"][0]["projects"][0]["connections"].as_array_mut().unwrap();
            own.push(connection(11, "federated", |document| {
                document["authorization"]["scheme"] = json!("WorkloadIdentityFederation");
            }));
        });
        product.save(by_token(TOKEN)).await;
        Self(product)
    }
}

#[async_trait]
impl BindingFlowHarness for Stage {
    fn flow(&self) -> Arc<dyn BindingFlow> {
        self.0.azure.binding_flow(&self.0.storage)
    }
    fn records(&self) -> Arc<dyn BindingRecords> {
        self.0.azure.binding_records(&self.0.storage)
    }
    fn draft(&self) -> BindingDraft {
        draft()
    }
    fn organization(&self) -> String {
        "contoso".to_owned()
    }
    fn project(&self) -> String {
        "Web".to_owned()
    }
    fn fitting(&self) -> String {
        "production".to_owned()
    }
    fn unfitting(&self) -> String {
        "federated".to_owned()
    }
    async fn turn_off(&self) {
        self.0.overwrite(|settings| settings.is_enabled = false).await;
    }
    async fn take_permission(&self) {
        self.0.save(by_token(BOBS_TOKEN)).await;
    }
    async fn rename(&self, connection: EndpointId) {
        self.0.emulator.person().rename_connection(id(connection), "renamed").unwrap();
    }
    async fn delete(&self, connection: EndpointId) {
        self.0.emulator.person().delete_connection(id(connection)).unwrap();
    }
    async fn disconnect_service(&self) {
        self.0.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).forever());
    }
}

#[tokio::test(start_paused = true)]
async fn the_flow_of_bindings_conforms() {
    binding_flow::all(async || Stage::new().await).await;
}
