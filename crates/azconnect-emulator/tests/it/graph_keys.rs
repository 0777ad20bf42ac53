//! Certificates that are rolled one at a time, with a proof of possession, and the dates that Graph compares.

use std::time::Duration;

use aws_lc_rs::signature;
use azconnect_emulator::Settings;
use azconnect_emulator::graph::GraphSettings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::date_time_ymd;
use serde_json::{Value, json};

use crate::assertions::{Holder, NOW, ask, claims, endpoint};
use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Reply, Way, contoso};

const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";

/// The object id of the Deployer's service principal, and its client's password.
const DEPLOYER_SECRET: &str = "deployer-old";

fn proof_claims(object: &str) -> Value {
    json!({"aud": AUDIENCE, "iss": object, "nbf": NOW, "exp": NOW + 600})
}

fn proof(holder: &Holder) -> String {
    holder.rs256(&proof_claims(DEPLOYER_OBJECT)).replace('=', "")
}

fn credential(holder: &Holder) -> Value {
    json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(&holder.der)})
}

fn adding(holder: &Holder, proof: &str) -> Value {
    json!({"keyCredential": credential(holder), "passwordCredential": null, "proof": proof})
}

/// A tenant whose Deployer has one certificate, and no permission at Graph.
async fn with_certificate(way: Way, settings: Settings, own: &Holder) -> Harness {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["certificates"] = json!([{"pem": own.pem, "displayName": "own"}]);
    Harness::new(way, settings, &seed).await
}

/// A token of the Deployer, which has no permission.
async fn own_token(harness: &Harness) -> String {
    let body = harness.token_reply(DEPLOYER, DEPLOYER_SECRET, GRAPH_SCOPE).await.expect(200);
    body["access_token"].as_str().unwrap().to_owned()
}

async fn act(harness: &Harness, token: &str, action: &str, body: &Value) -> Reply {
    let path = format!("/applications/{DEPLOYER_OBJECT}/{action}");
    harness.graph("POST", &path).bearer(token).json(body).send().await
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) {
    assert_eq!(reply.expect(status)["error"]["code"], code);
}

