//! Key Vault: the challenge, secrets and keys. In process, as vaults have host names of their own.

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
