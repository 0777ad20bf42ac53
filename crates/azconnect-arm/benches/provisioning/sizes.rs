//! What a long list of sizes costs in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_core::{Clock, Cloud, Error, Secret};
use azconnect_credential::AccessToken;
use azconnect_http::{ByteStream, Pipeline, Request, Response, SystemClock, Transport};
use bytes::Bytes;

use crate::site::{SUBSCRIPTION, Token};

/// Makes 120 MB of sizes as they are read.
struct Generated(usize);

#[async_trait]
impl Transport for Generated {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        unreachable!("the list is read as a stream")
    }

    async fn stream(&self, _: Request) -> Result<http::Response<ByteStream>, Error> {
        let elements = self.0;
        let filler = "x".repeat(1900);
        let pieces = (0..elements + 2).map(move |at| {
            Ok(Bytes::from(match at {
                0 => "{\"value\":[".to_owned(),
                at if at <= elements => format!(
                    "{}{{\"resourceType\":\"virtualMachines\",\"name\":\"Standard_X{at}\",\"capabilities\":[{{\"name\":\"vCPUs\",\"value\":\"2\"}}],\"filler\":\"{filler}\"}}",
                    if at > 1 { "," } else { "" }
                ),
                _ => "]}".to_owned(),
            }))
        });
        Ok(http::Response::new(Box::pin(futures_util::stream::iter(pieces))))
    }
}

pub(crate) async fn sizes() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let later = clock.now() + Duration::from_secs(3000);
    let tokens = Arc::new(Token(Arc::new(AccessToken::new(Secret::new("token"), later, later))));
    let arm = Arm::new(Pipeline::new(Arc::new(Generated(60_000)), clock), &Cloud::public(), tokens);
    let before = peak_memory();
    let started = Instant::now();
    let mut list = arm.subscription(SUBSCRIPTION.parse().unwrap()).skus(None).unwrap();
    let mut count = 0_u32;
    while list.next().await.unwrap().is_some() {
        count += 1;
    }
    println!(
        "sizes: {count} read from about 120 MB in {:.1} s, peak memory {} kB before, {} kB after",
        started.elapsed().as_secs_f64(),
        before,
        peak_memory()
    );
}

/// The highest resident memory of this process so far, in kB, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
