//! The fake store of refresh tokens keeps the promises of the port, and stores that break one are named.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Revision, Secret};
use azconnect_credential::{KeptRefreshToken, LinkId, RefreshTokens};
use azconnect_testkit::conformance::refresh_tokens::{self, RefreshTokensHarness};
use azconnect_testkit::fake::{self, Fault, RefreshTokensStep};

use crate::judged::{named, verdict};

/// The fake, whose storage fails in one way.
struct Kept(fake::RefreshTokens, Fault);

#[async_trait]
impl RefreshTokensHarness for Kept {
    async fn open(&self) -> Arc<dyn RefreshTokens> {
        Arc::new(self.0.clone())
    }
    async fn break_storage(&self) {
        for step in [RefreshTokensStep::Load, RefreshTokensStep::Store, RefreshTokensStep::Remove] {
            self.0.faults().break_down(step, self.1);
        }
    }
    async fn mend_storage(&self) {
        self.0.faults().heal();
    }
}

#[tokio::test]
async fn the_fake_store_conforms_however_it_fails() {
    for fault in [Fault::Dropped, Fault::AnswerLost, Fault::Refused(ErrorKind::PermissionDenied), Fault::Hangs] {
        refresh_tokens::all(async || Kept(fake::RefreshTokens::new(), fault)).await;
    }
}

/// Keeps whatever comes last, counts by link, and forgets the count with the link.
#[derive(Clone, Default)]
struct Careless {
    kept: Arc<Mutex<HashMap<LinkId, (String, u64)>>>,
    broken: Arc<AtomicBool>,
}

impl Careless {
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl RefreshTokens for Careless {
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error> {
        let found = self.kept.lock().unwrap().get(link).filter(|_| !self.is_broken()).cloned();
        Ok(found.map(|(text, revision)| KeptRefreshToken::new(Secret::new(text), Revision(revision))))
    }
    async fn store(&self, link: &LinkId, token: &Secret, _: Option<Revision>) -> Result<Revision, Error> {
        let mut kept = self.kept.lock().unwrap();
        let revision = kept.get(link).map_or(1, |(_, revision)| revision + 1);
        kept.insert(link.clone(), (token.expose().trim().to_owned(), revision));
        if self.is_broken() {
            let message = format!("cannot write {}", token.expose());
            return Err(Error::new(ErrorKind::Unavailable, message).with_effect(Effect::None));
        }
        Ok(Revision(revision))
    }
    async fn remove(&self, link: &LinkId) -> Result<(), Error> {
        if !self.is_broken() {
            self.kept.lock().unwrap().remove(link);
        }
        Ok(())
    }
}

#[async_trait]
impl RefreshTokensHarness for Careless {
    async fn open(&self) -> Arc<dyn RefreshTokens> {
        Arc::new(self.clone())
    }
    async fn break_storage(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }
    async fn mend_storage(&self) {
        self.broken.store(false, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_careless_store_is_named() {
    let message = verdict(refresh_tokens::all(async || Careless::default())).await;
    let wanted = [
        "nothing is loaded of an unknown link",
        "each token that is stored has a higher revision",
        "a store after another token than the last is refused and changes nothing",
        "after a removal nothing is stored but a new first one",
        "of concurrent stores after one token exactly one wins",
        "of a store and a removal at once no token stays",
        "any text survives",
        "a failure leaves the former token or the new one",
        "a store that fails to read does not say that nobody is linked",
        "no token is shown or logged",
    ];
    named(&message, &wanted);
}

/// Stores well; each process has links of its own, and one token for all that begin alike.
#[derive(Default)]
struct Apart(fake::RefreshTokens);

struct Short(fake::RefreshTokens);

fn shortened(link: &LinkId) -> LinkId {
    LinkId::new(link.as_str().trim_end_matches(['/', '.', '0']).to_ascii_lowercase()).unwrap()
}

#[async_trait]
impl RefreshTokens for Short {
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error> {
        self.0.load(&shortened(link)).await
    }
    async fn store(&self, link: &LinkId, token: &Secret, after: Option<Revision>) -> Result<Revision, Error> {
        self.0.store(&shortened(link), token, after).await
    }
    async fn remove(&self, link: &LinkId) -> Result<(), Error> {
        match self.0.kept(&shortened(link)) {
            Some(_) => self.0.remove(&shortened(link)).await,
            None => Err(Error::new(ErrorKind::NotFound, "there is none")),
        }
    }
}

#[async_trait]
impl RefreshTokensHarness for Apart {
    async fn open(&self) -> Arc<dyn RefreshTokens> {
        Arc::new(Short(self.0.clone()))
    }
    async fn break_storage(&self) {
        self.0.faults().break_down(RefreshTokensStep::Store, Fault::Dropped);
    }
    async fn mend_storage(&self) {
        self.0.faults().heal();
    }
}

#[tokio::test]
async fn a_store_that_mixes_links_is_named() {
    let message = verdict(refresh_tokens::all(async || Apart::default())).await;
    named(&message, &["removing what is not there succeeds", "links do not meet"]);
}

/// Every process has a store of its own.
struct Lonely(Mutex<Vec<fake::RefreshTokens>>);

#[async_trait]
impl RefreshTokensHarness for Lonely {
    async fn open(&self) -> Arc<dyn RefreshTokens> {
        let own = fake::RefreshTokens::new();
        self.0.lock().unwrap().push(own.clone());
        Arc::new(own)
    }
    async fn break_storage(&self) {
        for store in &*self.0.lock().unwrap() {
            store.faults().break_down(RefreshTokensStep::Store, Fault::Dropped);
        }
    }
    async fn mend_storage(&self) {}
}

#[tokio::test]
async fn a_store_that_other_processes_do_not_see_is_named() {
    let message = verdict(refresh_tokens::all(async || Lonely(Mutex::default()))).await;
    let wanted = [
        "what was stored last is loaded by another process",
        "a store after another token than the last is refused and changes nothing",
        "after a removal nothing is stored but a new first one",
        "of concurrent stores after one token exactly one wins",
        "of a store and a removal at once no token stays",
        "links do not meet",
        "any text survives",
        "a failure leaves the former token or the new one",
    ];
    named(&message, &wanted);
}
