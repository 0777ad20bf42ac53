//! `--clock`, `--latency`, `--operation-seconds`, `--replication-seconds`, `--throttle` and `--log`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{ADMINISTRATOR, Client, Program, SECRET, SUBSCRIPTION};

const ARM_SCOPE: &str = "https://management.azure.com/.default";
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

/// How many reads at once the published budget of Azure Resource Manager has for a caller in a subscription.
const READS: u32 = 250;

fn group(program: &Program, name: &str) -> String {
    let origin = program.origin("http");
    format!("{origin}/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}?api-version=2021-04-01")
}

async fn advance(client: &Client, program: &Program, seconds: u32) {
    let clock = format!("{}/_emulator/clock", program.origin("http"));
    client.ask("POST", &clock, &[], &format!("{{\"advanceSeconds\": {seconds}}}")).await.expect(200);
}

/// Creates a group and begins to delete it; returns the address of the operation and the pause that was named.
async fn deletion(client: &Client, program: &Program, token: &str) -> (String, String) {
    client.call("PUT", &group(program, "web"), token, r#"{"location": "westeurope"}"#).await.expect(201);
    let deleted = client.call("DELETE", &group(program, "web"), token, "").await;
    assert_eq!(deleted.status, 202, "{}", deleted.text);
    (deleted.header("location").to_owned(), deleted.header("retry-after").to_owned())
}

#[tokio::test]
async fn operations_take_the_seconds_that_were_asked_for() {
    let program = Program::start(&["--clock", "virtual", "--operation-seconds", "7"]);
    let client = program.client();
    let token = client.token(&program.origin("http"), ARM_SCOPE).await;
    let (operation, pause) = deletion(&client, &program, &token).await;
    assert_eq!(pause, "7");
    advance(&client, &program, 6).await;
    assert_eq!(client.call("GET", &operation, &token, "").await.status, 202);
    advance(&client, &program, 1).await;
    assert_eq!(client.call("GET", &operation, &token, "").await.status, 200);
}

#[tokio::test]
async fn operations_take_as_long_as_at_the_service_otherwise() {
    let program = Program::start(&["--clock", "virtual"]);
    let client = program.client();
    let token = client.token(&program.origin("http"), ARM_SCOPE).await;
    let (operation, pause) = deletion(&client, &program, &token).await;
    assert_eq!(pause, "15");
    advance(&client, &program, 60).await;
    assert_eq!(client.call("GET", &operation, &token, "").await.status, 202);
}

#[tokio::test]
async fn a_new_secret_is_known_everywhere_after_the_replication() {
    let program = Program::start(&["--clock", "virtual", "--replication-seconds", "40"]);
    let client = program.client();
    let origin = program.origin("http");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    let application = format!("{origin}/v1.0/applications(appId='{ADMINISTRATOR}')");
    client.call("POST", &format!("{application}/addPassword"), &token, "{}").await.expect(200);
    let state = |client: Client| {
        let url = format!("{origin}/_emulator/state");
        async move {
            client.get(&url).await.expect(200)["applications"][0]["passwords"][1]["accepted"]["everywhere"].clone()
        }
    };
    assert_eq!(state(program.client()).await, Value::Bool(false));
    advance(&client, &program, 41).await;
    assert_eq!(state(program.client()).await, Value::Bool(true));
}

#[tokio::test]
async fn published_budgets_are_kept_or_not_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed: Value = serde_json::from_str(include_str!("../../data/seed.json")).unwrap();
    seed["settings"] = serde_json::json!({"resourceManager": {"throttling": true}});
    std::fs::write(folder.path().join("seed.json"), seed.to_string()).unwrap();
    let path = folder.path().join("seed.json");
    let path = path.to_str().unwrap();
    for (arguments, kept) in [
        (&[][..], false),
        (&["--throttle", "published"], true),
        (&["--seed", path], true),
        (&["--seed", path, "--throttle", "off"], false),
    ] {
        // A clock that stands still gives no budget back.
        let program = Program::start(&[arguments, &["--clock", "virtual"]].concat());
        let client = program.client();
        let token = client.token(&program.origin("http"), ARM_SCOPE).await;
        let mut refused = 0;
        for _ in 0..READS + 20 {
            let status = client.call("GET", &group(&program, "absent"), &token, "").await.status;
            refused += u32::from(status == 429);
        }
        assert_eq!(refused > 0, kept, "{arguments:?}: {refused} refused");
        // One switch for all services: Graph says what a request costs where it keeps its budgets.
        let token = client.token(&program.origin("http"), GRAPH_SCOPE).await;
        let applications = format!("{}/v1.0/applications", program.origin("http"));
        let answer = client.call("GET", &applications, &token, "").await;
        let told = answer.headers.contains_key("x-ms-resource-unit");
        assert_eq!(told, arguments == ["--throttle", "published"], "{arguments:?}");
    }
}

