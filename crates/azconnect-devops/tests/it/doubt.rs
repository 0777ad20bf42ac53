//! A write that failed: what was applied all the same is never told as not applied.

use azconnect_core::{Clock, Effect, Error, ErrorKind, Secret};
use azconnect_credential::{Candidate, CredentialSink};
use azconnect_devops::{CandidateTest, EndpointChange, EndpointId, ProjectRef, ServiceConnectionSink};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::emulated::{AZURE, SETTLED, World};
use crate::support::{Edit, ID, Script, azurerm, endpoint, plain};

/// Failures of the service, with its own name for each: all of them sound as if nothing had happened.
const FAILURES: [(u16, &str); 9] = [
    (500, "ServiceEndpointException"),
    (500, "DuplicateServiceConnectionException"),
    (500, "AuditLogEntryContainsDuplicateDataKeyException"),
    (500, "ArgumentException"),
    (503, "RequestBlockedException"),
    (500, "AccessDeniedException"),
    (403, "AccessDeniedException"),
    (400, "SomethingNewException"),
    (404, "ServiceEndpointNotFoundException"),
];

fn body(type_key: &str) -> Value {
    json!({"$id": "1", "message": "no", "typeKey": type_key})
}

/// The service stores what it was sent, and answers with a failure.
fn store_then_fail(world: &World, status: u16, type_key: &str) {
    let answer = CannedAnswer::new(status).with_body(body(type_key)).with_effect_applied();
    let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::DevOps).with_method("PUT").forever();
    world.emulator().faults().add(fault);
}

fn id() -> EndpointId {
    AZURE.parse().unwrap()
}

