//! Asking a person at the terminal.

use std::io::Write;

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Convert this connection.
    Convert,
    /// Leave it, and go on.
    Skip,
    /// Leave it and all that follow.
    Exit,
}

/// Asks until the answer is understood. An empty line is the default; the end of the input is an exit.
pub(crate) fn ask(name: &str, default: Answer) -> Answer {
    loop {
        let shown = if default == Answer::Convert { "[C]onvert, [s]kip, [e]xit" } else { "[c]onvert, [S]kip, [e]xit" };
        say(&format!("{name}: {shown}? "));
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => return Answer::Exit,
            Ok(_) => {}
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "" => return default,
            "c" | "convert" => return Answer::Convert,
            "s" | "skip" => return Answer::Skip,
            "e" | "exit" => return Answer::Exit,
            _ => say("answer c, s or e\n"),
        }
    }
}

/// A reader that went away needs no more text.
pub(crate) fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}
