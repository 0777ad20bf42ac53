//! Sealed secrets and their data keys: what becomes of them, and what somebody does to them who can write the tables and has
//! no key.

use azconnect_core::{Effect, Error, ErrorKind, Journal, Secret, SecretId, SecretStore};
use azconnect_store::PostgresStore;
use azconnect_store::seal::SealingKeys;

use super::tamper::corrupt;
use super::{Place, append, key};

fn id(name: &str) -> SecretId {
    name.parse().unwrap()
}

async fn put(store: &PostgresStore, name: &str, text: &str) {
    store.put(&id(name), &Secret::new(text)).await.unwrap();
}

async fn holds(store: &PostgresStore, name: &str, text: &str) {
    assert_eq!(SecretStore::get(store, &id(name)).await.unwrap().unwrap().expose(), text, "{name}");
}

/// A refusal that names the secret.
async fn refused(store: &PostgresStore, name: &str, about: &str) {
    let error = SecretStore::get(store, &id(name)).await.expect_err(about);
    assert!(error.message().contains(name), "{about}: {error}");
    corrupt(Err::<(), Error>(error), about);
}

/// Two secrets, and a copy of the tables as they are now.
async fn two(place: &Place) -> PostgresStore {
    let store = place.open().await;
    put(&store, "victim", "the victim's").await;
    put(&store, "bystander", "the bystander's").await;
    store
}

/// Keeps the rows as they are now. In a schema of its own: a table of somebody else in the store's is refused.
async fn keep(place: &Place) {
    let (schema, kept) = (&place.schema, place.beside());
    let sql = format!(
        "CREATE SCHEMA {kept}; CREATE TABLE {kept}.secret AS TABLE {schema}.secret; \
         CREATE TABLE {kept}.journal AS TABLE {schema}.journal"
    );
    place.change(&sql).await;
}

async fn put_back(place: &Place, table: &str) {
    place.change(&format!("DELETE FROM {table}; INSERT INTO {table} TABLE {}.{table}", place.beside())).await;
}

