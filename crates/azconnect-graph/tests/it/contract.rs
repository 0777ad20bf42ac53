//! Requests and answers as Microsoft documents them, over a real socket.

use std::time::Duration;

use azconnect_core::{ApplicationObjectId, ClientId, Clock, Effect, ErrorKind, KeyId, Secret};
use azconnect_credential::{Marker, Retirement};
use azconnect_graph::{ApplicationQuery, Audience, NewPassword, PasswordHolder};
use azconnect_http::SystemClock;
use azconnect_testkit::Canary;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, header_exists, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{CLIENT, KEY, OBJECT, PRINCIPAL, added, application, client_of, listed, principal};

fn wish() -> NewPassword {
    let end = SystemClock::new().now() + Duration::from_secs(90 * 86_400);
    NewPassword::new(Marker::new("azconnect 0001").unwrap(), end)
}

fn holders() -> [(PasswordHolder, String); 4] {
    [
        (OBJECT.parse::<ApplicationObjectId>().unwrap().into(), format!("/v1.0/applications/{OBJECT}")),
        (PasswordHolder::ApplicationOf(CLIENT.parse().unwrap()), format!("/v1.0/applications(appId='{CLIENT}')")),
        (PasswordHolder::ServicePrincipal(PRINCIPAL.parse().unwrap()), format!("/v1.0/servicePrincipals/{PRINCIPAL}")),
        (
            PasswordHolder::ServicePrincipalOf(CLIENT.parse().unwrap()),
            format!("/v1.0/servicePrincipals(appId='{CLIENT}')"),
        ),
    ]
}

#[tokio::test]
async fn a_password_is_added_to_whichever_object_is_named() {
    for (holder, address) in holders() {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path(format!("{address}/addPassword")))
            .and(header("authorization", "Bearer a-token"))
            .and(header("content-type", "application/json"))
            .and(header_exists("client-request-id"))
            .respond_with(ResponseTemplate::new(200).set_body_json(added()))
            .expect(1)
            .mount(&server)
            .await;
        let wish = wish();
        let added = client_of(&server, "a-token").add_password(holder, &wish).await.unwrap();
        assert_eq!(added.key.to_string(), KEY);
        assert_eq!(added.secret.expose(), "[6gyXA5S20@MN+WRXAJ]I-TO7g1:h2P8");
        assert_eq!(added.ends_at.to_string(), "2027-01-31 12:00:00.0 +00:00:00");

        let asked = server.received_requests().await.unwrap();
        let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
        let end = wish.ends_at.replace_nanosecond(0).unwrap();
        let end = end.format(&time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(body, json!({"passwordCredential": {"displayName": "azconnect 0001", "endDateTime": end}}));
        assert!(end.ends_with('Z') && end.len() == 20, "{end}");
    }
}

#[tokio::test]
async fn a_password_is_removed_from_whichever_object_is_named() {
    for (holder, address) in holders() {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path(format!("{address}/removePassword")))
            .and(body_json(json!({"keyId": KEY})))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let removed = client_of(&server, "a-token").remove_password(holder, KEY.parse().unwrap()).await.unwrap();
        assert_eq!(removed, Retirement::Accepted);
    }
}

#[tokio::test]
async fn the_documented_refusal_of_a_missing_key_is_a_success_of_its_own_kind() {
    let server = MockServer::start().await;
    let message = format!("No password credential found with keyId '{KEY}'.");
    let body = json!({"error": {"code": "Request_BadRequest", "message": message}});
    let answer = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(method("POST")).respond_with(answer).expect(1).mount(&server).await;
    let (holder, _) = holders()[0].clone();
    let removed = client_of(&server, "a-token").remove_password(holder, KEY.parse().unwrap()).await.unwrap();
    assert_eq!(removed, Retirement::NotListed);
}

