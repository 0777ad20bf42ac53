//! One test for each thing that cost others their connections.

use azconnect_core::{Effect, ErrorKind, Retry, Secret};
use azconnect_credential::CredentialSink as _;
use azconnect_credential::{Candidate, CredentialVerdict};
use azconnect_devops::{EndpointChange, EndpointQuery, RegistryCheck, ServiceConnectionSink};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Fake, ID, answering, azurerm, docker, endpoint, endpoints, id, pipeline};

#[tokio::test]
async fn gotcha_01_masking_by_null_and_by_absence_are_the_same() {
    let mut listed = azurerm();
    let parameters = listed["authorization"]["parameters"].as_object_mut().unwrap();
    parameters.retain(|_, value| !value.is_null());
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    // What a list returned differs from what a reading by id returns by the masked keys alone: that is no change.
    let secret = Secret::new("new-secret");
    endpoints(&server).update(&endpoint(listed), &EndpointChange::new().with_secret(&secret)).await.unwrap();
    assert_eq!(fake.with(|state| state.writes.len()), 1);
}

#[tokio::test]
async fn gotcha_02_masked_secrets_go_back_as_null_and_a_cached_access_token_does_not() {
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    endpoints(&server).update(&endpoint(azurerm()), &EndpointChange::new().with_description("x")).await.unwrap();
    let parameters = fake.with(|state| state.writes[0]["authorization"]["parameters"].clone());
    assert!(parameters.get("accessToken").is_none(), "null would break the connection's cache");
    // A confidential key that is present as null keeps the stored value; an absent one is lost.
    assert_eq!(parameters.get("ServicePrincipalKey"), Some(&json!(null)), "under the case that was there");
    assert_eq!(parameters["scope"], "/subscriptions/s");
}

#[tokio::test]
async fn gotcha_03_a_safe_update_changes_the_secret_and_nothing_else() {
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    let secret = Secret::new("new-secret");
    endpoints(&server).update(&endpoint(azurerm()), &EndpointChange::new().with_secret(&secret)).await.unwrap();
    let written = fake.with(|state| state.writes[0].clone());
    let mut expected = azurerm();
    let parameters = expected["authorization"]["parameters"].as_object_mut().unwrap();
    parameters.shift_remove("accessToken");
    // Under the key casing that was there.
    parameters.insert("ServicePrincipalKey".to_owned(), "new-secret".into());
    assert_eq!(written, expected);
}

#[tokio::test]
async fn gotcha_04_automatic_creation_is_refused_by_default() {
    let mut document = azurerm();
    document["data"]["creationMode"] = "Automatic".into();
    let fake = Fake::new(document);
    let server = fake.start().await;
    let sink = ServiceConnectionSink::new(endpoints(&server), id()).unwrap();
    assert_eq!(sink.inspect().await.unwrap().checks.checks[0].code, "automatic-creation");
    let error = sink.push(&Candidate::new(&Secret::new("new-secret"))).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    assert_eq!(fake.with(|state| (state.writes.len(), state.tests.len())), (0, 0));
}

