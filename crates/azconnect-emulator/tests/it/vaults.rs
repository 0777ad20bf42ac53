//! Key Vault: the challenge, secrets, keys and budgets, at a vault's own host name in process.

use azconnect_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::harness::{DEPLOYER, GRAPH_SCOPE, Harness, OPERATOR, OPERATOR_SECRET, Reply, TENANT, Way, contoso};

const VAULT: &str = "https://Contoso-Keys.vault.azure.net";
const SCOPE: &str = "https://vault.azure.net/.default";

struct Vault {
    harness: Harness,
    token: String,
}

impl Vault {
    async fn new() -> Self {
        let mut seed = contoso();
        seed["vaults"] =
            json!([{"name": "contoso-keys", "tenant": TENANT, "officers": [OPERATOR], "readers": [DEPLOYER]}]);
        let harness = Harness::new(Way::InProcess, Settings::default(), &seed).await;
        let token = harness.token(SCOPE).await;
        Self { harness, token }
    }

    async fn ask_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Reply {
        let path = format!("{VAULT}{path}?api-version=7.6");
        let ask = self.harness.ask(Service::Login, method, &path).bearer(token);
        if body.is_null() { ask.send().await } else { ask.json(body).send().await }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        self.ask_as(&self.token, method, path, &body).await
    }
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str, inner: &str) {
    let body = reply.expect(status);
    let found = (&body["error"]["code"], body["error"]["innererror"]["code"].as_str().unwrap_or_default());
    assert_eq!(found, (&json!(code), inner), "{body}");
}

// Clients ask without a token first, and sign in where the answer says.
#[tokio::test]
async fn a_stranger_is_told_where_to_sign_in() {
    let vault = Vault::new().await;
    let path = format!("{VAULT}/secrets/x?api-version=7.6");
    let reply = vault.harness.ask(Service::Login, "GET", &path).send().await;
    let challenge = format!(
        r#"Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net""#
    );
    assert_eq!(reply.header("www-authenticate"), challenge);
    refused(reply, 401, "Unauthorized", "");
    let graph = vault.harness.token(GRAPH_SCOPE).await;
    let reply = vault.ask_as(&graph, "GET", "/secrets/x", &Value::Null).await;
    assert!(reply.text.contains("AKV10022"), "{}", reply.text);
    assert_eq!(reply.header("www-authenticate"), challenge);
    let bare = vault.harness.ask(Service::Login, "GET", &format!("{VAULT}/secrets")).bearer(&vault.token).send().await;
    refused(bare, 400, "BadParameter", "");
    assert_eq!(OPERATOR_SECRET.len(), 15, "the caller is the operator");
}

// A write makes a version; neither of the times keeps anybody from reading, but disabling does.
#[tokio::test]
async fn a_secret_has_versions_that_only_disabling_hides() {
    let vault = Vault::new().await;
    let body = json!({"value": "one", "contentType": "text/plain", "tags": {"a": "b"}, "attributes": {"exp": 1}});
    let first = vault.ask("PUT", "/secrets/Db", body).await.expect(200);
    let second = vault.ask("PUT", "/secrets/db", json!({"value": "two"})).await.expect(200);
    assert_eq!(vault.ask("GET", "/secrets/DB/", Value::Null).await.expect(200)["value"], "two");
    let path = |made: &Value| made["id"].as_str().unwrap().split_once(".net").unwrap().1.to_owned();
    let shown = vault.ask("GET", &path(&first), Value::Null).await.expect(200);
    assert_eq!(
        (&shown["value"], &shown["attributes"]["exp"], &shown["tags"]["a"]),
        (&json!("one"), &json!(1), &json!("b"))
    );
    let versions = vault.ask("GET", "/secrets/db/versions", Value::Null).await.expect(200);
    let listed = versions["value"].as_array().unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|one| one.get("value").is_none()), "{versions}");
    vault.ask("PATCH", &path(&second), json!({"attributes": {"enabled": false}})).await.expect(200);
    refused(vault.ask("GET", "/secrets/db", Value::Null).await, 403, "Forbidden", "SecretDisabled");
    refused(vault.ask("PUT", "/secrets/a_b", json!({"value": "x"})).await, 400, "BadParameter", "");
    refused(vault.ask("GET", "/secrets/none", Value::Null).await, 404, "SecretNotFound", "");
}

