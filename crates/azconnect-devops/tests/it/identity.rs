//! Who the caller is, and in which organizations.

use std::sync::Arc;

use azconnect_core::{ErrorKind, Secret};
use azconnect_devops::{IdentityKind, OrganizationName, OrganizationTenant, PersonalAccessToken};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{Script, plain};

const ENTRA: &str = "45aa3d2d-7442-473d-b4d3-3c670da9dd96";

fn directory(accounts: Value) -> Script {
    Script::new(move |request| {
        let path = request.uri().path();
        let home = request
            .headers()
            .get("authorization")
            .is_some_and(|value| value.to_str().unwrap() == "Basic OmhvbWUtdG9rZW4=");
        if path.ends_with("/profiles/me") {
            return plain(200, json!({"id": if home { "home" } else { "guest" }, "displayName": "Ada"}));
        }
        if path.ends_with("/_apis/accounts") {
            let own = json!([{"accountId": "1", "accountName": "home-org", "accountUri": "https://x"}]);
            return plain(200, if home { own } else { accounts.clone() });
        }
        if path.starts_with("/missing/") {
            return plain(404, Value::Null);
        }
        if request.headers().contains_key("authorization") && path.starts_with("/contoso/") {
            return plain(200, json!({"authenticatedUser": {"id": "e18a1f0a-b112-67fd-a9e0-e3bb081da49e"}}));
        }
        let tenant = if path.starts_with("/personal/") { "00000000-0000-0000-0000-000000000000" } else { ENTRA };
        (401, vec![("x-vss-resourcetenant", tenant.to_owned())], Value::Null)
    })
}

