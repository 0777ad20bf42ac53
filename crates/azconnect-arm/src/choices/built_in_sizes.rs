//! The sizes that Azure usually offers, for an identity that may not list them.

use super::size::{Architecture, Availability, OfferedSize};
use Architecture::{Arm64, X64};

/// The sizes of one series: what stands around the number of processors in the name, the numbers, the family, memory for each
/// processor in MiB, architecture and generations.
struct Series {
    before: &'static str,
    cores: &'static [u32],
    after: &'static str,
    family: &'static str,
    memory: u64,
    architecture: Architecture,
    generations: &'static [&'static str],
}

const fn series(before: &'static str, cores: &'static [u32], after: &'static str, family: &'static str) -> Series {
    Series { before, cores, after, family, memory: 4096, architecture: X64, generations: BOTH }
}

const BOTH: &[&str] = &["V1", "V2"];
const SECOND: &[&str] = &["V2"];
const USUAL: &[u32] = &[2, 4, 8, 16, 32, 48, 64, 96];

/// From Microsoft's *Sizes for virtual machines in Azure*: the series for general purposes that most regions have.
const SERIES: &[Series] = &[
    Series { memory: 1024, ..series("B", &[1], "s", "standardBSFamily") },
    Series { memory: 2048, ..series("B", &[1], "ms", "standardBSFamily") },
    Series { memory: 2048, ..series("B", &[2], "s", "standardBSFamily") },
    series("B", &[2, 4, 8, 12, 16, 20], "ms", "standardBSFamily"),
    series("B", &[2, 4, 8, 16, 32], "s_v2", "standardBsv2Family"),
    series("B", &[2, 4, 8, 16, 32], "as_v2", "standardBasv2Family"),
    Series { architecture: Arm64, generations: SECOND, ..series("B", &[2, 4, 8, 16], "ps_v2", "standardBpsv2Family") },
    series("D", &[2, 4, 8, 16, 32, 48, 64], "s_v3", "standardDSv3Family"),
    series("D", USUAL, "s_v5", "standardDSv5Family"),
    series("D", USUAL, "ds_v5", "standardDDSv5Family"),
    series("D", USUAL, "as_v5", "standardDASv5Family"),
    series("D", USUAL, "ads_v5", "standardDADSv5Family"),
    Series {
        architecture: Arm64,
        generations: SECOND,
        ..series("D", &[2, 4, 8, 16, 32, 48, 64], "ps_v5", "standardDPSv5Family")
    },
    Series {
        generations: SECOND,
        ..series("D", &[2, 4, 8, 16, 32, 48, 64, 96, 128, 192], "s_v6", "standardDsv6Family")
    },
    Series { memory: 8192, ..series("E", USUAL, "as_v5", "standardEASv5Family") },
    Series { memory: 8192, ..series("E", &[2, 4, 8, 16, 20, 32, 48, 64], "s_v5", "standardESv5Family") },
    Series { memory: 2048, ..series("F", &[2, 4, 8, 16, 32, 48, 64, 72], "s_v2", "standardFSv2Family") },
];

/// The sizes of the public Azure. Whether a region has one, and the subscription may use it, is not known.
pub(super) fn sizes() -> Vec<OfferedSize> {
    let of = |series: &'static Series| {
        series.cores.iter().map(move |cores| {
            OfferedSize::new(format!("Standard_{}{cores}{}", series.before, series.after))
                .with_shape(series.family, *cores, series.memory * u64::from(*cores))
                .with_architecture(series.architecture, series.generations)
                .with_availability(Availability::Unknown)
        })
    };
    SERIES.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_size_is_there_once_with_its_shape() {
        let sizes = sizes();
        let names: BTreeSet<&str> = sizes.iter().map(|size| size.name.as_str()).collect();
        assert_eq!(names.len(), sizes.len());
        let of = |name: &str| sizes.iter().find(|size| size.name == name).map(|size| (size.cores, size.memory_mib));
        assert_eq!(of("Standard_B2s"), Some((Some(2), Some(4096))));
        assert_eq!(of("Standard_B1s"), Some((Some(1), Some(1024))));
        assert_eq!(of("Standard_D4s_v5"), Some((Some(4), Some(16_384))));
        assert_eq!(of("Standard_E20s_v5"), Some((Some(20), Some(163_840))));
        assert!(sizes.iter().all(|size| size.availability == Availability::Unknown));
    }
}
