//! One resource group of a form.

use serde::{Deserialize, Serialize};

use super::notice::plain;
use crate::resource::group::ResourceGroup;

/// A resource group that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfferedGroup {
    /// The name, unique in the subscription.
    pub name: String,
    /// The region of the group; what is in it may be elsewhere.
    pub region: String,
    /// How its last write stands, such as `Succeeded`; nothing can be put into one that is `Deleting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
}

impl OfferedGroup {
    /// A group of a name, in a region.
    pub fn new(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self { name: name.into(), region: region.into(), provisioning_state: None }
    }

    /// Sets how its last write stands.
    #[must_use]
    pub fn with_provisioning_state(mut self, state: impl Into<String>) -> Self {
        self.provisioning_state = Some(state.into());
        self
    }

    /// Whether something can be put into it, as far as is known.
    pub fn is_usable(&self) -> bool {
        self.provisioning_state.as_ref().is_none_or(|state| !state.eq_ignore_ascii_case("Deleting"))
    }

    /// A group as the service shows it; `None` for one without a name.
    pub(super) fn of(group: ResourceGroup) -> Option<Self> {
        Some(Self {
            name: plain(group.name)?,
            region: plain(group.location).unwrap_or_default(),
            provisioning_state: group.properties.provisioning_state.and_then(plain),
        })
    }
}
