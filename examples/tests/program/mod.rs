//! Where the example programs are that the tests run.

use std::path::PathBuf;

/// An example program, which cargo builds beside its tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run the tests of the whole package", path.display());
    path
}