#[tokio::test]
async fn an_application_is_read_by_either_id() {
    let server = MockServer::start().await;
    let mut document = application(&json!([listed(KEY, "by hand")]));
    document["signInAudience"] = json!("AzureADandPersonalMicrosoftAccount");
    document["keyCredentials"] = json!([{"keyId": KEY, "type": "AsymmetricX509Cert", "usage": "Verify", "key": null,
                                         "displayName": "CN=x", "endDateTime": "2027-01-31T12:00:00Z"}]);
    for address in [format!("/v1.0/applications/{OBJECT}"), format!("/v1.0/applications(appId='{CLIENT}')")] {
        Mock::given(method("GET"))
            .and(path(address))
            .and(query_param(
                "$select",
                "id,appId,displayName,signInAudience,createdDateTime,disabledByMicrosoftStatus,passwordCredentials,\
                 keyCredentials",
            ))
            .respond_with(ResponseTemplate::new(200).set_body_json(&document))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client_of(&server, "a-token");
    let by_object = client.application(OBJECT.parse().unwrap()).await.unwrap();
    assert_eq!(by_object, client.application_by_client_id(CLIENT.parse().unwrap()).await.unwrap());
    assert_eq!(by_object.display_name.as_deref(), Some("Deployer"));
    assert_eq!(by_object.audience, Some(Audience::AnyTenantAndPersonal));
    assert_eq!(by_object.passwords[0].key.unwrap().to_string(), KEY);
    assert_eq!(by_object.passwords[0].ends_at.unwrap().year(), 2027);
    assert_eq!(by_object.certificates.unwrap()[0].kind.as_deref(), Some("AsymmetricX509Cert"));
    assert!(by_object.created_at.is_some());
}

#[tokio::test]
async fn a_service_principal_is_read_by_either_id() {
    let server = MockServer::start().await;
    let document = principal(&json!([listed(KEY, "on the principal")]));
    for address in
        [format!("/v1.0/servicePrincipals/{PRINCIPAL}"), format!("/v1.0/servicePrincipals(appId='{CLIENT}')")]
    {
        let answer = ResponseTemplate::new(200).set_body_json(&document);
        Mock::given(method("GET")).and(path(address)).respond_with(answer).expect(1).mount(&server).await;
    }
    let client = client_of(&server, "a-token");
    let by_object = client.service_principal(PRINCIPAL.parse().unwrap()).await.unwrap();
    assert_eq!(by_object, client.service_principal_by_client_id(CLIENT.parse().unwrap()).await.unwrap());
    assert_eq!((by_object.account_enabled, by_object.passwords.len()), (Some(true), 1));
}

#[tokio::test]
async fn a_sparse_answer_is_read_but_a_missing_list_of_passwords_is_no_empty_one() {
    let sparse =
        json!({"id": OBJECT, "appId": CLIENT, "passwordCredentials": [{"keyId": "odd", "endDateTime": 7}, {}]});
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(&sparse);
    Mock::given(method("GET")).respond_with(answer).mount(&server).await;
    let read = client_of(&server, "a-token").application(OBJECT.parse().unwrap()).await.unwrap();
    assert_eq!(read.passwords.len(), 2);
    assert!(read.passwords.iter().all(|password| password.key.is_none() && password.ends_at.is_none()));
    assert_eq!((read.display_name, read.audience, read.certificates), (None, None, None));

    for passwords in [None, Some(json!(null)), Some(json!({})), Some(json!(["x"]))] {
        let mut document = json!({"id": OBJECT, "appId": CLIENT});
        if let Some(passwords) = passwords {
            document["passwordCredentials"] = passwords;
        }
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(&document);
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let error = client_of(&server, "a-token").application(OBJECT.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some("graph.application.get")));
        // Nor does it prove that a secret is none of them.
        let (holder, secret) = (OBJECT.parse::<ApplicationObjectId>().unwrap(), Secret::new("Abc8Q~x"));
        let error = client_of(&server, "a-token").match_secret(holder, &secret).await.unwrap_err();
        let operation = "graph.application.password_of_secret";
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some(operation)), "{document}");
    }
}

