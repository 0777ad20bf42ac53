//! Images of the platform and the marketplace.

use std::fmt;
use std::str::FromStr;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::view::views;

views! {
    /// One version of an image.
    ImageVersion {
        /// Its id.
        id: String,
        /// The version, such as `24.04.202609120`.
        name: String,
        /// What it is.
        properties: ImageProperties,
    }
    /// What an image is.
    ImageProperties {
        /// `V1` or `V2`: what a size must support.
        #[serde(rename(deserialize = "hyperVGeneration"))]
        hyper_v_generation: Option<String>,
        /// `x64` or `Arm64`.
        architecture: Option<String>,
        /// What it is sold as, where it is sold.
        plan: Option<ImagePlan>,
        /// Whether it is to be withdrawn.
        image_deprecation_status: ImageDeprecation,
    }
    /// Whether an image is to be withdrawn.
    ImageDeprecation {
        /// `Active`, `ScheduledForDeprecation` or `Deprecated`.
        image_state: Option<String>,
        /// When, where that is set.
        scheduled_deprecation_time: Option<String>,
    }
    /// What an image is sold as.
    ImagePlan {
        /// The plan.
        name: String,
        /// The publisher.
        publisher: String,
        /// The product.
        product: String,
    }
}

/// The four-part name of an image: `publisher:offer:sku:version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub struct Urn {
    /// Such as `Canonical`.
    pub publisher: String,
    /// Such as `ubuntu-24_04-lts`.
    pub offer: String,
    /// Such as `server`.
    pub sku: String,
    /// `latest`, or one version.
    pub version: String,
}

impl Urn {
    /// The same image in another version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Whether the newest version is meant.
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
