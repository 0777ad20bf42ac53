//! What the emulated Azure offers: regions, sizes and images.

/// A region in which everything is offered.
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) display_name: &'static str,
    /// How many availability zones it has; 0 or 3.
    pub(crate) zones: u8,
}

const fn region(name: &'static str, display_name: &'static str, zones: u8) -> Region {
    Region { name, display_name, zones }
}

/// Every region that the emulator has.
pub(crate) const REGIONS: &[Region] = &[
    region("eastus", "East US", 3),
    region("eastus2", "East US 2", 3),
    region("centralus", "Central US", 3),
    region("westus", "West US", 0),
    region("westus2", "West US 2", 3),
    region("westus3", "West US 3", 3),
    region("canadacentral", "Canada Central", 3),
    region("northeurope", "North Europe", 3),
    region("westeurope", "West Europe", 3),
    region("uksouth", "UK South", 3),
    region("ukwest", "UK West", 0),
    region("francecentral", "France Central", 3),
    region("germanywestcentral", "Germany West Central", 3),
    region("swedencentral", "Sweden Central", 3),
    region("switzerlandnorth", "Switzerland North", 3),
    region("japaneast", "Japan East", 3),
    region("australiaeast", "Australia East", 3),
];

/// A region by either of its names, written in any case and with or without spaces.
pub(crate) fn region_named(text: &str) -> Option<&'static Region> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    REGIONS.iter().find(|region| region.name == plain)
}

/// The names of all regions, as messages list them.
pub(crate) fn region_names() -> String {
    REGIONS.iter().map(|region| region.name).collect::<Vec<_>>().join(",")
}

/// The processor architecture of a size or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    X64,
    Arm64,
}

impl Architecture {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "Arm64",
        }
    }
}

/// A size of virtual machine, such as `Standard_B2s`.
pub(crate) struct Size {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) cores: u32,
    pub(crate) memory: &'static str,
    pub(crate) architecture: Architecture,
    /// As the capability says it: `V1`, `V2` or `V1,V2`.
    pub(crate) generations: &'static str,
    pub(crate) trusted_launch: bool,
    pub(crate) premium: bool,
}

impl Size {
    /// Whether networking can be accelerated.
    pub(crate) fn is_accelerated(&self) -> bool {
        self.cores > 1
    }

    /// Whether there are Spot machines of it: there are none of the burstable sizes.
    pub(crate) fn is_spot_capable(&self) -> bool {
        !self.name.starts_with("Standard_B")
    }

    /// What a Spot machine costs at the moment, in US dollars an hour.
    pub(crate) fn spot_price(&self) -> f64 {
        f64::from(self.cores) * 0.01
    }
}

const fn size(name: &'static str, family: &'static str, cores: u32, memory: &'static str) -> Size {
    Size {
        name,
        family,
        cores,
        memory,
        architecture: Architecture::X64,
        generations: "V1,V2",
        trusted_launch: true,
        premium: true,
    }
}

const fn old(name: &'static str, family: &'static str, cores: u32, memory: &'static str) -> Size {
    Size { generations: "V1", trusted_launch: false, premium: false, ..size(name, family, cores, memory) }
}

const fn arm(name: &'static str, family: &'static str, cores: u32, memory: &'static str) -> Size {
    Size {
        architecture: Architecture::Arm64,
        generations: "V2",
        trusted_launch: false,
        ..size(name, family, cores, memory)
    }
}

/// Every size. All regions offer all of them, except for the restrictions of a subscription.
pub(crate) const SIZES: &[Size] = &[
    size("Standard_B1s", "standardBSFamily", 1, "1"),
    size("Standard_B1ms", "standardBSFamily", 1, "2"),
    size("Standard_B2s", "standardBSFamily", 2, "4"),
    size("Standard_B2ms", "standardBSFamily", 2, "8"),
    size("Standard_B4ms", "standardBSFamily", 4, "16"),
    size("Standard_B2s_v2", "standardBsv2Family", 2, "8"),
    size("Standard_D2s_v3", "standardDSv3Family", 2, "8"),
    size("Standard_D4s_v3", "standardDSv3Family", 4, "16"),
    size("Standard_D8s_v3", "standardDSv3Family", 8, "32"),
    size("Standard_DS1_v2", "standardDSv2Family", 1, "3.5"),
    size("Standard_DS2_v2", "standardDSv2Family", 2, "7"),
    size("Standard_D2s_v5", "standardDSv5Family", 2, "8"),
    size("Standard_D4s_v5", "standardDSv5Family", 4, "16"),
    size("Standard_D8s_v5", "standardDSv5Family", 8, "32"),
    size("Standard_D64s_v5", "standardDSv5Family", 64, "256"),
    size("Standard_D2as_v5", "standardDASv5Family", 2, "8"),
    size("Standard_D4as_v5", "standardDASv5Family", 4, "16"),
    size("Standard_F2s_v2", "standardFSv2Family", 2, "4"),
    size("Standard_F4s_v2", "standardFSv2Family", 4, "8"),
    size("Standard_E2s_v5", "standardESv5Family", 2, "16"),
    arm("Standard_D2ps_v5", "standardDPSv5Family", 2, "8"),
    arm("Standard_D4ps_v5", "standardDPSv5Family", 4, "16"),
    old("Standard_A1_v2", "standardAv2Family", 1, "2"),
    old("Standard_A2_v2", "standardAv2Family", 2, "4"),
];

