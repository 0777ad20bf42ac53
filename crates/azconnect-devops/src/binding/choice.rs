//! What a page offers to choose from: the connections of a project.

use azconnect_credential::{Binding, BoundServiceConnection, CheckReport};
use serde::Serialize;

/// The connections of the chosen project, each list in order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BindingPicker {
    /// Those that can receive the secret of the application.
    pub choices: Vec<BindingChoice>,
    /// Those that cannot, each with the reason in its checks: its scheme holds no secret, it signs in as another application.
    pub others: Vec<BindingChoice>,
}

/// A connection in the picker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BindingChoice {
    /// The connection as it would be bound: its name, its type, and the host that receives the secret.
    pub connection: BoundServiceConnection,
    /// How it is bound to this application already.
    pub bound: Option<Binding>,
    /// What stands against it, and what is worth knowing.
    pub checks: CheckReport,
    /// In words for a person: why it cannot be chosen. Empty if it can.
    pub reason: String,
}

impl BindingPicker {
    /// Sorts connections into those that can be chosen and the others, each list in order of their names.
    pub fn of(connections: impl IntoIterator<Item = BindingChoice>) -> Self {
        let mut connections: Vec<_> = connections.into_iter().collect();
        connections.sort_by_key(|choice| choice.connection.name.to_lowercase());
        let (choices, others) = connections.into_iter().partition(BindingChoice::fits);
        Self { choices, others }
    }
}

impl BindingChoice {
    /// A connection with what was found of it, bound to nothing.
    pub fn new(connection: BoundServiceConnection, checks: CheckReport) -> Self {
        let causes: Vec<&str> = checks.failures().map(|check| check.cause.as_str()).collect();
        let reason = causes.join("; ");
        Self { connection, bound: None, checks, reason }
    }

    /// Sets how it is bound already.
    #[must_use]
    pub fn with_bound(mut self, bound: Option<Binding>) -> Self {
        self.bound = bound;
        self
    }

    /// Whether it can be chosen.
    pub fn fits(&self) -> bool {
        self.checks.is_clear()
    }
}
