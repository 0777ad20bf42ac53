//! How the programs behave towards whoever runs them: exit codes, logs, Ctrl-C, and bad files.
#![cfg(unix)]
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

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use program::emulator::Emulator;
use program::program;

/// The application whose secret is due.
const DEPLOY: &str = "a0000000-0000-4000-8000-000000000002";

fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZCONNECT_SEALING_KEY", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

fn rotate(arguments: &[&str]) -> Output {
    command("rotate", arguments).output().unwrap()
}

/// Everything that a program said.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn outcome(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|line| line["type"] == "outcome").unwrap_or_else(|| panic!("no outcome in {}", said(output)))
}

#[test]
fn what_has_to_wait_is_told_apart_from_what_is_done() {
    let emulator = Emulator::start();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let arguments = ["--json", "--emulator", emulator.address(), "--state", state, "--application", DEPLOY];
    let slow_down = json!({"kind": "throttle", "status": 429, "retryAfter": 3600});
    emulator.fault(&json!({"service": "graph", "path": "addPassword", "count": null, "action": slow_down}));
    let waits = rotate(&arguments);
    assert_eq!(waits.status.code(), Some(4), "{}", said(&waits));
    let told = outcome(&waits);
    assert_eq!((told["outcome"].as_str(), told["done"].as_bool()), (Some("waiting"), Some(false)));
    assert!(told["run_again_at"].as_str().is_some(), "{told}");
    let as_text = rotate(&arguments[1..]);
    assert_eq!(as_text.status.code(), Some(4));
    let text = said(&as_text);
    assert!(text.contains("waits for a service that asked for a pause"), "{text}");
    assert!(text.contains("run again in 60 minutes ("), "{text}");
}

#[test]
fn a_blocked_rotation_needs_a_person_who_leaves_the_consumer_out_by_name() {
    let emulator = Emulator::start();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let hurried = ["--json", "--hurry", "--emulator", emulator.address(), "--state", state, "--application", DEPLOY];
    let resolved = |way: &str| rotate(&[&hurried[..], &["--resolve", way]].concat());
    // One consumer takes the new secret, and the other may not be changed; the old secret was adopted, so nobody has it.
    let refused = json!({"kind": "answer", "status": 403, "headers": {}, "body": {"message": "TF400813: no"}});
    let images = "c0000000-0000-4000-8000-000000000011";
    emulator.fault(&json!({"service": "devops", "method": "PUT", "path": images, "count": null, "action": refused}));
    let blocked = rotate(&hurried);
    assert_eq!(blocked.status.code(), Some(3), "{}", said(&blocked));
    let told = outcome(&blocked);
    assert_eq!(told["outcome"], "blocked");
    assert!(told["message"].as_str().unwrap().contains("images"), "the consumer is named: {told}");
    assert!(told["advice"].as_str().unwrap().contains("--resolve"), "{told}");
    let plan = rotate(&[&hurried[1..], &["--plan"]].concat());
    let plan = said(&plan);
    assert!(plan.contains("its rotation is blocked") && plan.contains("ours: the new one"), "{plan}");
    // Two consumers, or none, are not one.
    for nobody in ["leave-out=nobody", "leave-out=service connection"] {
        let unclear = resolved(nobody);
        assert_eq!(unclear.status.code(), Some(2), "{nobody}: {}", said(&unclear));
        assert!(said(&unclear).contains("images") && unclear.stdout.is_empty(), "{nobody}: {}", said(&unclear));
    }
    assert_eq!(resolved("nonsense").status.code(), Some(2));
    let finished = resolved("leave-out=images");
    assert_eq!(finished.status.code(), Some(0), "{}", said(&finished));
    assert_eq!(outcome(&finished)["outcome"], "rotated");
    // Nothing is left to be said.
    assert_eq!(outcome(&resolved("abandon"))["outcome"], "idle");
}

#[test]
fn ctrl_c_gives_the_lease_back_and_the_next_run_goes_on_at_once() {
    let emulator = Emulator::start();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let arguments = ["--json", "--emulator", emulator.address(), "--state", state, "--application", DEPLOY];
    for signal in ["INT", "TERM"] {
        let mut child = command("rotate", &arguments).spawn().unwrap();
        // It holds the lease from its first event on, and waits for the replicas then.
        until_a_line_has(&mut child, "\"type\":\"event\"");
        signalled(&child, signal);
        let begun = Instant::now();
        let mut rest = String::new();
        child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "SIG{signal}: {rest}");
        assert!(begun.elapsed() < Duration::from_secs(5), "SIG{signal}: {:?}", begun.elapsed());
        assert!(rest.contains("run again to finish"), "SIG{signal}: {rest}");
    }
    let finished = rotate(&arguments);
    assert_eq!(finished.status.code(), Some(0), "{}", said(&finished));
    assert_eq!(outcome(&finished)["outcome"], "rotated");
    // A killed run's lease is waited for; these two were given back.
    assert!(!said(&finished).contains("\"type\":\"held\""), "{}", said(&finished));
}

/// Reads until a line has a text, so that the program is in the middle of its work.
fn until_a_line_has(child: &mut Child, text: &str) {
    let mut output = BufReader::with_capacity(1, child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended before {text}");
    }
    child.stdout = Some(output.into_inner());
}

