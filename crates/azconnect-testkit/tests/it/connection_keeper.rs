//! The fake keeper keeps the promises of the port, and keepers that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_credential::{
    Assessment, ConnectRequest, Connected, ConnectionId, ConnectionKeeper, ConnectionRecord, ConnectionRecords,
    CredentialVerdict, NewSecret,
};
use azconnect_testkit::conformance::connection_keeper::{self, KeeperHarness};
use azconnect_testkit::fake::{Fault, Keeper, KeeperStep};

use crate::judged::{named, verdict};

const WORKING: &str = "Kee8Q~a.secret.that.is.accepted.in.this.test";

fn request() -> ConnectRequest {
    ConnectRequest::new(
        "shop".parse().unwrap(),
        "d1b2c3d4-0000-4000-8000-000000000001".parse().unwrap(),
        "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap(),
        "d1b2c3d4-0000-4000-8000-000000000003".parse().unwrap(),
    )
}

/// A fake, behind which stands the keeper under test.
struct Stage<K>(Keeper, fn(Keeper) -> K);

impl<K> Stage<K> {
    fn new(wrap: fn(Keeper) -> K) -> Self {
        let keeper = Keeper::new();
        keeper.accept(request().tenant, request().client, Secret::new(WORKING));
        Self(keeper, wrap)
    }
}

#[async_trait]
impl<K: ConnectionKeeper + 'static> KeeperHarness for Stage<K> {
    fn keeper(&self) -> Arc<dyn ConnectionKeeper> {
        Arc::new((self.1)(self.0.clone()))
    }
    fn records(&self) -> Arc<dyn ConnectionRecords> {
        Arc::new(self.0.clone())
    }
    fn request(&self) -> ConnectRequest {
        request()
    }
    fn working_secret(&self) -> Secret {
        Secret::new(WORKING)
    }
    async fn end_secrets(&self) {
        self.0.refuse(request().client);
    }
    async fn disconnect_service(&self) {
        self.0.faults().break_down(KeeperStep::SignIn, Fault::Dropped);
    }
    async fn kept(&self) -> usize {
        self.0.kept()
    }
}

#[tokio::test]
async fn the_fake_keeper_conforms() {
    connection_keeper::all(async || Stage::new(|keeper| keeper)).await;
}

/// Keeps what could not be proven, and takes silence for acceptance.
struct Trusting(Keeper);

#[async_trait]
impl ConnectionKeeper for Trusting {
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<Connected, Error> {
        match self.0.connect(request.clone(), secret.duplicate()).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                self.0.faults().heal();
                self.0.connect(request, secret).await
            }
            outcome => outcome,
        }
    }
    async fn replace_secret(&self, id: &ConnectionId, secret: NewSecret) -> Result<ConnectionRecord, Error> {
        self.0.replace_secret(id, secret).await
    }
    async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error> {
        let mut tested = self.0.test(id).await?;
        if tested.verdict == CredentialVerdict::Inconclusive {
            tested.verdict = CredentialVerdict::Accepted;
        }
        Ok(tested)
    }
    async fn disconnect(&self, id: &ConnectionId) -> Result<(), Error> {
        self.0.disconnect(id).await
    }
}

#[tokio::test]
async fn a_trusting_keeper_is_named() {
    let message = verdict(connection_keeper::all(async || Stage::new(Trusting))).await;
    named(&message, &["while the service is away nothing is kept", "while the service is away a test is inconclusive"]);
}

/// Shows the secret that was refused, drops the region, and forgets nothing.
struct Careless(Keeper);

#[async_trait]
impl ConnectionKeeper for Careless {
    async fn connect(&self, mut request: ConnectRequest, secret: Secret) -> Result<Connected, Error> {
        request.region = None;
        let text = secret.expose().to_owned();
        self.0.connect(request, secret).await.map_err(|error| error.with_message(format!("{text} is refused")))
    }
    async fn replace_secret(&self, id: &ConnectionId, secret: NewSecret) -> Result<ConnectionRecord, Error> {
        self.0.replace_secret(id, secret).await
    }
    async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error> {
        self.0.test(id).await
    }
    async fn disconnect(&self, _: &ConnectionId) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn a_careless_keeper_is_named() {
    let message = verdict(connection_keeper::all(async || Stage::new(Careless))).await;
    named(
        &message,
        &[
            "the record says what was asked for, and is found",
            "disconnecting forgets everything, and may be repeated",
            "disconnecting one connection leaves the others",
            "no secret is shown or logged",
        ],
    );
}
