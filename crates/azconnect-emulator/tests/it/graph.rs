//! Graph: applications, secrets, federated credentials.

use azconnect_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, DEVOPS_SCOPE, GRAPH_SCOPE, Harness, OPERATOR, Way, contoso};

#[track_caller]
fn refused(body: &Value, code: &str, message: &str) {
    assert_eq!(body["error"]["code"], code, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains(message), "{body}");
    assert!(!body["error"]["innerError"]["request-id"].as_str().unwrap().is_empty());
}

async fn a_secret_is_shown_once_and_listed_without_its_text(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "azc/1/Ünïcode ~").await;
    let text = minted["secretText"].as_str().unwrap();
    assert_eq!(text.len(), 40);
    assert_eq!(minted["hint"], text[..3]);
    assert_eq!(minted["customKeyIdentifier"], Value::Null);
    assert_eq!(minted["endDateTime"], "2026-06-01T00:00:00Z");
    let path = format!("/applications/{DEPLOYER_OBJECT}?$select=id,appId,passwordCredentials");
    let listed = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    let keys: Vec<&String> = listed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["@odata.context", "id", "appId", "passwordCredentials"]);
    let listed = listed["passwordCredentials"].as_array().unwrap();
    let ours = listed.iter().find(|password| password["keyId"] == minted["keyId"]).unwrap();
    assert_eq!(ours["displayName"], "azc/1/Ünïcode ~");
    assert_eq!(ours["secretText"], Value::Null);
    assert_eq!(ours["hint"], text[..3]);
    harness.token_reply(DEPLOYER, text, GRAPH_SCOPE).await.expect(200);
    let key = minted["keyId"].as_str().unwrap().parse().unwrap();
    assert_eq!(harness.emulator.secret_of(key).unwrap().expose(), text);
    assert!(harness.emulator.truth().password(key).unwrap().accepted.everywhere);
}

async fn a_removed_secret_is_gone_and_a_second_removal_is_the_documented_400(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "x").await;
    let path = format!("/applications(appId='{DEPLOYER}')/removePassword");
    let remove = || harness.graph("POST", &path).bearer(&token).json(&json!({"keyId": minted["keyId"]})).send();
    remove().await.expect(204);
    let again = remove().await.expect(400);
    refused(&again, "Request_BadRequest", "No password credential found with keyId");
    harness.token_reply(DEPLOYER, minted["secretText"].as_str().unwrap(), GRAPH_SCOPE).await.expect(401);
    let truth = harness.emulator.truth();
    let password = truth.password(minted["keyId"].as_str().unwrap().parse().unwrap()).unwrap();
    assert!(!password.live && password.removed_at.is_some());
}

async fn an_application_is_found_by_object_id_by_client_id_and_by_filter(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for path in [
        format!("/applications/{DEPLOYER_OBJECT}"),
        format!("/applications(appId='{DEPLOYER}')"),
        format!("/applications%28appId=%27{DEPLOYER}%27%29"),
    ] {
        let body = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
        assert_eq!((&body["appId"], &body["id"]), (&json!(DEPLOYER), &json!(DEPLOYER_OBJECT)));
        assert_eq!(body["signInAudience"], "AzureADMyOrg");
    }
    for filter in [
        format!("appId%20eq%20'{DEPLOYER}'"),
        format!("appId+eq+%27{DEPLOYER}%27"),
        "displayName eq 'Deployer'".replace(' ', "%20"),
        "startswith(displayName,'Dep')".to_owned(),
    ] {
        let path = format!("/applications?$filter={filter}");
        let body = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
        assert_eq!(body["value"].as_array().unwrap().len(), 1, "{filter}");
        assert_eq!(body["value"][0]["appId"], DEPLOYER);
    }
    let body = harness.graph("GET", "/applications?$filter=appId%20ne%20'x'").bearer(&token).send().await.expect(400);
    refused(&body, "Request_UnsupportedQuery", "Invalid filter clause");
    let missing = harness.graph("GET", &format!("/applications/{DEPLOYER}")).bearer(&token).send().await.expect(404);
    refused(&missing, "Request_ResourceNotFound", "does not exist");
    let filter = format!("/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'{DEPLOYER}')");
    let body = harness.graph("GET", &filter).bearer(&token).send().await.expect(200);
    assert_eq!(body["value"][0]["appId"], DEPLOYER);
}

