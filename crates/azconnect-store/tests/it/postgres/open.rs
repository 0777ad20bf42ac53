//! Opening: what is refused before anything is written, and the way to the server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use azconnect_core::{Document, DocumentKey, DocumentStore, Effect, ErrorKind, Journal, Secret, SecretStore, Sequence};
use azconnect_store::PostgresOptions;
use azconnect_store::seal::SealingKeys;
use azconnect_testkit::Canary;

use super::{Place, append, certificate, clock, content, key, server};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_wrong_key_is_refused_and_changes_nothing() {
    let place = Place::new();
    place.open().await.put(&"a".parse().unwrap(), &Secret::new("one")).await.unwrap();
    let before = content(&place).await;
    let error = place.open_with(key(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error:?}");
    assert!(error.to_string().contains("another key"), "{error}");
    assert_eq!(content(&place).await, before);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_reseal_makes_the_previous_key_needless() {
    let place = Place::new();
    let document = DocumentKey::new("connections".parse().unwrap(), "contoso".parse().unwrap());
    let store = place.open().await;
    store.put(&"a".parse().unwrap(), &Secret::new("one")).await.unwrap();
    store.append(append("stream", 0, "a")).await.unwrap();
    let revision = store.insert(&document, &Document::new("{}")).await.unwrap();
    let both = place.open_with(SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    both.append(append("stream", 1, "b")).await.unwrap();
    assert_eq!(both.reseal().await.unwrap(), 1);
    assert_eq!(both.reseal().await.unwrap(), 0);
    both.append(append("stream", 2, "c")).await.unwrap();
    let new = place.open_with(key(2)).await.unwrap();
    assert_eq!(SecretStore::get(&new, &"a".parse().unwrap()).await.unwrap().unwrap().expose(), "one");
    assert_eq!(new.read(&"stream".parse().unwrap(), Sequence::START).await.unwrap().len(), 3);
    assert_eq!(DocumentStore::get(&new, &document).await.unwrap().unwrap().revision, revision);
    assert_eq!(place.open_with(key(1)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn tables_that_are_not_ours_or_not_whole_are_refused() {
    for (change, kind) in [
        ("UPDATE store_version SET version = 99", ErrorKind::Unsupported),
        ("UPDATE store_version SET version = 0", ErrorKind::Corrupt),
        ("DELETE FROM store_version", ErrorKind::Corrupt),
        ("DROP TABLE lease", ErrorKind::Corrupt),
        ("DROP TABLE store_version", ErrorKind::InvalidInput),
        ("CREATE TABLE customer (x text)", ErrorKind::Corrupt),
        ("CREATE VIEW customer AS TABLE secret", ErrorKind::Corrupt),
        ("CREATE RULE r AS ON DELETE TO secret DO INSTEAD NOTHING", ErrorKind::Corrupt),
        ("DELETE FROM sealing_key", ErrorKind::Corrupt),
        ("DELETE FROM journal", ErrorKind::Corrupt),
    ] {
        let place = Place::new();
        drop(place.open().await);
        place.change(change).await;
        let error = place.open_with(key(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{change}: {error:?}");
        assert_eq!(error.operation(), Some("store.open"));
    }
}

/// A role that may only read, and a server that is a standby or full, answer 25006.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_that_takes_no_writes_says_so() {
    let place = Place::new();
    drop(place.open().await);
    let url = format!("{}?options=-c%20default_transaction_read_only%3Don", server());
    let error = super::options(&url, &place.schema).open(key(1), clock()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    assert!(error.to_string().contains("takes no writes"), "{error}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_password_is_in_no_error_and_no_log() {
    let canary = Canary::new();
    canary.listen_everywhere();
    let password = canary.secret();
    let base = server();
    let (_, host) = base.rsplit_once('@').unwrap();
    let host_alone = host.split('/').next().unwrap();
    for url in [
        format!("postgres://azconnect:{}@{host}", password.expose()),
        format!("postgres://azconnect:{}@{host_alone}/missing", password.expose()),
        format!("postgres://azconnect:{}@127.0.0.1:1/postgres", password.expose()),
        format!("postgres://azconnect:{}@{host_alone}:x/postgres", password.expose()),
        format!("host=localhost {}", password.expose()),
    ] {
        let options = super::options(&url, "never").with_connect_limit(Duration::from_secs(3));
        canary.assert_absent("Debug", format!("{options:?}").as_bytes());
        let error = options.open(key(1), clock()).await.unwrap_err();
        assert_eq!(error.effect(), Effect::None);
        let mut text = format!("{error} {error:?} {}", error.advice());
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        canary.assert_absent("an error", text.as_bytes());
    }
    canary.assert_absent_from_logs();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn no_secret_lies_in_a_table_or_a_log() {
    for canary in [Canary::new(), Canary::awkward()] {
        canary.listen_everywhere();
        let place = Place::new();
        let store = place.open().await;
        store.put(&"a".parse().unwrap(), &canary.secret()).await.unwrap();
        store.append(append("stream", 0, "{}")).await.unwrap();
        assert!(SecretStore::get(&store, &"a".parse().unwrap()).await.unwrap().unwrap().same_as(&canary.secret()));
        canary.assert_absent("the tables", content(&place).await.as_bytes());
        canary.assert_absent("Debug", format!("{store:?}").as_bytes());
        canary.assert_absent_from_logs();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_server_proves_itself_by_its_certificate() {
    let place = Place::new();
    let tls = format!("{}?sslmode=require", server());
    super::options(&tls, &place.schema).open(key(1), clock()).await.unwrap();
    // A certificate that another one has signed, and a name that is not in it.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let stranger = PostgresOptions::new(Secret::new(tls.as_str())).with_root_certificates(pem(other.cert.der()));
    let elsewhere = tls.replace("127.0.0.1", "db.contoso.test") + "&hostaddr=127.0.0.1";
    for options in [stranger, super::options(&elsewhere, &place.schema)] {
        let error = options.with_schema(&place.schema).open(key(1), clock()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None), "{error:?}");
    }
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// Whoever stands between may answer that it knows no TLS: the protocol's default goes on in the clear then.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_without_tls_hears_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).unwrap();
        client.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        rest
    });
    let url = format!("host=db.contoso.test hostaddr=127.0.0.1 port={port} user=u password=p dbname=d");
    let error = super::options(&url, "never").open(key(1), clock()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(heard.join().unwrap().is_empty());
    assert!(!certificate().is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u:p@127.0.0.1:{}/d", listener.local_addr().unwrap().port());
    let options = super::options(&url, "never").with_connect_limit(Duration::from_millis(50));
    let error = options.open(key(1), clock()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::None), "{error:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_process_that_keeps_the_lock_is_not_waited_for_without_end() {
    let place = Place::new();
    let store = place.options().with_lock_limit(Duration::from_millis(100)).open(key(1), clock()).await.unwrap();
    let mut intruder = place.intruder().await;
    let held = intruder.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE stream IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let error = store.append(append("stream", 0, "a")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    assert_eq!(error.service_code(), Some("55P03"));
    held.rollback().await.unwrap();
    store.append(append("stream", 0, "a")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn options_that_cannot_be_used_are_named() {
    let good = || super::options(&server(), "good");
    for (options, field) in [
        (good().with_schema("Upper"), "schema"),
        (good().with_schema("pg_own"), "schema"),
        (good().with_schema("a\"b"), "schema"),
        (good().with_schema(""), "schema"),
        (good().with_pool_size(0), "pool_size"),
        (good().with_lock_limit(Duration::ZERO), "lock_limit"),
        (good().with_statement_limit(Duration::MAX), "statement_limit"),
        (super::options("postgres://u:p@db.contoso.com/d?sslmode=disable", "good"), "url"),
        (good().with_root_certificates("none"), "root_certificates"),
    ] {
        let error = options.open(key(1), clock()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{error:?}");
    }
}
