//! What the tests of platforms share: one on a real socket, and one that is a function.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, NoRetry, Scope, Secret};
use azconnect_http::{Pipeline, Request, ReqwestTransport, Response, SystemClock};
use azconnect_identity::managed::Platform;
use azconnect_identity::{FetchedToken, LocalFiles, TokenRequest, TokenSource};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::{Conduct, Wire};
use serde_json::{Value, json};

/// A platform whose services are on loopback. The transport takes no plain http from anybody else.
pub(crate) fn on_sockets() -> Platform {
    let transport = ReqwestTransport::new().unwrap();
    Platform::new(Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry)))
}

/// A platform whose services are a function, under virtual time.
pub(crate) struct Played {
    pub(crate) clock: VirtualClock,
    pub(crate) wire: Wire,
    times: Arc<Mutex<Vec<f64>>>,
}

impl Played {
    /// Each request is treated by its number, counted from 1.
    pub(crate) fn new(treat: impl Fn(usize, &Request) -> Conduct + Send + Sync + 'static) -> Self {
        let clock = VirtualClock::new();
        let times = Arc::new(Mutex::new(Vec::new()));
        let (noted, told) = (Arc::clone(&times), clock.clone());
        let wire = Wire::new(Arc::new(clock.clone()), move |request| {
            let number = {
                let mut times = noted.lock().unwrap();
                times.push(told.elapsed().as_secs_f64());
                times.len()
            };
            treat(number, request)
        });
        Self { clock, wire, times }
    }

    pub(crate) fn pipeline(&self) -> Pipeline {
        Pipeline::new(Arc::new(self.wire.clone()), Arc::new(self.clock.clone()))
    }

    pub(crate) fn platform(&self) -> Platform {
        Platform::new(self.pipeline()).with_files(Arc::new(Files::default()))
    }

    /// When each request came, in seconds.
    pub(crate) fn times(&self) -> Vec<f64> {
        self.times.lock().unwrap().clone()
    }

    pub(crate) fn whole_seconds(&self) -> Vec<u64> {
        self.times().iter().map(|time| *time as u64).collect()
    }
}

/// Files of a machine that no test has rights on: paths with what they stand for and hold.
#[derive(Default)]
pub(crate) struct Files {
    held: Vec<(PathBuf, PathBuf, String)>,
    pub(crate) read: Mutex<Vec<PathBuf>>,
}

impl Files {
    pub(crate) fn with(mut self, path: &str, real: &str, text: &str) -> Self {
        self.held.push((path.into(), real.into(), text.into()));
        self
    }
}

#[async_trait]
impl LocalFiles for Files {
    async fn resolve(&self, path: &Path) -> Result<PathBuf, Error> {
        let found = self.held.iter().find(|(held, ..)| held == path);
        found.map(|(_, real, _)| real.clone()).ok_or_else(missing)
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Secret, Error> {
        self.read.lock().unwrap().push(path.to_owned());
        let (.., text) = self.held.iter().find(|(_, real, _)| real == path).ok_or_else(missing)?;
        assert!(text.len() <= limit);
        Ok(Secret::new(text.as_str()))
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "the file does not exist").with_effect(Effect::None)
}

/// What the source gives for Azure Resource Manager.
pub(crate) async fn fetch(source: &dyn TokenSource) -> Result<FetchedToken, Error> {
    source.fetch(TokenRequest::new(&Scope::of_resource("https://management.azure.com/"))).await
}

/// The answer of Microsoft's documents, with the numbers as text or as figures.
pub(crate) fn documented(as_text: bool) -> Value {
    let number = |number: u64| if as_text { json!(number.to_string()) } else { json!(number) };
    json!({
        "access_token": "eyJ0eXAi", "refresh_token": "", "expires_in": number(3599), "expires_on": number(1_506_484_173),
        "not_before": number(1_506_480_273), "resource": "https://management.azure.com/", "token_type": "Bearer",
    })
}

pub(crate) fn answer(status: u16, body: &Value) -> Response {
    http::Response::builder().status(status).body(body.to_string().into()).unwrap()
}

pub(crate) fn refusal(status: u16, word: &str, description: &str) -> Response {
    answer(status, &json!({"error": word, "error_description": description}))
}
