//! The image that a machine starts from.

use std::str::FromStr;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use crate::resource::ResourceId;
use crate::resource::image::Urn;

/// The image that a machine starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageChoice {
    /// An image of the platform or the marketplace.
    Urn(Urn),
    /// An image of the customer, such as one in a gallery, by its resource id.
    Id(ResourceId),
}

/// The publishers whose images are of Windows, all of them.
const WINDOWS_PUBLISHERS: &[&str] = &["MicrosoftWindowsServer", "MicrosoftWindowsDesktop"];

impl ImageChoice {
    /// Whether the image is known to be of Windows without asking.
    pub(crate) fn is_known_windows(&self) -> bool {
        match self {
            Self::Urn(urn) => WINDOWS_PUBLISHERS.iter().any(|known| known.eq_ignore_ascii_case(&urn.publisher)),
            Self::Id(_) => false,
        }
    }
}

/// Short names for common images. All are of generation 2.
const ALIASES: &[(&str, &str)] = &[
    ("Ubuntu2404", "Canonical:ubuntu-24_04-lts:server:latest"),
    ("Ubuntu2404Arm64", "Canonical:ubuntu-24_04-lts:server-arm64:latest"),
    ("Ubuntu2204", "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:latest"),
    ("Debian12", "Debian:debian-12:12-gen2:latest"),
    ("AlmaLinux9", "almalinux:almalinux-x86_64:9-gen2:latest"),
    ("RHEL9", "RedHat:RHEL:9-lvm-gen2:latest"),
    ("SLES15", "SUSE:sles-15-sp5:gen2:latest"),
    ("Win2022AzureEdition", "MicrosoftWindowsServer:WindowsServer:2022-datacenter-azure-edition:latest"),
    ("Win2025", "MicrosoftWindowsServer:WindowsServer:2025-datacenter-g2:latest"),
];

impl FromStr for ImageChoice {
    type Err = Error;

    /// Reads an alias such as `Ubuntu2404`, a URN, or the id of an image.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some((_, urn)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text)) {
            return Ok(Self::Urn(urn.parse()?));
        }
        if text.starts_with('/') {
            return Ok(Self::Id(text.parse()?));
        }
        text.parse().map(Self::Urn).map_err(|error: Error| {
            let known: Vec<&str> = ALIASES.iter().map(|(alias, _)| *alias).collect();
            error.with_advice(format!(
                "give publisher:offer:sku:version, the id of an image, or one of {}",
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_in_three_forms() {
        assert!(matches!("ubuntu2404".parse(), Ok(ImageChoice::Urn(_))));
        assert!(matches!("/subscriptions/s/x/y".parse(), Ok(ImageChoice::Id(_))));
        assert!("Ubuntu1".parse::<ImageChoice>().unwrap_err().advice().contains("Ubuntu2404"));
        for (_, urn) in ALIASES {
            assert!(urn.parse::<Urn>().is_ok());
        }
    }
}
