//! Who is who and who may what: profiles, groups, identities, permissions, personal access tokens, budgets.

use std::time::Duration;

use azconnect_emulator::{BadAuthentication, RateLimit, Service, Settings};
use serde_json::{Value, json};

use crate::devops::{connected, refused};
use crate::harness::{Ask, DEVOPS_SCOPE, Harness, OPERATOR, TENANT, WEB, Way};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";
const NAMESPACE: &str = "49b48001-ca20-4adc-8111-5b60c903a50c";
const PATS: &str = "/contoso/_apis/tokens/pats?api-version=7.1-preview.1";

/// Contoso with Ann, who administers connections of Web through a team, and a second organization of another tenant.
fn people() -> Value {
    let mut seed = connected();
    seed["tenants"][0]["users"] = json!([{"userPrincipalName": "ann@contoso.com", "displayName": "Ann"}]);
    let contoso = &mut seed["organizations"][0];
    contoso["projects"].as_array_mut().unwrap().push(json!({"name": "Fresh"}));
    contoso["groups"] = json!([{"name": "[Web]\\Release Team", "memberOf": ["[Web]\\Endpoint Administrators"]}]);
    contoso["members"] = json!([{"user": "ann@contoso.com", "groups": ["[Web]\\Release Team"]}]);
    contoso["personalAccessTokens"] = json!([
        {"user": "ann@contoso.com", "displayName": "all", "token": "ann-all"},
        {"user": "ann@contoso.com", "displayName": "view", "scope": "vso.project vso.serviceendpoint", "token": "ann-view"},
        {"user": "ann@contoso.com", "displayName": "expired", "endsInDays": 0, "token": "ann-expired"},
    ]);
    seed["organizations"].as_array_mut().unwrap().push(json!({"name": "fabrikam", "projects": [{"name": "P"}]}));
    seed
}

struct People {
    harness: Harness,
    ann: String,
}

impl People {
    async fn new(way: Way, settings: Settings) -> Self {
        let harness = Harness::new(way, settings, &people()).await;
        let ann = harness.emulator.sign_in("ann@contoso.com", &harness.cloud.devops_scope()).unwrap();
        let ann = ann.expose().to_owned();
        Self { harness, ann }
    }

    fn ask(&self, service: Service, method: &str, path: &str) -> Ask<'_> {
        let ask = self.harness.ask(service, method, path).bearer(&self.ann);
        if path.contains("api-version") {
            ask
        } else {
            ask.header("accept", "application/json;api-version=7.1-preview.1")
        }
    }

    async fn get(&self, service: Service, path: &str) -> Value {
        self.ask(service, "GET", path).send().await.expect(200)
    }
}

async fn a_person_sees_its_organizations_and_a_service_principal_none(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let me = people.get(Service::DevOpsProfile, "/_apis/profile/profiles/me?api-version=7.1").await;
    assert_eq!(
        (&me["displayName"], &me["emailAddress"], &me["id"]),
        (&json!("Ann"), &json!("ann@contoso.com"), &me["publicAlias"])
    );
    let path = format!("/_apis/accounts?memberId={}&api-version=7.1", me["id"].as_str().unwrap());
    let accounts = people.get(Service::DevOpsProfile, &path).await;
    assert_eq!((&accounts["count"], &accounts["value"][0]["accountName"]), (&json!(1), &json!("contoso")));
    let uri = format!("{}/contoso/", people.harness.origin(Service::DevOpsIdentity));
    assert_eq!(accounts["value"][0]["accountUri"], uri);
    let token = people.harness.token(DEVOPS_SCOPE).await;
    let as_principal = |path: &str| people.harness.ask(Service::DevOpsProfile, "GET", path).bearer(&token).send();
    let me = as_principal("/_apis/profile/profiles/me?api-version=7.1").await.expect(200);
    let path = format!("/_apis/Accounts?memberId={}&api-version=7.1", me["id"].as_str().unwrap());
    assert_eq!(as_principal(&path).await.expect(200), json!({"count": 0, "value": []}));
}

