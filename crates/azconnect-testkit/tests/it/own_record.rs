//! The fake record keeps the promises of the port, and records that break one are named.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_credential::Candidate;
use azconnect_identity::OwnRecord;
use azconnect_testkit::conformance::own_record::{self, OwnRecordHarness};
use azconnect_testkit::fake::{Fault, SignInRecord, SignInStep};

use crate::judged::{named, verdict};

struct Kept(SignInRecord);

#[async_trait]
impl OwnRecordHarness for Kept {
    fn record(&self) -> Arc<dyn OwnRecord> {
        Arc::new(self.0.clone())
    }
    async fn after_restart(&self) -> Secret {
        self.0.stored().unwrap()
    }
    async fn break_storage(&self) {
        self.0.faults().break_down(SignInStep::Store, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn the_fake_record_conforms() {
    own_record::all(async || Kept(SignInRecord::new())).await;
}

/// Keeps the first line of the first secret in memory only, and clears it before it writes.
#[derive(Clone, Default)]
struct Sloppy(Arc<Mutex<(Option<String>, bool)>>);

#[async_trait]
impl OwnRecord for Sloppy {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        Ok(self.0.lock().unwrap().0.as_deref().map(Secret::new))
    }
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        let mut kept = self.0.lock().unwrap();
        kept.0 = None;
        if kept.1 {
            let message = format!("cannot write {}", candidate.secret.expose());
            return Err(Error::new(ErrorKind::Unavailable, message).with_effect(Effect::None));
        }
        kept.0 = Some(candidate.secret.expose().trim().to_owned());
        Ok(())
    }
}

#[async_trait]
impl OwnRecordHarness for Sloppy {
    fn record(&self) -> Arc<dyn OwnRecord> {
        Arc::new(self.clone())
    }
    async fn after_restart(&self) -> Secret {
        Secret::new(self.0.lock().unwrap().0.clone().unwrap_or_default())
    }
    async fn break_storage(&self) {
        self.0.lock().unwrap().1 = true;
    }
}

#[tokio::test]
async fn a_sloppy_record_is_named() {
    let message = verdict(own_record::all(async || Sloppy::default())).await;
    named(
        &message,
        &["any text survives", "a failure leaves the former secret or the new one", "no secret is shown or logged"],
    );
}

/// Takes the first secret, and never another.
#[derive(Clone, Default)]
struct Stubborn(SignInRecord);

#[async_trait]
impl OwnRecord for Stubborn {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        self.0.load().await
    }
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        match self.0.stored() {
            Some(_) => Ok(()),
            None => self.0.store(candidate).await,
        }
    }
}

#[async_trait]
impl OwnRecordHarness for Stubborn {
    fn record(&self) -> Arc<dyn OwnRecord> {
        Arc::new(self.clone())
    }
    async fn after_restart(&self) -> Secret {
        self.0.stored().unwrap()
    }
    async fn break_storage(&self) {
        self.0.faults().break_down(SignInStep::Store, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn a_stubborn_record_is_named() {
    let message = verdict(own_record::all(async || Stubborn::default())).await;
    let wanted = [
        "the secret that was stored last counts",
        "another process loads what was stored last",
        "any text survives",
        "a failure leaves the former secret or the new one",
    ];
    named(&message, &wanted);
}

/// Stores well, and shows every process what that process has loaded first.
#[derive(Clone, Default)]
struct Forgetful {
    kept: SignInRecord,
    first: Arc<Mutex<Option<Secret>>>,
}

#[async_trait]
impl OwnRecord for Forgetful {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        let mut first = self.first.lock().unwrap();
        if first.is_none() {
            *first = self.kept.stored();
        }
        Ok(first.as_ref().map(Secret::duplicate))
    }
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.kept.store(candidate).await
    }
}

#[async_trait]
impl OwnRecordHarness for Forgetful {
    fn record(&self) -> Arc<dyn OwnRecord> {
        Arc::new(self.clone())
    }
    async fn after_restart(&self) -> Secret {
        self.kept.stored().unwrap()
    }
    async fn break_storage(&self) {
        self.kept.faults().break_down(SignInStep::Store, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn a_record_that_loads_from_memory_is_named() {
    let message = verdict(own_record::all(async || Forgetful::default())).await;
    named(&message, &["another process loads what was stored last"]);
}
