//! Connections that are lost at the worst moments.

use azconnect_core::{
    Document, DocumentKey, DocumentStore, Effect, ErrorKind, Journal, Lease, Secret, SecretStore, Sequence,
};
use azconnect_store::PostgresStore;

use super::proxy::{Cut, Proxy};
use super::{Place, append};

/// The text that commits, as it lies in a message.
const COMMIT: &str = "COMMIT\0";

async fn payloads(store: &PostgresStore, stream: &str) -> Vec<String> {
    let entries = store.read(&stream.parse().unwrap(), Sequence::START).await.unwrap();
    entries.into_iter().map(|entry| entry.record.payload).collect()
}

fn document(id: &str) -> DocumentKey {
    DocumentKey::new("connections".parse().unwrap(), id.parse().unwrap())
}

/// A connection that ends while a transaction is committed says nothing about it: the server may have committed or not.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_append_whose_answer_was_lost_is_written_once() {
    for cut in [Cut::Before, Cut::After] {
        let proxy = Proxy::start();
        let place = Place::at(proxy.url());
        let store = place.open().await;
        for (expected, payload) in (0..).zip(["a", "b"]) {
            proxy.cut(COMMIT, cut);
            assert_eq!(store.append(append("stream", expected, payload)).await.unwrap(), Sequence(expected + 1));
            assert!(proxy.has_cut());
        }
        assert_eq!(payloads(&store, "stream").await, ["a", "b"]);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_lost_commit_that_cannot_be_asked_about_has_an_unknown_effect() {
    for (cut, written) in [(Cut::Before, 1), (Cut::After, 2)] {
        let proxy = Proxy::start();
        let place = Place::at(proxy.url());
        let store = place.open().await;
        store.append(append("stream", 0, "a")).await.unwrap();
        proxy.cut_for_good(COMMIT, cut);
        let error = store.append(append("stream", 1, "b")).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown), "{error:?}");
        assert_eq!(error.operation(), Some("store.journal.append"));
        // Another process, which has a way to the server, reads what became of it.
        let other = super::options(&super::server(), &place.schema).open(super::key(1), super::clock()).await.unwrap();
        assert_eq!(payloads(&other, "stream").await.len(), written);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_connection_that_is_lost_before_the_commit_had_no_effect() {
    let proxy = Proxy::start();
    let place = Place::at(proxy.url());
    let store = place.open().await;
    // Once it is made good without a word.
    proxy.cut("INSERT INTO entry", Cut::After);
    store.append(append("stream", 0, "a")).await.unwrap();
    assert!(proxy.has_cut());
    // And where there is no way any more, it says so.
    proxy.cut_for_good("INSERT INTO entry", Cut::After);
    let error = store.append(append("stream", 1, "b")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    let other = super::options(&super::server(), &place.schema).open(super::key(1), super::clock()).await.unwrap();
    assert_eq!(payloads(&other, "stream").await, ["a"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_document_whose_answer_was_lost_is_found_by_its_revision() {
    let proxy = Proxy::start();
    let place = Place::at(proxy.url());
    let store = place.open().await;
    let key = document("contoso");
    proxy.cut(COMMIT, Cut::After);
    let first = store.insert(&key, &Document::new("first")).await.unwrap();
    assert_eq!(DocumentStore::get(&store, &key).await.unwrap().unwrap().revision, first);
    for (cut, text) in [(Cut::After, "second"), (Cut::Before, "third")] {
        let before = DocumentStore::get(&store, &key).await.unwrap().unwrap().revision;
        proxy.cut(COMMIT, cut);
        let revision = store.replace(&key, before, &Document::new(text)).await.unwrap();
        let found = DocumentStore::get(&store, &key).await.unwrap().unwrap();
        assert!(proxy.has_cut() && found.revision == revision && revision > before);
        assert_eq!(found.document.text, text);
    }
    // Where nothing lies there, somebody else may have removed it meanwhile: that is not guessed.
    proxy.cut(COMMIT, Cut::Before);
    let error = store.insert(&document("fabrikam"), &Document::new("x")).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "{error:?}");
    assert_eq!(DocumentStore::get(&store, &document("fabrikam")).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_comes_to_the_same_when_done_twice_is_done_again() {
    for cut in [Cut::Before, Cut::After] {
        let proxy = Proxy::start();
        let place = Place::at(proxy.url());
        let store = place.open().await;
        let (id, lease) = ("a".parse().unwrap(), "key".parse().unwrap());
        proxy.cut(COMMIT, cut);
        store.put(&id, &Secret::new("s3cr3t")).await.unwrap();
        assert_eq!(SecretStore::get(&store, &id).await.unwrap().unwrap().expose(), "s3cr3t");
        proxy.cut(COMMIT, cut);
        SecretStore::remove(&store, &id).await.unwrap();
        assert!(SecretStore::get(&store, &id).await.unwrap().is_none());
        let minute = std::time::Duration::from_secs(60);
        proxy.cut(COMMIT, cut);
        let grant = store.acquire(&lease, "host-1", minute).await.unwrap();
        assert!(proxy.has_cut());
        // What was granted is the latest: nobody else has a higher epoch, the first attempt least of all.
        assert_eq!(store.renew(&grant, minute).await.unwrap().epoch, grant.epoch);
        proxy.cut(COMMIT, cut);
        store.release(&grant).await.unwrap();
        store.acquire(&lease, "host-2", minute).await.unwrap();
    }
}

/// A restart ends every connection; those of the pool are found dead at the next call.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn connections_that_the_server_ended_between_two_calls_are_made_anew() {
    let place = Place::new();
    let named = super::options(&format!("{}?application_name={}", super::server(), place.schema), &place.schema);
    let store = named.open(super::key(1), super::clock()).await.unwrap();
    let intruder = place.intruder().await;
    for expected in 0..3 {
        store.append(append("stream", expected, "a")).await.unwrap();
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
        let ended: i64 = intruder.query_one(sql, &[&place.schema]).await.unwrap().get(0);
        assert!(ended > 0);
    }
    assert_eq!(payloads(&store, "stream").await.len(), 3);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_backend_that_is_ended_in_the_middle_of_an_append_leaves_nothing_behind() {
    let place = Place::new();
    let store = place.open().await;
    let mut intruder = place.intruder().await;
    let held = intruder.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let other = place.intruder().await;
    let own: i32 = held.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let killing = async {
        let sql =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
        while other.query_one(sql, &[&own]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    };
    let (appended, ()) = tokio::join!(store.append(append("stream", 0, "a")), killing);
    assert_eq!(appended.unwrap(), Sequence(1));
    assert_eq!(payloads(&store, "stream").await, ["a"]);
}

/// 40001 and 40P01 end a transaction for the sake of another one; 53100 is a full disk, and another try would meet it too.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_conflict_of_transactions_is_repeated_and_a_full_disk_is_told() {
    for (code, times, is_repeated) in [("40001", 3, true), ("40P01", 1, true), ("40001", 9, false), ("53100", 1, false)]
    {
        let place = Place::new();
        let store = place.open().await;
        // A sequence keeps count across transactions that are rolled back.
        place
            .change(&format!(
                "CREATE SEQUENCE met;
                 CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF nextval('met') <= {times} THEN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER meet BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION meet()"
            ))
            .await;
        match store.append(append("stream", 0, "a")).await {
            Ok(last) => assert!(is_repeated && last == Sequence(1), "{code} {times}"),
            Err(error) => {
                assert!(!is_repeated, "{error:?}");
                assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
                assert_eq!(error.service_code(), Some(code));
                assert!(payloads(&store, "stream").await.is_empty());
            }
        }
    }
}
