//! A customer leaves in the middle of a rotation.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::time::Duration;

use azconnect::credential::ConnectRequest;
use azconnect::rotation::RotationOutcome;
use azconnect::store::MemoryDocuments;
use azconnect::{Azure, Storage};
use azconnect_emulator::Settings;
use azconnect_tests::contoso::{Contoso, deploy, old_key};

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_grace_leaves_no_sealed_copy_and_no_unfinished_work() {
    let contoso = Contoso::with(Settings::default());
    let storage = Storage::new(
        contoso.journal.clone(),
        contoso.secrets.clone(),
        contoso.lease.clone(),
        std::sync::Arc::new(MemoryDocuments::new()),
    );
    let azure =
        Azure::new(contoso.emulator.cloud(), contoso.emulator.transport(), std::sync::Arc::new(contoso.clock.clone()));
    let request = ConnectRequest::new(
        "shop".parse().unwrap(),
        "22222222-2222-4222-8222-222222222222".parse().unwrap(),
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(),
        deploy(),
    );
    let secret = contoso.emulator.secret_of(old_key()).unwrap();
    let id = azure.connections(&storage).connect(request, secret).await.unwrap().record.id;

    let impatient = contoso.rotator(contoso.ports()).with_patience(Duration::from_secs(60));
    let target = contoso.target(contoso.emulator.transport());
    let outcome = impatient.rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    let (state, _) = impatient.state(target.subject()).await.unwrap();
    let sealed: Vec<_> = state.ledger.values().filter_map(|key| key.sealed.clone()).collect();
    assert_eq!(sealed.len(), 1);

    let ended = azure.disconnect(&storage, &id).await.unwrap().unwrap();
    assert!(ended.rotation_ended && ended.shares_application_with.is_empty());
    for id in sealed {
        assert!(contoso.secrets.get(&id).await.unwrap().is_none(), "{id} is still sealed");
    }
    assert!(contoso.journal.unfinished().await.unwrap().is_empty());
    assert!(azure.connections(&storage).test(&id).await.is_err(), "the connection's own secret is destroyed");
    let truth = contoso.emulator.truth();
    let alive = truth.application(deploy()).unwrap().passwords.iter().filter(|password| password.live).count();
    assert_eq!(alive, 3, "the customer's keys stay: the old one, the new one, and another team's");
    assert!(azure.disconnect(&storage, &id).await.unwrap().is_none(), "it may be repeated");
}
