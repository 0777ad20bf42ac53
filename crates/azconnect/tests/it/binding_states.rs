//! What people do to bound service connections is seen, and not guessed around.

use azconnect::core::Secret;
use azconnect::credential::{BindingSeen, BindingState, BoundServiceConnection, CheckStatus};
use azconnect::devops::{
    ConnectionAddress, Deletion, OrganizationName, ProjectAddress, ProjectRef, ServiceConnectionSharing as _,
    ServiceConnectionWriter as _,
};
use azconnect_emulator::{Fault, FaultAction, Service};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::bindings::{application, binding, production};
use crate::product::{BOBS_TOKEN, Product, TOKEN, by_token, contoso};

const PRODUCTION: &str = "c0000000-0000-4000-8000-000000000001";
const IMAGES: &str = "c0000000-0000-4000-8000-000000000002";

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn images() -> BoundServiceConnection {
    BoundServiceConnection::new(contoso(), "Contoso", "web", IMAGES.parse().unwrap())
        .with_seen("images", "dockerregistry")
        .with_destination(Some("images.contoso.example".to_owned()))
}

/// A product with two bound connections, of which somebody changes one.
async fn product() -> Product {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    let bindings = product.azure.bindings(&product.storage);
    bindings.bind(application(), contoso(), binding(production())).await.unwrap();
    bindings.bind(application(), contoso(), binding(images())).await.unwrap();
    product
}

async fn states(product: &Product) -> Vec<BindingSeen> {
    product.azure.bindings(&product.storage).states(application()).await.unwrap()
}

fn edit(product: &Product, connection: &str, edit: impl FnOnce(&mut Map<String, Value>)) {
    product.emulator.person().edit_connection(id(connection), edit).unwrap();
}

/// The state of the first connection; the second one fits.
async fn first(product: &Product) -> BindingSeen {
    let [first, second]: [BindingSeen; 2] = states(product).await.try_into().unwrap();
    assert_eq!(second.state, BindingState::Fits, "{}", second.checks);
    first
}

#[tokio::test(start_paused = true)]
async fn one_list_of_the_project_tells_that_all_fit() {
    let product = product().await;
    let before = product.emulator.exchanges();
    let seen = states(&product).await;
    assert!(seen.iter().all(|one| one.state == BindingState::Fits && one.is_fit()), "{seen:?}");
    assert_eq!(product.emulator.exchanges() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_renamed_is_still_the_one() {
    let product = product().await;
    product.emulator.person().rename_connection(id(PRODUCTION), "live").unwrap();
    let seen = first(&product).await;
    assert_eq!(seen.state, BindingState::Renamed { to: "live".to_owned() });
    assert!(seen.is_fit());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_deleted_is_gone() {
    let product = product().await;
    product.emulator.person().delete_connection(id(PRODUCTION)).unwrap();
    let seen = first(&product).await;
    assert_eq!(seen.state, BindingState::Gone);
    assert!(!seen.is_fit());
}

fn web_of(connection: &str) -> ConnectionAddress {
    let web = ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new("Web").unwrap());
    web.connection(connection.parse().unwrap())
}

/// A world with a second project, in which Cleo administers the connections of the first one, and sees no other.
async fn shared() -> Product {
    let product = Product::with_seed(|seed| {
        seed["tenants"][0]["users"].as_array_mut().unwrap().push(json!({"userPrincipalName": "cleo@contoso.com"}));
        let contoso = &mut seed["organizations"][0];
        contoso["projects"].as_array_mut().unwrap().push(json!({"name": "Ops"}));
        let cleo = json!({"user": "cleo@contoso.com", "groups": ["[Web]\\Endpoint Administrators"]});
        contoso["members"].as_array_mut().unwrap().push(cleo);
        let token = json!({"user": "cleo@contoso.com", "displayName": "cleo", "token": CLEOS_TOKEN});
        contoso["personalAccessTokens"].as_array_mut().unwrap().push(token);
    });
    product.save(by_token(TOKEN)).await;
    let bindings = product.azure.bindings(&product.storage);
    bindings.bind(application(), contoso(), binding(production())).await.unwrap();
    bindings.bind(application(), contoso(), binding(images())).await.unwrap();
    product
}

const CLEOS_TOKEN: &str = "cleos-token-for-contoso";

/// Takes the first connection out of its project's sight, and shares it with another one before.
async fn unshare(product: &Product) {
    let ann = product.azure.devops_with_pat(Secret::new(TOKEN)).unwrap();
    let (here, ops) = (web_of(PRODUCTION), ProjectRef::new("Ops").unwrap());
    ann.share(&here, &ops, "production").await.unwrap();
    ann.unshare(&here, &here.project.project).await.unwrap();
}

/// Others still sign in with its secret, so that it must not be taken for gone.
#[tokio::test(start_paused = true)]
async fn a_connection_that_its_project_does_not_see_any_more_and_others_use_is_not_gone() {
    let product = shared().await;
    unshare(&product).await;
    let seen = first(&product).await;
    assert_eq!(seen.state, BindingState::Unshared { seen_by: vec!["Ops".to_owned()] }, "{}", seen.checks);
    let check = seen.checks.of("binding-unshared").unwrap();
    assert!(!seen.is_fit() && check.cause.contains("used by Ops") && !check.remedy.is_empty(), "{check}");
    // Whoever makes a new one of its name in its place does not hide that.
    let ann = product.azure.devops_with_pat(Secret::new(TOKEN)).unwrap();
    let ops = ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new("Ops").unwrap());
    ann.delete(&ops.connection(PRODUCTION.parse().unwrap()), Deletion::ConnectionOnly).await.unwrap();
    assert_eq!(first(&product).await.state, BindingState::Gone);
}

/// To somebody who sees some projects only, a connection that left one of them may be anywhere.
#[tokio::test(start_paused = true)]
async fn what_left_the_only_project_that_is_seen_may_be_used_by_others() {
    let product = shared().await;
    unshare(&product).await;
    product.save(by_token(CLEOS_TOKEN)).await;
    let seen = first(&product).await;
    assert_eq!(seen.state, BindingState::Unshared { seen_by: Vec::new() }, "{}", seen.checks);
    let check = seen.checks.of("binding-unshared").unwrap();
    assert_eq!(check.status, CheckStatus::Unknown);
    assert!(check.cause.contains("or deleted") && !seen.is_fit(), "{check}");
}

/// A project that does not answer may be the one that uses it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_may_be_in_a_project_that_does_not_answer_is_not_gone() {
    let product = shared().await;
    product.emulator.person().delete_connection(id(PRODUCTION)).unwrap();
    assert_eq!(first(&product).await.state, BindingState::Gone);
    let silent = Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).with_path("endpointIds").forever();
    product.emulator.faults().add(silent);
    assert_eq!(first(&product).await.state, BindingState::Unshared { seen_by: Vec::new() });
}

