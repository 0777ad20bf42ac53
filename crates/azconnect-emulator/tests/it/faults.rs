//! Scripted faults, the observer, and the emulator's own routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind};
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Intervention, Service, server};
use azconnect_http::SendOptions;
use azconnect_testkit::{ManualClock, VirtualClock};
use serde_json::json;

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Way};

fn live(harness: &Harness) -> usize {
    let truth = harness.emulator.truth();
    let deployer = truth.application(DEPLOYER.parse().unwrap()).unwrap();
    deployer.passwords.iter().filter(|password| password.live).count()
}

async fn a_lost_answer_hides_an_effect(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let fault = Fault::new(FaultAction::LoseAnswer)
        .with_service(Service::Graph)
        .with_method("post")
        .with_path("/v1.0/applications/{id}/addPassword")
        .with_nth(2);
    let id = harness.emulator.faults().add(fault);
    let before = live(&harness);
    harness.add_password(&token, "first").await;
    let ask = || {
        harness
            .graph("POST", &format!("/applications/{DEPLOYER_OBJECT}/addPassword"))
            .bearer(&token)
            .json(&json!({"passwordCredential": {"displayName": "second"}}))
    };
    let error = ask().try_send().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    assert_eq!(live(&harness), before + 2);
    assert_eq!(harness.emulator.faults().hits(id), 1);
    ask().send().await.expect(200);
}

async fn a_connection_dropped_before_has_no_effect_and_looks_the_same(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let before = live(&harness);
    harness.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_path("addpassword"));
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    let error = harness.graph("POST", &path).bearer(&token).json(&json!({})).try_send().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    assert_eq!(live(&harness), before);
}

async fn an_answer_of_the_script_takes_the_place_of_the_services_own(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let answer = CannedAnswer::new(500).with_header("x-odd", "1").with_body(json!({"error": {"code": "Odd"}}));
    let faults = harness.emulator.faults();
    faults.add(Fault::new(FaultAction::Answer(answer.clone())).with_path("addPassword"));
    faults.add(Fault::new(FaultAction::Answer(answer.with_effect_applied())).with_path("addPassword").with_nth(2));
    let before = live(&harness);
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    let ask = || harness.graph("POST", &path).bearer(&token).json(&json!({})).send();
    let reply = ask().await;
    assert_eq!(reply.header("x-odd"), "1");
    assert_eq!(reply.expect(500)["error"]["code"], "Odd");
    assert_eq!(live(&harness), before);
    ask().await.expect(500);
    assert_eq!(live(&harness), before + 1);
}

async fn throttling_and_headers_on_success(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let faults = harness.emulator.faults();
    let retry_after = Some(Duration::from_secs(7));
    faults.add(Fault::new(FaultAction::Throttle { status: 429, retry_after }).with_service(Service::Graph));
    faults.add(
        Fault::new(FaultAction::AddHeaders(vec![("Retry-After".to_owned(), "3".to_owned())]))
            .with_service(Service::Graph)
            .with_nth(2),
    );
    let reply = harness.graph("GET", "/applications").bearer(&token).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "7"));
    let reply = harness.graph("GET", "/applications").bearer(&token).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (200, "3"));
    let reply = harness.graph("GET", "/applications").bearer(&token).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (200, ""));
}

async fn the_observer_decides_about_the_nth_exchange(way: Way) {
    let harness = Harness::contoso(way).await;
    let seen = Arc::new(AtomicU64::new(0));
    let (counter, emulator) = (Arc::clone(&seen), harness.emulator.clone());
    harness.emulator.on_exchange(Arc::new(move |exchange| {
        // The truth may be asked in the middle of an exchange.
        assert!(emulator.truth().exchanges >= exchange.number);
        counter.store(exchange.number, Ordering::SeqCst);
        if exchange.number == 2 { Intervention::LoseAnswer } else { Intervention::Proceed }
    }));
    let token = harness.token(GRAPH_SCOPE).await;
    let before = live(&harness);
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    harness.graph("POST", &path).bearer(&token).json(&json!({})).try_send().await.unwrap_err();
    assert_eq!((live(&harness), seen.load(Ordering::SeqCst)), (before + 1, 2));
}

