//! The programs about service connections, as their users run them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

mod program;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use program::program;

/// Runs an example program with an input.
fn run(name: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program(name))
        .args(arguments)
        .env_remove("AZURE_TENANT_ID")
        // Wide enough for every row to stand in one line.
        .env("COLUMNS", "200")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends before it asks reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The row of a connection in a table.
fn row<'a>(text: &'a str, connection: &str) -> &'a str {
    let mut rows = text.lines().filter(|line| line.trim_start().starts_with(connection));
    rows.next_back().unwrap_or_else(|| panic!("no row of {connection} in\n{text}"))
}

#[test]
fn connections_shows_organizations_projects_permissions_and_reasons() {
    let shown = text(&run("connections", &[], ""));
    for part in
        ["contoso — tenant 6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "fabrikam — ", "project Web: ", "Administrators"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(row(&shown, "production").contains("  yes"));
    for (connection, reason) in [
        ("automatic", "manages its secret"),
        ("switched off", "disabled"),
        ("federated", "workload identity federation"),
        ("hub", "contosobot is no application"),
        ("webhook", "is no application"),
    ] {
        let row = row(&shown, connection);
        assert!(row.contains("  no: ") && row.contains(reason), "{row}");
    }
    let one = text(&run("connections", &["--organization", "contoso", "--project", "Tools"], ""));
    assert!(one.contains("managed identity") && !one.contains("production"));
}

#[test]
fn connections_refuses_bad_names_and_missing_projects_with_the_remedy() {
    let bad = run("connections", &["--organization", "a/../b"], "");
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("organization"));
    let missing = run("connections", &["--organization", "contoso", "--project", "Nowhere"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("remedy: check the project's name"));
    let azure = run("connections", &["--azure"], "");
    assert_eq!(azure.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&azure.stderr).contains("AZURE_TENANT_ID"));
}

#[test]
fn convert_converts_what_one_project_uses_and_skips_what_is_shared() {
    let shown = text(&run("convert", &["--yes"], ""));
    assert!(row(&shown, "deploy to production").contains("  converted  "), "{shown}");
    assert!(row(&shown, "deploy to production").contains("can be undone until"));
    assert!(row(&shown, "shared with Mobile").contains("skipped"));
    for connection in ["made by hand", "private cloud", "converted already"] {
        assert!(row(&shown, connection).contains("not convertible"), "{shown}");
    }
}

#[test]
fn convert_asks_for_each_and_takes_the_default_skips_and_exits() {
    let shown = text(&run("convert", &[], "what\nskip\n\nexit\n"));
    assert!(shown.contains("answer c, s or e"));
    let (first, second) = (row(&shown, "deploy to production"), row(&shown, "deploy to test"));
    assert!(first.contains("skipped") && second.contains("converted"), "{shown}");
    assert!(row(&shown, "shared with Mobile").contains("left"));
    assert!(shown.contains("shared with Mobile: [c]onvert, [S]kip, [e]xit?"), "{shown}");
    let chosen = text(&run("convert", &[], "s\ns\nc\n"));
    assert!(row(&chosen, "shared with Mobile").contains("converted"), "{chosen}");
}

#[test]
fn a_dry_run_converts_nothing() {
    let shown = text(&run("convert", &["--dry-run"], ""));
    assert!(row(&shown, "deploy to test").contains("would be converted"));
    assert!(!shown.contains("can be undone"));
}
