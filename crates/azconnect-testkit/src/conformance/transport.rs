//! What every [`Transport`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Request, Response, SendOptions, Transport};
use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};
use crate::canary::Canary;
use crate::fake::Conduct;

/// How long the suite waits for a service that never answers.
const SHORT: Duration = Duration::from_secs(1);

/// A transport under test, and services that it can reach.
#[async_trait]
pub trait TransportHarness: Send + Sync {
    /// The transport under test; every call returns the same one.
    fn transport(&self) -> Arc<dyn Transport>;

    /// Starts a service that treats every request in one way, and returns its address, without a query.
    async fn serve(&self, conduct: Conduct) -> String;

    /// Every request that has reached a service of this harness, in order.
    fn received(&self) -> Vec<Received>;
}

/// A transport under test that can reach a service which repeats what it is sent.
#[async_trait]
pub trait EchoHarness: Send + Sync {
    /// The transport under test; every call returns the same one.
    fn transport(&self) -> Arc<dyn Transport>;

    /// Starts a service that answers 200 with the method, path and query, the header `x-conformance` and the body of the
    /// request, one a line; and returns its address, without a query.
    async fn serve_echo(&self) -> String;
}

/// A request as a service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The HTTP method, such as `GET`.
    pub method: String,
    /// The path, without the query, such as `/hello`.
    pub path: String,
    /// Over which connection it came: a number that is different for each.
    pub connection: u64,
}

impl Received {
    /// A request that came over a connection of this number.
    pub fn new(method: impl Into<String>, path: impl Into<String>, connection: u64) -> Self {
        Self { method: method.into(), path: path.into(), connection }
    }
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: TransportHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Transport");
    report.add("every status is an answer", any_status(&make().await).await);
    report.add("an answer comes back as it was given", whole_answer(&make().await).await);
    report.add("a request is sent once, whatever becomes of it", sends_once(&make().await).await);
    report.add("a redirect is returned, not followed", no_redirect(&make().await).await);
    report.add("a refused connection provably has no effect", refused_connection(&make().await).await);
    report.add("an answer that is lost leaves the effect unknown", lost_answer(&make().await).await);
    report.add("an answer that is late leaves the effect unknown", late_answer(&make().await).await);
    report.add("an answer beyond the limit is an error", limit(&make().await).await);
    report.add("a stream brings what a whole answer holds", streams(&make().await).await);
    report.add("a fresh connection carried no other request", fresh_connection(&make().await).await);
    report.add("plain http beyond loopback is refused before anything is sent", no_plain_http(&make().await).await);
    report.add("no error shows an address or a credential", shows_nothing(&make().await).await);
    report.finish();
}

/// Checks that a request arrives as it was sent, where the test has a service that repeats it.
///
/// # Panics
/// As [`all`].
pub async fn echo<H: EchoHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Transport (echo)");
    report.add("a request arrives as it was sent", arrives(&make().await).await);
    report.finish();
}

async fn any_status(harness: &impl TransportHarness) -> CaseResult {
    for status in [200, 201, 204, 304, 400, 401, 404, 409, 429, 500, 503] {
        let address = harness.serve(Conduct::Answer(answer(status, "")?)).await;
        let found = harness.transport().send(get(&address)?).await?;
        ensure_eq("status", &found.status().as_u16(), &status)?;
    }
    Ok(())
}

async fn whole_answer(harness: &impl TransportHarness) -> CaseResult {
    let mut given = answer(200, "a body\nof two lines: é漢字")?;
    given.headers_mut().insert("x-conformance", http::HeaderValue::from_static("kept"));
    let address = harness.serve(Conduct::Answer(given.clone())).await;
    let found = harness.transport().send(get(&address)?).await?;
    ensure_eq("body", found.body(), given.body())?;
    ensure_eq("header", &found.headers().get("x-conformance"), &given.headers().get("x-conformance"))
}

async fn sends_once(harness: &impl TransportHarness) -> CaseResult {
    // Repeating is the pipeline's part: a transport that repeats would also repeat what is not idempotent.
    let mut busy = answer(503, "busy")?;
    busy.headers_mut().insert("retry-after", http::HeaderValue::from_static("0"));
    let conducts = [Conduct::Answer(busy), Conduct::Answer(answer(401, "no")?), Conduct::Break];
    for (sent, conduct) in (1..).zip(conducts) {
        let shown = format!("{conduct:?}");
        let address = harness.serve(conduct).await;
        // What it returns is the matter of other behaviours.
        let _ = harness.transport().send(get(&address)?).await;
        ensure_eq(&format!("requests until {shown}"), &harness.received().len(), &sent)?;
    }
    Ok(())
}

async fn no_redirect(harness: &impl TransportHarness) -> CaseResult {
    let elsewhere = harness.serve(Conduct::Answer(answer(200, "elsewhere")?)).await;
    for status in [301, 302, 303, 307, 308] {
        // Followed, a redirect would carry the token to whatever host it names.
        let mut redirect = answer(status, "")?;
        let location = http::HeaderValue::try_from(elsewhere.as_str()).map_err(|_| Failure::new("no address"))?;
        redirect.headers_mut().insert(http::header::LOCATION, location);
        let address = harness.serve(Conduct::Answer(redirect)).await;
        let before = harness.received().len();
        let found = harness.transport().send(get(&address)?).await?;
        ensure_eq("status", &found.status().as_u16(), &status)?;
        ensure_eq("requests", &(harness.received().len() - before), &1)?;
    }
    Ok(())
}

async fn refused_connection(harness: &impl TransportHarness) -> CaseResult {
    let address = harness.serve(Conduct::Refuse).await;
    refused("send", ErrorKind::Unavailable, harness.transport().send(get(&address)?).await)?;
    refused("stream", ErrorKind::Unavailable, harness.transport().stream(get(&address)?).await).map(drop)
}