async fn the_control_routes_serve_truth_and_faults(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "x").await;
    for service in [Service::Login, Service::ResourceManager, Service::Graph, Service::DevOps, Service::DevOpsIdentity]
    {
        let state = harness.ask(service, "GET", "/_emulator/state").send().await;
        for secret in [minted["secretText"].as_str().unwrap(), "deployer-old", "operator-secret"] {
            assert!(!state.text.contains(secret));
        }
        let state = state.expect(200);
        assert_eq!(state["exchanges"], 2);
        assert_eq!(state["applications"][1]["client_id"], DEPLOYER);
        assert_eq!(state["applications"][1]["passwords"][0]["live"], true);
        assert_eq!(state["applications"][1]["passwords"][0]["on"], "application");
    }
    let script = json!([
        {"service": "graph", "path": "/v1.0/applications", "action": {"kind": "throttle", "status": 503, "retryAfter": 2}},
        {"action": {"kind": "lose_answer"}, "service": "login", "nth": 2, "count": null},
    ]);
    let faults = |method: &str| harness.ask(Service::Login, method, "/_emulator/faults");
    assert_eq!(faults("POST").json(&script).send().await.expect(201)["ids"].as_array().unwrap().len(), 2);
    assert_eq!(harness.graph("GET", "/applications").bearer(&token).send().await.status, 503);
    let listed = faults("GET").send().await.expect(200);
    assert_eq!(listed["faults"][0]["hits"], 1);
    assert_eq!(listed["faults"][1]["action"], "lose_answer");
    faults("DELETE").send().await.expect(204);
    assert_eq!(faults("GET").send().await.expect(200)["faults"], json!([]));
    let wrong = json!({"action": {"kind": "throttle"}, "servise": "graph"});
    let refused = faults("POST").json(&wrong).send().await.expect(400);
    assert_eq!(refused["error"]["field"], "fault.servise");
    assert!(refused["error"]["advice"].as_str().unwrap().contains("service"));
    harness.ask(Service::Graph, "GET", "/_emulator/elsewhere").send().await.expect(404);
}

