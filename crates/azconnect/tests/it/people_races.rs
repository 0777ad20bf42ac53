//! What other processes do between two writes of a link, and sign-ins that are none of the product's application.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Clock, Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, ErrorKind, Revision, Scope,
    Secret, StoredDocument,
};
use azconnect::credential::{LinkRole, LinkedAs};
use azconnect::identity::user::{DeviceSignIn, LinkState, SignInOptions};
use azconnect::identity::{Application, PublicClient, TokenEndpoint};
use azconnect::store::MemoryDocuments;
use azconnect::{AccountLinks, Storage};
use azconnect_emulator::Conduct;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::people::{ANN, BOB, link, link_by, links, over, product, product_with, sealed, sees, visited};
use crate::product::{Product, contoso};

const TOOL: &str = "10000000-0000-4000-8000-0000000000ab";

/// Documents in whose way something comes around the first write to a collection.
struct Disturbed {
    documents: MemoryDocuments,
    collection: &'static str,
    around: Around,
    deed: Mutex<Option<BoxFuture<'static, ()>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Around {
    Before,
    After,
}

impl Disturbed {
    async fn write<T>(&self, key: &DocumentKey, write: impl Future<Output = T>) -> T {
        let is_here = key.collection.as_str() == self.collection;
        let deed = if is_here { self.deed.lock().unwrap().take() } else { None };
        let Some(deed) = deed else { return write.await };
        if self.around == Around::Before {
            deed.await;
            return write.await;
        }
        let written = write.await;
        deed.await;
        written
    }
}

#[async_trait]
impl DocumentStore for Disturbed {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.write(key, self.documents.insert(key, document)).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.write(key, self.documents.replace(key, expected, document)).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.documents.remove(key, expected).await
    }
}

