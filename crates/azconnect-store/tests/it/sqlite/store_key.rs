//! A store with a key of its own, wrapped by a key that is kept elsewhere.

use std::sync::Arc;

use azconnect_core::{
    Document, DocumentKey, DocumentStore, Effect, Error, ErrorKind, KeyWrap, PlainKey, Secret, SecretId, SecretStore,
    WrappedKey, WrappingKeyId,
};
use azconnect_store::seal::SealingKeys;
use azconnect_store::{FileWitness, SqliteOptions, SqliteStore};
use azconnect_testkit::fake::{Fault, Vault, VaultStep};
use azconnect_testkit::{Canary, ManualClock, conformance};
use futures_util::future::join_all;
use rusqlite::Connection;

use super::tamper::{corrupt, intruder};
use super::{Place, key, open};

fn id() -> SecretId {
    "connection/contoso/1".parse().unwrap()
}

async fn open_with(place: &Place, wrap: &dyn KeyWrap, options: SqliteOptions) -> Result<SqliteStore, Error> {
    options.open_wrapped(place.path(), wrap, Arc::new(ManualClock::new())).await
}

async fn open_wrapped(place: &Place, wrap: &dyn KeyWrap) -> Result<SqliteStore, Error> {
    open_with(place, wrap, SqliteOptions::new()).await
}

async fn filled(place: &Place, wrap: &dyn KeyWrap) -> SqliteStore {
    let store = open_wrapped(place, wrap).await.unwrap();
    store.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    store
}

async fn holds(store: &SqliteStore) {
    assert_eq!(SecretStore::get(store, &id()).await.unwrap().unwrap().expose(), "s3cr3t");
}

#[tokio::test]
async fn a_given_key_wraps_as_every_wrap_does() {
    conformance::key_wrap::all(async || Arc::new(SealingKeys::new(key(1))) as Arc<dyn KeyWrap>).await;
    let wrapped = SealingKeys::new(key(1)).wrap("a", &PlainKey::from_bytes(&[7; 32]).unwrap()).await.unwrap();
    let both = SealingKeys::new(key(2)).with_previous(key(1));
    assert_eq!(both.unwrap("a", &wrapped).await.unwrap().expose(), &[7; 32], "a previous key unwraps");
    assert_eq!(SealingKeys::new(key(2)).unwrap("a", &wrapped).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_store_with_a_key_of_its_own_opens_with_what_wrapped_it_only() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = filled(&place, &vault).await;
    let own = store.key_id();
    drop(store);
    let store = open_wrapped(&place, &vault).await.unwrap();
    assert_eq!(store.key_id(), own);
    holds(&store).await;
    drop(store);
    let before = std::fs::read(place.path()).unwrap();
    let error = open_wrapped(&place, &Vault::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("wrapping_key")));
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "a key that was given");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn the_wrapping_key_is_asked_at_the_opening_and_never_for_a_secret() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = filled(&place, &vault).await;
    for step in [VaultStep::Current, VaultStep::Wrap, VaultStep::Unwrap] {
        vault.faults().break_down(step, Fault::Refused(ErrorKind::Unavailable));
    }
    holds(&store).await;
    let other: SecretId = "another".parse().unwrap();
    store.put(&other, &Secret::new("x")).await.unwrap();
    SecretStore::remove(&store, &other).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 0);
}

