//! Bindings as data: what a target is made of, what refuses, and what is reported.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::core::{ClientId, Effect, Error, ErrorKind, Secret, TenantId};
use azconnect::credential::{
    ActingChoice, ApplicationBindings, Assessment, Binding, BindingRecords, BindingState, BoundConsumer,
    BoundServiceConnection, Candidate, CredentialSink, CredentialVerdict, NewPersonalToken, OtherConsumer, PushReceipt,
    Records, SinkId, SinkReport, TenantSettingsRequest,
};
use azconnect::rotation::RotationOutcome;
use azconnect::{BuiltTarget, ConnectRequest, ConsumerKind, Identity, TargetSpec};
use azconnect_testkit::conformance::bindings::{self, BindingsHarness};
use serde_json::json;

use crate::product::{FABRIKAM, FABRIKAM_TOKEN, Product, TOKEN, by_token, contoso};

#[async_trait]
impl BindingsHarness for Product {
    fn records(&self) -> Arc<dyn BindingRecords> {
        self.azure.binding_records(&self.storage)
    }
}

#[tokio::test(start_paused = true)]
async fn bindings_conform() {
    bindings::all(async || Product::new()).await;
}

pub(crate) fn application() -> ClientId {
    "a0000000-0000-4000-8000-000000000002".parse().unwrap()
}

fn fabrikam() -> TenantId {
    FABRIKAM.parse().unwrap()
}

/// The service connection of contoso to Azure Resource Manager.
pub(crate) fn production() -> BoundServiceConnection {
    let id = "c0000000-0000-4000-8000-000000000001".parse().unwrap();
    BoundServiceConnection::new(contoso(), "contoso", "Web", id).with_seen("production", "azurerm")
}

/// The one of fabrikam, an organization of another tenant.
fn of_fabrikam() -> BoundServiceConnection {
    let id = "c0000000-0000-4000-8000-000000000003".parse().unwrap();
    BoundServiceConnection::new(fabrikam(), "fabrikam", "Shop", id).with_seen("production", "azurerm")
}

pub(crate) fn binding(bound: BoundServiceConnection) -> Binding {
    Binding::new(BoundConsumer::ServiceConnection(bound))
}

fn operator(product: &Product) -> Identity {
    let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    product
        .azure
        .identity_with_secret(contoso(), "a0000000-0000-4000-8000-000000000001".parse().unwrap(), secret)
        .unwrap()
}

fn operator_client() -> ClientId {
    "a0000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// Connects the application that acts, under a name.
async fn connect(product: &Product, name: &str, client: ClientId) {
    let subscription = "22222222-2222-4222-8222-222222222222".parse().unwrap();
    let request = ConnectRequest::new(name.parse().unwrap(), subscription, contoso(), client);
    let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    product.azure.connections(&product.storage).connect(request, secret).await.unwrap();
}

async fn fabrikams_settings(product: &Product) {
    let token = NewPersonalToken::new(Secret::new(FABRIKAM_TOKEN));
    let request = TenantSettingsRequest::new(fabrikam()).enabled().with_organization("fabrikam");
    product.save(request.with_acting(ActingChoice::PersonalToken(Some(token)))).await;
}

async fn bind(product: &Product, binding: Binding) -> ApplicationBindings {
    product.azure.bindings(&product.storage).bind(application(), contoso(), binding).await.unwrap()
}

async fn build(product: &Product) -> Result<BuiltTarget, Error> {
    let spec = TargetSpec::new(application());
    product.azure.bindings(&product.storage).target_by(&operator(product), &spec).await
}

/// One application, whose secret is held in organizations of two tenants, in each by another who acts.
#[tokio::test(start_paused = true)]
async fn a_target_that_was_kept_rotates_across_organizations_of_two_tenants() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    fabrikams_settings(&product).await;
    bind(&product, binding(production())).await;
    bind(&product, binding(of_fabrikam())).await;
    let key = "b0000000-0000-4000-8000-000000000002".parse().unwrap();
    let bindings = product.azure.bindings(&product.storage);
    bindings.adopt(application(), &[key]).await.unwrap();
    // As a scheduler keeps it.
    let kept = serde_json::to_string(&TargetSpec::new(application())).unwrap();
    let spec: TargetSpec = serde_json::from_str(&kept).unwrap();
    let built = bindings.target_by(&operator(&product), &spec).await.unwrap();
    assert!(built.checks.is_empty() && built.target.finder.is_some(), "{:?}", built.checks);
    let ids: Vec<&str> = built.target.sinks.iter().map(|sink| sink.sink.id().as_str()).collect();
    let names: Vec<String> = bindings
        .get(application())
        .await
        .unwrap()
        .unwrap()
        .consumers
        .iter()
        .map(|one| one.consumer.name(application()))
        .collect();
    assert_eq!(ids, names, "the name of a binding is the id of its sink");
    let rotator = product.azure.rotator(&product.storage).with_patience(std::time::Duration::from_secs(7200));
    let outcome = rotator.rotate(&built.target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!product.emulator.truth().password(key).unwrap().live, "the adopted key is removed");
}

