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
