//! A product that dies at any write while it links, refreshes or unlinks an account.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Clock, Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Effect, Error, ErrorKind, Revision,
    Secret, SecretId, SecretStore, StoredDocument,
};
use azconnect::credential::{LinkRole, LinkedAs, RefreshTokens};
use azconnect::identity::user::SignInOptions;
use azconnect::store::{MemoryDocuments, MemorySecrets};
use azconnect::{AccountLinks, Storage};
use azconnect_emulator::Conduct;
use azconnect_testkit::conformance::refresh_tokens::{self, RefreshTokensHarness};

use crate::mortal::{DEATHS, Death, Mortal};
use crate::people::{link, links, over, product, sealed, visited};
use crate::product::Product;

const ANN: &str = "ann@contoso.com";
const BOB: &str = "bob@contoso.com";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    First,
    Replace,
    Refresh,
    Unlink,
}

async fn act(product: &Product, links: &AccountLinks, work: Work) -> Result<(), Error> {
    match work {
        Work::First | Work::Replace => {
            let (address, pending) = links.begin(LinkRole::ServiceUser, &SignInOptions::new())?;
            let answer = visited(product, &address, &Conduct::of(BOB)).await;
            links.finish(pending, &answer).await.map(drop)
        }
        Work::Refresh => token(product, links).await,
        Work::Unlink => links.unlink(LinkedAs::ServiceUser).await,
    }
}

async fn token(product: &Product, links: &AccountLinks) -> Result<(), Error> {
    let identity = links.sign_in(LinkedAs::ServiceUser).await?;
    identity.tokens().token(&product.azure.cloud().devops_scope()).await.map(drop)
}

/// Does a piece of work over stores of which one write ends badly. `None` if it never came to that write; else what the
/// caller learnt, if it lived to learn anything.
async fn interrupted(product: &Product, work: Work, death: Death, at: i64) -> Option<Option<Result<(), Error>>> {
    let mortal = Arc::new(Mortal::new(product.secrets.clone(), product.documents.clone(), death, at));
    let storage = Storage::new(product.storage.journal(), mortal.clone(), product.storage.lease(), mortal.clone());
    let links = over(product, &storage);
    let done = tokio::time::timeout(Duration::from_secs(600), act(product, &links, work)).await.ok();
    mortal.came_to_it().then_some(done)
}

#[tokio::test(start_paused = true)]
async fn whatever_write_ends_badly_one_account_works_or_none_is_linked() {
    let mut worlds = 0;
    for work in [Work::First, Work::Replace, Work::Refresh, Work::Unlink] {
        for death in DEATHS {
            for at in 0.. {
                let product = product();
                // A person's own account, which must be left alone.
                let neighbour = link(&product, LinkRole::Personal, ANN).await.account.linked_as();
                if work != Work::First {
                    link(&product, LinkRole::ServiceUser, ANN).await;
                }
                let Some(learnt) = interrupted(&product, work, death, at).await else { break };
                worlds += 1;
                let about = format!("{work:?}, write {at} {death:?}: {learnt:?}");
                stands(&product, work, &about).await;
                repeated(&product, work, &about).await;
                let still = links(&product).check(neighbour).await.unwrap();
                assert!(still.is_clear(), "{about}: {still:?}");
            }
        }
    }
    assert!(worlds >= 32, "{worlds} interruptions");
}

/// What must be true right after the interruption, as the next process finds it.
async fn stands(product: &Product, work: Work, about: &str) {
    let links = links(product);
    let now = links.get(LinkedAs::ServiceUser).await.unwrap();
    let works = token(product, &links).await;
    match (work, now.is_some()) {
        // Nobody was linked, or unlinked by half: then it gives no token, and may be unlinked again.
        (Work::First, false) | (Work::Unlink, _) => {}
        (_, true) => works.unwrap_or_else(|error| panic!("{about}: it gives no token: {error}")),
        (_, false) => panic!("{about}: the account is lost"),
    }
}

/// The same again by a product that was started anew, and a sweep: all is as if nothing had happened.
async fn repeated(product: &Product, work: Work, about: &str) {
    let links = links(product);
    act(product, &links, work).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    product.clock.sleep(Duration::from_secs(7200)).await;
    links.sweep(Duration::from_secs(3600)).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    let linked = links.get(LinkedAs::ServiceUser).await.unwrap();
    assert_eq!(linked.is_some(), work != Work::Unlink, "{about}");
    if work != Work::Unlink {
        token(product, &links).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    }
    assert_eq!(sealed(product).await, 1 + usize::from(work != Work::Unlink), "{about}");
}

/// Two processes with one storage, and a third that links somebody else meanwhile.
#[tokio::test(start_paused = true)]
async fn processes_that_refresh_at_once_do_not_lose_the_link() {
    let product = product();
    link(&product, LinkRole::ServiceUser, ANN).await;
    for _ in 0..5 {
        let all = futures_util::future::join_all((0..6).map(|_| async {
            let links = links(&product);
            token(&product, &links).await
        }))
        .await;
        for outcome in all {
            outcome.unwrap();
        }
    }
    assert_eq!(sealed(&product).await, 1);
    token(&product, &links(&product)).await.unwrap();
}

/// A storage that breaks and is mended.
#[derive(Clone)]
pub(crate) struct Fragile {
    secrets: MemorySecrets,
    documents: MemoryDocuments,
    is_broken: Arc<AtomicBool>,
}

impl Fragile {
    /// What a product keeps, which does not fail yet.
    pub(crate) fn of(product: &Product) -> Self {
        Self { secrets: product.secrets.clone(), documents: product.documents.clone(), is_broken: Arc::default() }
    }

    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), Error> {
        match self.is_broken.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "the disk is full").with_effect(Effect::None)),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl SecretStore for Fragile {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.check()?;
        self.secrets.put(id, secret).await
    }
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.check()?;
        self.secrets.get(id).await
    }
    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.check()?;
        self.secrets.remove(id).await
    }
    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.check()?;
        self.secrets.list(prefix, after).await
    }
}

#[async_trait]
impl DocumentStore for Fragile {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.check()?;
        self.documents.insert(key, document).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.check()?;
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.check()?;
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.check()?;
        self.documents.replace(key, expected, document).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.check()?;
        self.documents.remove(key, expected).await
    }
}

struct Sealed {
    product: Product,
    fragile: Fragile,
}

#[async_trait]
impl RefreshTokensHarness for Sealed {
    async fn open(&self) -> Arc<dyn RefreshTokens> {
        let stores = Arc::new(self.fragile.clone());
        let own = &self.product.storage;
        over(&self.product, &Storage::new(own.journal(), stores.clone(), own.lease(), stores)).refresh_tokens()
    }
    async fn break_storage(&self) {
        self.fragile.set_broken(true);
    }
    async fn mend_storage(&self) {
        self.fragile.set_broken(false);
    }
}

#[tokio::test(start_paused = true)]
async fn sealed_refresh_tokens_conform() {
    refresh_tokens::all(async || {
        let product = product();
        let fragile = Fragile::of(&product);
        Sealed { product, fragile }
    })
    .await;
}