#[tokio::test]
async fn a_vault_that_does_not_answer_opens_nothing_and_changes_nothing() {
    use ErrorKind::{NotFound, PermissionDenied, Timeout, Unauthenticated, Unavailable};
    for kind in [Unavailable, Timeout, PermissionDenied, Unauthenticated, NotFound] {
        let (place, vault) = (Place::new(), Vault::new());
        vault.faults().script(VaultStep::Wrap, Fault::Refused(kind));
        assert_eq!(open_wrapped(&place, &vault).await.unwrap_err().kind(), kind, "at the creation");
        assert!(place.files().is_empty(), "{:?}", place.files());
        drop(filled(&place, &vault).await);
        let before = place.files();
        vault.faults().script(VaultStep::Unwrap, Fault::Refused(kind));
        let error = open_wrapped(&place, &vault).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{error:?}");
        assert!(!error.advice().is_empty());
        let files = |files: &[(std::path::PathBuf, Vec<u8>)]| {
            files
                .iter()
                .filter(|(path, _)| path.extension().is_some_and(|end| end == "db"))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(files(&place.files()), files(&before), "{kind:?}: something was written");
        // Just after a grant a vault refuses for minutes: the next opening finds everything as it was.
        holds(&open_wrapped(&place, &vault).await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_deleted_wrapping_key_is_named_as_the_cause() {
    let (place, vault) = (Place::new(), Vault::new());
    drop(filled(&place, &vault).await);
    vault.delete();
    let error = open_wrapped(&place, &vault).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("wrapping_key")));
}

#[tokio::test]
async fn the_wrapping_key_can_be_changed_while_the_store_is_open() {
    let (place, old, new) = (Place::new(), Vault::new(), Vault::new());
    let (store, other) = (filled(&place, &old).await, open_wrapped(&place, &old).await.unwrap());
    // A newer version of the same key, then another vault.
    old.rotate();
    assert_eq!(store.wrap_key(&old).await.unwrap(), old.current().await.unwrap());
    drop(open_wrapped(&place, &old).await.unwrap());
    for step in [VaultStep::Wrap, VaultStep::Unwrap] {
        new.faults().script(step, Fault::Refused(ErrorKind::PermissionDenied));
        assert_eq!(store.wrap_key(&new).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
        holds(&open_wrapped(&place, &old).await.unwrap()).await;
    }
    store.wrap_key(&new).await.unwrap();
    // The former vault may be deleted now.
    old.delete();
    for store in [&store, &other, &open_wrapped(&place, &new).await.unwrap()] {
        holds(store).await;
    }
    assert!(open_wrapped(&place, &old).await.is_err());
}

#[tokio::test]
async fn a_store_whose_key_was_given_comes_to_a_key_of_its_own() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = place.open().await;
    store.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let error = open_wrapped(&place, &vault).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("wrapping_key")));
    assert!(error.advice().contains("SqliteStore::wrap_key"), "{}", error.advice());
    store.wrap_key(&vault).await.unwrap();
    drop(store);
    // The given key opens it until the store has made itself a new one.
    holds(&place.open().await).await;
    let store = open_with(&place, &vault, SqliteOptions::new().renewing_key()).await.unwrap();
    assert_ne!(store.key_id(), key(1).id());
    holds(&store).await;
    drop(store);
    let store = open_wrapped(&place, &vault).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 1);
    drop(store);
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "the given key");
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
    let count: i64 = Connection::open(place.path())
        .unwrap()
        .query_row("SELECT count(*) FROM store_key", (), |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1, "the former key is kept");
}

#[tokio::test]
async fn the_vault_can_be_changed_while_the_store_s_key_changes() {
    let (place, old, new) = (Place::new(), Vault::new(), Vault::new());
    drop(filled(&place, &old).await);
    let store = open_with(&place, &old, SqliteOptions::new().renewing_key()).await.unwrap();
    store.wrap_key(&new).await.unwrap();
    drop(store);
    let store = open_wrapped(&place, &new).await.unwrap();
    holds(&store).await;
    assert_eq!(store.reseal().await.unwrap(), 1);
    drop(store);
    holds(&open_wrapped(&place, &new).await.unwrap()).await;
}

#[tokio::test]
async fn processes_that_create_or_renew_at_once_agree_on_a_key() {
    let (place, vault) = (Place::new(), Vault::new());
    let stores = tokio::join!(open_wrapped(&place, &vault), open_wrapped(&place, &vault), open_wrapped(&place, &vault));
    let stores = [stores.0.unwrap(), stores.1.unwrap(), stores.2.unwrap()];
    stores[0].put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    for store in &stores {
        assert_eq!(store.key_id(), stores[0].key_id());
        holds(store).await;
    }
    // Whoever comes last has read the keys in vain as often as there are others.
    for store in join_all((0..6).map(|_| open_with(&place, &vault, SqliteOptions::new().renewing_key()))).await {
        holds(&store.unwrap()).await;
    }
}

