//! A federated connection's creation, move and deletion, cut off after every exchange: the network ends there for good, with
//! or without an answer to the last request, or the process does. A manual connection that could sign in before is never
//! without a trust that matches, unless whoever asked is told that the end is unknown, and what to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Effect, Error, ErrorKind};
use azconnect::devops::{
    AzureConnection, AzureCredential, AzureScope, Endpoint, EndpointId, Endpoints, FederatedCredentials,
    FederatedTrust, FederationIssuer, NewConnection, OrganizationName, ProjectRef,
};
use azconnect::http::{Request, Response, Transport, answer_lost, not_connected};
use azconnect::{ApplicationFederation, Azure};
use azconnect_emulator::{DevOpsOutcome, Emulator, Seed, Settings};
use azconnect_testkit::VirtualClock;
use azconnect_tests::contoso::{Contoso, SEED, deploy, operator};
use azconnect_tests::deadly::{DeadlyTransport, Death, Moment};
use serde_json::{Value, json};

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const ORGANIZATION: &str = "e0000000-0000-4000-8000-000000000001";
const OLD: &str = "c0000000-0000-4000-8000-0000000000f1";

/// A network that ends after some exchanges.
struct Ending {
    inner: Arc<dyn Transport>,
    /// How many exchanges are left.
    left: AtomicU32,
    /// Whether the service still acts on the one with which it ends.
    acts: bool,
}

#[async_trait]
impl Transport for Ending {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(1) if self.acts => {
                self.inner.send(request).await?;
                Err(answer_lost("the network ends here"))
            }
            Ok(1) => Err(answer_lost("the network ends here")),
            Ok(_) => self.inner.send(request).await,
            Err(_) => Err(not_connected("there is no network any more")),
        }
    }
}

/// Contoso with a connection of the issuer that retires, which its application trusts.
async fn world() -> Contoso {
    let mut seed: Value = serde_json::from_str(SEED).unwrap();
    let organization = seed["organizations"].as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "contoso");
    let organization = organization.unwrap();
    organization["id"] = ORGANIZATION.into();
    let project = organization["projects"].as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "Web");
    let connections = project.unwrap()["connections"].as_array_mut().unwrap();
    connections.push(json!({"id": OLD, "document": {
        "name": "old issuer", "type": "azurerm", "url": "https://management.azure.com/",
        "data": {"subscriptionId": "22222222-2222-4222-8222-222222222222", "subscriptionName": "P",
            "environment": "AzureCloud", "scopeLevel": "Subscription", "creationMode": "Manual"},
        "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": {"tenantid": TENANT,
            "serviceprincipalid": deploy().to_string(),
            "workloadIdentityFederationIssuer": format!("https://vstoken.dev.azure.com/{}", ORGANIZATION),
            "workloadIdentityFederationSubject": "sc://contoso/Web/old issuer"}}}}));
    let clock = VirtualClock::new();
    let mut contoso = Contoso::with(Settings::default());
    contoso.emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), Arc::new(clock.clone()))
        .unwrap()
        .with_settings(
            Settings::default()
                .with_connection_lag(Duration::from_secs(3))
                .with_other_outcome(DevOpsOutcome::ConversionMovesIssuer),
        );
    contoso.clock = clock;
    let caller = Caller::of(&contoso, contoso.emulator.transport());
    caller.credentials.ensure(&FederatedTrust::of(&caller.old().await).unwrap()).await.unwrap();
    contoso
}

/// Whoever does it, over a network.
struct Caller {
    endpoints: Endpoints,
    credentials: ApplicationFederation,
}

impl Caller {
    fn of(contoso: &Contoso, transport: Arc<dyn Transport>) -> Self {
        let azure = Azure::new(contoso.emulator.cloud(), transport, Arc::new(contoso.clock.clone()));
        let identity =
            azure.identity_with_secret(TENANT.parse().unwrap(), operator(), contoso.operator_secret()).unwrap();
        let organization = identity.devops().organization(&OrganizationName::new("contoso").unwrap()).unwrap();
        Self {
            endpoints: organization.endpoints(ProjectRef::new("Web").unwrap()),
            credentials: identity.federated_credentials(deploy()),
        }
    }

