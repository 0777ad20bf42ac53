//! Commands for a POSIX shell, in which no value is taken for anything but itself.

/// A command of the `az` program that is being written.
#[derive(Clone, Debug)]
pub(super) struct Command(String);

impl Command {
    /// `az` with the words of a subcommand.
    pub(super) fn az(words: &str) -> Self {
        Self(format!("az {words}"))
    }

    /// Adds an option with a value.
    pub(super) fn with(mut self, option: &str, value: &str) -> Self {
        self.0.push_str(&format!(" {option} {}", quoted(value)));
        self
    }

    /// Adds an option with several values.
    pub(super) fn with_all<'v>(mut self, option: &str, values: impl IntoIterator<Item = &'v str>) -> Self {
        let values: Vec<String> = values.into_iter().map(quoted).collect();
        if !values.is_empty() {
            self.0.push_str(&format!(" {option} {}", values.join(" ")));
        }
        self
    }

    /// Adds an option whose value is what an earlier command put into a variable.
    pub(super) fn with_variable(mut self, option: &str, variable: &str) -> Self {
        self.0.push_str(&format!(" {option} \"${variable}\""));
        self
    }

    /// Adds an option without a value.
    pub(super) fn flag(mut self, option: &str) -> Self {
        self.0.push_str(&format!(" {option}"));
        self
    }

    pub(super) fn text(self) -> String {
        self.0
    }

    /// The command as the value of a variable: one property of what it answers.
    pub(super) fn into_variable(self, variable: &str, property: &str) -> String {
        format!("{variable}=$({})", self.with("--query", property).with("--output", "tsv").text())
    }
}

/// A value as one word of a POSIX shell, whatever it holds.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,".contains(c);
    // A word that begins with a hyphen would be taken for an option; no quotes help against that, and no value here does.
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_value_holds_is_one_word_and_nothing_else() {
        for value in
            ["", "a b", "a'b", "$(rm -rf ~)", "`id`", "a\"b", "a;b", "a\\b", "!x", "*", "a\nb", "ä", "#a", "~", "-x y"]
        {
            let command = Command::az("ad app create").with("--display-name", value).text();
            assert_eq!(
                shlex::split(&command).unwrap(),
                ["az", "ad", "app", "create", "--display-name", value],
                "{command}"
            );
        }
    }
}
