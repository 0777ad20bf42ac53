//! What a sink knows of the secret that a connection holds, when somebody else was there or an answer was lost.

use std::time::Duration;

use azconnect_core::{Clock, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict};
use azconnect_devops::{CandidateTest, ServiceConnectionSink};
use azconnect_emulator::{Fault, FaultAction, Service, Settings};

use crate::emulated::{AZURE, SETTLED, World, destination};

const DOCKER: &str = "50000000-0000-4000-8000-000000000002";

fn sink(world: &World, connection: &str) -> ServiceConnectionSink {
    let connection = connection.parse().unwrap();
    let sink = ServiceConnectionSink::new(world.web(), connection).unwrap();
    sink.with_candidate_test(CandidateTest::Skip).with_destination(destination(connection))
}

#[tokio::test(start_paused = true)]
async fn the_revision_of_a_push_tells_whether_somebody_changed_the_connection_since() {
    let world = World::new(Settings::default(), AZURE);
    let (sink, minted) = (sink(&world, AZURE), world.add_password().await);
    world.clock.sleep(SETTLED).await;
    let receipt = sink.push(&Candidate::new(&minted.secret)).await.unwrap();
    let revision = receipt.revision.expect("the connection's date of change");
    let candidate = Candidate::new(&minted.secret).with_revision(Some(&revision));
    assert_eq!(sink.verify(&candidate).await.verdict, CredentialVerdict::Accepted);
    // The former secret works as well, so only the revision tells that it is there again.
    world.clock.sleep(SETTLED).await;
    let old = Secret::new("deployer-old");
    world.emulator().person().set_connection_secret(AZURE.parse().unwrap(), &old).unwrap();
    assert_eq!(sink.verify(&candidate).await.verdict, CredentialVerdict::Rejected);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_registry_s_connection_must_have_changed_since_the_secret_was_minted() {
    let world = World::new(Settings::default(), DOCKER);
    let minted = world.add_password().await;
    let minted_at = world.clock.now();
    world.clock.sleep(SETTLED).await;
    let candidate = Candidate::new(&minted.secret).with_minted_at(minted_at);
    let before = sink(&world, DOCKER).verify(&candidate).await;
    assert_eq!(before.verdict, CredentialVerdict::Inconclusive, "it was not pushed yet: {before:?}");
    sink(&world, DOCKER).push(&candidate).await.unwrap();
    // Another process, which remembers no push.
    assert_eq!(sink(&world, DOCKER).verify(&candidate).await.verdict, CredentialVerdict::Accepted);
    world.clock.sleep(Duration::from_secs(3600)).await;
    let younger = Candidate::new(&minted.secret).with_minted_at(world.clock.now());
    assert_eq!(sink(&world, DOCKER).verify(&younger).await.verdict, CredentialVerdict::Inconclusive);
}

#[tokio::test(start_paused = true)]
async fn a_push_without_an_answer_forgets_what_was_pushed_before() {
    let world = World::new(Settings::default(), DOCKER);
    let (sink, old, minted) = (sink(&world, DOCKER), Secret::new("deployer-old"), world.add_password().await);
    world.clock.sleep(SETTLED).await;
    sink.push(&Candidate::new(&old)).await.unwrap();
    assert_eq!(sink.verify(&Candidate::new(&old)).await.verdict, CredentialVerdict::Accepted);
    let lost = Fault::new(FaultAction::LoseAnswer).with_service(Service::DevOps).with_method("PUT");
    world.emulator().faults().add(lost.forever());
    sink.push(&Candidate::new(&minted.secret)).await.unwrap_err();
    assert!(world.holds(DOCKER.parse().unwrap(), &minted.secret), "the push arrived");
    assert_eq!(sink.verify(&Candidate::new(&old)).await.verdict, CredentialVerdict::Inconclusive);
}