#[tokio::test]
async fn a_refused_connection_has_provably_no_effect() {
    let harness = Harness::contoso(Way::InProcess).await;
    harness.emulator.faults().add(Fault::new(FaultAction::Refuse));
    let error = harness.graph("GET", "/applications").try_send().await.unwrap_err();
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_in_virtual_time_before_or_after_the_effect() {
    let clock = VirtualClock::new();
    let emulator = Emulator::new(Arc::new(clock.clone()));
    let time = Duration::from_secs(90);
    let faults = emulator.faults();
    faults.add(Fault::new(FaultAction::Delay { time, applied: false }));
    let request = || {
        let mut request = http::Request::new(bytes::Bytes::new());
        *request.uri_mut() = "https://graph.microsoft.com/nowhere".parse().unwrap();
        request
    };
    let mut patient = request();
    patient.extensions_mut().insert(SendOptions::default().with_timeout(Duration::from_secs(100)));
    emulator.transport().send(patient).await.unwrap();
    assert_eq!(clock.elapsed(), time);
    // With the default timeout of a minute, the answer comes too late; the service has acted all the same.
    for (applied, served) in [(false, 1), (true, 2)] {
        faults.clear();
        faults.add(Fault::new(FaultAction::Delay { time, applied }));
        let error = emulator.transport().send(request()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert_eq!(emulator.truth().unknown_routes, served);
    }
}

#[tokio::test]
async fn a_server_binds_loopback_only() {
    let emulator = Emulator::new(Arc::new(ManualClock::new()));
    let error = server::serve(emulator, "0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("address")));
}

#[tokio::test]
async fn a_page_of_another_name_cannot_read_the_truth() {
    let harness = Harness::contoso(Way::Http).await;
    let reply = harness.ask(Service::Login, "GET", "/_emulator/state").header("host", "evil.example.com").send().await;
    assert_eq!(reply.status, 403, "{}", reply.text);
}

#[tokio::test]
async fn an_unknown_host_and_plain_http_are_refused_in_process() {
    let emulator = Emulator::new(Arc::new(ManualClock::new()));
    let send = |uri: &str| {
        let mut request = http::Request::new(bytes::Bytes::new());
        *request.uri_mut() = uri.parse().unwrap();
        let transport = emulator.transport();
        async move { transport.send(request).await.unwrap_err() }
    };
    assert_eq!(send("https://example.com/").await.effect(), Effect::None);
    assert_eq!(send("http://graph.microsoft.com/").await.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_request_that_arrives_late_acts_when_nobody_waits_any_more() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let before = live(&harness);
    let after = Duration::from_secs(90);
    harness.emulator.faults().add(Fault::new(FaultAction::ArriveLate { after }).with_path("addPassword"));
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    let body = json!({"passwordCredential": {"displayName": "late"}});
    let error = harness.graph("POST", &path).bearer(&token).json(&body).try_send().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    harness.advance(89);
    assert_eq!(live(&harness), before);
    // However late somebody looks, it happened when it arrived.
    harness.advance(1000);
    assert_eq!(live(&harness), before + 1);
    let truth = harness.emulator.truth();
    let mut passwords = truth.applications.iter().flat_map(|application| &application.passwords);
    let late = passwords.find(|password| password.display_name.as_deref() == Some("late")).unwrap();
    assert_eq!(late.starts_at, truth.now - Duration::from_secs(999));
}

#[tokio::test]
async fn late_requests_arrive_in_their_order_and_before_what_comes_after_them() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let waits = std::sync::Mutex::new(vec![10, 30, 20]);
    harness.emulator.on_exchange(Arc::new(move |_| match waits.lock().unwrap().pop() {
        Some(seconds) => Intervention::ArriveLate(Duration::from_secs(seconds)),
        None => Intervention::Proceed,
    }));
    let rename = |name: &str| {
        let ask = harness.graph("PATCH", &format!("/applications/{DEPLOYER_OBJECT}")).bearer(&token);
        ask.json(&json!({"displayName": name}))
    };
    for name in ["second", "third", "first"] {
        rename(name).try_send().await.unwrap_err();
    }
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(harness.emulator.truth().application(DEPLOYER.parse().unwrap()).unwrap().display_name.clone());
        harness.advance(10);
    }
    assert_eq!(names, ["Deployer", "first", "second", "third"]);
    rename("fourth").send().await.expect(204);
    assert_eq!(harness.emulator.truth().application(DEPLOYER.parse().unwrap()).unwrap().display_name, "fourth");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_ends_by_the_callers_own_limit_only() {
    let clock = VirtualClock::new();
    let emulator = Emulator::new(Arc::new(clock.clone()));
    for (applied, served) in [(false, 0), (true, 1)] {
        emulator.faults().add(Fault::new(FaultAction::Hang { applied }));
        let mut request = http::Request::new(bytes::Bytes::new());
        *request.uri_mut() = "https://graph.microsoft.com/nowhere".parse().unwrap();
        request.extensions_mut().insert(SendOptions::default().with_timeout(Duration::from_secs(100_000)));
        let began = clock.elapsed();
        let error = emulator.transport().send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert_eq!(clock.elapsed() - began, Duration::from_secs(100_000));
        assert_eq!(emulator.truth().unknown_routes, served);
    }
}

#[tokio::test]
async fn a_service_is_throttled_for_an_hour_and_says_what_is_left() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    harness.emulator.throttle(Service::Graph, Duration::from_secs(3600));
    for left in ["3600", "2400", "1200"] {
        let reply = harness.graph("GET", "/applications").bearer(&token).send().await;
        assert_eq!((reply.status, reply.header("retry-after")), (429, left));
        harness.advance(1200);
    }
    let token = harness.token(GRAPH_SCOPE).await;
    harness.graph("GET", "/applications").bearer(&token).send().await.expect(200);
}

#[tokio::test]
async fn an_outage_ends_with_its_time_however_often_it_was_met() {
    let harness = Harness::contoso(Way::InProcess).await;
    let outage = Fault::new(FaultAction::Refuse).with_service(Service::Login);
    let id = harness.emulator.inflict(outage, Duration::from_secs(60));
    for _ in 0..3 {
        harness.ask(Service::Login, "GET", "/common/discovery/keys").try_send().await.unwrap_err();
        harness.advance(19);
    }
    harness.advance(3);
    harness.token(GRAPH_SCOPE).await;
    assert_eq!(harness.emulator.faults().hits(id), 3);
}

#[tokio::test]
async fn late_and_hanging_requests_are_scripted_in_json_as_well() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let script = json!([
        {"path": "addPassword", "action": {"kind": "arrive_late", "milliseconds": 5000}},
        {"service": "registry", "action": {"kind": "hang", "applied": true}},
    ]);
    harness.emulator.faults().add_json(&script.to_string()).unwrap();
    let before = live(&harness);
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    harness.graph("POST", &path).bearer(&token).json(&json!({})).try_send().await.unwrap_err();
    harness.advance(5);
    assert_eq!(live(&harness), before + 1);
    let listed = harness.ask(Service::Login, "GET", "/_emulator/faults").send().await.expect(200);
    assert_eq!(listed["faults"][1]["action"], "hang");
}

mod ways {
    crate::both_ways! {
        a_lost_answer_hides_an_effect
        a_connection_dropped_before_has_no_effect_and_looks_the_same
        an_answer_of_the_script_takes_the_place_of_the_services_own
        throttling_and_headers_on_success
        the_observer_decides_about_the_nth_exchange
        the_control_routes_serve_truth_and_faults
    }
}