#[tokio::test]
async fn gotcha_05_project_references_are_kept_and_a_shared_name_is_not_changed() {
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    endpoints(&server).update(&endpoint(azurerm()), &EndpointChange::new().with_name("renamed")).await.unwrap();
    let references = fake.with(|state| state.writes[0]["serviceEndpointProjectReferences"].clone());
    assert_eq!(references[0]["name"], "renamed");
    assert_eq!(references[0]["extra"], true);

    let mut shared = azurerm();
    shared["isShared"] = true.into();
    let fake = Fake::new(shared.clone());
    let server = fake.start().await;
    let error = endpoints(&server).update(&endpoint(shared), &EndpointChange::new().with_name("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    assert_eq!(fake.with(|state| state.writes.len()), 0);
}

#[tokio::test]
async fn gotcha_06_url_is_mandatory_and_its_duplicate_in_data_is_explained() {
    let mut document = azurerm();
    document.as_object_mut().unwrap().shift_remove("url");
    let fake = Fake::new(document.clone());
    let server = fake.start().await;
    let error =
        endpoints(&server).update(&endpoint(document), &EndpointChange::new().with_description("x")).await.unwrap_err();
    assert_eq!((error.field(), error.effect()), (Some("url"), Effect::None));

    let server = answering(ResponseTemplate::new(500).set_body_json(
        json!({"message": "An item with the same key has already been added.", "typeKey": "AuditLogEntryContainsDuplicateDataKeyException"}),
    ))
    .await;
    let error = endpoints(&server).get(id()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidInput, Retry::No));
    assert!(error.advice().contains("`url`"));
}

#[tokio::test]
async fn gotcha_07_a_duplicate_name_as_500_is_a_conflict_and_not_retried() {
    let server = answering(ResponseTemplate::new(500).set_body_json(
        json!({"message": "Service connection with name deploy already exists.", "typeKey": "DuplicateServiceConnectionException"}),
    ))
    .await;
    let error = endpoints(&server).get(id()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry(), error.effect()), (ErrorKind::Conflict, Retry::No, Effect::None));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn gotcha_08_null_low_permission_and_missing_project_are_told_apart() {
    let server = answering(ResponseTemplate::new(200).set_body_string("null")).await;
    assert_eq!(endpoints(&server).get(id()).await.unwrap_err().kind(), ErrorKind::NotFound);

    let partial = json!({"id": ID, "name": "deploy"});
    let fake = Fake::new(partial.clone());
    let server = fake.start().await;
    let sink = ServiceConnectionSink::new(endpoints(&server), id()).unwrap();
    assert_eq!(sink.inspect().await.unwrap().checks.checks[0].code, "low-permission");
    let error =
        endpoints(&server).update(&endpoint(partial), &EndpointChange::new().with_description("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert_eq!(fake.with(|state| state.writes.len()), 0);

    let server = answering(ResponseTemplate::new(400).set_body_string(
        "\u{feff}{\"message\":\"VS800075: The project with id 'x' does not exist, or you do not have permission to access it.\"}",
    ))
    .await;
    let error = endpoints(&server).list(&EndpointQuery::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::NotFound, Some("VS800075")));
}

#[tokio::test]
async fn gotcha_09_docker_hub_s_answer_proves_nothing_for_another_registry() {
    let fake = Fake::new(docker("https://registry.invalid"));
    let server = fake.start().await;
    let endpoints = endpoints(&server);
    let connection = endpoints.get(id()).await.unwrap();
    let verdict = endpoints.verify_stored(&connection, None).await;
    assert_eq!((verdict.verdict, verdict.service_code()), (CredentialVerdict::Inconclusive, Some("NotVerifiable")));
    assert_eq!(fake.with(|state| state.tests.len()), 0, "Docker Hub is not asked");
    let sink = ServiceConnectionSink::new(endpoints, id()).unwrap().with_registry_check(RegistryCheck::new(pipeline()));
    let report = sink.inspect().await.unwrap();
    assert!(report.accepts());
    assert_eq!(report.checks.checks[0].code, "not-verifiable");
}

#[tokio::test]
async fn gotcha_10_a_403_of_azure_is_no_proof_of_a_bad_secret() {
    for status in [json!("forbidden"), json!(403), json!("403")] {
        let fake = Fake::new(azurerm());
        fake.with(|state| {
            state.verdict = json!({"result": [], "statusCode": status,
                "errorMessage": "The client does not have authorization to perform action 'Microsoft.Resources/subscriptions/read'"});
        });
        let server = fake.start().await;
        let assessment = endpoints(&server).verify_stored(&endpoint(azurerm()), None).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive);
        assert!(assessment.advice().unwrap().contains("Microsoft.Resources/subscriptions/read"));
    }
}

#[tokio::test]
async fn gotcha_11_names_are_compared_in_any_case() {
    let mut before = azurerm();
    before["type"] = "azurerm".into();
    before["owner"] = "library".into();
    before["authorization"]["scheme"] = "serviceprincipal".into();
    let parameters = before["authorization"]["parameters"].as_object_mut().unwrap();
    let tenant = parameters.shift_remove("tenantId").unwrap();
    parameters.insert("tenantid".to_owned(), tenant);
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    endpoints(&server).update(&endpoint(before), &EndpointChange::new().with_description("x")).await.unwrap();
}

#[tokio::test]
async fn gotcha_12_every_field_but_the_id_may_be_absent_in_a_list() {
    let list = json!({"count": 3, "value": [{"id": ID}, azurerm(), {"id": ID, "description": null, "data": null, "authorization": null}]});
    let server = answering(ResponseTemplate::new(200).set_body_json(list)).await;
    let connections = endpoints(&server).list(&EndpointQuery::new()).await.unwrap();
    assert_eq!(connections.len(), 3);
    assert_eq!(connections[2].description(), None);
    let bare = answering(ResponseTemplate::new(200).set_body_json(json!([{"id": ID}]))).await;
    assert_eq!(endpoints(&bare).by_names(&["a"]).await.unwrap().len(), 1);
    let nothing = answering(ResponseTemplate::new(200).set_body_json(json!({"count": 0}))).await;
    let error = endpoints(&nothing).list(&EndpointQuery::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "what is no list is not an empty list");
}