fn signalled(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn rust_log_works_in_every_program_and_shows_no_secret() {
    let emulator = Emulator::start();
    let over_sockets = ["--emulator", emulator.address(), "--application", DEPLOY];
    let programs: [(&str, &[&str]); 7] = [
        ("rotate", &["--application", DEPLOY]),
        ("rotate", &over_sockets),
        ("connect", &[]),
        ("connections", &[]),
        ("convert", &["--dry-run"]),
        ("provision", &["--plan"]),
        ("own_part", &[]),
    ];
    for (name, arguments) in programs {
        let output = command(name, arguments).env("RUST_LOG", "trace").output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {text}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("azconnect"), "{name} logs nothing: {text}");
        assert_no_secret(name, &text);
    }
    let nonsense = command("rotate", &["--plan"]).env("RUST_LOG", "a=b=c").output().unwrap();
    assert_eq!(nonsense.status.code(), Some(2), "{}", said(&nonsense));
    assert!(said(&nonsense).contains("RUST_LOG"), "{}", said(&nonsense));
    let silent = rotate(&["--plan"]);
    assert!(silent.stderr.is_empty(), "{}", said(&silent));
}

/// Neither a secret of the seeds, nor one that the emulator minted, nor a token.
fn assert_no_secret(name: &str, text: &str) {
    assert_eq!(secret_in(text), None, "{name} shows a secret");
}

/// What looks like a secret, if anything does.
fn secret_in(text: &str) -> Option<&str> {
    let in_a_secret = |c: char| c.is_ascii_alphanumeric() || "~._-".contains(c);
    let words = || text.split(move |c| !in_a_secret(c));
    // The fourth and fifth characters of every minted secret are these, and it has forty.
    let minted = words().find(|word| word.len() == 40 && word.get(3..5) == Some("8Q"));
    let seeded = words().find(|word| word.contains("only.for-the-embedded-emulator") || word.contains("Q~"));
    // No name, id or module is as long as a token without any other mark in it.
    let in_a_token = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let token = text.split(|c| !in_a_token(c)).find(|word| word.len() >= 50);
    minted.or(seeded).or(token)
}

#[test]
fn the_search_for_secrets_finds_what_the_emulator_makes() {
    for secret in ["a.b8Qdefghijklmnopqrstuvwxyz0123456789-_", "Emu8Q~only.for-the-embedded-emulator_00001"] {
        assert_eq!(secret_in(&format!("body: \"{secret}\", done")), Some(secret));
    }
    let token = "a".repeat(52);
    assert_eq!(secret_in(&format!("authorization: Bearer {token}")), Some(&*token));
    assert_eq!(secret_in("azconnect 2026-11-21 315efd20-6f13-40c5-b3a1-b4fe3445e2c8"), None);
}

#[test]
fn a_silent_server_is_told_apart_from_an_emulator_within_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // It accepts, and never answers.
    let silent = std::thread::spawn(move || listener.incoming().take(1).map(Result::unwrap).collect::<Vec<_>>());
    let begun = Instant::now();
    let output = rotate(&["--emulator", &address]);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("no answer within 3 s") && said(&output).contains("remedy: start one with"));
    drop(silent.join().unwrap());
}

fn product(folder: &Path, text: &str) -> String {
    let path = folder.join("product.json");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_bad_product_file_is_refused_by_path_without_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let good = include_str!("../data/product.json");
    let secret = "kQ48Q~a.secret-that-was-pasted";
    let deploy = format!("\"{DEPLOY}\"");
    let cases = [
        (good.replace(&deploy, &format!("\"{secret}\"")), "product.applications[0].client"),
        (good.replace("a0000000-0000-4000-8000-000000000004", DEPLOY), "product.applications[2]"),
        (good.replace("\"Web\",", &format!("{{\"name\": \"{secret}\"}},")), "product.organizations[0].projects[0]"),
        (good.replace("\"tenant\"", "\"tenants\""), "product.tenants"),
        (good.replace("\"tenant\":", &format!("\"tenant\": {secret},")), "product"),
    ];
    for (text, path) in cases {
        assert_ne!(text, good, "{path}: nothing was changed");
        let output = rotate(&["--plan", "--product", &product(folder.path(), &text)]);
        assert_eq!(output.status.code(), Some(2), "{path}: {}", said(&output));
        assert!(said(&output).contains(path) && said(&output).contains("remedy: "), "{path}: {}", said(&output));
        assert_no_secret(path, &said(&output));
        assert!(output.stdout.is_empty(), "{path}: nothing happened yet");
    }
}

#[test]
fn a_secret_in_the_place_of_an_id_in_the_environment_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = product(folder.path(), include_str!("../data/product.json"));
    let output = command("rotate", &["--azure", "--plan", "--product", &file])
        .env("AZURE_TENANT_ID", "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01")
        .env("AZURE_CLIENT_ID", "kQ48Q~a.secret-that-was-pasted")
        .env("AZURE_CLIENT_SECRET", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("AZURE_CLIENT_ID"), "{}", said(&output));
    assert_no_secret("rotate", &said(&output));
}
