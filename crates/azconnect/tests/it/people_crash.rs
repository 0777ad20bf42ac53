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
use azconnect::store::SqliteStore;
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

/// A refresh seals the next token before anything names it: what it leaves must not outlive the link.
#[tokio::test(start_paused = true)]
async fn after_an_unlink_no_token_of_a_refresh_that_died_stays_sealed() {
    for (at, death) in (0..3).flat_map(|at| [(at, Death::Before), (at, Death::After)]) {
        let product = product();
        link(&product, LinkRole::ServiceUser, ANN).await;
        let about = format!("write {at} {death:?}");
        assert!(interrupted(&product, Work::Refresh, death, at).await.is_some(), "{about}: there is no such write");
        links(&product).unlink(LinkedAs::ServiceUser).await.unwrap();
        assert_eq!(sealed(&product).await, 0, "{about}");
        product.clock.sleep(Duration::from_secs(7200)).await;
        let swept = links(&product).sweep(Duration::from_secs(3600)).await.unwrap();
        assert!(swept.forgotten.is_empty() && swept.kept.is_empty(), "{about}: {swept:?}");
    }
}

/// A sign-in that died before its record was written leaves a token, and no account by which a sweep could judge the store.
#[tokio::test(start_paused = true)]
async fn an_operator_who_says_that_nobody_is_linked_may_sweep() {
    let (product, age) = (product(), Duration::from_secs(3600));
    assert!(interrupted(&product, Work::First, Death::After, 1).await.is_some());
    let links = links(&product);
    product.clock.sleep(Duration::from_secs(7200)).await;
    let error = links.sweep(age).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.advice().contains("sweep_with_nobody_linked"), "{}", error.advice());
    assert_eq!(sealed(&product).await, 1);
    assert_eq!(links.sweep_with_nobody_linked(Duration::ZERO).await.unwrap_err().field(), Some("age"));
    assert_eq!(links.sweep_with_nobody_linked(age).await.unwrap().forgotten.len(), 1);
    assert_eq!(sealed(&product).await, 0);
    // It is no way around the question while somebody is linked.
    link(&product, LinkRole::ServiceUser, ANN).await;
    assert_eq!(links.sweep_with_nobody_linked(age).await.unwrap_err().kind(), ErrorKind::Conflict);
    token(&product, &links).await.unwrap();
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
    secrets: Arc<dyn SecretStore>,
    documents: Arc<dyn DocumentStore>,
    is_broken: Arc<AtomicBool>,
}

impl Fragile {
    /// What a product keeps, which does not fail yet.
    pub(crate) fn of(product: &Product) -> Self {
        Self {
            secrets: Arc::new(product.secrets.clone()),
            documents: Arc::new(product.documents.clone()),
            is_broken: Arc::default(),
        }
    }

    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    /// Others come between any two calls.
    async fn check(&self) -> Result<(), Error> {
        tokio::task::yield_now().await;
        match self.is_broken.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "the disk is full").with_effect(Effect::None)),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl SecretStore for Fragile {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.check().await?;
        self.secrets.put(id, secret).await
    }
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.check().await?;
        self.secrets.get(id).await
    }
    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.check().await?;
        self.secrets.remove(id).await
    }
    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.check().await?;
        self.secrets.list(prefix, after).await
    }
}

#[async_trait]
impl DocumentStore for Fragile {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.check().await?;
        self.documents.insert(key, document).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.check().await?;
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.check().await?;
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.check().await?;
        self.documents.replace(key, expected, document).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.check().await?;
        self.documents.remove(key, expected).await
    }
}

struct Sealed {
    product: Product,
    fragile: Fragile,
    /// Where the database lies, if there is one.
    #[allow(dead_code, reason = "it is removed when it is dropped")]
    folder: Option<tempfile::TempDir>,
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
        Sealed { product, fragile, folder: None }
    })
    .await;
}

#[tokio::test]
async fn refresh_tokens_that_are_sealed_in_sqlite_conform() {
    refresh_tokens::all(async || {
        let (product, folder) = (product(), tempfile::tempdir().unwrap());
        let (database, key) = (folder.path().join("store.db"), folder.path().join("seal.key"));
        let store = SqliteStore::open_with_key_file(database, key, product.clock.clone()).await.unwrap();
        let store = Arc::new(store);
        let fragile = Fragile { secrets: store.clone(), documents: store, is_broken: Arc::default() };
        Sealed { product, fragile, folder: Some(folder) }
    })
    .await;
}
