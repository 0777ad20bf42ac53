//! What became of the product's own consumers since they were bound: its connections, and its own record.

use azconnect::core::{ClientId, Secret, SecretStore as _};
use azconnect::credential::Candidate;
use azconnect::credential::{
    Binding, BindingSeen, BindingState, BoundConsumer, ConnectRequest, ConnectionRecord, Records,
};
use azconnect::identity::OwnRecord as _;
use std::sync::Arc;

use crate::product::{Product, contoso};

fn client() -> ClientId {
    "a0000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// A product whose connection is bound to its own application.
async fn product(consumer: BoundConsumer) -> Product {
    let product = Product::new();
    let subscription = "22222222-2222-4222-8222-222222222222".parse().unwrap();
    let request = ConnectRequest::new("shop".parse().unwrap(), subscription, contoso(), client());
    let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    product.azure.connections(&product.storage).connect(request, secret).await.unwrap();
    product.azure.bindings(&product.storage).bind(client(), contoso(), Binding::new(consumer)).await.unwrap();
    product
}

fn shop() -> BoundConsumer {
    BoundConsumer::Connection("shop".parse().unwrap())
}

async fn state(product: &Product) -> BindingSeen {
    let [seen]: [BindingSeen; 1] =
        product.azure.bindings(&product.storage).states(client()).await.unwrap().try_into().unwrap();
    seen
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_holds_its_secret_fits() {
    let product = product(shop()).await;
    let seen = state(&product).await;
    assert_eq!(seen.state, BindingState::Fits);
    assert!(seen.is_fit() && seen.checks.is_empty(), "{}", seen.checks);
    product.azure.connections(&product.storage).disconnect(&"shop".parse().unwrap()).await.unwrap();
    assert_eq!(state(&product).await.state, BindingState::Gone);
}

/// Nobody can sign in with it, and a rotation would help.
#[tokio::test(start_paused = true)]
async fn a_connection_whose_sealed_secret_is_missing_is_empty() {
    let product = product(shop()).await;
    let sealed = product.secrets.list("connection/", None).await.unwrap();
    product.secrets.remove(&sealed[0]).await.unwrap();
    let seen = state(&product).await;
    assert_eq!(seen.state, BindingState::Empty, "{}", seen.checks);
    let check = seen.checks.of("binding-empty").unwrap();
    assert!(check.is_advisory && check.remedy.contains("replace_secret") && seen.is_fit(), "{check}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_signs_in_as_another_application_now_is_told_apart() {
    let product = product(shop()).await;
    let other: ClientId = "a0000000-0000-4000-8000-00000000000f".parse().unwrap();
    let records = Records::<ConnectionRecord>::new(Arc::new(product.documents.clone()));
    let mut held = records.get(&"shop".parse().unwrap()).await.unwrap().unwrap();
    held.value.client = other;
    records.replace(&held.value, held.revision).await.unwrap();
    let seen = state(&product).await;
    assert_eq!(seen.state, BindingState::OtherApplication { client: other }, "{}", seen.checks);
    assert!(!seen.is_fit());
}

/// Before its first rotation the product signs in with what it was given, and nothing is wrong.
#[tokio::test(start_paused = true)]
async fn an_own_record_before_the_first_rotation_is_empty_and_fit() {
    let product = product(BoundConsumer::OwnRecord).await;
    let seen = state(&product).await;
    assert_eq!(seen.state, BindingState::Empty, "{}", seen.checks);
    assert!(seen.is_fit(), "{}", seen.checks);
    let record = product.azure.own_record(&product.storage, client()).unwrap();
    record.store(&Candidate::new(&Secret::new("Emu8Q~another.secret"))).await.unwrap();
    assert_eq!(state(&product).await.state, BindingState::Fits);
}
