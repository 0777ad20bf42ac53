//! Changes of connections: one, many, sharing and deleting.

use azconnect_core::{Effect, ErrorKind, Secret};
use azconnect_devops::{AzureScope, Deletion, EndpointChange, ProjectRef};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{CLIENT, Fake, ID, PROJECT, Script, azurerm, endpoint, endpoints, id, plain, project};

async fn written(change: &EndpointChange<'_>) -> Value {
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    endpoints(&server).update(&endpoint(azurerm()), change).await.unwrap();
    fake.with(|state| state.writes[0].clone())
}

#[tokio::test]
async fn a_connection_is_described_disabled_and_moved() {
    let scope = AzureScope::ManagementGroup { id: "mg".to_owned(), name: "All".to_owned() };
    let change = EndpointChange::new().with_description("new").with_disabled(true).with_scope(&scope);
    let document = written(&change).await;
    assert_eq!((&document["description"], &document["isDisabled"]), (&json!("new"), &json!(true)));
    let expected = json!({"environment": "AzureCloud", "scopeLevel": "ManagementGroup", "creationMode": "Manual", "managementGroupId": "mg", "managementGroupName": "All"});
    assert_eq!(document["data"], expected);
    assert!(document["authorization"]["parameters"].get("scope").is_none());
}

#[tokio::test]
async fn a_key_gives_way_to_a_certificate_and_back() {
    let pem = Secret::new("-----BEGIN CERTIFICATE-----");
    let document = written(&EndpointChange::new().with_certificate(&pem)).await;
    let parameters = &document["authorization"]["parameters"];
    assert_eq!(
        (&parameters["authenticationType"], &parameters["servicePrincipalCertificate"]),
        (&json!("spnCertificate"), &json!(pem.expose()))
    );
    assert!(parameters.get("ServicePrincipalKey").is_none());
    let key = Secret::new("the-key");
    let document = written(&EndpointChange::new().with_client_secret(&key)).await;
    assert_eq!(document["authorization"]["parameters"]["ServicePrincipalKey"], "the-key");
    let refused = EndpointChange::new().with_parameter("Password", Some("x".to_owned())).preview(&endpoint(azurerm()));
    assert_eq!(refused.unwrap_err().field(), Some("parameter"));
}