#[tokio::test]
async fn whatever_is_done_to_a_wrapped_key_opens_nothing() {
    for sql in [
        "UPDATE store_key SET wrapped = substr(wrapped, 1, length(wrapped) - 1)",
        "UPDATE store_key SET wrapped = x''",
        "UPDATE store_key SET wrapped = randomblob(16)",
        "UPDATE store_key SET wrapper = 'fake/vault/key/7'",
        "UPDATE store_key SET wrapper = 'not a name'",
        "UPDATE store_key SET id = '0123456789abcdef'",
        "UPDATE store_key SET wrapped = (SELECT wrapped FROM store_key WHERE number = 1) WHERE number = 2",
        "UPDATE store_key SET number = 3 WHERE number = 1; UPDATE store_key SET wrapped = randomblob(9) WHERE number = 3",
        "DELETE FROM store_key",
        "DELETE FROM store_key WHERE number = 1",
        "DELETE FROM store_key WHERE number = 2",
    ] {
        let (place, vault) = (Place::new(), Vault::new());
        drop(filled(&place, &vault).await);
        drop(open_with(&place, &vault, SqliteOptions::new().renewing_key()).await.unwrap());
        intruder(&place.path()).execute_batch(sql).unwrap();
        let before = std::fs::read(place.path()).unwrap();
        let error = open_wrapped(&place, &vault).await.expect_err(sql);
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput), "{sql}: {error:?}");
        assert_eq!(error.effect(), Effect::None, "{sql}");
        assert_eq!(std::fs::read(place.path()).unwrap(), before, "{sql}: something was written");
    }
}

/// Whoever has the public key of a vault's key wraps a key of their own, and puts a database of their own making in the place
/// of the store.
#[tokio::test]
async fn a_database_of_somebody_else_s_making_is_noticed_by_its_expected_key_and_by_a_witness() {
    let (place, forged, vault) = (Place::new(), Place::new(), Vault::new());
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(FileWitness::new(folder.path().join("witness")));
    let witnessed = || SqliteOptions::new().with_witness(witness.clone());
    let store = open_with(&place, &vault, witnessed()).await.unwrap();
    store.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let expected = SqliteOptions::new().with_expected_key(store.key_id());
    drop(store);
    drop(open_with(&place, &vault, expected.clone()).await.unwrap());
    let forger = open_wrapped(&forged, &vault).await.unwrap();
    for number in 0..9 {
        forger.put(&format!("forged/{number}").parse().unwrap(), &Secret::new("forged")).await.unwrap();
    }
    drop(forger);
    std::fs::copy(forged.path(), place.path()).unwrap();
    corrupt(&open_with(&place, &vault, expected.clone()).await.unwrap_err(), "its expected key");
    corrupt(&open_with(&place, &vault, witnessed()).await.unwrap_err(), "a witness");
    std::fs::remove_file(place.path()).unwrap();
    corrupt(&open_with(&place, &vault, expected).await.unwrap_err(), "a database that is gone");
    assert!(!place.path().exists(), "a new one was made");
}

