//! What the front page shows is what the programs print.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{program, settled};

/// What stands before a block, with the program and its arguments.
const MARK: &str = "<!-- printed by: ";

fn in_the_repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn every_output_on_the_front_page_is_what_its_program_prints() {
    let page = in_the_repository("README.md");
    let blocks: Vec<&str> = page.split(MARK).skip(1).collect();
    assert!(!blocks.is_empty(), "the front page shows no output");
    for block in blocks {
        let (command, rest) = block.split_once(" -->\n```text\n").expect("a block follows the mark");
        let (shown, _) = rest.split_once("\n```").expect("the block ends");
        let mut words = command.split(' ');
        let output = Command::new(program(words.next().unwrap())).args(words).env_remove("COLUMNS").output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(
            settled(&printed).contains(&settled(shown)),
            "the front page shows what `{command}` does not print any more. It prints:\n{printed}"
        );
    }
}

#[test]
fn the_quickstart_stays_short() {
    let lines = in_the_repository("examples/quickstart/main.rs").lines().count();
    assert!(lines <= 60, "the quickstart has {lines} lines, and must not have more than 60");
}

#[test]
fn the_front_page_says_what_each_exit_code_means_and_names_every_program() {
    let page = in_the_repository("README.md");
    for code in ["| 0 |", "| 1, 2 |", "| 3 |", "| 4 |"] {
        assert!(page.contains(code), "{code} is not on the front page");
    }
    let manifest = in_the_repository("examples/Cargo.toml");
    for example in manifest.split("[[example]]\nname = \"").skip(1) {
        let name = example.split('"').next().unwrap();
        let named = page.contains(&format!("--example {name}")) || page.contains(&format!("scripts/{name}"));
        assert!(named, "{name} is not on the front page");
    }
}
