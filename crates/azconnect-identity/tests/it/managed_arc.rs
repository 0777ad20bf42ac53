//! The agent of Azure Arc: its challenge, and the key that it names.

use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_identity::FetchedToken;
use azconnect_identity::managed::{ArcAgent, ManagedIdentityId};
use azconnect_testkit::Canary;
use wiremock::matchers::{header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::managed_stage::{Files, documented, fetch, on_sockets};

const FOLDER: &str = "/var/opt/azcmagent/tokens";
const KEY: &str = "/var/opt/azcmagent/tokens/7b1c.key";

fn files() -> Files {
    Files::default().with(FOLDER, FOLDER, "").with(KEY, KEY, "the-key\n")
}

/// The agent of a machine with these files, whose challenge is this.
async fn sign_in(files: Arc<Files>, challenge: &str, key: &str) -> (Result<FetchedToken, Error>, usize) {
    let server = MockServer::start().await;
    Mock::given(header("authorization", format!("Basic {key}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(documented(true)))
        .with_priority(1)
        .mount(&server)
        .await;
    let shown = header_exists("authorization");
    Mock::given(shown).respond_with(ResponseTemplate::new(403)).with_priority(2).mount(&server).await;
    Mock::given(method("GET"))
        .and(path("/metadata/identity/oauth2/token"))
        .and(query_param("api-version", "2020-06-01"))
        .and(query_param("resource", "https://management.azure.com"))
        .and(header("metadata", "true"))
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .with_priority(3)
        .mount(&server)
        .await;
    let address = format!("{}/metadata/identity/oauth2/token", server.uri());
    let platform = on_sockets().with_files(files);
    let agent = ArcAgent::new(&platform, &ManagedIdentityId::System).unwrap().with_address(&address).unwrap();
    let outcome = fetch(&agent).await;
    (outcome, server.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn the_key_that_the_challenge_names_is_read_and_shown() {
    for challenge in [format!("Basic realm={KEY}"), format!("basic realm=\"{KEY}\"")] {
        let (outcome, requests) = sign_in(Arc::new(files()), &challenge, "the-key").await;
        assert_eq!((outcome.unwrap().secret.expose(), requests), ("eyJ0eXAi", 2));
    }
}

#[tokio::test]
async fn nothing_is_read_but_a_key_in_the_agent_s_folder() {
    let out = "/var/opt/azcmagent/tokens/link.key";
    let inward = "/var/opt/azcmagent/tokens/other.key";
    for named in [
        "/etc/shadow",
        "/etc/server.key",
        "/var/opt/azcmagent/tokens/7b1c.pem",
        "/var/opt/azcmagent/tokens/../../x.key",
        "/var/opt/azcmagent/tokens/sub/x.key",
        "7b1c.key",
        out,
        inward,
    ] {
        // All of them exist, so that only the rule stands in the way.
        let held = files()
            .with(named, if named == out { "/etc/server.key" } else { named }, "s3cr3t")
            .with("/etc/server.key", "/etc/server.key", "s3cr3t")
            .with(inward, "/var/opt/azcmagent/tokens/real.pem", "s3cr3t");
        // The first entry of a path counts, and this one leads to a file of another kind.
        let held = if named == inward { files().with(inward, "/var/opt/azcmagent/tokens/real.pem", "s") } else { held };
        let held = Arc::new(held);
        let (outcome, requests) = sign_in(held.clone(), &format!("Basic realm={named}"), "s3cr3t").await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::None), "{named}: {error}");
        assert!(held.read.lock().unwrap().is_empty(), "{named} was read");
        assert_eq!(requests, 1, "{named}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_tells_which_group_may() {
    let (outcome, requests) = sign_in(Arc::new(Files::default()), &format!("Basic realm={KEY}"), "the-key").await;
    let error = outcome.unwrap_err();
    assert!(error.advice().contains("himds"), "{}", error.advice());
    assert_eq!((error.effect(), error.operation(), requests), (Effect::None, Some("managed.arc"), 1));
}

#[tokio::test]
async fn what_is_no_challenge_is_told_as_no_agent() {
    for challenge in ["Bearer realm=x", "Basic", "Negotiate"] {
        let (outcome, requests) = sign_in(Arc::new(files()), challenge, "the-key").await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), requests), (ErrorKind::Unexpected, 1), "{challenge}");
        assert!(error.advice().contains("40342"), "{}", error.advice());
    }
}

#[tokio::test]
async fn a_key_that_is_refused_and_an_assigned_identity_are_told() {
    let (outcome, requests) = sign_in(Arc::new(files()), &format!("Basic realm={KEY}"), "another").await;
    assert_eq!((outcome.unwrap_err().kind(), requests), (ErrorKind::PermissionDenied, 2));
    let assigned = ManagedIdentityId::Client("10000000-0000-4000-8000-000000000002".parse().unwrap());
    assert_eq!(ArcAgent::new(&on_sockets(), &assigned).unwrap_err().field(), Some("identity"));
}

#[tokio::test]
async fn the_key_is_never_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let key: Secret = canary.secret();
    for challenge in [format!("Basic realm={KEY}"), "Basic realm=/etc/shadow".to_owned()] {
        for expected in [key.expose(), "another"] {
            let held = Files::default().with(FOLDER, FOLDER, "").with(KEY, KEY, key.expose());
            let (outcome, _) = sign_in(Arc::new(held), &challenge, expected).await;
            let shown = outcome.map_or_else(|error| format!("{error} {error:?}"), |token| format!("{token:?}"));
            canary.assert_absent("the outcome", shown.as_bytes());
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}
