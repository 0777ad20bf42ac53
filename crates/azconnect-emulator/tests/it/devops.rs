//! Azure DevOps for the first rotation: projects, service connections, their test, and who is refused.

use azconnect_emulator::{BadAuthentication, Held, Service, Settings};
use serde_json::{Value, json};

use crate::harness::{
    Ask, DEPLOYER, DEVOPS_SCOPE, GRAPH_SCOPE, Harness, OPERATOR, SUBSCRIPTION, TENANT, WEB, Way, contoso,
};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";
const REGISTRY: &str = "50000000-0000-4000-8000-000000000002";
const API: &str = "40000000-0000-4000-8000-000000000002";
const ENDPOINTS: &str = "/contoso/Web/_apis/serviceendpoint/endpoints";

/// The azurerm document of a connection.
pub(crate) fn azurerm(name: &str) -> Value {
    json!({
        "data": {
            "subscriptionId": SUBSCRIPTION, "subscriptionName": "Production", "environment": "AzureCloud",
            "scopeLevel": "Subscription", "creationMode": "Manual",
        },
        "name": name, "type": "azurerm", "url": "https://management.azure.com/",
        "description": "deploys", "futureField": {"kept": [1, 2]}, "isDisabled": false,
        "authorization": {"scheme": "ServicePrincipal", "parameters": {
            "tenantid": TENANT, "serviceprincipalid": DEPLOYER, "authenticationType": "spnKey",
        }},
    })
}

/// Contoso with two connections in the project Web.
pub(crate) fn connected() -> Value {
    let mut seed = contoso();
    seed["organizations"][0]["projects"][0]["connections"] = json!([
        {"id": PRODUCTION, "secret": {"application": DEPLOYER, "password": "old"}, "document": azurerm("Production")},
        {"id": REGISTRY, "secret": {"text": "hub"}, "document": {
            "name": "Registry", "type": "dockerregistry", "url": "https://hub.docker.com/",
            "data": {"registrytype": "Others"},
            "authorization": {"scheme": "UsernamePassword", "parameters": {
                "registry": "https://contoso.azurecr.io", "username": DEPLOYER, "email": "",
            }},
        }},
    ]);
    seed
}

pub(crate) struct DevOps {
    pub(crate) harness: Harness,
    pub(crate) token: String,
}

impl DevOps {
    pub(crate) async fn new(way: Way, settings: Settings, seed: &Value) -> Self {
        let harness = Harness::new(way, settings, seed).await;
        let token = harness.token(DEVOPS_SCOPE).await;
        Self { harness, token }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let ask = self.harness.ask(Service::DevOps, method, path).bearer(&self.token);
        if path.contains("api-version") { ask } else { ask.header("accept", "application/json;api-version=7.1") }
    }

    pub(crate) async fn get(&self, id: &str) -> Value {
        self.ask("GET", &format!("{ENDPOINTS}/{id}?api-version=7.1")).send().await.expect(200)
    }

    pub(crate) async fn put(&self, document: &Value) -> crate::harness::Reply {
        let path =
            format!("/contoso/_apis/serviceendpoint/endpoints/{}?api-version=7.1", document["id"].as_str().unwrap());
        self.ask("PUT", &path).json(document).send().await
    }

    pub(crate) async fn test(&self, id: &str, details: Option<&Value>) -> Value {
        let mut body =
            json!({"dataSourceDetails": {"dataSourceName": "TestConnection"}, "resultTransformationDetails": {}});
        if let Some(details) = details {
            body["serviceEndpointDetails"] = json!({
                "type": details["type"], "url": details["url"], "data": details["data"],
                "authorization": details["authorization"],
            });
        }
        let path = format!("/contoso/Web/_apis/serviceendpoint/endpointproxy?endpointId={id}&api-version=7.1");
        self.ask("POST", &path).json(&body).send().await.expect(200)
    }

