//! Whether the sizes offer what is asked for beyond processors and memory.

use crate::resource::image::ImageProperties;
use crate::resource::sku::Sku;
use crate::spec::{Switch, VmSpec};

/// Whether anything is asked for that not every size offers.
pub(super) fn asked_for(spec: &VmSpec) -> bool {
    !spec.data_disks.is_empty()
        || spec.spot.is_some()
        || spec.trusted_launch == Switch::On
        || spec.accelerated_networking == Switch::On
        || spec.os_disk_kind.starts_with("Premium")
}

/// What of it a size does not offer.
pub(super) fn problem(spec: &VmSpec, sku: &Sku, image: Option<&ImageProperties>) -> Option<String> {
    let name = &sku.name;
    let most = sku.capability("MaxDataDiskCount").and_then(|text| text.parse::<usize>().ok());
    if let Some(most) = most.filter(|most| spec.data_disks.len() > *most) {
        return Some(format!("{name} takes {most} data disks"));
    }
    let mut kinds = spec.data_disks.iter().map(|disk| &disk.kind).chain([&spec.os_disk_kind]);
    if sku.has("PremiumIO") == Some(false) && kinds.any(|kind| kind.starts_with("Premium")) {
        return Some(format!("{name} takes no premium disks"));
    }
    // What is not said proves nothing against a size.
    if spec.spot.is_some() && sku.has("LowPriorityCapable") == Some(false) {
        return Some(format!("{name} has no Spot machines"));
    }
    if spec.accelerated_networking == Switch::On && sku.has("AcceleratedNetworkingEnabled") == Some(false) {
        return Some(format!("{name} does not accelerate networking"));
    }
    if spec.trusted_launch == Switch::On {
        if image.and_then(ImageProperties::allows_trusted_launch) == Some(false) {
            return Some(format!("the image does not start with Trusted Launch on {name}"));
        }
        if sku.allows_trusted_launch() == Some(false) {
            return Some(format!("{name} does not start with Trusted Launch"));
        }
    }
    None
}
