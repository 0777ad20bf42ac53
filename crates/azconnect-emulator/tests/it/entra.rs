//! The token endpoint and discovery.

use azconnect_emulator::Service;
use base64::Engine;
use serde_json::Value;

use crate::harness::{DEPLOYER, GRAPH_SCOPE, Harness, OPERATOR, OPERATOR_SECRET, Reply, TENANT, Way};

async fn a_client_secret_buys_a_token(way: Way) {
    let harness = Harness::contoso(way).await;
    let body = harness.token_reply(OPERATOR, OPERATOR_SECRET, GRAPH_SCOPE).await.expect(200);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3599);
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    // By domain, with credentials in the header, and with fields that change nothing.
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{OPERATOR}:{OPERATOR_SECRET}"));
    let reply = harness
        .ask(Service::Login, "POST", "/contoso.onmicrosoft.com/oauth2/v2.0/token")
        .header("authorization", &format!("Basic {basic}"))
        .form(&[
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com//.default"),
            ("client_info", "1"),
            ("claims", "{}"),
        ])
        .send();
    reply.await.expect(200);
}

/// What an error body must look like, whatever the error.
fn aadsts(reply: &Reply, number: u32, status: u16, error: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["error"], error);
    assert_eq!(body["error_codes"], serde_json::json!([number]));
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    for part in ["\r\nTrace ID: ", "\r\nCorrelation ID: ", "\r\nTimestamp: 2026-01-01 00:00:00Z"] {
        assert!(description.contains(part), "{description}");
    }
    assert_eq!(body["timestamp"], "2026-01-01 00:00:00Z");
    assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/error?code={number}")));
    assert!(!body["trace_id"].as_str().unwrap().is_empty());
    body
}

async fn every_refusal_has_its_number_and_status(way: Way) {
    let harness = Harness::contoso(way).await;
    let wrong = harness.token_reply(DEPLOYER, "nonsense", GRAPH_SCOPE).await;
    // Apostrophes and line ends come escaped, as from the real service.
    assert!(wrong.text.contains(r"app \u0027"), "{}", wrong.text);
    assert!(wrong.text.contains(r"\r\nTrace ID"));
    aadsts(&wrong, 7_000_215, 401, "invalid_client");
    let expired = harness.token_reply(DEPLOYER, "deployer-expired", GRAPH_SCOPE).await;
    aadsts(&expired, 7_000_222, 401, "invalid_client");
    let nobody = harness.token_reply("99999999-0000-4000-8000-000000000000", "x", GRAPH_SCOPE).await;
    aadsts(&nobody, 700_016, 400, "unauthorized_client");
    let resource = harness.token_reply(OPERATOR, OPERATOR_SECRET, "https://nowhere.example/.default").await;
    aadsts(&resource, 500_011, 400, "invalid_resource");
    let scope = harness.token_reply(OPERATOR, OPERATOR_SECRET, "https://graph.microsoft.com/User.Read").await;
    aadsts(&scope, 1_002_012, 400, "invalid_scope");
    let ask = |path: &str, fields: &[(&str, &str)]| harness.ask(Service::Login, "POST", path).form(fields).send();
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let fields = [("grant_type", "client_credentials"), ("client_id", OPERATOR), ("scope", GRAPH_SCOPE)];
    aadsts(&ask(&path, &fields).await, 7_000_216, 401, "invalid_client");
    aadsts(&ask(&path, &fields[..1]).await, 900_144, 400, "invalid_request");
    aadsts(&ask(&path, &[("grant_type", "magic")]).await, 70003, 400, "unsupported_grant_type");
    let other = "/99999999-0000-4000-8000-000000000000/oauth2/v2.0/token";
    aadsts(&ask(other, &fields).await, 90002, 400, "invalid_request");
    aadsts(&ask("/nonsense/oauth2/v2.0/token", &fields).await, 900_023, 400, "invalid_request");
    let get = harness.ask(Service::Login, "GET", &path).send().await;
    aadsts(&get, 900_561, 400, "invalid_request");
}

async fn a_disabled_application_is_refused(way: Way) {
    let mut seed = crate::harness::contoso();
    seed["tenants"][0]["applications"][1]["enabled"] = false.into();
    let harness = Harness::new(way, azconnect_emulator::Settings::default(), &seed).await;
    let reply = harness.token_reply(DEPLOYER, "deployer-old", GRAPH_SCOPE).await;
    aadsts(&reply, 7_000_112, 400, "unauthorized_client");
}

async fn a_secret_of_the_service_principal_authenticates_too(way: Way) {
    let harness = Harness::contoso(way).await;
    harness.token_reply(DEPLOYER, "deployer-sp", GRAPH_SCOPE).await.expect(200);
}

async fn discovery_names_the_callers_own_origin(way: Way) {
    let harness = Harness::contoso(way).await;
    let origin = harness.origin(Service::Login);
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let body = harness.ask(Service::Login, "GET", &path).send().await.expect(200);
    assert_eq!(body["token_endpoint"], format!("{origin}/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(body["issuer"], format!("{origin}/{TENANT}/v2.0"));
    let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=x";
    let body = harness.ask(Service::Login, "GET", path).send().await.expect(200);
    assert!(body["tenant_discovery_endpoint"].as_str().unwrap().starts_with(&origin));
    assert!(origin.ends_with(body["metadata"][0]["aliases"][0].as_str().unwrap()));
}

async fn a_route_that_is_not_emulated_is_refused_loudly(way: Way) {
    let harness = Harness::contoso(way).await;
    let path = format!("/{TENANT}/saml2");
    let body = harness.ask(Service::Login, "POST", &path).form(&[("SAMLRequest", "x")]).send().await.expect(501);
    assert_eq!(body["error"]["service"], "login");
    assert_eq!(body["error"]["path"], path);
    assert_eq!(harness.emulator.truth().unknown_routes, 1);
}

mod ways {
    crate::both_ways! {
        a_client_secret_buys_a_token
        every_refusal_has_its_number_and_status
        a_disabled_application_is_refused
        a_secret_of_the_service_principal_authenticates_too
        discovery_names_the_callers_own_origin
        a_route_that_is_not_emulated_is_refused_loudly
    }
}
