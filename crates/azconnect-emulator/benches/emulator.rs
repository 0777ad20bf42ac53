//! What the emulator costs: over sockets and in process, with few live tokens and with many, and after a million requests.
//!
//! ```text
//! cargo bench -p azconnect-emulator
//! ```
//!
//! Prints figures, and judges nothing. `-- --requests N` makes the long run shorter or longer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azconnect_emulator::{Emulator, Seed, server};
use azconnect_http::{SystemClock, Transport};
use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SEED: &str = include_str!("../data/seed.json");
const TENANT: &str = "contoso.onmicrosoft.com";
const CLIENT: &str = "10000000-0000-4000-8000-000000000001";
const SUBSCRIPTION: &str = "30000000-0000-4000-8000-000000000001";
const GRAPH: &str = "https://graph.microsoft.com";
const ARM: &str = "https://management.azure.com";

/// How long the sockets are busy.
const BUSY: Duration = Duration::from_secs(4);

/// How long the long run may take: on a slow machine it ends before all requests are made, and says so.
const LONGEST: Duration = Duration::from_secs(4 * 60);

fn main() {
    // `cargo test` runs benchmarks with this argument: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        each_request().await;
        live_tokens().await;
        over_sockets().await;
        long_run(requests()).await;
    });
}

/// How many requests the long run has.
fn requests() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--requests");
    arguments.nth(1).and_then(|number| number.parse().ok()).unwrap_or(1_000_000)
}

struct Client {
    emulator: Emulator,
    transport: Arc<dyn Transport>,
}

impl Client {
    fn new() -> Self {
        let seed = Seed::from_json(SEED).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(SystemClock::new())).unwrap();
        Self { transport: emulator.transport(), emulator }
    }

    async fn ask(&self, method: &str, url: &str, token: &str, body: &str) -> (u16, Bytes) {
        let mut request = http::Request::builder().method(method).uri(url);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let answer = self.transport.send(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.into_body())
    }

    async fn sign_in(&self, resource: &str) -> String {
        let form = sign_in_form(resource);
        let url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
        let (status, body) = self.ask("POST", &url, "", &form).await;
        assert_eq!(status, 200);
        token_in(&body)
    }
}

fn sign_in_form(resource: &str) -> String {
    format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret=only.for-the-emulator&scope={resource}/.default"
    )
}

fn token_in(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body).unwrap()["access_token"].as_str().unwrap().to_owned()
}

fn group(name: u64) -> String {
    format!("{ARM}/subscriptions/{SUBSCRIPTION}/resourceGroups/g{name}?api-version=2021-04-01")
}

/// The time of one exchange, over many.
async fn time<F: Future>(count: u64, exchange: impl Fn(u64) -> F) -> f64 {
    let begun = Instant::now();
    for number in 0..count {
        exchange(number).await;
    }
    begun.elapsed().as_secs_f64() * 1e6 / count as f64
}