async fn groups_are_found_from_project_to_nested_member(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let scope = people.get(Service::DevOpsIdentity, &format!("/contoso/_apis/graph/descriptors/{WEB}")).await;
    let scope = scope["value"].as_str().unwrap().to_owned();
    assert!(scope.starts_with("scp."));
    let groups =
        people.get(Service::DevOpsIdentity, &format!("/contoso/_apis/graph/groups?scopeDescriptor={scope}")).await;
    let group = |name: &str| {
        let list = groups["value"].as_array().unwrap();
        list.iter().find(|group| group["principalName"] == format!("[Web]\\{name}")).cloned().unwrap_or(Value::Null)
    };
    let (admins, team) = (group("Endpoint Administrators"), group("Release Team"));
    assert_eq!(admins["domain"], format!("vstfs:///Classification/TeamProject/{WEB}"));
    let me = people.get(Service::DevOps, "/contoso/_apis/connectionData").await;
    let me = &me["authenticatedUser"];
    let subject = me["subjectDescriptor"].as_str().unwrap();
    let direct = |group: &Value| {
        let path = format!("/contoso/_apis/graph/Memberships/{subject}/{}", group["descriptor"].as_str().unwrap());
        people.ask(Service::DevOpsIdentity, "HEAD", &path).send()
    };
    // Only direct membership counts here; the nested one is in the identity.
    assert_eq!(direct(&team).await.status, 200);
    assert_eq!(direct(&admins).await.status, 404);
    let path = format!(
        "/contoso/_apis/identities?identityIds={}&queryMembership=expandedUp&api-version=7.1",
        me["id"].as_str().unwrap()
    );
    let identity = people.get(Service::DevOpsIdentity, &path).await;
    let above: Vec<&str> =
        identity["value"][0]["memberOf"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
    let path = format!(
        "/contoso/_apis/identities?subjectDescriptors={}&api-version=7.1",
        admins["descriptor"].as_str().unwrap()
    );
    let legacy =
        people.get(Service::DevOpsIdentity, &path).await["value"][0]["descriptor"].as_str().unwrap().to_owned();
    assert!(legacy.starts_with("Microsoft.TeamFoundation.Identity;S-1-9-") && above.contains(&legacy.as_str()));
    let path = "/contoso/_apis/identities?identityIds=99999999000040008000000000000000&api-version=7.1";
    assert_eq!(people.get(Service::DevOpsIdentity, path).await, json!({"count": 1, "value": [null]}));
    // A fresh project has no endpoint groups yet.
    let all = people.get(Service::DevOpsIdentity, "/contoso/_apis/graph/groups").await;
    let names: Vec<&str> =
        all["value"].as_array().unwrap().iter().map(|g| g["principalName"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"[Fresh]\\Project Administrators")
            && names.contains(&"[contoso]\\Project Collection Administrators")
    );
    assert!(!names.contains(&"[Fresh]\\Endpoint Administrators"));
    let reply = people.ask(Service::DevOpsIdentity, "GET", "/contoso/_apis/graph/groups/vssgp.x").send().await;
    refused(&reply.expect(404), "GraphSubjectNotFoundException", "vssgp.x");
}

async fn groups_come_in_pages(way: Way) {
    let people = People::new(way, Settings::default().with_page_size(5)).await;
    let (mut path, mut count) = ("/contoso/_apis/graph/groups".to_owned(), 0);
    let mut pages = 0;
    loop {
        let reply = people.ask(Service::DevOpsIdentity, "GET", &path).send().await;
        let token = reply.header("x-ms-continuationtoken").to_owned();
        count += reply.expect(200)["value"].as_array().unwrap().len();
        pages += 1;
        if token.is_empty() {
            break;
        }
        path = format!("/contoso/_apis/graph/groups?continuationToken={token}");
    }
    assert_eq!((count, pages), (16, 4));
}

async fn memberships_change_what_a_member_may_do(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let operator = people.harness.token(DEVOPS_SCOPE).await;
    let permissions = format!(
        "/contoso/_apis/permissions/{NAMESPACE}/2?tokens=endpoints/{WEB},endpoints/Collection/{PRODUCTION}&api-version=7.1"
    );
    assert_eq!(people.get(Service::DevOps, &permissions).await["value"], json!([true, false]));
    let search = "/contoso/_apis/identities?searchFilter=General&filterValue=%5Bcontoso%5D%5CProject%20Collection%20Administrators&api-version=7.1";
    let administrators = people.get(Service::DevOpsIdentity, search).await;
    let container = administrators["value"][0]["subjectDescriptor"].as_str().unwrap().to_owned();
    let me = people.get(Service::DevOps, "/contoso/_apis/connectionData").await;
    let subject = me["authenticatedUser"]["subjectDescriptor"].as_str().unwrap();
    let path = format!("/contoso/_apis/graph/memberships/{subject}/{container}?api-version=7.1-preview.1");
    let put = |token: &str| people.harness.ask(Service::DevOpsIdentity, "PUT", &path).bearer(token).send();
    refused(&put(&people.ann).await.expect(403), "AccessDeniedException", "Ann");
    put(&operator).await.expect(201);
    assert_eq!(people.get(Service::DevOps, &permissions).await["value"], json!([true, true]));
    let body = json!({"alwaysallowadministrators": false, "evaluations": [
        {"securitynamespaceid": NAMESPACE, "token": format!("endpoints/{WEB}"), "permissions": 31},
        {"securityNamespaceId": NAMESPACE, "token": "endpoints/elsewhere", "permissions": 4},
    ]});
    let batch = "/contoso/_apis/security/permissionevaluationbatch?api-version=7.1";
    let answer = people.ask(Service::DevOps, "POST", batch).json(&body).send().await.expect(200);
    assert_eq!(
        answer["evaluations"][0],
        json!({"securityNamespaceId": NAMESPACE, "token": format!("endpoints/{WEB}"), "permissions": 31, "value": true})
    );
    people.harness.ask(Service::DevOpsIdentity, "DELETE", &path).bearer(&operator).send().await.expect(200);
    let answer = people.ask(Service::DevOps, "POST", batch).json(&body).send().await.expect(200);
    assert_eq!(answer["evaluations"][1]["value"], false);
}

async fn a_personal_access_token_lives_and_dies(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let post = |body: Value| people.ask(Service::DevOpsIdentity, "POST", PATS).json(&body).send();
    let body =
        json!({"displayName": "azc/1", "scope": "vso.project", "validTo": "2026-03-01T00:00:00Z", "allOrgs": false});
    let created = post(body.clone()).await.expect(200);
    assert_eq!(created["patTokenError"], "none");
    let pat = &created["patToken"];
    assert_eq!(
        (&pat["displayName"], &pat["validTo"], &pat["validFrom"]),
        (&json!("azc/1"), &json!("2026-03-01T00:00:00Z"), &json!("2026-01-01T00:00:00Z"))
    );
    let (text, id) = (pat["token"].as_str().unwrap(), pat["authorizationId"].as_str().unwrap());
    assert_eq!((text.len(), pat["targetAccounts"].as_array().unwrap().len()), (52, 1));
    let projects = || people.harness.ask(Service::DevOps, "GET", "/contoso/_apis/projects").pat(text).send();
    projects().await.expect(200);
    let one = format!("{PATS}&authorizationId={id}");
    let shown = people.get(Service::DevOpsIdentity, &one).await;
    assert_eq!((&shown["patToken"]["token"], &shown["patToken"]["authorizationId"]), (&Value::Null, &json!(id)));
    let listed = people.get(Service::DevOpsIdentity, PATS).await;
    assert_eq!((listed["patTokens"].as_array().unwrap().len(), &listed["continuationToken"]), (3, &json!("")));
    let put = |body: Value| people.ask(Service::DevOpsIdentity, "PUT", PATS).json(&body).send();
    let extended = put(json!({"authorizationId": id, "validTo": "2026-12-31T00:00:00Z"})).await.expect(200);
    assert_eq!(
        (&extended["patToken"]["validTo"], &extended["patToken"]["scope"]),
        (&json!("2026-12-31T00:00:00Z"), &json!("vso.project"))
    );
    // What is wrong is told inside an answer of 200.
    for (field, value, error) in [
        ("validTo", json!("2025-01-01T00:00:00Z"), "invalidValidTo"),
        ("validTo", json!("2027-01-02T00:00:00Z"), "invalidValidTo"),
        ("scope", json!("everything"), "invalidScope"),
        ("displayName", json!(""), "invalidDisplayName"),
        ("displayName", Value::Null, "displayNameRequired"),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let answer = post(wrong).await.expect(200);
        assert_eq!((&answer["patToken"], &answer["patTokenError"]), (&Value::Null, &json!(error)));
    }
    people.ask(Service::DevOpsIdentity, "DELETE", &one).send().await.expect(204);
    people.ask(Service::DevOpsIdentity, "DELETE", &one).send().await.expect(404);
    assert_eq!(projects().await.status, 203);
}

async fn personal_access_tokens_are_for_people_and_within_their_scopes(way: Way) {
    let people = People::new(way, Settings::default().with_bad_authentication(BadAuthentication::Json401)).await;
    let with = |service: Service, method: &str, path: &str, pat: &str| {
        people.harness.ask(service, method, path).pat(pat).json(&json!({})).send()
    };
    let endpoints = "/contoso/Web/_apis/serviceendpoint/endpoints?api-version=7.1";
    with(Service::DevOps, "GET", endpoints, "ann-all").await.expect(200);
    with(Service::DevOps, "GET", endpoints, "ann-view").await.expect(200);
    with(Service::DevOps, "POST", endpoints, "ann-view").await.expect(401);
    with(Service::DevOps, "GET", endpoints, "ann-expired").await.expect(401);
    with(Service::DevOps, "GET", "/fabrikam/_apis/projects", "ann-all").await.expect(401);
    with(Service::DevOpsIdentity, "GET", PATS, "ann-all").await.expect(401);
    let operator = people.harness.token(DEVOPS_SCOPE).await;
    people.harness.ask(Service::DevOpsIdentity, "GET", PATS).bearer(&operator).send().await.expect(401);
    // A token for all organizations has an end, whatever its own date.
    let body =
        json!({"displayName": "global", "scope": "app_token", "validTo": "2026-12-31T00:00:00Z", "allOrgs": true});
    let answer = people.ask(Service::DevOpsIdentity, "POST", PATS).json(&body).send().await.expect(200);
    assert_eq!(answer["patToken"]["targetAccounts"], Value::Null);
    let text = answer["patToken"]["token"].as_str().unwrap();
    with(Service::DevOpsProfile, "GET", "/_apis/profile/profiles/me", text).await.expect(200);
    // Profiles are a scope of their own.
    for (scope, status) in [("vso.project", 401), ("vso.profile", 200)] {
        let body = json!({"displayName": scope, "scope": scope, "validTo": "2026-12-31T00:00:00Z", "allOrgs": true});
        let answer = people.ask(Service::DevOpsIdentity, "POST", PATS).json(&body).send().await.expect(200);
        let text = answer["patToken"]["token"].as_str().unwrap().to_owned();
        let reply = with(Service::DevOpsProfile, "GET", "/_apis/profile/profiles/me", &text).await;
        assert_eq!(reply.status, status, "{scope}");
    }
    people.harness.advance(334 * 24 * 3600);
    with(Service::DevOps, "GET", "/contoso/_apis/projects", text).await.expect(401);
}

async fn a_budget_warns_on_success_and_then_refuses(way: Way) {
    let settings = Settings::default().with_rate_limit(RateLimit::new(5, Duration::from_secs(300)));
    let people = People::new(way, settings).await;
    let ask = || people.ask(Service::DevOps, "GET", "/contoso/_apis/projects").send();
    for _ in 0..3 {
        let reply = ask().await;
        assert_eq!((reply.status, reply.header("retry-after")), (200, ""));
        people.harness.advance(10);
    }
    let warned = ask().await;
    assert_eq!((warned.status, warned.header("retry-after"), warned.header("x-ratelimit-remaining")), (200, "30", "1"));
    assert_eq!(warned.header("x-ratelimit-limit"), "5");
    assert_eq!(ask().await.status, 200);
    let refusal = ask().await;
    assert_eq!(refusal.header("retry-after"), "270");
    // *Rate and usage limits*: the time at which tracked usage would return to nothing, if all of it stopped now.
    assert_eq!(refusal.header("x-ratelimit-reset"), (1_767_225_600 + 30 + 300).to_string());
    refused(&refusal.expect(429), "RequestBlockedException", "TF400733");
    // Another caller has a budget of its own, and time gives this one back.
    let operator = people.harness.token(DEVOPS_SCOPE).await;
    people.harness.ask(Service::DevOps, "GET", "/contoso/_apis/projects").bearer(&operator).send().await.expect(200);
    people.harness.advance(270);
    assert_eq!(ask().await.status, 200);
}

async fn the_route_table_needs_no_authentication_and_the_areas_name_every_origin(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let table = people.harness.ask(Service::DevOps, "OPTIONS", "/contoso/_apis").send().await.expect(200);
    let endpoint =
        table["value"].as_array().unwrap().iter().find(|l| l["id"] == "e85f1c62-adfc-4b74-b618-11a150fb195e").unwrap();
    assert_eq!(endpoint["routeTemplate"], "{project}/_apis/{area}/{resource}/{endpointId}");
    assert_eq!(
        (&endpoint["area"], &endpoint["resourceName"], &endpoint["maxVersion"]),
        (&json!("serviceendpoint"), &json!("endpoints"), &json!("7.2"))
    );
    assert_eq!(people.harness.ask(Service::DevOps, "OPTIONS", "/nowhere/_apis").send().await.status, 404);
    let identity = people.harness.ask(Service::DevOpsIdentity, "OPTIONS", "/contoso/_apis").send().await.expect(200);
    assert!(identity["value"].as_array().unwrap().iter().any(|location| location["area"] == "Graph"));
    // The official clients look for personal access tokens under the id of their area.
    let tokens = identity["value"].as_array().unwrap().iter().find(|location| location["resourceName"] == "Pats");
    let tokens = tokens.unwrap();
    assert_eq!(
        (&tokens["id"], &tokens["routeTemplate"]),
        (&json!("55967393-20ef-45c6-a96c-b5d5d5986a9a"), &json!("_apis/{area}/{resource}"))
    );
    let areas = people.get(Service::DevOps, "/contoso/_apis/ResourceAreas").await;
    for (name, service, path) in [
        ("serviceendpoint", Service::DevOps, "/contoso/"),
        ("graph", Service::DevOpsIdentity, "/contoso/"),
        ("account", Service::DevOpsProfile, "/"),
    ] {
        let area = areas["value"].as_array().unwrap().iter().find(|area| area["name"] == name).unwrap();
        assert_eq!(area["locationUrl"], format!("{}{path}", people.harness.origin(service)));
    }
}

// The JavaScript client asks for one area at a time, in whatever case; the Python client for all, of an organization that
// it writes in lower case.
async fn the_route_table_is_given_area_by_area(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let options = |service, path: &'static str| people.harness.ask(service, "OPTIONS", path).send();
    let table = options(Service::DevOps, "/contoso/_apis/ServiceEndpoint").await.expect(200);
    let areas: Vec<&str> = table["value"].as_array().unwrap().iter().map(|l| l["area"].as_str().unwrap()).collect();
    assert!(areas.len() == 5 && areas.iter().all(|area| *area == "serviceendpoint"), "{areas:?}");
    assert_eq!(table["count"], areas.len());
    let location = options(Service::DevOps, "/CONTOSO/_apis/Location").await.expect(200);
    assert_eq!(location["count"], 2);
    assert_eq!(options(Service::DevOps, "/contoso/_apis/build").await.expect(200), json!({"count": 0, "value": []}));
    assert_eq!(options(Service::DevOpsProfile, "/_apis/Profile").await.expect(200)["count"], 1);
    assert_eq!(
        options(Service::DevOps, "/_apis").await.expect(200),
        options(Service::DevOpsProfile, "/_apis").await.expect(200)
    );
    assert_eq!(options(Service::DevOps, "/nowhere/_apis/core").await.status, 404);
}

// Every project is created with a team of its name.
async fn a_project_has_its_team(way: Way) {
    let people = People::new(way, Settings::default()).await;
    let teams = people.get(Service::DevOps, "/contoso/_apis/projects/Web/teams").await;
    let team = &teams["value"][0];
    assert_eq!((&team["name"], &team["projectName"]), (&json!("Web Team"), &json!("Web")));
    let path = team["url"].as_str().unwrap().replace(&people.harness.origin(Service::DevOps), "");
    let one = people.harness.ask(Service::DevOps, "GET", &path).bearer(&people.harness.token(DEVOPS_SCOPE).await);
    assert_eq!(one.send().await.expect(200)["id"], team["id"]);
    let all = people.harness.ask(Service::DevOps, "GET", "/contoso/_apis/teams");
    let all = all.header("accept", "application/json;api-version=7.1-preview.3");
    let all = all.bearer(&people.harness.token(DEVOPS_SCOPE).await).send().await.expect(200);
    assert!(all["value"].as_array().unwrap().iter().any(|one| one["id"] == team["id"]));
    let token = people.harness.token(DEVOPS_SCOPE).await;
    let missing = people.harness.ask(Service::DevOps, "GET", "/contoso/_apis/projects/Web/teams/None").bearer(&token);
    refused(&missing.send().await.expect(404), "TeamNotFoundException", "VS402379");
    let members = format!("/contoso/_apis/projects/Web/teams/{}/members", team["id"].as_str().unwrap());
    assert!(people.get(Service::DevOps, &members).await["value"].is_array());
}

async fn a_server_on_premises_is_older_and_one_origin(way: Way) {
    let mut seed = people();
    seed["organizations"][0]["latestApiVersion"] = json!("7.0");
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let ask = |path: &str| harness.ask(Service::DevOps, "GET", path).pat("ann-all").send();
    let body = ask("/tfs/contoso/_apis/projects?api-version=7.1").await.expect(400);
    refused(&body, "VssVersionOutOfRangeException", "supports is 7.0");
    assert_eq!(ask("/tfs/contoso/_apis/projects?api-version=7.0").await.expect(200)["count"], 1);
    ask("/contoso/_apis/graph/groups?api-version=7.0-preview.1").await.expect(200);
    assert_eq!(ask("/contoso/_apis/ResourceAreas?api-version=7.0-preview.1").await.expect(200)["count"], 0);
}

async fn an_organization_of_another_tenant_refuses_and_names_its_own(way: Way) {
    let mut seed = people();
    let other = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02";
    seed["tenants"].as_array_mut().unwrap().push(json!({"id": other, "domain": "fabrikam.onmicrosoft.com"}));
    seed["organizations"][1]["tenant"] = json!(other);
    seed["organizations"][1]["members"] = json!([{"application": OPERATOR}]);
    let harness =
        Harness::new(way, Settings::default().with_bad_authentication(BadAuthentication::Empty401), &seed).await;
    let token = harness.token(DEVOPS_SCOPE).await;
    let path = "/fabrikam/_apis/connectionData?api-version=7.1-preview.1";
    let reply = harness.ask(Service::DevOps, "GET", path).bearer(&token).send().await;
    assert_eq!((reply.status, reply.header("x-vss-resourcetenant")), (401, other));
    let path = "/contoso/_apis/connectionData?api-version=7.1-preview.1";
    let reply = harness.ask(Service::DevOps, "GET", path).send().await;
    assert_eq!(reply.header("x-vss-resourcetenant"), TENANT);
}

mod ways {
    crate::both_ways! {
        a_person_sees_its_organizations_and_a_service_principal_none
        groups_are_found_from_project_to_nested_member
        groups_come_in_pages
        memberships_change_what_a_member_may_do
        a_personal_access_token_lives_and_dies
        personal_access_tokens_are_for_people_and_within_their_scopes
        a_budget_warns_on_success_and_then_refuses
        the_route_table_needs_no_authentication_and_the_areas_name_every_origin
        the_route_table_is_given_area_by_area
        a_project_has_its_team
        a_server_on_premises_is_older_and_one_origin
        an_organization_of_another_tenant_refuses_and_names_its_own
    }
}