    pub(crate) fn held(&self, id: &str) -> Held {
        self.harness.emulator.truth().connection(id.parse().unwrap()).unwrap().holds.clone()
    }
}

#[track_caller]
pub(crate) fn refused(body: &Value, type_key: &str, message: &str) {
    assert_eq!(body["typeKey"], type_key, "{body}");
    assert!(body["message"].as_str().unwrap().contains(message), "{body}");
    assert_eq!((&body["$id"], &body["errorCode"], &body["eventId"]), (&json!("1"), &json!(0), &json!(3000)));
}

async fn one_connection_shows_its_secret_as_null_and_a_list_not_at_all(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let one = devops.get(PRODUCTION).await;
    assert_eq!(one["authorization"]["parameters"].get("serviceprincipalkey"), Some(&Value::Null));
    assert_eq!(one["futureField"], json!({"kept": [1, 2]}));
    assert_eq!((&one["isReady"], &one["isShared"], &one["owner"]), (&json!(true), &json!(false), &json!("library")));
    let reference = &one["serviceEndpointProjectReferences"][0];
    assert_eq!(reference["projectReference"], json!({"id": WEB, "name": "Web"}));
    for query in [
        "",
        "?type=AzureRM&authSchemes=serviceprincipal,None",
        "?endpointNames=Production",
        &format!("?endpointIds={PRODUCTION}"),
    ] {
        let list = devops.ask("GET", &format!("{ENDPOINTS}{query}")).send().await.expect(200);
        assert_eq!(list["count"], if query.is_empty() { 2 } else { 1 }, "{query}");
        let parameters = list["value"][0]["authorization"]["parameters"].as_object().unwrap();
        assert!(!parameters.contains_key("serviceprincipalkey"));
        assert_eq!(parameters["tenantid"], TENANT);
    }
    let none = devops.ask("GET", &format!("{ENDPOINTS}?type=generic")).send().await.expect(200);
    assert_eq!(none, json!({"count": 0, "value": []}));
}

async fn what_is_missing_is_null_or_a_refusal(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let missing = "99999999-0000-4000-8000-000000000000";
    assert_eq!(devops.get(missing).await, Value::Null);
    let project = format!("/contoso/{missing}/_apis/serviceendpoint/endpoints");
    let body = devops.ask("GET", &project).send().await.expect(400);
    refused(&body, "ProjectDoesNotExistException", "VS800075");
    let reply = devops.ask("GET", "/contoso/_apis/projects/Nowhere").send().await;
    assert!(reply.header("x-tfs-serviceerror").starts_with("TF200016%3A"), "{:?}", reply.headers);
    assert!(!reply.header("activityid").is_empty() && !reply.header("x-vss-e2eid").is_empty());
    refused(&reply.expect(404), "ProjectDoesNotExistWithNameException", "TF200016");
    // An organization's name with a slash is one segment, and names nothing.
    for organization in ["fabrikam", "contoso%2F..%2Fcontoso"] {
        let reply = devops.ask("GET", &format!("/{organization}/_apis/projects")).send().await;
        assert_eq!(reply.status, 404);
        assert!(reply.header("content-type").starts_with("text/html"));
    }
    let unknown = devops.ask("GET", "/contoso/_apis/build/builds").send().await.expect(501);
    assert_eq!(unknown["error"]["service"], "devops");
}

