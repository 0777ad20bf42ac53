//! The regions that Azure usually offers, for an identity that may not list them.

use time::OffsetDateTime;
use time::macros::datetime;

use super::region::OfferedRegion;

/// The day of which the built-in catalogue is. It knows no later region or size.
pub(super) const AS_OF: OffsetDateTime = datetime!(2025-06-01 0:00 UTC);

/// Name, name for people, geography, part of the world, the other region of the pair, and whether there are zones.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, bool);

/// From Microsoft's *List of Azure regions*. Those that are open on request only are left out.
const REGIONS: &[Row] = &[
    ("eastus", "East US", "United States", "US", "westus", true),
    ("eastus2", "East US 2", "United States", "US", "centralus", true),
    ("centralus", "Central US", "United States", "US", "eastus2", true),
    ("northcentralus", "North Central US", "United States", "US", "southcentralus", false),
    ("southcentralus", "South Central US", "United States", "US", "northcentralus", true),
    ("westcentralus", "West Central US", "United States", "US", "westus2", false),
    ("westus", "West US", "United States", "US", "eastus", false),
    ("westus2", "West US 2", "United States", "US", "westcentralus", true),
    ("westus3", "West US 3", "United States", "US", "eastus", true),
    ("canadacentral", "Canada Central", "Canada", "Canada", "canadaeast", true),
    ("canadaeast", "Canada East", "Canada", "Canada", "canadacentral", false),
    ("mexicocentral", "Mexico Central", "Mexico", "Mexico", "", true),
    ("brazilsouth", "Brazil South", "Brazil", "South America", "southcentralus", true),
    ("northeurope", "North Europe", "Europe", "Europe", "westeurope", true),
    ("westeurope", "West Europe", "Europe", "Europe", "northeurope", true),
    ("uksouth", "UK South", "United Kingdom", "UK", "ukwest", true),
    ("ukwest", "UK West", "United Kingdom", "UK", "uksouth", false),
    ("francecentral", "France Central", "France", "Europe", "francesouth", true),
    ("germanywestcentral", "Germany West Central", "Germany", "Europe", "germanynorth", true),
    ("italynorth", "Italy North", "Italy", "Europe", "", true),
    ("norwayeast", "Norway East", "Norway", "Europe", "norwaywest", true),
    ("polandcentral", "Poland Central", "Poland", "Europe", "", true),
    ("spaincentral", "Spain Central", "Spain", "Europe", "", true),
    ("swedencentral", "Sweden Central", "Sweden", "Europe", "swedensouth", true),
    ("switzerlandnorth", "Switzerland North", "Switzerland", "Europe", "switzerlandwest", true),
    ("israelcentral", "Israel Central", "Israel", "Middle East", "", true),
    ("qatarcentral", "Qatar Central", "Qatar", "Middle East", "", true),
    ("uaenorth", "UAE North", "UAE", "Middle East", "uaecentral", true),
    ("southafricanorth", "South Africa North", "South Africa", "Africa", "southafricawest", true),
    ("centralindia", "Central India", "India", "Asia Pacific", "southindia", true),
    ("southindia", "South India", "India", "Asia Pacific", "centralindia", false),
    ("eastasia", "East Asia", "Asia Pacific", "Asia Pacific", "southeastasia", true),
    ("southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", "eastasia", true),
    ("japaneast", "Japan East", "Japan", "Asia Pacific", "japanwest", true),
    ("japanwest", "Japan West", "Japan", "Asia Pacific", "japaneast", true),
    ("koreacentral", "Korea Central", "Korea", "Asia Pacific", "koreasouth", true),
    ("koreasouth", "Korea South", "Korea", "Asia Pacific", "koreacentral", false),
    ("australiaeast", "Australia East", "Australia", "Asia Pacific", "australiasoutheast", true),
    ("australiasoutheast", "Australia Southeast", "Australia", "Asia Pacific", "australiaeast", false),
    ("newzealandnorth", "New Zealand North", "New Zealand", "Asia Pacific", "", true),
];

/// The regions of the public Azure.
pub(super) fn regions() -> Vec<OfferedRegion> {
    let region = |row: &Row| {
        let (name, display_name, geography, group, pair, has_zones) = *row;
        let zones: &[&str] = if has_zones { &["1", "2", "3"] } else { &[] };
        let region = OfferedRegion::new(name, display_name).with_geography(geography).with_zones(zones.iter().copied());
        let region = if pair.is_empty() { region } else { region.with_paired_region(pair) };
        OfferedRegion { geography_group: Some(group.to_owned()), ..region }
    };
    REGIONS.iter().map(region).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_region_is_there_once_and_is_one_word() {
        let regions = regions();
        let names: BTreeSet<&str> = regions.iter().map(|region| region.name.as_str()).collect();
        assert_eq!(names.len(), regions.len());
        assert!(names.contains("westeurope"));
        for region in &regions {
            // The service builds the one from the other.
            assert_eq!(region.display_name.replace(' ', "").to_ascii_lowercase(), region.name);
            assert_ne!(region.paired_region.as_ref(), Some(&region.name));
        }
    }
}