// A deleted secret keeps its name until it comes back or is purged.
#[tokio::test]
async fn a_deleted_secret_keeps_its_name() {
    let vault = Vault::new().await;
    vault.ask("PUT", "/secrets/db", json!({"value": "one"})).await.expect(200);
    let deleted = vault.ask("DELETE", "/secrets/db", Value::Null).await.expect(200);
    assert!(deleted["recoveryId"].as_str().unwrap().ends_with("/deletedsecrets/db") && deleted.get("value").is_none());
    refused(vault.ask("GET", "/secrets/db", Value::Null).await, 404, "SecretNotFound", "");
    let again = vault.ask("PUT", "/secrets/db", json!({"value": "x"})).await;
    refused(again, 409, "Conflict", "ObjectIsDeletedButRecoverable");
    vault.ask("POST", "/deletedsecrets/db/recover", Value::Null).await.expect(200);
    assert_eq!(vault.ask("GET", "/secrets/db", Value::Null).await.expect(200)["value"], "one");
    vault.ask("DELETE", "/secrets/db", Value::Null).await.expect(200);
    assert_eq!(vault.ask("DELETE", "/deletedsecrets/db", Value::Null).await.status, 204);
    vault.ask("PUT", "/secrets/db", json!({"value": "two"})).await.expect(200);
}

#[tokio::test]
async fn a_reader_reads_and_writes_nothing() {
    let vault = Vault::new().await;
    vault.ask("PUT", "/secrets/db", json!({"value": "one"})).await.expect(200);
    let reader = vault.harness.token_reply(DEPLOYER, "deployer-old", SCOPE).await.expect(200);
    let reader = reader["access_token"].as_str().unwrap();
    vault.ask_as(reader, "GET", "/secrets/db", &Value::Null).await.expect(200);
    let write = vault.ask_as(reader, "PUT", "/secrets/db", &json!({"value": "x"})).await;
    refused(write, 403, "Forbidden", "ForbiddenByRbac");
    refused(vault.ask_as(reader, "GET", "/keys", &Value::Null).await, 403, "Forbidden", "ForbiddenByRbac");
}

// Unwrapping goes on when a key is over, wrapping does not.
#[tokio::test]
async fn a_key_wraps_and_unwraps() {
    let vault = Vault::new().await;
    let made = vault.ask("POST", "/keys/kek/create", json!({"kty": "RSA", "key_size": 2048})).await.expect(200);
    assert_eq!((&made["key"]["kty"], &made["key"]["e"]), (&json!("RSA"), &json!("AQAB")));
    let path = made["key"]["kid"].as_str().unwrap().split_once(".net").unwrap().1.to_owned();
    let body = |value: &Value| json!({"alg": "RSA-OAEP-256", "value": value});
    let wrapped = vault.ask("POST", &format!("{path}/wrapkey"), body(&json!("a2V5"))).await.expect(200);
    assert_eq!(wrapped["kid"], made["key"]["kid"]);
    let plain = vault.ask("POST", &format!("{path}/unwrapkey"), body(&wrapped["value"])).await.expect(200);
    assert_eq!(plain["value"], "a2V5");
    refused(vault.ask("POST", &format!("{path}/unwrapkey"), body(&json!("a2V5"))).await, 400, "BadParameter", "");
    let managed = json!({"alg": "A256KW", "value": "a2V5"});
    refused(vault.ask("POST", &format!("{path}/wrapkey"), managed).await, 400, "BadParameter", "");
    assert_eq!(vault.ask("POST", "/keys/ec/create", json!({"kty": "EC"})).await.status, 501);
}