async fn an_update_replaces_the_secret_and_keeps_what_it_is_given(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let graph = devops.harness.token(GRAPH_SCOPE).await;
    let minted = devops.harness.add_password(&graph, "next").await;
    let mut document = devops.get(PRODUCTION).await;
    document["authorization"]["parameters"]["serviceprincipalkey"] = minted["secretText"].clone();
    let answer = devops.put(&document).await.expect(200);
    assert_eq!(answer["authorization"]["parameters"]["serviceprincipalkey"], Value::Null);
    assert_eq!(answer["futureField"], json!({"kept": [1, 2]}));
    let key = minted["keyId"].as_str().unwrap().parse().unwrap();
    assert_eq!(devops.held(PRODUCTION), Held::Key(key));
    // Null keeps what is stored.
    let document = devops.get(PRODUCTION).await;
    let mut without = document.clone();
    without["name"] = json!("Renamed");
    without.as_object_mut().unwrap().remove("isDisabled");
    without.as_object_mut().unwrap().remove("futureField");
    devops.put(&without).await.expect(200);
    assert_eq!(devops.held(PRODUCTION), Held::Key(key));
    // What was left out is lost.
    let after = devops.get(PRODUCTION).await;
    assert!(after.get("isDisabled").is_none() && after.get("futureField").is_none());
    assert!(devops.harness.emulator.truth().connection(PRODUCTION.parse().unwrap()).unwrap().secret_usable_now);
}

async fn an_empty_access_token_breaks_the_connection_until_its_secret_is_set_again(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let mut document = devops.get(PRODUCTION).await;
    document["authorization"]["parameters"]["accessToken"] = Value::Null;
    devops.put(&document).await.expect(200);
    let truth = devops.harness.emulator.truth();
    let connection = truth.connection(PRODUCTION.parse().unwrap()).unwrap();
    assert!(connection.broken && !connection.secret_usable_now && connection.accepted.everywhere);
    let result = devops.test(PRODUCTION, None).await;
    assert!(result["errorMessage"].as_str().unwrap().contains("cache value is invalid"), "{result}");
    document["authorization"]["parameters"].as_object_mut().unwrap().remove("accessToken");
    document["authorization"]["parameters"]["serviceprincipalkey"] = json!("deployer-old");
    devops.put(&document).await.expect(200);
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "ok");
}

async fn an_update_is_refused_for_what_the_service_refuses(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let document = devops.get(PRODUCTION).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = document.clone();
        change(&mut changed);
        changed
    };
    let without_url = with(&|d| drop(d.as_object_mut().unwrap().remove("url")));
    refused(&devops.put(&without_url).await.expect(400), "ArgumentNullException", "endpoint.Url");
    let without_type = with(&|d| drop(d.as_object_mut().unwrap().remove("type")));
    refused(&devops.put(&without_type).await.expect(400), "ArgumentNullException", "endpoint.Type");
    let url_twice = with(&|d| d["data"]["url"] = json!("https://x"));
    let body = devops.put(&url_twice).await.expect(500);
    refused(&body, "AuditLogEntryContainsDuplicateDataKeyException", "url");
    let scheme = with(&|d| d["authorization"]["scheme"] = json!("WorkloadIdentityFederation"));
    refused(&devops.put(&scheme).await.expect(400), "ArgumentException", "scheme");
    let other = with(&|d| d["type"] = json!("generic"));
    refused(&devops.put(&other).await.expect(400), "ArgumentException", "type");
    let missing = with(&|d| d["id"] = json!("99999999-0000-4000-8000-000000000000"));
    refused(&devops.put(&missing).await.expect(404), "ServiceEndpointNotFoundException", "99999999");
    assert_eq!(devops.get(PRODUCTION).await, document);
}

async fn several_are_updated_together_or_not_at_all(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let (mut one, mut two) = (devops.get(PRODUCTION).await, devops.get(REGISTRY).await);
    one["description"] = json!("first");
    two["description"] = json!("second");
    let path = "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1-preview.4";
    let answer = devops.ask("PUT", path).json(&json!([one, two])).send().await.expect(200);
    assert_eq!((&answer["count"], &answer["value"][1]["description"]), (&json!(2), &json!("second")));
    two["url"] = json!("");
    one["description"] = json!("third");
    devops.ask("PUT", path).json(&json!([one, two])).send().await.expect(400);
    assert_eq!(devops.get(PRODUCTION).await["description"], "first");
}

