//! What a scheduler keeps of a rotation: everything but the ports.

use azconnect_core::ClientId;
use azconnect_credential::ConnectionId;
use azconnect_rotation::Policy;
use serde::{Deserialize, Serialize};

/// Which application's secret is rotated, on which terms, and by whom: what [`Bindings::target`](crate::Bindings::target) makes a
/// [`Target`](azconnect_rotation::Target) of, with the consumers that are bound by then. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TargetSpec {
    /// The application.
    pub application: ClientId,
    /// The connection whose service principal mints and retires, unless the caller brings an identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minted_by: Option<ConnectionId>,
    /// The terms.
    #[serde(default)]
    pub policy: Policy,
    /// Whether the old secret may go although no consumer is required to take the new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_required_consumers: bool,
}

impl TargetSpec {
    /// An application, under the default policy, with at least one required consumer.
    pub fn new(application: ClientId) -> Self {
        Self { application, minted_by: None, policy: Policy::default(), without_required_consumers: false }
    }

    /// Says which connection's service principal mints and retires.
    #[must_use]
    pub fn minted_by(mut self, connection: ConnectionId) -> Self {
        self.minted_by = Some(connection);
        self
    }

    /// Sets the terms.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Says that no consumer is required, so that the old secret may go although nobody took the new one. Whoever uses it all
    /// the same is left with a secret that is removed.
    #[must_use]
    pub fn without_required_consumers(mut self) -> Self {
        self.without_required_consumers = true;
        self
    }
}
