//! One region of a form.

use serde::{Deserialize, Serialize};

use super::notice::plain;
use crate::resource::subscription::Location;

/// A region that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfferedRegion {
    /// The name that requests use, such as `westeurope`.
    pub name: String,
    /// The name that people read, such as `West Europe`.
    pub display_name: String,
    /// The geography, within whose borders data stays, such as `United Kingdom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geography: Option<String>,
    /// The part of the world, such as `Europe`, by which a form may group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geography_group: Option<String>,
    /// The region that it is paired with; newer ones have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paired_region: Option<String>,
    /// The availability zones as the subscription calls them; none where the region has none.
    #[serde(default)]
    pub zones: Vec<String>,
    /// Whether the service recommends it, as it does those that have every service; `None` if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_recommended: Option<bool>,
}

impl OfferedRegion {
    /// A region of which only the names are known.
    pub fn new(name: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            display_name: display_name.into(),
            geography: None,
            geography_group: None,
            paired_region: None,
            zones: Vec::new(),
            is_recommended: None,
        }
    }

    /// Sets the geography.
    #[must_use]
    pub fn with_geography(mut self, geography: impl Into<String>) -> Self {
        self.geography = Some(geography.into());
        self
    }

    /// Sets the region that it is paired with.
    #[must_use]
    pub fn with_paired_region(mut self, name: impl Into<String>) -> Self {
        self.paired_region = Some(name.into());
        self
    }

    /// Sets the availability zones.
    #[must_use]
    pub fn with_zones<Z: Into<String>>(mut self, zones: impl IntoIterator<Item = Z>) -> Self {
        self.zones = zones.into_iter().map(Into::into).collect();
        self
    }

    /// Whether it has availability zones.
    pub fn has_zones(&self) -> bool {
        !self.zones.is_empty()
    }

    /// A region as the service lists it: `Some(None)` is one in which no machine can be, `None` one that cannot be read.
    pub(super) fn read(record: &serde_json::Value) -> Option<Option<Self>> {
        let location: Location = serde::Deserialize::deserialize(record).ok()?;
        if !location.takes_machines() {
            return Some(None);
        }
        let name = plain(location.name).filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))?;
        let display_name = plain(location.display_name).unwrap_or_else(|| name.clone());
        let zones =
            location.availability_zone_mappings.into_iter().filter_map(|zone| plain(zone.logical_zone)).take(16);
        let mut zones: Vec<String> = zones.collect();
        zones.sort();
        let metadata = location.metadata;
        Some(Some(Self {
            is_recommended: metadata.region_category.as_deref().map(|one| one.eq_ignore_ascii_case("Recommended")),
            geography: metadata.geography.and_then(plain),
            geography_group: metadata.geography_group.and_then(plain),
            paired_region: metadata.paired_region.into_iter().next().and_then(|pair| plain(pair.name)),
            zones,
            ..Self::new(name, display_name)
        }))
    }
}