async fn the_test_asks_entra_now_for_stored_and_candidate(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    assert_eq!(devops.test(PRODUCTION, None).await, json!({"result": [], "statusCode": "ok", "errorMessage": ""}));
    let mut candidate = devops.get(PRODUCTION).await;
    // A candidate without a secret is tested with the stored one.
    assert_eq!(devops.test(PRODUCTION, Some(&candidate)).await["statusCode"], "ok");
    candidate["authorization"]["parameters"]["serviceprincipalkey"] = json!("wrong");
    let result = devops.test(PRODUCTION, Some(&candidate)).await;
    assert_eq!(result["statusCode"], "badRequest");
    assert!(result["errorMessage"].as_str().unwrap().contains("AADSTS7000215"), "{result}");
    assert!(!result["errorMessage"].as_str().unwrap().contains("wrong"));
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "ok", "the candidate was not stored");
    let without = json!({"dataSourceDetails": {"dataSourceName": "TestConnection"}});
    let path = "/contoso/Web/_apis/serviceendpoint/endpointproxy?endpointId=99999999-0000-4000-8000-000000000000&api-version=7.1";
    let body = devops.ask("POST", path).json(&without).send().await.expect(404);
    refused(&body, "ServiceEndpointNotFoundException", "99999999");
}

async fn a_principal_that_may_not_read_the_subscription_is_403_inside_200(way: Way) {
    let mut seed = connected();
    seed["tenants"][0]["applications"][1]["subscriptionReader"] = json!([]);
    let settings = Settings::default().with_numeric_status_codes(true);
    let devops = DevOps::new(way, settings, &seed).await;
    let result = devops.test(PRODUCTION, None).await;
    assert_eq!(result["statusCode"], 403);
    let message = result["errorMessage"].as_str().unwrap();
    assert!(message.contains("Microsoft.Resources/subscriptions/read") && message.contains("'Forbidden'"), "{message}");
}

// Resource Manager and the test of a connection ask the same roles.
async fn the_test_follows_the_roles_of_resource_manager(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let emulator = &devops.harness.emulator;
    let principal = emulator.truth().application(DEPLOYER.parse().unwrap()).unwrap().service_principal_id.unwrap();
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    emulator.resource_manager().revoke(principal.as_uuid(), &scope);
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "forbidden");
    emulator
        .resource_manager()
        .grant(principal.as_uuid(), "Contributor", &format!("{scope}/resourceGroups/one"))
        .unwrap();
    assert_eq!(
        devops.test(PRODUCTION, None).await["statusCode"],
        "forbidden",
        "a role in a group reads no subscription"
    );
    emulator.resource_manager().grant(principal.as_uuid(), "Contributor", &scope).unwrap();
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "ok");
}

async fn the_test_of_another_registry_asks_docker_hub_and_proves_nothing(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let result = devops.test(REGISTRY, None).await;
    assert_eq!(result["statusCode"], "unauthorized");
    assert!(result["errorMessage"].as_str().unwrap().contains("hub.docker.com"));
}

async fn bad_authentication_has_four_shapes(way: Way) {
    for (shape, status, kind) in [
        (BadAuthentication::Html203, 203, "text/html"),
        (BadAuthentication::Redirect302, 302, "text/html"),
        (BadAuthentication::Empty401, 401, ""),
        (BadAuthentication::Json401, 401, "application/json"),
    ] {
        let settings = Settings::default().with_bad_authentication(shape);
        let harness = Harness::new(way, settings, &connected()).await;
        let graph = harness.token(GRAPH_SCOPE).await;
        let ask = || harness.ask(Service::DevOps, "GET", "/contoso/_apis/connectionData?api-version=7.1-preview.1");
        for reply in [
            ask().send().await,
            ask().bearer("x").send().await,
            ask().bearer(&graph).send().await,
            ask().pat("x").send().await,
        ] {
            assert_eq!(reply.status, status);
            assert!(reply.header("content-type").starts_with(kind));
            assert_eq!(reply.text.is_empty(), kind.is_empty());
            assert_eq!(reply.header("x-vss-resourcetenant"), TENANT);
            assert!(reply.header("www-authenticate").contains(&format!("/{TENANT}")));
            assert_eq!(reply.header("location").contains("_signin"), status == 302);
        }
        if shape == BadAuthentication::Json401 {
            refused(&ask().send().await.json(), "UnauthorizedRequestException", "TF400813");
        }
    }
}

