//! What somebody makes of the tables who does not have the key.

use azconnect_core::{Journal, Secret, SecretStore, Sequence};
use rusqlite::Connection;

use super::tamper::{add, corrupt, filled, id, intruder, rows};
use super::{Place, key, open};

#[tokio::test]
async fn an_index_that_lies_about_the_last_checkpoint_shows() {
    // Beyond the end, where nothing is left to be read; and at an entry that is no checkpoint.
    for lie in ["sequence + 1000000", "sequence + 1", "sequence - 1", "9223372036854775807"] {
        let place = Place::new();
        drop(filled(&place).await);
        let intruder = intruder(&place.path());
        let made = |name: &str| -> String {
            let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1";
            intruder.query_row(sql, [name], |row| row.get(0)).unwrap()
        };
        let original = made("entry_checkpoint");
        intruder
            .execute_batch(&format!(
                "DROP INDEX entry_checkpoint;
                 CREATE INDEX entry_checkpoint ON entry (stream, ({lie})) WHERE checkpoint = 1;"
            ))
            .unwrap();
        intruder.execute_batch("PRAGMA writable_schema = ON").unwrap();
        let sql = "UPDATE sqlite_schema SET sql = ?1 WHERE name = 'entry_checkpoint'";
        intruder.execute(sql, [&original]).unwrap();
        intruder.close().unwrap();
        let found = match open(&place.path(), key(1)).await {
            Err(error) => Err(error),
            Ok(store) => store.latest(&id("victim")).await,
        };
        corrupt(&found.unwrap_err(), lie);
    }
}

#[tokio::test]
async fn a_trigger_that_is_planted_while_the_store_is_open_does_nothing() {
    let place = Place::new();
    let store = filled(&place).await;
    intruder(&place.path())
        .execute_batch(
            "CREATE TRIGGER a BEFORE INSERT ON secret BEGIN SELECT RAISE(IGNORE); END;
             CREATE TRIGGER b AFTER INSERT ON entry BEGIN DELETE FROM secret; DELETE FROM lease; END;",
        )
        .unwrap();
    let (name, secret) = ("secret".parse().unwrap(), Secret::new("text"));
    store.put(&name, &secret).await.unwrap();
    add(&store, "victim", 4, false).await.unwrap();
    assert!(store.get(&name).await.unwrap().is_some_and(|found| found.same_as(&secret)));
}

#[tokio::test]
async fn a_view_in_the_place_of_a_table_is_refused_while_the_store_is_open() {
    let place = Place::new();
    let store = filled(&place).await;
    intruder(&place.path())
        .execute_batch("ALTER TABLE secret RENAME TO hidden; CREATE VIEW secret AS SELECT id, sealed FROM hidden")
        .unwrap();
    corrupt(&store.get(&"secret".parse().unwrap()).await.unwrap_err(), "a view");
}

#[tokio::test]
async fn what_the_migrations_do_not_make_is_refused_at_the_opening() {
    for planted in [
        "CREATE TRIGGER planted AFTER INSERT ON secret BEGIN DELETE FROM secret; END",
        "CREATE VIEW planted AS SELECT * FROM secret",
        "CREATE TABLE planted (x TEXT)",
        "CREATE UNIQUE INDEX planted ON lease (epoch)",
        "DROP INDEX stream_change",
        "ALTER TABLE secret ADD COLUMN planted TEXT",
        "ALTER TABLE lease ADD COLUMN planted INT AS (epoch)",
        "DROP TABLE secret; CREATE TABLE secret (id TEXT NOT NULL UNIQUE ON CONFLICT IGNORE, sealed BLOB NOT NULL) STRICT",
    ] {
        let place = Place::new();
        drop(filled(&place).await);
        intruder(&place.path()).execute_batch(planted).unwrap();
        let before = rows(&place.path());
        corrupt(&open(&place.path(), key(1)).await.unwrap_err(), planted);
        assert_eq!(rows(&place.path()), before, "{planted}");
    }
}

#[tokio::test]
async fn a_database_that_was_analysed_and_vacuumed_opens() {
    let place = Place::new();
    drop(filled(&place).await);
    Connection::open(place.path()).unwrap().execute_batch("ANALYZE; VACUUM; REINDEX").unwrap();
    let store = place.open().await;
    assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 4);
    assert_eq!(store.latest(&id("victim")).await.unwrap().len(), 3);
}