/// The links of a process in whose way a deed comes around its first write to a collection.
fn disturbed(
    product: &Product,
    (around, collection): (Around, &'static str),
    deed: impl Future<Output = ()> + Send + 'static,
) -> AccountLinks {
    let deed = Mutex::new(Some(Box::pin(deed) as BoxFuture<'static, ()>));
    let documents = Disturbed { documents: product.documents.clone(), collection, around, deed };
    let own = &product.storage;
    over(product, &Storage::new(own.journal(), own.secrets(), own.lease(), Arc::new(documents)))
}

fn unlinking(product: &Product) -> impl Future<Output = ()> + Send + 'static {
    let others = links(product);
    async move { others.unlink(LinkedAs::ServiceUser).await.unwrap() }
}

/// The process is suspended for two hours, and somebody sweeps meanwhile.
fn suspended(product: &Product) -> impl Future<Output = ()> + Send + 'static {
    let (others, clock) = (links(product), product.clock.clone());
    async move {
        clock.sleep(Duration::from_secs(7200)).await;
        assert_eq!(others.sweep(Duration::from_secs(3600)).await.unwrap().forgotten.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_finished_while_somebody_unlinks_is_kept() {
    let product = product();
    link(&product, LinkRole::ServiceUser, ANN).await;
    let slow = disturbed(&product, (Around::Before, "linked-accounts"), unlinking(&product));
    let linked = link_by(&product, &slow, LinkRole::ServiceUser, &Conduct::of(BOB)).await.unwrap();
    assert_eq!(linked.account.person.display_name.as_deref(), Some("Bob"));
    assert_eq!(sees(&product, LinkedAs::ServiceUser).await.unwrap(), ["Web"]);
    assert_eq!(sealed(&product).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_during_which_somebody_unlinks_says_that_nobody_is_linked() {
    let product = product();
    link(&product, LinkRole::ServiceUser, ANN).await;
    let slow = disturbed(&product, (Around::Before, "refresh-tokens"), unlinking(&product));
    let identity = slow.sign_in(LinkedAs::ServiceUser).await.unwrap();
    let error = identity.tokens().token(&product.azure.cloud().devops_scope()).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::Unlinked, "{error:?}");
    assert_eq!(sealed(&product).await, 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_after_a_sweep_leaves_the_account_that_works() {
    let product = product();
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let slow = disturbed(&product, (Around::Before, "linked-accounts"), suspended(&product));
    let error = link_by(&product, &slow, LinkRole::ServiceUser, &Conduct::of(BOB)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(error.advice().contains("link the account again"), "{}", error.advice());
    assert_eq!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap().value, ann);
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    assert_eq!(sealed(&product).await, 1);
}

/// A sweep that has read who is linked, and has destroyed nothing yet, while a process wakes that names an old link.
#[tokio::test(start_paused = true)]
async fn whoever_wakes_beside_a_sweep_leaves_the_account_that_works() {
    let product = product();
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let clock = product.clock.clone();
    let slept = async move { clock.sleep(Duration::from_secs(7200)).await };
    let slow = disturbed(&product, (Around::Before, "linked-accounts"), slept);
    let error = link_by(&product, &slow, LinkRole::ServiceUser, &Conduct::of(BOB)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap().value, ann);
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    assert_eq!(sealed(&product).await, 1);
}

/// The new token was sealed, and destroyed by a sweep before the document named it.
#[tokio::test(start_paused = true)]
async fn a_token_that_was_swept_before_it_was_named_is_sealed_once_more() {
    let product = product();
    let link = link(&product, LinkRole::ServiceUser, ANN).await.account.link;
    let slow = disturbed(&product, (Around::Before, "refresh-tokens"), suspended(&product)).refresh_tokens();
    let used = slow.load(&link).await.unwrap().unwrap();
    let next = Secret::new("what the login gave for the former one");
    let revision = slow.store(&link, &next, Some(used.revision)).await.unwrap();
    let kept = links(&product).refresh_tokens().load(&link).await.unwrap().unwrap();
    assert!(kept.token.same_as(&next) && kept.revision == revision);
    assert_eq!(sealed(&product).await, 1, "the former one, and the name that was swept, are forgotten");
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_after_a_sweep_links_nobody_where_nobody_was_linked() {
    let product = product();
    link(&product, LinkRole::Personal, ANN).await;
    let slow = disturbed(&product, (Around::Before, "linked-accounts"), suspended(&product));
    let error = link_by(&product, &slow, LinkRole::ServiceUser, &Conduct::of(BOB)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().is_none());
    assert_eq!(sealed(&product).await, 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_after_somebody_else_linked_or_unlinked_leaves_that_as_it_is() {
    for is_linked in [true, false] {
        let product = product();
        link(&product, LinkRole::ServiceUser, ANN).await;
        let others = links(&product);
        let (address, pending) = others.begin(LinkRole::ServiceUser, &SignInOptions::new()).unwrap();
        let answer = visited(&product, &address, &Conduct::of(ANN)).await;
        let deed = async move {
            match is_linked {
                true => drop(others.finish(pending, &answer).await.unwrap()),
                false => others.unlink(LinkedAs::ServiceUser).await.unwrap(),
            }
        };
        let slow = disturbed(&product, (Around::After, "linked-accounts"), deed);
        let error = link_by(&product, &slow, LinkRole::ServiceUser, &Conduct::of(BOB)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        let now = links(&product).get(LinkedAs::ServiceUser).await.unwrap();
        let name = now.and_then(|now| now.value.person.display_name);
        assert_eq!(name.as_deref(), is_linked.then_some("Ann"));
        assert_eq!(sealed(&product).await, usize::from(is_linked), "what nobody names any more is forgotten");
        assert_eq!(sees(&product, LinkedAs::ServiceUser).await.is_ok(), is_linked);
    }
}

/// What was lent to one application is of no use to another.
#[tokio::test(start_paused = true)]
async fn a_sign_in_to_another_application_is_not_kept_and_the_account_that_is_linked_works_on() {
    let product = product_with(|seed| {
        let tool = json!({"displayName": "Tool", "clientId": TOOL, "publicClientFlows": true});
        seed["tenants"][0]["applications"].as_array_mut().unwrap().push(tool);
    });
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let endpoint = TokenEndpoint::new(product.azure.pipeline().clone(), product.azure.cloud(), contoso());
    let tool = Application::new(endpoint, TOOL.parse().unwrap(), Arc::new(PublicClient));
    let devops = product.azure.cloud().devops_scope();
    let scope = Scope::delegated(devops.resource(), ["user_impersonation"]).unwrap().with_offline_access();
    let device = DeviceSignIn::new(tool, scope).unwrap();
    let code = device.start().await.unwrap();
    let page = format!("{}?code={}", code.verification_uri, code.user_code);
    product.emulator.visitor().visit(&page, &Conduct::of(BOB).with_code(&code.user_code)).await.unwrap();
    let signed_in = device.wait(code).await.unwrap();

    let error = links(&product).keep(LinkRole::ServiceUser, signed_in).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("application")), "{error:?}");
    assert_eq!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap().value, ann);
    assert_eq!(sealed(&product).await, 1);
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
}