// An application rolls its own keys with addKey and no permission, and proves that it holds one of them.
async fn an_application_rolls_its_certificate_without_any_permission(way: Way) {
    let (old, new) = (Holder::new(), Holder::new());
    let harness = with_certificate(way, Settings::default(), &old).await;
    let token = own_token(&harness).await;
    let added = act(&harness, &token, "addKey", &adding(&new, &proof(&old))).await.expect(200);
    assert_eq!((&added["key"], &added["type"]), (&Value::Null, &json!("AsymmetricX509Cert")));
    let hex: String = new.thumbprint().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(added["customKeyIdentifier"], hex);
    ask(&harness, &new.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    ask(&harness, &old.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    // The new one proves the removal of the old one.
    let path = format!("/applications/{DEPLOYER_OBJECT}?$select=keyCredentials");
    let listed = harness.graph("GET", &path).bearer(&harness.token(GRAPH_SCOPE).await).send().await.expect(200);
    let keys = listed["keyCredentials"].as_array().unwrap();
    let old_key = keys.iter().find(|key| key["displayName"] == "own").unwrap()["keyId"].clone();
    assert_eq!(keys.len(), 2);
    let body = json!({"keyId": old_key, "proof": proof(&new)});
    act(&harness, &token, "removeKey", &body).await.expect(204);
    ask(&harness, &old.ps256(&claims(&endpoint(&harness)))).await.expect(401);
    ask(&harness, &new.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    // What is gone cannot be removed again, and proves nothing any more.
    refused(act(&harness, &token, "removeKey", &body).await, 400, "Request_BadRequest");
    refused(
        act(&harness, &token, "addKey", &adding(&old, &proof(&old))).await,
        401,
        "Authentication_MissingOrMalformed",
    );
}

// Whatever is wrong with a proof, the service says that a token is missing or malformed.
async fn a_proof_counts_only_with_signature_audience_issuer_and_times_right(way: Way) {
    let (own, stranger) = (Holder::new(), Holder::new());
    let harness = with_certificate(way, Settings::default(), &own).await;
    let token = own_token(&harness).await;
    let good = proof_claims(DEPLOYER_OBJECT);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        own.rs256(&claims).replace('=', "")
    };
    let unpadded = own.rs256(&good).replace('=', "");
    let mut padded: Vec<String> = unpadded.split('.').map(str::to_owned).collect();
    padded[1] += "=";
    let mut forged = unpadded.clone();
    let place = forged.len() - 20;
    forged.replace_range(place..=place, if forged[place..].starts_with('A') { "B" } else { "A" });
    let foreign = json!({"alg": "RS256", "typ": "JWT", "x5t": STANDARD.encode(stranger.thumbprint())});
    for (why, wrong) in [
        ("another's key", stranger.rs256(&good).replace('=', "")),
        (
            "a certificate that it names and that is not the signer's",
            own.sign(&signature::RSA_PKCS1_SHA256, &foreign, &good),
        ),
        ("Graph's own audience", with("aud", json!("00000003-0000-0000-c000-000000000000"))),
        ("the client id", with("iss", json!(DEPLOYER))),
        ("no beginning", with("nbf", Value::Null)),
        ("no end", with("exp", Value::Null)),
        ("a life of more than ten minutes", with("exp", json!(NOW + 601))),
        ("an end before the beginning", with("exp", json!(NOW - 1))),
        ("padding", padded.join(".")),
        ("another signature", forged),
        ("no token", "abc".to_owned()),
    ] {
        let reply = act(&harness, &token, "addKey", &adding(&stranger, &wrong)).await;
        assert_eq!(reply.status, 401, "{why}: {}", reply.text);
        refused(reply, 401, "Authentication_MissingOrMalformed");
    }
    harness.advance(901);
    let late = act(&harness, &token, "addKey", &adding(&stranger, &unpadded)).await;
    refused(late, 401, "Authentication_MissingOrMalformed");
    // Without any proof the caller lacks the right.
    let none = json!({"keyCredential": credential(&stranger), "passwordCredential": null});
    refused(act(&harness, &token, "addKey", &none).await, 403, "Authorization_RequestDenied");
    refused(act(&harness, &token, "removeKey", &json!({"keyId": DEPLOYER})).await, 403, "Authorization_RequestDenied");
}

// The samples sign with RS256; nobody says whether PS256 is taken.
async fn a_proof_with_ps256_is_taken_where_the_settings_say_so(way: Way) {
    let (own, new) = (Holder::new(), Holder::new());
    for (settings, status) in [(GraphSettings::default(), 401), (GraphSettings::default().with_pss_proofs(true), 200)] {
        let harness = with_certificate(way, Settings::default().with_graph(settings), &own).await;
        let token = own_token(&harness).await;
        let proof = own.ps256(&proof_claims(DEPLOYER_OBJECT));
        act(&harness, &token, "addKey", &adding(&new, &proof)).await.expect(status);
    }
}

// An application without any valid certificate cannot use the action.
async fn an_expired_certificate_proves_nothing(way: Way) {
    let (expired, new) = (Holder::new(), Holder::new());
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["certificates"] =
        json!([{"pem": expired.pem, "startsInDays": -9, "endsInDays": -1}]);
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let token = own_token(&harness).await;
    let reply = act(&harness, &token, "addKey", &adding(&new, &proof(&expired))).await;
    refused(reply, 401, "Authentication_MissingOrMalformed");
}

// Somebody else needs a permission beside the proof.
async fn another_application_needs_a_permission_as_well(way: Way) {
    let (own, new) = (Holder::new(), Holder::new());
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["certificates"] = json!([{"pem": own.pem}]);
    seed["tenants"][0]["applications"][0]["graphRoles"] = json!(["Application.Read.All"]);
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let reply = act(&harness, &token, "addKey", &adding(&new, &proof(&own))).await;
    refused(reply, 403, "Authorization_RequestDenied");
}

// Passwords and certificates of the service principal authenticate as those of its application do.
async fn a_service_principal_has_certificates_of_its_own(way: Way) {
    let (own, new) = (Holder::new(), Holder::new());
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/servicePrincipals(appId='{DEPLOYER}')");
    let object = harness.graph("GET", &path).bearer(&token).send().await.expect(200)["id"].clone();
    let body = json!({"keyCredentials": [credential(&own)]});
    harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(204);
    let add = |issuer: &str| {
        let proof = own.rs256(&proof_claims(issuer)).replace('=', "");
        harness.graph("POST", &format!("{path}/addKey")).bearer(&token).json(&adding(&new, &proof)).send()
    };
    // The proof is for the object that is changed, and not for the application.
    refused(add(DEPLOYER_OBJECT).await, 401, "Authentication_MissingOrMalformed");
    let added = add(object.as_str().unwrap()).await.expect(200);
    ask(&harness, &new.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    let selected =
        harness.graph("GET", &format!("{path}?$select=keyCredentials")).bearer(&token).send().await.expect(200);
    assert_eq!(selected["keyCredentials"].as_array().unwrap().len(), 2);
    let proof = own.rs256(&proof_claims(object.as_str().unwrap())).replace('=', "");
    let body = json!({"keyId": added["keyId"], "proof": proof});
    harness.graph("POST", &format!("{path}/removeKey")).bearer(&token).json(&body).send().await.expect(204);
    ask(&harness, &new.ps256(&claims(&endpoint(&harness)))).await.expect(401);
}

// Replicas hear of new and removed certificates as late as of secrets.
async fn replicas_learn_of_certificates_late(way: Way) {
    let (own, new) = (Holder::new(), Holder::new());
    let lag = Duration::from_secs(60);
    let settings = Settings::default().with_add_lag(lag).with_remove_lag(lag).with_list_lag(lag);
    let harness = with_certificate(way, settings, &own).await;
    let token = own_token(&harness).await;
    let added = act(&harness, &token, "addKey", &adding(&new, &proof(&own))).await.expect(200);
    let statuses = || async {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let mut claims = claims(&endpoint(&harness));
            claims["exp"] = json!(NOW + 6000);
            statuses.push(ask(&harness, &new.ps256(&claims)).await.status);
        }
        statuses
    };
    assert!(statuses().await.contains(&401));
    harness.advance(60);
    assert_eq!(statuses().await, [200; 3]);
    let body = json!({"keyId": added["keyId"], "proof": proof(&own)});
    act(&harness, &token, "removeKey", &body).await.expect(204);
    assert!(statuses().await.contains(&200));
    harness.advance(60);
    assert_eq!(statuses().await, [401; 3]);
}

// The dates of a credential lie within those of its certificate, and an expired one is refused.
async fn dates_are_compared_with_those_of_the_certificate(way: Way) {
    let own = Holder::new();
    let harness = with_certificate(way, Settings::default(), &own).await;
    let (owner, token) = (own_token(&harness).await, harness.token(GRAPH_SCOPE).await);
    let year = Holder::valid(date_time_ymd(2025, 12, 1), date_time_ymd(2026, 12, 1));
    let over = Holder::valid(date_time_ymd(2024, 1, 1), date_time_ymd(2025, 1, 1));
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    let dated = |holder: &Holder, start: &str, end: &str| {
        let mut wanted = credential(holder);
        (wanted["startDateTime"], wanted["endDateTime"]) = (json!(start), json!(end));
        wanted
    };
    for (wanted, code) in [
        (dated(&year, "2025-12-01T00:00:00Z", "2026-12-01T00:00:01Z"), "KeyCredentialsInvalidEndDate"),
        (dated(&year, "2025-11-30T23:59:59Z", "2026-12-01T00:00:00Z"), "KeyCredentialsInvalidStartDate"),
        (dated(&year, "2026-12-01T00:00:00Z", "2026-06-01T00:00:00Z"), "KeyCredentialsInvalidStartDate"),
        (dated(&year, "2025-12-01T00:00:00Z", "2025-12-31T00:00:00Z"), "KeyCredentialsInvalidEndDate"),
        (credential(&over), "KeyCredentialsInvalidEndDate"),
    ] {
        let body = json!({"keyCredential": wanted.clone(), "passwordCredential": null, "proof": proof(&own)});
        refused(act(&harness, &owner, "addKey", &body).await, 400, code);
        let body = json!({"keyCredentials": [wanted]});
        refused(harness.graph("PATCH", &path).bearer(&token).json(&body).send().await, 400, code);
    }
    // Without dates they are the certificate's.
    let added = act(&harness, &owner, "addKey", &adding(&year, &proof(&own))).await.expect(200);
    assert_eq!(
        (&added["startDateTime"], &added["endDateTime"]),
        (&json!("2025-12-01T00:00:00Z"), &json!("2026-12-01T00:00:00Z"))
    );
}

// Words that the type does not have are refused; what signs tokens is a gap, and says so.
async fn kinds_of_keys_are_told_apart(way: Way) {
    let own = Holder::new();
    let harness = with_certificate(way, Settings::default(), &own).await;
    let token = own_token(&harness).await;
    let add = |change: Value| {
        let mut wanted = credential(&own);
        for (name, value) in change.as_object().unwrap() {
            wanted[name] = value.clone();
        }
        let body = json!({"keyCredential": wanted, "passwordCredential": null, "proof": proof(&own)});
        let (harness, token) = (&harness, &token);
        async move { act(harness, token, "addKey", &body).await }
    };
    for change in [
        json!({"usage": "Sign"}),
        json!({"type": "AsymmetricX509Certificate"}),
        json!({"type": "X509CertAndPassword", "usage": "Verify"}),
        json!({"thumbprint": "x"}),
        json!({"key": "AAAA"}),
        json!({"key": null}),
    ] {
        refused(add(change).await, 400, "Request_BadRequest");
    }
    refused(add(json!({"type": "X509CertAndPassword", "usage": "Sign"})).await, 501, "EmulatorUnknownRoute");
}

async fn a_policy_bounds_the_life_of_certificates(way: Way) {
    let own = Holder::new();
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["certificates"] = json!([{"pem": own.pem}]);
    seed["tenants"][0]["certificatePolicy"] = json!({"maxLifetimeDays": 90});
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let (owner, token) = (own_token(&harness).await, harness.token(GRAPH_SCOPE).await);
    let long = Holder::valid(date_time_ymd(2025, 12, 1), date_time_ymd(2026, 12, 1));
    let short = Holder::valid(date_time_ymd(2025, 12, 1), date_time_ymd(2026, 2, 1));
    let reply = act(&harness, &owner, "addKey", &adding(&long, &proof(&own))).await;
    refused(reply, 400, "CredentialInvalidLifetimeAsPerAppPolicy");
    act(&harness, &owner, "addKey", &adding(&short, &proof(&own))).await.expect(200);
    let policy = harness.graph("GET", "/policies/defaultAppManagementPolicy").bearer(&token).send().await.expect(200);
    let rule = &policy["applicationRestrictions"]["keyCredentials"][0];
    assert_eq!((&rule["restrictionType"], &rule["maxLifetime"]), (&json!("asymmetricKeyLifetime"), &json!("P90D")));
}

// Existing entries are sent back unchanged; any change of one is refused.
async fn an_existing_certificate_cannot_be_changed(way: Way) {
    let own = Holder::new();
    let harness = with_certificate(way, Settings::default(), &own).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    let shown = harness.graph("GET", &path).bearer(&token).send().await.expect(200)["keyCredentials"][0].clone();
    for (name, value) in [
        ("displayName", json!("renamed")),
        ("endDateTime", json!("2026-02-01T00:00:00Z")),
        ("key", json!(STANDARD.encode(&Holder::new().der))),
    ] {
        let mut changed = shown.clone();
        changed[name] = value;
        let body = json!({"keyCredentials": [changed]});
        let reply = harness.graph("PATCH", &path).bearer(&token).json(&body).send().await;
        refused(reply, 400, "KeyCredentialsInvalidUpdate");
    }
    let body = json!({"keyCredentials": [shown.clone(), shown]});
    harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(400);
}

mod ways {
    crate::both_ways! {
        an_application_rolls_its_certificate_without_any_permission
        a_proof_counts_only_with_signature_audience_issuer_and_times_right
        a_proof_with_ps256_is_taken_where_the_settings_say_so
        an_expired_certificate_proves_nothing
        another_application_needs_a_permission_as_well
        a_service_principal_has_certificates_of_its_own
        replicas_learn_of_certificates_late
        dates_are_compared_with_those_of_the_certificate
        kinds_of_keys_are_told_apart
        a_policy_bounds_the_life_of_certificates
        an_existing_certificate_cannot_be_changed
    }
}
