//! How much memory the worst answer takes that is still read: many small parts in few bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect::core::{Cloud, Error, Scope, Secret};
use azconnect::credential::{AccessToken, TokenProvider};
use azconnect::devops::{DevOpsClient, EndpointQuery, OrganizationName, PersonalAccessToken, ProjectRef};
use azconnect::graph::{ApplicationQuery, GraphClient};
use azconnect::http::{Call, Pipeline, PlainDialect, Request, Response, Transport, json};
use azconnect_testkit::VirtualClock;
use azconnect_tests::watched::{Watched, most_held};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const MIB: usize = 1024 * 1024;

/// What no single answer may take, whatever is in it.
const BOUND: usize = 300 * MIB;

/// A service that answers everything alike.
struct Canned(&'static [u8]);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Ok(http::Response::new(bytes::Bytes::from_static(self.0)))
    }
}

struct NoToken;

#[async_trait]
impl TokenProvider for NoToken {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        let end = time::OffsetDateTime::UNIX_EPOCH;
        Ok(Arc::new(AccessToken::new(Secret::new("token"), end, end)))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

/// `open`, the part as often as the size allows, `close`.
fn full(size: usize, open: &str, part: &str, close: &str) -> &'static [u8] {
    let count = (size - open.len() - close.len()) / (part.len() + 1);
    let mut text = String::with_capacity(size);
    text.push_str(open);
    for number in 0..count {
        text.push_str(if number == 0 { "" } else { "," });
        text.push_str(part);
    }
    text.push_str(close);
    text.leak().as_bytes()
}

fn pipeline(answer: &'static [u8]) -> Pipeline {
    Pipeline::new(Arc::new(Canned(answer)), Arc::new(VirtualClock::new()))
}

fn held<F: Future<Output = ()>>(work: impl FnOnce() -> F) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    most_held(|| runtime.block_on(work())).0
}

/// A document that is read as any JSON, at the limit of a call that says nothing of its answer.
async fn document(answer: &'static [u8]) {
    let call = Call::get("thing.get", "https://service.example/".parse().unwrap());
    let answer = pipeline(answer).execute(call, &PlainDialect).await.unwrap();
    json::<Value>(&answer).unwrap();
}

/// A page of applications with more passwords than anybody has.
async fn applications(answer: &'static [u8]) {
    let graph = GraphClient::new(pipeline(answer), &Cloud::public(), Arc::new(NoToken));
    graph.applications(&ApplicationQuery::new()).await.unwrap();
}

/// A list of connections, each read when it is asked for.
async fn connections(answer: &'static [u8]) {
    let pat = PersonalAccessToken::new(Secret::new("token")).unwrap();
    let client = DevOpsClient::new(pipeline(answer), &Cloud::public(), Arc::new(pat));
    let organization = client.organization(&OrganizationName::new("contoso").unwrap()).unwrap();
    let endpoints = organization.endpoints(ProjectRef::new("Web").unwrap());
    for endpoint in endpoints.scan(&EndpointQuery::new()).await.unwrap() {
        drop(endpoint);
    }
}

#[test]
fn the_worst_answers_that_are_read_take_a_bounded_amount_of_memory() {
    let id = "1dfdea68-9549-409e-abee-c5da69cfec5f";
    let passwords = format!(r#"{{"value":[{{"id":"{id}","appId":"{id}","passwordCredentials":["#);
    let connection = format!(r#"{{"id":"{id}","data":[{}]}}"#, vec!["{\"\":0}"; 140_000].join(","));
    let rows = [
        ("a document of 1 MiB, as any JSON", held(|| document(full(MIB, "[", "{\"\":0}", "]")))),
        ("a page of 4 MiB, of applications", held(|| applications(full(4 * MIB, &passwords, "{}", "]}]}")))),
        ("a list of connections of 1 MiB each", held(|| connections(full(4 * MIB, "[", &connection, "]")))),
    ];
    for (what, held) in rows {
        println!("{what:40} {:6.1} MiB", held as f64 / MIB as f64);
    }
    for (what, held) in rows {
        assert!(held < BOUND, "{what}");
    }
}
