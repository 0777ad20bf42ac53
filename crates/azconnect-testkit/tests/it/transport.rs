//! The fake transport keeps the promises of the port, and transports that break one are named.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Effect, Error};
use azconnect_http::{Request, Response, SendOptions, Transport};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::transport::{self, EchoHarness, Received, TransportHarness};
use azconnect_testkit::fake::{Conduct, Wire};

use crate::judged::{named, verdict};

/// Services by path, at one host.
#[derive(Clone)]
struct Services {
    wire: Wire,
    conducts: Arc<Mutex<BTreeMap<String, Conduct>>>,
    wrap: fn(Wire) -> Arc<dyn Transport>,
}

impl Services {
    fn new(wrap: fn(Wire) -> Arc<dyn Transport>) -> Self {
        let conducts = Arc::<Mutex<BTreeMap<String, Conduct>>>::default();
        let known = conducts.clone();
        let wire = Wire::new(Arc::new(VirtualClock::new()), move |request| {
            known.lock().unwrap().get(request.uri().path()).cloned().unwrap_or_else(|| echo(request))
        });
        Self { wire, conducts, wrap }
    }
}

fn echo(request: &Request) -> Conduct {
    let header = request.headers().get("x-conformance").map_or("", |value| value.to_str().unwrap());
    let target = request.uri().path_and_query().unwrap();
    let body = String::from_utf8_lossy(request.body());
    Conduct::Answer(http::Response::new(format!("{}\n{target}\n{header}\n{body}", request.method()).into()))
}

#[async_trait]
impl TransportHarness for Services {
    fn transport(&self) -> Arc<dyn Transport> {
        (self.wrap)(self.wire.clone())
    }
    async fn serve(&self, conduct: Conduct) -> String {
        let mut conducts = self.conducts.lock().unwrap();
        let path = format!("/service/{}", conducts.len());
        conducts.insert(path.clone(), conduct);
        format!("https://service.example{path}")
    }
    fn received(&self) -> Vec<Received> {
        let requests = self.wire.requests();
        // It has no connections, so each request has its own.
        (0..)
            .zip(requests)
            .map(|(number, one)| Received::new(one.method().as_str(), one.uri().path(), number))
            .collect()
    }
}

#[async_trait]
impl EchoHarness for Services {
    fn transport(&self) -> Arc<dyn Transport> {
        (self.wrap)(self.wire.clone())
    }
    async fn serve_echo(&self) -> String {
        "https://service.example/echo".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn the_fake_transport_conforms() {
    transport::all(async || Services::new(|wire| Arc::new(wire))).await;
    transport::echo(async || Services::new(|wire| Arc::new(wire))).await;
}

/// Sends again when the answer is lost.
struct Repeats(Wire);

#[async_trait]
impl Transport for Repeats {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        match self.0.send(request.clone()).await {
            Err(error) if error.effect() == Effect::Unknown => self.0.send(request).await,
            answer => answer,
        }
    }
}

/// Goes where a service says.
struct Follows(Wire);

#[async_trait]
impl Transport for Follows {
    async fn send(&self, mut request: Request) -> Result<Response, Error> {
        let answer = self.0.send(request.clone()).await?;
        match answer.headers().get(http::header::LOCATION) {
            Some(location) => {
                *request.uri_mut() = location.to_str().unwrap().parse().unwrap();
                self.0.send(request).await
            }
            None => Ok(answer),
        }
    }
}

/// Takes every failure for one without an effect, and says where it happened.
struct Optimist(Wire);

#[async_trait]
impl Transport for Optimist {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let address = request.uri().to_string();
        self.0.send(request).await.map_err(|error| error.with_effect(Effect::None).with_source(address))
    }
}

/// Makes errors of answers, reads any length, and loses what it was to send.
struct Muddled(Wire);

#[async_trait]
impl Transport for Muddled {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (mut parts, _) = request.into_parts();
        parts.extensions.insert(SendOptions::default());
        let answer = self.0.send(Request::from_parts(parts, Default::default())).await?;
        match answer.status().is_server_error() {
            true => Err(azconnect_http::answer_lost("the service failed")),
            false => Ok(answer),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_transport_is_named() {
    let run = async |wrap: fn(Wire) -> Arc<dyn Transport>| verdict(transport::all(async || Services::new(wrap))).await;
    named(&run(|wire| Arc::new(Repeats(wire))).await, &["a request is sent once, whatever becomes of it"]);
    named(&run(|wire| Arc::new(Follows(wire))).await, &["a redirect is returned, not followed"]);
    named(
        &run(|wire| Arc::new(Optimist(wire))).await,
        &[
            "an answer that is lost leaves the effect unknown",
            "an answer that is late leaves the effect unknown",
            "an answer beyond the limit is an error",
            "no error shows an address or a credential",
        ],
    );
    named(
        &run(|wire| Arc::new(Muddled(wire))).await,
        &[
            "every status is an answer",
            "an answer beyond the limit is an error",
            "no error shows an address or a credential",
        ],
    );
    let lost = verdict(transport::echo(async || Services::new(|wire| Arc::new(Muddled(wire))))).await;
    named(&lost, &["a request arrives as it was sent"]);
}