/// The sealed secrets and their data keys, in the order of their names.
async fn sealed(place: &Place) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = place.intruder().await.query("SELECT sealed, wrapped FROM secret ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_removal_of_a_secret_removes_its_data_key() {
    let place = Place::new();
    let store = two(&place).await;
    let before = sealed(&place).await;
    assert_ne!(before[0].1, before[1].1);
    store.remove(&id("victim")).await.unwrap();
    assert_eq!(sealed(&place).await, before[..1]);
    holds(&store, "bystander", "the bystander's").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_removed_secret_that_is_put_back_does_not_open() {
    let place = Place::new();
    let store = two(&place).await;
    keep(&place).await;
    let late = place.open().await;
    store.remove(&id("victim")).await.unwrap();
    put_back(&place, "secret").await;
    // The process that removed it knows which it is.
    refused(&store, "victim", "put back").await;
    holds(&store, "bystander", "the bystander's").await;
    assert_eq!(SecretStore::list(&store, "", None).await.unwrap(), [id("bystander")]);
    // A process that had not looked since, and a new one, learn from the totals that one is too many.
    corrupt(SecretStore::get(&late, &id("victim")).await, "another process");
    let error = place.open_with(key(1)).await.unwrap_err();
    assert!(error.message().contains("put back after their removal"), "{error}");
    corrupt(Err::<(), Error>(error), "a new process");
    // Put back with the totals, it shows to whoever has seen more.
    put_back(&place, "journal").await;
    corrupt(SecretStore::get(&store, &id("victim")).await, "with the totals");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_secret_that_was_put_back_can_be_removed_once_more() {
    let place = Place::new();
    let store = two(&place).await;
    keep(&place).await;
    store.remove(&id("victim")).await.unwrap();
    put_back(&place, "secret").await;
    store.remove(&id("victim")).await.unwrap();
    assert!(SecretStore::get(&store, &id("victim")).await.unwrap().is_none());
    holds(&place.open().await, "bystander", "the bystander's").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_earlier_secret_of_the_same_name_does_not_open() {
    let place = Place::new();
    let store = two(&place).await;
    keep(&place).await;
    store.remove(&id("victim")).await.unwrap();
    put(&store, "victim", "the later one").await;
    put_back(&place, "secret").await;
    refused(&store, "victim", "an earlier one").await;
    corrupt(place.open_with(key(1)).await, "a new process");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_secret_that_somebody_removed_is_not_taken_for_one_that_never_was() {
    let place = Place::new();
    let store = two(&place).await;
    place.change("DELETE FROM secret WHERE id = 'victim'").await;
    refused(&store, "victim", "removed").await;
    holds(&store, "bystander", "the bystander's").await;
    corrupt(store.put(&id("victim"), &Secret::new("the victim's")).await, "it is not sealed anew in its place");
    corrupt(place.open_with(key(1)).await, "a new process");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn rows_that_change_places_open_nothing() {
    for column in ["sealed", "wrapped", "mac", "change"] {
        let place = Place::new();
        let store = two(&place).await;
        place
            .change(&format!("UPDATE secret s SET {column} = (SELECT {column} FROM secret t WHERE t.id <> s.id)"))
            .await;
        for name in ["victim", "bystander"] {
            refused(&store, name, column).await;
        }
        // The names and changes are all that is counted: what else was exchanged shows when it is opened.
        if let Ok(store) = place.open_with(key(1)).await {
            assert_ne!(column, "change");
            refused(&store, "victim", column).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn whatever_is_flipped_or_cut_in_a_row_opens_nothing_and_harms_no_other() {
    let place = Place::new();
    let store = two(&place).await;
    keep(&place).await;
    for column in ["sealed", "wrapped", "mac"] {
        for change in [
            format!("set_byte({column}, 0, get_byte({column}, 0) # 1)"),
            format!("set_byte({column}, 9, get_byte({column}, 9) # 128)"),
            format!("set_byte({column}, length({column}) - 1, get_byte({column}, length({column}) - 1) # 1)"),
            format!("substr({column}, 1, length({column}) - 1)"),
            "''".to_owned(),
        ] {
            place.change(&format!("UPDATE secret SET {column} = {change} WHERE id = 'victim'")).await;
            refused(&store, "victim", &change).await;
            corrupt(store.put(&id("victim"), &Secret::new("the victim's")).await, &change);
            holds(&store, "bystander", "the bystander's").await;
            put_back(&place, "secret").await;
            holds(&store, "victim", "the victim's").await;
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_count_of_secrets_that_is_changed_or_gone_is_noticed() {
    for change in
        ["''", "substr(secrets, 1, length(secrets) - 1)", "set_byte(secrets, 20, get_byte(secrets, 20) # 1)", "mac"]
    {
        let place = Place::new();
        let store = two(&place).await;
        place.change(&format!("UPDATE journal SET secrets = {change}")).await;
        corrupt(SecretStore::get(&store, &id("victim")).await, change);
        corrupt(store.put(&id("new"), &Secret::new("x")).await, change);
        corrupt(place.open_with(key(1)).await, change);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_secret_of_another_store_of_the_same_key_does_not_open() {
    let (place, other) = (Place::new(), Place::new());
    let store = two(&place).await;
    put(&other.open().await, "victim", "of the other store").await;
    place
        .change(&format!(
            "UPDATE secret SET (sealed, wrapped, mac) = (SELECT sealed, wrapped, mac FROM {}.secret) WHERE id = 'victim'",
            other.schema
        ))
        .await;
    refused(&store, "victim", "another store").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn several_processes_that_seal_and_remove_at_once_agree_on_what_there_is() {
    let place = Place::new();
    let stores = [place.open().await, place.open().await, place.open().await];
    let work = async |number: usize| {
        let store = &stores[number];
        for round in 0..5 {
            let name = format!("{number}/{round}");
            put(store, &name, &name).await;
            store.append(append(&format!("stream/{number}"), round, "x")).await.unwrap();
            if round % 2 == 0 {
                store.remove(&id(&name)).await.unwrap();
            }
        }
    };
    tokio::join!(work(0), work(1), work(2));
    let left: Vec<_> = (0..3).flat_map(|number| [1, 3].map(|round| id(&format!("{number}/{round}")))).collect();
    for store in stores.iter().chain([&place.open().await]) {
        assert_eq!(SecretStore::list(store, "", None).await.unwrap(), left);
        holds(store, "1/3", "1/3").await;
    }
}

fn both() -> SealingKeys {
    SealingKeys::new(key(2)).with_previous(key(1))
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_change_of_the_key_seals_data_keys_anew_and_touches_no_sealed_secret() {
    let place = Place::new();
    drop(two(&place).await);
    let before = sealed(&place).await;
    let store = place.open_with(both()).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 2);
    let after = sealed(&place).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.0, after.0);
        assert_ne!(before.1, after.1);
    }
    holds(&place.open_with(key(2)).await.unwrap(), "victim", "the victim's").await;
    assert_eq!(place.open_with(key(1)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_change_of_the_key_tells_how_far_it_is_and_goes_on_where_it_was_stopped() {
    let place = Place::new();
    let store = two(&place).await;
    put(&store, "third", "the third's").await;
    let store = place.open_with(both()).await.unwrap();
    let some = store.reseal_some(2).await.unwrap();
    assert_eq!((some.done, some.left, some.is_over), (2, 1, false));
    // Others go on meanwhile, and the key that is on its way out is needed still.
    put(&store, "fourth", "the fourth's").await;
    drop(store);
    let error = place.open_with(key(2)).await.unwrap_err();
    assert!(error.to_string().contains("has not ended: 1 secrets"), "{error}");
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
    let store = place.open_with(both()).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 1);
    let store = place.open_with(key(2)).await.unwrap();
    for name in ["victim", "bystander", "third", "fourth"] {
        holds(&store, name, &format!("the {name}'s")).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_change_of_the_key_stops_at_a_secret_that_is_not_as_it_was_written() {
    let place = Place::new();
    drop(two(&place).await);
    let store = place.open_with(both()).await.unwrap();
    place.change("UPDATE secret SET mac = set_byte(mac, 20, get_byte(mac, 20) # 1) WHERE id = 'victim'").await;
    let before = sealed(&place).await;
    corrupt(store.reseal().await, "a changed mark");
    assert_eq!(sealed(&place).await, before, "nothing of the portion was done");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_secret_can_be_removed_while_the_key_changes() {
    let place = Place::new();
    drop(two(&place).await);
    let store = place.open_with(both()).await.unwrap();
    store.remove(&id("victim")).await.unwrap();
    assert!(SecretStore::get(&store, &id("victim")).await.unwrap().is_none());
    assert_eq!(store.reseal().await.unwrap(), 1);
    holds(&place.open_with(key(2)).await.unwrap(), "bystander", "the bystander's").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_secret_under_a_key_that_a_process_does_not_have_is_not_called_changed() {
    let place = Place::new();
    let store = two(&place).await;
    place.open_with(both()).await.unwrap().reseal_some(1).await.unwrap();
    let error = SecretStore::get(&store, &id("bystander")).await.unwrap_err();
    assert!(error.message().contains("another key") && !error.advice().contains("remove this secret"), "{error:?}");
}
