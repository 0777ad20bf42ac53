//! Lag and flapping, in the emulator's own time.

use std::time::Duration;

use azconnect_emulator::{ReplicaChoice, Settings};
use serde_json::{Value, json};

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Way, contoso};

fn lagging() -> Settings {
    let seconds = Duration::from_secs;
    Settings::default().with_add_lag(seconds(10)).with_remove_lag(seconds(6)).with_list_lag(seconds(4))
}

/// How many of the three replicas accept a secret.
async fn accepting(harness: &Harness, secret: &str) -> usize {
    let mut count = 0;
    for _ in 0..3 {
        count += usize::from(harness.token_reply(DEPLOYER, secret, GRAPH_SCOPE).await.status == 200);
    }
    count
}

/// How many of the three replicas list a key.
async fn listing(harness: &Harness, token: &str, key: &Value) -> usize {
    let mut count = 0;
    for _ in 0..3 {
        let path = format!("/applications/{DEPLOYER_OBJECT}");
        let body = harness.graph("GET", &path).bearer(token).send().await.expect(200);
        let keys = body["passwordCredentials"].as_array().unwrap();
        count += usize::from(keys.iter().any(|password| password["keyId"] == *key));
    }
    count
}

async fn a_new_secret_is_accepted_by_more_and_more_replicas(way: Way) {
    let harness = Harness::new(way, lagging(), &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "x").await;
    let secret = minted["secretText"].as_str().unwrap();
    let key = minted["keyId"].as_str().unwrap().parse().unwrap();
    let mut seen = Vec::new();
    for _ in 0..=10 {
        let truth = harness.emulator.truth().password(key).unwrap().accepted;
        let count = accepting(&harness, secret).await;
        assert_eq!((truth.somewhere, truth.everywhere), (count > 0, count == 3));
        seen.push(count);
        harness.advance(1);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!((seen[9] < 3, seen[10]), (true, 3), "{seen:?}");
}

async fn a_removed_secret_is_refused_by_more_and_more_replicas(way: Way) {
    let harness = Harness::new(way, lagging(), &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "x").await;
    let secret = minted["secretText"].as_str().unwrap();
    harness.advance(10);
    let path = format!("/applications/{DEPLOYER_OBJECT}/removePassword");
    let remove = harness.graph("POST", &path).bearer(&token).json(&json!({"keyId": minted["keyId"]})).send();
    remove.await.expect(204);
    let mut seen = Vec::new();
    for _ in 0..=6 {
        seen.push(accepting(&harness, secret).await);
        harness.advance(1);
    }
    assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
    assert!(seen[5] > 0 && seen[6] == 0, "{seen:?}");
}

async fn lists_lag_and_a_replica_that_has_not_heard_cannot_remove(way: Way) {
    let harness = Harness::new(way, lagging(), &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let minted = harness.add_password(&token, "x").await;
    harness.advance(3);
    assert!(listing(&harness, &token, &minted["keyId"]).await < 3);
    // Three removals meet three replicas; at least the slowest one has not heard of the key.
    let path = format!("/applications/{DEPLOYER_OBJECT}/removePassword");
    let remove = || harness.graph("POST", &path).bearer(&token).json(&json!({"keyId": minted["keyId"]})).send();
    harness.advance(1);
    assert_eq!(listing(&harness, &token, &minted["keyId"]).await, 3);
    remove().await.expect(204);
    assert!(listing(&harness, &token, &minted["keyId"]).await > 0, "the slowest replica still lists it");
    harness.advance(4);
    assert_eq!(listing(&harness, &token, &minted["keyId"]).await, 0);
    let late = harness.add_password(&token, "late").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let body = json!({"keyId": late["keyId"]});
        statuses.push(harness.graph("POST", &path).bearer(&token).json(&body).send().await.status);
    }
    assert!(statuses.contains(&400), "{statuses:?}");
}

async fn a_new_application_is_not_found_everywhere_at_once(way: Way) {
    let settings = Settings::default().with_create_lag(Duration::from_secs(5));
    let harness = Harness::new(way, settings, &contoso()).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let body = json!({"displayName": "new"});
    let created = harness.graph("POST", "/applications").bearer(&token).json(&body).send().await.expect(201);
    let path = format!("/applications/{}", created["id"].as_str().unwrap());
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(harness.graph("GET", &path).bearer(&token).send().await.status);
    }
    assert!(statuses.contains(&404), "{statuses:?}");
    harness.advance(5);
    for _ in 0..3 {
        harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    }
}

async fn the_same_number_makes_the_same_choices(way: Way) {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let settings = lagging().with_seed(seed).with_replica_choice(ReplicaChoice::Hashed);
        let harness = Harness::new(way, settings, &contoso()).await;
        let token = harness.token(GRAPH_SCOPE).await;
        let minted = harness.add_password(&token, "x").await;
        let mut statuses = Vec::new();
        for _ in 0..10 {
            harness.advance(1);
            statuses.push(accepting(&harness, minted["secretText"].as_str().unwrap()).await);
        }
        runs.push((minted["secretText"].clone(), statuses));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0].0, runs[2].0);
}

mod ways {
    crate::both_ways! {
        a_new_secret_is_accepted_by_more_and_more_replicas
        a_removed_secret_is_refused_by_more_and_more_replicas
        lists_lag_and_a_replica_that_has_not_heard_cannot_remove
        a_new_application_is_not_found_everywhere_at_once
        the_same_number_makes_the_same_choices
    }
}