#[tokio::test(start_paused = true)]
async fn no_required_consumer_is_refused_unless_it_is_said_by_name() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    let nothing = build(&product).await.unwrap_err();
    assert_eq!((nothing.kind(), nothing.field()), (ErrorKind::NotFound, Some("application")));
    bind(&product, binding(production()).optional()).await;
    let error = build(&product).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.effect()),
        (ErrorKind::InvalidInput, Some("consumers"), Effect::None)
    );
    assert!(error.advice().contains("without_required_consumers"), "{error}");
    let spec = TargetSpec::new(application()).without_required_consumers();
    let bindings = product.azure.bindings(&product.storage);
    assert!(bindings.target_by(&operator(&product), &spec).await.unwrap().target.without_consumers);
    // One that is required again needs no word, and none counts against it.
    bind(&product, binding(production())).await;
    assert!(!bindings.target_by(&operator(&product), &spec).await.unwrap().target.without_consumers);
}

/// What cannot be built is named: required it blocks, optional it is reported and stays in sight.
#[tokio::test(start_paused = true)]
async fn a_binding_that_cannot_be_built_blocks_if_it_is_required_and_is_reported_if_not() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    bind(&product, binding(production())).await;
    bind(&product, binding(of_fabrikam())).await;
    let error = build(&product).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.effect()),
        (ErrorKind::NotFound, Some("consumers[1]"), Effect::None)
    );
    assert!(error.message().contains("fabrikam/Shop") && error.message().contains(FABRIKAM), "{error}");

    bind(&product, binding(of_fabrikam()).optional()).await;
    let built = build(&product).await.unwrap();
    let check = built.checks.of("binding-not-built").unwrap();
    assert!(check.is_advisory && check.subject.contains("fabrikam/Shop"), "{check}");
    assert_eq!(built.target.sinks.len(), 2, "it stays in sight");
    let plan = product.azure.rotator(&product.storage).plan(&built.target).await.unwrap();
    let shown = plan.sinks.iter().find(|sink| !sink.required).unwrap();
    assert!(shown.report.checks.of("binding-not-built").is_some(), "{:?}", shown.report);
    assert!(plan.blockers().iter().all(|(_, check)| check.code != "binding-not-built"), "{:?}", plan.blockers());
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_off_or_name_other_organizations_block() {
    let product = Product::new();
    bind(&product, binding(production())).await;
    let unset = build(&product).await.unwrap_err();
    assert!(unset.message().contains("no settings"), "{unset}");
    let mut off = by_token(TOKEN);
    off.is_enabled = false;
    product.save(off).await;
    let error = build(&product).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unsupported, Some("IntegrationOff")), "{error}");
    product.save(by_token(TOKEN)).await;
    assert!(build(&product).await.is_ok());
    product.overwrite(|settings| settings.organizations = vec!["another".to_owned()]).await;
    let error = build(&product).await.unwrap_err();
    assert_eq!(error.service_code(), Some("OrganizationNotInSettings"), "{error}");
    product.overwrite(|settings| settings.organizations = vec!["Contoso".to_owned()]).await;
    assert!(build(&product).await.is_ok(), "the service reads a name in any case");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_missing_is_named() {
    let product = Product::new();
    let token = product.save(by_token(TOKEN)).await.value.token().unwrap().clone();
    bind(&product, binding(production())).await;
    azconnect::core::SecretStore::remove(&product.secrets, &token).await.unwrap();
    let error = build(&product).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("consumers[0]")));
    assert!(error.message().contains("personal access token") && error.message().contains("contoso/Web"), "{error}");
}

