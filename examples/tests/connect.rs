//! The program that connects a customer, as a process: every way in which it is refused, what is kept, and what it never shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

mod program;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use program::program;

/// A part of every secret of the program's seed.
const SEEDED: &str = "only.for-the-embedded-emulator";

fn connect(arguments: &[&str]) -> Output {
    with_secret(arguments, None)
}

fn with_secret(arguments: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(program("connect"));
    command.args(arguments).stdin(Stdio::null()).env_remove("AZURE_CLIENT_SECRET").env_remove("RUST_LOG");
    if let Some(secret) = secret {
        command.env("AZURE_CLIENT_SECRET", secret);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

fn of_type<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["type"] == kind).collect()
}

fn status<'a>(objects: &'a [Value], check: &str) -> &'a Value {
    let checks = of_type(objects, "checked")[0]["checks"].as_array().unwrap();
    let found =
        checks.iter().find(|found| found["code"] == check).unwrap_or_else(|| panic!("no {check} in {checks:?}"));
    &found["status"]
}

#[test]
fn a_customer_is_connected_listed_tested_rotated_and_disconnected() {
    let output = connect(&["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = objects(&output);
    let order: Vec<&str> = told.iter().map(|object| object["type"].as_str().unwrap()).collect();
    let steps = ["checked", "saved", "listed", "offered", "tested", "rotated", "listed", "disconnected", "listed"];
    assert_eq!(order, steps);
    assert_eq!(told[0]["clear"], true);
    let lists = of_type(&told, "listed");
    let ends = |list: &Value| list["connections"][0]["connection"]["credential"]["ends_at"].clone();
    assert_eq!(lists[0]["connections"][0]["expiry"]["state"], "due");
    assert_eq!(lists[1]["connections"][0]["expiry"]["state"], "fresh");
    assert_ne!(ends(lists[0]), ends(lists[1]), "the record names the new secret");
    assert_eq!(lists[2]["connections"].as_array().map(Vec::len), Some(0));
    let offered = of_type(&told, "offered")[0];
    assert_eq!(offered["sizes"]["source"], "listed");
}

// What it may not read is unknown, and keeps nobody from being connected.
#[test]
fn an_application_of_one_group_is_connected_and_offered_what_is_built_in() {
    let output = connect(&["--json", "--group-only"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = objects(&output);
    assert_eq!(of_type(&told, "saved")[0]["connection"]["resource_group"], "rg-builds");
    let offered = of_type(&told, "offered")[0];
    assert_eq!(offered["regions"]["source"], "built-in");
    assert_eq!(offered["groups"]["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(of_type(&told, "disconnected").len(), 1);
}

#[test]
fn each_failure_is_told_with_its_remedy_and_saves_nothing() {
    for (scene, check) in
        [("--expired", "client-secret"), ("--wrong-subscription", "subscription"), ("--no-role", "role")]
    {
        let output = connect(&["--json", scene]);
        assert_eq!(output.status.code(), Some(3), "{scene}: {}", said(&output));
        let told = objects(&output);
        assert_eq!(status(&told, check), "failed", "{scene}: {told:#?}");
        assert!(of_type(&told, "saved").is_empty() && of_type(&told, "not_saved").len() == 1, "{scene}");
        let checks = of_type(&told, "checked")[0]["checks"].as_array().unwrap();
        let failed: Vec<&Value> = checks.iter().filter(|check| check["status"] == "failed").collect();
        assert!(failed.iter().all(|check| check["remedy"].as_str().is_some_and(|it| it.len() > 10)), "{failed:#?}");
    }
}

#[test]
fn what_was_kept_is_found_by_the_next_run_and_ended_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let first = connect(&["--json", "--keep", "--state", state]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let rotated = of_type(&objects(&first), "rotated")[0]["outcome"].clone();
    assert_eq!(of_type(&objects(&first), "kept").len(), 1, "{rotated}");
    assert_no_secret_in(folder.path());
    let second = connect(&["--json", "--state", state]);
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    let told = objects(&second);
    assert_eq!((of_type(&told, "found").len(), of_type(&told, "checked").len()), (1, 0));
    assert_eq!(of_type(&told, "disconnected").len(), 1);
}

/// The same folder is used for several customers: what is kept of one must not be rotated or ended for another.
#[test]
fn options_of_another_customer_stop_before_anything_is_done_with_the_kept_connection() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let first = connect(&["--json", "--keep", "--state", state]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    for other in [
        ["--client", "c1000000-0000-4000-8000-000000000002"],
        ["--subscription", "33333333-3333-4333-8333-333333333333"],
        ["--tenant", "7b5e8a6f-1d6d-4a7d-9e1a-2c0b4b1d2e02"],
    ] {
        for disconnect in [&[][..], &["--disconnect"]] {
            let output = connect(&[&["--json", "--state", state], &other[..], disconnect].concat());
            assert_eq!(output.status.code(), Some(2), "{other:?}: {}", said(&output));
            assert!(said(&output).contains("--name") && said(&output).contains(other[0]), "{}", said(&output));
            assert!(output.stdout.is_empty(), "{}", said(&output));
        }
    }
    let same = ["--json", "--state", state, "--tenant", "contoso.onmicrosoft.com", "--disconnect"];
    let ended = connect(&[&same[..], &["--client", "C1000000-0000-4000-8000-000000000001"]].concat());
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert_eq!(of_type(&objects(&ended), "disconnected").len(), 1);
}

/// A secret that is not accepted any more stops every run that tests it.
#[test]
fn a_connection_whose_secret_is_refused_can_be_ended() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let first = connect(&["--json", "--keep", "--state", state]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    // The emulator as it was before: it knows nothing of the secret that was minted.
    for entry in folder.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("emulator.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let stopped = connect(&["--json", "--state", state]);
    assert_eq!(stopped.status.code(), Some(3), "{}", said(&stopped));
    for _ in 0..2 {
        let ended = connect(&["--json", "--state", state, "--disconnect"]);
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        let told = objects(&ended);
        assert_eq!(of_type(&told, "listed")[0]["connections"].as_array().map(Vec::len), Some(0));
        assert!(of_type(&told, "tested").is_empty() && of_type(&told, "rotated").is_empty());
    }
}

#[test]
fn what_is_missing_is_named_where_nobody_can_be_asked() {
    for (arguments, named) in [
        (&["--client", "c1000000-0000-4000-8000-000000000001"][..], "AZURE_CLIENT_SECRET"),
        (&["--ask"], "--tenant"),
        (&["--keep"], "--state"),
        (&["--azure"], "--state"),
        (&["--disconnect"], "--state"),
        // The entered secret would be removed, and every copy of the minted one destroyed in the end.
        (&["--azure", "--rotate", "--state", "target/never-made"], "--keep"),
    ] {
        let output = connect(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(named), "{arguments:?}: {}", said(&output));
    }
    // Other processes can read the arguments of a program.
    assert_eq!(connect(&["--secret", "x"]).status.code(), Some(2));
}

#[test]
fn a_secret_of_the_environment_is_used_and_a_wrong_one_refused() {
    let client = ["--json", "--client", "c1000000-0000-4000-8000-000000000001"];
    let right = with_secret(&client, Some("Emu8Q~only.for-the-embedded-emulator_00031"));
    assert_eq!(right.status.code(), Some(0), "{}", said(&right));
    let wrong = with_secret(&client, Some("Emu8Q~only.for-the-embedded-emulator_wrong"));
    assert_eq!(wrong.status.code(), Some(3), "{}", said(&wrong));
    assert_eq!(status(&objects(&wrong), "client-secret"), "failed");
}

#[test]
fn no_secret_is_shown_by_any_run() {
    for arguments in [&[][..], &["--json"], &["--expired"], &["--no-role"], &["--group-only"]] {
        let mut command = Command::new(program("connect"));
        let output = command.args(arguments).stdin(Stdio::null()).env("RUST_LOG", "trace").output().unwrap();
        let text = said(&output);
        assert!(!text.contains(SEEDED), "{arguments:?} shows the secret that was entered");
        let minted = |word: &&str| word.len() == 40 && word.get(3..5) == Some("8Q");
        let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && !"~._-".contains(c));
        assert_eq!(words().find(minted), None, "{arguments:?} shows the secret that was minted");
    }
}

fn assert_no_secret_in(folder: &Path) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let holds = bytes.windows(SEEDED.len()).any(|window| window == SEEDED.as_bytes());
        assert!(!holds, "{} holds a secret", path.display());
    }
}
