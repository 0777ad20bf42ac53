//! The program that sets up, as a process that is killed: the next run goes on, and an undo takes all of it back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

mod program;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use program::program;

fn setup(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program("setup"));
    command.arg("--state").arg(folder).args(more).env_remove("AZCONNECT_SEALING_KEY").stdin(Stdio::null());
    command
}

/// Runs until it is no longer refused since the process that was killed still has the lease.
fn finished(folder: &Path, more: &[&str]) -> Output {
    for _ in 0..20 {
        let output = setup(folder, more).output().unwrap();
        if output.status.code() != Some(4) {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return output;
        }
        sleep(Duration::from_secs(5));
    }
    panic!("the lease of the killed process does not run out");
}

#[test]
fn killed_half_way_it_goes_on_and_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = setup(folder.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(400));
    child.kill().unwrap();
    child.wait().unwrap();
    let told = String::from_utf8(finished(folder.path(), &[]).stdout).unwrap();
    assert!(told.contains("set up: the application"), "{told}");
    // A second run finds all of it, and makes nothing.
    let again = String::from_utf8(finished(folder.path(), &["--plan"]).stdout).unwrap();
    assert_eq!(again.matches("will be made").count(), 1, "only a secret is not looked for: {again}");
    let taken = String::from_utf8(finished(folder.path(), &["--undo"]).stdout).unwrap();
    assert!(taken.contains("removed the application") && !taken.contains("left"), "{taken}");
}
