//! `--https`, `--ca` and `--http`: clients that insist on TLS are served, and none of them can end the server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::{Program, is_there};

const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

#[tokio::test]
async fn https_is_served_under_the_authority_that_was_written() {
    let program = Program::start(&["--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    assert_eq!(program.ready["ca"].as_str().unwrap(), program.folder.path().join("ca.pem").to_str().unwrap());
    assert!(program.ready.get("http").is_none(), "nothing else is served: {}", program.ready);
    let client = program.client();
    let origin = program.origin("https");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    let page = client.call("GET", &format!("{origin}/v1.0/applications"), &token, "").await.expect(200);
    assert_eq!(page["value"][0]["displayName"], "Administrator");
    // Every name of this machine is in the certificate.
    let port = origin.rsplit(':').next().unwrap();
    let instance = client.get(&format!("https://localhost:{port}/common/discovery/instance")).await.expect(200);
    assert!(instance["tenant_discovery_endpoint"].as_str().unwrap().starts_with(&format!("https://localhost:{port}/")));
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_is_not_served() {
    let program = Program::start(&["--https", "127.0.0.1:0", "--ca", "{}/another-name.pem"]);
    let request = http::Request::get(format!("{}/common/discovery/instance", program.origin("https")));
    let refused = program.client().send(request.body(bytes::Bytes::new()).unwrap()).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn http_and_https_are_one_world() {
    let program = Program::start(&["--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let (http, https) = (program.origin("http"), program.origin("https"));
    let token = client.token(&http, GRAPH_SCOPE).await;
    let made = format!("{http}/v1.0/applications");
    client.call("POST", &made, &token, r#"{"displayName": "by http"}"#).await.expect(201);
    let page = client.call("GET", &format!("{https}/v1.0/applications"), &token, "").await;
    assert!(page.text.contains("by http"), "{}", page.text);
}

#[tokio::test]
async fn http_alone_is_served_where_nothing_is_asked_for() {
    let program = Program::start(&[]);
    let origin = program.origin("http");
    assert!(origin.starts_with("http://127.0.0.1:"), "{origin}");
    assert_eq!(program.client().get(&format!("{origin}/_emulator/state")).await.status, 200);
    assert!(!is_there(program.folder.path(), "ca.pem"));
}

/// Broken, foreign and silent handshakes each concern their own connection.
#[tokio::test]
async fn a_bad_handshake_does_not_end_the_server() {
    let program = Program::start(&["--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let address = program.address("https");
    let silent = TcpStream::connect(&address).await.unwrap();
    for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b"\0\0\0\0", b""] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "nothing is served without TLS");
    }
    let client = program.client();
    let instance = format!("{}/common/discovery/instance", program.origin("https"));
    assert_eq!(client.get(&instance).await.status, 200);
    drop(silent);
}

#[cfg(unix)]
#[tokio::test]
async fn it_ends_well_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let program = Program::start(&["--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
        let client = program.client();
        assert_eq!(client.get(&format!("{}/_emulator/state", program.origin("https"))).await.status, 200);
        // The client keeps its connection open, which must not keep the program.
        let (status, told, _folder) = program.stop(signal);
        assert_eq!((status.code(), told.as_str()), (Some(0), ""), "{signal}");
    }
}
