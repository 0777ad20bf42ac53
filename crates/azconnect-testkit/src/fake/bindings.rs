//! Who receives the secrets of a product's applications, without a store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, KeyId, Revision, TenantId};
use azconnect_credential::{ApplicationBindings, Binding, BindingRecords, RecordPage, RecordQuery, Revised};

use super::Faults;
use super::page::page;

/// A kind of call to [`BindingBook`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindingCall {
    /// Reading records.
    Read,
    /// Writing a record.
    Write,
}

/// Keeps bindings in memory. Clones are the same book.
#[derive(Clone, Debug, Default)]
pub struct BindingBook {
    world: Arc<Mutex<BTreeMap<String, Revised<ApplicationBindings>>>>,
    faults: Faults<BindingCall>,
}

impl BindingBook {
    /// A book without bindings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<BindingCall> {
        &self.faults
    }

    pub(super) fn held(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error> {
        let key = application.to_string();
        self.faults.read(&BindingCall::Read, || Ok(self.world().get(&key).map(|held| held.value.clone())))
    }

    pub(super) fn change(
        &self,
        application: ClientId,
        change: impl FnOnce(Option<ApplicationBindings>) -> Result<ApplicationBindings, Error>,
    ) -> Result<ApplicationBindings, Error> {
        self.faults.write(&BindingCall::Write, || {
            let mut world = self.world();
            let before = world.get(&application.to_string()).map(|held| held.value.clone());
            let after = change(before)?;
            after.check()?;
            let last = world.values().map(|held| held.revision.0).max().unwrap_or_default();
            world.insert(application.to_string(), Revised::new(after.clone(), Revision(last + 1)));
            Ok(after)
        })
    }

    fn world(&self) -> MutexGuard<'_, BTreeMap<String, Revised<ApplicationBindings>>> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BindingRecords for BindingBook {
    async fn get(&self, application: ClientId) -> Result<Option<ApplicationBindings>, Error> {
        self.held(application)
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<ApplicationBindings>, Error> {
        self.faults.read(&BindingCall::Read, || page(&self.world(), query))
    }

    async fn bind(
        &self,
        application: ClientId,
        tenant: TenantId,
        binding: Binding,
    ) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| {
            let held = found.unwrap_or_else(|| ApplicationBindings::new(application, tenant));
            if held.tenant != tenant {
                return Err(Error::new(ErrorKind::Conflict, "the application is bound in another tenant")
                    .with_field("tenant")
                    .with_effect(Effect::None)
                    .with_advice("bind it in the tenant in which its secrets are minted"));
            }
            Ok(held.with(binding))
        })
    }

    async fn unbind(&self, application: ClientId, name: &str) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| Ok(found.ok_or_else(nothing)?.without(name)))
    }

    async fn adopt(&self, application: ClientId, keys: &[KeyId]) -> Result<ApplicationBindings, Error> {
        self.change(application, |found| {
            let mut held = found.ok_or_else(nothing)?;
            held.adopted.clear();
            Ok(keys.iter().fold(held, |held, key| held.with_adopted(*key)))
        })
    }
}

fn nothing() -> Error {
    Error::new(ErrorKind::NotFound, "nothing is bound to the application")
        .with_field("application")
        .with_effect(Effect::None)
        .with_advice("bind the consumers of its secret first")
}
