//! The life of a service connection: asynchronous creation and deletion, conversion, pipelines, history.

use std::time::Duration;

use azconnect_emulator::{DevOpsOutcome, Service, Settings};
use serde_json::{Value, json};

use crate::devops::{DevOps, azurerm, connected, refused};
use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, SUBSCRIPTION, TENANT, WEB, Way};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";
const CREATE: &str = "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1";

/// Contoso, whose Ann administers the organization, and whose automatic connection is hers.
fn with_ann() -> Value {
    let mut seed = connected();
    seed["tenants"][0]["users"] = json!([
        {"userPrincipalName": "ann@contoso.com", "displayName": "Ann", "password": "pw", "devopsOrganizations": ["contoso"]},
    ]);
    seed["organizations"][0]["projects"][0]["connections"][0]["document"]["data"]["creationMode"] = json!("Automatic");
    seed
}

/// The same as a person, who signs in at the token endpoint.
async fn as_ann(way: Way, settings: Settings, seed: &Value) -> DevOps {
    let harness = Harness::new(way, settings, seed).await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let fields = [
        ("grant_type", "password"),
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("username", "ann@contoso.com"),
        ("password", "pw"),
        ("scope", "openid 499b84ac-1321-427f-aa17-267ca6975798/user_impersonation"),
    ];
    let body = harness.ask(Service::Login, "POST", &path).form(&fields).send().await.expect(200);
    let token = body["access_token"].as_str().unwrap().to_owned();
    DevOps { harness, token }
}

fn in_web(mut document: Value) -> Value {
    let name = document["name"].clone();
    document["serviceEndpointProjectReferences"] = json!([{"projectReference": {"id": WEB}, "name": name}]);
    document
}

fn slow() -> Settings {
    Settings::default().with_connection_lag(Duration::from_secs(3))
}

async fn an_automatic_creation_makes_an_application_and_takes_its_time(way: Way) {
    let devops = as_ann(way, slow(), &with_ann()).await;
    let mut document = in_web(azurerm("Automatic"));
    document["data"]["creationMode"] = json!("Automatic");
    document["authorization"] = json!({"scheme": "ServicePrincipal", "parameters": {"tenantid": TENANT, "serviceprincipalid": "", "authenticationType": "spnKey"}});
    let created = devops.ask("POST", CREATE).json(&document).send().await.expect(200);
    assert_eq!((&created["isReady"], &created["operationStatus"]["state"]), (&json!(false), &json!("InProgress")));
    let id = created["id"].as_str().unwrap();
    devops.harness.advance(3);
    let ready = devops.get(id).await;
    assert_eq!((&ready["isReady"], &ready["operationStatus"]["state"]), (&json!(true), &json!("Ready")));
    let client = ready["authorization"]["parameters"]["serviceprincipalid"].as_str().unwrap().parse().unwrap();
    let truth = devops.harness.emulator.truth();
    assert_eq!(truth.application(client).unwrap().display_name, format!("contoso-Web-{SUBSCRIPTION}"));
    assert!(truth.connection(id.parse().unwrap()).unwrap().secret_usable_now);
    assert_eq!(devops.test(id, None).await["statusCode"], "ok");
    // Deep deletion takes the application along, and is not done at once either.
    let path = format!("/contoso/_apis/serviceendpoint/endpoints/{id}?projectIds={WEB}&deep=true&api-version=7.1");
    devops.ask("DELETE", &path).send().await.expect(204);
    assert_eq!(devops.get(id).await["operationStatus"]["state"], "InProgress");
    devops.harness.advance(3);
    assert_eq!(devops.get(id).await, Value::Null);
    assert!(devops.harness.emulator.truth().application(client).is_none());
}