/// What a client misspells must not be taken for something else, and a refusal must leave nothing behind.
#[tokio::test]
async fn a_body_that_the_vault_does_not_understand_is_refused_and_changes_nothing() {
    let vault = Vault::new().await;
    let made = vault.ask("PUT", "/secrets/db", json!({"value": "one", "tags": {"a": "b"}})).await.expect(200);
    let path = made["id"].as_str().unwrap().split_once(".net").unwrap().1.to_owned();
    let long = "x".repeat(257);
    for (members, odd) in [
        (json!({"Tags": {}}), "Tags"),
        (json!({"expires": 1}), "expires"),
        (json!({"attributes": {"expires": 1}}), "expires"),
        (json!({"attributes": {"exp": "2026-01-01"}}), "exp"),
        (json!({"attributes": {"exp": 1.5}}), "exp"),
        (json!({"attributes": {"nbf": "1"}}), "nbf"),
        (json!({"attributes": {"enabled": "false"}}), "enabled"),
        (json!({"attributes": []}), "attributes"),
        (json!({"tags": ["a"]}), "tags"),
        (json!({"tags": {"a": 1}}), "Tags"),
        (json!({"tags": {"a": long}}), "Tags"),
        (json!({"contentType": 1}), "contentType"),
        (json!({"contentType": long}), "contentType"),
    ] {
        // What is good stands beside what is not, and is not done either.
        let mut change = json!({"contentType": "text/plain"});
        change.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let patched = vault.ask("PATCH", &path, change).await;
        assert!(patched.text.contains(odd), "{members}: {}", patched.text);
        refused(patched, 400, "BadParameter", "");
        let mut put = json!({"value": "two"});
        put.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        refused(vault.ask("PUT", "/secrets/db", put).await, 400, "BadParameter", "");
        let mut key = json!({"kty": "RSA"});
        if members.get("contentType").is_none() {
            key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            refused(vault.ask("POST", "/keys/kek/create", key).await, 400, "BadParameter", "");
        }
    }
    for body in [json!({"value": 1}), json!([]), json!({}), Value::Null] {
        refused(vault.ask("PUT", "/secrets/db", body).await, 400, "BadParameter", "");
    }
    for key in [
        json!({"kty": "RSA", "key_size": "2048"}),
        json!({"kty": "RSA", "key_ops": ["wrap"]}),
        json!({"kty": "RSA", "size": 2048}),
    ] {
        refused(vault.ask("POST", "/keys/kek/create", key).await, 400, "BadParameter", "");
    }
    let shown = vault.ask("GET", &path, Value::Null).await.expect(200);
    assert_eq!(shown, made, "nothing of all that was done");
    let keys = vault.ask("GET", "/keys", Value::Null).await.expect(200);
    assert_eq!(keys["value"], json!([]), "and no key was made");
    // What clients send for nothing is nothing.
    let null = json!({"value": "two", "contentType": null, "tags": null, "attributes": {"exp": null}});
    vault.ask("PUT", "/secrets/db", null).await.expect(200);
}

async fn throttled() -> Vault {
    let vault = Vault::new().await;
    vault.harness.emulator.adjust(|settings| settings.with_vault_throttling(true));
    vault
}

// 4,000 transactions in ten seconds, and 300 new versions of secrets; nobody is promised a Retry-After.
#[tokio::test]
async fn a_vault_answers_as_much_as_is_published_in_ten_seconds() {
    let vault = throttled().await;
    for _ in 0..300 {
        vault.ask("PUT", "/secrets/db", json!({"value": "x"})).await.expect(200);
    }
    let refusal = vault.ask("PUT", "/secrets/db", json!({"value": "x"})).await;
    assert_eq!(refusal.header("retry-after"), "");
    refused(refusal, 429, "Throttled", "");
    for _ in 0..4_000 {
        assert_eq!(
            vault.ask("GET", "/secrets/none", Value::Null).await.status,
            404,
            "reads have a budget of their own"
        );
    }
    refused(vault.ask("GET", "/secrets/none", Value::Null).await, 429, "Throttled", "");
    vault.harness.advance(10);
    vault.ask("PUT", "/secrets/db", json!({"value": "x"})).await.expect(200);
    assert_eq!(vault.ask("GET", "/secrets/none", Value::Null).await.status, 404);
}

// A key of 4,096 bits costs eight times as much as one of 2,048.
#[tokio::test]
async fn a_larger_key_costs_more_of_the_budget() {
    let vault = throttled().await;
    for (name, size, answers) in [("small", 2048, 4_000), ("middle", 3072, 1_000), ("large", 4096, 500)] {
        vault.harness.advance(10);
        vault.ask("POST", &format!("/keys/{name}/create"), json!({"kty": "RSA", "key_size": size})).await.expect(200);
        for _ in 0..answers {
            assert_eq!(vault.ask("GET", &format!("/keys/{name}"), Value::Null).await.status, 200, "{size}");
        }
        refused(vault.ask("GET", &format!("/keys/{name}"), Value::Null).await, 429, "Throttled", "");
    }
}

#[tokio::test]
async fn without_a_budget_a_vault_answers_whatever_is_asked() {
    let vault = Vault::new().await;
    for _ in 0..310 {
        vault.ask("PUT", "/secrets/db", json!({"value": "x"})).await.expect(200);
    }
}

// What nobody recovers is purged on its date.
#[tokio::test]
async fn a_deleted_secret_is_purged_on_its_date() {
    let vault = Vault::new().await;
    vault.ask("PUT", "/secrets/db", json!({"value": "one"})).await.expect(200);
    vault.ask("DELETE", "/secrets/db", Value::Null).await.expect(200);
    let day = 24 * 3600;
    vault.harness.advance(90 * day - 1);
    let vault = Vault { token: vault.harness.token(SCOPE).await, harness: vault.harness };
    vault.ask("GET", "/deletedsecrets/db", Value::Null).await.expect(200);
    vault.harness.advance(1);
    refused(vault.ask("GET", "/deletedsecrets/db", Value::Null).await, 404, "SecretNotFound", "");
    vault.ask("PUT", "/secrets/db", json!({"value": "two"})).await.expect(200);
}
