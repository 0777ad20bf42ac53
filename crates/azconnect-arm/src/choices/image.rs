//! One image of a form.

use serde::{Deserialize, Serialize};

use super::notice::plain;
use super::size::Architecture;
use crate::resource::image::{ImageVersion, Urn};

/// An image that can be chosen, by a short name that [`ImageChoice`](crate::ImageChoice) reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfferedImage {
    /// The short name, such as `Ubuntu2404`.
    pub alias: String,
    /// What it stands for, in the newest version.
    pub urn: Urn,
    /// The version that is the newest in the region; `None` where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The architecture of the processors that it runs on; `None` if the service does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The generation of virtual hardware that it needs, `V1` or `V2`; `None` where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// Whether it is of Windows; `None` if nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_windows: Option<bool>,
    /// Whether terms must be accepted before it is used; `None` where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_terms: Option<bool>,
    /// `ScheduledForDeprecation` or `Deprecated` if its publisher withdraws it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<String>,
}

impl OfferedImage {
    /// An image of which nothing was read.
    pub fn new(alias: impl Into<String>, urn: Urn) -> Self {
        let alias = alias.into();
        let is_arm = alias.to_ascii_lowercase().ends_with("arm64");
        Self {
            architecture: Some(if is_arm { Architecture::Arm64 } else { Architecture::X64 }),
            alias,
            urn,
            version: None,
            generation: None,
            is_windows: None,
            needs_terms: None,
            withdrawal: None,
        }
    }

    /// Sets the newest version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// An image whose newest version in a region was read; `None` for one whose version cannot be shown.
    pub(super) fn read(alias: &str, urn: Urn, found: ImageVersion) -> Option<Self> {
        let properties = found.properties;
        let withdrawal = properties.image_deprecation_status.image_state.clone().and_then(plain);
        Some(Self {
            version: Some(plain(found.name)?),
            architecture: properties.architecture.as_deref().and_then(Architecture::named),
            is_windows: properties.is_windows(),
            needs_terms: Some(properties.plan.is_some()),
            generation: properties.hyper_v_generation.and_then(plain),
            withdrawal: withdrawal.filter(|state| !state.eq_ignore_ascii_case("Active")),
            ..Self::new(alias, urn)
        })
    }
}
