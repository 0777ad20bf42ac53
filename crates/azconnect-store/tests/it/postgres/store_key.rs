//! A store with a key of its own, wrapped by a key that is kept elsewhere.

use azconnect_core::{
    Document, DocumentKey, DocumentStore, Effect, Error, ErrorKind, KeyWrap, PlainKey, Secret, SecretId, SecretStore,
};
use azconnect_store::seal::SealingKeys;
use azconnect_store::{PostgresOptions, PostgresStore};
use azconnect_testkit::Canary;
use azconnect_testkit::fake::{Fault, Vault, VaultStep};
use futures_util::future::join_all;

use super::tamper::corrupt;
use super::{Place, clock, content, key};

fn id() -> SecretId {
    "connection/contoso/1".parse().unwrap()
}

async fn open_with(options: PostgresOptions, wrap: &dyn KeyWrap) -> Result<PostgresStore, Error> {
    options.open_wrapped(wrap, clock()).await
}

async fn open_wrapped(place: &Place, wrap: &dyn KeyWrap) -> Result<PostgresStore, Error> {
    open_with(place.options(), wrap).await
}

async fn filled(place: &Place, wrap: &dyn KeyWrap) -> PostgresStore {
    let store = open_wrapped(place, wrap).await.unwrap();
    store.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    store
}

