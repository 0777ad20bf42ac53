//! What the example programs print on the emulator inside them, word by word, as a person reads it.
//!
//! A change is reviewed in the snapshots beside this file; CONTRIBUTING.md says how one is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod program;

use std::process::{Command, Stdio};

use program::program;

/// The text that a program prints and ends well with, without what differs from day to day.
fn printed(name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZCONNECT_SEALING_KEY"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    without_dates(&String::from_utf8(output.stdout).unwrap())
}

/// Every date becomes `YYYY-MM-DD`, which is as wide: the secrets of the embedded cloud end so many days from today.
fn without_dates(text: &str) -> String {
    let shape = "dddd-dd-dd";
    let mut settled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let looks = |(found, wanted): (char, char)| {
            if wanted == 'd' { found.is_ascii_digit() } else { found == wanted }
        };
        if rest.chars().count() >= shape.len() && rest.chars().zip(shape.chars()).all(looks) {
            settled.push_str("YYYY-MM-DD");
            rest = &rest[shape.len()..];
        } else {
            settled.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    settled
}

#[test]
fn rotate_plan() {
    insta::assert_snapshot!(printed("rotate", &["--plan"]));
}

#[test]
fn connections() {
    insta::assert_snapshot!(printed("connections", &[]));
}

#[test]
fn convert_dry_run() {
    insta::assert_snapshot!(printed("convert", &["--dry-run"]));
}

#[test]
fn provision_plan() {
    insta::assert_snapshot!(printed("provision", &["--plan"]));
}
