//! What Graph refuses although its meaning could be guessed.

use serde_json::{Value, json};

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Way};

// "Please ensure Content-Type header is set and payload is of valid JSON format."
#[tokio::test]
async fn a_body_that_is_not_called_json_is_not_read() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    let patch = |kind: &str| {
        let ask = harness.graph("PATCH", &path).bearer(&token).json(&json!({"notes": "x"}));
        ask.replaced("content-type", kind).send()
    };
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json"] {
        let body = patch(kind).await.expect(400);
        assert_eq!(body["error"]["code"], "BadRequest", "{kind}");
        assert!(body["error"]["message"].as_str().unwrap().contains("Content-Type"));
    }
    for kind in ["application/json", "application/json; charset=utf-8", "application/json;odata.metadata=minimal"] {
        patch(kind).await.expect(204);
    }
}

#[tokio::test]
async fn words_and_values_that_a_property_cannot_have_are_refused() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for (path, body) in [
        (format!("/applications/{DEPLOYER_OBJECT}"), json!({"signInAudience": "AzureAdMyOrg"})),
        (format!("/applications/{DEPLOYER_OBJECT}"), json!({"displayName": ""})),
        (format!("/applications/{DEPLOYER_OBJECT}"), json!({"displayName": 7})),
        (format!("/applications/{DEPLOYER_OBJECT}"), json!({"displayName": "x".repeat(257)})),
        (format!("/servicePrincipals(appId='{DEPLOYER}')"), json!({"accountEnabled": "false"})),
    ] {
        let refused = harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(400);
        assert_eq!(refused["error"]["code"], "Request_BadRequest", "{body}");
    }
}

// name ≤ 120, other fields ≤ 600, exactly one audience.
#[tokio::test]
async fn a_federated_credential_has_its_fields_within_their_lengths_and_no_others() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/federatedIdentityCredentials");
    let good = json!({"name": "n", "issuer": "https://i", "subject": "s", "audiences": ["a"], "description": "d"});
    let add = |body: &Value| harness.graph("POST", &path).bearer(&token).json(body).send();
    for (name, value) in [
        ("name", json!("n".repeat(121))),
        ("issuer", json!("i".repeat(601))),
        ("subject", json!("s".repeat(601))),
        ("description", json!("d".repeat(601))),
        ("audiences", json!(["a".repeat(601)])),
        ("audiences", json!([""])),
        ("audiences", json!([])),
        ("audiences", json!(["a", "b"])),
        ("audiences", json!("a")),
        ("audiences", Value::Null),
        ("audience", json!("a")),
        ("claimsMatchingExpresion", json!("x")),
    ] {
        let mut wrong = good.clone();
        wrong[name] = value;
        let refused = add(&wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }
    let mut longest = good.clone();
    longest["name"] = json!("n".repeat(120));
    for field in ["issuer", "subject", "description"] {
        longest[field] = json!("x".repeat(600));
    }
    add(&longest).await.expect(201);
    for select in ["name,audience", "appId"] {
        let path = format!("{path}?$select={select}");
        harness.graph("GET", &path).bearer(&token).send().await.expect(400);
    }
    harness.graph("GET", &format!("{path}?$select=name,audiences")).bearer(&token).send().await.expect(200);
}

#[tokio::test]
async fn an_order_that_is_not_played_is_a_loud_gap() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    harness.graph("GET", "/applications?$orderby=displayName").bearer(&token).send().await.expect(501);
    harness.graph("GET", "/oauth2PermissionGrants?$select=colour").bearer(&token).send().await.expect(400);
}
