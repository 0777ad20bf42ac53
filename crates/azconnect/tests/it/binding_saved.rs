//! What was chosen is saved as it was shown, or refused by name.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect::core::{
    Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Effect, Error, ErrorKind, Revision, Secret,
    StoredDocument, TenantId,
};
use azconnect::credential::{ApplicationBindings, Binding, BoundConsumer, BoundServiceConnection};
use azconnect::devops::{BindingChoice, BindingDraft};
use azconnect::rotation::RotationOutcome;
use azconnect::store::MemoryDocuments;
use azconnect::{Bindings, Storage, TargetSpec};
use azconnect_emulator::{Fault, FaultAction, Service};
use serde_json::json;
use uuid::Uuid;

use crate::binding_steps::{bob_contributes, draft, product, steps};
use crate::bindings::{application, binding, production};
use crate::product::{BOBS_TOKEN, FABRIKAM, Product, TOKEN, by_token, contoso};

const PRODUCTION: &str = "c0000000-0000-4000-8000-000000000001";
const IMAGES: &str = "c0000000-0000-4000-8000-000000000002";

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn in_web() -> BindingDraft {
    draft().with_organization("contoso").with_project("Web")
}

/// The connection to Azure Resource Manager, as the picker shows it.
fn production_shown() -> BoundServiceConnection {
    production().with_destination(Some("management.azure.com".to_owned()))
}

async fn choice(product: &Product, name: &str) -> BindingChoice {
    let picker = steps(product, &in_web()).await.connections.offered.unwrap();
    picker.choices.into_iter().find(|choice| choice.connection.name == name).unwrap()
}

async fn choose(product: &Product, name: &str) -> BindingDraft {
    in_web().with_connection(&choice(product, name).await)
}

async fn save(product: &Product, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
    product.azure.bindings(&product.storage).bind_chosen(draft).await
}

async fn held(product: &Product) -> Vec<Binding> {
    let held = product.azure.bindings(&product.storage).get(application()).await.unwrap();
    held.map(|held| held.consumers).unwrap_or_default()
}

/// The code of a refusal that names what was chosen, and changed nothing.
async fn refused(product: &Product, draft: &BindingDraft, name: &str) -> String {
    let before = held(product).await;
    let error = save(product, draft).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Conflict, Some("connection")), "{error}");
    assert_eq!(error.effect(), Effect::None);
    assert!(error.message().contains(name) && !error.advice().is_empty(), "{error}");
    assert_eq!(held(product).await, before);
    error.service_code().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_was_chosen_step_by_step_is_saved_and_rotates() {
    let product = product().await;
    for name in ["production", "images"] {
        // As a page sends it.
        let sent = serde_json::to_string(&choose(&product, name).await).unwrap();
        let chosen: BindingDraft = serde_json::from_str(&sent).unwrap();
        let whole = steps(&product, &chosen).await;
        assert!(whole.can_save() && whole.blocker().is_none(), "{}", whole.chosen.checks);
        assert_eq!(whole.chosen.offered, chosen.connection);
        save(&product, &chosen).await.unwrap();
    }
    let consumers = held(&product).await;
    assert_eq!(consumers[0], binding(production_shown()));
    let BoundConsumer::ServiceConnection(images) = &consumers[1].consumer else { panic!() };
    assert_eq!((images.id, images.destination.as_deref()), (IMAGES.parse().unwrap(), Some("images.contoso.example")));
    let bindings = product.azure.bindings(&product.storage);
    bindings.unbind(application(), &consumers[1].consumer.name(application())).await.unwrap();
    let minter = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    let client = "a0000000-0000-4000-8000-000000000001".parse().unwrap();
    let minter = product.azure.identity_with_secret(contoso(), client, minter).unwrap();
    let built = bindings.target_by(&minter, &TargetSpec::new(application())).await.unwrap();
    let rotator = product.azure.rotator(&product.storage).with_patience(std::time::Duration::from_secs(7200));
    let outcome = rotator.rotate(&built.target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_saved_before_everything_is_chosen() {
    let product = product().await;
    for half in [draft(), draft().with_organization("contoso"), in_web()] {
        let error = save(&product, &half).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("connection")), "{error}");
        assert_eq!(error.effect(), Effect::None);
    }
    assert!(held(&product).await.is_empty());
}

