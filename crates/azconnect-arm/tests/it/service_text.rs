//! What an error tells of the service's own words.

use std::sync::Arc;

use azconnect_arm::{Arm, Group};
use azconnect_core::{Cloud, Error, ResourceGroupName, Secret, danger};
use azconnect_credential::AccessToken;
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock};
use azconnect_testkit::Canary;
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{OneToken, subscription_id};

async fn group(server: &MockServer, token: &str) -> Group {
    let end = time::OffsetDateTime::UNIX_EPOCH;
    let token = Arc::new(AccessToken::new(Secret::new(token), end, end));
    let cloud =
        danger::allow_http_loopback(Cloud::custom("Test")).with_resource_manager(&server.uri()).unwrap().build();
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
    let name = ResourceGroupName::new("rg-web").unwrap();
    Arm::new(pipeline, &cloud, Arc::new(OneToken(token))).subscription(subscription_id()).group(&name)
}

async fn refused_with(body: Value, sent: &Value) -> Error {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(method("PUT")).respond_with(answer).mount(&server).await;
    group(&server, "token").await.disk("data").unwrap().create(sent).await.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn a_code_that_nobody_catalogued_keeps_the_service_s_sentence() {
    let sentence = "The value 'Burst_9' of parameter 'disk.tier' is not allowed for disks below 512 GiB.";
    let body = json!({"error": {"code": "TierTooHighForDisk", "message": sentence, "target": "disk.tier"}});
    let error = refused_with(body, &json!({"sku": {"name": "Premium_LRS"}})).await;
    assert_eq!(error.service_text(), Some(sentence));
    assert_eq!(error.service_code(), Some("TierTooHighForDisk"));
    assert!(!error.to_string().contains("Burst_9"), "our own sentence stays ours: {error}");
}

#[tokio::test]
async fn a_catalogued_code_has_our_sentence_and_the_service_s_beside_it() {
    let body = json!({"error": {"code": "ScopeLocked", "message": "The scope 'rg-web' is locked by 'do-not-touch'."}});
    let error = refused_with(body, &json!({})).await;
    assert!(error.message().contains("lock"), "{error}");
    assert_eq!(error.service_text(), Some("The scope 'rg-web' is locked by 'do-not-touch'."));
}

/// The message of a failed extension holds what its script put out.
#[tokio::test]
async fn what_a_script_put_out_is_in_no_service_text() {
    let message = "VM has reported a failure when processing extension 'agent'. [stderr] token is derived-one";
    let body = json!({"error": {"code": "VMExtensionProvisioningError", "message": message}});
    assert_eq!(refused_with(body, &json!({})).await.service_text(), None);
}

/// An operation fails later, and its status may quote what the write was told.
#[tokio::test]
async fn an_operation_that_failed_keeps_the_sentence_without_what_its_write_sent() {
    let canary = Canary::new();
    let secret = canary.secret().expose().to_owned();
    let server = MockServer::start().await;
    let status = format!("{}/operations/1?t=63&c=MII", server.uri());
    let begun = ResponseTemplate::new(201)
        .insert_header("azure-asyncoperation", status.as_str())
        .set_body_json(json!({"properties": {"provisioningState": "Updating"}}));
    Mock::given(method("PUT")).respond_with(begun).mount(&server).await;
    let message = format!("The pass phrase '{secret}' of disk 'data' was refused by its vault.");
    let failed = json!({"status": "Failed", "error": {"code": "VaultSaidNo", "message": message}});
    Mock::given(path_regex("operations"))
        .respond_with(ResponseTemplate::new(200).set_body_json(failed))
        .mount(&server)
        .await;
    let disk = group(&server, "token").await.disk("data").unwrap();
    let pending = disk.create(&json!({"properties": {"phrase": secret}})).await.unwrap();
    let stored = pending.operation().unwrap().stored();
    let error = pending.wait().await.unwrap_err();
    assert_eq!(error.service_text(), Some("The pass phrase '…' of disk 'data' was refused by its vault."));

    // Another process does not know what was sent, so it shows nothing that may quote it.
    let error = disk.resume(stored).unwrap().wait().await.unwrap_err();
    assert_eq!((error.service_code(), error.service_text()), (Some("VaultSaidNo"), None));
}
