//! The checks of the fake keeper keep the promises of the port, and checks that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::{
    CheckReport, CheckedConnection, ConnectRequest, ConnectionCheck, ConnectionChecks, ConnectionForm, ConnectionId,
    ConnectionKeeper, ConnectionRecords, LastCheck,
};
use azconnect_testkit::conformance::connection_checks::{self, ChecksHarness};
use azconnect_testkit::conformance::connection_keeper::KeeperHarness;
use azconnect_testkit::fake::{Fault, Keeper, KeeperStep};

use crate::judged::{named, verdict};

const WORKING: &str = "Kee8Q~a.secret.that.is.accepted.in.this.test";
const TENANT: &str = "d1b2c3d4-0000-4000-8000-000000000002";
const CLIENT: &str = "d1b2c3d4-0000-4000-8000-000000000003";
const SUBSCRIPTION: &str = "d1b2c3d4-0000-4000-8000-000000000001";

/// A fake, behind which stand the checks under test.
struct Stage<C>(Keeper, fn(Keeper) -> C);

impl<C> Stage<C> {
    fn new(wrap: fn(Keeper) -> C) -> Self {
        let keeper = Keeper::new();
        keeper.accept(TENANT.parse().unwrap(), CLIENT.parse().unwrap(), Secret::new(WORKING));
        Self(keeper, wrap)
    }
}

#[async_trait]
impl<C: ConnectionChecks + 'static> KeeperHarness for Stage<C> {
    fn keeper(&self) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.0.clone())
    }
    fn records(&self) -> Arc<dyn ConnectionRecords> {
        Arc::new(self.0.clone())
    }
    fn request(&self) -> ConnectRequest {
        ConnectRequest::new(
            "shop".parse().unwrap(),
            SUBSCRIPTION.parse().unwrap(),
            TENANT.parse().unwrap(),
            CLIENT.parse().unwrap(),
        )
    }
    fn working_secret(&self) -> Secret {
        Secret::new(WORKING)
    }
    async fn end_secrets(&self) {
        self.0.refuse(CLIENT.parse().unwrap());
    }
    async fn disconnect_service(&self) {
        self.0.faults().break_down(KeeperStep::SignIn, Fault::Dropped);
    }
    async fn kept(&self) -> usize {
        self.0.kept()
    }
}

#[async_trait]
impl<C: ConnectionChecks + 'static> ChecksHarness for Stage<C> {
    fn checks(&self) -> Arc<dyn ConnectionChecks> {
        Arc::new((self.1)(self.0.clone()))
    }
    fn form(&self, secret: Secret) -> ConnectionForm {
        ConnectionForm::new(secret)
            .with_id("shop")
            .with_tenant(TENANT)
            .with_client(CLIENT)
            .with_subscription(SUBSCRIPTION)
            .with_region("westeurope")
            .with_resource_group("rg-shop")
            .with_organization("contoso")
    }
    async fn disable_subscription(&self) {
        self.0.find(ConnectionCheck::SubscriptionState.failed("it is Disabled", "have it enabled"));
    }
    async fn hide_regions(&self) {
        self.0.find(ConnectionCheck::Region.unknown("it may not be read", "nothing"));
    }
}

#[tokio::test]
async fn the_checks_of_the_fake_keeper_conform() {
    connection_checks::all(async || Stage::new(|keeper| keeper)).await;
}

#[tokio::test]
async fn the_fake_keeper_knows_a_tenant_by_the_name_that_it_was_told() {
    let Stage(keeper, _) = Stage::new(|keeper| keeper);
    let form = ConnectionForm::new(Secret::new(WORKING))
        .with_id("shop")
        .with_tenant("contoso.onmicrosoft.com")
        .with_client(CLIENT)
        .with_subscription(SUBSCRIPTION);
    assert!(!keeper.connect_checked(&form).await.unwrap().is_kept());
    keeper.name_tenant("contoso.onmicrosoft.com", TENANT.parse().unwrap());
    let kept = keeper.connect_checked(&form).await.unwrap().connected.unwrap();
    assert_eq!(kept.record.tenant.to_string(), TENANT);
}

/// Names the first cause alone, keeps what a check refused, and notes nothing.
struct Hasty(Keeper);

#[async_trait]
impl ConnectionChecks for Hasty {
    async fn check_form(&self, form: &ConnectionForm) -> CheckReport {
        let mut report = self.0.check_form(form).await;
        let first = report.checks.iter().position(|check| check.blocks());
        report.checks.truncate(first.map_or(usize::MAX, |first| first + 1));
        report
    }
    async fn connect_checked(&self, form: &ConnectionForm) -> Result<CheckedConnection, Error> {
        let report = self.check_form(form).await;
        let mut entry = form.read();
        let tenant = TENANT.parse()?;
        let (Some(request), Some(secret)) = (entry.to_request(tenant), entry.secret.take()) else {
            return Ok(CheckedConnection::refused(report));
        };
        match self.0.connect(request, secret).await {
            Ok(connected) => Ok(CheckedConnection::kept(report, connected)),
            Err(_) => Ok(CheckedConnection::refused(report)),
        }
    }
    async fn check(&self, id: &ConnectionId) -> Result<LastCheck, Error> {
        let before = self.0.get(id).await?.map(|record| record.checked);
        let check = self.0.check(id).await?;
        if before.is_some() {
            self.0.test(id).await?;
        }
        Ok(check)
    }
}

#[tokio::test]
async fn hasty_checks_are_named() {
    let message = verdict(connection_checks::all(async || Stage::new(Hasty))).await;
    named(
        &message,
        &[
            "a form of which everything is right is kept with its report",
            "every text that is wrong is named, and nothing is sent for it",
            "a failed check keeps nothing",
            "a wrong secret fails, and what needs it is skipped",
            "a check is noted in the record, and changes nothing else",
        ],
    );
}
