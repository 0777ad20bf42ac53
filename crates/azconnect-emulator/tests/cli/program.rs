//! The program as a child of a test, and requests to it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use azconnect_http::{ReqwestTransport, ReqwestTransportBuilder, Transport};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const TENANT: &str = "contoso.onmicrosoft.com";
pub(crate) const ADMINISTRATOR: &str = "10000000-0000-4000-8000-000000000001";
pub(crate) const SECRET: &str = "only.for-the-emulator";
pub(crate) const SUBSCRIPTION: &str = "30000000-0000-4000-8000-000000000001";

/// How long a start or an end may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program. It ends with the test.
pub(crate) struct Program {
    child: Child,
    /// The line that says it is ready.
    pub(crate) ready: Value,
    /// A folder for what it writes.
    pub(crate) folder: TempDir,
}

/// Runs the program to its end, as with arguments that cannot be used.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_azconnect-emulator")).args(arguments).output().unwrap()
}

impl Program {
    /// Starts it. `{}` in an argument stands for the test's folder.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    /// Starts it with a folder that an earlier one has used.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let place = folder.path().to_str().unwrap();
        let arguments = arguments.iter().map(|argument| argument.replace("{}", place));
        let mut command = Command::new(env!("CARGO_BIN_EXE_azconnect-emulator"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("it is not ready: {line:?} {told}");
        };
        Self { child, ready, folder }
    }

    /// The one origin of `http` or `https`.
    pub(crate) fn origin(&self, scheme: &str) -> String {
        self.ready[scheme]["graph"].as_str().unwrap_or_else(|| panic!("{}", self.ready)).to_owned()
    }

    /// The host and port of an origin.
    pub(crate) fn address(&self, scheme: &str) -> String {
        self.origin(scheme).split_once("://").unwrap().1.to_owned()
    }

    /// A client that trusts the program's authority, if it has written one.
    pub(crate) fn client(&self) -> Client {
        self.client_with(|builder| builder)
    }

    pub(crate) fn client_with(
        &self,
        change: impl FnOnce(ReqwestTransportBuilder) -> ReqwestTransportBuilder,
    ) -> Client {
        let mut builder = ReqwestTransport::builder().danger_allow_http_loopback();
        if let Ok(pem) = std::fs::read(self.folder.path().join("ca.pem")) {
            builder = builder.with_root_certificate(&pem).unwrap();
        }
        Client(Arc::new(change(builder).build().unwrap()))
    }

    /// Tells it to stop as an operating system does, and waits until it has.
    pub(crate) fn stop(self, signal: &str) -> (ExitStatus, String, TempDir) {
        let killed = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.end()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(mut self) -> (ExitStatus, String, TempDir) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (status, told, folder)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends requests and reads answers.
pub(crate) struct Client(Arc<dyn Transport>);

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The body of an answer that has this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        self.0.clone()
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<Reply, azconnect_core::Error> {
        let answer = self.0.send(request).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(Reply { status: answer.status().as_u16(), headers: answer.headers().clone(), text })
    }

    /// Sends a request with these headers; a body that is not empty is JSON.
    pub(crate) async fn ask(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = http::Request::builder().method(method).uri(url);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        self.send(request).await.unwrap_or_else(|error| panic!("{url}: {error:?}"))
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        self.ask("GET", url, &[], "").await
    }

    /// A token of the seed's administrator, from a sign-in at this origin.
    pub(crate) async fn token(&self, login: &str, scope: &str) -> String {
        self.sign_in(login, scope).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn sign_in(&self, login: &str, scope: &str) -> Reply {
        let form = format!(
            "grant_type=client_credentials&client_id={ADMINISTRATOR}&client_secret={SECRET}&scope={}",
            scope.replace(':', "%3A").replace('/', "%2F")
        );
        let request = http::Request::post(format!("{login}/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form));
        self.send(request.unwrap()).await.unwrap()
    }

    /// Sends a request with a token.
    pub(crate) async fn call(&self, method: &str, url: &str, token: &str, body: &str) -> Reply {
        self.ask(method, url, &[("authorization", &format!("Bearer {token}"))], body).await
    }
}

/// Whether a file exists in a folder.
pub(crate) fn is_there(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}