/// Whoever has the public key of a vault's key wraps a key of their own, and adds it to those of the store.
#[tokio::test]
async fn a_key_that_somebody_added_to_those_of_the_store_is_refused() {
    for (number, mark) in [(0, "x''"), (2, "x''"), (0, "(SELECT mac FROM store_key)"), (2, "randomblob(40)")] {
        let (place, vault) = (Place::new(), Vault::new());
        let own = filled(&place, &vault).await.key_id();
        let theirs = key(9);
        let context = format!("azconnect store key/{}", theirs.id());
        let bytes: Vec<u8> = (0..32).map(|at| at ^ (9 << 4)).collect();
        let wrapped = vault.wrap(&context, &PlainKey::from_bytes(&bytes).unwrap()).await.unwrap();
        let sql = format!("INSERT INTO store_key (number, id, wrapper, wrapped, mac) VALUES (?1, ?2, ?3, ?4, {mark})");
        let values = rusqlite::params![number, theirs.id().to_string(), wrapped.key.as_str(), wrapped.blob];
        intruder(&place.path()).execute(&sql, values).unwrap();
        for options in [SqliteOptions::new(), SqliteOptions::new().with_expected_key(own)] {
            let error = open_with(&place, &vault, options).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.effect()),
                (ErrorKind::Corrupt, Effect::None),
                "{number} {mark}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn two_processes_that_make_a_new_key_each_lose_none() {
    let (place, vault) = (Place::new(), Vault::new());
    drop(filled(&place, &vault).await);
    let renewing = || open_with(&place, &vault, SqliteOptions::new().renewing_key());
    let (one, two) = (renewing().await.unwrap(), renewing().await.unwrap());
    assert_ne!(one.key_id(), two.key_id());
    two.put(&"late".parse().unwrap(), &Secret::new("x")).await.unwrap();
    let error = one.reseal().await.unwrap_err();
    assert_ne!(error.effect(), Effect::Unknown, "{error:?}");
    two.reseal().await.unwrap();
    let late = one.put(&"later".parse().unwrap(), &Secret::new("x")).await.unwrap_err();
    assert_eq!((late.kind(), late.effect()), (ErrorKind::Corrupt, Effect::None), "{late:?}");
    drop((one, two));
    let store = open_wrapped(&place, &vault).await.unwrap();
    holds(&store).await;
    assert!(SecretStore::get(&store, &"late".parse().unwrap()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_new_key_of_which_nothing_is_sealed_yet_is_not_forgotten() {
    let (place, vault) = (Place::new(), Vault::new());
    drop(filled(&place, &vault).await);
    let renewing = || open_with(&place, &vault, SqliteOptions::new().renewing_key());
    let (one, two) = (renewing().await.unwrap(), renewing().await.unwrap());
    let error = one.reseal().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
    assert_eq!(two.reseal().await.unwrap(), 1);
    drop((one, two));
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
}

#[tokio::test]
async fn a_store_under_two_given_keys_is_wrapped_with_both() {
    let (place, vault) = (Place::new(), Vault::new());
    place.open().await.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let both = SealingKeys::new(key(2)).with_previous(key(1));
    let store = open(&place.path(), both).await.unwrap();
    store.put(&"newer".parse().unwrap(), &Secret::new("x")).await.unwrap();
    store.wrap_key(&vault).await.unwrap();
    drop(store);
    let store = open_wrapped(&place, &vault).await.unwrap();
    holds(&store).await;
    store.reseal().await.unwrap();
    drop(store);
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
}

#[tokio::test]
async fn a_process_whose_key_was_forgotten_writes_nothing() {
    let (place, vault) = (Place::new(), Vault::new());
    let stale = place.open().await;
    stale.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let changing = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    changing.reseal().await.unwrap();
    let document = DocumentKey::new("connections".parse().unwrap(), "contoso".parse().unwrap());
    let error = stale.insert(&document, &Document::new("{}")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error:?}");
    let error = stale.wrap_key(&vault).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
    drop((stale, changing));
    let store = open(&place.path(), key(2)).await.unwrap();
    holds(&store).await;
    assert!(DocumentStore::get(&store, &document).await.unwrap().is_none());
    store.insert(&document, &Document::new("{}")).await.unwrap();
}

/// A vault that gives another key than the one that was wrapped.
struct Confused(Vault);

#[async_trait::async_trait]
impl KeyWrap for Confused {
    async fn current(&self) -> Result<WrappingKeyId, Error> {
        self.0.current().await
    }

    async fn wrap(&self, context: &str, key: &PlainKey) -> Result<WrappedKey, Error> {
        self.0.wrap(context, key).await
    }

    async fn unwrap(&self, _: &str, _: &WrappedKey) -> Result<PlainKey, Error> {
        PlainKey::from_bytes(&[7; 31].into_iter().chain([8]).collect::<Vec<u8>>())
    }
}

#[tokio::test]
async fn a_key_that_does_not_unwrap_as_itself_takes_the_place_of_none() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = filled(&place, &vault).await;
    let error = store.wrap_key(&Confused(Vault::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
}

#[tokio::test]
async fn no_key_of_the_store_is_shown_or_lies_in_the_file() {
    let (place, canary) = (Place::new(), Canary::new());
    let listening = canary.listen();
    let bytes: [u8; 32] = canary.secret().expose().as_bytes()[..32].try_into().unwrap();
    canary.watch(&Secret::new(&canary.secret().expose()[..32]));
    let given = azconnect_store::seal::SealingKey::from_bytes(&bytes).unwrap();
    let store = open(&place.path(), given).await.unwrap();
    store.wrap_key(&SealingKeys::new(key(1))).await.unwrap();
    let wrapping = SealingKeys::new(key(1));
    drop(store);
    let store = open_wrapped(&place, &wrapping).await.unwrap();
    let error = open_wrapped(&place, &SealingKeys::new(key(2))).await.unwrap_err();
    canary.assert_absent("what is shown", format!("{store:?} {error} {error:?} {}", error.advice()).as_bytes());
    for (path, bytes) in place.files() {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
    canary.assert_absent_from_logs();
    drop(listening);
}
