//! What the example programs print on the emulator inside them, word by word, as a person reads it.
//!
//! A change is reviewed in the snapshots beside this file; CONTRIBUTING.md says how one is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod program;

use std::process::{Command, Output, Stdio};

use console::measure_text_width;
use program::{program, settled, without_ids};

/// The widest line on a page that is no terminal.
const PAGE: usize = 80;

/// The text that a program prints and ends well with, without what differs from run to run.
fn printed(name: &str, arguments: &[&str]) -> String {
    let output = output_of(name, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    settled(&String::from_utf8(output.stdout).unwrap())
}

/// What a program prints, no line of which is wider than the page.
fn output_of(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZCONNECT_SEALING_KEY", "COLUMNS"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        assert!(measure_text_width(line) <= PAGE, "{name} {arguments:?} prints more than {PAGE} columns:\n{line}");
    }
    output
}

#[test]
fn quickstart() {
    insta::assert_snapshot!(printed("quickstart", &[]));
}

#[test]
fn rotate_plan() {
    insta::assert_snapshot!(printed("rotate", &["--plan"]));
}

#[test]
fn rotate() {
    insta::assert_snapshot!(printed("rotate", &["--application", "a0000000-0000-4000-8000-000000000002"]));
}

#[test]
fn connect() {
    insta::assert_snapshot!(printed("connect", &[]));
}

#[test]
fn connect_group_only() {
    insta::assert_snapshot!(printed("connect", &["--group-only"]));
}

#[test]
fn connect_refused() {
    for (scene, name) in [
        ("--expired", "connect_expired"),
        ("--wrong-subscription", "connect_wrong_subscription"),
        ("--no-role", "connect_no_role"),
    ] {
        let output = output_of("connect", &[scene]);
        assert_eq!(output.status.code(), Some(3), "{scene}");
        insta::assert_snapshot!(name, settled(&String::from_utf8(output.stdout).unwrap()));
    }
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
fn convert_yes() {
    insta::assert_snapshot!(printed("convert", &["--yes"]));
}

#[test]
fn provision_plan() {
    insta::assert_snapshot!(printed("provision", &["--plan"]));
}

#[test]
fn fleet() {
    insta::assert_snapshot!(printed("fleet", &[]));
}

#[test]
fn setup() {
    insta::assert_snapshot!(without_ids(&printed("setup", &[])));
}

#[test]
fn setup_plan() {
    insta::assert_snapshot!(without_ids(&printed("setup", &["--plan"])));
}

#[test]
fn own_part() {
    insta::assert_snapshot!(printed("own_part", &[]));
}

#[test]
fn the_help_of_every_program_fits_the_page_and_says_the_exit_codes() {
    for name in ["rotate", "connect", "connections", "convert", "provision", "fleet", "setup", "storm"] {
        let help = printed(name, &["--help"]);
        for code in ["0  done", "1  ", "2  ", "3  a person is needed", "4  not finished"] {
            assert!(help.contains(code), "{name} does not say {code:?}:\n{help}");
        }
    }
    assert!(printed("rotate", &["--help"]).contains("Adopt:"));
    // A program of its own, which runs until it is told to stop.
    assert!(printed("emulator", &["--help"]).contains("0  it was told to stop"));
}

#[test]
fn what_goes_on_for_a_while_or_goes_wrong_fits_the_page_as_well() {
    let legacy = "a0000000-0000-4000-8000-000000000005";
    let cases: [(&str, &[&str], i32); 9] = [
        ("provision", &[], 0),
        ("provision", &["--bad-size"], 3),
        ("provision", &["--no-quota"], 3),
        ("provision", &["--failing-agent"], 1),
        ("fleet", &["--location", "northeurope"], 3),
        ("fleet", &["--state", "/does/not/matter"], 2),
        ("rotate", &["--force", "--application", legacy], 3),
        ("rotate", &["--product", "/does/not/exist/and/has/a/name/that/is/too/long/for/a/line/of/a/page.json"], 2),
        ("connections", &["--organization", "contoso", "--project", "Nowhere"], 1),
    ];
    for (name, arguments, code) in cases {
        let output = output_of(name, arguments);
        assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}");
    }
}
