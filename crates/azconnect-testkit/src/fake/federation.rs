//! The federated credentials of one application, without a directory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, TenantId};
use azconnect_devops::{FederatedCredentials, FederatedTrust};

use super::Faults;

/// Keeps what one application trusts. Clones are the same application.
#[derive(Clone, Debug)]
pub struct Federation {
    tenant: TenantId,
    application: ClientId,
    trusted: Arc<Mutex<Vec<FederatedTrust>>>,
    faults: Faults<FederationStep>,
}

/// A kind of call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FederationStep {
    /// Making the application trust, by `FederatedCredentials::ensure`.
    Ensure,
    /// Taking its trust away, by `FederatedCredentials::remove`.
    Remove,
    /// Asking whether it trusts, by `FederatedCredentials::count`.
    Count,
}

impl Federation {
    /// An application that trusts nobody.
    pub fn new(tenant: TenantId, application: ClientId) -> Self {
        Self { tenant, application, trusted: Arc::default(), faults: Faults::new() }
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<FederationStep> {
        &self.faults
    }

    /// The truth: what the application trusts.
    pub fn trusts(&self) -> Vec<FederatedTrust> {
        self.trusted().clone()
    }

    fn check(&self, trust: &FederatedTrust) -> Result<(), Error> {
        if (trust.tenant, trust.client) == (self.tenant, self.application) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "the fake directory has no such application")
            .with_effect(Effect::None)
            .with_advice("name the application that the directory was made for"))
    }

    fn trusted(&self) -> MutexGuard<'_, Vec<FederatedTrust>> {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl FederatedCredentials for Federation {
    async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.faults.write(&FederationStep::Ensure, || {
            self.check(trust)?;
            let mut trusted = self.trusted();
            if !trusted.iter().any(|known| is_same(known, trust)) {
                trusted.push(trust.clone());
            }
            Ok(())
        })
    }

    async fn remove(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.faults.write(&FederationStep::Remove, || {
            self.check(trust)?;
            self.trusted().retain(|known| !is_same(known, trust));
            Ok(())
        })
    }

    async fn count(&self, trust: &FederatedTrust) -> Result<usize, Error> {
        self.faults.read(&FederationStep::Count, || {
            self.check(trust)?;
            Ok(self.trusted().iter().filter(|known| is_same(known, trust)).count())
        })
    }
}

/// Whether two trusts accept the same tokens: their names say nothing about that.
fn is_same(one: &FederatedTrust, other: &FederatedTrust) -> bool {
    (&one.issuer, &one.subject, &one.audience) == (&other.issuer, &other.subject, &other.audience)
}
