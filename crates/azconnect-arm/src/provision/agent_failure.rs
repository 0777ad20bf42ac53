//! Why an agent did not come online: what a page may say of it, and the output that only a person asks for.

use std::fmt;

use azconnect_core::Error;

use crate::error::Fault;
use crate::resource::output::ScriptOutput;

/// The failure of an agent: found in an [`Error`] of a provisioning with [`AgentFailure::of`].
///
/// The reason and the exit code stand in the error's message as well. The output stands nowhere else: neither in a message
/// nor in `Debug`, the journal or a log, since a script may print the secrets that it has.
///
/// ```
/// use azconnect_arm::provision::AgentFailure;
///
/// let failure = AgentFailure::new("the script ended").with_exit_code(7).with_output("E: no such package\n");
/// assert_eq!(failure.to_string(), "the script ended with exit code 7");
/// assert_eq!(failure.output(), "E: no such package\n");
/// assert!(!format!("{failure:?}").contains("package"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentFailure {
    reason: String,
    exit_code: Option<i64>,
    output: ScriptOutput,
}

impl AgentFailure {
    /// A failure with its reason in a few words, such as `the script ended`. The reason goes into messages and the
    /// journal: it holds no output and no secret.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), exit_code: None, output: ScriptOutput::default() }
    }

    /// Sets the exit code of the script.
    #[must_use]
    pub fn with_exit_code(mut self, code: i64) -> Self {
        self.exit_code = Some(code);
        self
    }

    /// Sets what the script put out.
    #[must_use]
    pub fn with_output(mut self, output: impl Into<String>) -> Self {
        self.output = ScriptOutput::new(output);
        self
    }

    /// The same failure with both of its texts passed through a function that hides secrets.
    pub(super) fn hiding(self, in_reason: impl Fn(&str) -> String, in_output: impl Fn(&str) -> String) -> Self {
        Self { reason: in_reason(&self.reason), output: ScriptOutput::new(in_output(self.output())), ..self }
    }

    /// The agent's failure behind an error of a provisioning. `None` if it failed for another reason, and for an error that
    /// was made from the journal, which holds no output.
    pub fn of(error: &Error) -> Option<&Self> {
        let told: &Told = std::error::Error::source(error)?.downcast_ref()?;
        Some(&told.failure)
    }

    /// The exit code of the script, if it is known.
    pub fn exit_code(&self) -> Option<i64> {
        self.exit_code
    }

    /// The end of what the script put out, or has put out so far where the agent is late; empty if it is not known. In an error of a provisioning, everything that was
    /// sealed for the machine is hidden in it; secrets that the script had from elsewhere are not. Show it only to whoever
    /// wrote the script.
    pub fn output(&self) -> &str {
        self.output.expose()
    }
}

impl fmt::Display for AgentFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.exit_code.map_or(Ok(()), |code| write!(f, " with exit code {code}"))
    }
}

/// The source of an error: the agent's failure, and the service's own account where there is one.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) failure: AgentFailure,
    pub(super) fault: Option<Fault>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.as_ref().map(|fault| fault as _)
    }
}