async fn the_caller_is_named_with_headers_that_look_like_a_refusal(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let reply = devops.ask("GET", "/CONTOSO/_apis/connectionData?api-version=7.1-preview.1").send().await;
    assert!(reply.header("www-authenticate").starts_with("Bearer authorization_uri="));
    let body = reply.expect(200);
    assert!(body["authenticatedUser"]["subjectDescriptor"].as_str().unwrap().starts_with("aadsp."));
    assert_eq!(body["authenticatedUser"]["providerDisplayName"], "Operator");
    let body = devops.ask("GET", "/contoso/_apis/connectionData?api-version=7.1").send().await.expect(400);
    refused(&body, "VssInvalidPreviewVersionException", "-preview");
}

async fn versions_come_in_the_query_or_the_accept_header(way: Way) {
    let devops = DevOps::new(way, Settings::default().with_bom_on_errors(true), &connected()).await;
    let document = devops.get(PRODUCTION).await;
    let path = format!("/contoso/_apis/serviceendpoint/endpoints/{PRODUCTION}");
    let bare = || devops.harness.ask(Service::DevOps, "PUT", &path).bearer(&devops.token).json(&document);
    let reply = bare().send().await;
    let text = reply.text.strip_prefix('\u{feff}').expect("a byte order mark");
    assert_eq!(reply.status, 400);
    refused(&serde_json::from_str(text).unwrap(), "VssVersionNotSpecifiedException", "\"PUT\" request");
    bare().header("accept", "application/json;api-version=7.1-preview.4").send().await.expect(200);
    bare().header("accept", "text/plain, application/json; api-version=5.1; excludeUrls=true").send().await.expect(200);
    let reply = bare().header("accept", "application/json;api-version=9.0").send().await;
    assert!(reply.text.contains("VssVersionOutOfRangeException"), "{}", reply.text);
}

async fn projects_come_in_pages(way: Way) {
    let mut seed = contoso();
    let projects: Vec<Value> = (0..5).map(|number| json!({"name": format!("P{number}")})).collect();
    seed["organizations"][0]["projects"] = json!(projects);
    seed["organizations"][0]["projects"][4]["state"] = json!("deleting");
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let first = devops.ask("GET", "/contoso/_apis/projects?$top=3&api-version=7.1").send().await;
    assert_eq!(first.header("x-ms-continuationtoken"), "3");
    assert_eq!(first.expect(200)["count"], 3);
    let last = devops.ask("GET", "/contoso/_apis/projects?$top=3&continuationToken=3&api-version=7.1").send().await;
    assert_eq!(last.header("x-ms-continuationtoken"), "");
    let last = last.expect(200);
    assert_eq!((&last["count"], &last["value"][0]["name"]), (&json!(1), &json!("P3")));
    let all = devops.ask("GET", "/contoso/_apis/projects?stateFilter=all&$skip=4").send().await.expect(200);
    assert_eq!(all["value"][0]["state"], "deleting");
    let one = devops.ask("GET", "/contoso/_apis/projects/p1").send().await.expect(200);
    assert_eq!(one["name"], "P1");
}

