//! Who can write the database, and has not the key, makes the product do nothing, and reads no secret.

use std::sync::Arc;

use azconnect::Storage;
use azconnect::core::{Effect, Error, ErrorKind, Secret, SecretId, SecretStore};
use azconnect::credential::{ConnectionRecord, Records};
use azconnect::rotation::RotationOutcome;
use azconnect::store::MemoryDocuments;

use crate::site::{Site, handed_over, machine, request, spec};

/// A rotation waits in its grace, a machine runs, a customer is connected; the product is not running.
async fn at_rest() -> Site {
    let site = Site::new();
    let product = site.starts().await.unwrap();
    let outcome = product.rotator().rotate(&product.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    let provisioner = product.provisioner();
    let plan = provisioner.plan(machine(), spec()).await.unwrap();
    provisioner.run(&plan).await.unwrap();
    drop((provisioner, product));
    site
}

/// The product starts again, and does what it does every hour and on demand. The error of each, where there is one.
async fn everything(site: &Site) -> Vec<(&'static str, Option<Error>)> {
    let product = match site.starts().await {
        Ok(product) => product,
        Err(error) => return vec![("start", Some(error))],
    };
    let (rotator, target, provisioner) = (product.rotator(), product.target(), product.provisioner());
    vec![
        ("rotate", rotator.rotate(&target).await.err()),
        ("disconnect", rotator.disconnect(target.subject()).await.err()),
        ("resume the machine", provisioner.resume(&machine()).await.err()),
        ("take the private key", provisioner.private_key(&machine()).await.err()),
        ("clean up", provisioner.clean_up(&machine()).await.err()),
    ]
}

const ROTATION: &str = "stream LIKE 'rotation/%'";
const MACHINE: &str = "stream LIKE 'provision/%'";

/// What can be done to the streams of a kind: each alone is noticed, and nothing is done.
fn tampering(stream: &str) -> Vec<(&'static str, String)> {
    let last = format!("(SELECT max(sequence) FROM entry WHERE {stream})");
    let name = stream.replace("stream LIKE", "name LIKE");
    vec![
        ("a payload is changed", format!("UPDATE entry SET payload = payload || ' ' WHERE {stream} AND sequence = 2")),
        ("a kind is changed", format!("UPDATE entry SET kind = 'rotated' WHERE {stream} AND sequence = 2")),
        (
            "a moment is changed",
            format!("UPDATE entry SET at = '2020-01-01T00:00:00Z' WHERE {stream} AND sequence = 2"),
        ),
        ("an epoch is changed", format!("UPDATE entry SET epoch = epoch + 1 WHERE {stream} AND sequence = {last}")),
        (
            "an entry is marked as a checkpoint",
            format!("UPDATE entry SET checkpoint = 1 WHERE {stream} AND sequence = 2"),
        ),
        (
            "two entries change places",
            format!(
                "UPDATE entry SET sequence = 1000 WHERE {stream} AND sequence = 2;
                 UPDATE entry SET sequence = 2 WHERE {stream} AND sequence = 3;
                 UPDATE entry SET sequence = 3 WHERE {stream} AND sequence = 1000"
            ),
        ),
        (
            "the end is cut off",
            format!(
                "DELETE FROM entry WHERE {stream} AND sequence = {last};
                 UPDATE stream SET last = last - 1 WHERE {name}"
            ),
        ),
        (
            "an entry is cut out",
            format!(
                "DELETE FROM entry WHERE {stream} AND sequence = 2;
                 UPDATE entry SET sequence = sequence + 1000 WHERE {stream} AND sequence > 2;
                 UPDATE entry SET sequence = sequence - 1001 WHERE {stream} AND sequence > 1000;
                 UPDATE stream SET last = last - 1 WHERE {name}"
            ),
        ),
        ("the fence is lowered", format!("UPDATE stream SET epoch = 0 WHERE {name}")),
        ("the stream is deleted", format!("DELETE FROM entry WHERE {stream}; DELETE FROM stream WHERE {name}")),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_changed_journal_makes_the_product_do_nothing() {
    let site = at_rest().await;
    let whole = site.copy();
    let secrets: i64 = site.reads("SELECT count(*) FROM secret");
    for (kind, stream) in [("rotat", ROTATION), ("machine", MACHINE)] {
        for (what, sql) in tampering(stream) {
            site.put_back(&whole);
            site.writes(&sql);
            let before = site.standing();
            assert_ne!(site.copy(), whole, "{kind}: {what}: it changes nothing");
            // Only what touches the changed stream is asked for; the other one stays as it is.
            for (call, error) in everything(&site).await {
                if call != "start" && (stream == ROTATION) != (call == "rotate" || call == "disconnect") {
                    continue;
                }
                let error = error.unwrap_or_else(|| panic!("{kind}: {what}: {call} did not notice"));
                assert_eq!(
                    (error.kind(), error.effect()),
                    (ErrorKind::Corrupt, Effect::None),
                    "{what}: {call}: {error}"
                );
                assert!(!error.advice().is_empty(), "{what}: {call}: {error}");
            }
            if stream == ROTATION {
                // The machine's calls were in order; of the rotation nothing was asked.
                let contoso = |standing: &str| standing.split(" (").next().map(str::to_owned);
                assert_eq!(contoso(&site.standing()), contoso(&before), "{what}: the cloud was changed");
                let after: i64 = site.reads("SELECT count(*) FROM secret WHERE id LIKE 'rotation/%'");
                assert_eq!(after, 1, "{what}: a sealed copy is gone");
            }
        }
    }
    site.put_back(&whole);
    assert_eq!(site.reads::<i64>("SELECT count(*) FROM secret"), secrets);
    let product = site.starts().await.unwrap();
    product.provisioner().private_key(&machine()).await.unwrap();
    let outcome = product.rotator().rotate(&product.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "as it was, it goes on: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sealed_secret_opens_in_its_own_place_alone() {
    let site = at_rest().await;
    let product = site.starts().await.unwrap();
    let (victim, own) = (SecretId::new("connection/victim/1").unwrap(), SecretId::new("connection/own/1").unwrap());
    product.store.put(&victim, &Secret::new("the victim's")).await.unwrap();
    product.store.put(&own, &Secret::new("the attacker's")).await.unwrap();
    drop(product);
    site.writes(
        "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE id = 'connection/victim/1')
         WHERE id = 'connection/own/1'",
    );
    let product = site.starts().await.unwrap();
    let error = product.store.get(&own).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error}");
    assert_eq!(product.store.get(&victim).await.unwrap().unwrap().expose(), "the victim's");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_names_another_customers_secret_opens_and_destroys_nothing() {
    let site = at_rest().await;
    let product = site.starts().await.unwrap();
    let azure = product.contoso();
    // Records in a database of the product's own, which bears no marks.
    let documents = Arc::new(MemoryDocuments::new());
    let parts = &product.storage;
    let storage = Storage::new(parts.journal(), parts.secrets(), parts.lease(), documents.clone());
    let connections = azure.connections(&storage);
    let victim = connections.connect(request("victim"), handed_over(&site)).await.unwrap().record;
    let mut stolen = connections.connect(request("attacker"), handed_over(&site)).await.unwrap().record;
    stolen.credential = victim.credential.clone();
    let mut moved = connections.connect(request("moved"), handed_over(&site)).await.unwrap().record;
    moved.tenant = "6a4d7f5e-0c5c-4f6c-8d0f-00000000f00d".parse().unwrap();
    let records = Records::<ConnectionRecord>::new(documents);
    for record in [&stolen, &moved] {
        let held = records.get(&record.id.as_str().parse().unwrap()).await.unwrap().unwrap();
        records.replace(record, held.revision).await.unwrap();
    }
    let before = site.standing();
    for id in [&stolen.id, &moved.id] {
        for error in [
            connections.test(id).await.err(),
            connections.identity(id).await.err(),
            connections.disconnect(id).await.err(),
        ] {
            let error = error.unwrap();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error}");
        }
    }
    assert_eq!(site.standing(), before, "nobody was asked");
    assert!(connections.test(&victim.id).await.unwrap().is_accepted());
}

#[tokio::test(start_paused = true)]
async fn no_secret_lies_in_the_file_in_the_clear() {
    let site = at_rest().await;
    let canary = azconnect_testkit::Canary::new();
    for application in &site.contoso.emulator.truth().applications {
        for password in &application.passwords {
            if let Some(secret) = site.contoso.emulator.secret_of(password.key_id) {
                canary.watch(&secret);
            }
        }
    }
    canary.assert_absent("the database", &site.copy());
}
