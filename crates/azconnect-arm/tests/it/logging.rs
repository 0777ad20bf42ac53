//! A provisioning whose every exchange is logged.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_core::{Error, Journal, Secret, Sequence, StreamId};
use azconnect_http::{LoggingTransport, Pipeline, Request, Response, Transport};
use azconnect_testkit::Canary;

use crate::stage::{Stage, agent, id, plan, spec, subscription_id};

/// Notes every address of an operation that the service gives, and watches for what signs it.
struct Signed {
    emulator: Arc<dyn Transport>,
    canary: Arc<Canary>,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Signed {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let answer = self.emulator.send(request).await?;
        for name in ["location", "azure-asyncoperation"] {
            let Some(address) = answer.headers().get(name).and_then(|address| address.to_str().ok()) else { continue };
            let query = address.split_once('?').map(|(_, query)| query).unwrap_or_default();
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                if ["t", "c", "s", "h"].contains(&name) && value.len() >= 12 {
                    self.canary.watch(&Secret::new(value));
                    self.seen.lock().unwrap().push(value.to_owned());
                }
            }
        }
        Ok(answer)
    }
}

/// Whoever has the signed address of an operation can read it. Microsoft.Compute signs with `t`, `c`, `s` and `h`.
#[tokio::test(start_paused = true)]
async fn no_signed_address_of_a_provisioning_is_in_a_log_an_event_or_a_view() {
    let canary = Arc::new(Canary::new());
    let ears = canary.listen();
    let stage = Stage::new();
    let signed =
        Arc::new(Signed { emulator: stage.emulator.transport(), canary: canary.clone(), seen: Mutex::default() });
    let clock = Arc::new(stage.clock.clone());
    let logging = Arc::new(LoggingTransport::new(signed.clone(), clock.clone()));
    let arm = Arm::new(Pipeline::new(logging, clock), &stage.emulator.cloud(), stage.sign_in());
    let provisioner = stage.provisioner_in(arm.subscription(subscription_id()));
    let built = provisioner.run(&plan(spec().with_agent(agent()))).await.unwrap();
    let views = format!(
        "{built:?} {:?} {:?} {}",
        provisioner.state(&id()).await.unwrap(),
        provisioner.progress(&id()).await.unwrap(),
        serde_json::to_string(&provisioner.progress(&id()).await.unwrap()).unwrap(),
    );
    provisioner.clean_up(&id()).await.unwrap();
    let history = provisioner.history(&id()).await.unwrap();
    let entries = stage.journal.read(&StreamId::new("provision/contoso/web").unwrap(), Sequence::START).await.unwrap();
    let events: String = entries.into_iter().map(|entry| entry.record.payload).collect();
    drop(ears);
    assert!(signed.seen.lock().unwrap().len() > 3, "the service signed nothing");
    canary.assert_absent("the views", views.as_bytes());
    canary.assert_absent("the history", format!("{history:?} {}", serde_json::to_string(&history).unwrap()).as_bytes());
    canary.assert_absent("the events", events.as_bytes());
    canary.assert_absent_from_logs();
    assert!(canary.heard() > 20, "every exchange is a line");
}