fn assert_may_be_applied(error: &Error, what: &str) {
    assert_eq!(error.effect(), Effect::Unknown, "{what}: {error}");
    assert!(
        error.message().contains(&format!("yet connection {AZURE} has changed: modificationDate")),
        "{what}: {error}"
    );
    assert!(error.advice().contains("take the change as made"), "{what}: {}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_stored_and_answered_with_a_failure_may_have_been_applied() {
    for (status, type_key) in FAILURES {
        let world = World::new(Settings::default(), AZURE);
        let before = world.web().get(id()).await.unwrap();
        let minted = world.add_password().await;
        world.clock.sleep(SETTLED).await;
        store_then_fail(&world, status, type_key);
        let change = EndpointChange::new().with_secret(&minted.secret);
        let error = world.web().update(&before, &change).await.unwrap_err();
        assert!(world.holds(id(), &minted.secret), "{type_key}");
        assert_may_be_applied(&error, type_key);
        let before = world.web().get(id()).await.unwrap();
        world.clock.sleep(SETTLED).await;
        let error = world.web().update_all(&[(&before, &change)]).await.unwrap_err();
        assert_may_be_applied(&error, type_key);
    }
}

/// A rotation that hears of no effect removes the new key, which the connection may hold by now.
#[tokio::test(start_paused = true)]
async fn a_push_whose_secret_was_stored_before_the_failure_tells_the_rotation_so() {
    for (status, type_key) in FAILURES {
        let world = World::new(Settings::default(), AZURE);
        let sink = ServiceConnectionSink::new(world.web(), id()).unwrap().with_candidate_test(CandidateTest::Required);
        let (minted_at, minted) = (world.clock.now(), world.add_password().await);
        world.clock.sleep(SETTLED).await;
        store_then_fail(&world, status, type_key);
        let candidate = Candidate::new(&minted.secret).with_minted_at(minted_at);
        let error = sink.push(&candidate).await.unwrap_err();
        assert!(world.holds(id(), &minted.secret), "{type_key}");
        assert_may_be_applied(&error, type_key);
        // What a rotation asks next: the connection does hold it, and its date shows that.
        world.emulator().faults().clear();
        assert!(sink.verify(&candidate).await.is_accepted(), "{type_key}");
    }
}

/// The first answer, with the connection as it is afterwards, and how often it was read after the write.
async fn fail(status: u16, answer: Value, changed: Edit) -> (Error, usize) {
    let script = Script::new({
        let written = std::sync::atomic::AtomicBool::new(false);
        move |request| {
            let mut document = azurerm();
            if request.method() == "PUT" {
                written.store(true, std::sync::atomic::Ordering::SeqCst);
                return plain(status, answer.clone());
            }
            if written.load(std::sync::atomic::Ordering::SeqCst) {
                changed(&mut document);
            }
            plain(200, document)
        }
    });
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let secret = Secret::new("new-secret");
    let error = endpoints.update(&endpoint(azurerm()), &EndpointChange::new().with_secret(&secret)).await.unwrap_err();
    let calls = script.calls();
    let last = calls.iter().rposition(|call| call.starts_with("PUT")).unwrap();
    (error, calls.len() - last - 1)
}

const SAME: Edit = |_| {};

#[tokio::test(start_paused = true)]
async fn a_refusal_by_name_without_any_change_to_see_has_no_effect() {
    for (status, type_key) in [(403, "AccessDeniedException"), (500, "DuplicateServiceConnectionException")] {
        let (error, readings) = fail(status, body(type_key), SAME).await;
        assert_eq!((error.effect(), readings), (Effect::None, 1), "{error}");
        assert_eq!(error.service_code(), Some(type_key));
    }
}

/// The secret is never shown: that nothing else has changed says nothing of it.
#[tokio::test(start_paused = true)]
async fn a_failure_that_proves_nothing_is_not_made_a_proof_by_a_reading() {
    let page = Value::String("<html>".to_owned());
    let failures = [(500, body("ServiceEndpointException")), (502, Value::Null), (404, page), (403, Value::Null)];
    for (status, answer) in failures {
        let (error, readings) = fail(status, answer, SAME).await;
        assert_eq!((error.effect(), readings), (Effect::Unknown, 1), "{status}: {error}");
        assert!(!error.message().contains("has changed"), "{error}");
    }
    let (lost, readings) = fail(0, Value::Null, SAME).await;
    assert_eq!((lost.effect(), readings), (Effect::Unknown, 1), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn any_difference_but_the_service_s_own_marks_takes_a_refusal_s_proof_away() {
    let differences: [(&str, Edit); 4] = [
        ("modificationDate", |document| document["modificationDate"] = "2026-01-01T00:00:01Z".into()),
        ("revision", |document| document["revision"] = 7.into()),
        ("description", |document| document["description"] = "other".into()),
        ("data.subscriptionName", |document| document["data"]["subscriptionName"] = "other".into()),
    ];
    for (path, change) in differences {
        let (error, _) = fail(403, body("AccessDeniedException"), change).await;
        assert_eq!(error.effect(), Effect::Unknown, "{path}");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.message().ends_with(&format!("; yet connection {ID} has changed: {path}")), "{error}");
    }
    let own: Edit = |document| document["isReady"] = false.into();
    assert_eq!(fail(403, body("AccessDeniedException"), own).await.0.effect(), Effect::None);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_never_sent_has_no_effect_and_is_not_read_back() {
    let world = World::new(Settings::default(), AZURE);
    let before = world.web().get(id()).await.unwrap();
    let refuse = Fault::new(FaultAction::Refuse).with_service(Service::DevOps).with_method("PUT").forever();
    world.emulator().faults().add(refuse);
    let reads = Fault::new(FaultAction::AddHeaders(Vec::new())).with_method("GET").with_path("/endpoints/").forever();
    let reads = world.emulator().faults().add(reads);
    let error = world.web().update(&before, &EndpointChange::new().with_secret(&Secret::new("x"))).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None, "{error}");
    assert_eq!(world.emulator().faults().hits(reads), 1, "only the reading before the write");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answers_are_lost_may_have_been_applied() {
    let world = World::new(Settings::default(), AZURE);
    let before = world.web().get(id()).await.unwrap();
    let minted = world.add_password().await;
    world.clock.sleep(SETTLED).await;
    let lose = Fault::new(FaultAction::LoseAnswer).with_service(Service::DevOps).with_method("PUT").forever();
    world.emulator().faults().add(lose);
    let change = EndpointChange::new().with_secret(&minted.secret);
    assert_may_be_applied(&world.web().update(&before, &change).await.unwrap_err(), "lost");
    assert!(world.holds(id(), &minted.secret));
}

/// The write was accepted: whatever a later reading says of itself, it says nothing of the write.
#[tokio::test(start_paused = true)]
async fn a_reading_that_is_refused_after_a_write_does_not_undo_the_write() {
    for many in [false, true] {
        let world = World::new(Settings::default(), AZURE);
        let before = world.web().get(id()).await.unwrap();
        let minted = world.add_password().await;
        let answer = FaultAction::Answer(CannedAnswer::new(403).with_body(body("AccessDeniedException")));
        let fault = Fault::new(answer).with_service(Service::DevOps).with_method("GET").with_path(AZURE).with_nth(2);
        world.emulator().faults().add(fault.forever());
        let change = EndpointChange::new().with_secret(&minted.secret);
        let error = match many {
            false => world.web().update(&before, &change).await.map(drop).unwrap_err(),
            true => world.web().update_all(&[(&before, &change)]).await.map(drop).unwrap_err(),
        };
        assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::Unknown), "{error}");
        assert!(world.holds(id(), &minted.secret));
    }
}