#[tokio::test]
async fn applications_are_listed_over_all_pages() {
    let server = MockServer::start().await;
    let next = format!("{}/v1.0/applications?$skiptoken=RFNwdAIAAQ%3d", server.uri());
    Mock::given(path("/v1.0/applications"))
        .and(query_param("$filter", "displayName eq 'O''Brien'"))
        .and(query_param_is_missing("$count"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"value": [application(&json!([]))], "@odata.nextLink": next})),
        )
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/v1.0/applications"))
        .and(query_param("$skiptoken", "RFNwdAIAAQ="))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"value": [application(&json!([]))]})))
        .expect(1)
        .mount(&server)
        .await;
    let query = ApplicationQuery::named("O'Brien");
    assert_eq!(client_of(&server, "a-token").applications(&query).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_advanced_query_says_so_and_the_limit_is_kept() {
    let server = MockServer::start().await;
    let page = json!({"@odata.count": 2, "value": [application(&json!([])), application(&json!([]))]});
    Mock::given(path("/v1.0/applications"))
        .and(query_param("$count", "true"))
        .and(header("consistencylevel", "eventual"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .expect(2)
        .mount(&server)
        .await;
    let client = client_of(&server, "a-token");
    let query = ApplicationQuery::new().with_filter("endsWith(displayName,'x')").with_advanced(true);
    assert_eq!(client.applications(&query).await.unwrap().len(), 2);
    let error = client.applications(&query.with_limit(1)).await.unwrap_err();
    assert!(error.message().contains("longer than 1"));
}

#[tokio::test]
async fn policies_are_read_as_documented() {
    let server = MockServer::start().await;
    let restrictions = json!({"passwordCredentials": [
        {"restrictionType": "passwordAddition", "maxLifetime": null, "state": "enabled",
         "restrictForAppsCreatedAfterDateTime": "2021-01-01T10:37:00Z"},
        {"restrictionType": "passwordLifetime", "maxLifetime": "P4DT12H30M5S", "state": "enabled",
         "restrictForAppsCreatedAfterDateTime": "2017-01-01T10:37:00Z"},
    ], "keyCredentials": []});
    let default = json!({"id": "00000000-0000-0000-0000-000000000000", "displayName": "Default app management tenant policy",
                         "isEnabled": true, "applicationRestrictions": restrictions,
                         "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []}});
    Mock::given(path("/v1.0/policies/defaultAppManagementPolicy"))
        .respond_with(ResponseTemplate::new(200).set_body_json(default))
        .mount(&server)
        .await;
    let assigned = json!({"value": [{"id": KEY, "isEnabled": true, "restrictions": restrictions}]});
    Mock::given(path(format!("/v1.0/applications/{OBJECT}/appManagementPolicies")))
        .respond_with(ResponseTemplate::new(200).set_body_json(assigned))
        .mount(&server)
        .await;
    let client = client_of(&server, "a-token");
    let default = client.default_app_management_policy().await.unwrap();
    let assigned = client.app_management_policies(OBJECT.parse().unwrap()).await.unwrap();
    assert_eq!(assigned, std::slice::from_ref(&default));
    let limit = Duration::from_secs(4 * 86_400 + 12 * 3600 + 30 * 60 + 5);
    assert_eq!(default.max_lifetime(None), Some(limit));
    assert!(default.forbids_passwords(None));
    assert!(!default.forbids_passwords(Some(time::macros::datetime!(2020-01-01 0:00 UTC))));
}

#[tokio::test]
async fn an_end_that_cannot_be_is_refused_before_anything_is_sent() {
    let server = MockServer::start().await;
    let client = client_of(&server, "a-token");
    let now = SystemClock::new().now();
    for end in [now - Duration::from_secs(1), now + Duration::from_secs(732 * 86_400)] {
        let wish = NewPassword::new(Marker::new("azconnect 0001").unwrap(), end);
        let holder = PasswordHolder::ApplicationOf(CLIENT.parse().unwrap());
        let error = client.add_password(holder, &wish).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("ends_at")));
        assert_eq!(error.effect(), Effect::None);
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn no_secret_is_shown_whatever_is_answered() {
    let (token, secret) = (Canary::new(), Canary::new());
    let ears = token.listen();
    let text = secret.secret();
    token.watch(&text);
    let mut good = added();
    good["secretText"] = json!(text.expose());
    let bad = [
        json!({"secretText": text.expose()}),
        json!({"keyId": text.expose(), "secretText": text.expose()}),
        json!({"error": {"code": text.expose(), "message": text.expose(), "innerError": {"request-id": text.expose()}}}),
        json!(text.expose()),
    ];
    let key: KeyId = KEY.parse().unwrap();
    let client_id: ClientId = CLIENT.parse().unwrap();
    for body in bad.iter().chain([&good]) {
        for status in [200, 400] {
            let server = MockServer::start().await;
            let answer = ResponseTemplate::new(status).set_body_json(body);
            Mock::given(method("POST")).respond_with(answer.clone()).mount(&server).await;
            Mock::given(method("GET")).respond_with(answer).mount(&server).await;
            let client = client_of(&server, token.secret().expose());
            let holder = PasswordHolder::ApplicationOf(client_id);
            let shown = format!(
                "{client:?} {:?} {:?} {:?}",
                client.add_password(holder, &wish()).await,
                client.remove_password(holder, key).await,
                client.application_by_client_id(client_id).await,
            );
            token.assert_absent("Debug", shown.as_bytes());
        }
    }
    drop(ears);
    token.assert_absent_from_logs();
}