/// A binding survives a new name. A choice does not: the page showed another.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_renamed_since_it_was_picked_is_refused_by_name() {
    let product = product().await;
    let chosen = choose(&product, "production").await;
    product.emulator.person().rename_connection(id(PRODUCTION), "live").unwrap();
    assert_eq!(refused(&product, &chosen, "production").await, "binding-renamed");
    let again = choose(&product, "live").await;
    save(&product, &again).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_removed_since_it_was_picked_is_refused_by_name() {
    let product = product().await;
    let chosen = choose(&product, "production").await;
    product.emulator.person().delete_connection(id(IMAGES)).unwrap();
    product.emulator.person().delete_connection(id(PRODUCTION)).unwrap();
    // Nothing else fits either, and yet the refusal is about what was chosen.
    assert_eq!(refused(&product, &chosen, "production").await, "binding-gone");
}

/// The new one has another id and another maker: nobody chose it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_made_again_since_it_was_picked_is_refused_by_name() {
    let product = product().await;
    let chosen = choose(&product, "production").await;
    let new = product.emulator.person().recreate_connection(id(PRODUCTION), &Secret::new("another")).unwrap();
    assert_eq!(refused(&product, &chosen, "production").await, "binding-replaced");
    assert!(save(&product, &chosen).await.unwrap_err().message().contains(&new.to_string()));
}

/// Whoever may edit a connection names the registry that receives the password.
#[tokio::test(start_paused = true)]
async fn a_connection_that_leads_elsewhere_since_it_was_picked_is_refused() {
    let product = product().await;
    let chosen = choose(&product, "images").await;
    product
        .emulator
        .person()
        .edit_connection(id(IMAGES), |document| {
            document["authorization"]["parameters"]["registry"] = json!("https://elsewhere.example");
        })
        .unwrap();
    assert_eq!(refused(&product, &chosen, "images").await, "binding-destination-changed");
}

#[tokio::test(start_paused = true)]
async fn what_a_page_made_up_is_refused() {
    let product = product().await;
    let images = choice(&product, "images").await;
    let mut unsaid = images.clone();
    unsaid.connection.destination = None;
    assert_eq!(refused(&product, &in_web().with_connection(&unsaid), "images").await, "connection-changed");
    let mut moved = images;
    moved.connection.organization = "fabrikam".to_owned();
    assert_eq!(refused(&product, &in_web().with_connection(&moved), "images").await, "connection-changed");
    let misspelt =
        json!({"application": application(), "application_tenant": contoso(), "tenant": contoso(), "conection": 1});
    assert!(serde_json::from_value::<BindingDraft>(misspelt).is_err());
}

/// Each step is taken again when it is saved.
#[tokio::test(start_paused = true)]
async fn a_permission_or_settings_that_were_lost_since_it_was_picked_refuse() {
    let product = Product::with_seed(bob_contributes);
    product.save(by_token(TOKEN)).await;
    let chosen = choose(&product, "production").await;
    product.save(by_token(BOBS_TOKEN)).await;
    let error = save(&product, &chosen).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None), "{error}");
    assert!(error.advice().contains("[Web]\\Endpoint Administrators"), "{error}");
    product.overwrite(|settings| settings.is_enabled = false).await;
    assert_eq!(save(&product, &chosen).await.unwrap_err().service_code(), Some("IntegrationOff"));
    product.save(by_token(TOKEN)).await;
    product.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).forever());
    let away = save(&product, &chosen).await.unwrap_err();
    assert_eq!((away.kind(), away.effect()), (ErrorKind::Unavailable, Effect::None), "{away}");
    assert!(held(&product).await.is_empty());
    product.emulator.faults().clear();
    save(&product, &chosen).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_saves_twice_has_saved() {
    let product = product().await;
    let chosen = choose(&product, "production").await;
    let first = save(&product, &chosen).await.unwrap();
    assert_eq!(save(&product, &chosen).await.unwrap(), first);
}

