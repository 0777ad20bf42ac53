//! The budgets that Graph publishes for identity and access.

use azconnect_emulator::Settings;
use azconnect_emulator::graph::{GraphSettings, TenantSize};
use serde_json::{Value, json};

use crate::harness::{DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, OPERATOR, Reply, TENANT, Way, contoso};

fn published() -> GraphSettings {
    GraphSettings::default().with_throttling()
}

async fn harness(settings: GraphSettings, seed: &Value) -> (Harness, String) {
    let harness = Harness::new(Way::InProcess, Settings::default().with_graph(settings), seed).await;
    let token = harness.token(GRAPH_SCOPE).await;
    (harness, token)
}

async fn read(harness: &Harness, token: &str, path: &str) -> Reply {
    harness.graph("GET", path).bearer(token).send().await
}

async fn rename(harness: &Harness, token: &str) -> Reply {
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    harness.graph("PATCH", &path).bearer(token).json(&json!({"displayName": "x"})).send().await
}

// A GET of applications costs 2, `$select` and a `$top` below 20 one less each, and never less than 1.
#[tokio::test]
async fn each_request_says_what_it_costs() {
    let (harness, token) = harness(published(), &contoso()).await;
    for (path, units) in [
        ("/applications", "2"),
        ("/applications?$select=id", "1"),
        ("/applications?$select=id&$top=5", "1"),
        ("/applications?$top=19", "1"),
        ("/applications?$top=20", "2"),
        ("/servicePrincipals", "1"),
        ("/oauth2PermissionGrants", "2"),
    ] {
        let reply = read(&harness, &token, path).await;
        assert_eq!(reply.header("x-ms-resource-unit"), units, "{path}");
        reply.expect(200);
    }
    let ids = json!({"ids": [DEPLOYER_OBJECT]});
    let reply = harness.graph("POST", "/directoryObjects/getByIds").bearer(&token).json(&ids).send().await;
    assert_eq!(reply.header("x-ms-resource-unit"), "3");
    assert_eq!(rename(&harness, &token).await.header("x-ms-resource-unit"), "1");
}

// 3,000 changes in 150 seconds for an application in a tenant; a warning above four fifths; then 429.
#[tokio::test]
async fn changes_beyond_the_budget_are_refused_until_the_pause_that_is_named() {
    let (harness, token) = harness(published(), &contoso()).await;
    let mut warned = None;
    let mut refusal = None;
    // Ten changes a second are below the budget of resource units, and no time comes back.
    for number in 1..=3001 {
        let reply = rename(&harness, &token).await;
        if reply.status == 429 {
            refusal = Some((number, reply));
            break;
        }
        if !reply.header("x-ms-throttle-limit-percentage").is_empty() {
            warned = warned.or(Some((number, reply.header("x-ms-throttle-limit-percentage").to_owned())));
        }
    }
    assert_eq!(warned, Some((2401, "0.80".to_owned())));
    let (number, reply) = refusal.unwrap();
    assert_eq!(number, 3001);
    assert_eq!(reply.header("x-ms-throttle-information"), "WriteLimitExceeded");
    assert_eq!(reply.header("x-ms-throttle-scope"), format!("Tenant_Application/Write/{OPERATOR}/{TENANT}"));
    let pause: u64 = reply.header("retry-after").parse().unwrap();
    assert_eq!(reply.expect(429)["error"]["code"], "TooManyRequests");
    // Reads go on: they have a budget of their own.
    read(&harness, &token, "/applications").await.expect(200);
    harness.advance(pause);
    rename(&harness, &token).await.expect(204);
}

// Resource units by the size of the tenant: 3,500, 5,000 or 8,000 in ten seconds.
#[tokio::test]
async fn a_larger_tenant_has_more_resource_units() {
    for (size, units) in [(TenantSize::Small, 3_500), (TenantSize::Medium, 5_000), (TenantSize::Large, 8_000)] {
        let (harness, token) = harness(published().with_tenant_size(size), &contoso()).await;
        for _ in 0..units / 2 {
            read(&harness, &token, "/applications").await.expect(200);
        }
        let reply = read(&harness, &token, "/applications").await;
        assert_eq!(reply.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
        reply.expect(429);
        harness.advance(10);
        read(&harness, &token, "/applications").await.expect(200);
    }
}

// Applications for personal accounts: 60 changes a minute.
#[tokio::test]
async fn applications_for_personal_accounts_are_changed_sixty_times_a_minute() {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["signInAudience"] = json!("AzureADandPersonalMicrosoftAccount");
    let (harness, token) = harness(published(), &seed).await;
    for _ in 0..60 {
        rename(&harness, &token).await.expect(204);
    }
    let reply = rename(&harness, &token).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "2"));
    harness.advance(2);
    rename(&harness, &token).await.expect(204);
}

// Not every refusal names the pause; then the client's own counts.
#[tokio::test]
async fn a_refusal_may_leave_the_pause_to_the_client() {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["signInAudience"] = json!("PersonalMicrosoftAccount");
    let (harness, token) = harness(published().with_named_pauses(false), &seed).await;
    for _ in 0..60 {
        rename(&harness, &token).await.expect(204);
    }
    let reply = rename(&harness, &token).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, ""));
}

#[tokio::test]
async fn nothing_is_throttled_and_no_cost_is_told_unless_the_settings_say_so() {
    let (harness, token) = harness(GraphSettings::default(), &contoso()).await;
    let reply = read(&harness, &token, "/applications").await;
    assert_eq!((reply.status, reply.header("x-ms-resource-unit")), (200, ""));
}
