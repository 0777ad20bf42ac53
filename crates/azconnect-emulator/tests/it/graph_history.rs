//! How long Graph remembers what was deleted, and how much of it.

use azconnect_emulator::Settings;
use serde_json::json;

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Way, contoso};

// A deleted application can be restored for 30 days.
#[tokio::test]
async fn a_deleted_application_is_purged_after_thirty_days() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    harness.graph("DELETE", &format!("/applications/{DEPLOYER_OBJECT}")).bearer(&token).send().await.expect(204);
    let day = 86_400;
    harness.advance(30 * day - 1);
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/directory/deletedItems/{DEPLOYER_OBJECT}");
    let shown = harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    assert_eq!(shown["deletedDateTime"], "2026-01-01T00:00:00Z", "the moment of the deletion, not of the reading");
    harness.advance(1);
    harness.graph("GET", &path).bearer(&token).send().await.expect(404);
    harness.graph("POST", &format!("{path}/restore")).bearer(&token).send().await.expect(404);
    let list = "/directory/deletedItems/microsoft.graph.application";
    let listed = harness.graph("GET", list).bearer(&token).send().await.expect(200);
    assert_eq!(listed["value"], json!([]));
}

// A secret that is added and removed again and again leaves a bounded memory, in which what is live stays.
#[tokio::test]
async fn removed_secrets_are_remembered_up_to_a_bound() {
    let harness = Harness::new(Way::InProcess, Settings::default().with_kept(20), &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    let before = harness.emulator.truth().application(DEPLOYER.parse().unwrap()).unwrap().passwords.len();
    let mut last = None;
    for _ in 0..100 {
        let added = harness.add_password(&token, "again").await;
        harness.advance(1);
        let key = json!({"keyId": added["keyId"]});
        harness.graph("POST", &format!("{path}/removePassword")).bearer(&token).json(&key).send().await.expect(204);
        last = Some(added["keyId"].as_str().unwrap().to_owned());
    }
    let truth = harness.emulator.truth();
    let passwords = &truth.application(DEPLOYER.parse().unwrap()).unwrap().passwords;
    assert_eq!(passwords.iter().filter(|one| one.live).count(), before);
    let removed = passwords.iter().filter(|one| !one.live).count();
    assert!((20..=25).contains(&removed), "{removed}");
    let last = passwords.iter().find(|one| Some(one.key_id.to_string()) == last).unwrap();
    assert!(last.removed_at.is_some() && !last.accepted.somewhere);
}

// Applications that are made and deleted again and again leave a bounded bin.
#[tokio::test]
async fn deleted_applications_are_remembered_up_to_a_bound() {
    let harness = Harness::new(Way::InProcess, Settings::default().with_kept(20), &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let mut last = None;
    for _ in 0..100 {
        let body = json!({"displayName": "again"});
        let made = harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
        let path = format!("/applications/{}", made["id"].as_str().unwrap());
        harness.graph("DELETE", &path).bearer(&token).send().await.expect(204);
        harness.advance(1);
        last = Some(made["id"].as_str().unwrap().to_owned());
    }
    let deleted = harness.emulator.truth().deleted_applications;
    assert!((20..=25).contains(&deleted.len()), "{}", deleted.len());
    let restore = format!("/directory/deletedItems/{}/restore", last.unwrap());
    harness.graph("POST", &restore).bearer(&token).send().await.expect(200);
}
