//! What a product needs of the connections that it keeps.

use std::time::Duration;

use azconnect_arm::machine_actions;

/// How long one answer is waited for, unless the product says otherwise: a person waits for the report.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// What a product will do with its connections, so that a check can say whether it may.
///
/// Unless it says otherwise, a product creates machines: with a network, a public address and, where the connection is not
/// limited to a resource group, a group of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionNeeds {
    /// The actions that a role must allow, such as `Microsoft.Compute/virtualMachines/write`; those of a machine if not set.
    pub actions: Option<Vec<String>>,
    /// The actions on data that a role must allow, such as reading a blob.
    pub data_actions: Vec<String>,
    /// The resource providers that must be registered, such as `Microsoft.Compute`.
    pub providers: Vec<String>,
    /// How long one answer is waited for.
    pub time_limit: Duration,
}

impl Default for ConnectionNeeds {
    fn default() -> Self {
        Self {
            actions: None,
            data_actions: Vec::new(),
            providers: ["Microsoft.Compute", "Microsoft.Network"].map(str::to_owned).to_vec(),
            time_limit: TIME_LIMIT,
        }
    }
}

impl ConnectionNeeds {
    /// The needs of a product that creates machines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the actions that a role must allow.
    #[must_use]
    pub fn with_actions<A: Into<String>>(mut self, actions: impl IntoIterator<Item = A>) -> Self {
        self.actions = Some(actions.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the actions on data that a role must allow.
    #[must_use]
    pub fn with_data_actions<A: Into<String>>(mut self, actions: impl IntoIterator<Item = A>) -> Self {
        self.data_actions = actions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the resource providers that must be registered.
    #[must_use]
    pub fn with_providers<P: Into<String>>(mut self, providers: impl IntoIterator<Item = P>) -> Self {
        self.providers = providers.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how long one answer is waited for. What is not answered by then is unknown.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// The actions that a role must allow, at one resource group or at the subscription.
    pub(super) fn actions_at(&self, one_group: bool) -> Vec<String> {
        let of_machine = || machine_actions(!one_group).into_iter().map(str::to_owned).collect();
        self.actions.clone().unwrap_or_else(of_machine)
    }
}
