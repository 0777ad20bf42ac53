//! The fake federation keeps the promises of the port, and federations that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ErrorKind, TenantId};
use azconnect_devops::{FederatedCredentials, FederatedTrust};
use azconnect_testkit::conformance::federated_credentials::{self, FederatedCredentialsHarness};
use azconnect_testkit::fake::{Fault, Federation, FederationStep};

use crate::judged::{named, verdict};

struct Harness {
    directory: Federation,
    port: Arc<dyn FederatedCredentials>,
}

fn tenant() -> TenantId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap()
}

fn client() -> ClientId {
    "10000000-0000-4000-8000-000000000002".parse().unwrap()
}

fn accepted(directory: &Federation, trust: &FederatedTrust) -> usize {
    let same = |known: &&FederatedTrust| (&known.issuer, &known.subject) == (&trust.issuer, &trust.subject);
    directory.trusts().iter().filter(same).count()
}

impl Harness {
    fn new(wrap: impl Fn(Federation) -> Arc<dyn FederatedCredentials>) -> Self {
        let directory = Federation::new(tenant(), client());
        Self { port: wrap(directory.clone()), directory }
    }
}

#[async_trait]
impl FederatedCredentialsHarness for Harness {
    fn credentials(&self) -> Arc<dyn FederatedCredentials> {
        self.port.clone()
    }
    fn application(&self) -> (TenantId, ClientId) {
        (tenant(), client())
    }
    async fn count(&self, trust: &FederatedTrust) -> usize {
        accepted(&self.directory, trust)
    }
    async fn settle(&self) {}
    async fn disconnect(&self) {
        for step in [FederationStep::Ensure, FederationStep::Remove, FederationStep::Count] {
            self.directory.faults().break_down(step, Fault::Dropped);
        }
    }
    async fn reconnect(&self) {
        self.directory.faults().heal();
    }
    async fn lose_next_change(&self) {
        self.directory.faults().script(FederationStep::Ensure, Fault::AnswerLost);
    }
}

#[tokio::test]
async fn the_fake_federation_conforms() {
    federated_credentials::all(async || Harness::new(|directory| Arc::new(directory))).await;
}

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    Hides,
    RemovesAll,
    GoesByName,
    CountsAll,
    ForgetsAudience,
}

struct BadFederation(Federation, Sin);

#[async_trait]
impl FederatedCredentials for BadFederation {
    async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error> {
        let known = self.0.trusts().iter().any(|known| known.name == trust.name);
        match self.1 {
            Sin::GoesByName if known => Ok(()),
            Sin::Hides => self.0.ensure(trust).await.or_else(|error| match error.kind() {
                ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }),
            _ => self.0.ensure(trust).await,
        }
    }
    async fn remove(&self, trust: &FederatedTrust) -> Result<(), Error> {
        for known in self.0.trusts() {
            let same = (&known.issuer, &known.subject) == (&trust.issuer, &trust.subject);
            if self.1 == Sin::RemovesAll || (self.1 == Sin::ForgetsAudience && same) {
                self.0.remove(&known).await?;
            }
        }
        self.0.remove(trust).await
    }
    async fn count(&self, trust: &FederatedTrust) -> Result<usize, Error> {
        match self.1 {
            Sin::CountsAll => self.0.count(trust).await.map(|_| self.0.trusts().len()),
            _ => self.0.count(trust).await,
        }
    }
}

#[tokio::test]
async fn a_broken_federation_is_named() {
    let run = async |sin| {
        let make = async || Harness::new(|directory| Arc::new(BadFederation(directory, sin)));
        verdict(federated_credentials::all(make)).await
    };
    named(&run(Sin::Hides).await, &["an unreachable directory is an error"]);
    named(
        &run(Sin::RemovesAll).await,
        &["trusts do not mix", "a trust in another audience stays", "a name in use does not stand in the way"],
    );
    named(&run(Sin::GoesByName).await, &["a name in use does not stand in the way"]);
    named(&run(Sin::CountsAll).await, &["a trust is counted by what it accepts"]);
    named(&run(Sin::ForgetsAudience).await, &["a trust in another audience stays"]);
}
