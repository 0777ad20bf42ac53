//! A database and its key file, opened in one call.

use std::sync::Arc;

use azconnect_core::{Effect, ErrorKind, Secret, SecretId, SecretStore};
use azconnect_store::SqliteStore;
use azconnect_store::seal::SealingKey;
use azconnect_testkit::ManualClock;
use tempfile::TempDir;
use tokio::task::JoinSet;

async fn open(folder: &TempDir) -> Result<SqliteStore, azconnect_core::Error> {
    let (database, key) = (folder.path().join("store.db"), folder.path().join("seal.key"));
    SqliteStore::open_with_key_file(database, key, Arc::new(ManualClock::new())).await
}

fn id() -> SecretId {
    "a".parse().unwrap()
}

#[tokio::test]
async fn both_are_created_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.unwrap().put(&id(), &Secret::new("kept")).await.unwrap();
    assert_eq!(open(&folder).await.unwrap().get(&id()).await.unwrap().unwrap().expose(), "kept");
    #[cfg(unix)]
    for name in ["store.db", "seal.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_key_that_is_there_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let key = SealingKey::generate_file(folder.path().join("seal.key")).unwrap();
    open(&folder).await.unwrap().put(&id(), &Secret::new("kept")).await.unwrap();
    let store = SqliteStore::open(folder.path().join("store.db"), key, Arc::new(ManualClock::new())).await.unwrap();
    assert_eq!(store.get(&id()).await.unwrap().unwrap().expose(), "kept");
}

#[tokio::test]
async fn a_database_whose_key_is_missing_is_refused_and_gets_no_new_key() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.unwrap();
    let key = folder.path().join("seal.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let error = open(&folder).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
    assert_eq!((error.field(), error.operation()), (Some("sealing_key"), Some("store.open")));
    assert!(error.advice().contains("restore the key file"), "{}", error.advice());
    assert!(!key.exists(), "no new key was made");

    std::fs::write(&key, kept).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    open(&folder).await.unwrap();
}

#[tokio::test]
async fn an_empty_key_file_is_refused_and_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("seal.key");
    std::fs::write(&key, "").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let error = open(&folder).await.unwrap_err();
    assert_eq!(error.field(), Some("sealing_key"));
    assert!(error.to_string().contains(&format!("{} is empty", key.display())), "{error}");
    assert!(error.advice().contains("remove"), "{}", error.advice());
    assert!(!folder.path().join("store.db").exists());
    std::fs::remove_file(&key).unwrap();
    open(&folder).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_process_left_behind_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder).await.unwrap());
    for name in
        [".store.db.0123456789abcdef.new", ".store.db.0123456789abcdef.new-wal", ".seal.key.0123456789abcdef.new"]
    {
        std::fs::write(folder.path().join(name), "torn").unwrap();
    }
    drop(open(&folder).await.unwrap());
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test]
async fn a_path_that_cannot_be_used_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let (nowhere, key) = (folder.path().join("no/such/store.db"), folder.path().join("seal.key"));
    let opened = SqliteStore::open_with_key_file(nowhere, &key, Arc::new(ManualClock::new())).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(!key.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.unwrap();
    let key = folder.path().join("seal.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = open(&folder).await.unwrap_err();
    assert!(error.message().contains("mode 0644"), "{error}");
    assert!(error.advice().contains("chmod 600"), "{}", error.advice());
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_both_for_the_first_time_at_once_agree_on_one_key() {
    for _ in 0..5 {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut opens = JoinSet::new();
        for number in 0..8 {
            let folder = folder.clone();
            opens.spawn(async move {
                let name: SecretId = format!("secret/{number}").parse().unwrap();
                open(&folder).await.unwrap().put(&name, &Secret::new("kept")).await.unwrap();
            });
        }
        opens.join_all().await;
        let store = open(&folder).await.unwrap();
        for number in 0..8 {
            let name: SecretId = format!("secret/{number}").parse().unwrap();
            assert!(store.get(&name).await.unwrap().is_some());
        }
    }
}