fn vault_secret() -> OtherConsumer {
    OtherConsumer::new("vault_secret", json!({"id": "deploy"}).as_object().unwrap().clone()).unwrap()
}

/// A secret in a vault, under the name that its kind gives it.
struct VaultSecret(SinkId);

#[async_trait]
impl CredentialSink for VaultSecret {
    fn id(&self) -> &SinkId {
        &self.0
    }
    async fn inspect(&self) -> Result<SinkReport, Error> {
        Ok(SinkReport::new("a secret in a vault"))
    }
    async fn push(&self, _: &Candidate<'_>) -> Result<PushReceipt, Error> {
        Ok(PushReceipt::new("put there"))
    }
    async fn verify(&self, _: &Candidate<'_>) -> Assessment {
        Assessment::new(CredentialVerdict::Accepted, "it is there")
    }
}

/// Makes secrets in a vault, whose names begin so.
struct Vaults(&'static str);

impl ConsumerKind for Vaults {
    fn sink(&self, consumer: &OtherConsumer) -> Result<Arc<dyn CredentialSink>, Error> {
        let id = consumer.document["id"].as_str().unwrap();
        Ok(Arc::new(VaultSecret(SinkId::new(format!("{}:{id}", self.0))?)))
    }
}

/// A later version of the product may have bound what this one does not know: it would be left with a removed secret.
#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_known_makes_the_target_refuse_by_name_even_if_it_is_optional() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    bind(&product, binding(production())).await;
    bind(&product, Binding::new(BoundConsumer::Other(vault_secret())).optional()).await;
    let error = build(&product).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("consumers[1]")));
    assert!(error.message().contains("vault_secret"), "{error}");
    let bindings = product.azure.bindings(&product.storage).with_kind("vault_secret", Arc::new(Vaults("vault_secret")));
    let built = bindings.target_by(&operator(&product), &TargetSpec::new(application())).await.unwrap();
    assert_eq!((built.target.sinks.len(), built.checks.len()), (2, 0), "{:?}", built.checks);
}

/// What a journal knows of a consumer is found by its name: under another one it would be forgotten, or taken for somebody else.
#[tokio::test(start_paused = true)]
async fn a_kind_that_gives_a_consumer_another_name_than_it_is_bound_by_is_refused() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    bind(&product, Binding::new(BoundConsumer::Other(vault_secret()))).await;
    for name in ["vault", "connection"] {
        let bindings = product.azure.bindings(&product.storage).with_kind("vault_secret", Arc::new(Vaults(name)));
        let error = bindings.target_by(&operator(&product), &TargetSpec::new(application())).await.unwrap_err();
        assert_eq!((error.service_code(), error.field()), (Some("AnotherName"), Some("consumers[0]")), "{error}");
        assert!(error.message().contains("vault_secret:deploy"), "{error}");
        let seen = bindings.states(application()).await.unwrap();
        assert_eq!(seen[0].state, BindingState::Unreadable);
    }
}

/// A connection that rotates its own secret is rebound in this process too.
#[tokio::test(start_paused = true)]
async fn the_connection_that_mints_is_bound_as_the_issuers_own() {
    let product = Product::new();
    let client = operator_client();
    connect(&product, "operator", client).await;
    let bindings = product.azure.bindings(&product.storage);
    let own = Binding::new(BoundConsumer::Connection("operator".parse().unwrap()));
    bindings.bind(client, contoso(), own).await.unwrap();
    let spec = TargetSpec::new(client).minted_by("operator".parse().unwrap());
    let built = bindings.target(&spec).await.unwrap();
    let own = &built.target.sinks[0].sink;
    assert!(own.inspect().await.unwrap().is_issuers_own);
    // The journal knows it by one name, whoever mints.
    assert_eq!(own.id().as_str(), "connection:operator");
    let by_another = bindings.target_by(&operator(&product), &TargetSpec::new(client)).await.unwrap();
    assert_eq!(by_another.target.sinks[0].sink.id(), own.id());
    // Another application's minter does not sign in with it.
    let unnamed = bindings.target(&TargetSpec::new(client)).await.unwrap_err();
    assert_eq!(unnamed.field(), Some("minted_by"));
    bindings.bind(application(), contoso(), Binding::new(BoundConsumer::OwnRecord)).await.unwrap();
    let error = build(&product).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("consumers[0]")), "{error}");
}

