//! SECURITY.md names a test for each promise, and the test is there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_security_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let (_, table) = text.split_once("## Promises and their tests").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<_> = table.lines().filter(|row| row.starts_with("| ") && row.contains(".rs")).collect();
    assert!(rows.len() > 20, "the table is not found: {rows:?}");
    for row in rows {
        let named = row.rsplit('|').nth(1).unwrap().trim().trim_matches('`');
        let (file, test) = named.split_once("::").unwrap_or((named, ""));
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let has_tests = ["test", "both_ways!"].iter().any(|mark| source.contains(mark));
        assert!(has_tests && source.contains(&format!("fn {test}")), "{file} has no test {test}");
    }
}
