//! `--proxy`: clients whose host names are fixed meet the emulator, and nobody else is ever reached.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::program::{Client, Program, SUBSCRIPTION};

fn started() -> (Program, Client) {
    let program = Program::start(&["--proxy", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let proxy = program.ready["proxy"].as_str().unwrap().to_owned();
    let client = program.client_with(|builder| builder.with_proxy(&proxy).unwrap());
    (program, client)
}

#[tokio::test]
async fn the_real_host_names_are_answered_under_themselves() {
    let (_program, client) = started();
    let login = "https://login.microsoftonline.com";
    let token = client.token(login, "https://management.azure.com/.default").await;
    let group =
        format!("https://management.azure.com/subscriptions/{SUBSCRIPTION}/resourceGroups/web?api-version=2021-04-01");
    client.call("PUT", &group, &token, r#"{"location": "westeurope"}"#).await.expect(201);
    let configuration = client.get(&format!("{login}/common/v2.0/.well-known/openid-configuration")).await.expect(200);
    assert_eq!(configuration["token_endpoint"], format!("{login}/common/oauth2/v2.0/token"));
    assert_eq!(configuration["msgraph_host"], "graph.microsoft.com");
    let token = client.token(login, "499b84ac-1321-427f-aa17-267ca6975798/.default").await;
    for url in [
        "https://dev.azure.com/contoso/_apis/projects?api-version=7.1",
        // The older address, in which the organization is part of the host name.
        "https://contoso.visualstudio.com/_apis/projects?api-version=7.1",
        "https://vssps.dev.azure.com/contoso/_apis/graph/users?api-version=7.1-preview.1",
        "https://app.vssps.visualstudio.com/_apis/profile/profiles/me?api-version=7.1",
    ] {
        assert_eq!(client.call("GET", url, &token, "").await.status, 200, "{url}");
    }
}

/// What the proxy answers to these bytes.
async fn raw(program: &Program, text: &str) -> String {
    let address = program.ready["proxy"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn another_host_is_refused_and_never_dialled() {
    let (program, _client) = started();
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = elsewhere.local_addr().unwrap();
    for target in [
        other.to_string(),
        "example.com:443".to_owned(),
        "graph.microsoft.com:8443".to_owned(),
        "graph.microsoft.com.example.com:443".to_owned(),
    ] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
        assert!(raw(&program, &request).await.starts_with("HTTP/1.1 403"), "{target}");
    }
    // Plain http through the proxy names the host in the address, whatever `Host` says.
    let request = format!("GET http://{other}/ HTTP/1.1\r\nHost: graph.microsoft.com\r\nConnection: close\r\n\r\n");
    assert!(raw(&program, &request).await.starts_with("HTTP/1.1 403"));
    let dialled = tokio::time::timeout(std::time::Duration::from_millis(200), elsewhere.accept()).await;
    assert!(dialled.is_err(), "somebody was dialled");
}

#[tokio::test]
async fn plain_http_to_a_played_host_is_answered_by_its_own_address() {
    let (program, _client) = started();
    let answer = raw(
        &program,
        "GET http://login.microsoftonline.com/common/discovery/instance HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.contains(r#""http://login.microsoftonline.com/common/v2.0/"#), "{answer}");
}

/// A page that a browser has loaded through the proxy is at an address of Microsoft's, and not at this machine's.
#[tokio::test]
async fn no_played_host_has_the_control_routes() {
    let (program, client) = started();
    assert_eq!(client.get("https://graph.microsoft.com/_emulator/state").await.status, 403);
    let answer = raw(
        &program,
        "GET http://graph.microsoft.com/_emulator/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_tunnel_without_a_handshake_ends_and_the_proxy_serves_on() {
    let (program, client) = started();
    let connect = "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com:443\r\n\r\n";
    let answer = raw(&program, &format!("{connect}GET / HTTP/1.1\r\nHost: graph.microsoft.com\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    assert_eq!(client.get("https://login.microsoftonline.com/common/discovery/instance").await.status, 200);
}