async fn pages_link_to_the_callers_own_origin(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for number in 0..5 {
        let body = json!({"displayName": format!("app {number}")});
        harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
    }
    let mut next = "/v1.0/applications?$top=3&$select=displayName".to_owned();
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let body = harness.ask(Service::Graph, "GET", &next).bearer(&token).send().await.expect(200);
        pages += 1;
        names.extend(body["value"].as_array().unwrap().iter().map(|a| a["displayName"].clone()));
        let Some(link) = body["@odata.nextLink"].as_str() else { break };
        assert!(link.starts_with(&format!("{}/v1.0/applications?", harness.origin(Service::Graph))), "{link}");
        next = link.to_owned();
    }
    assert_eq!((names.len(), pages), (7, 3));
    let wrong = harness.graph("GET", "/applications?$skiptoken=zzz").bearer(&token).send().await.expect(400);
    refused(&wrong, "Directory_ExpiredPageToken", "expired");
    let wrong = harness.graph("GET", "/applications?$top=1000").bearer(&token).send().await.expect(400);
    refused(&wrong, "Request_UnsupportedQuery", "Invalid page size");
}

async fn limits_and_dates_are_enforced(way: Way) {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["signInAudience"] = "AzureADandPersonalMicrosoftAccount".into();
    seed["tenants"][0]["passwordPolicy"] = json!({"maxLifetimeDays": 90});
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    let add = |end: Value| {
        let body = json!({"passwordCredential": {"displayName": "x", "endDateTime": end}});
        harness.graph("POST", &path).bearer(&token).json(&body).send()
    };
    refused(
        &add(json!("2026-02-01T00:00:00Z")).await.expect(400),
        "Request_BadRequest",
        "Not allowed to add 3 passwords. You can only add a maximum of 2 passwords.",
    );
    refused(&add(json!("2025-12-31T00:00:00Z")).await.expect(400), "Request_BadRequest", "endDateTime");
    refused(&add(json!("tomorrow")).await.expect(400), "Request_BadRequest", "Edm.DateTimeOffset");
    // An omitted end is two years on, which the policy refuses.
    for end in [json!("2026-07-01T00:00:00Z"), Value::Null] {
        let body = add(end).await.expect(400);
        refused(&body, "CredentialInvalidLifetimeAsPerAppPolicy", "policy '00000000-0000-0000-0000-000000000000'");
        assert_eq!(body["error"]["details"][0]["code"], "InvalidKeyEndDate");
        assert_eq!(body["error"]["details"][0]["target"], "EndDate");
    }
    let policy = harness.graph("GET", "/policies/defaultAppManagementPolicy").bearer(&token).send().await.expect(200);
    assert_eq!(policy["applicationRestrictions"]["passwordCredentials"][0]["maxLifetime"], "P90D");
}

async fn the_default_end_is_two_years_after_the_start(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/servicePrincipals(appId='{DEPLOYER}')/addPassword");
    let minted = harness.graph("POST", &path).bearer(&token).json(&json!({})).send().await.expect(200);
    assert_eq!(minted["startDateTime"], "2026-01-01T00:00:00Z");
    assert_eq!(minted["endDateTime"], "2028-01-01T00:00:00Z");
    assert_eq!(minted["displayName"], Value::Null);
    harness.token_reply(DEPLOYER, minted["secretText"].as_str().unwrap(), GRAPH_SCOPE).await.expect(200);
    let path = format!("/servicePrincipals(appId='{DEPLOYER}')/removePassword");
    harness.graph("POST", &path).bearer(&token).json(&json!({"keyId": minted["keyId"]})).send().await.expect(204);
}

