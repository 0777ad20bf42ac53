//! Graph: the tenant beside its applications, and the spellings of Microsoft's own clients.

use azconnect_core::Scope;
use azconnect_emulator::Settings;
use serde_json::{Value, json};

use crate::harness::{DEPLOYER, GRAPH_SCOPE, Harness, OPERATOR, TENANT, Way, contoso};

const ADA: &str = "50000000-0000-4000-8000-000000000001";

async fn directory(way: Way) -> Harness {
    let mut seed = contoso();
    let roles = ["Application.ReadWrite.All", "Directory.Read.All", "Policy.Read.ApplicationConfiguration"];
    seed["tenants"][0]["applications"][0]["graphRoles"] = json!(roles);
    seed["tenants"][0]["users"] =
        json!([{"id": ADA, "userPrincipalName": "ada@contoso.onmicrosoft.com", "displayName": "Ada"}]);
    Harness::new(way, Settings::default(), &seed).await
}

async fn get(harness: &Harness, token: &str, path: &str) -> Value {
    harness.graph("GET", path).bearer(token).send().await.expect(200)
}

fn names(page: &Value) -> Vec<&str> {
    page["value"].as_array().unwrap().iter().map(|one| one["displayName"].as_str().unwrap()).collect()
}

async fn a_tenant_shows_its_organization_domains_and_people(way: Way) {
    let harness = directory(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let organization = get(&harness, &token, "/organization").await["value"][0].clone();
    assert_eq!((&organization["id"], &organization["displayName"]), (&json!(TENANT), &json!("Contoso")));
    assert_eq!(organization["verifiedDomains"][0]["name"], "contoso.onmicrosoft.com");
    assert_eq!(get(&harness, &token, &format!("/organization/{TENANT}")).await["displayName"], "Contoso");
    assert_eq!(get(&harness, &token, "/domains").await["value"][0]["id"], "contoso.onmicrosoft.com");
    assert_eq!(names(&get(&harness, &token, "/users").await), ["Ada"]);
    assert_eq!(get(&harness, &token, "/users/ada%40contoso.onmicrosoft.com").await["id"], ADA);
    assert_eq!(
        get(&harness, &token, &format!("/users/{ADA}")).await["userPrincipalName"],
        "ada@contoso.onmicrosoft.com"
    );
    assert_eq!(get(&harness, &token, "/groups").await["value"], json!([]));
    assert_eq!(get(&harness, &token, "/policies/appManagementPolicies").await["value"], json!([]));
    let missing = harness.graph("GET", "/users/nobody").bearer(&token).send().await;
    assert_eq!(missing.expect(404)["error"]["code"], "Request_ResourceNotFound");
}

// The permissions of *Get tenantAppManagementPolicy*: those for policies, and none for applications.
async fn reading_policies_takes_a_permission_for_policies(way: Way) {
    for (role, status) in
        [("Application.ReadWrite.All", 403), ("Policy.Read.ApplicationConfiguration", 200), ("Policy.Read.All", 200)]
    {
        let mut seed = contoso();
        seed["tenants"][0]["applications"][0]["graphRoles"] = json!([role]);
        let harness = Harness::new(way, Settings::default(), &seed).await;
        let token = harness.token(GRAPH_SCOPE).await;
        harness.graph("GET", "/policies/defaultAppManagementPolicy").bearer(&token).send().await.expect(status);
    }
}

async fn a_choice_of_what_the_type_does_not_have_is_refused(way: Way) {
    let harness = directory(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for path in ["/applications?$select=id,dispayName", "/servicePrincipals?$select=appid,secrets"] {
        let refused = harness.graph("GET", path).bearer(&token).send().await.expect(400);
        assert!(refused["error"]["message"].as_str().unwrap().contains("Could not find a property"), "{refused}");
    }
    let page = get(&harness, &token, "/applications?$select=id,displayName,signInAudience").await;
    assert!(page["value"][0]["displayName"].is_string(), "{page}");
}

// A service principal is nobody: `me` is a person's.
async fn me_is_the_person_who_asks(way: Way) {
    let harness = directory(way).await;
    let scope = Scope::of_resource("https://graph.microsoft.com");
    let person = harness.emulator.sign_in("ada@contoso.onmicrosoft.com", &scope).unwrap();
    assert_eq!(get(&harness, person.expose(), "/me").await["id"], ADA);
    let token = harness.token(GRAPH_SCOPE).await;
    let refused = harness.graph("GET", "/me").bearer(&token).send().await.expect(400);
    assert!(refused["error"]["message"].as_str().unwrap().contains("delegated"), "{refused}");
}

async fn reading_the_tenant_takes_a_role(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for path in ["/organization", "/domains", "/users", "/groups"] {
        let refused = harness.graph("GET", path).bearer(&token).send().await.expect(403);
        assert_eq!(refused["error"]["code"], "Authorization_RequestDenied", "{path}");
    }
}

// The SDKs write an empty segment, and encode what they filter by.
async fn the_spellings_of_microsofts_own_clients_are_understood(way: Way) {
    let harness = directory(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    assert_eq!(names(&get(&harness, &token, "//applications").await), ["Operator", "Deployer"]);
    for filter in [
        format!("appId+eq+%27{DEPLOYER}%27"),
        format!("appId%20eq%20%27{DEPLOYER}%27"),
        "displayName%20eq%20%27Deployer%27".to_owned(),
        "startswith%28displayName%2C%27Dep%27%29".to_owned(),
        "startsWith(displayName,'Dep')".to_owned(),
    ] {
        let page = get(&harness, &token, &format!("/applications?%24filter={filter}")).await;
        assert_eq!(names(&page), ["Deployer"], "{filter}");
    }
    let any = format!("servicePrincipalNames%2Fany%28c%3Ac%20eq%20%27{OPERATOR}%27%29");
    let page = get(&harness, &token, &format!("/servicePrincipals?$filter={any}")).await;
    assert_eq!(names(&page), ["Operator"]);
    let owners = page["value"][0]["id"].as_str().unwrap();
    assert_eq!(get(&harness, &token, &format!("/servicePrincipals/{owners}/owners")).await["value"], json!([]));
}

async fn a_search_takes_the_consistency_header(way: Way) {
    let harness = directory(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let search = || harness.graph("GET", "/applications?$search=%22displayName:dep%22").bearer(&token);
    let refused = search().send().await.expect(400);
    assert_eq!(refused["error"]["code"], "Request_UnsupportedQuery");
    assert_eq!(names(&search().header("consistencylevel", "eventual").send().await.expect(200)), ["Deployer"]);
}

async fn a_deleted_application_is_listed_with_its_principal(way: Way) {
    let harness = directory(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    harness.graph("DELETE", &format!("/applications(appId='{DEPLOYER}')")).bearer(&token).send().await.expect(204);
    // The SDKs write the types without their first word.
    for kind in ["microsoft.graph.application", "microsoft.graph.servicePrincipal", "graph.application"] {
        let page = get(&harness, &token, &format!("/directory/deletedItems/{kind}")).await;
        assert_eq!(names(&page), ["Deployer"], "{kind}");
    }
    assert_eq!(get(&harness, &token, "/directory/deletedItems/microsoft.graph.user").await["value"], json!([]));
}

mod ways {
    crate::both_ways! {
        reading_policies_takes_a_permission_for_policies
        a_choice_of_what_the_type_does_not_have_is_refused
        a_tenant_shows_its_organization_domains_and_people
        me_is_the_person_who_asks
        reading_the_tenant_takes_a_role
        the_spellings_of_microsofts_own_clients_are_understood
        a_search_takes_the_consistency_header
        a_deleted_application_is_listed_with_its_principal
    }
}
