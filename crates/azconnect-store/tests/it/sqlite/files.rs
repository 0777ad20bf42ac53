//! Files that are not as they should be.

use std::fs;
use std::path::Path;

use azconnect_core::{Error, ErrorKind, Journal, Secret, SecretStore, Sequence};
use rusqlite::Connection;

use super::{Place, append, key, open};

/// Fails to open, with a kind, and changes no byte of the file.
async fn refused(path: &Path, kind: ErrorKind) -> Error {
    let before = fs::read(path).ok();
    let error = open(path, key(1)).await.expect_err("opened");
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(&path.display().to_string()), "the file is not named: {error}");
    assert!(!error.advice().is_empty());
    assert_eq!(fs::read(path).ok(), before, "the file was changed");
    error
}

/// A database with enough in it to have pages of every kind, closed.
async fn filled(place: &Place) -> Vec<u8> {
    let store = place.open().await;
    for number in 0..40 {
        store.append(append("stream", number, &"payload ".repeat(300))).await.unwrap();
        store.put(&format!("secret/{number}").parse().unwrap(), &Secret::new("s".repeat(500))).await.unwrap();
    }
    drop(store);
    fs::read(place.path()).unwrap()
}

#[tokio::test]
async fn a_truncated_database_is_refused_at_every_length() {
    let place = Place::new();
    let whole = filled(&place).await;
    let page = 4096;
    assert!(whole.len() > 20 * page);
    let pages = (1..whole.len() / page).flat_map(|number| [number * page, number * page + 1, number * page - 512]);
    for length in [0, 1, 15, 16, 60, 99, 100, 101, 512].into_iter().chain(pages).chain([whole.len() - 1]) {
        fs::write(place.path(), &whole[..length]).unwrap();
        let error = refused(&place.path(), ErrorKind::Corrupt).await;
        assert!(error.advice().contains("restore"), "{length}: {}", error.advice());
    }
    fs::write(place.path(), &whole).unwrap();
    let store = place.open().await;
    assert_eq!(store.read(&"stream".parse().unwrap(), Sequence::START).await.unwrap().len(), 40);
}

#[tokio::test]
async fn overwritten_pages_are_refused_or_leave_what_is_read_intact() {
    let place = Place::new();
    let whole = filled(&place).await;
    let mut refusals = 0;
    for number in 0..whole.len() / 4096 {
        let mut broken = whole.clone();
        broken[number * 4096..][..4096].fill(0x5a);
        fs::write(place.path(), &broken).unwrap();
        match open(&place.path(), key(1)).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
                assert_eq!(fs::read(place.path()).unwrap(), broken);
                refusals += 1;
            }
            // An overflow page has no structure to check. Of secrets the seal notices, at the latest.
            Ok(store) => {
                for number in 0..40 {
                    match store.get(&format!("secret/{number}").parse().unwrap()).await {
                        Ok(secret) => assert_eq!(secret.unwrap().expose(), "s".repeat(500)),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
                    }
                }
            }
        }
    }
    assert!(refusals > whole.len() / 4096 / 2, "{refusals}");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let place = Place::new();
    for content in ["not a database", "SQLite format 2\0 and more", &"x".repeat(5000)] {
        fs::write(place.path(), content).unwrap();
        refused(&place.path(), ErrorKind::Corrupt).await;
    }
    fs::remove_file(place.path()).unwrap();
    Connection::open(place.path()).unwrap().execute_batch("CREATE TABLE theirs (x TEXT)").unwrap();
    let error = refused(&place.path(), ErrorKind::Corrupt).await;
    assert!(error.to_string().contains("something else"), "{error}");
}

#[tokio::test]
async fn a_newer_version_is_refused() {
    let place = Place::new();
    filled(&place).await;
    Connection::open(place.path()).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = refused(&place.path(), ErrorKind::Unsupported).await;
    assert!(error.to_string().contains("version 7"), "{error}");
    assert!(error.advice().contains("newer version"));
}