async fn a_role_for_owned_applications_changes_only_those(way: Way) {
    let mut seed = contoso();
    let operator = &mut seed["tenants"][0]["applications"][0];
    operator["graphRoles"] = json!(["Application.ReadWrite.OwnedBy"]);
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    let body = harness.graph("POST", &path).bearer(&token).json(&json!({})).send().await.expect(403);
    refused(&body, "Authorization_RequestDenied", "Insufficient privileges");
    harness.graph("GET", &format!("/applications/{DEPLOYER_OBJECT}")).bearer(&token).send().await.expect(200);
    seed["tenants"][0]["applications"][0]["owns"] = json!([DEPLOYER]);
    let harness = Harness::new(way, Settings::default(), &seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    harness.graph("POST", &path).bearer(&token).json(&json!({})).send().await.expect(200);
    // What it creates is its own.
    let body = json!({"displayName": "mine"});
    let mine = harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
    let path = format!("/applications/{}/addPassword", mine["id"].as_str().unwrap());
    harness.graph("POST", &path).bearer(&token).json(&json!({})).send().await.expect(200);
}

async fn a_principal_without_a_role_is_refused(way: Way) {
    let harness = Harness::contoso(way).await;
    let reply = harness.token_reply(DEPLOYER, "deployer-old", GRAPH_SCOPE).await.expect(200);
    let token = reply["access_token"].as_str().unwrap();
    let body = harness.graph("GET", "/applications").bearer(token).send().await.expect(403);
    refused(&body, "Authorization_RequestDenied", "Insufficient privileges");
}

async fn a_wrong_token_is_refused_in_words(way: Way) {
    let harness = Harness::contoso(way).await;
    let ask = || harness.graph("GET", "/applications").header("client-request-id", "mine");
    let reply = ask().send().await;
    assert_eq!(reply.header("client-request-id"), "mine");
    assert!(!reply.header("request-id").is_empty());
    refused(&reply.expect(401), "InvalidAuthenticationToken", "empty");
    refused(&ask().bearer("abc").send().await.expect(401), "InvalidAuthenticationToken", "80049217");
    let other = harness.token(DEVOPS_SCOPE).await;
    refused(&ask().bearer(&other).send().await.expect(401), "InvalidAuthenticationToken", "audience");
    let token = harness.token(GRAPH_SCOPE).await;
    ask().bearer(&token).send().await.expect(200);
    harness.advance(3600);
    refused(&ask().bearer(&token).send().await.expect(401), "InvalidAuthenticationToken", "expired");
}

async fn an_application_is_registered_given_a_principal_and_deleted(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let body =
        json!({"displayName": "new", "signInAudience": "AzureADMultipleOrgs", "web": {"redirectUris": ["https://x"]}});
    let created = harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
    assert_eq!(created["web"]["redirectUris"][0], "https://x");
    let principal = json!({"appId": created["appId"]});
    let ask = || harness.graph("POST", "/servicePrincipals").bearer(&token).json(&principal).send();
    let made = ask().await.expect(201);
    assert_eq!(made["appId"], created["appId"]);
    refused(&ask().await.expect(409), "Request_MultipleObjectsWithSameKeyValue", "already in use");
    let path = format!("/applications/{}", created["id"].as_str().unwrap());
    let patch = harness.graph("PATCH", &path).bearer(&token).json(&json!({"displayName": "renamed"})).send();
    patch.await.expect(204);
    let secrets = json!({"passwordCredentials": [{"displayName": "x"}]});
    harness.graph("PATCH", &path).bearer(&token).json(&secrets).send().await.expect(400);
    let body = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    assert_eq!(body["displayName"], "renamed");
    let ids = json!({"ids": [created["id"], made["id"]], "types": ["servicePrincipal"]});
    let found = harness.graph("POST", "/directoryObjects/getByIds").bearer(&token).json(&ids).send().await.expect(200);
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(found["value"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");
    harness.graph("DELETE", &path).bearer(&token).send().await.expect(204);
    harness.graph("GET", &path).bearer(&token).send().await.expect(404);
}

async fn federated_credentials_keep_their_limits(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/federatedIdentityCredentials");
    let credential = |name: &str, subject: &str| json!({"name": name, "issuer": "https://issuer", "subject": subject, "audiences": ["api://AzureADTokenExchange"]});
    let add = |body: Value| harness.graph("POST", &path).bearer(&token).json(&body).send();
    let first = add(credential("a", "s")).await.expect(201);
    add(credential("a", "t")).await.expect(409);
    add(credential("b", "s")).await.expect(409);
    add(credential(&"n".repeat(121), "u")).await.expect(400);
    let mut two = credential("c", "u");
    two["audiences"] = json!(["x", "y"]);
    add(two).await.expect(400);
    for number in 1..20 {
        add(credential(&format!("n{number}"), &format!("s{number}"))).await.expect(201);
    }
    refused(&add(credential("z", "z")).await.expect(400), "Request_BadRequest", "maximum number");
    let one = format!("{path}/{}", first["id"].as_str().unwrap());
    let patch = |body: Value| harness.graph("PATCH", &one).bearer(&token).json(&body).send();
    patch(json!({"subject": "changed"})).await.expect(204);
    patch(json!({"name": "other"})).await.expect(400);
    let body = harness.graph("GET", &format!("{path}/a")).bearer(&token).send().await.expect(200);
    assert_eq!(body["subject"], "changed");
    harness.graph("DELETE", &one).bearer(&token).send().await.expect(204);
    harness.graph("DELETE", &one).bearer(&token).send().await.expect(404);
    let body = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    assert_eq!(body["value"].as_array().unwrap().len(), 19);
}

async fn what_the_documents_do_not_name_is_refused(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    for body in [
        json!({"redirectUris": ["https://a.example/"]}),
        json!({"web": {"redirectUrls": ["https://a.example/"]}}),
        json!({"web": {"redirectUris": ["http://a.example/"]}}),
        json!({"web": {"redirectUris": ["https://a.example/", "https://a.example/"]}}),
        json!({"web": {"redirectUris": [], "redirectUriSettings": []}}),
        json!({"spa": {"redirectUris": ["myapp://auth"]}}),
        json!({"requiredResourceAccess": [{"resourceAppId": DEPLOYER, "resourceAccess": []}]}),
        json!({"requiredResourceAccess": [{"resourceAppId": DEPLOYER, "resourceAccess": [{"id": DEPLOYER, "type": "Delegated"}]}]}),
        json!({"requiredResourceAccess": [{"resourceAppId": DEPLOYER, "scopes": []}]}),
        json!({"tags": [""]}),
        json!({"appId": DEPLOYER}),
    ] {
        let answer = harness.graph("PATCH", &path).bearer(&token).json(&body).send().await.expect(400);
        assert_eq!(answer["error"]["code"], "Request_BadRequest", "{body}");
    }
    let unknown = json!({"displayName": "x", "display_name": "x"});
    harness.graph("POST", "/applications").bearer(&token).json(&unknown).send().await.expect(400);
    let unknown = json!({"appId": DEPLOYER, "enabled": true});
    harness.graph("POST", "/servicePrincipals").bearer(&token).json(&unknown).send().await.expect(400);
    for filter in ["notes eq 'x'", "secret eq 'x'", "displayName eq 'x' and passwordCredentials eq 'x'"] {
        let path = format!("/applications?$filter={}", filter.replace(' ', "%20"));
        let answer = harness.graph("GET", &path).bearer(&token).send().await.expect(400);
        assert_eq!(answer["error"]["code"], "Request_UnsupportedQuery", "{filter}");
    }
}

async fn consents_and_roles_take_permissions_of_their_own(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
    let graph = harness.graph("GET", path).bearer(&token).send().await.expect(200);
    let (resource, roles) = (graph["id"].as_str().unwrap(), graph["appRoles"].as_array().unwrap());
    assert!(roles.iter().any(|role| role["value"] == "Application.ReadWrite.OwnedBy"));
    // The operator may change all applications, which is not the right to let them do anything.
    let grant =
        json!({"clientId": resource, "consentType": "AllPrincipals", "resourceId": resource, "scope": "User.Read"});
    let answer = harness.graph("POST", "/oauth2PermissionGrants").bearer(&token).json(&grant).send().await.expect(403);
    assert_eq!(answer["error"]["code"], "Authorization_RequestDenied");
    let role = json!({"principalId": resource, "resourceId": resource, "appRoleId": roles[0]["id"]});
    let path = format!("/servicePrincipals/{resource}/appRoleAssignments");
    harness.graph("POST", &path).bearer(&token).json(&role).send().await.expect(403);
}

async fn options_and_routes_that_are_not_emulated_are_refused_loudly(way: Way) {
    let harness = Harness::contoso(way).await;
    let token = harness.token(GRAPH_SCOPE).await;
    for path in ["/applications?$expand=owners", "/drives", "/me/messages", "/applications/delta"] {
        let body = harness.graph("GET", path).bearer(&token).send().await.expect(501);
        assert_eq!(body["error"]["code"], "EmulatorUnknownRoute");
    }
    let truth = harness.emulator.truth();
    assert_eq!(truth.unknown_routes, 4);
    assert!(truth.unknown_route_names.contains(&"graph GET /v1.0/drives".to_owned()));
    assert_eq!(truth.exchanges, 5);
    assert_eq!(truth.application(OPERATOR.parse().unwrap()).unwrap().display_name, "Operator");
}

mod ways {
    crate::both_ways! {
        a_secret_is_shown_once_and_listed_without_its_text
        a_removed_secret_is_gone_and_a_second_removal_is_the_documented_400
        an_application_is_found_by_object_id_by_client_id_and_by_filter
        pages_link_to_the_callers_own_origin
        limits_and_dates_are_enforced
        the_default_end_is_two_years_after_the_start
        a_role_for_owned_applications_changes_only_those
        a_principal_without_a_role_is_refused
        a_wrong_token_is_refused_in_words
        an_application_is_registered_given_a_principal_and_deleted
        federated_credentials_keep_their_limits
        what_the_documents_do_not_name_is_refused
        consents_and_roles_take_permissions_of_their_own
        options_and_routes_that_are_not_emulated_are_refused_loudly
    }
}
