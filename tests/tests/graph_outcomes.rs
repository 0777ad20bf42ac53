//! Whole rotations under each outcome of what nobody has settled about Graph.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use azconnect::core::KeyId;
use azconnect::rotation::RotationOutcome;
use azconnect_emulator::graph::{BusyAnswer, GraphSettings, MissingPassword};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings};
use azconnect_tests::contoso::{Contoso, connections, deploy, foreign_key, old_key};
use serde_json::json;

fn is_live(contoso: &Contoso, key: KeyId) -> bool {
    contoso.emulator.truth().password(key).is_some_and(|password| password.live)
}

/// The secrets of the application that a rotation made and that live.
fn ours(contoso: &Contoso) -> usize {
    let truth = contoso.emulator.truth();
    let marked = |name: &Option<String>| name.as_deref().is_some_and(|name| name.starts_with("azconnect "));
    let passwords = &truth.application(deploy()).unwrap().passwords;
    passwords.iter().filter(|one| one.live && marked(&one.display_name)).count()
}

/// Rotates to the end and looks at what is left.
async fn rotates(contoso: &Contoso, why: &str) {
    let target = contoso.target(contoso.emulator.transport());
    let outcome = contoso.rotator(contoso.ports()).rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{why}: {outcome:?}");
    assert!(!is_live(contoso, old_key()), "{why}");
    assert!(is_live(contoso, foreign_key()), "{why}: of another team");
    assert_eq!(ours(contoso), 1, "{why}");
    let held = contoso.emulator.truth().connections.into_iter().filter(|one| connections().contains(&one.id));
    assert!(held.clone().count() == 2 && held.clone().all(|one| one.accepted.everywhere), "{why}");
}

fn with(graph: GraphSettings) -> Contoso {
    Contoso::with(Settings::realistic().with_graph(graph))
}

// Changes under way are refused with 409, 503 and 400, and with 500 where a secret is removed.
#[tokio::test(start_paused = true)]
async fn a_rotation_ends_however_a_busy_directory_says_so() {
    for answer in [BusyAnswer::Conflict409, BusyAnswer::Unavailable503, BusyAnswer::BadRequest400, BusyAnswer::Error500]
    {
        for every in [2, 3] {
            let contoso = with(GraphSettings::default().with_busy_every(every, answer));
            rotates(&contoso, &format!("{answer:?} {every}")).await;
        }
    }
}

// The answer that held the secret came without it: the key that was made is removed, under either refusal of a key that
// a lagging replica has not heard of.
#[tokio::test(start_paused = true)]
async fn a_rotation_removes_the_key_whose_secret_was_never_told() {
    for missing in [MissingPassword::BadRequest400, MissingPassword::NotFound404] {
        let graph = GraphSettings::default().with_missing_password(missing);
        let settings = Settings::realistic().with_graph(graph).with_list_lag(Duration::from_secs(20));
        let contoso = Contoso::with(settings);
        let answer = CannedAnswer::new(200).with_body(json!({"secretText": null})).with_effect_applied();
        let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::Graph).with_path("addPassword");
        contoso.emulator.faults().add(fault);
        rotates(&contoso, &format!("{missing:?}")).await;
    }
}

// Without hints, without named pauses, and with errors spelt otherwise, nothing changes.
#[tokio::test(start_paused = true)]
async fn a_rotation_reads_neither_hints_nor_spellings() {
    let graph = GraphSettings::default()
        .with_hints(false)
        .with_small_inner_error(true)
        .with_throttling()
        .with_named_pauses(false)
        .with_missing_password(MissingPassword::NotFound404)
        .with_busy_every(2, BusyAnswer::Conflict409);
    rotates(&with(graph), "all at once").await;
}

// Replicas list a new key late and a removed one for long, and disagree meanwhile.
#[tokio::test(start_paused = true)]
async fn a_rotation_ends_while_lists_flap() {
    for missing in [MissingPassword::BadRequest400, MissingPassword::NotFound404] {
        let settings = Settings::realistic()
            .with_graph(GraphSettings::default().with_missing_password(missing))
            .with_list_lag(Duration::from_secs(90))
            .with_list_removal_lag(Duration::from_secs(300));
        rotates(&Contoso::with(settings), &format!("{missing:?}")).await;
    }
}
