//! A disk that has no room while the database and its key are made, or while something is appended.

use std::path::Path;
use std::process::Command;

use azconnect_core::{ErrorKind, Journal as _, Sequence};

use super::{append, assert_kept, database, open, start, strangers};

/// Runs the rest of this file in a namespace of its own, where it may mount a small disk.
pub(crate) fn a_full_disk_leaves_nothing_torn() -> Result<(), &'static str> {
    let is_possible = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !is_possible.is_ok_and(|output| output.status.success()) {
        return Err("unshare(1), and a kernel that lets it mount");
    }
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let status = Command::new("unshare").args(["-rm"]).arg(program).arg("full").arg(folder.path()).status().unwrap();
    assert!(status.success(), "on a small disk");
    Ok(())
}

pub(crate) async fn in_a_small_disk(folder: &Path) {
    run("mount", &["-t", "tmpfs", "-o", "size=4k", "none", folder.to_str().unwrap()]);
    first_starts_fail_whole(folder).await;
    an_append_that_does_not_fit_loses_nothing(folder).await;
}

/// Starts with more and more room, until one succeeds; and each time again with enough.
async fn first_starts_fail_whole(disk: &Path) {
    let mut failures = 0;
    for pages in 1..80 {
        resize(disk, pages * 4);
        let folder = &disk.join("state");
        std::fs::create_dir(folder).unwrap();
        let outcome = start(folder, "first").await;
        if let Err(error) = &outcome {
            failures += 1;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{pages} pages: {error:?}");
            assert!(error.advice().contains("room"), "{pages} pages: {error:?}");
        }
        resize(disk, 4096);
        start(folder, "second").await.unwrap_or_else(|error| panic!("after {pages} pages: {error:?}"));
        let store = open(folder).await.unwrap();
        assert_kept(&store, "second").await;
        if outcome.is_ok() {
            assert_kept(&store, "first").await;
        }
        assert!(strangers(folder).is_empty(), "left behind: {:?}", strangers(folder));
        drop(store);
        std::fs::remove_dir_all(folder).unwrap();
    }
    assert!(failures > 10, "the disk was never too small: {failures}");
}

async fn an_append_that_does_not_fit_loses_nothing(disk: &Path) {
    for room in [300, 420, 604] {
        resize(disk, room);
        let folder = &disk.join("state");
        std::fs::create_dir(folder).unwrap();
        let store = open(folder).await.unwrap();
        let mut last = 0;
        let error = loop {
            match append(&store, "stream", last, &"payload ".repeat(900)).await {
                Ok(sequence) => last = sequence.0,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.message().contains("full") && error.advice().contains("room"), "{error:?}");
        assert!(last > 0);
        // Whatever was said to be written is read back: by this process, and by the next.
        let read = async |store: &azconnect_store::SqliteStore| {
            store.read(&"stream".parse().unwrap(), Sequence::START).await.map(|entries| entries.len() as u64)
        };
        assert_eq!(read(&store).await.unwrap(), last);
        drop(store);
        resize(disk, 8192);
        let store = open(folder).await.unwrap_or_else(|error| panic!("{}: {error:?}", database(folder).display()));
        assert_eq!(read(&store).await.unwrap(), last);
        append(&store, "stream", last, "there is room again").await.unwrap();
        drop(store);
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn resize(disk: &Path, kilobytes: u32) {
    run("mount", &["-o", &format!("remount,size={kilobytes}k"), disk.to_str().unwrap()]);
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}