#[tokio::test(start_paused = true)]
async fn organizations_are_grouped_by_tenant_and_a_guest_s_home_is_included_on_request() {
    let list = json!({"count": 2, "value": [{"accountId": "2", "accountName": "contoso"}, {"accountId": "3", "accountName": "personal"}, {"accountName": "not/one"}]});
    let script = directory(list);
    let client = script.client(&VirtualClock::new());
    let home = Arc::new(PersonalAccessToken::new(Secret::new("home-token")).unwrap());
    let search = client.organizations(&[home], &[]).await.unwrap();
    let names = |index: usize| {
        search.groups[index].organizations.iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(search.groups[0].tenant, OrganizationTenant::Entra(ENTRA.parse().unwrap()));
    assert_eq!(names(0), ["contoso", "home-org"]);
    assert_eq!(search.groups[1].tenant, OrganizationTenant::PersonalAccounts);
    assert!(search.checks.is_empty());
    let unsigned = script.calls().into_iter().filter(|call| call.contains("connectionData")).count();
    assert_eq!(unsigned, 3);
    // One that is listed and named, in whatever case, is there once, with the id that the list gave it.
    let named = ["Contoso", "HOME-org", "home-org"].map(|name| OrganizationName::new(name).unwrap());
    let home = Arc::new(PersonalAccessToken::new(Secret::new("home-token")).unwrap());
    let again = client.organizations(&[home], &named).await.unwrap();
    assert_eq!(again, search);
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_sees_nothing_and_may_name_its_organizations() {
    let script = directory(json!([]));
    let client = script.client(&VirtualClock::new());
    let search = client.organizations(&[], &[]).await.unwrap();
    assert!(search.groups.is_empty());
    assert_eq!(search.checks.checks[0].code, "no-organization-listed");
    let named = ["contoso", "missing"].map(|name| OrganizationName::new(name).unwrap());
    let search = client.organizations(&[], &named).await.unwrap();
    assert_eq!(search.groups.len(), 1);
    assert_eq!(search.groups[0].organizations[0].name.as_str(), "contoso");
    assert_eq!(search.checks.checks[0].code, "organization-not-found");
}

#[tokio::test(start_paused = true)]
async fn the_tenant_is_asked_without_a_token() {
    let script = Script::new(|request| {
        assert!(request.headers().get("authorization").is_none());
        plain(if request.uri().path().starts_with("/missing/") { 404 } else { 200 }, Value::Null)
    });
    let client = script.client(&VirtualClock::new());
    assert_eq!(
        client.tenant_of(&OrganizationName::new("contoso").unwrap()).await.unwrap(),
        OrganizationTenant::Unknown
    );
    let error = client.tenant_of(&OrganizationName::new("missing").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_known_and_an_anonymous_one_is_nobody() {
    let script = Script::new(|request| {
        let id = if request.uri().path().starts_with("/public/") {
            "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
        } else {
            "e18a1f0a-b112-67fd-a9e0-e3bb081da49e"
        };
        plain(
            200,
            json!({"authenticatedUser": {"id": id, "subjectDescriptor": "aadsp.abc", "providerDisplayName": "deploy-bot"}}),
        )
    });
    let client = script.client(&VirtualClock::new());
    let caller = client.organization(&OrganizationName::new("contoso").unwrap()).unwrap().caller().await.unwrap();
    assert_eq!((caller.kind(), caller.display_name.as_deref()), (IdentityKind::ServicePrincipal, Some("deploy-bot")));
    let error = client.organization(&OrganizationName::new("public").unwrap()).unwrap().caller().await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unauthenticated, Some("Anonymous")));
}

/// A personal access token of one organization: the service refuses it where no organization is named.
fn of_one_organization(own: &'static str) -> Script {
    Script::new(move |request| {
        let path = request.uri().path().to_owned();
        let signed = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        if request.uri().host().unwrap().starts_with("app.vssps") {
            let unauthorized = json!({"message": "TF400813: x", "typeKey": "UnauthorizedRequestException"});
            return plain(401, unauthorized);
        }
        if path.starts_with("/missing/") {
            return plain(404, Value::String("<html>".to_owned()));
        }
        if path.starts_with("/down/") && signed.is_some() {
            return plain(400, json!({"message": "?", "typeKey": "SomethingNewException"}));
        }
        if path.starts_with("/veiled/") && signed.is_none() {
            return plain(501, Value::Null);
        }
        let home = signed.as_deref() == Some("Basic OmhvbWUtdG9rZW4=");
        let named = |name: &str| path.starts_with(&format!("/{name}/"));
        let member = signed.is_some() && (named(own) || named("veiled") || (home && named("home")));
        if member {
            return plain(200, json!({"authenticatedUser": {"id": "e18a1f0a-b112-67fd-a9e0-e3bb081da49e"}}));
        }
        (401, vec![("x-vss-resourcetenant", ENTRA.to_owned())], Value::Null)
    })
}

fn name(text: &str) -> OrganizationName {
    OrganizationName::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_of_one_organization_finds_the_named_ones_and_tells_of_each_that_it_cannot_read() {
    let client = of_one_organization("contoso").client(&VirtualClock::new());
    let names = ["contoso", "foreign", "missing", "down", "veiled"].map(name);
    let search = client.organizations(&[], &names).await.unwrap();
    let listed: Vec<(OrganizationTenant, Vec<&str>)> = search
        .groups
        .iter()
        .map(|group| (group.tenant, group.organizations.iter().map(|entry| entry.name.as_str()).collect()))
        .collect();
    let entra = OrganizationTenant::Entra(ENTRA.parse().unwrap());
    assert_eq!(listed, [(entra, vec!["contoso", "down"]), (OrganizationTenant::Unknown, vec!["veiled"])]);
    let told: Vec<_> =
        search.checks.iter().map(|check| (check.code.as_str(), check.subject.as_str(), check.blocks())).collect();
    assert_eq!(
        told,
        [
            ("organizations-not-listed", "organizations", false),
            ("organization-not-entered", "organization down", false),
            ("organization-not-entered", "organization foreign", true),
            ("organization-not-found", "organization missing", true),
            ("organization-tenant-unknown", "organization veiled", false),
        ]
    );
    let causes: Vec<&str> = search.checks.iter().map(|check| check.cause.as_str()).collect();
    assert!(causes[0].contains("only the named ones are known"), "{}", causes[0]);
    assert!(causes[1].contains("down could not be read"), "{}", causes[1]);
    assert!(causes[2].contains("foreign does not let the caller in"), "{}", causes[2]);
    assert!(search.checks.iter().all(|check| !check.remedy.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_one_organization_without_names_is_told_to_name_them() {
    let client = of_one_organization("contoso").client(&VirtualClock::new());
    let error = client.organizations(&[], &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unauthenticated, Some("TF400813")));
    assert!(error.advice().ends_with("name the organizations"), "{}", error.advice());
    // Any other failure keeps its own advice.
    let down = Script::new(|_| plain(400, Value::Null)).client(&VirtualClock::new());
    let error = down.organizations(&[], &[]).await.unwrap_err();
    assert!(!error.advice().contains("name the organizations"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn a_named_organization_is_entered_by_whichever_identity_is_let_in() {
    let script = of_one_organization("contoso");
    let client = script.client(&VirtualClock::new());
    let home = Arc::new(PersonalAccessToken::new(Secret::new("home-token")).unwrap());
    let search = client.organizations(&[home], &[name("home"), name("contoso")]).await.unwrap();
    assert_eq!(search.groups[0].organizations.len(), 2, "{:?}", search.checks);
    assert!(search.checks.of("organization-not-entered").is_none());
    assert!(search.checks.of("identity-not-searched").is_some());
}
