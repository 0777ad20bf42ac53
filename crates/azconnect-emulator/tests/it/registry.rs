//! Container registries, and the older addresses of Azure DevOps: what is reached by host names of its own.

use azconnect_emulator::{Fault, FaultAction, Service, Settings};
use serde_json::json;

use crate::devops::connected;
use crate::harness::{Ask, DEPLOYER, DEVOPS_SCOPE, Harness, TENANT, Way};

async fn harness() -> Harness {
    let mut seed = connected();
    seed["registries"] = json!([
        {"host": "contoso.azurecr.io", "tenant": TENANT},
        {"host": "registry.example.com", "users": [{"name": "ci", "secret": "hub"}]},
    ]);
    Harness::new(Way::InProcess, Settings::default(), &seed).await
}

fn get<'a>(harness: &'a Harness, url: &str) -> Ask<'a> {
    harness.ask(Service::Registry, "GET", url)
}

#[tokio::test]
async fn the_token_dance_ends_with_an_accepted_sign_in() {
    let harness = harness().await;
    for (host, user, secret) in
        [("contoso.azurecr.io", DEPLOYER, "deployer-old"), ("registry.example.com", "ci", "hub")]
    {
        let v2 = format!("https://{host}/v2/");
        let challenge = get(&harness, &v2).send().await;
        assert_eq!(challenge.status, 401);
        assert_eq!(challenge.header("docker-distribution-api-version"), "registry/2.0");
        let realm = format!("https://{host}/oauth2/token");
        assert_eq!(challenge.header("www-authenticate"), format!("Bearer realm=\"{realm}\",service=\"{host}\""));
        let path = format!("{realm}?service={host}");
        get(&harness, &path).basic(user, "wrong").send().await.expect(401);
        let body = get(&harness, &path).basic(user, secret).send().await.expect(200);
        get(&harness, &v2).bearer(body["token"].as_str().unwrap()).send().await.expect(200);
    }
    // A token of one registry is none of the other's.
    let body = get(&harness, "https://registry.example.com/oauth2/token").basic("ci", "hub").send().await.expect(200);
    get(&harness, "https://contoso.azurecr.io/v2/").bearer(body["token"].as_str().unwrap()).send().await.expect(401);
}

#[tokio::test]
async fn faults_meet_registries_too() {
    let harness = harness().await;
    harness.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Registry));
    get(&harness, "https://contoso.azurecr.io/v2/").try_send().await.unwrap_err();
}

#[tokio::test]
async fn the_older_addresses_lead_to_the_same_organization() {
    let harness = harness().await;
    let token = harness.token(DEVOPS_SCOPE).await;
    let projects = "https://contoso.visualstudio.com/_apis/projects?api-version=7.1";
    assert_eq!(get(&harness, projects).bearer(&token).send().await.expect(200)["count"], 1);
    let groups = "https://contoso.vssps.visualstudio.com/_apis/graph/groups?api-version=7.1-preview.1";
    get(&harness, groups).bearer(&token).send().await.expect(200);
}