#[tokio::test(start_paused = true)]
async fn many_are_changed_in_one_request_or_none_is() {
    let second = "5e47a0d8-c745-44f8-8f93-784f18ff31c4";
    for changed_meanwhile in [false, true] {
        let script = Script::new(move |request| {
            let mut document = azurerm();
            if request.method() == "PUT" {
                return plain(200, json!({"count": 2}));
            }
            if request.uri().path().ends_with(second) {
                document["id"] = second.into();
                document["description"] = if changed_meanwhile { "somebody" } else { "kept" }.into();
            }
            plain(200, document)
        });
        let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
        let mut other = azurerm();
        other["id"] = second.into();
        let secret = Secret::new("new-secret");
        let change = EndpointChange::new().with_secret(&secret);
        let outcome = endpoints.update_all(&[(&endpoint(azurerm()), &change), (&endpoint(other), &change)]).await;
        let bodies = script.bodies("PUT");
        if changed_meanwhile {
            assert_eq!((outcome.unwrap_err().effect(), bodies.len()), (Effect::None, 0));
        } else {
            assert_eq!(outcome.unwrap().len(), 2);
            assert_eq!(bodies[0].as_array().unwrap().len(), 2);
            assert_eq!(bodies[0][1]["authorization"]["parameters"]["ServicePrincipalKey"], "new-secret");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sharing_and_deleting_send_what_the_documents_say() {
    let script = Script::new(|request| {
        match (request.method().as_str(), request.uri().query().unwrap_or_default().contains("deep=true")) {
            ("DELETE", true) => plain(404, json!({"typeKey": "ServiceEndpointNotFoundException"})),
            _ => plain(204, Value::Null),
        }
    });
    let organization = script.organization(&VirtualClock::new());
    let web = project();
    organization.share(id(), &[(&web, "shared")]).await.unwrap();
    assert_eq!(
        script.bodies("PATCH")[0],
        json!([{"projectReference": {"id": PROJECT, "name": "Web"}, "name": "shared"}])
    );
    organization.unshare(id(), &[web.id]).await.unwrap();
    organization.delete_connection(id(), &[web.id], Deletion::Deep).await.expect("what is gone is deleted");
    let calls = script.calls();
    assert!(calls[1].starts_with(&format!(
        "DELETE https://dev.azure.com/contoso/_apis/serviceendpoint/endpoints/{ID}?projectIds={PROJECT}&"
    )));
    assert!(calls[2].contains("deep=true"));
    let error = organization.unshare(id(), &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("projects")));
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn pipelines_are_granted_all_or_some() {
    let script = Script::new(|request| {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        plain(
            200,
            json!({"resource": {"type": "endpoint", "id": ID}, "allPipelines": body.get("allPipelines").cloned(),
            "pipelines": [{"id": 16, "authorized": true}, {"id": 17, "authorized": false}]}),
        )
    });
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    assert!(!endpoints.pipeline_grants(id()).await.unwrap().all);
    assert!(endpoints.grant_all_pipelines(id(), true).await.unwrap().all);
    assert_eq!(endpoints.grant_pipelines(id(), &[16], true).await.unwrap().pipelines, [16]);
    assert_eq!(
        script.bodies("PATCH"),
        [json!({"allPipelines": {"authorized": true}}), json!({"pipelines": [{"id": 16, "authorized": true}]})]
    );
    assert!(script.calls()[0].contains(&format!(
        "/contoso/Web/_apis/pipelines/pipelinepermissions/endpoint/{ID}?api-version=7.1-preview.1"
    )));
}

#[tokio::test(start_paused = true)]
async fn a_change_by_somebody_else_just_after_the_write_is_seen_in_its_date() {
    let former = "2026-01-01T00:00:00Z";
    let ours = "2026-01-02T00:00:00.0000000Z";
    // Rounded otherwise, and by a service that answers a write with the former date: neither is a change.
    let cases = [
        (ours, "2026-01-02T00:00:00.02Z", true),
        (ours, "2026-01-02T00:00:00.006Z", true),
        (ours, "2026-01-02T00:00:00.005Z", false),
        (ours, "2026-01-02T00:00:00.001Z", false),
        (former, ours, false),
    ];
    for (answered, read_back, changed) in cases {
        let written = std::sync::atomic::AtomicBool::new(false);
        let script = Script::new(move |request| {
            let mut document = azurerm();
            let wrote = request.method() == "PUT" || written.load(std::sync::atomic::Ordering::SeqCst);
            written.store(wrote, std::sync::atomic::Ordering::SeqCst);
            document["modificationDate"] = match (request.method() == "PUT", wrote) {
                (true, _) => answered,
                (false, true) => read_back,
                (false, false) => former,
            }
            .into();
            plain(200, document)
        });
        let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
        let mut before = azurerm();
        before["modificationDate"] = former.into();
        let secret = Secret::new("new-secret");
        let outcome = endpoints.update(&endpoint(before), &EndpointChange::new().with_secret(&secret)).await;
        match changed {
            true => {
                let error = outcome.unwrap_err();
                assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown), "{error}");
            }
            false => assert!(outcome.is_ok(), "{outcome:?}"),
        }
    }
}

#[test]
fn a_managed_identity_is_not_limited_to_a_resource_group() {
    // Its scheme has the tenant for its only input.
    let mut document = azurerm();
    document["authorization"] = json!({"scheme": "ManagedServiceIdentity", "parameters": {"tenantid": CLIENT}});
    let limited = AzureScope::Subscription {
        id: CLIENT.parse().unwrap(),
        name: "P".to_owned(),
        resource_group: Some("rg".parse().unwrap()),
    };
    let error = EndpointChange::new().with_scope(&limited).preview(&endpoint(document.clone())).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    let whole = AzureScope::subscription(CLIENT.parse().unwrap(), "P");
    let text = EndpointChange::new().with_scope(&whole).preview(&endpoint(document)).unwrap();
    assert!(!text.expose().contains("\"scope\""));
}
