//! What a sign-in and the lists of keys prove about a connection's secret, and what they do not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect::core::{Clock, Diagnosis, ErrorKind, KeyId, TenantId};
use azconnect::credential::{ConnectionRecord, CredentialKind, EndReader, EndReading, EndSource};
use azconnect::{ConnectRequest, ExpiryRadar};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service};
use serde_json::json;

use crate::connections::{Stage, request};
use crate::expiry_radar::{DAY, DEPLOY, client, look, one, open, told};

fn code(problem: Option<&Diagnosis>) -> Option<&str> {
    problem.and_then(Diagnosis::service_code)
}

/// How a connection stands in each of some looks, a day apart.
async fn days(stage: &Stage, radar: &ExpiryRadar, count: u32) -> Vec<&'static str> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(one(radar).await.expiry.as_str());
        stage.clock.sleep(DAY).await;
    }
    seen
}

async fn steps(radar: &ExpiryRadar) -> Vec<String> {
    open(radar).await.iter().map(|open| open.step.to_string()).collect()
}

/// AADSTS7000222 is about this very secret, and every replica knows its end.
#[tokio::test(start_paused = true)]
async fn a_secret_that_has_ended_is_expired_at_the_first_look_and_nobody_is_said_to_have_removed_it() {
    for declared in [None, Some(300 * DAY)] {
        let stage = Stage::new();
        let (key, secret) = stage.added(DEPLOY, 20 * DAY).await;
        let mut wish = request("shop");
        wish.ends_at = declared.map(|left| stage.clock.now() + left);
        stage.connections.connect(wish, secret).await.unwrap();
        let radar = stage.radar();
        stage.clock.sleep(30 * DAY).await;
        let first = stage.clock.now();
        let found = one(&radar).await;
        assert_eq!(code(found.problem.as_ref()), Some("AADSTS7000222"));
        assert_eq!((found.expiry.as_str(), told(&found).as_deref()), ("expired", Some("ended")), "{declared:?}");
        assert_eq!((found.expiry.ends_at(), found.source), (Some(first), EndSource::Refused), "by then at the latest");
        assert_eq!(days(&stage, &radar, 3).await, ["expired"; 3]);
        // Whoever clears it away afterwards removes nothing before its end.
        stage.emulator.person().delete_password(key).unwrap();
        stage.clock.sleep(DAY).await;
        assert_eq!(days(&stage, &radar, 5).await, ["expired"; 5]);
        assert_eq!(steps(&radar).await, ["ended"]);
    }
}

/// A replica that is late refuses a working secret, with AADSTS7000215.
#[tokio::test(start_paused = true)]
async fn a_stray_refusal_counts_for_nothing_once_the_secret_signs_in_again() {
    let stage = Stage::new();
    let (_, secret) = stage.added(DEPLOY, 700 * DAY).await;
    let wish = request("shop").with_ends_at(stage.clock.now() + 700 * DAY);
    stage.connections.connect(wish, secret).await.unwrap();
    let radar = stage.radar();
    // Long enough ago that a refusal means something.
    stage.clock.sleep(DAY).await;
    let refusal = || {
        let body = json!({"error": "invalid_client", "error_codes": [7_000_215]});
        Fault::new(FaultAction::Answer(CannedAnswer::new(401).with_body(body))).with_service(Service::Login)
    };
    for month in 0..5 {
        stage.emulator.faults().add(refusal());
        let found = one(&radar).await;
        assert_eq!(code(found.problem.as_ref()), Some("AADSTS7000215"), "{month}");
        assert_eq!(found.expiry.as_str(), "unknown", "{month}");
        stage.clock.sleep(DAY).await;
        // It signs in, and Graph does not let it read: 403.
        let found = one(&radar).await;
        assert_eq!(found.problem.map(|problem| problem.kind()), Some(ErrorKind::PermissionDenied), "{month}");
        assert_eq!(found.expiry.as_str(), "fresh", "{month}");
        stage.clock.sleep(30 * DAY).await;
    }
    // Nor does it stay gone, where three refusals in a row have said so.
    stage.emulator.faults().add(refusal().with_count(3));
    assert_eq!(days(&stage, &radar, 4).await, ["unknown", "unknown", "gone", "fresh"]);
    assert!(open(&radar).await.is_empty());
}

