//! The federated credentials of one application at Microsoft Graph, behind Azure DevOps' port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect_core::{ClientId, Effect, Error, ErrorKind, TenantId};
use azconnect_devops::{FederatedCredentials, FederatedTrust};
use azconnect_graph::{
    FederatedCredential, FederatedCredentialId, FederatedCredentialName, GraphClient, NewFederatedCredential,
};

/// How many names are tried: as many as an application has federated credentials at most.
const NAMES: u32 = 20;

/// Keeps the federated credentials of one application through Microsoft Graph, for the service connections that sign in
/// as it. Made by [`Identity::federated_credentials`](crate::Identity::federated_credentials).
#[derive(Clone, Debug)]
pub struct ApplicationFederation {
    graph: GraphClient,
    tenant: TenantId,
    application: ClientId,
    removed: Arc<Mutex<BTreeMap<FederatedCredentialId, Removed>>>,
}

/// A credential that was removed here. Lists that lag behind go on showing it.
#[derive(Clone, Debug)]
struct Removed {
    trust: FederatedTrust,
    /// Whether it is gone; if not, the answer was lost.
    is_certain: bool,
}

impl ApplicationFederation {
    pub(crate) fn new(graph: GraphClient, tenant: TenantId, application: ClientId) -> Self {
        Self { graph, tenant, application, removed: Arc::default() }
    }

    fn removed(&self) -> MutexGuard<'_, BTreeMap<FederatedCredentialId, Removed>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_gone(&self, id: FederatedCredentialId) -> bool {
        self.removed().get(&id).is_some_and(|removed| removed.is_certain)
    }

    async fn delete(&self, id: FederatedCredentialId, trust: &FederatedTrust) -> Result<(), Error> {
        let outcome = self.graph.delete_federated_credential(self.application, id).await;
        let is_certain = outcome.is_ok();
        if is_certain || outcome.as_ref().is_err_and(|error| error.effect() != Effect::None) {
            self.removed().insert(id, Removed { trust: trust.clone(), is_certain });
        }
        outcome
    }

    /// Makes certain of removals of a trust whose answers were lost. Nothing that a list shows could: it may not have heard
    /// yet, or be about to. Removals of other trusts are left: their connections may have been kept since.
    async fn settle_removals(&self, trust: &FederatedTrust) -> Result<(), Error> {
        let is_doubtful = |removed: &Removed| !removed.is_certain && accepts_the_same(&removed.trust, trust);
        let doubtful: Vec<_> =
            self.removed().iter().filter(|(_, removed)| is_doubtful(removed)).map(|(id, _)| *id).collect();
        for id in doubtful {
            self.delete(id, trust).await.map_err(|error| error.with_effect(Effect::Unknown))?;
        }
        Ok(())
    }

    /// Refuses a trust of another tenant or application, which must not be written to this one.
    fn check(&self, trust: &FederatedTrust) -> Result<(), Error> {
        if trust.tenant != self.tenant {
            return Err(Error::invalid("tenant", format!("the connection signs in to the tenant {}", trust.tenant))
                .with_advice(format!("sign in to the tenant {} to change its applications", trust.tenant)));
        }
        if trust.client != self.application {
            return Err(Error::invalid(
                "client",
                format!("the connection signs in as the application {}", trust.client),
            )
            .with_advice(format!("ask for the federated credentials of the application {}", trust.client)));
        }
        Ok(())
    }

    /// The federated credentials for a trust: those of the list, or, while that lags behind, the one of the trust's name.
    async fn find(&self, trust: &FederatedTrust) -> Result<Vec<FederatedCredentialId>, Error> {
        let accepts =
            |known: &FederatedCredential| known.trusts(&trust.issuer, &trust.subject) && known.accepts(&trust.audience);
        let listed = self.graph.federated_credentials(self.application).await?;
        let gone = |id: &FederatedCredentialId| self.is_gone(*id);
        let found: Vec<_> =
            listed.iter().filter(|known| accepts(known)).map(|known| known.id).filter(|id| !gone(id)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let name = FederatedCredentialName::new(&trust.name)?;
        match self.graph.federated_credential(self.application, name).await {
            Ok(known) => Ok((accepts(&known) && !gone(&known.id)).then_some(known.id).into_iter().collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[async_trait::async_trait]
impl FederatedCredentials for ApplicationFederation {
    /// What was removed here counts as absent, whatever a list still shows.
    ///
    /// A connection that has moved to another issuer keeps its earlier trust until that is removed, so its name may be
    /// taken: then the next free one is used, such as `azure-devops-…-2`.
    async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.check(trust)?;
        self.settle_removals(trust).await?;
        let deleted: Vec<_> =
            self.removed().iter().filter(|(_, removed)| removed.is_certain).map(|(id, _)| *id).collect();
        let mut number = 1;
        loop {
            let name = match number {
                // The trust's own name first, since `find` looks under it while the list lags behind.
                1 => FederatedCredentialName::new(&trust.name)?,
                _ => FederatedCredentialName::new(format!("{}-{number}", trust.name))?,
            };
            let wish = NewFederatedCredential::new(name, &trust.issuer, &trust.subject)
                .with_audience(&trust.audience)
                .with_deleted(deleted.iter().copied())
                .with_description("for a service connection of Azure DevOps");
            let outcome = self.graph.ensure_federated_credential(self.application, &wish).await;
            match outcome {
                Err(error) if is_name_taken(&error) && number < NAMES => number += 1,
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Found by issuer, subject and audience, whatever its name; the trusts of others stay.
    async fn remove(&self, trust: &FederatedTrust) -> Result<(), Error> {
        self.check(trust)?;
        match self.find(trust).await?.as_slice() {
            [] => Ok(()),
            [id] => self.delete(*id, trust).await,
            many => Err(Error::new(
                ErrorKind::Conflict,
                format!("{} federated credentials accept this trust, so none is known to be the one", many.len()),
            )
            .with_effect(Effect::None)
            .with_advice("remove all but one of them by hand")),
        }
    }

    async fn count(&self, trust: &FederatedTrust) -> Result<usize, Error> {
        self.check(trust)?;
        Ok(self.find(trust).await?.len())
    }
}

/// Whether two trusts are for the same tokens. Their names say nothing about that.
fn accepts_the_same(one: &FederatedTrust, other: &FederatedTrust) -> bool {
    (&one.issuer, &one.subject, &one.audience) == (&other.issuer, &other.subject, &other.audience)
}

fn is_name_taken(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.field() == Some("name")
}
