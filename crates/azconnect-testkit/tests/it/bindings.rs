//! The fake book of bindings keeps the promises of the port, and books that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, KeyId, TenantId};
use azconnect_credential::{ApplicationBindings, Binding, BindingRecords, BoundConsumer, RecordPage, RecordQuery};
use azconnect_testkit::conformance::bindings::{self, BindingsHarness};
use azconnect_testkit::fake::BindingBook;

use crate::judged::{named, verdict};

struct Stage<K>(BindingBook, fn(BindingBook) -> K);

#[async_trait]
impl<K: BindingRecords + 'static> BindingsHarness for Stage<K> {
    fn records(&self) -> Arc<dyn BindingRecords> {
        Arc::new((self.1)(self.0.clone()))
    }
}

#[tokio::test]
async fn the_fake_book_of_bindings_conforms() {
    bindings::all(async || Stage(BindingBook::new(), |book| book)).await;
}

/// Drops what it does not know, and forgets keys that are handed over.
struct Forgetful(BindingBook);

#[async_trait]
impl BindingRecords for Forgetful {
    async fn get(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error> {
        let mut found = self.0.get(application).await?;
        if let Some(found) = &mut found {
            found.consumers.retain(|binding| !matches!(binding.consumer, BoundConsumer::Other(_)));
        }
        Ok(found)
    }
    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<ApplicationBindings>, Error> {
        self.0.list(query).await
    }
    async fn bind(&self, of: ClientId, tenant: TenantId, binding: Binding) -> Result<ApplicationBindings, Error> {
        self.0.bind(of, tenant, binding).await
    }
    async fn unbind(&self, application: ClientId, name: &str) -> Result<ApplicationBindings, Error> {
        self.0.unbind(application, name).await
    }
    async fn adopt(&self, application: ClientId, _: &[KeyId]) -> Result<ApplicationBindings, Error> {
        self.0.adopt(application, &[]).await
    }
}

#[tokio::test]
async fn a_forgetful_book_is_named() {
    let message = verdict(bindings::all(async || Stage(BindingBook::new(), Forgetful))).await;
    named(
        &message,
        &[
            "a consumer of an unknown kind is kept as it came",
            "the keys that are handed over are those of the last word",
        ],
    );
}