/// A record names a key by what a person typed. A service principal's own passwords sign in as well.
#[tokio::test(start_paused = true)]
async fn a_mistyped_key_is_not_gone_while_the_secret_is_one_of_the_service_principals() {
    let stage = Stage::new();
    let ends_at = stage.clock.now() + 300 * DAY;
    let key = stage.emulator.person().add_service_principal_password(client(DEPLOY), "by hand", ends_at).unwrap();
    stage.clock.sleep(DAY).await;
    let secret = stage.emulator.secret_of(key).unwrap();
    let mistyped: KeyId = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
    stage.connections.connect(request("shop").with_key(mistyped), secret).await.unwrap();
    let radar = stage.read_by_operator();
    assert_eq!(days(&stage, &radar, 5).await, ["fresh"; 5]);
    assert_eq!(one(&radar).await.source, EndSource::ListedByHint);
    // Once it is removed in earnest, nobody holds it.
    stage.emulator.person().delete_password(key).unwrap();
    stage.clock.sleep(DAY).await;
    assert_eq!(days(&stage, &radar, 3).await, ["unknown", "unknown", "gone"]);
}

/// Graph shows the first three characters of a password as its `hint`.
#[tokio::test(start_paused = true)]
async fn the_key_of_another_secret_of_the_application_is_not_believed() {
    let stage = Stage::new();
    let (former, _) = stage.added(DEPLOY, 20 * DAY).await;
    let (key, secret) = stage.added(DEPLOY, 300 * DAY).await;
    stage.connections.connect(request("shop").with_key(former), secret).await.unwrap();
    let radar = stage.read_by_operator();
    let found = one(&radar).await;
    assert_eq!((found.expiry.as_str(), found.source), ("fresh", EndSource::ListedByHint));
    assert_eq!(stage.notes().get(&"shop".parse().unwrap()).await.unwrap().unwrap().value.known_key(), Some(key));
    // Listed is a key that the record names, and yet it is another's: whether the record or the hint is wrong cannot be told.
    stage.emulator.person().delete_password(key).unwrap();
    stage.clock.sleep(DAY).await;
    for _ in 0..4 {
        let found = one(&radar).await;
        assert_eq!((found.expiry.as_str(), found.source), ("fresh", EndSource::ListedByHint), "as it was read last");
        assert!(found.problem.is_some_and(|problem| problem.advice().contains("Secret ID")));
        stage.clock.sleep(DAY).await;
    }
}

/// Of some tenants nobody gets an answer; how often each was asked.
struct Silent(Arc<dyn Clock>, Vec<TenantId>, Mutex<BTreeMap<TenantId, u32>>);

#[async_trait]
impl EndReader for Silent {
    async fn end(&self, record: &ConnectionRecord, _: Option<KeyId>) -> EndReading {
        *self.2.lock().unwrap().entry(record.tenant).or_default() += 1;
        if self.1.contains(&record.tenant) {
            self.0.sleep(DAY).await;
        }
        EndReading::Unread(Diagnosis::new(ErrorKind::PermissionDenied, "it may not read itself"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_whose_reads_fail_keeps_nobody_else_from_being_read() {
    let stage = Stage::new();
    let tenant =
        |number: u32| -> TenantId { format!("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d{number:02}").parse().unwrap() };
    for number in 0..60_u32 {
        // The first forty belong to one customer, and the others to one each.
        let id = format!("shop-{number:03}");
        let ConnectRequest { id, subscription, client, .. } = request(&id);
        let sealed = format!("connection/{id}/1").parse().unwrap();
        let credential = CredentialKind::client_secret(sealed, Some(stage.clock.now() + 5 * DAY));
        let of = tenant(number.saturating_sub(39));
        let record = ConnectionRecord::new(id, subscription, of, client, credential);
        stage.records().insert(&record.with_created_at(stage.clock.now())).await.unwrap();
    }
    let asked = async |silent: Vec<TenantId>| {
        let reader = Arc::new(Silent(stage.clock.clone(), silent, Mutex::default()));
        assert_eq!(look(&stage.radar().with_ends(reader.clone())).await.len(), 60);
        reader.2.lock().unwrap().clone()
    };
    let one_silent = asked(vec![tenant(0)]).await;
    assert!(one_silent[&tenant(0)] <= 16, "not waited for once a connection: {one_silent:?}");
    assert!((1..=20).all(|number| one_silent.contains_key(&tenant(number))), "{one_silent:?}");
    let all_silent = asked((0..=20).map(tenant).collect()).await;
    assert!(all_silent.len() <= 17, "none of many answers, so that the service is away: {all_silent:?}");
}
