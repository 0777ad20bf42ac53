//! The lists of mutants fit the code: each line that one changes is still there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use azconnect_tests::mutants;

#[test]
fn every_listed_mutant_still_applies_and_is_listed_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for mutant in mutants::all(root).unwrap() {
        let place = format!("tests/mutants/{}.list:{}", mutant.list, mutant.number);
        let applied = match fs::read_to_string(root.join(&mutant.file)) {
            Ok(source) => mutant.apply(&source).map(drop),
            Err(error) => Err(format!("{}: {error}", mutant.file.display())),
        };
        faults.extend(applied.err().map(|fault| format!("{place}: {fault}")));
        if !seen.insert((mutant.place(), mutant.original, mutant.replacement)) {
            faults.push(format!("{place}: listed before"));
        }
    }
    assert!(faults.is_empty(), "change the lists with the code:\n{}", faults.join("\n"));
}
