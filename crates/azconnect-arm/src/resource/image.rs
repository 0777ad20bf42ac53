//! Images of the platform and the marketplace.

use std::fmt;
use std::str::FromStr;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::view::views;

views! {
    /// One version of an image.
    ImageVersion {
        /// The id of the version in the region's catalogue.
        id: String,
        /// The version, such as `24.04.202609120`.
        name: String,
        /// The generation, architecture, plan and withdrawal of the image.
        properties: ImageProperties,
    }
    /// What decides whether, and on which sizes, an image can be used.
    ImageProperties {
        /// The generation of virtual hardware, `V1` or `V2`, which the size must support.
        #[serde(rename(deserialize = "hyperVGeneration"))]
        hyper_v_generation: Option<String>,
        /// The processor architecture: `x64` or `Arm64`.
        architecture: Option<String>,
        /// The marketplace plan, if the image is sold under terms.
        plan: Option<ImagePlan>,
        /// The features, such as `SecurityType` = `TrustedLaunchSupported`.
        features: Vec<ImageFeature>,
        /// The disk of the operating system.
        os_disk_image: OsDiskImage,
        /// Whether the publisher has withdrawn the version, or is going to.
        image_deprecation_status: ImageDeprecation,
    }
    /// The disk of an image's operating system.
    OsDiskImage {
        /// The operating system: `Linux` or `Windows`.
        operating_system: Option<String>,
        /// `Generalized`, or `Specialized` for one that is still set up as the machine it was made of. Those of the platform do
        /// not say.
        os_state: Option<String>,
    }
    /// One feature of an image.
    ImageFeature {
        /// The name, such as `SecurityType`.
        name: String,
        /// The value as text, such as `TrustedLaunchSupported` or `True`.
        value: String,
    }
    /// Whether and when an image version is withdrawn.
    ImageDeprecation {
        /// The state: `Active`, `ScheduledForDeprecation` or `Deprecated`.
        image_state: Option<String>,
        /// The time from which it cannot be used any more, as the service writes it (RFC 3339).
        scheduled_deprecation_time: Option<String>,
    }
    /// The marketplace plan that an image is sold under. A machine must repeat it, and its terms must be accepted.
    ImagePlan {
        /// The name of the plan, which is often the SKU of the image.
        name: String,
        /// The publisher that sells it.
        publisher: String,
        /// The product that the plan belongs to, which is often the offer of the image.
        product: String,
    }
}

impl ImageProperties {
    /// The value of a feature by its name, whose case does not matter.
    pub fn feature(&self, name: &str) -> Option<&str> {
        self.features.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).map(|entry| entry.value.as_str())
    }

    /// Whether the image is of Windows; `None` if it does not say.
    pub fn is_windows(&self) -> Option<bool> {
        self.os_disk_image.operating_system.as_deref().map(|system| system.eq_ignore_ascii_case("Windows"))
    }

    /// Whether the image is still set up as the machine it was made of, so that the service sets up no machine of it anew.
    pub fn is_specialized(&self) -> bool {
        self.os_disk_image.os_state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("Specialized"))
    }

    /// Whether the image starts with Trusted Launch. One that does not say so does not. `None` if its generation is not known.
    pub fn allows_trusted_launch(&self) -> Option<bool> {
        let generation = self.hyper_v_generation.as_deref()?;
        // `TrustedLaunchSupported`, or together with confidential machines `TrustedLaunchAndConfidentialVmSupported`.
        let says_so = self.feature("SecurityType").is_some_and(|value| value.contains("TrustedLaunch"));
        Some(generation.eq_ignore_ascii_case("V2") && says_so)
    }

    /// Whether the image has the drivers for accelerated networking; `None` if it does not say.
    pub fn allows_accelerated_networking(&self) -> Option<bool> {
        self.feature("IsAcceleratedNetworkSupported").map(|value| value.eq_ignore_ascii_case("True"))
    }
}

/// The four-part name of an image: `publisher:offer:sku:version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub struct Urn {
    /// The publisher, such as `Canonical`.
    pub publisher: String,
    /// The offer, such as `ubuntu-24_04-lts`.
    pub offer: String,
    /// The SKU, such as `server`.
    pub sku: String,
    /// The version: `latest`, or one such as `24.04.202609120`.
    pub version: String,
}

impl Urn {
    /// The same image in another version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Whether the version is `latest`, which stands for the newest in a region.
    pub fn is_latest(&self) -> bool {
        self.version.eq_ignore_ascii_case("latest")
    }
}

impl FromStr for Urn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let allowed = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && *part != ".."
        };
        let parts: Vec<&str> = text.split(':').filter(allowed).collect();
        match parts.as_slice() {
            [publisher, offer, sku, version] if text.matches(':').count() == 3 => Ok(Self {
                publisher: (*publisher).into(),
                offer: (*offer).into(),
                sku: (*sku).into(),
                version: (*version).into(),
            }),
            _ => Err(Error::invalid("image", "is not of the form publisher:offer:sku:version")
                .with_advice("give it as in Canonical:ubuntu-24_04-lts:server:latest")),
        }
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.publisher, self.offer, self.sku, self.version)
    }
}

impl From<Urn> for String {
    fn from(urn: Urn) -> Self {
        urn.to_string()
    }
}

impl TryFrom<String> for Urn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_plain_parts_are_an_urn() {
        let urn: Urn = "Canonical:ubuntu-24_04-lts:server:latest".parse().unwrap();
        assert!(urn.is_latest());
        assert_eq!(urn.to_string(), "Canonical:ubuntu-24_04-lts:server:latest");
        for bad in ["", "a:b:c", "a:b:c:d:e", "a::c:d", "a:b/c:c:d", "a:..:c:d"] {
            assert!(bad.parse::<Urn>().is_err(), "{bad:?}");
        }
    }
}
