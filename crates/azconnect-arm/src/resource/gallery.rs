//! Images of the customer and of galleries, as the service shows them, and what they have in common with one of the platform.

use super::image::{ImageFeature, ImagePlan, ImageProperties, ImageVersion, OsDiskImage};
use super::view::views;

views! {
    /// The definition that the versions of a gallery's image have in common.
    GalleryImage {
        /// The resource id, or the name alone for an image of a gallery that is published or shared.
        id: String,
        /// What decides whether, and on which sizes, the image can be used.
        properties: GalleryImageProperties,
    }
    /// What decides whether, and on which sizes, a gallery's image can be used.
    GalleryImageProperties {
        /// The operating system: `Linux` or `Windows`.
        os_type: Option<String>,
        /// Whether what is of one machine alone was taken out (`Generalized`) or is in it still (`Specialized`).
        os_state: Option<String>,
        /// The generation of virtual hardware, `V1` or `V2`.
        #[serde(rename(deserialize = "hyperVGeneration"))]
        hyper_v_generation: Option<String>,
        /// The processor architecture: `x64` or `Arm64`.
        architecture: Option<String>,
        /// The marketplace plan, if the image was made from one that is sold.
        purchase_plan: Option<ImagePlan>,
        /// The features, such as `SecurityType` = `TrustedLaunchSupported`.
        features: Vec<ImageFeature>,
    }
    /// A version of a gallery's image.
    GalleryVersion {
        /// The version, such as `1.0.0`.
        name: String,
        /// Where the version is.
        properties: GalleryVersionProperties,
    }
    /// Where a version is.
    GalleryVersionProperties {
        /// The regions that it is copied to, and whether it counts among the latest.
        publishing_profile: PublishingProfile,
    }
    /// The regions that a version is copied to, and whether it counts among the latest.
    PublishingProfile {
        /// The regions.
        target_regions: Vec<TargetRegion>,
        /// Whether `latest` passes it over.
        exclude_from_latest: bool,
    }
    /// A region that a version is copied to.
    TargetRegion {
        /// The name, such as `West Europe` or `westeurope`.
        name: String,
    }
    /// A managed image.
    ManagedImage {
        /// The resource id, which ends with `/images/NAME`.
        id: String,
        /// The region, in which alone it can be used.
        location: String,
        /// What it is made of.
        properties: ManagedImageProperties,
    }
    /// What a managed image is made of.
    ManagedImageProperties {
        /// The generation of virtual hardware, `V1` or `V2`.
        #[serde(rename(deserialize = "hyperVGeneration"))]
        hyper_v_generation: Option<String>,
        /// Its disks.
        storage_profile: ManagedImageDisks,
    }
    /// The disks of a managed image.
    ManagedImageDisks {
        /// The disk of the operating system.
        os_disk: ManagedImageDisk,
    }
    /// The disk of a managed image's operating system.
    ManagedImageDisk {
        /// The operating system: `Linux` or `Windows`.
        os_type: Option<String>,
        /// Whether what is of one machine alone was taken out (`Generalized`) or is in it still (`Specialized`).
        os_state: Option<String>,
    }
}

impl GalleryImage {
    /// A version of the image, as one of the platform is shown.
    pub(crate) fn version(self, name: &str) -> ImageVersion {
        let own = self.properties;
        let properties = ImageProperties {
            hyper_v_generation: own.hyper_v_generation,
            architecture: own.architecture,
            plan: own.purchase_plan,
            features: own.features,
            os_disk_image: OsDiskImage { operating_system: own.os_type, os_state: own.os_state },
            ..ImageProperties::default()
        };
        ImageVersion { id: self.id, name: name.to_owned(), properties }
    }
}

impl GalleryVersion {
    /// Whether a machine of a region can start from it.
    pub(crate) fn is_in(&self, location: &str) -> bool {
        let regions = &self.properties.publishing_profile.target_regions;
        regions.iter().any(|region| is_region(&region.name, location))
    }

    /// Whether `latest` may mean it.
    pub(crate) fn counts_as_latest(&self) -> bool {
        !self.properties.publishing_profile.exclude_from_latest
    }
}

impl ManagedImage {
    /// Whether a machine of a region can start from it.
    pub(crate) fn is_in(&self, location: &str) -> bool {
        is_region(&self.location, location)
    }

    /// The image, as one of the platform is shown.
    pub(crate) fn version(self) -> ImageVersion {
        let own = self.properties;
        let disk = own.storage_profile.os_disk;
        let properties = ImageProperties {
            hyper_v_generation: own.hyper_v_generation,
            os_disk_image: OsDiskImage { operating_system: disk.os_type, os_state: disk.os_state },
            ..ImageProperties::default()
        };
        ImageVersion { id: self.id, name: "of its own".to_owned(), properties }
    }
}

/// Whether two names are of one region: the service writes `West Europe` as well.
fn is_region(shown: &str, location: &str) -> bool {
    shown.replace(' ', "").eq_ignore_ascii_case(location)
}