/// Nobody agreed that the new one receives the secret: it may be anybody's.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_made_again_under_its_name_is_another_one() {
    let product = product().await;
    let new = product.emulator.person().recreate_connection(id(PRODUCTION), &Secret::new("another-secret")).unwrap();
    let seen = first(&product).await;
    assert_eq!(seen.state, BindingState::Replaced { by: new.into() });
    assert!(!seen.is_fit() && !seen.checks.failures().next().unwrap().remedy.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_disabled_is_seen() {
    let product = product().await;
    edit(&product, PRODUCTION, |document| drop(document.insert("isDisabled".to_owned(), json!(true))));
    assert_eq!(first(&product).await.state, BindingState::Disabled);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_converted_holds_no_secret_any_more() {
    let product = product().await;
    edit(&product, PRODUCTION, |document| {
        document["authorization"]["scheme"] = json!("WorkloadIdentityFederation");
    });
    assert_eq!(first(&product).await.state, BindingState::Federated);
}

/// Whoever may edit a connection names the registry that gets the password.
#[tokio::test(start_paused = true)]
async fn a_connection_that_leads_elsewhere_is_seen_and_the_other_changes_with_it() {
    let product = product().await;
    product.emulator.person().rename_connection(id(IMAGES), "pictures").unwrap();
    edit(&product, IMAGES, |document| {
        document["authorization"]["parameters"]["registry"] = json!("https://elsewhere.example");
    });
    let [production, images]: [BindingSeen; 2] = states(&product).await.try_into().unwrap();
    assert_eq!(production.state, BindingState::Fits);
    assert_eq!(images.state, BindingState::DestinationChanged { to: Some("elsewhere.example".to_owned()) });
    assert!(images.checks.of("binding-renamed").is_some(), "{}", images.checks);
    assert!(!images.is_fit());
}

/// Azure DevOps hides connections from those who may not see them, and a list without them is no proof.
#[tokio::test(start_paused = true)]
async fn what_is_not_shown_to_somebody_who_administers_nothing_is_unreadable_and_not_gone() {
    let product = product().await;
    product.emulator.person().delete_connection(id(PRODUCTION)).unwrap();
    product.save(by_token(BOBS_TOKEN)).await;
    let seen = states(&product).await;
    assert_eq!(seen[0].state, BindingState::Unreadable, "{}", seen[0].checks);
}

#[tokio::test(start_paused = true)]
async fn while_the_service_is_away_nothing_is_gone() {
    let product = product().await;
    product.emulator.person().delete_connection(id(PRODUCTION)).unwrap();
    product.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).forever());
    let seen = states(&product).await;
    assert!(seen.iter().all(|one| one.state == BindingState::Unreadable && !one.is_fit()), "{seen:?}");
    product.emulator.faults().clear();
    assert_eq!(states(&product).await[0].state, BindingState::Gone);
}

/// A former address answers 404, as one that never was: it says nothing of the connections.
#[tokio::test(start_paused = true)]
async fn an_organization_that_was_renamed_makes_its_connections_unreadable() {
    let product = product().await;
    product.emulator.person().rename_organization("contoso", "contoso-two").unwrap();
    let seen = states(&product).await;
    assert!(seen.iter().all(|one| one.state == BindingState::Unreadable), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn without_settings_nothing_is_seen_and_the_reason_is_told() {
    let product = product().await;
    product.integrations().forget(contoso()).await.unwrap();
    let seen = states(&product).await;
    assert!(seen.iter().all(|one| one.state == BindingState::Unreadable), "{seen:?}");
    assert!(seen[0].checks.iter().next().unwrap().cause.contains("no settings"), "{}", seen[0].checks);
}
