//! A service that is called with a person's token, and calls on as that person.

use serde_json::json;

use crate::harness::{GRAPH_SCOPE, Reply, TENANT, Way};
use crate::signing_in::*;

async fn call_on(at: &SignIn, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let usual = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", SERVICE),
        ("client_secret", SERVICE_SECRET),
        ("assertion", assertion),
        ("scope", "https://graph.microsoft.com/.default"),
        ("requested_token_use", "on_behalf_of"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    at.token_request(TENANT, &kept.chain(more.iter().copied()).collect::<Vec<_>>()).send().await
}

async fn a_service_calls_on_as_the_person_who_called_it(way: Way) {
    let mut seed = seed();
    seed["tenants"][0]["consents"] = json!([{"client": SERVICE, "resource": GRAPH, "scope": "User.Read"}]);
    let at = SignIn::with(way, azconnect_emulator::Settings::default(), &seed).await;
    let scope = format!("api://{SERVICE}/work");
    let body = at.signed_in(TENANT, &[("scope", &scope)]).await;
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(claims(&body["access_token"])["scp"], "work");
    let answer = call_on(&at, token, &[]).await.expect(200);
    let (inner, text) = (claims(&answer["access_token"]), answer["access_token"].as_str().unwrap());
    assert_eq!((&inner["oid"], &inner["appid"]), (&json!(ADA_ID), &json!(SERVICE)));
    assert_eq!(at.harness.graph("GET", "/me").bearer(text).send().await.expect(200)["id"], ADA_ID);
    // Whoever is called only proves who it is with its own secret.
    assert_eq!(refused(&call_on(&at, token, &[("client_secret", "")]).await).0, 7_000_218);
    let other = [("client_id", PORTAL), ("client_secret", PORTAL_SECRET)];
    assert_eq!(refused(&call_on(&at, token, &other).await), (500_131, "invalid_grant".to_owned()));
    assert_eq!(refused(&call_on(&at, "nonsense", &[]).await).0, 50013);
    assert_eq!(refused(&call_on(&at, token, &[("requested_token_use", "")]).await).0, 900_144);
    at.harness.emulator.person().require_mfa(ADA).unwrap();
    let reply = call_on(&at, token, &[]).await;
    assert_eq!(refused(&reply), (50076, "interaction_required".to_owned()));
    assert!(reply.json()["claims"].is_string(), "for whoever called");
    at.harness.advance(3600);
    assert_eq!(refused(&call_on(&at, token, &[]).await).0, 500_133);
}

/// Only a person can be called on for, and only with a consent to the service that calls on.
async fn no_consent_and_no_application_is_called_on_for(way: Way) {
    let at = SignIn::new(way).await;
    let scope = format!("api://{SERVICE}/work");
    let body = at.signed_in(TENANT, &[("scope", &scope)]).await;
    let reply = call_on(&at, body["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(refused(&reply), (65001, "invalid_grant".to_owned()));
    let fields = [("grant_type", "client_credentials"), ("scope", &*format!("api://{SERVICE}/.default"))];
    let application = at.tokens(TENANT, &fields).await.expect(200);
    let reply = call_on(&at, application["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(refused(&reply).0, 7_000_114);
    let graph = at.harness.token(GRAPH_SCOPE).await;
    assert_eq!(refused(&call_on(&at, &graph, &[]).await).0, 500_131);
    // What only an administrator may consent to is not offered to others.
    let govern = at.authorize(TENANT, &[("scope", &format!("api://{SERVICE}/govern"))]);
    let left = at.visit(&govern, &azconnect_emulator::Conduct::of(ADA)).await;
    assert_eq!(left.field("error_subcode").as_deref(), Some("cancel"));
}

mod both {
    crate::both_ways! {
        a_service_calls_on_as_the_person_who_called_it
        no_consent_and_no_application_is_called_on_for
    }
}
