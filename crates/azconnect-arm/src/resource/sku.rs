//! Sizes of machines: views.

use super::view::views;

views! {
    /// One size, or another kind of thing that Compute sells.
    Sku {
        /// The type of what is sold: `virtualMachines`, `disks`, ….
        resource_type: String,
        /// The name, such as `Standard_B2s`.
        name: String,
        /// The family, whose quota of cores it uses, such as `standardBSFamily`.
        family: Option<String>,
        /// The regions that offer it, such as `westeurope`.
        locations: Vec<String>,
        /// The regions that offer it, each with its zones.
        location_info: Vec<SkuLocation>,
        /// The capabilities, such as `vCPUs` = `2`.
        capabilities: Vec<Capability>,
        /// The regions and zones in which this subscription may not use it.
        restrictions: Vec<Restriction>,
    }
    /// A region and its zones.
    SkuLocation {
        /// The name of the region, such as `westeurope`.
        location: String,
        /// The zones of the region that offer the size: `1`, `2`, `3`, or none.
        zones: Vec<String>,
    }
    /// One capability of a size.
    Capability {
        /// The name, such as `vCPUs`.
        name: String,
        /// The value as text, such as `2`.
        value: String,
    }
    /// A region or zones in which this subscription may not use a size.
    Restriction {
        /// What is closed: a whole region (`Location`) or some of its zones (`Zone`).
        #[serde(rename(deserialize = "type"))]
        kind: String,
        /// The closed regions, if a whole region is closed.
        values: Vec<String>,
        /// The closed regions and zones.
        restriction_info: RestrictionInfo,
        /// Why it is closed: `NotAvailableForSubscription`, or `QuotaId` for the kind of the subscription.
        reason_code: Option<String>,
    }
    /// The regions and zones in which a restriction holds.
    RestrictionInfo {
        /// The names of the regions.
        locations: Vec<String>,
        /// The closed zones of these regions.
        zones: Vec<String>,
    }
}

impl Sku {
    /// The value of a capability by its name, whose case does not matter.
    pub fn capability(&self, name: &str) -> Option<&str> {
        self.capabilities.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).map(|entry| entry.value.as_str())
    }

    /// The number of virtual processors, which is what it uses of its family's quota.
    pub fn vcpus(&self) -> Option<i64> {
        self.capability("vCPUs")?.parse().ok()
    }

    /// Whether it has a capability that is written as `True` or `False`; `None` if it does not say.
    pub fn has(&self, capability: &str) -> Option<bool> {
        self.capability(capability).map(|value| value.eq_ignore_ascii_case("True"))
    }

    /// Whether it starts machines with Trusted Launch: it runs generation 2 and does not forbid it. `None` if the generations are
    /// not known.
    pub fn allows_trusted_launch(&self) -> Option<bool> {
        let generations = self.capability("HyperVGenerations")?;
        Some(generations.contains("V2") && self.has("TrustedLaunchDisabled") != Some(true))
    }

    /// Whether a region offers it.
    pub fn is_in(&self, location: &str) -> bool {
        self.locations.iter().any(|known| known.eq_ignore_ascii_case(location))
    }

    /// The zones of a region that offer it and that this subscription may use.
    pub fn zones_in(&self, location: &str) -> Vec<&str> {
        let info = self.location_info.iter().filter(|info| info.location.eq_ignore_ascii_case(location));
        let closed = |zone: &str| {
            self.restrictions
                .iter()
                .any(|entry| entry.kind == "Zone" && entry.restriction_info.zones.iter().any(|closed| closed == zone))
        };
        info.flat_map(|info| &info.zones).map(String::as_str).filter(|zone| !closed(zone)).collect()
    }

    /// The reason why this subscription may not use it anywhere in a region; `None` if it may.
    pub fn closed_in(&self, location: &str) -> Option<&str> {
        let here = |place: &String| place.eq_ignore_ascii_case(location);
        let restriction = self.restrictions.iter().find(|entry| {
            entry.kind == "Location"
                && (entry.values.iter().any(here) || entry.restriction_info.locations.iter().any(here))
        })?;
        Some(restriction.reason_code.as_deref().unwrap_or("NotAvailableForSubscription"))
    }
}
