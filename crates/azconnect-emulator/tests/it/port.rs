//! What a port refuses before any service sees it, over raw connections: the emulator stands on a developer's machine.

use azconnect_emulator::Service;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Harness, OPERATOR, OPERATOR_SECRET, Way};

/// Sends bytes to a service and reads until the server closes.
async fn raw(harness: &Harness, service: Service, text: &str) -> String {
    let origin = harness.origin(service);
    let mut stream = TcpStream::connect(origin.trim_start_matches("http://")).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses early may reset the connection after its answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_request_of_http_1_1_names_its_host() {
    let harness = Harness::contoso(Way::Http).await;
    let answer = raw(&harness, Service::Graph, "GET /v1.0/applications HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), 400, "{answer}");
    assert!(answer.contains("Host"), "{answer}");
    // The older version knows no such header.
    let answer = raw(&harness, Service::Graph, "GET /v1.0/applications HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&answer), 401, "{answer}");
}

/// A page in a browser reaches every port of this machine.
#[tokio::test]
async fn a_page_of_another_origin_neither_commands_the_emulator_nor_writes() {
    let harness = Harness::contoso(Way::Http).await;
    let own = harness.origin(Service::Graph);
    let token = harness.token(crate::harness::GRAPH_SCOPE).await;
    for (origin, foreign) in [(own.as_str(), false), ("https://example.com", true), ("null", true)] {
        let ask = |method: &str, path: &str| harness.ask(Service::Graph, method, path).header("origin", origin);
        assert_eq!(ask("GET", "/_emulator/state").send().await.status == 403, foreign, "{origin}");
        assert_eq!(ask("DELETE", "/_emulator/faults").send().await.status == 403, foreign, "{origin}");
        let faults = ask("POST", "/_emulator/faults").json(&json!({"action": "drop_before", "path": "/nowhere"}));
        assert_eq!(faults.send().await.status == 403, foreign, "{origin}");
        let created = ask("POST", "/v1.0/applications").bearer(&token).json(&json!({"displayName": "by a page"}));
        assert_eq!(created.send().await.status, if foreign { 403 } else { 201 }, "{origin}");
        let read = ask("GET", "/v1.0/applications").bearer(&token).send().await;
        assert_eq!(read.status, 200, "who only reads is told nothing that a page could see");
        assert_eq!(read.header("access-control-allow-origin"), "", "since no answer is for pages");
    }
}

/// Forms and plain text are what a page can send without asking first.
#[tokio::test]
async fn a_write_is_json_and_only_the_sign_in_takes_forms() {
    let harness = Harness::contoso(Way::Http).await;
    let token = harness.token(crate::harness::GRAPH_SCOPE).await;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let ask = harness.ask(Service::Graph, "POST", "/v1.0/applications").bearer(&token);
        let reply = ask.json(&json!({"displayName": "x"})).replaced("content-type", media_type).send().await;
        assert_eq!(reply.status, 415, "{media_type}: {}", reply.text);
        let faults = harness.ask(Service::Graph, "POST", "/_emulator/faults").json(&json!({"action": "refuse"}));
        assert_eq!(faults.replaced("content-type", media_type).send().await.status, 415, "{media_type}");
    }
    let faults = harness.ask(Service::Graph, "GET", "/_emulator/faults").send().await.expect(200);
    assert_eq!(faults["faults"], json!([]));
    let sign_in = harness.ask(Service::Login, "POST", "/contoso.onmicrosoft.com/oauth2/v2.0/token");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR),
        ("client_secret", OPERATOR_SECRET),
        ("scope", crate::harness::GRAPH_SCOPE),
    ];
    sign_in.form(&fields).send().await.expect(200);
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let harness = Harness::contoso(Way::Http).await;
    let head = |length: usize, more: &str| {
        format!(
            "POST /v1.0/applications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    // Not one byte of it is sent: whoever waited for it would wait for ever.
    let answer = raw(&harness, Service::Graph, &head(1024 * 1024 + 1, "")).await;
    assert_eq!(status(&answer), 413, "{answer}");
    let answer = raw(&harness, Service::Graph, &head(2 * 1024 * 1024, "Authorization: Bearer of-nobody\r\n")).await;
    assert_eq!(status(&answer), 413, "{answer}");
    let token = harness.token(crate::harness::GRAPH_SCOPE).await;
    let announced = head(64 * 1024 * 1024, &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(status(&raw(&harness, Service::Graph, &announced).await), 413);
    let large = json!({"displayName": "x", "notes": "x".repeat(2 * 1024 * 1024)});
    let ask = harness.ask(Service::Graph, "POST", "/v1.0/applications/nobody/addPassword").bearer(&token);
    assert_eq!(ask.json(&large).send().await.status, 404, "who has a token may send more");
}

#[tokio::test]
async fn broken_json_and_broken_bodies_are_bad_requests() {
    let harness = Harness::contoso(Way::Http).await;
    let token = harness.token(crate::harness::GRAPH_SCOPE).await;
    let head = format!(
        "POST /v1.0/applications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n"
    );
    let broken = "{\"displayName\": \"x\"";
    let answer =
        raw(&harness, Service::Graph, &format!("{head}Content-Length: {}\r\n\r\n{broken}", broken.len())).await;
    assert_eq!(status(&answer), 400, "{answer}");
    let answer =
        raw(&harness, Service::Graph, &format!("{head}Transfer-Encoding: chunked\r\n\r\nnot a number\r\n")).await;
    assert_eq!(status(&answer), 400, "{answer}");
}

/// What is shown of the last request: its reason, status, method, address and service.
async fn last_shown(harness: &Harness) -> Value {
    let seen = harness.ask(Service::Graph, "GET", "/_emulator/requests").send().await.expect(200);
    let last = seen["requests"].as_array().unwrap().last().cloned().unwrap_or_default();
    json!([last["refused"], last["status"], last["method"], last["address"], last["service"]])
}

/// Whoever wonders where a request has gone finds it, with the reason.
#[tokio::test]
async fn what_a_port_refuses_is_shown_with_the_reason_and_without_secrets() {
    let harness = Harness::contoso(Way::Http).await;
    let host = harness.origin(Service::Graph).trim_start_matches("http://").to_owned();
    let secret = "abc8Qdefghijklmnopqrstuvwxyz0123456789-_";
    let foreign = harness.ask(Service::Graph, "POST", &format!("/v1.0/applications/{secret}?code=x"));
    foreign.header("origin", "https://example.com").json(&json!({})).send().await;
    assert_eq!(
        last_shown(&harness).await,
        json!(["a page of another origin may not do this", 403, "POST", "/v1.0/applications/***?code=***", "graph"])
    );
    let post = format!("POST /v1.0/applications HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let json = "Content-Type: application/json\r\n";
    for (sent, reason, status, method) in [
        ("GET /v1.0/me HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), "the request has no Host header", 400, "GET"),
        (
            "GET /v1.0/me HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n".to_owned(),
            "the Host of the request is no host",
            400,
            "GET",
        ),
        (
            format!("{post}Content-Length: 2\r\n\r\n{{}}"),
            "the Content-Type of the request is not application/json",
            415,
            "POST",
        ),
        (
            format!("{post}{json}Content-Length: 2000000\r\n\r\n"),
            "the request body is larger than 1048576 bytes",
            413,
            "POST",
        ),
        (
            format!("{post}{json}Transfer-Encoding: chunked\r\n\r\nnot a number\r\n"),
            "the request body is incomplete",
            400,
            "POST",
        ),
    ] {
        raw(&harness, Service::Graph, &sent).await;
        let shown = last_shown(&harness).await;
        assert_eq!((&shown[0], &shown[1], &shown[2]), (&json!(reason), &json!(status), &json!(method)), "{sent}");
    }
    raw(&harness, Service::Graph, "\u{16}\u{3}\u{1} hello, is this TLS?\r\n\r\n").await;
    assert_eq!(last_shown(&harness).await[0], "it is not HTTP/1.1");
    raw(&harness, Service::Graph, &format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(900_000))).await;
    assert_eq!(last_shown(&harness).await[0], "the head of the request is too large");
    let mut stream = TcpStream::connect(&host).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(last_shown(&harness).await[0], "the connection ended in the middle of a request");
}

#[tokio::test]
async fn no_more_of_a_refused_request_is_remembered_than_a_bound() {
    let harness = Harness::contoso(Way::Http).await;
    let long = format!("/v1.0/{}", "x/".repeat(20_000));
    for _ in 0..3 {
        raw(&harness, Service::Graph, &format!("GET {long} HTTP/1.1\r\nConnection: close\r\n\r\n")).await;
    }
    let shown = last_shown(&harness).await;
    assert_eq!((&shown[0], &shown[1]), (&json!("the request has no Host header"), &json!(400)));
    assert!(shown[3].as_str().unwrap().chars().count() < 3_000, "{shown}");
}