async fn lost_answer(harness: &impl TransportHarness) -> CaseResult {
    let address = harness.serve(Conduct::Break).await;
    doubtful(&[ErrorKind::Unavailable, ErrorKind::Timeout], harness.transport().send(get(&address)?).await)
}

async fn late_answer(harness: &impl TransportHarness) -> CaseResult {
    let address = harness.serve(Conduct::Hang).await;
    let request = with_options(get(&address)?, SendOptions::default().with_timeout(SHORT));
    doubtful(&[ErrorKind::Timeout], harness.transport().send(request).await)
}

async fn limit(harness: &impl TransportHarness) -> CaseResult {
    let body = "x".repeat(1025);
    let address = harness.serve(Conduct::Answer(answer(200, &body)?)).await;
    let limited =
        |limit| Ok::<_, Failure>(with_options(get(&address)?, SendOptions::default().with_answer_limit(limit)));
    let found = harness.transport().send(limited(1025)?).await?;
    ensure_eq("length of an answer of the limit", &found.body().len(), &1025)?;
    doubtful(&[ErrorKind::Unexpected], harness.transport().send(limited(1024)?).await)
}

async fn streams(harness: &impl TransportHarness) -> CaseResult {
    let given = answer(200, &"a line of a long answer\n".repeat(1000))?;
    let address = harness.serve(Conduct::Answer(given.clone())).await;
    let found = harness.transport().stream(get(&address)?).await?;
    ensure_eq("status", &found.status(), &given.status())?;
    let pieces: Vec<Bytes> = found.into_body().try_collect().await?;
    ensure(pieces.concat() == *given.body(), "the pieces are not the body")
}

async fn fresh_connection(harness: &impl TransportHarness) -> CaseResult {
    let address = harness.serve(Conduct::Answer(answer(200, "")?)).await;
    // The first and the last may share a connection; each in the middle needs one of its own.
    for fresh in [false, true, true, false] {
        let options = SendOptions::default().with_fresh_connection(fresh);
        harness.transport().send(with_options(get(&address)?, options)).await?;
    }
    let connections: Vec<u64> = harness.received().iter().map(|received| received.connection).collect();
    let used = |number| connections.iter().filter(|connection| **connection == number).count();
    let own = connections.iter().skip(1).take(2).all(|connection| used(*connection) == 1);
    ensure(own, format!("the second and third request need connections of their own: {connections:?}"))
}

async fn no_plain_http(harness: &impl TransportHarness) -> CaseResult {
    let error = harness.transport().send(get("http://service.example/")?).await;
    refused("plain http", ErrorKind::InvalidInput, error)?;
    ensure(harness.received().is_empty(), "something was sent")
}

async fn shows_nothing(harness: &impl TransportHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let mut shown = String::new();
    for conduct in [Conduct::Refuse, Conduct::Break, Conduct::Hang, Conduct::Answer(answer(200, "too large")?)] {
        // Addresses of operations are signed, so they are as good as a credential.
        let address = format!("{}?sig={}", harness.serve(conduct).await, canary.secret().expose());
        let options = SendOptions::default().with_timeout(SHORT).with_answer_limit(3);
        let mut request = with_options(get(&address)?, options);
        let bearer = http::HeaderValue::try_from(format!("Bearer {}", canary.secret().expose()));
        request.headers_mut().insert("authorization", bearer.map_err(|_| Failure::new("no header"))?);
        let Err(error) = harness.transport().send(request).await else {
            return Err(Failure::new("a request that must fail succeeded"));
        };
        shown += &format!("{error} {error:?} {}", error.advice());
    }
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

async fn arrives(harness: &impl EchoHarness) -> CaseResult {
    let address = harness.serve_echo().await;
    let path = address.parse::<http::Uri>().map_err(|_| Failure::new("no address"))?.path().to_owned();
    for (method, body) in [("GET", ""), ("POST", "{\"a\": 1}"), ("PUT", "é漢字"), ("PATCH", "x"), ("DELETE", "")] {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{address}?api-version=7.1&q=a%2Fb"))
            .header("x-conformance", "a value")
            .body(Bytes::from(body.to_owned()))
            .map_err(|_| Failure::new("no request"))?;
        let found = harness.transport().send(request).await?;
        let wanted = format!("{method}\n{path}?api-version=7.1&q=a%2Fb\na value\n{body}");
        ensure_eq("what arrived", &String::from_utf8_lossy(found.body()).into_owned(), &wanted)?;
    }
    Ok(())
}

fn get(address: &str) -> Result<Request, Failure> {
    http::Request::get(address).body(Bytes::new()).map_err(|_| Failure::new(format!("{address} is no address")))
}

fn with_options(mut request: Request, options: SendOptions) -> Request {
    request.extensions_mut().insert(options);
    request
}

fn answer(status: u16, body: &str) -> Result<Response, Failure> {
    let answer = http::Response::builder().status(status).body(Bytes::from(body.to_owned()));
    answer.map_err(|_| Failure::new(format!("{status} is no status")))
}

/// Fails unless a call failed with one of some kinds and an unknown effect.
fn doubtful(kinds: &[ErrorKind], result: Result<Response, Error>) -> CaseResult {
    let error = match result {
        Ok(answer) => return Err(Failure::new(format!("it succeeded with {}", answer.status()))),
        Err(error) => error,
    };
    ensure(kinds.contains(&error.kind()), format!("wanted one of {kinds:?}: {error:?}"))?;
    ensure(error.effect() == Effect::Unknown, format!("the service may have acted: {error:?}"))
}
