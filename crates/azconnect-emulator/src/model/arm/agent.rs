//! What happens inside an emulated machine after its start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How cloud-init, and with it the script in the user data, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentOutcome {
    /// The script ends with exit code 0.
    Succeeds,
    /// The script ends with this exit code.
    Fails(i32),
    /// It never ends, as a script that waits for something that does not come.
    Never,
}

/// What happens inside a machine: when its guest agent answers, and how cloud-init ends.
///
/// Run commands are answered from it. A command understands `cloud-init status` (`--wait`, `--long`,
/// `--format json`), `cat`, `tail` and `head` of a file, `test -f`, `[ -f … ]`, `echo`, `true`, `false`, `exit` and
/// `set`, joined by `;`, `&&`, `||` and new lines; other commands are not found (exit code 127). For anything
/// else, set a responder. The files are those of the script; `/var/log/cloud-init-output.log`;
/// `/var/lib/cloud/instance/boot-finished`; the output in a file that the user data names as `> file 2>&1`; the files
/// that the user data touches, if cloud-init ends well; and the exit code that it writes with `echo "$code" > file`, if it
/// does not.
///
/// ```
/// use azconnect_emulator::arm::{AgentOutcome, AgentScript};
/// use std::time::Duration;
///
/// let script = AgentScript::new(AgentOutcome::Fails(100))
///     .with_boot(Duration::from_secs(20))
///     .with_run(Duration::from_secs(40))
///     .with_output("E: Unable to locate package agent\n");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct AgentScript {
    pub(crate) boot: Duration,
    pub(crate) run: Duration,
    pub(crate) outcome: AgentOutcome,
    pub(crate) output: String,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) responder: Option<Responder>,
}

/// A test's own answer to run commands; `None` leaves it to the script.
pub type Responder = Arc<dyn Fn(&CommandRun) -> Option<CommandOutcome> + Send + Sync>;

/// A run command that a machine executes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandRun {
    /// The id of the machine that executes it.
    pub machine: String,
    /// The script of the command, as it was sent.
    pub script: String,
    /// The time since the guest agent became ready.
    pub up: Duration,
    /// Whether cloud-init has ended, well or not.
    pub finished: bool,
}

/// How a run command ends: its exit code, and what it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandOutcome {
    /// The exit code of the command, 0 for success.
    pub exit_code: i32,
    /// What the command wrote to its standard output.
    pub output: String,
    /// What the command wrote to its standard error.
    pub error: String,
}

impl CommandOutcome {
    /// A command that ends with an exit code and an output.
    pub fn new(exit_code: i32, output: impl Into<String>) -> Self {
        Self { exit_code, output: output.into(), error: String::new() }
    }

    /// Sets what the command writes to its standard error.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }
}

impl Default for AgentScript {
    /// Cloud-init succeeds as soon as the guest agent answers, which is at once.
    fn default() -> Self {
        Self::new(AgentOutcome::Succeeds)
    }
}

impl AgentScript {
    /// A machine whose guest agent answers at once. Its cloud-init ends at once too, except with
    /// [`AgentOutcome::Never`].
    pub fn new(outcome: AgentOutcome) -> Self {
        Self {
            boot: Duration::ZERO,
            run: Duration::ZERO,
            outcome,
            output: String::new(),
            files: Vec::new(),
            responder: None,
        }
    }

    /// Sets how long after the machine's creation or start the guest agent answers.
    #[must_use]
    pub fn with_boot(mut self, time: Duration) -> Self {
        self.boot = time;
        self
    }

    /// Sets how long cloud-init runs from then on.
    #[must_use]
    pub fn with_run(mut self, time: Duration) -> Self {
        self.run = time;
        self
    }

    /// Sets what the script in the user data, or of an extension, writes.
    #[must_use]
    pub fn with_output(mut self, output: impl Into<String>) -> Self {
        self.output = output.into();
        self
    }

    /// Adds a file that is there once cloud-init has ended, however it ended.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, content: impl Into<String>) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// Answers run commands with the test's own code. It must not call the emulator.
    #[must_use]
    pub fn with_responder(mut self, responder: Responder) -> Self {
        self.responder = Some(responder);
        self
    }
}

impl fmt::Debug for AgentScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentScript")
            .field("boot", &self.boot)
            .field("run", &self.run)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// The inside of a machine at the moment a command runs.
pub(crate) struct Guest<'a> {
    pub(crate) script: &'a AgentScript,
    pub(crate) machine: &'a str,
    pub(crate) user_data: Option<&'a [u8]>,
    /// The time since the guest agent became ready.
    pub(crate) up: Duration,
}

