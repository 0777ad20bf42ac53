//! The questions of the program that connects a customer, asked at a terminal and answered one by one, as a person does.
#![cfg(target_os = "linux")]
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

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use program::program;

/// How long the program may take until somebody gives up on it, in seconds.
const PATIENCE: &str = "120";

/// How long a person looks at a question before the first key: the terminal shows no key of a secret by then.
const REACTION: Duration = Duration::from_millis(300);

/// A secret of the program's seed.
const SECRET: &str = "Emu8Q~only.for-the-embedded-emulator_00031";

/// A terminal with the program in it. `script` of util-linux makes it, and ends with the program's own code.
struct Terminal {
    child: Child,
    shown: String,
}

impl Terminal {
    fn with(arguments: &str) -> Self {
        let connect = format!("{} {arguments}", program("connect").display());
        let child = Command::new("timeout")
            .args([PATIENCE, "script", "--quiet", "--return", "--command", &connect, "/dev/null"])
            .env_remove("AZURE_CLIENT_SECRET")
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("timeout of coreutils, and script of util-linux");
        Self { child, shown: String::new() }
    }

    /// Waits for a question, and answers it.
    fn answer(&mut self, question: &str, answer: &str) {
        let asked_at = self.shown.len();
        let mut bytes = Vec::new();
        let output = self.child.stdout.as_mut().unwrap();
        while !String::from_utf8_lossy(&bytes).contains(question) {
            let mut byte = [0];
            assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended before {question:?}: {}", self.shown);
            bytes.push(byte[0]);
        }
        self.shown += &String::from_utf8_lossy(&bytes);
        // The whole question stands there once its colon does.
        while !self.shown[asked_at..].trim_end_matches(' ').ends_with(':') {
            let mut byte = [0];
            assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended in {question:?}: {}", self.shown);
            self.shown.push(byte[0].into());
        }
        sleep(REACTION);
        self.child.stdin.as_mut().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    /// The code with which the program ended, and all that the terminal has shown.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.child.stdout.as_mut().unwrap().read_to_end(&mut rest).unwrap();
        self.shown += &String::from_utf8_lossy(&rest);
        (self.child.wait().unwrap().code(), self.shown)
    }
}

/// An empty answer is what stands in the brackets; the secret is typed, and never shown.
#[test]
fn whoever_answers_every_question_is_connected_and_the_secret_is_not_shown() {
    let mut terminal = Terminal::with("--ask");
    terminal.answer("Tenant (GUID or name) [contoso.onmicrosoft.com]", "");
    terminal.answer("Application (client) ID [c1000000-", "");
    terminal.answer("Subscription ID [22222222-", " 22222222-2222-4222-8222-222222222222 ");
    terminal.answer("Region [westeurope]", "westeurope");
    terminal.answer("Resource group, if limited to one", "");
    terminal.answer("Client secret, not shown", SECRET);
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("saved as contoso"), "{shown}");
    assert!(!shown.contains("only.for-the-embedded-emulator"), "the secret is on the screen: {shown}");
}

/// What was typed wrong is told with the remedy, and nothing is kept.
#[test]
fn an_answer_that_is_none_is_refused_by_its_field() {
    let mut terminal = Terminal::with("--ask --region westeurope --group rg-web");
    terminal.answer("Tenant (GUID or name)", "");
    terminal.answer("Application (client) ID", "the deployer");
    terminal.answer("Subscription ID", "");
    terminal.answer("Client secret, not shown", "");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("client id as entered") && !shown.contains("saved as"), "{shown}");
    assert!(!shown.contains("Region [") && !shown.contains("Resource group, if"), "an option is asked for: {shown}");
}
