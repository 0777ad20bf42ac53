//! What a form offers is read within a bound of memory, however many sizes a region has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::arm::Arm;
use azconnect::arm::choices::SizeFilter;
use azconnect::core::{Cloud, Error, Scope, Secret, SubscriptionId};
use azconnect::credential::{AccessToken, TokenProvider};
use azconnect::http::{ByteStream, Pipeline, Request, Response, Transport};
use azconnect_testkit::VirtualClock;
use azconnect_tests::watched::{Watched, most_held};
use bytes::Bytes;
use futures_util::stream;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A region of the real service has between one and two thousand.
const SIZES: usize = 5_000;

/// What one size may take of what is kept, and the reading beside it.
const EACH: usize = 512;
const BESIDE: usize = 512 * 1024;

/// A service that writes a list of sizes as it is read.
struct Long;

fn element(number: usize) -> String {
    let capabilities: Vec<String> =
        (0..40).map(|n| format!(r#"{{"name":"Capability{n}","value":"a value of some length {n}"}}"#)).collect();
    let cores = 1 << (number % 7);
    format!(
        r#"{{"resourceType":"virtualMachines","name":"Standard_D{number}s_v5","family":"standardDSv5Family","locations":["westeurope"],"locationInfo":[{{"location":"westeurope","zones":["1","2","3"]}}],"capabilities":[{{"name":"vCPUs","value":"{cores}"}},{{"name":"MemoryGB","value":"8"}},{{"name":"HyperVGenerations","value":"V1,V2"}},{}],"restrictions":[]}}"#,
        capabilities.join(",")
    )
}

#[async_trait]
impl Transport for Long {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        panic!("the list must be read as a stream")
    }

    async fn stream(&self, _: Request) -> Result<http::Response<ByteStream>, Error> {
        let pieces = (0..SIZES + 2).map(|at| match at {
            0 => Ok(Bytes::from(r#"{"value":["#)),
            at if at <= SIZES => Ok(Bytes::from(format!("{}{}", if at > 1 { "," } else { "" }, element(at)))),
            _ => Ok(Bytes::from("]}")),
        });
        Ok(http::Response::new(Box::pin(stream::iter(pieces))))
    }
}

struct Token;

#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        let later = time::OffsetDateTime::UNIX_EPOCH;
        Ok(Arc::new(AccessToken::new(Secret::new("token"), later, later)))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

// One test: whatever is held in the process counts.
#[test]
fn sizes_are_held_once_and_only_those_that_are_wanted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let read = |filter: SizeFilter| {
        let arm =
            Arm::new(Pipeline::new(Arc::new(Long), Arc::new(VirtualClock::new())), &Cloud::public(), Arc::new(Token));
        let subscription: SubscriptionId = "20000000-0000-4000-8000-000000000001".parse().unwrap();
        most_held(|| runtime.block_on(arm.subscription(subscription).choices().sizes("westeurope", &filter)).unwrap())
    };
    let sent = element(1).len() * SIZES;
    let (held, offer) = read(SizeFilter::new());
    assert_eq!(offer.entries.len(), SIZES);
    // The array doubles when it grows, so that twice its entries are held for a moment.
    let bound = 2 * SIZES * EACH + BESIDE;
    assert!(held < bound && bound < sent, "{held} bytes were held of {sent}, over {bound}");
    let (held, offer) = read(SizeFilter::new().with_cores(64..=64).with_name_part("D6s"));
    assert_eq!(offer.entries.len(), 1);
    assert!(held < BESIDE, "{held} bytes were held for one size");
}