impl Guest<'_> {
    /// When, from now on, a command ends; never if it waits for something that never comes.
    pub(crate) fn time_of(&self, command: &str) -> Option<Duration> {
        let waits = command.contains("cloud-init status") && command.contains("--wait");
        match self.script.outcome {
            // Only waiting for cloud-init takes time; any other command ends at once.
            _ if !waits => Some(Duration::ZERO),
            AgentOutcome::Never => None,
            _ => Some(self.script.run.saturating_sub(self.up)),
        }
    }

    /// Runs a script line by line, and returns its exit code and output.
    pub(crate) fn execute(&self, command: &str) -> CommandOutcome {
        if let Some(responder) = &self.script.responder {
            let run = CommandRun {
                machine: self.machine.to_owned(),
                script: command.to_owned(),
                up: self.up,
                finished: self.has_finished(),
            };
            if let Some(outcome) = responder(&run) {
                return outcome;
            }
        }
        let mut outcome = CommandOutcome::default();
        for line in command.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if !self.run_line(line, &mut outcome) {
                break;
            }
        }
        outcome
    }

    fn has_finished(&self) -> bool {
        self.script.outcome != AgentOutcome::Never && self.up >= self.script.run
    }

    /// Runs commands joined by `;`, `&&` and `||`. False ends the script.
    fn run_line(&self, line: &str, outcome: &mut CommandOutcome) -> bool {
        for (index, sequence) in line.split(';').enumerate() {
            let sequence = sequence.trim();
            // A semicolon at the end of a line begins no command.
            if sequence.is_empty() && index > 0 {
                continue;
            }
            let mut rest = sequence;
            let mut skip = false;
            loop {
                let (command, joint, following) = next_command(rest);
                if !skip && !self.run_command(command.trim(), outcome) {
                    return false;
                }
                match joint {
                    Some(true) => skip = outcome.exit_code != 0,
                    Some(false) => skip = outcome.exit_code == 0,
                    None => break,
                }
                rest = following;
            }
        }
        true
    }

    fn run_command(&self, command: &str, outcome: &mut CommandOutcome) -> bool {
        let quiet_error = command.contains("2>/dev/null") || command.contains("2> /dev/null");
        let words: Vec<&str> = command
            .split_whitespace()
            .filter(|word| !word.contains('>') && *word != "/dev/null")
            .map(|word| word.trim_matches(['"', '\'']))
            .collect();
        let (code, output, error) = match words.as_slice() {
            // Scripts begin with `set -e` and exports, which change nothing that is emulated.
            [] | ["set" | "export" | "true", ..] => (0, String::new(), String::new()),
            ["sudo", rest @ ..] => return self.run_command(&rest.join(" "), outcome),
            ["false", ..] => (1, String::new(), String::new()),
            ["exit", code @ ..] => {
                outcome.exit_code = code.first().and_then(|code| code.parse().ok()).unwrap_or(outcome.exit_code);
                return false;
            }
            ["echo" | "printf", rest @ ..] => (0, format!("{}\n", rest.join(" ")), String::new()),
            ["cloud-init", "status", options @ ..] => self.status(options),
            ["cat", path, ..] => self.read(path),
            ["tail" | "head", options @ ..] => self.read(options.last().copied().unwrap_or_default()),
            ["test" | "[", "-f" | "-e" | "-s" | "-r", path, ..] => {
                (i32::from(self.file(path).is_none()), String::new(), String::new())
            }
            [name, ..] => (127, String::new(), format!("sh: 1: {name}: not found\n")),
        };
        outcome.exit_code = code;
        outcome.output.push_str(&output);
        if !quiet_error {
            outcome.error.push_str(&error);
        }
        true
    }

    fn status(&self, options: &[&str]) -> (i32, String, String) {
        let (word, code, detail) = match self.script.outcome {
            _ if !self.has_finished() => ("running", 0, String::new()),
            AgentOutcome::Fails(_) => (
                "error",
                1,
                "('scripts_user', RuntimeError('Runparts: 1 failures (part-001) in 1 attempted commands'))".to_owned(),
            ),
            _ => ("done", 0, String::new()),
        };
        if options.contains(&"json") || options.contains(&"--format=json") {
            let errors: Vec<&str> = if detail.is_empty() { Vec::new() } else { vec![detail.as_str()] };
            let text = serde_json::json!({"status": word, "extended_status": word, "detail": "DataSourceAzure [seed=/dev/sr0]", "errors": errors});
            return (code, format!("{text:#}\n"), String::new());
        }
        if options.contains(&"--long") || options.contains(&"-l") {
            let shown = if detail.is_empty() { "DataSourceAzure [seed=/dev/sr0]" } else { &detail };
            let text = format!("status: {word}\nboot_status_code: enabled-by-generator\ndetail:\n{shown}\n");
            return (code, text, String::new());
        }
        (code, format!("status: {word}\n"), String::new())
    }

    fn read(&self, path: &str) -> (i32, String, String) {
        match self.file(path) {
            Some(content) => (0, content, String::new()),
            None => (1, String::new(), format!("cat: {path}: No such file or directory\n")),
        }
    }

    fn file(&self, path: &str) -> Option<String> {
        // What cloud-init leaves behind is there only once it has ended.
        if !self.has_finished() {
            return None;
        }
        if let Some((_, content)) = self.script.files.iter().find(|(known, _)| known == path) {
            return Some(content.clone());
        }
        if path == "/var/log/cloud-init-output.log" {
            return Some(self.script.output.clone());
        }
        let there = matches!(path, "/var/lib/cloud/instance/boot-finished" | "/run/cloud-init/result.json")
            || (self.script.outcome == AgentOutcome::Succeeds && self.touches(path));
        if !there {
            return self.written(path);
        }
        Some(String::new())
    }

    /// Whether the user data says to touch a file.
    fn touches(&self, path: &str) -> bool {
        let text = String::from_utf8_lossy(self.user_data.unwrap_or_default());
        text.lines().any(|line| line.split_whitespace().skip_while(|word| *word != "touch").any(|word| word == path))
    }

    /// What the user data writes into a file: a script's output (`… > file 2>&1`), or, after a failure, its exit code
    /// (`echo "$code" > file`).
    fn written(&self, path: &str) -> Option<String> {
        let text = String::from_utf8_lossy(self.user_data?);
        let line = text.lines().find(|line| line.contains(&format!("> {path}")))?;
        match self.script.outcome {
            _ if line.trim_end().ends_with("2>&1") => Some(self.script.output.clone()),
            AgentOutcome::Fails(code) if line.contains("echo \"$") => Some(format!("{code}\n")),
            _ => None,
        }
    }
}