#[tokio::test]
async fn every_request_takes_the_latency_longer() {
    let program = Program::start(&["--latency", "150"]);
    let client = program.client();
    let instance = format!("{}/common/discovery/instance", program.origin("http"));
    let begun = Instant::now();
    assert_eq!(client.get(&instance).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    // By the emulator's clock: where that stands still, nobody waits.
    let program = Program::start(&["--latency", "600000", "--clock", "virtual"]);
    let client = program.client();
    assert_eq!(client.get(&format!("{}/common/discovery/instance", program.origin("http"))).await.status, 200);
    let clock = client.get(&format!("{}/_emulator/clock", program.origin("http"))).await.expect(200);
    assert_eq!(clock["elapsedSeconds"], 600.0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_has_one_line_a_request_and_no_secret() {
    let program = Program::start(&["--log"]);
    let client = program.client();
    let origin = program.origin("http");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    client.call("GET", &format!("{origin}/v1.0/applications?%24top=5&code={SECRET}"), &token, "").await.expect(200);
    // In the place of an id, and as a filter.
    client.call("GET", &format!("{origin}/v1.0/applications/{token}"), &token, "").await;
    client.call("GET", &format!("{origin}/v1.0/applications?%24filter=appId%20eq%20%27{token}%27"), &token, "").await;
    let url = format!("{origin}/v1.0/a%0D%0Ab?%24filter=a%0Ab");
    client.call("GET", &url, &token, "").await;
    // What the emulator itself is asked is no request of a client's.
    client.get(&format!("{origin}/_emulator/state")).await.expect(200);
    let (_, log, _folder) = program.stop("TERM");
    assert_eq!(log.lines().count(), 5, "{log}");
    assert!(log.contains(" login POST /contoso.onmicrosoft.com/oauth2/v2.0/token 200 "), "{log}");
    assert!(log.contains(" graph GET /v1.0/applications?$top=5&code=*** 200 "), "{log}");
    assert!(!log.contains(SECRET) && !log.contains(&token), "{log}");
}

/// Whoever does not trust the authority, or speaks no TLS, sees nothing of why it is not answered.
#[cfg(unix)]
#[tokio::test]
async fn the_log_says_what_a_port_refuses_and_which_handshakes_fail() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let program = Program::start(&["--log", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let reset = format!("{}/_emulator/reset", program.origin("http"));
    assert_eq!(client.ask("POST", &reset, &[("origin", "https://example.com")], "{}").await.status, 403);
    let mut stream = tokio::net::TcpStream::connect(program.address("https")).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let (_, log, _folder) = program.stop("TERM");
    assert!(
        log.contains(" - login POST /_emulator/reset 403 refused: a page of another origin may not do this"),
        "{log}"
    );
    assert!(log.contains(" - - no answer refused: the TLS handshake failed: "), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[cfg(unix)]
#[tokio::test]
async fn without_a_log_nothing_is_written() {
    let program = Program::start(&[]);
    program.client().get(&format!("{}/common/discovery/instance", program.origin("http"))).await;
    let (status, told, _folder) = program.stop("TERM");
    assert_eq!((status.code(), told.as_str()), (Some(0), ""));
}