/// The picker shows how it is bound, and what it showed may be replaced.
#[tokio::test(start_paused = true)]
async fn a_binding_that_was_shown_is_replaced_and_one_that_was_not_is_kept() {
    let product = product().await;
    let before = choose(&product, "production").await;
    save(&product, &choose(&product, "production").await.optional()).await.unwrap();
    // The page of the first one still says that it is not bound.
    assert_eq!(refused(&product, &before, "as optional now").await, "bound-meanwhile");
    let shown = choice(&product, "production").await;
    assert_eq!(shown.bound, Some(binding(production_shown()).optional()));
    let chosen = in_web().with_connection(&shown).with_receipt_as_proof();
    save(&product, &chosen).await.unwrap();
    assert_eq!(held(&product).await, [binding(production_shown()).with_receipt_as_proof()]);
    // Somebody unbinds it: whoever wanted to change how it is bound has to look again.
    let shown = choose(&product, "production").await.optional();
    let name = BoundConsumer::ServiceConnection(production()).name(application());
    product.azure.bindings(&product.storage).unbind(application(), &name).await.unwrap();
    assert_eq!(refused(&product, &shown, "not bound any more").await, "bound-meanwhile");
}

/// Documents that somebody else changes right before the first write, after everything was looked at.
struct Overtaken {
    documents: MemoryDocuments,
    by: Mutex<Option<(Bindings, TenantId, Binding)>>,
}

impl Overtaken {
    async fn overtake(&self) {
        let by = self.by.lock().unwrap().take();
        if let Some((bindings, tenant, binding)) = by {
            bindings.bind(application(), tenant, binding).await.unwrap();
        }
    }
}

#[async_trait]
impl DocumentStore for Overtaken {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.overtake().await;
        self.documents.insert(key, document).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.overtake().await;
        self.documents.replace(key, expected, document).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.documents.remove(key, expected).await
    }
}

/// Saves the connection to Azure Resource Manager while somebody binds something in a tenant.
async fn save_overtaken_by(product: &Product, tenant: TenantId, theirs: Binding) -> Result<ApplicationBindings, Error> {
    let chosen = choose(product, "production").await;
    let by = Mutex::new(Some((product.azure.bindings(&product.storage), tenant, theirs)));
    let documents = Arc::new(Overtaken { documents: product.documents.clone(), by });
    let (own, secrets) = (&product.storage, Arc::new(product.secrets.clone()));
    let storage = Storage::new(own.journal(), secrets, own.lease(), documents);
    product.azure.bindings(&storage).bind_chosen(&chosen).await
}

#[tokio::test(start_paused = true)]
async fn what_somebody_binds_right_before_the_write_is_not_overwritten() {
    let product = product().await;
    let theirs = binding(production_shown()).optional();
    let error = save_overtaken_by(&product, contoso(), theirs.clone()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.service_code(), error.effect()),
        (ErrorKind::Conflict, Some("bound-meanwhile"), Effect::None),
        "{error}"
    );
    assert_eq!(held(&product).await, [theirs]);
}

#[tokio::test(start_paused = true)]
async fn another_consumer_that_somebody_binds_right_before_the_write_is_kept() {
    let product = product().await;
    let theirs = Binding::new(BoundConsumer::Connection("shop".parse().unwrap()));
    save_overtaken_by(&product, contoso(), theirs.clone()).await.unwrap();
    assert_eq!(held(&product).await, [theirs, binding(production_shown())]);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_somebody_binds_in_another_tenant_right_before_the_write_is_refused() {
    let product = product().await;
    let theirs = Binding::new(BoundConsumer::Connection("shop".parse().unwrap()));
    let error = save_overtaken_by(&product, FABRIKAM.parse().unwrap(), theirs.clone()).await.unwrap_err();
    assert_eq!((error.kind(), error.field(), error.effect()), (ErrorKind::Conflict, Some("tenant"), Effect::None));
    assert_eq!(held(&product).await, [theirs]);
}

/// People delete a connection and make it again. Nothing can prove a secret in the former one any more.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_bound_already_by_a_former_connection_is_told() {
    let product = product().await;
    save(&product, &choose(&product, "production").await).await.unwrap();
    product.emulator.person().recreate_connection(id(PRODUCTION), &Secret::new("another")).unwrap();
    let new = choice(&product, "production").await;
    let told = new.checks.of("name-bound-already").unwrap();
    assert!(told.is_advisory && told.cause.contains(PRODUCTION) && told.remedy.contains("unbind"), "{told}");
    assert_eq!(new.bound, None);
    save(&product, &in_web().with_connection(&new)).await.unwrap();
    assert_eq!(held(&product).await.len(), 2, "nothing is unbound by itself");
}
