//! The change of the key, in portions.

use azconnect_core::{ErrorKind, Journal, Secret, SecretId, SecretStore, Sequence};
use azconnect_store::SqliteStore;
use azconnect_store::seal::SealingKeys;
use rusqlite::Connection;

use super::tamper::{corrupt, intruder};
use super::{Place, append, key, open};

const COUNT: usize = 7;

fn id(number: usize) -> SecretId {
    format!("secret/{number}").parse().unwrap()
}

fn both() -> SealingKeys {
    SealingKeys::new(key(2)).with_previous(key(1))
}

async fn filled(place: &Place) {
    let store = place.open().await;
    store.append(append("stream", 0, "entry")).await.unwrap();
    for number in 0..COUNT {
        store.put(&id(number), &Secret::new(format!("text {number}"))).await.unwrap();
    }
}

async fn all_open(store: &SqliteStore) {
    for number in 0..COUNT {
        assert_eq!(store.get(&id(number)).await.unwrap().unwrap().expose(), format!("text {number}"));
    }
    assert_eq!(store.read(&"stream".parse().unwrap(), Sequence::START).await.unwrap().len(), 1);
}

fn sealed(place: &Place) -> Vec<(Vec<u8>, Vec<u8>)> {
    let connection = Connection::open(place.path()).unwrap();
    let mut query =
        connection.prepare("SELECT sealed, wrapped FROM secret JOIN data_key USING (id) ORDER BY id").unwrap();
    query.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_change_of_the_key_seals_data_keys_anew_and_touches_no_sealed_secret() {
    let place = Place::new();
    filled(&place).await;
    let before = sealed(&place);
    let store = open(&place.path(), both()).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), COUNT);
    for (before, after) in before.iter().zip(sealed(&place)) {
        assert_eq!(before.0, after.0, "a secret was sealed anew");
        assert_ne!(before.1, after.1, "a data key was not");
    }
    drop(store);
    all_open(&open(&place.path(), key(2)).await.unwrap()).await;
    assert!(open(&place.path(), key(1)).await.is_err());
}

#[tokio::test]
async fn a_change_of_the_key_tells_how_far_it_is_and_goes_on_where_it_was_stopped() {
    let place = Place::new();
    filled(&place).await;
    let mut left = COUNT;
    while left > 0 {
        // Another process each time.
        let store = open(&place.path(), both()).await.unwrap();
        let resealed = store.reseal_some(2).await.unwrap();
        assert_eq!((resealed.done, resealed.left), (left.min(2), left.saturating_sub(2)));
        assert_eq!(resealed.is_over, resealed.left == 0);
        left = resealed.left;
        all_open(&store).await;
        drop(store);
        if left > 0 {
            // The new key alone is told what is missing, the old one alone that there is another.
            let error = open(&place.path(), key(2)).await.unwrap_err();
            corrupt(&error, "the new key alone");
            let missing = format!("has not ended: {left} secrets");
            assert!(error.message().contains(&missing) && error.advice().contains("reseal"), "{error}");
            corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "the old key alone");
        }
    }
    all_open(&open(&place.path(), key(2)).await.unwrap()).await;
}

#[tokio::test]
async fn others_read_and_write_while_the_key_changes() {
    let place = Place::new();
    filled(&place).await;
    let (store, other) = (open(&place.path(), both()).await.unwrap(), open(&place.path(), both()).await.unwrap());
    let mut number = 0;
    loop {
        let over = store.reseal_some(1).await.unwrap().is_over;
        all_open(&other).await;
        let name: SecretId = format!("meanwhile/{number}").parse().unwrap();
        other.put(&name, &Secret::new("meanwhile")).await.unwrap();
        assert!(store.get(&name).await.unwrap().is_some());
        other.append(append("other", number, "entry")).await.unwrap();
        number += 1;
        if over {
            break;
        }
    }
    drop((store, other));
    all_open(&open(&place.path(), key(2)).await.unwrap()).await;
}

#[tokio::test]
async fn a_change_of_the_key_stops_at_a_secret_that_is_not_as_it_was_written() {
    let place = Place::new();
    filled(&place).await;
    intruder(&place.path()).execute_batch("UPDATE secret SET sealed = x'02' WHERE id = 'secret/3'").unwrap();
    let store = open(&place.path(), both()).await.unwrap();
    let error = store.reseal().await.unwrap_err();
    corrupt(&error, "a damaged one");
    assert!(error.message().contains("secret/3"), "{error}");
    // Whoever knows that it is lost removes it.
    store.remove(&id(3)).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), COUNT - 1);
    drop(store);
    let store = open(&place.path(), key(2)).await.unwrap();
    assert_eq!(store.get(&id(4)).await.unwrap().unwrap().expose(), "text 4");
    assert_eq!(
        store.get(&id(3)).await.map(|found| found.is_none()).map_err(|error| error.kind()),
        Ok::<_, ErrorKind>(true)
    );
}
