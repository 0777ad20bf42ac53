//! One size of a form.

use serde::{Deserialize, Serialize};

use super::notice::plain;
use crate::resource::sku::Sku;

/// A size that can be chosen, with what its price depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfferedSize {
    /// The name, such as `Standard_B2s`.
    pub name: String,
    /// The family, whose quota of cores it uses and which decides the price of one, such as `standardBSFamily`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// How many virtual processors it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// How much memory it has, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The architecture of its processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The generations of images that it runs: `V1`, `V2` or both.
    #[serde(default)]
    pub generations: Vec<String>,
    /// The zones of the region in which the subscription may use it; none where the region has none.
    #[serde(default)]
    pub zones: Vec<String>,
    /// The zones of the region that offer it, and in which the subscription may not use it.
    #[serde(default)]
    pub closed_zones: Vec<String>,
    /// Whether the subscription may use it in the region.
    #[serde(flatten)]
    pub availability: Availability,
}

/// The architecture of processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Architecture {
    /// That of Intel and AMD, 64 bit.
    X64,
    /// That of Arm, 64 bit.
    Arm64,
}

impl Architecture {
    /// The architecture of a name of the service, in any case.
    pub(super) fn named(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "x64" => Some(Self::X64),
            "arm64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// Whether a subscription may use a size in a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "availability", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Availability {
    /// It may. Whether there is capacity shows at the creation only.
    Available,
    /// It may not.
    Closed {
        /// The service's word for why: `NotAvailableForSubscription`, or `QuotaId` for the kind of the subscription.
        reason: String,
    },
    /// The identity may not list it.
    Unknown,
}

impl OfferedSize {
    /// A size that is available, of which nothing else is known.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            family: None,
            cores: None,
            memory_mib: None,
            architecture: None,
            generations: Vec::new(),
            zones: Vec::new(),
            closed_zones: Vec::new(),
            availability: Availability::Available,
        }
    }

    /// Sets family, processors and memory.
    #[must_use]
    pub fn with_shape(mut self, family: impl Into<String>, cores: u32, memory_mib: u64) -> Self {
        self.family = Some(family.into());
        self.cores = Some(cores);
        self.memory_mib = Some(memory_mib);
        self
    }

    /// Sets the architecture, and the generations of images that it runs.
    #[must_use]
    pub fn with_architecture(mut self, architecture: Architecture, generations: &[&str]) -> Self {
        self.architecture = Some(architecture);
        self.generations = generations.iter().map(|one| (*one).to_owned()).collect();
        self
    }

    /// Sets whether the subscription may use it.
    #[must_use]
    pub fn with_availability(mut self, availability: Availability) -> Self {
        self.availability = availability;
        self
    }

    /// Whether it is worth choosing: nothing is known that forbids it.
    pub fn is_open(&self) -> bool {
        !matches!(self.availability, Availability::Closed { .. })
    }

    /// A size as the service lists it in a region; `None` for one whose name cannot be shown.
    pub(super) fn read(sku: &Sku, region: &str) -> Option<Self> {
        let name = plain(sku.name.clone())?;
        let zones = words(sku.zones_in(region));
        let all = sku.location_info.iter().filter(|info| info.location.eq_ignore_ascii_case(region));
        let mut closed_zones = words(all.flat_map(|info| info.zones.iter().map(String::as_str)));
        closed_zones.retain(|zone| !zones.contains(zone));
        let closed = sku.closed_in(region).map(|why| plain(why.to_owned()).unwrap_or_else(|| "restricted".to_owned()));
        // Where each zone is closed, a machine without a zone may still be had: only the whole region closes the size.
        let availability = closed.map_or(Availability::Available, |reason| Availability::Closed { reason });
        let generations = sku.capability("HyperVGenerations").unwrap_or_default();
        Some(Self {
            family: sku.family.clone().and_then(plain),
            cores: sku.vcpus().and_then(|cores| u32::try_from(cores).ok()),
            memory_mib: sku.capability("MemoryGB").and_then(mib),
            architecture: sku.capability("CpuArchitectureType").and_then(Architecture::named),
            generations: words(generations.split(',').map(str::trim)),
            zones,
            closed_zones,
            availability,
            ..Self::new(name)
        })
    }
}

/// Short words of the service, sorted, each once.
fn words<'a>(found: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let short = |word: &&str| !word.is_empty() && word.len() <= 16 && !word.chars().any(char::is_control);
    let mut words: Vec<String> = found.into_iter().filter(short).take(16).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

/// Gibibytes as the service writes them, such as `3.5`, in MiB.
fn mib(gib: &str) -> Option<u64> {
    let gib: f64 = gib.trim().parse().ok()?;
    // The largest machine has 32 TiB; what is beyond 1 PiB is a mistake.
    (0.0..=1_048_576.0).contains(&gib).then(|| (gib * 1024.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(sku: Value) -> OfferedSize {
        OfferedSize::read(&serde_json::from_value(sku).unwrap(), "westeurope").unwrap()
    }

    #[test]
    fn what_is_closed_is_told_by_region_and_by_zone() {
        let sku = |restrictions: Value| {
            read(json!({
                "name": "Standard_D2s_v5", "resourceType": "virtualMachines", "locations": ["WestEurope"],
                "locationInfo": [{"location": "westeurope", "zones": ["3", "1", "2"]}], "restrictions": restrictions,
            }))
        };
        let open = sku(json!([]));
        assert_eq!(
            (open.zones.as_slice(), open.is_open()),
            (["1".to_owned(), "2".into(), "3".into()].as_slice(), true)
        );
        // A restriction by zone leaves the others open.
        let zonal = sku(json!([{"type": "Zone", "values": ["westeurope"], "reasonCode": "NotAvailableForSubscription",
            "restrictionInfo": {"locations": ["westeurope"], "zones": ["2"]}}]));
        assert_eq!((zonal.zones.len(), zonal.closed_zones.as_slice()), (2, ["2".to_owned()].as_slice()));
        assert!(zonal.is_open());
        let closed = sku(json!([{"type": "Location", "values": ["westeurope"], "reasonCode": "QuotaId",
            "restrictionInfo": {"locations": ["westeurope"]}}]));
        assert_eq!(closed.availability, Availability::Closed { reason: "QuotaId".into() });
        assert_eq!(serde_json::to_value(&closed).unwrap()["availability"], "closed");
    }

    #[test]
    fn memory_is_read_from_any_number_and_from_nothing_else() {
        assert_eq!((mib("3.5"), mib("0.75"), mib("4")), (Some(3584), Some(768), Some(4096)));
        for odd in ["", "x", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(mib(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_capability_is_read_or_left_out(value in "\\PC{0,12}", name in "vCPUs|MemoryGB|HyperVGenerations|CpuArchitectureType") {
            let size = read(json!({"name": "Standard_X", "capabilities": [{"name": name, "value": value}]}));
            let kept = serde_json::to_string(&size).unwrap();
            prop_assert_eq!(serde_json::from_str::<OfferedSize>(&kept).unwrap(), size);
        }
    }
}
