//! What a look ahead finds.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The work can be done, and something should be looked at.
    Warning,
    /// The work cannot begin before this is resolved.
    Blocker,
}

/// One thing that a look ahead found, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name of the rule, such as `scheme-without-secret`.
    pub rule: String,
    /// What was found, in one line.
    pub message: String,
    /// What the person should do.
    pub advice: String,
}

impl Finding {
    /// A finding by a rule, with its remedy.
    pub fn new(
        severity: Severity,
        rule: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity, rule: rule.into(), message: message.into(), advice: advice.into() }
    }

    /// Whether the work cannot begin.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Blocker
    }
}