async fn holds(store: &PostgresStore) {
    assert_eq!(SecretStore::get(store, &id()).await.unwrap().unwrap().expose(), "s3cr3t");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_store_with_a_key_of_its_own_opens_with_what_wrapped_it_only() {
    let (place, vault) = (Place::new(), Vault::new());
    let own = filled(&place, &vault).await.key_id();
    let store = open_wrapped(&place, &vault).await.unwrap();
    assert_eq!(store.key_id(), own);
    holds(&store).await;
    let before = content(&place).await;
    let error = open_wrapped(&place, &Vault::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("wrapping_key")));
    corrupt(place.open_with(key(1)).await.map_err(|error| error.with_advice("restore")), "a key that was given");
    assert_eq!(content(&place).await, before);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_vault_that_does_not_answer_opens_nothing_and_changes_nothing() {
    let (place, vault) = (Place::new(), Vault::new());
    vault.faults().script(VaultStep::Wrap, Fault::Refused(ErrorKind::PermissionDenied));
    assert_eq!(open_wrapped(&place, &vault).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let store = filled(&place, &vault).await;
    let before = content(&place).await;
    vault.faults().script(VaultStep::Unwrap, Fault::Refused(ErrorKind::Unavailable));
    let error = open_wrapped(&place, &vault).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
    assert_eq!(content(&place).await, before);
    // The wrapping key is asked at the opening, and never for a secret.
    for step in [VaultStep::Current, VaultStep::Wrap, VaultStep::Unwrap] {
        vault.faults().break_down(step, Fault::Refused(ErrorKind::Unavailable));
    }
    holds(&store).await;
    assert_eq!(store.reseal().await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_wrapping_key_can_be_changed_while_the_store_is_open() {
    let (place, old, new) = (Place::new(), Vault::new(), Vault::new());
    let (store, other) = (filled(&place, &old).await, open_wrapped(&place, &old).await.unwrap());
    old.rotate();
    assert_eq!(store.wrap_key(&old).await.unwrap(), old.current().await.unwrap());
    new.faults().script(VaultStep::Unwrap, Fault::Refused(ErrorKind::PermissionDenied));
    assert_eq!(store.wrap_key(&new).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    holds(&open_wrapped(&place, &old).await.unwrap()).await;
    store.wrap_key(&new).await.unwrap();
    old.delete();
    for store in [&store, &other, &open_wrapped(&place, &new).await.unwrap()] {
        holds(store).await;
    }
    assert!(open_wrapped(&place, &old).await.is_err());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_store_whose_key_was_given_comes_to_a_key_of_its_own() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = place.open().await;
    store.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let error = open_wrapped(&place, &vault).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("wrapping_key")));
    assert!(error.advice().contains("PostgresStore::wrap_key"), "{}", error.advice());
    store.wrap_key(&vault).await.unwrap();
    drop(store);
    // The given key opens it until the store has made itself a new one.
    holds(&place.open().await).await;
    let store = open_with(place.options().renewing_key(), &vault).await.unwrap();
    assert_ne!(store.key_id(), key(1).id());
    holds(&store).await;
    drop(store);
    let store = open_wrapped(&place, &vault).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 1);
    assert_eq!(place.open_with(key(1)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
    let kept = place.intruder().await.query("SELECT 1 FROM store_key", &[]).await.unwrap();
    assert_eq!(kept.len(), 1, "the former key is kept");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn processes_that_create_or_renew_at_once_agree_on_a_key() {
    let (place, vault) = (Place::new(), Vault::new());
    let stores = tokio::join!(open_wrapped(&place, &vault), open_wrapped(&place, &vault), open_wrapped(&place, &vault));
    let stores = [stores.0.unwrap(), stores.1.unwrap(), stores.2.unwrap()];
    stores[0].put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    for store in &stores {
        assert_eq!(store.key_id(), stores[0].key_id());
        holds(store).await;
    }
    let renewing = || open_with(place.options().renewing_key(), &vault);
    let plain = open_wrapped(&place, &vault);
    // Whoever comes last has read the keys in vain as often as there are others.
    let (renewed, plain) = tokio::join!(join_all((0..6).map(|_| renewing())), plain);
    for store in renewed.into_iter().chain([plain, open_wrapped(&place, &vault).await]) {
        holds(&store.unwrap()).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_process_that_has_not_opened_a_new_key_wraps_none() {
    let (place, vault) = (Place::new(), Vault::new());
    let store = filled(&place, &vault).await;
    drop(open_with(place.options().renewing_key(), &vault).await.unwrap());
    let error = store.wrap_key(&Vault::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn whatever_is_done_to_a_wrapped_key_opens_nothing() {
    for sql in [
        "UPDATE store_key SET wrapped = substr(wrapped, 1, length(wrapped) - 1)",
        "UPDATE store_key SET wrapped = ''",
        "UPDATE store_key SET wrapper = 'fake/vault/key/7'",
        "UPDATE store_key SET wrapper = 'not a name'",
        "UPDATE store_key SET id = '0123456789abcdef'",
        "UPDATE store_key SET wrapped = (SELECT wrapped FROM store_key WHERE number = 1) WHERE number = 2",
        "DELETE FROM store_key",
        "DELETE FROM store_key WHERE number = 1",
        "DELETE FROM store_key WHERE number = 2",
    ] {
        let (place, vault) = (Place::new(), Vault::new());
        drop(filled(&place, &vault).await);
        drop(open_with(place.options().renewing_key(), &vault).await.unwrap());
        place.change(sql).await;
        let before = content(&place).await;
        let error = open_wrapped(&place, &vault).await.expect_err(sql);
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput), "{sql}: {error:?}");
        assert_eq!(error.effect(), Effect::None, "{sql}");
        assert_eq!(content(&place).await, before, "{sql}: something was written");
    }
}

/// Whoever has the public key of a vault's key wraps a key of their own, and adds it to those of the store.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_key_that_somebody_added_to_those_of_the_store_is_refused() {
    for (number, mark) in [(0_i64, "''"), (2, "(SELECT mac FROM store_key)")] {
        let (place, vault) = (Place::new(), Vault::new());
        let own = filled(&place, &vault).await.key_id();
        let theirs = key(9);
        let context = format!("azconnect store key/{}", theirs.id());
        let bytes: Vec<u8> = (0..32).map(|at| at ^ (9 << 4)).collect();
        let wrapped = vault.wrap(&context, &PlainKey::from_bytes(&bytes).unwrap()).await.unwrap();
        let sql = format!("INSERT INTO store_key (number, id, wrapper, wrapped, mac) VALUES ($1, $2, $3, $4, {mark})");
        let (id, wrapper) = (theirs.id().to_string(), wrapped.key.as_str());
        place.intruder().await.execute(&sql, &[&number, &id, &wrapper, &wrapped.blob]).await.unwrap();
        for options in [place.options(), place.options().with_expected_key(own)] {
            let error = open_with(options, &vault).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{number}: {error:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn two_processes_that_make_a_new_key_each_lose_none() {
    for puts in [false, true] {
        let (place, vault) = (Place::new(), Vault::new());
        drop(filled(&place, &vault).await);
        let renewing = || open_with(place.options().renewing_key(), &vault);
        let (one, two) = (renewing().await.unwrap(), renewing().await.unwrap());
        assert_ne!(one.key_id(), two.key_id());
        if puts {
            two.put(&"late".parse().unwrap(), &Secret::new("x")).await.unwrap();
        }
        let error = one.reseal().await.unwrap_err();
        assert_eq!(error.effect(), Effect::None, "{error:?}");
        two.reseal().await.unwrap();
        let late = one.put(&"later".parse().unwrap(), &Secret::new("x")).await.unwrap_err();
        assert_eq!((late.kind(), late.effect()), (ErrorKind::Corrupt, Effect::None), "{late:?}");
        drop((one, two));
        holds(&open_wrapped(&place, &vault).await.unwrap()).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_store_under_two_given_keys_is_wrapped_with_both() {
    let (place, vault) = (Place::new(), Vault::new());
    place.open().await.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    let store = place.open_with(SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    store.put(&"newer".parse().unwrap(), &Secret::new("x")).await.unwrap();
    store.wrap_key(&vault).await.unwrap();
    let store = open_wrapped(&place, &vault).await.unwrap();
    holds(&store).await;
    store.reseal().await.unwrap();
    holds(&open_wrapped(&place, &vault).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_process_whose_key_was_forgotten_writes_nothing() {
    let (place, vault) = (Place::new(), Vault::new());
    let stale = place.open().await;
    stale.put(&id(), &Secret::new("s3cr3t")).await.unwrap();
    place.open_with(SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap().reseal().await.unwrap();
    let document = DocumentKey::new("connections".parse().unwrap(), "contoso".parse().unwrap());
    let error = stale.insert(&document, &Document::new("{}")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error:?}");
    let error = stale.wrap_key(&vault).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
    let store = place.open_with(key(2)).await.unwrap();
    holds(&store).await;
    store.insert(&document, &Document::new("{}")).await.unwrap();
}

/// Whoever has the public key of a vault's key wraps a key of their own, and puts tables of their own making in the place of the
/// store's.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_store_of_somebody_else_s_making_is_noticed_by_its_expected_key() {
    let (place, forged, vault) = (Place::new(), Place::new(), Vault::new());
    let own = filled(&place, &vault).await.key_id();
    drop(filled(&forged, &vault).await);
    drop(open_with(place.options().with_expected_key(own), &vault).await.unwrap());
    corrupt(open_with(forged.options().with_expected_key(own), &vault).await, "another store");
    let gone = Place::new();
    corrupt(open_with(gone.options().with_expected_key(own), &vault).await, "a store that is gone");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn no_key_of_the_store_is_shown_or_lies_in_its_tables() {
    let (place, canary) = (Place::new(), Canary::new());
    let listening = canary.listen();
    let bytes: [u8; 32] = canary.secret().expose().as_bytes()[..32].try_into().unwrap();
    canary.watch(&Secret::new(&canary.secret().expose()[..32]));
    let given = azconnect_store::seal::SealingKey::from_bytes(&bytes).unwrap();
    let store = place.open_with(given).await.unwrap();
    store.wrap_key(&SealingKeys::new(key(1))).await.unwrap();
    let store = open_wrapped(&place, &SealingKeys::new(key(1))).await.unwrap();
    let error = open_wrapped(&place, &SealingKeys::new(key(2))).await.unwrap_err();
    canary.assert_absent("what is shown", format!("{store:?} {error} {error:?} {}", error.advice()).as_bytes());
    canary.assert_absent("the tables", content(&place).await.as_bytes());
    canary.assert_absent_from_logs();
    drop(listening);
}
