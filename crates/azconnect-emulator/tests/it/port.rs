//! What a port refuses before any service sees it, over raw connections: the emulator stands on a developer's machine.

use azconnect_emulator::Service;
use serde_json::json;
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