    async fn old(&self) -> Endpoint {
        self.endpoints.get(OLD.parse().unwrap()).await.unwrap()
    }

    /// Whether the connection exists, and whether its application trusts what it names.
    async fn state(&self, id: EndpointId) -> (bool, bool) {
        match self.endpoints.get(id).await {
            Ok(endpoint) => {
                let trust = FederatedTrust::of(&endpoint).unwrap();
                (true, self.credentials.count(&trust).await.unwrap() == 1)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (false, false),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn web(&self) -> azconnect::devops::ProjectId {
        self.endpoints.organization().project(&ProjectRef::new("Web").unwrap()).await.unwrap().id
    }

    async fn delete(&self, endpoint: &Endpoint, project: azconnect::devops::ProjectId) -> Result<bool, Error> {
        let deleted = self.endpoints.delete_federated(endpoint, &self.credentials, &[project]).await;
        deleted.map(|progress| !progress.is_pending())
    }

    async fn migrate(&self, endpoint: &Endpoint) -> Result<bool, Error> {
        let moved = self.endpoints.migrate_issuer(endpoint, Some(&self.credentials)).await;
        moved.map(|progress| !progress.is_pending())
    }
}

/// Runs a flow once for each exchange with which the network can end, until it comes through.
async fn cut_everywhere<F: Future<Output = Ended>>(flow: impl Fn(Contoso, u32, bool) -> F) -> u32 {
    for acts in [false, true] {
        for last in 1.. {
            assert!(last < 60, "the flow does not end");
            if flow(world().await, last, acts).await == Ended::CameThrough {
                assert!(last > 5, "nothing was cut off");
                if acts {
                    return last - 1;
                }
                break;
            }
        }
    }
    0
}

#[derive(PartialEq)]
enum Ended {
    CutOff,
    CameThrough,
}

fn ending(contoso: &Contoso, left: u32, acts: bool) -> Arc<Ending> {
    Arc::new(Ending { inner: contoso.emulator.transport(), left: AtomicU32::new(left), acts })
}

/// Says what must hold of an end: a connection without its trust is not told as *nothing happened*, and the advice names it.
fn judge(outcome: &Result<bool, Error>, (exists, trusted): (bool, bool), place: &str) {
    match outcome {
        Ok(true) => {}
        Ok(false) => assert!(trusted || !exists, "{place}: pending and without a trust"),
        Err(error) if exists && !trusted => {
            assert_eq!(error.effect(), Effect::Unknown, "{place}: {error:?}");
            let told =
                error.advice().contains("add a federated credential") || error.advice().contains("complete_federated");
            assert!(told, "{place}: {}", error.advice());
        }
        Err(_) => {}
    }
}

async fn settle(contoso: &Contoso) {
    contoso.clock.sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_cut_off_anywhere_loses_no_trust_unnoticed() {
    cut_everywhere(async |contoso, last, acts| {
        let calm = Caller::of(&contoso, contoso.emulator.transport());
        let (before, project) = (calm.old().await, calm.web().await);
        let network = ending(&contoso, last, acts);
        let outcome = Caller::of(&contoso, network.clone()).delete(&before, project).await;
        settle(&contoso).await;
        let state = calm.state(before.id()).await;
        let place = format!("{last}, {acts}: {outcome:?}");
        judge(&outcome, state, &place);
        // Repeated over a network that works, it comes to its end wherever it was cut off.
        assert!(calm.delete(&before, project).await.unwrap(), "{place}");
        assert!(!calm.state(before.id()).await.0);
        if network.left.load(Ordering::SeqCst) > 0 { Ended::CameThrough } else { Ended::CutOff }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_cut_off_anywhere_never_takes_the_trust_from_the_connection() {
    cut_everywhere(async |contoso, last, acts| {
        let calm = Caller::of(&contoso, contoso.emulator.transport());
        let before = calm.old().await;
        let network = ending(&contoso, last, acts);
        let outcome = Caller::of(&contoso, network.clone()).migrate(&before).await;
        settle(&contoso).await;
        let place = format!("{last}, {acts}: {outcome:?}");
        assert_eq!(calm.state(before.id()).await, (true, true), "{place}");
        // Repeated on what the connection is by then.
        let now = calm.old().await;
        calm.migrate(&now).await.unwrap();
        assert_eq!(calm.old().await.federation_issuer(), FederationIssuer::Entra, "{place}");
        assert_eq!(calm.state(before.id()).await, (true, true), "{place}");
        if network.left.load(Ordering::SeqCst) > 0 { Ended::CameThrough } else { Ended::CutOff }
    })
    .await;
}

fn wish(project: &azconnect::devops::Project) -> NewConnection<'static> {
    let credential = AzureCredential::FederationManual { tenant: TENANT.parse().unwrap(), client: deploy() };
    let scope = AzureScope::subscription("22222222-2222-4222-8222-222222222222".parse().unwrap(), "P");
    AzureConnection::new("fresh", scope, credential).build(project).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_is_cut_off_anywhere_is_never_told_as_nothing() {
    cut_everywhere(async |contoso, last, acts| {
        let calm = Caller::of(&contoso, contoso.emulator.transport());
        let project = calm.endpoints.organization().project(&ProjectRef::new("Web").unwrap()).await.unwrap();
        let network = ending(&contoso, last, acts);
        let cut = Caller::of(&contoso, network.clone());
        let outcome = cut.endpoints.create_federated(&wish(&project), &cut.credentials).await;
        settle(&contoso).await;
        let found = calm.endpoints.by_names(&["fresh"]).await.unwrap();
        let place = format!("{last}, {acts}: {outcome:?}");
        if let (Err(failed), Some(endpoint)) = (&outcome, found.first()) {
            assert_eq!(failed.error().effect(), Effect::Unknown, "{place}");
            assert!(failed.error().advice().contains("fresh"), "{place}");
            // Where the id is known, the caller goes on from there.
            if let Some(created) = failed.created() {
                assert_eq!(created.id, endpoint.id(), "{place}");
                calm.endpoints.complete_federated(created, &calm.credentials).await.unwrap();
                assert_eq!(calm.state(endpoint.id()).await, (true, true), "{place}");
            }
        }
        assert_eq!(outcome.is_ok(), outcome.is_ok() && calm.state(found[0].id()).await == (true, true), "{place}");
        if network.left.load(Ordering::SeqCst) > 0 { Ended::CameThrough } else { Ended::CutOff }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_anywhere_in_a_deletion_or_a_move_leaves_what_another_completes() {
    for deletes in [true, false] {
        for number in 1.. {
            assert!(number < 60, "the flow does not end");
            let mut ended = false;
            for moment in [Moment::Before(number), Moment::After(number)] {
                let contoso = world().await;
                let calm = Caller::of(&contoso, contoso.emulator.transport());
                let (before, project) = (calm.old().await, calm.web().await);
                let death = Arc::new(Death::default());
                let transport = DeadlyTransport { inner: contoso.emulator.transport(), moment, death: death.clone() };
                let mortal = Caller::of(&contoso, Arc::new(transport));
                let work = async {
                    if deletes { mortal.delete(&before, project).await } else { mortal.migrate(&before).await }
                };
                ended |= tokio::select! { outcome = work => outcome.unwrap(), () = death.come() => false };
                settle(&contoso).await;
                if deletes {
                    assert!(calm.delete(&before, project).await.unwrap(), "{moment:?}");
                    assert!(!calm.state(before.id()).await.0, "{moment:?}");
                } else {
                    // At no moment is the connection without a trust that matches.
                    assert_eq!(calm.state(before.id()).await, (true, true), "{moment:?}");
                    calm.migrate(&calm.old().await).await.unwrap();
                    assert_eq!(calm.state(before.id()).await, (true, true), "{moment:?}");
                }
            }
            if ended {
                break;
            }
        }
    }
}