/// The first command of a sequence, whether `&&` (true) or `||` follows it, and what follows that.
fn next_command(text: &str) -> (&str, Option<bool>, &str) {
    let and = text.find("&&");
    let or = text.find("||");
    let (at, joint) = match (and, or) {
        (Some(and), Some(or)) if and < or => (and, true),
        (_, Some(or)) => (or, false),
        (Some(and), None) => (and, true),
        (None, None) => return (text, None, ""),
    };
    (text.get(..at).unwrap_or_default(), Some(joint), text.get(at + 2..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &AgentScript, up: u64, command: &str) -> CommandOutcome {
        let user_data = b"#!/bin/sh\ninstall && touch /run/agent.ok\n";
        let guest = Guest { script, machine: "vm", user_data: Some(user_data), up: Duration::from_secs(up) };
        guest.execute(command)
    }

    #[test]
    fn status_follows_the_outcome() {
        let good = AgentScript::default().with_run(Duration::from_secs(40));
        assert_eq!(run(&good, 39, "cloud-init status").output, "status: running\n");
        assert_eq!(run(&good, 40, "cloud-init status").output, "status: done\n");
        let bad = AgentScript::new(AgentOutcome::Fails(3));
        let outcome = run(&bad, 0, "cloud-init status --long");
        assert!(outcome.output.starts_with("status: error\n"));
        assert_eq!(outcome.exit_code, 1);
        assert_eq!(run(&AgentScript::new(AgentOutcome::Never), 9999, "cloud-init status").output, "status: running\n");
    }

    #[test]
    fn the_marker_is_there_after_success_only() {
        let command = "set -eu\ntest -f /run/agent.ok && echo online || echo offline";
        assert_eq!(run(&AgentScript::default(), 0, command).output, "online\n");
        assert_eq!(run(&AgentScript::new(AgentOutcome::Fails(1)), 0, command).output, "offline\n");
    }

    #[test]
    fn files_and_exit_codes_are_told() {
        let script =
            AgentScript::new(AgentOutcome::Fails(100)).with_output("no such package\n").with_file("/run/x", "100");
        assert_eq!(run(&script, 0, "cat /run/x").output, "100");
        assert_eq!(run(&script, 0, "tail -n 20 /var/log/cloud-init-output.log").output, "no such package\n");
        let absent = run(&script, 0, "cat /run/y");
        assert_eq!((absent.exit_code, absent.error.as_str()), (1, "cat: /run/y: No such file or directory\n"));
        assert_eq!(run(&script, 0, "cat /run/y 2>/dev/null; exit 7").exit_code, 7);
        assert_eq!(run(&script, 0, "frobnicate").exit_code, 127);
    }

    #[test]
    fn the_user_data_says_where_output_and_exit_code_are() {
        let script = AgentScript::new(AgentOutcome::Fails(9)).with_output("broken\n");
        let user_data = b"/agent.sh > /var/log/agent.log 2>&1\ncode=$?\ntest 0 || echo \"$code\" > /run/failed\n";
        let guest = Guest { script: &script, machine: "vm", user_data: Some(user_data), up: Duration::ZERO };
        assert_eq!(guest.execute("cat /var/log/agent.log").output, "broken\n");
        assert_eq!(guest.execute("cat /run/failed").output, "9\n");
        assert_eq!(guest.execute("cat /run/other").exit_code, 1);
    }

    #[test]
    fn a_responder_comes_first() {
        let script = AgentScript::default()
            .with_responder(Arc::new(|run| run.script.contains("ping").then(|| CommandOutcome::new(0, "pong"))));
        assert_eq!(run(&script, 0, "ping").output, "pong");
        assert_eq!(run(&script, 0, "echo hi").output, "hi\n");
    }
}