#[tokio::test]
async fn a_database_without_its_tables_is_refused() {
    let place = Place::new();
    filled(&place).await;
    Connection::open(place.path()).unwrap().pragma_update(None, "user_version", 0).unwrap();
    refused(&place.path(), ErrorKind::Corrupt).await;
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_refused() {
    let place = Place::new();
    let folder = place.path().parent().unwrap().to_owned();
    let absent = refused(&folder.join("no/such/store.db"), ErrorKind::InvalidInput).await;
    assert!(absent.to_string().contains("folder that does not exist"), "{absent}");
    assert!(refused(&folder, ErrorKind::InvalidInput).await.to_string().contains("is a folder"));
    let file = folder.join("file");
    fs::write(&file, "x").unwrap();
    refused(&file.join("store.db"), ErrorKind::InvalidInput).await;
    assert_eq!(open(Path::new(""), key(1)).await.unwrap_err().field(), Some("database_path"));
    assert_eq!(open(Path::new("/"), key(1)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(place.files().len(), 1, "something was left behind");
}

#[tokio::test]
async fn names_that_sqlite_would_interpret_are_plain_files() {
    let place = Place::new();
    for name in [":memory:", "file:x?mode=memory", "a b%20c#d.db"] {
        let path = place.path().with_file_name(name);
        let store = open(&path, key(1)).await.unwrap();
        store.append(append("stream", 0, "x")).await.unwrap();
        drop(store);
        assert!(fs::read(&path).unwrap().starts_with(b"SQLite format 3\0"), "{name}");
    }
}

#[tokio::test]
async fn a_new_database_leaves_nothing_else_behind() {
    let place = Place::new();
    drop(place.open().await);
    let names: Vec<_> = place.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, [place.path()]);
}

#[tokio::test]
async fn a_log_whose_database_is_gone_is_not_read_into_a_new_one() {
    let place = Place::new();
    let store = place.open().await;
    store.append(append("stream", 0, "in the log only")).await.unwrap();
    let log = place.path().with_file_name("store.db-wal");
    let kept = fs::read(&log).unwrap();
    drop(store);
    assert!(!log.exists() && !kept.is_empty());
    fs::remove_file(place.path()).unwrap();
    fs::write(&log, &kept).unwrap();
    let error = refused(&place.path(), ErrorKind::Corrupt).await;
    assert!(error.to_string().contains("store.db-wal"), "{error}");
    assert!(error.advice().contains("move the log away"), "{}", error.advice());
    assert_eq!(fs::read(&log).unwrap(), kept);
    fs::rename(&log, place.path().with_file_name("away")).unwrap();
    let store = place.open().await;
    assert!(store.read(&"stream".parse().unwrap(), Sequence::START).await.unwrap().is_empty());
}

#[tokio::test]
async fn processes_that_create_at_once_share_one_database() {
    let place = Place::new();
    let path = place.path();
    let opened = tokio::join!(open(&path, key(1)), open(&path, key(1)), open(&path, key(1)), open(&path, key(1)));
    let stores = [opened.0.unwrap(), opened.1.unwrap(), opened.2.unwrap(), opened.3.unwrap()];
    for (number, store) in (0..).zip(&stores) {
        store.append(append("stream", number, "x")).await.unwrap();
    }
    assert_eq!(stores[0].read(&"stream".parse().unwrap(), Sequence::START).await.unwrap().len(), 4);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[tokio::test]
    async fn nobody_else_may_read_any_of_its_files() {
        let place = Place::new();
        let store = place.open().await;
        store.append(append("stream", 0, "x")).await.unwrap();
        let files = place.files();
        assert_eq!(files.len(), 3, "the database, its log and its index: {files:?}");
        for (path, _) in files {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn a_database_that_was_opened_to_others_is_closed_again() {
        let place = Place::new();
        drop(place.open().await);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
        drop(place.open().await);
        assert_eq!(mode(&place.path()), 0o600);
    }

    #[tokio::test]
    async fn a_read_only_file_is_refused() {
        let place = Place::new();
        drop(place.open().await);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o400)).unwrap();
        let error = refused(&place.path(), ErrorKind::InvalidInput).await;
        assert!(error.to_string().contains("read-only"), "{error}");
    }

    #[tokio::test]
    async fn a_link_to_a_database_is_followed_and_one_to_nothing_is_refused() {
        let place = Place::new();
        drop(place.open().await);
        let (link, dangling) = (place.path().with_file_name("link"), place.path().with_file_name("dangling"));
        symlink(place.path(), &link).unwrap();
        symlink(place.path().with_file_name("nothing"), &dangling).unwrap();
        open(&link, key(1)).await.unwrap();
        refused(&dangling, ErrorKind::InvalidInput).await;
    }
}
