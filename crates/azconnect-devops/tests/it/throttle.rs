//! One busy organization is slowed down, and no other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azconnect_core::Clock;
use azconnect_devops::{OrganizationName, ProjectState};
use azconnect_testkit::{Canary, VirtualClock};
use serde_json::json;

use crate::support::{Script, plain};

#[tokio::test(start_paused = true)]
async fn a_retry_after_on_a_success_slows_that_organization_only() {
    let clock = VirtualClock::new();
    let script = Script::new(|request| {
        let busy = request.uri().path().starts_with("/busy/");
        let headers = if busy {
            vec![("retry-after", "20".to_owned()), ("x-ratelimit-remaining", "0".to_owned())]
        } else {
            Vec::new()
        };
        (200, headers, json!({"count": 0, "value": []}))
    });
    let client = script.client(&clock);
    let organization = |name: &str| client.organization(&OrganizationName::new(name).unwrap()).unwrap();
    organization("busy").projects(ProjectState::All).await.unwrap();
    organization("calm").projects(ProjectState::All).await.unwrap();
    assert_eq!(clock.elapsed(), Duration::ZERO);
    organization("BUSY").projects(ProjectState::All).await.unwrap();
    assert_eq!(clock.elapsed(), Duration::from_secs(20), "whoever reaches it, and in whatever case");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_throttling_waits_as_long_as_the_service_asks() {
    let clock = VirtualClock::new();
    let calls = AtomicU32::new(0);
    let script = Script::new(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => (
            429,
            vec![("retry-after", "30".to_owned())],
            json!({"message": "TF400733: The request has been canceled", "typeKey": "RequestBlockedException"}),
        ),
        _ => plain(200, json!({"value": []})),
    });
    script.organization(&clock).projects(ProjectState::All).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(30));
    assert_eq!(script.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_the_service_are_shown_in_spans() {
    let canary = Canary::new();
    let ears = canary.listen();
    let clock = VirtualClock::new();
    let marker = canary.secret().expose().to_owned();
    let script = Script::new(move |_| (200, vec![("x-ratelimit-resource", marker.clone())], json!({"value": []})));
    script.organization(&clock).projects(ProjectState::All).await.unwrap();
    drop(ears);
    // What the service says of its limits is heard where the spans are recorded.
    let heard = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canary.assert_absent_from_logs()));
    assert!(heard.is_err());
}