async fn a_connection_is_created_shared_unshared_and_deleted(way: Way) {
    let mut seed = connected();
    seed["organizations"][0]["projects"].as_array_mut().unwrap().push(json!({"id": API, "name": "Api"}));
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let mut document = azurerm("Fresh");
    document["id"] = json!("64be39c2-102b-416d-a3ac-2de40ebc8513");
    document["authorization"]["parameters"]["serviceprincipalkey"] = json!("deployer-old");
    document["serviceEndpointProjectReferences"] =
        json!([{"projectReference": {"id": WEB, "name": "Web"}, "name": "Fresh"}]);
    let create =
        || devops.ask("POST", "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1").json(&document).send();
    let created = create().await.expect(200);
    assert_ne!(created["id"], document["id"]);
    assert_eq!(created["authorization"]["parameters"].get("serviceprincipalkey"), Some(&Value::Null));
    assert_eq!(created["createdBy"]["displayName"], "Operator");
    refused(&create().await.expect(500), "DuplicateServiceConnectionException", "already exists");
    let id = created["id"].as_str().unwrap();
    assert_eq!(devops.test(id, None).await["statusCode"], "ok");
    let path = format!("/contoso/_apis/serviceendpoint/endpoints/{id}?api-version=7.1");
    let share = json!([{"projectReference": {"id": API}, "name": "Fresh in Api"}]);
    devops.ask("PATCH", &path).json(&share).send().await.expect(204);
    let shown = devops.get(id).await;
    assert_eq!(
        (&shown["isShared"], shown["serviceEndpointProjectReferences"].as_array().unwrap().len()),
        (&json!(true), 2)
    );
    let api = devops.ask("GET", "/contoso/Api/_apis/serviceendpoint/endpoints").send().await.expect(200);
    assert_eq!(api["value"][0]["name"], "Fresh in Api");
    // Renaming what is shared fails inside the service; an update that names one project removes none.
    let mut renamed = shown.clone();
    renamed["serviceEndpointProjectReferences"][0]["name"] = json!("Other");
    refused(&devops.put(&renamed).await.expect(500), "VssServiceException", "TF400898");
    let mut fewer = shown.clone();
    fewer["serviceEndpointProjectReferences"].as_array_mut().unwrap().pop();
    devops.put(&fewer).await.expect(200);
    assert_eq!(devops.get(id).await["serviceEndpointProjectReferences"].as_array().unwrap().len(), 2);
    devops.ask("DELETE", &path).send().await.expect(400);
    devops.ask("DELETE", &format!("{path}&projectIds={WEB}")).send().await.expect(204);
    assert_eq!(devops.get(id).await, Value::Null);
    let api_id = api["value"][0]["serviceEndpointProjectReferences"][1]["projectReference"]["id"].as_str().unwrap();
    devops.ask("DELETE", &format!("{path}&projectIds={api_id}")).send().await.expect(204);
    assert!(devops.harness.emulator.truth().connection(id.parse().unwrap()).is_none());
}

async fn a_project_creates_in_itself_and_an_address_follows_from_the_type(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let create =
        |document: Value| devops.ask("POST", &format!("{ENDPOINTS}?api-version=4.1-preview.1")).json(&document).send();
    let document = json!({
        "data": {"SubscriptionId": SUBSCRIPTION, "SubscriptionName": "Production"},
        "name": "Classic", "type": "Azure", "isReady": false,
        "authorization": {"parameters": {"Certificate": "dummy"}, "scheme": "Certificate"},
    });
    let created = create(document.clone()).await.expect(200);
    assert_eq!((&created["url"], &created["isReady"]), (&json!("https://management.core.windows.net/"), &json!(true)));
    assert_eq!(created["authorization"], json!({"parameters": {"Certificate": null}, "scheme": "Certificate"}));
    assert_eq!(created["serviceEndpointProjectReferences"][0]["projectReference"]["id"], WEB);
    let keys: Vec<&String> = created.as_object().unwrap().keys().collect();
    let expected = [
        "data",
        "id",
        "name",
        "type",
        "url",
        "createdBy",
        "authorization",
        "isShared",
        "isOutdated",
        "isReady",
        "owner",
        "serviceEndpointProjectReferences",
        "creationDate",
        "modificationDate",
        "modifiedBy",
    ];
    assert_eq!(keys, expected);
    let generic = json!({"name": "G", "type": "generic", "authorization": {"scheme": "None"}});
    refused(&create(generic).await.expect(400), "ArgumentNullException", "endpoint.Url");
}

