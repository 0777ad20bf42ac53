//! What lies on the disk.

use azconnect_core::{SecretId, SecretStore};
use azconnect_store::seal::{SealingKey, SealingKeys};
use azconnect_testkit::Canary;
use rusqlite::Connection;

use super::{Place, key, open};

/// Fails if a watched secret is in any file of the folder.
fn check(canary: &Canary, place: &Place) {
    for (path, bytes) in place.files() {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
}

#[tokio::test]
async fn no_secret_is_in_any_file_log_or_error() {
    for canary in [Canary::new(), Canary::awkward()] {
        canary.listen_everywhere();
        let place = Place::new();
        let store = place.open().await;
        let (id, other): (SecretId, SecretId) = ("a".parse().unwrap(), "b".parse().unwrap());
        store.put(&id, &canary.secret()).await.unwrap();
        store.put(&other, &canary.secret()).await.unwrap();
        check(&canary, &place);
        let error = store.put(&id, &Canary::new().secret()).await.unwrap_err();
        canary.assert_absent("an error", format!("{error} {error:?} {store:?}").as_bytes());
        store.remove(&other).await.unwrap();
        check(&canary, &place);
        drop(store);
        check(&canary, &place);
        let store = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
        store.reseal().await.unwrap();
        check(&canary, &place);
        assert!(store.get(&id).await.unwrap().unwrap().same_as(&canary.secret()));
        canary.assert_absent_from_logs();
    }
}

#[tokio::test]
async fn the_sealing_key_is_not_in_the_database() {
    let text = Canary::new();
    let bytes: [u8; 32] = text.secret().expose().as_bytes()[..32].try_into().unwrap();
    let place = Place::new();
    let store = open(&place.path(), SealingKey::from_bytes(&bytes).unwrap()).await.unwrap();
    store.put(&"a".parse().unwrap(), &Canary::new().secret()).await.unwrap();
    check(&text, &place);
    text.assert_absent("Debug", format!("{store:?}").as_bytes());
}

#[tokio::test]
async fn a_removed_or_resealed_record_is_overwritten_on_the_disk() {
    let place = Place::new();
    let store = place.open().await;
    let column = |sql: &str, id: &str| -> Vec<u8> {
        Connection::open(place.path()).unwrap().query_row(sql, [id], |row| row.get(0)).unwrap()
    };
    let sealed = |id| column("SELECT sealed FROM secret WHERE id = ?1", id);
    let data_key = |id| column("SELECT wrapped FROM data_key WHERE id = ?1", id);
    let on_disk = |needle: &[u8]| {
        place.files().iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle))
    };
    for id in ["removed", "resealed"] {
        store.put(&id.parse().unwrap(), &Canary::new().secret()).await.unwrap();
    }
    let (removed, its_key, resealed) = (sealed("removed"), data_key("removed"), data_key("resealed"));
    assert!(on_disk(&removed) && on_disk(&its_key) && on_disk(&resealed));
    store.remove(&"removed".parse().unwrap()).await.unwrap();
    assert!(!on_disk(&removed), "the removed record is still on the disk");
    assert!(!on_disk(&its_key), "its data key is still on the disk");
    drop(store);
    let store = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    store.reseal().await.unwrap();
    assert!(!on_disk(&resealed), "the data key that was sealed with the old key is still on the disk");
}