/// A size by its name, written in any case.
pub(crate) fn size_named(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// A marketplace image, without its versions.
pub(crate) struct Image {
    pub(crate) publisher: &'static str,
    pub(crate) offer: &'static str,
    pub(crate) sku: &'static str,
    /// Its versions, the oldest first.
    pub(crate) versions: &'static [&'static str],
    pub(crate) generation: &'static str,
    pub(crate) architecture: Architecture,
    pub(crate) trusted_launch: bool,
    /// Whether a purchase plan of the same names must be given, and its terms accepted.
    pub(crate) has_plan: bool,
    pub(crate) deprecated: Deprecation,
    pub(crate) windows: bool,
}

/// Where an image is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deprecation {
    Active,
    Scheduled,
    Deprecated,
}

const fn image(
    publisher: &'static str,
    offer: &'static str,
    sku: &'static str,
    versions: &'static [&'static str],
) -> Image {
    Image {
        publisher,
        offer,
        sku,
        versions,
        generation: "V2",
        architecture: Architecture::X64,
        trusted_launch: true,
        has_plan: false,
        deprecated: Deprecation::Active,
        windows: false,
    }
}

const fn first_generation(image: Image) -> Image {
    Image { generation: "V1", trusted_launch: false, ..image }
}

const NOBLE: &[&str] = &["24.04.202409120", "24.04.202502210", "24.04.202510010"];
const JAMMY: &[&str] = &["22.04.202408220", "22.04.202501170", "22.04.202509180"];

/// Every image. All regions have all of them.
pub(crate) const IMAGES: &[Image] = &[
    image("Canonical", "ubuntu-24_04-lts", "server", NOBLE),
    first_generation(image("Canonical", "ubuntu-24_04-lts", "server-gen1", NOBLE)),
    Image {
        architecture: Architecture::Arm64,
        trusted_launch: false,
        ..image("Canonical", "ubuntu-24_04-lts", "server-arm64", NOBLE)
    },
    image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", JAMMY),
    first_generation(image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", JAMMY)),
    Image {
        deprecated: Deprecation::Deprecated,
        ..first_generation(image("Canonical", "UbuntuServer", "18.04-LTS", &["18.04.202401161"]))
    },
    Image {
        deprecated: Deprecation::Scheduled,
        ..image("Canonical", "0001-com-ubuntu-server-focal", "20_04-lts-gen2", &["20.04.202505200"])
    },
    image("Debian", "debian-12", "12-gen2", &["0.20250703.2162", "0.20250919.2240"]),
    first_generation(image("Debian", "debian-12", "12", &["0.20250703.2162", "0.20250919.2240"])),
    image("RedHat", "RHEL", "9-lvm-gen2", &["9.5.2024112215", "9.6.2025061913"]),
    image("SUSE", "sles-15-sp6", "gen2", &["2025.06.12"]),
    Image { has_plan: true, ..image("kali-linux", "kali", "kali-2025-2", &["2025.2.0"]) },
    Image {
        windows: true,
        ..image(
            "MicrosoftWindowsServer",
            "WindowsServer",
            "2022-datacenter-azure-edition",
            &["20348.3932.250705", "20348.4171.250903"],
        )
    },
    Image {
        windows: true,
        ..image("MicrosoftWindowsServer", "WindowsServer", "2025-datacenter-g2", &["26100.4652.250705"])
    },
];

/// An image by its three names, written in any case.
pub(crate) fn image_named(publisher: &str, offer: &str, sku: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| {
        image.publisher.eq_ignore_ascii_case(publisher)
            && image.offer.eq_ignore_ascii_case(offer)
            && image.sku.eq_ignore_ascii_case(sku)
    })
}

impl Image {
    /// The version a reference means: `latest`, or one by its number.
    pub(crate) fn version(&self, wanted: &str) -> Option<&'static str> {
        if wanted.eq_ignore_ascii_case("latest") {
            return self.versions.last().copied();
        }
        self.versions.iter().find(|version| **version == wanted).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_known_by_both_names() {
        assert_eq!(region_named("West Europe").unwrap().name, "westeurope");
        assert_eq!(region_named("WESTEUROPE").unwrap().display_name, "West Europe");
        assert!(region_named("middleearth").is_none());
    }

    #[test]
    fn latest_is_the_newest_version() {
        let image = image_named("canonical", "ubuntu-24_04-lts", "SERVER").unwrap();
        assert_eq!(image.version("latest"), Some("24.04.202510010"));
        assert_eq!(image.version("24.04.202409120"), Some("24.04.202409120"));
        assert_eq!(image.version("1.2.3"), None);
    }
}