async fn a_secret_needs_the_permission_on_the_whole_organization(way: Way) {
    let mut seed = connected();
    seed["tenants"][0]["applications"][0]["devopsOrganizations"] = json!([]);
    let member = |groups: Value, grants: Value| json!([{"application": OPERATOR, "groups": groups, "grants": grants}]);
    seed["organizations"][0]["members"] = member(json!(["[Web]\\Endpoint Administrators"]), json!([]));
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let mut document = devops.get(PRODUCTION).await;
    document["description"] = json!("changed");
    devops.put(&document).await.expect(200);
    document["authorization"]["parameters"]["serviceprincipalkey"] = json!("new");
    refused(&devops.put(&document).await.expect(403), "AccessDeniedException", "Administer");
    let token = format!("endpoints/Collection/{PRODUCTION}");
    seed["organizations"][0]["members"] =
        member(json!(["[Web]\\Endpoint Administrators"]), json!([{"token": token, "allow": 2}]));
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    devops.put(&document).await.expect(200);
    assert_eq!(devops.held(PRODUCTION), Held::Unknown);
    // One who may use, and not view, sees an id.
    seed["organizations"][0]["members"] = member(
        json!([]),
        json!([{"token": format!("endpoints/{WEB}/{PRODUCTION}"), "allow": 1}, {"token": format!("endpoints/{WEB}"), "allow": 1}]),
    );
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    assert_eq!(devops.get(PRODUCTION).await, json!({"id": PRODUCTION}));
    // One from outside the project does not even learn of it.
    seed["organizations"][0]["members"] = member(json!([]), json!([]));
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let body = devops.ask("GET", ENDPOINTS).send().await.expect(400);
    refused(&body, "ProjectDoesNotExistException", "VS800075");
}

async fn an_automatic_connection_does_not_take_anyone_elses_key(way: Way) {
    let mut seed = connected();
    seed["organizations"][0]["projects"][0]["connections"][0]["document"]["data"]["creationMode"] = json!("Automatic");
    let devops = DevOps::new(way, Settings::default(), &seed).await;
    let before = devops.held(PRODUCTION);
    let mut document = devops.get(PRODUCTION).await;
    document["authorization"]["parameters"]["serviceprincipalkey"] = json!("mine");
    devops.put(&document).await.expect(200);
    assert_eq!(devops.held(PRODUCTION), before);
}

mod ways {
    crate::both_ways! {
        one_connection_shows_its_secret_as_null_and_a_list_not_at_all
        what_is_missing_is_null_or_a_refusal
        an_update_replaces_the_secret_and_keeps_what_it_is_given
        an_empty_access_token_breaks_the_connection_until_its_secret_is_set_again
        an_update_is_refused_for_what_the_service_refuses
        several_are_updated_together_or_not_at_all
        the_test_asks_entra_now_for_stored_and_candidate
        the_test_follows_the_roles_of_resource_manager
        a_principal_that_may_not_read_the_subscription_is_403_inside_200
        the_test_of_another_registry_asks_docker_hub_and_proves_nothing
        bad_authentication_has_four_shapes
        the_caller_is_named_with_headers_that_look_like_a_refusal
        versions_come_in_the_query_or_the_accept_header
        projects_come_in_pages
        a_connection_is_created_shared_unshared_and_deleted
        a_project_creates_in_itself_and_an_address_follows_from_the_type
        a_secret_needs_the_permission_on_the_whole_organization
        an_automatic_connection_does_not_take_anyone_elses_key
    }
}
