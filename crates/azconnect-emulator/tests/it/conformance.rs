//! The transport to the emulator in the same process keeps the promises of the port.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Intervention, Service};
use azconnect_http::Transport;
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::transport::{self, Received, TransportHarness};
use azconnect_testkit::fake::Conduct;
use serde_json::Value;

/// Services of the emulator's Graph, by path, each a fault that lasts.
struct Services {
    emulator: Emulator,
    served: Mutex<usize>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Services {
    fn new() -> Self {
        let emulator = Emulator::new(Arc::new(VirtualClock::new()));
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let seen = received.clone();
        emulator.on_exchange(Arc::new(move |exchange| {
            // It has no connections, so each request has its own.
            seen.lock().unwrap().push(Received::new(&exchange.method, &exchange.path, exchange.number));
            Intervention::Proceed
        }));
        Self { emulator, served: Mutex::default(), received }
    }
}

fn action(conduct: &Conduct) -> FaultAction {
    match conduct {
        Conduct::Answer(answer) => {
            let text = String::from_utf8(answer.body().to_vec()).unwrap();
            let body = if text.is_empty() { Value::Null } else { Value::String(text) };
            let canned = CannedAnswer::new(answer.status().as_u16()).with_body(body);
            let with = |canned: CannedAnswer, (name, value): (&http::HeaderName, &http::HeaderValue)| {
                canned.with_header(name.as_str(), value.to_str().unwrap())
            };
            FaultAction::Answer(answer.headers().iter().fold(canned, with))
        }
        Conduct::Refuse => FaultAction::Refuse,
        Conduct::Hang => FaultAction::Delay { time: Duration::from_secs(86_400), applied: true },
        _ => FaultAction::LoseAnswer,
    }
}

#[async_trait]
impl TransportHarness for Services {
    fn transport(&self) -> Arc<dyn Transport> {
        self.emulator.transport()
    }

    async fn serve(&self, conduct: Conduct) -> String {
        let mut served = self.served.lock().unwrap();
        *served += 1;
        let path = format!("/v1.0/conformance-{served}");
        let fault = Fault::new(action(&conduct)).with_service(Service::Graph).with_path(format!("{path}?"));
        self.emulator.faults().add(fault.forever());
        format!("https://graph.microsoft.com{path}")
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_transport_in_process_conforms() {
    transport::all(async || Services::new()).await;
}
