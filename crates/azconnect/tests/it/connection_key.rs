//! Which of an application's secrets was entered, where the application may read itself.

use std::time::Duration;

use azconnect::NewSecret;
use azconnect::core::{Clock as _, Effect, Error, ErrorKind, KeyId, Secret};
use azconnect::credential::{CheckReport, CheckStatus, ConnectionCheck, CredentialKind};
use azconnect_emulator::Service;
use azconnect_testkit::conformance::connection_keeper::KeeperHarness as _;
use serde_json::json;

use crate::checked_world::{SECRET, World, codes, form, hang};

const RIGHT: &str = "b0000000-0000-4000-8000-000000000002";
const OTHER: &str = "b0000000-0000-4000-8000-000000000001";

/// An application with two live secrets, whose hints, their first three characters, tell them apart.
fn world() -> World {
    World::changed(|seed| {
        let application = &mut seed["tenants"][0]["applications"][0];
        application["graphRoles"] = json!(["Application.Read.All"]);
        application["passwords"] = json!([
            {"secret": SECRET, "keyId": RIGHT},
            {"secret": "Oth8Q~a.secret.that.serves.somebody.else_01", "keyId": OTHER},
        ]);
    })
}

fn key(text: &str) -> KeyId {
    text.parse().unwrap()
}

fn assert_names_the_right_one(error: &Error) {
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::None), "{error:?}");
    assert_eq!(error.field(), Some("key"));
    assert!(error.advice().contains(RIGHT), "{error:?}");
}

/// Whoever believes the id adopts that key, and a rotation then removes a secret that works for somebody else.
#[tokio::test(start_paused = true)]
async fn the_id_of_another_secret_is_refused_before_anything_is_sealed() {
    let world = world();
    let ends_at = world.clock.now() + Duration::from_secs(86_400);
    let wrong = || world.request().with_key(key(OTHER));
    for request in [wrong(), wrong().with_ends_at(ends_at)] {
        let error = world.connections.connect(request, world.working_secret()).await.unwrap_err();
        assert_names_the_right_one(&error);
        assert_eq!(world.kept().await, 0);
    }
    let connected = world.connections.connect(world.request().with_key(key(RIGHT)), world.working_secret()).await;
    let before = connected.unwrap().record;
    let mut other = NewSecret::new(world.working_secret());
    (other.key, other.ends_at) = (Some(key(OTHER)), Some(ends_at));
    assert_names_the_right_one(&world.connections.replace_secret(&before.id, other).await.unwrap_err());
    assert_eq!(world.connections.get(&before.id).await.unwrap(), Some(before));
    assert_eq!(world.kept().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_form_with_the_id_of_another_secret_fails_that_field_with_the_right_id() {
    let world = world();
    let ends_at = world.clock.now() + Duration::from_secs(86_400);
    let fails = |report: &CheckReport| {
        assert_eq!(codes(report, CheckStatus::Failed), ["secret-id"], "{report}");
        assert!(report.of(ConnectionCheck::KeyEntry).unwrap().remedy.contains(RIGHT), "{report}");
    };
    for form in [form().with_key(OTHER), form().with_key(OTHER).with_ends_at(ends_at)] {
        fails(&world.connections.check_form(&form).await);
        let checked = world.connect(&form).await;
        fails(&checked.report);
        assert!(!checked.is_kept() && world.kept().await == 0);
    }
    let checked = world.connect(&form().with_key(RIGHT.to_uppercase())).await;
    let record = checked.connected.unwrap_or_else(|| panic!("{}", checked.report)).record;
    let CredentialKind::ClientSecret { key: found, .. } = record.credential else { panic!() };
    assert_eq!(found, Some(key(RIGHT)));
}

/// A firewall that lets Resource Manager through and not Microsoft Graph drops what is sent there.
#[tokio::test(start_paused = true)]
async fn a_graph_that_never_answers_leaves_key_and_end_unknown_and_keeps_nobody_waiting() {
    const PATIENCE: Duration = Duration::from_secs(90);
    let world = world().with(hang(Service::Graph, "/"));
    let checked = tokio::time::timeout(PATIENCE, world.connect(&form())).await.expect("it hangs");
    let record = checked.connected.unwrap_or_else(|| panic!("{}", checked.report)).record;
    assert!(matches!(record.credential, CredentialKind::ClientSecret { key: None, ends_at: None, .. }));
    // What the customer says of it stands.
    let mut given = NewSecret::new(Secret::new(SECRET));
    given.key = Some(key(OTHER));
    let replaced = tokio::time::timeout(PATIENCE, world.connections.replace_secret(&record.id, given)).await;
    let replaced = replaced.expect("it hangs").unwrap();
    assert!(matches!(replaced.credential, CredentialKind::ClientSecret { key: Some(_), .. }));
}
