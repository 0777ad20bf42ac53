//! The resource group that a machine is built in.

use azconnect_core::ResourceGroupName;
use serde::{Deserialize, Serialize};

/// The resource group that the machine is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupChoice {
    /// A group for the machine, created if it does not exist. One that exists already is used, and never deleted.
    Create(ResourceGroupName),
    /// A group that exists, for an identity that may act in this group only.
    Existing(ResourceGroupName),
}

impl GroupChoice {
    /// The name of the group.
    pub fn name(&self) -> &ResourceGroupName {
        match self {
            Self::Create(name) | Self::Existing(name) => name,
        }
    }
}