/// The connection that mints would keep a secret that is removed: bound as the record alone, it is refused by name.
#[tokio::test(start_paused = true)]
async fn a_connection_that_mints_with_the_secret_that_is_rotated_must_be_bound() {
    let product = Product::new();
    connect(&product, "operator", operator_client()).await;
    let bindings = product.azure.bindings(&product.storage);
    bindings.bind(operator_client(), contoso(), Binding::new(BoundConsumer::OwnRecord)).await.unwrap();
    let spec = TargetSpec::new(operator_client()).minted_by("operator".parse().unwrap());
    let error = bindings.target(&spec).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.service_code(), error.effect()),
        (ErrorKind::InvalidInput, Some("consumers"), Some("MinterNotBound"), Effect::None)
    );
    assert!(error.message().contains("operator") && error.advice().contains("connection operator"), "{error}");
    let own = Binding::new(BoundConsumer::Connection("operator".parse().unwrap()));
    bindings.bind(operator_client(), contoso(), own).await.unwrap();
    assert!(bindings.target(&spec).await.is_ok());
}

/// One product's own connections of the same application are consumers too: a plan names those that are left out.
#[tokio::test(start_paused = true)]
async fn other_connections_of_the_product_that_use_the_secret_are_found() {
    let product = Product::new();
    connect(&product, "operator", operator_client()).await;
    connect(&product, "second", operator_client()).await;
    let bindings = product.azure.bindings(&product.storage);
    let own = Binding::new(BoundConsumer::Connection("operator".parse().unwrap()));
    bindings.bind(operator_client(), contoso(), own).await.unwrap();
    let spec = TargetSpec::new(operator_client()).minted_by("operator".parse().unwrap());
    let built = bindings.target(&spec).await.unwrap();
    let found = built.target.finder.clone().unwrap().consumers().await.unwrap();
    let names: Vec<&str> = found.consumers.iter().map(|one| one.sink.as_str()).collect();
    assert_eq!(names, ["connection:operator", "connection:second"]);
    assert!(found.is_complete());
    let plan = product.azure.rotator(&product.storage).plan(&built.target).await.unwrap();
    let told: Vec<_> = plan.all_checks().into_iter().map(|(_, check)| check.cause.clone()).collect();
    assert!(told.iter().any(|cause| cause.contains("connection second")), "{told:?}");
    assert!(!told.iter().any(|cause| cause.contains("connection operator of")), "{told:?}");
    // Another application's are not among them.
    product.save(by_token(TOKEN)).await;
    bind(&product, binding(production())).await;
    let built = build(&product).await.unwrap();
    let found = built.target.finder.unwrap().consumers().await.unwrap();
    assert!(!found.consumers.iter().any(|one| one.sink.as_str().starts_with("connection:")), "{found:?}");
}

/// The agreed host comes with the binding: a connection that leads elsewhere gets nothing.
#[tokio::test(start_paused = true)]
async fn the_agreed_destination_is_part_of_the_target() {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    let images = BoundServiceConnection::new(
        contoso(),
        "contoso",
        "Web",
        "c0000000-0000-4000-8000-000000000002".parse().unwrap(),
    );
    bind(&product, binding(images.with_destination(Some("images.contoso.example".to_owned())))).await;
    let built = build(&product).await.unwrap();
    assert_eq!(built.target.sinks[0].destination.as_deref(), Some("images.contoso.example"));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_names_a_consumer_twice_is_refused_before_anything_is_opened() {
    let product = Product::new();
    bind(&product, binding(production())).await;
    let records = Records::<ApplicationBindings>::new(Arc::new(product.documents.clone()));
    let mut held = records.get(&application().to_string().parse().unwrap()).await.unwrap().unwrap();
    held.value.consumers.push(binding(production()));
    assert_eq!(records.replace(&held.value, held.revision).await.unwrap_err().field(), Some("consumers[1]"));
}
