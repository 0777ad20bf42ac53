//! Sizes of machines: views.

use super::view::views;

views! {
    /// One size, or another kind of thing that Compute sells.
    Sku {
        /// `virtualMachines`, `disks`, ….
        resource_type: String,
        /// Such as `Standard_B2s`.
        name: String,
        /// Its family, whose quota it uses, such as `standardBSFamily`.
        family: Option<String>,
        /// Where it exists.
        locations: Vec<String>,
        /// Where it exists, with zones.
        location_info: Vec<SkuLocation>,
        /// What it can do.
        capabilities: Vec<Capability>,
        /// What this subscription may not do with it.
        restrictions: Vec<Restriction>,
    }
    /// A region and its zones.
    SkuLocation {
        /// The region.
        location: String,
        /// The zones.
        zones: Vec<String>,
    }
    /// One thing that it can do.
    Capability {
        /// Such as `vCPUs`.
        name: String,
        /// Such as `2`.
        value: String,
    }
    /// One thing that this subscription may not do with it.
    Restriction {
        /// `Location` or `Zone`.
        #[serde(rename(deserialize = "type"))]
        kind: String,
        /// The regions, for `Location`.
        values: Vec<String>,
        /// Where.
        restriction_info: RestrictionInfo,
        /// `NotAvailableForSubscription` or `QuotaId`.
        reason_code: Option<String>,
    }
    /// Where a restriction holds.
    RestrictionInfo {
        /// The regions.
        locations: Vec<String>,
        /// The zones.
        zones: Vec<String>,
    }
}

impl Sku {
    /// What it can do under a name, whose case does not matter.
    pub fn capability(&self, name: &str) -> Option<&str> {
        self.capabilities.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).map(|entry| entry.value.as_str())
    }

    /// How many virtual processors it has.
    pub fn vcpus(&self) -> Option<i64> {
        self.capability("vCPUs")?.parse().ok()
    }

    /// Whether it is in a region.
    pub fn is_in(&self, location: &str) -> bool {
        self.locations.iter().any(|known| known.eq_ignore_ascii_case(location))
    }

    /// The zones of a region it is in, without those that this subscription may not use.
    pub fn zones_in(&self, location: &str) -> Vec<&str> {
        let info = self.location_info.iter().filter(|info| info.location.eq_ignore_ascii_case(location));
        let closed = |zone: &str| {
            self.restrictions
                .iter()
                .any(|entry| entry.kind == "Zone" && entry.restriction_info.zones.iter().any(|closed| closed == zone))
        };
        info.flat_map(|info| &info.zones).map(String::as_str).filter(|zone| !closed(zone)).collect()
    }

    /// Why this subscription may not use it in a region at all, if so.
    pub fn closed_in(&self, location: &str) -> Option<&str> {
        let here = |place: &String| place.eq_ignore_ascii_case(location);
        let restriction = self.restrictions.iter().find(|entry| {
            entry.kind == "Location"
                && (entry.values.iter().any(here) || entry.restriction_info.locations.iter().any(here))
        })?;
        Some(restriction.reason_code.as_deref().unwrap_or("NotAvailableForSubscription"))
    }
}
