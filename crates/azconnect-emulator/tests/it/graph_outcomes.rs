//! What Graph answers where nobody has settled it: each outcome that a setting chooses.

use std::time::Duration;

use azconnect_emulator::Settings;
use azconnect_emulator::graph::{
    BusyAnswer, FederatedDuplicate, ForbiddenCredential, GraphSettings, MissingPassword, YoungObject,
};
use serde_json::{Value, json};

use crate::harness::{DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Reply, Way, contoso};

async fn with(settings: GraphSettings) -> (Harness, String) {
    seeded(Settings::default().with_graph(settings), &contoso()).await
}

async fn seeded(settings: Settings, seed: &Value) -> (Harness, String) {
    let harness = Harness::new(Way::InProcess, settings, seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    (harness, token)
}

async fn post(harness: &Harness, token: &str, action: &str, body: &Value) -> Reply {
    let path = format!("/applications/{DEPLOYER_OBJECT}/{action}");
    harness.graph("POST", &path).bearer(token).json(body).send().await
}

fn told(reply: Reply) -> (u16, String) {
    let status = reply.status;
    (status, reply.json()["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_second_trust_in_issuer_and_subject_is_refused_as_either_service_does() {
    let credential = |name: &str| json!({"name": name, "issuer": "https://i", "subject": "s", "audiences": ["a"]});
    for (answer, expected) in [
        (FederatedDuplicate::Conflict409, (409, "Request_MultipleObjectsWithSameKeyValue")),
        (FederatedDuplicate::Invalid400, (400, "InvalidFederatedIdentityCredentialValue")),
    ] {
        let (harness, token) = with(GraphSettings::default().with_federated_duplicate(answer)).await;
        post(&harness, &token, "federatedIdentityCredentials", &credential("a")).await.expect(201);
        let refused = told(post(&harness, &token, "federatedIdentityCredentials", &credential("b")).await);
        assert_eq!((refused.0, refused.1.as_str()), expected);
    }
}

#[tokio::test]
async fn a_forbidden_kind_of_credential_is_refused_with_either_status() {
    let mut seed = contoso();
    seed["tenants"][0]["passwordPolicy"] = json!({"forbidsNew": true});
    for (answer, status) in [(ForbiddenCredential::BadRequest400, 400), (ForbiddenCredential::Denied403, 403)] {
        let settings = GraphSettings::default().with_forbidden_credential(answer);
        let (harness, token) = seeded(Settings::default().with_graph(settings), &seed).await;
        let refused = told(post(&harness, &token, "addPassword", &json!({})).await);
        assert_eq!(refused, (status, "CredentialTypeNotAllowedAsPerAppPolicy".to_owned()));
        let policy = harness.graph("GET", "/policies/defaultAppManagementPolicy").bearer(&token).send().await;
        let rule = &policy.expect(200)["applicationRestrictions"]["passwordCredentials"][0];
        assert_eq!((&rule["restrictionType"], &rule["maxLifetime"]), (&json!("passwordAddition"), &Value::Null));
    }
}

#[tokio::test]
async fn every_so_many_th_change_meets_others_under_way() {
    for (answer, added, removed) in [
        (BusyAnswer::Conflict409, (409, "Directory_ConcurrencyViolation"), (409, "Directory_ConcurrencyViolation")),
        (BusyAnswer::Unavailable503, (503, "Service_ServiceUnavailable"), (503, "Service_ServiceUnavailable")),
        (BusyAnswer::BadRequest400, (400, "Request_BadRequest"), (400, "Request_BadRequest")),
        (BusyAnswer::Error500, (409, "Directory_ConcurrencyViolation"), (500, "Service_InternalServerError")),
    ] {
        let (harness, token) = with(GraphSettings::default().with_busy_every(2, answer)).await;
        let minted = post(&harness, &token, "addPassword", &json!({})).await.expect(200);
        let refused = post(&harness, &token, "addPassword", &json!({})).await;
        assert!(refused.text.contains("concurrent requests being made to the tenant"), "{}", refused.text);
        assert_eq!(told(refused), (added.0, added.1.to_owned()));
        // Reads meet nothing.
        harness.graph("GET", "/applications").bearer(&token).send().await.expect(200);
        post(&harness, &token, "addPassword", &json!({})).await.expect(200);
        let key = json!({"keyId": minted["keyId"]});
        let refused = told(post(&harness, &token, "removePassword", &key).await);
        assert_eq!(refused, (removed.0, removed.1.to_owned()));
        post(&harness, &token, "removePassword", &key).await.expect(204);
    }
}

#[tokio::test]
async fn the_removal_of_a_secret_that_is_not_there_is_refused_with_either_status() {
    let key = json!({"keyId": "00000000-0000-4000-8000-000000000000"});
    for (answer, expected) in [
        (MissingPassword::BadRequest400, (400, "Request_BadRequest")),
        (MissingPassword::NotFound404, (404, "Request_ResourceNotFound")),
    ] {
        let (harness, token) = with(GraphSettings::default().with_missing_password(answer)).await;
        let refused = post(&harness, &token, "removePassword", &key).await;
        assert!(refused.text.contains("00000000-0000-4000-8000-000000000000"));
        assert_eq!(told(refused), (expected.0, expected.1.to_owned()));
    }
}

// Right after a creation a change meets 404, 403 or 409, all of which pass.
#[tokio::test]
async fn a_young_object_is_refused_in_any_of_three_ways_until_it_is_known() {
    for (answer, expected) in [
        (YoungObject::NotFound404, (404, "Request_ResourceNotFound")),
        (YoungObject::Denied403, (403, "Authorization_RequestDenied")),
        (YoungObject::Incomplete409, (409, "Error_MsaAppDoesNotExist")),
    ] {
        let graph = GraphSettings::default().with_young_object(answer);
        let settings = Settings::default().with_graph(graph).with_create_lag(Duration::from_secs(30));
        let (harness, token) = seeded(settings.with_replicas(1), &contoso()).await;
        let body = json!({"displayName": "young"});
        let made = harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
        let path = format!("/applications/{}", made["id"].as_str().unwrap());
        let change = || harness.graph("PATCH", &path).bearer(&token).json(&json!({"notes": "x"})).send();
        assert_eq!(told(change().await), (expected.0, expected.1.to_owned()));
        let add = harness.graph("POST", &format!("{path}/addPassword")).bearer(&token).json(&json!({})).send().await;
        assert_eq!(told(add), (expected.0, expected.1.to_owned()));
        // Reads know nothing of it.
        harness.graph("GET", &path).bearer(&token).send().await.expect(404);
        harness.advance(30);
        change().await.expect(204);
    }
}

#[tokio::test]
async fn secrets_are_shown_with_and_without_their_hint() {
    for shown in [true, false] {
        let (harness, token) = with(GraphSettings::default().with_hints(shown)).await;
        let added = post(&harness, &token, "addPassword", &json!({})).await.expect(200);
        assert_eq!(added.get("hint").is_some(), shown);
        let path = format!("/applications/{DEPLOYER_OBJECT}");
        let listed = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
        let all = listed["passwordCredentials"].as_array().unwrap();
        assert!(!all.is_empty() && all.iter().all(|one| one.get("hint").is_some() == shown));
    }
}

#[tokio::test]
async fn the_inside_of_errors_is_spelt_in_either_way() {
    for (small, name) in [(false, "innerError"), (true, "innererror")] {
        let (harness, token) = with(GraphSettings::default().with_small_inner_error(small)).await;
        let error = harness.graph("GET", "/applications/x").bearer(&token).send().await.expect(404)["error"].clone();
        assert!(error[name]["request-id"].is_string(), "{error}");
    }
}

// No document says whether a PATCH merges a property that has an inside, or replaces it.
#[tokio::test]
async fn a_property_with_an_inside_is_replaced_or_merged() {
    for merged in [false, true] {
        let (harness, token) = with(GraphSettings::default().with_nested_merged(merged)).await;
        let path = format!("/applications/{DEPLOYER_OBJECT}");
        for web in [json!({"homePageUrl": "https://a.example/"}), json!({"redirectUris": ["https://b.example/"]})] {
            harness.graph("PATCH", &path).bearer(&token).json(&json!({"web": web})).send().await.expect(204);
        }
        let web = harness.graph("GET", &path).bearer(&token).send().await.expect(200)["web"].clone();
        assert_eq!(web["homePageUrl"] == "https://a.example/", merged, "{web}");
        assert_eq!(web["redirectUris"], json!(["https://b.example/"]));
    }
}

// Existing certificates are sent back; their bytes may be null, as some report, or may not.
#[tokio::test]
async fn existing_certificates_are_sent_back_with_or_without_their_bytes() {
    let holder = crate::assertions::Holder::new();
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["certificates"] = json!([{"pem": holder.pem}]);
    for (required, status) in [(false, 204), (true, 400)] {
        let settings = Settings::default().with_graph(GraphSettings::default().with_key_bytes_required(required));
        let (harness, token) = seeded(settings, &seed).await;
        let path = format!("/applications/{DEPLOYER_OBJECT}");
        let shown = harness.graph("GET", &path).bearer(&token).send().await.expect(200)["keyCredentials"].clone();
        let body = json!({"keyCredentials": shown});
        harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(status);
        let path_with = format!("{path}?$select=keyCredentials");
        let whole = harness.graph("GET", &path_with).bearer(&token).send().await.expect(200)["keyCredentials"].clone();
        let body = json!({"keyCredentials": whole});
        harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(204);
    }
}
