//! Deleted applications on the emulator: listed, restored, and deleted for good.

use std::sync::Arc;

use azconnect_core::{ErrorKind, Secret};
use azconnect_credential::Marker;
use azconnect_emulator::{Emulator, Seed};
use azconnect_graph::{GraphClient, NewApplication, Permission, Platform};
use azconnect_http::Pipeline;
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use serde_json::json;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";

fn client() -> GraphClient {
    let clock = Arc::new(VirtualClock::new());
    let seed = json!({"tenants": [{
        "id": TENANT, "domain": "contoso.onmicrosoft.com",
        "applications": [{"displayName": "Caller", "clientId": CALLER, "graphRoles": ["Application.ReadWrite.OwnedBy"],
                          "passwords": [{"secret": "the-callers-secret"}]}],
    }]});
    let emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), clock.clone()).unwrap();
    let pipeline = Pipeline::new(emulator.transport(), clock.clone());
    let endpoint = TokenEndpoint::new(pipeline.clone(), &emulator.cloud(), TENANT.parse().unwrap());
    let source = ClientSecretSource::new(endpoint, CALLER.parse().unwrap(), Secret::new("the-callers-secret")).unwrap();
    GraphClient::new(pipeline, &emulator.cloud(), Arc::new(TokenCache::new(source, clock)))
}

#[tokio::test(start_paused = true)]
async fn a_deleted_application_can_be_restored_until_it_is_deleted_for_good() {
    let client = client();
    let made = client.ensure_application(&NewApplication::new(Marker::new("m").unwrap(), "Portal")).await.unwrap();
    client.ensure_service_principal(made.client_id).await.unwrap();
    // Nothing is among the deleted yet, and what was not deleted is not deleted for good.
    client.purge_deleted_application(made.id).await.unwrap();
    assert_eq!(client.deleted_applications().await.unwrap(), []);

    client.delete_application(made.client_id).await.unwrap();
    let deleted = client.deleted_applications().await.unwrap();
    assert_eq!(deleted.iter().map(|one| one.client_id).collect::<Vec<_>>(), [made.client_id]);
    for _ in 0..2 {
        client.restore_application(made.id).await.unwrap();
        client.ensure_service_principal(made.client_id).await.unwrap();
    }
    assert_eq!(client.application(made.id).await.unwrap().client_id, made.client_id);

    client.delete_application(made.id).await.unwrap();
    for _ in 0..2 {
        client.purge_deleted_application(made.id).await.unwrap();
    }
    assert_eq!(client.deleted_applications().await.unwrap(), []);
    assert_eq!(client.restore_application(made.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// The emulator refuses what the documents do not name, so that a misspelt property passes in no test.
#[tokio::test(start_paused = true)]
async fn addresses_and_permissions_are_written_as_a_strict_service_takes_them() {
    let client = client();
    let wish =
        NewApplication::new(Marker::new("m").unwrap(), "Portal").with_permissions([Permission::graph_user_read()]);
    let made = client.ensure_application(&wish).await.unwrap();
    for (platform, address) in [
        (Platform::Web, "https://portal.example/callback"),
        (Platform::SinglePage, "https://portal.example/"),
        (Platform::PublicClient, "http://localhost"),
        (Platform::Web, "https://portal.example/second"),
    ] {
        client.add_redirect_uri(made.client_id, platform, address).await.unwrap();
    }
    client.remove_redirect_uri(made.id, Platform::Web, "https://portal.example/callback").await.unwrap();
    let read = client.redirect_uris(made.id).await.unwrap();
    assert_eq!((read.web, read.single_page.len()), (vec!["https://portal.example/second".to_owned()], 1));
    client.add_required_permissions(made.id, &[Permission::devops_user_impersonation()]).await.unwrap();
    client.remove_required_permissions(made.client_id, &[Permission::graph_user_read()]).await.unwrap();
    let left = client.required_permissions(made.id).await.unwrap();
    assert_eq!(left, [Permission::devops_user_impersonation()]);
    let named = client.service_principals_named("Microsoft Graph").await.unwrap();
    assert_eq!(named.iter().map(|one| one.client_id).collect::<Vec<_>>(), [Permission::graph_user_read().resource]);
}