async fn each_request() {
    let client = &Client::new();
    let (graph, arm) = (&client.sign_in(GRAPH).await, &client.sign_in(ARM).await);
    println!("in process, microseconds a request:");
    println!("  sign-in                  {:8.1}", time(20_000, |_| client.sign_in(GRAPH)).await);
    let list = &format!("{GRAPH}/v1.0/applications");
    println!("  list of applications     {:8.1}", time(20_000, |_| client.ask("GET", list, graph, "")).await);
    let create = |number| async move {
        let (status, _) = client.ask("PUT", &group(number), arm, r#"{"location": "westeurope"}"#).await;
        assert_eq!(status, 201);
    };
    println!("  creation of a group      {:8.1}", time(2_000, create).await);
    let read = |number| async move { client.ask("GET", &group(number), arm, "").await };
    println!("  read of a group          {:8.1}", time(2_000, read).await);
}

async fn live_tokens() {
    println!("with live tokens, microseconds a request:");
    for live in [10, 10_000] {
        let client = &Client::new();
        for _ in 0..live {
            client.sign_in(GRAPH).await;
        }
        let token = &client.sign_in(GRAPH).await;
        let list = &format!("{GRAPH}/v1.0/applications");
        let read = time(20_000, |_| client.ask("GET", list, token, "")).await;
        let sign_in = time(5_000, |_| client.sign_in(GRAPH)).await;
        println!("  {live:6} live: sign-in {sign_in:6.1}, list of applications {read:6.1}");
    }
}

async fn over_sockets() {
    let client = Client::new();
    let server = server::serve(client.emulator.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let host = server.origins().graph.trim_start_matches("http://").to_owned();
    let serving = tokio::spawn(server.run());
    let token = client.sign_in(GRAPH).await;
    println!("over sockets, on connections that stay open, requests a second:");
    for connections in [1, 4, 16] {
        let begun = Instant::now();
        let asking = (0..connections).map(|_| tokio::spawn(busy(host.clone(), token.clone(), begun + BUSY)));
        let mut answered = 0;
        for one in asking.collect::<Vec<_>>() {
            answered += one.await.unwrap();
        }
        println!("  {connections:3} connections         {:9.0}", answered as f64 / begun.elapsed().as_secs_f64());
    }
    serving.abort();
}

/// Asks on one connection until the end; returns how often.
async fn busy(host: String, token: String, end: Instant) -> u64 {
    let request = format!("GET /v1.0/applications HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(&host).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = vec![0; 64 * 1024];
    let mut answered = 0;
    while Instant::now() < end {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = 0;
        loop {
            read += stream.read(&mut answer[read..]).await.unwrap();
            let text = std::str::from_utf8(&answer[..read]).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                break;
            }
        }
        answered += 1;
    }
    answered
}

/// A long run of what a test suite does: sign in, create, read, list, delete.
async fn long_run(requests: u64) {
    let client = Client::new();
    client.emulator.adjust(|settings| {
        settings
            .with_resource_manager(azconnect_emulator::arm::ArmSettings::instant())
            .with_token_lifetime(Duration::from_secs(60))
            .with_kept(1_000)
    });
    println!("memory of the process in MB, after this many requests in process:");
    let (mut done, mut turn, begun) = (0_u64, 0_u64, Instant::now());
    let (mut graph, mut arm) = (String::new(), String::new());
    let mut milestones = [0, 1, 10, 25, 50, 100].into_iter().map(|percent| requests * percent / 100).peekable();
    while let Some(milestone) = milestones.peek().copied() {
        let is_over = begun.elapsed() > LONGEST;
        if done >= milestone || is_over {
            let end = if is_over && done < milestone { ", when its time was over" } else { "" };
            println!("  {done:9} {:7.1} MB, {:5.0} s{end}", memory(), begun.elapsed().as_secs_f64());
            milestones.next();
            if is_over {
                return;
            }
            continue;
        }
        if turn % 10 == 0 {
            (graph, arm) = (client.sign_in(GRAPH).await, client.sign_in(ARM).await);
            done += 2;
        }
        let body = format!(r#"{{"displayName": "a{turn}"}}"#);
        let (status, made) = client.ask("POST", &format!("{GRAPH}/v1.0/applications"), &graph, &body).await;
        assert_eq!(status, 201);
        let made: Value = serde_json::from_slice(&made).unwrap();
        let application = format!("{GRAPH}/v1.0/applications/{}", made["id"].as_str().unwrap());
        client.ask("POST", &format!("{application}/addPassword"), &graph, "{}").await;
        client.ask("GET", &application, &graph, "").await;
        client.ask("DELETE", &application, &graph, "").await;
        let deleted = format!("{GRAPH}/v1.0/directory/deletedItems/{}", made["id"].as_str().unwrap());
        client.ask("DELETE", &deleted, &graph, "").await;
        let (status, _) = client.ask("PUT", &group(turn % 50), &arm, r#"{"location": "westeurope"}"#).await;
        assert!([200, 201].contains(&status), "{status}");
        client.ask("GET", &group(turn % 50), &arm, "").await;
        client.ask("DELETE", &group(turn % 50), &arm, "").await;
        (done, turn) = (done + 8, turn + 1);
    }
}

/// What the process holds in memory, as Linux counts it.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 = line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(f64::NAN);
    kilobytes / 1024.0
}
