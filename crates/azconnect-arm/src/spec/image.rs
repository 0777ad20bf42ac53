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
    /// An image of the customer or of a gallery by its id, which may be of another subscription: a managed image, an image of a
    /// gallery in one version or the latest, or one of a gallery that is published (`/CommunityGalleries/NAME/Images/NAME`) or
    /// shared (`/SharedGalleries/NAME/Images/NAME`).
    Id(ResourceId),
}

/// The publishers whose images are of Windows, all of them.
const WINDOWS_PUBLISHERS: &[&str] = &["MicrosoftWindowsServer", "MicrosoftWindowsDesktop"];

/// What the id of an image names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// A managed image.
    Managed,
    /// An image of a gallery in a subscription, in a version or the latest.
    Gallery,
    /// An image of a gallery that is published to everybody.
    Community,
    /// An image of a gallery that is shared with the subscription.
    Shared,
}

impl ImageKind {
    /// The kind of an id; `None` if it is not that of an image.
    pub(crate) fn of(id: &ResourceId) -> Option<Self> {
        let parts: Vec<String> = id.segments().map(str::to_ascii_lowercase).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (kind, image) = match parts.as_slice() {
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.compute", "images", _] => {
                return Some(Self::Managed);
            }
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.compute", "galleries", _, image @ ..] => {
                (Self::Gallery, image)
            }
            ["communitygalleries", _, image @ ..] => (Self::Community, image),
            ["sharedgalleries", _, image @ ..] => (Self::Shared, image),
            _ => return None,
        };
        matches!(image, ["images", _] | ["images", _, "versions", _]).then_some(kind)
    }

    /// The field of a machine's image reference in which such an id stands.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Managed | Self::Gallery => "id",
            Self::Community => "communityGalleryImageId",
            Self::Shared => "sharedGalleryImageId",
        }
    }
}

impl ImageChoice {
    /// Checks that an id is that of an image.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Id(id) if ImageKind::of(id).is_none() => Err(Error::invalid("image", "is not the id of an image")
                .with_advice(
                    "give the id of a managed image (…/Microsoft.Compute/images/NAME), of an image of a gallery \
                     (…/Microsoft.Compute/galleries/NAME/images/NAME), or one that begins with /CommunityGalleries/ or \
                     /SharedGalleries/",
                )),
            _ => Ok(()),
        }
    }

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

/// The short names with what each stands for.
pub(crate) fn aliases() -> impl Iterator<Item = (&'static str, Urn)> {
    // Every one of them is an URN, as the test below shows.
    ALIASES.iter().filter_map(|(alias, urn)| Some((*alias, urn.parse().ok()?)))
}

impl FromStr for ImageChoice {
    type Err = Error;

    /// Reads an alias such as `Ubuntu2404`, a URN, or the id of an image.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some((_, urn)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text)) {
            return Ok(Self::Urn(urn.parse()?));
        }
        if text.starts_with('/') {
            let choice = Self::Id(text.parse()?);
            return choice.check().map(|()| choice);
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
        let managed = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/base";
        assert!(matches!(managed.parse(), Ok(ImageChoice::Id(_))));
        assert!("Ubuntu1".parse::<ImageChoice>().unwrap_err().advice().contains("Ubuntu2404"));
        for (_, urn) in ALIASES {
            assert!(urn.parse::<Urn>().is_ok());
        }
    }

    #[test]
    fn only_the_id_of_an_image_is_one() {
        let of = |id: &str| ImageKind::of(&id.parse().unwrap());
        let compute = "/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute";
        assert_eq!(of(&format!("{compute}/images/base")), Some(ImageKind::Managed));
        assert_eq!(of(&format!("{compute}/galleries/own/images/base")), Some(ImageKind::Gallery));
        assert_eq!(of(&format!("{compute}/galleries/own/images/base/versions/1.0.0")), Some(ImageKind::Gallery));
        assert_eq!(of("/CommunityGalleries/tools-1a/Images/base"), Some(ImageKind::Community));
        assert_eq!(of("/sharedGalleries/own-1a/images/base/versions/latest"), Some(ImageKind::Shared));
        for bad in
            ["/CommunityGalleries/tools-1a", "/CommunityGalleries/tools-1a/Pictures/base", "/subscriptions/s/x/y"]
        {
            assert_eq!(of(bad), None);
            assert_eq!(bad.parse::<ImageChoice>().unwrap_err().field(), Some("image"), "{bad}");
        }
        for bad in ["disks/base", "galleries/own", "galleries/own/images", "galleries/own/images/base/versions"] {
            assert_eq!(of(&format!("{compute}/{bad}")), None, "{bad}");
        }
    }
}