async fn an_automatic_creation_by_a_service_principal_fails_with_a_reason(way: Way) {
    let devops = DevOps::new(way, slow(), &connected()).await;
    let mut document = in_web(azurerm("Automatic"));
    document["data"]["creationMode"] = json!("Automatic");
    let created = devops.ask("POST", CREATE).json(&document).send().await.expect(200);
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["operationStatus"]["state"], "InProgress");
    devops.harness.advance(3);
    let failed = devops.get(id).await;
    assert_eq!((&failed["isReady"], &failed["operationStatus"]["state"]), (&json!(false), &json!("Failed")));
    assert!(failed["operationStatus"]["statusMessage"].as_str().unwrap().contains("Insufficient privileges"));
    let list = "/contoso/Web/_apis/serviceendpoint/endpoints?endpointNames=Automatic";
    assert_eq!(devops.ask("GET", list).send().await.expect(200)["count"], 0);
    assert_eq!(devops.ask("GET", &format!("{list}&includeFailed=true")).send().await.expect(200)["count"], 1);
}

async fn a_federated_connection_works_once_its_credential_exists(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let mut document = in_web(azurerm("Federated"));
    document["authorization"] = json!({"scheme": "WorkloadIdentityFederation", "parameters": {"tenantid": TENANT, "serviceprincipalid": DEPLOYER}});
    let created = devops.ask("POST", CREATE).json(&document).send().await.expect(200);
    let parameters = &created["authorization"]["parameters"];
    let (issuer, subject) =
        (&parameters["workloadIdentityFederationIssuer"], &parameters["workloadIdentityFederationSubject"]);
    let id = created["id"].as_str().unwrap();
    assert_eq!(*issuer, json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0")));
    assert!(subject.as_str().unwrap().ends_with(&format!("/{id}")) && subject.as_str().unwrap().contains("/sc/"));
    let result = devops.test(id, None).await;
    assert!(result["errorMessage"].as_str().unwrap().contains("AADSTS70021"), "{result}");
    let graph = devops.harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/federatedIdentityCredentials");
    let credential =
        json!({"name": "devops", "issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]});
    devops.harness.graph("POST", &path).bearer(&graph).json(&credential).send().await.expect(201);
    assert_eq!(devops.test(id, None).await["statusCode"], "ok");
    // It cannot go while it is trusted.
    let delete = format!("/contoso/_apis/serviceendpoint/endpoints/{id}?projectIds={WEB}&api-version=7.1");
    let body = devops.ask("DELETE", &delete).send().await.expect(400);
    refused(&body, "ServiceEndpointException", "federated credentials");
    devops.harness.graph("DELETE", &format!("{path}/devops")).bearer(&graph).send().await.expect(204);
    devops.ask("DELETE", &delete).send().await.expect(204);
}

async fn convert(devops: &DevOps, scheme: &str) -> crate::harness::Reply {
    let mut document = devops.get(PRODUCTION).await;
    document["authorization"]["scheme"] = json!(scheme);
    if let Some(data) = document["data"].as_object_mut() {
        data.remove("revertSchemeDeadline");
    }
    let path = format!(
        "/contoso/Web/_apis/serviceendpoint/endpoints/{PRODUCTION}?operation=ConvertAuthenticationScheme&api-version=7.1"
    );
    devops.ask("PUT", &path).json(&document).send().await
}

async fn a_conversion_can_be_taken_back_for_seven_days(way: Way) {
    let devops = as_ann(way, slow(), &with_ann()).await;
    let before = devops.get(PRODUCTION).await;
    let converted = convert(&devops, "WorkloadIdentityFederation").await.expect(200);
    assert_eq!((&converted["isReady"], &converted["operationStatus"]["state"]), (&json!(false), &json!("InProgress")));
    assert_eq!(converted["data"]["revertSchemeDeadline"], "2026-01-08T00:00:00Z");
    assert!(converted["authorization"]["parameters"].get("serviceprincipalkey").is_none());
    assert_eq!(converted["futureField"], before["futureField"]);
    devops.harness.advance(3);
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "ok");
    let body = convert(&devops, "WorkloadIdentityFederation").await.expect(400);
    refused(&body, "ArgumentException", "neither an upgrade or a downgrade");
    convert(&devops, "ServicePrincipal").await.expect(200);
    devops.harness.advance(3);
    let reverted = devops.get(PRODUCTION).await;
    assert_eq!(reverted["authorization"], before["authorization"]);
    assert!(reverted["data"].get("revertSchemeDeadline").is_none());
    assert!(devops.harness.emulator.truth().connection(PRODUCTION.parse().unwrap()).unwrap().secret_usable_now);
    convert(&devops, "WorkloadIdentityFederation").await.expect(200);
    devops.harness.advance(7 * 24 * 3600);
    let harness = devops.harness;
    let scope = harness.cloud.devops_scope();
    let token = harness.emulator.sign_in("ann@contoso.com", &scope).unwrap().expose().to_owned();
    let devops = DevOps { harness, token };
    refused(&convert(&devops, "ServicePrincipal").await.expect(400), "ServiceEndpointException", "is over");
}

async fn what_cannot_be_converted_is_refused_with_its_rule(way: Way) {
    let refusal = async |change: &dyn Fn(&mut Value)| {
        let mut seed = with_ann();
        change(&mut seed["organizations"][0]["projects"][0]["connections"][0]["document"]);
        let devops = as_ann(way, Settings::default(), &seed).await;
        convert(&devops, "WorkloadIdentityFederation").await.expect(400)
    };
    let body = refusal(&|d| d["data"]["creationMode"] = json!("Manual")).await;
    refused(&body, "ServiceEndpointException", "no federated credential");
    let body = refusal(&|d| d["data"]["environment"] = json!("AzureStack")).await;
    refused(&body, "ServiceEndpointException", "Azure Stack");
    let body = refusal(&|d| d["data"]["environment"] = json!("AzureUSGovernment")).await;
    refused(&body, "ServiceEndpointException", "environment");
    let other = "99999999-0000-4000-8000-000000000000";
    let body = refusal(&|d| d["authorization"]["parameters"]["tenantid"] = json!(other)).await;
    refused(&body, "AadAccessSilentException", "without interaction");
    // A connection that is shared is converted where it belongs.
    let mut seed = with_ann();
    seed["organizations"][0]["projects"].as_array_mut().unwrap().push(json!({"name": "Api"}));
    let document = &mut seed["organizations"][0]["projects"][0]["connections"][0]["document"];
    document["serviceEndpointProjectReferences"] = json!([{"projectReference": {"name": "Api"}, "name": "Shared"}]);
    let devops = as_ann(way, Settings::default(), &seed).await;
    let mut document = devops.get(PRODUCTION).await;
    document["authorization"]["scheme"] = json!("WorkloadIdentityFederation");
    let path = |project: &str| {
        format!(
            "/contoso/{project}/_apis/serviceendpoint/endpoints/{PRODUCTION}?operation=ConvertAuthenticationScheme&api-version=7.1"
        )
    };
    let body = devops.ask("PUT", &path("Api")).json(&document).send().await.expect(400);
    refused(&body, "ServiceEndpointException", "shared");
    let mut stale = document.clone();
    stale["data"]["revertSchemeDeadline"] = json!("2026-01-08T00:00:00Z");
    let body = devops.ask("PUT", &path("Web")).json(&stale).send().await.expect(400);
    refused(&body, "ArgumentException", "revertSchemeDeadline");
    devops.ask("PUT", &path("Web")).json(&document).send().await.expect(200);
    let body = devops.ask("PUT", &path("Web").replace("Convert", "Bend")).json(&document).send().await.expect(400);
    refused(&body, "ArgumentException", "BendAuthenticationScheme");
}

async fn pipelines_are_granted_one_by_one_or_all(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let path =
        format!("/contoso/Web/_apis/pipelines/pipelinePermissions/endpoint/{PRODUCTION}?api-version=7.1-preview.1");
    let nothing = devops.ask("GET", &path).send().await.expect(200);
    assert_eq!(nothing, json!({"resource": {"type": "endpoint", "id": PRODUCTION}, "pipelines": []}));
    let patch = |body: Value| devops.ask("PATCH", &path).json(&body).send();
    let body =
        patch(json!({"pipelines": [{"id": 16, "authorized": true}, {"id": 6, "authorized": true}]})).await.expect(200);
    assert_eq!((&body["pipelines"][0]["id"], &body["pipelines"][1]["id"]), (&json!(6), &json!(16)));
    assert_eq!(body["pipelines"][0]["authorizedBy"]["displayName"], "Operator");
    assert_eq!(body["pipelines"][0]["authorizedOn"], "2026-01-01T00:00:00Z");
    let body = patch(json!({"allPipelines": {"authorized": true}, "pipelines": [{"id": 6, "authorized": false}]}))
        .await
        .expect(200);
    assert_eq!((&body["allPipelines"]["authorized"], body["pipelines"].as_array().unwrap().len()), (&json!(true), 1));
    let several = "/contoso/Web/_apis/pipelines/pipelinepermissions?api-version=7.1-preview.1";
    let change = json!([{"resource": {"type": "endpoint", "id": PRODUCTION}, "allPipelines": {"authorized": false}}]);
    let body = devops.ask("PATCH", several).json(&change).send().await.expect(200);
    assert_eq!(body["count"], 1);
    assert!(body["value"][0].get("allPipelines").is_none());
    let body = devops.ask("GET", &path.replace("-preview.1", "")).send().await.expect(400);
    refused(&body, "VssInvalidPreviewVersionException", "-preview");
}

// The address names the project, and what one project grants is nothing to another.
async fn each_project_grants_its_own_pipelines(way: Way) {
    let api = "40000000-0000-4000-8000-000000000002";
    let mut seed = connected();
    seed["organizations"][0]["projects"].as_array_mut().unwrap().push(json!({"id": api, "name": "Api"}));
    seed["organizations"][0]["projects"][0]["connections"][0]["pipelines"] = json!([3]);
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let path = format!("/contoso/_apis/serviceendpoint/endpoints/{PRODUCTION}?api-version=7.1");
    let share = json!([{"projectReference": {"id": api}, "name": "Production"}]);
    devops.ask("PATCH", &path).json(&share).send().await.expect(204);
    let of = |project: &str| {
        format!(
            "/contoso/{project}/_apis/pipelines/pipelinepermissions/endpoint/{PRODUCTION}?api-version=7.1-preview.1"
        )
    };
    let grants = async |project: &str| {
        let body = devops.ask("GET", &of(project)).send().await.expect(200);
        let ids: Vec<u64> =
            body["pipelines"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
        (body["allPipelines"]["authorized"] == true, ids)
    };
    assert_eq!((grants("Web").await, grants("Api").await), ((false, vec![3]), (false, vec![])));
    let all = json!({"allPipelines": {"authorized": true}, "pipelines": [{"id": 9, "authorized": true}]});
    devops.ask("PATCH", &of("Api")).json(&all).send().await.expect(200);
    assert_eq!((grants("Web").await, grants("Api").await), ((false, vec![3]), (true, vec![9])));
}

async fn the_history_comes_in_pages_latest_first(way: Way) {
    let mut seed = connected();
    seed["organizations"][0]["projects"][0]["connections"][0]["executions"] = json!(5);
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let mut token = "0".to_owned();
    let mut seen = Vec::new();
    loop {
        let path = format!(
            "/contoso/Web/_apis/serviceendpoint/{PRODUCTION}/executionhistory?top=2&continuationToken={token}&api-version=7.1"
        );
        let reply = devops.ask("GET", &path).send().await;
        token = reply.header("x-ms-continuationtoken").to_owned();
        let body = reply.expect(200);
        for record in body["value"].as_array().unwrap() {
            assert_eq!(record["endpointId"], PRODUCTION);
            assert_eq!(record["data"]["result"], "succeeded");
            seen.push(record["data"]["id"].as_u64().unwrap());
        }
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

async fn types_are_found_by_name_and_scheme(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let ask = |query: &str| devops.ask("GET", &format!("/contoso/_apis/serviceendpoint/types{query}")).send();
    assert!(ask("").await.expect(200)["count"].as_u64().unwrap() > 5);
    let body = ask("?type=AzureRM&scheme=serviceprincipal").await.expect(200);
    assert_eq!((&body["count"], &body["value"][0]["name"]), (&json!(1), &json!("azurerm")));
    let schemes = body["value"][0]["authenticationSchemes"].as_array().unwrap();
    assert_eq!(schemes.len(), 1);
    let confidential: Vec<&Value> = schemes[0]["inputDescriptors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|input| input["isConfidential"] == true)
        .map(|input| &input["id"])
        .collect();
    assert_eq!(confidential, ["accessToken", "serviceprincipalkey", "servicePrincipalCertificate"]);
}

async fn a_new_connection_has_the_inputs_of_its_type_each_in_its_place(way: Way) {
    let devops = as_ann(way, Settings::default(), &with_ann()).await;
    let wrong = |change: fn(&mut Value), status: u16, text: &'static str| {
        let mut document = in_web(azurerm("Wrong"));
        document["authorization"]["parameters"]["serviceprincipalkey"] = json!("a-secret~1");
        change(&mut document);
        (document, status, text)
    };
    for (document, status, text) in [
        wrong(|d| d["type"] = json!("azurermm"), 400, "type 'azurermm'"),
        wrong(|d| d["authorization"]["scheme"] = json!("ServicePrincipals"), 400, "'ServicePrincipals'"),
        wrong(|d| d["authorization"]["parameters"]["tenant"] = json!("x"), 400, "'tenant'"),
        wrong(|d| d["authorization"]["parameters"]["resourceId"] = json!("x"), 400, "'resourceId'"),
        wrong(|d| d["data"]["tenantid"] = json!("x"), 400, "'tenantid'"),
        // The type knows it, for another scope and another proof only.
        wrong(|d| d["data"]["resourceGroupName"] = json!("x"), 400, "'resourceGroupName'"),
        wrong(|d| d["authorization"]["parameters"]["servicePrincipalCertificate"] = json!("x"), 400, "Certificate"),
        wrong(|d| drop(d["data"].as_object_mut().unwrap().remove("subscriptionName")), 400, "'subscriptionName'"),
        wrong(|d| d["authorization"]["parameters"]["serviceprincipalkey"] = json!(""), 400, "'serviceprincipalkey'"),
        wrong(
            |d| drop(d["authorization"]["parameters"].as_object_mut().unwrap().remove("serviceprincipalid")),
            500,
            "TF400898",
        ),
    ] {
        let body = devops.ask("POST", CREATE).json(&document).send().await.expect(status);
        assert!(body["message"].as_str().unwrap().contains(text), "{text}: {body}");
    }
    // Some say that the service passes over what it does not know.
    let devops =
        as_ann(way, Settings::default().with_other_outcome(DevOpsOutcome::ExtraInputsIgnored), &with_ann()).await;
    let (document, ..) = wrong(|d| d["authorization"]["parameters"]["tenant"] = json!("x"), 400, "");
    devops.ask("POST", CREATE).json(&document).send().await.expect(200);
}

mod ways {
    crate::both_ways! {
        an_automatic_creation_makes_an_application_and_takes_its_time
        an_automatic_creation_by_a_service_principal_fails_with_a_reason
        a_federated_connection_works_once_its_credential_exists
        a_conversion_can_be_taken_back_for_seven_days
        what_cannot_be_converted_is_refused_with_its_rule
        pipelines_are_granted_one_by_one_or_all
        each_project_grants_its_own_pipelines
        the_history_comes_in_pages_latest_first
        types_are_found_by_name_and_scheme
        a_new_connection_has_the_inputs_of_its_type_each_in_its_place
    }
}
