//! The control routes, and `--no-control`.

use serde_json::{Value, json};

use crate::program::{Client, Program, SECRET};

const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

async fn control(client: &Client, program: &Program, method: &str, route: &str, body: &str) -> (u16, Value) {
    let reply = client.ask(method, &format!("{}/_emulator/{route}", program.origin("http")), &[], body).await;
    let body = if reply.text.is_empty() { Value::Null } else { reply.json() };
    (reply.status, body)
}

#[tokio::test]
async fn a_reset_begins_anew_and_keeps_the_options() {
    let program = Program::start(&["--keep", "7"]);
    let client = program.client();
    let applications = format!("{}/v1.0/applications", program.origin("http"));
    let token = client.token(&program.origin("http"), GRAPH_SCOPE).await;
    client.call("POST", &applications, &token, r#"{"displayName": "made later"}"#).await.expect(201);
    let fault = json!({"service": "graph", "count": null, "action": {"kind": "throttle"}}).to_string();
    assert_eq!(control(&client, &program, "POST", "faults", &fault).await.0, 201);
    assert_eq!(client.call("GET", &applications, &token, "").await.status, 429);
    assert_eq!(control(&client, &program, "POST", "reset", "").await.0, 204);
    assert_eq!(client.call("GET", &applications, &token, "").await.status, 401, "the token is of the former world");
    let token = client.token(&program.origin("http"), GRAPH_SCOPE).await;
    let page = client.call("GET", &applications, &token, "").await.expect(200);
    assert_eq!(page["value"].as_array().unwrap().len(), 1, "{page}");
    let (_, requests) = control(&client, &program, "GET", "requests", "").await;
    assert_eq!(requests["requests"].as_array().unwrap().len(), 3, "those since then: {requests}");
}

#[tokio::test]
async fn the_requests_seen_are_shown_without_what_is_secret() {
    let program = Program::start(&["--keep", "3"]);
    let client = program.client();
    let origin = program.origin("http");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    let filter = "%24filter=displayName%20eq%20%27Administrator%27";
    let page = format!("{origin}/v1.0/applications?{filter}&client_secret={SECRET}");
    client.call("GET", &page, &token, "").await;
    let (_, seen) = control(&client, &program, "GET", "requests", "").await;
    let seen = seen["requests"].as_array().unwrap();
    assert_eq!(seen.len(), 2, "{seen:?}");
    let expected = json!([2, "graph", "GET", "Bearer ***"]);
    let last = &seen[1];
    assert_eq!(json!([last["number"], last["service"], last["method"], last["headers"]["authorization"]]), expected);
    assert_eq!(last["address"], "/v1.0/applications?$filter=displayName eq 'Administrator'&client_secret=***");
    let text = json!(seen).to_string();
    assert!(!text.contains(SECRET) && !text.contains(&token), "{text}");
    for _ in 0..10 {
        client.get(&format!("{origin}/common/discovery/instance")).await;
    }
    let (_, seen) = control(&client, &program, "GET", "requests", "").await;
    assert_eq!(seen["requests"].as_array().unwrap().len(), 3, "no more than asked for: {seen}");
    assert_eq!(control(&client, &program, "DELETE", "requests", "").await.0, 204);
    assert_eq!(control(&client, &program, "GET", "requests", "").await.1, json!({"requests": []}));
}

#[tokio::test]
async fn the_clock_is_read_and_moved_on_and_never_back() {
    let program = Program::start(&["--clock", "virtual"]);
    let client = program.client();
    let (_, before) = control(&client, &program, "GET", "clock", "").await;
    assert_eq!((before["clock"].as_str(), before["elapsedSeconds"].as_f64()), (Some("virtual"), Some(0.0)));
    let (status, after) = control(&client, &program, "POST", "clock", r#"{"advanceSeconds": 90.5}"#).await;
    assert_eq!((status, after["elapsedSeconds"].as_f64()), (200, Some(90.5)));
    assert_ne!(before["now"], after["now"]);
    for wrong in [r#"{"advanceSeconds": -1}"#, r#"{"advance": 1}"#, r#"{"advanceSeconds": 1, "x": 2}"#, "[]", "{"] {
        assert_eq!(control(&client, &program, "POST", "clock", wrong).await.0, 400, "{wrong}");
    }
    // As far as it goes: dates of any size are no end.
    assert_eq!(control(&client, &program, "POST", "clock", r#"{"advanceSeconds": 1e18}"#).await.0, 200);
    assert_eq!(control(&client, &program, "GET", "state", "").await.0, 200);
}

#[tokio::test]
async fn without_control_there_is_none() {
    let program = Program::start(&["--no-control"]);
    let client = program.client();
    for (method, route) in [("GET", "state"), ("POST", "reset"), ("GET", "requests"), ("POST", "clock")] {
        assert_eq!(control(&client, &program, method, route, "").await.0, 404, "{route}");
    }
    assert_eq!(
        client.token(&program.origin("http"), GRAPH_SCOPE).await.split('.').count(),
        3,
        "the services are there"
    );
}

/// A page in a browser reaches every port of this machine.
#[tokio::test]
async fn a_page_of_another_origin_moves_no_clock_and_resets_nothing() {
    let program = Program::start(&[]);
    let client = program.client();
    for route in ["reset", "clock", "requests", "faults"] {
        let url = format!("{}/_emulator/{route}", program.origin("http"));
        let foreign = client.ask("POST", &url, &[("origin", "https://example.com")], "{}").await;
        assert_eq!(foreign.status, 403, "{route}");
    }
}
