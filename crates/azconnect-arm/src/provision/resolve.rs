//! Fills a plan with what can be read: the image's version, and whether Trusted Launch is possible.

use futures_util::future::join;

use super::plan::{ProvisionPlan, ResolvedImage};
use crate::client::Subscription;
use crate::preflight::{read_image, read_skus};
use crate::resource::image::ImageVersion;
use crate::resource::sku::Sku;
use crate::spec::ImageChoice;

/// Reads the image and the sizes. What cannot be read stays open, and the service decides.
pub(super) async fn resolve(subscription: &Subscription, plan: &mut ProvisionPlan) {
    let (image, skus) = join(read_image(subscription, &plan.spec), read_skus(subscription, &plan.spec)).await;
    let Some(Ok(image)) = image else { return };
    if let ImageChoice::Urn(urn) = &plan.spec.image {
        plan.image = ResolvedImage::of_version(urn, &image.name, image.properties.plan.as_ref());
    }
    let Ok(skus) = skus else { return };
    for placement in &mut plan.placements {
        let sku = skus.iter().find(|sku| sku.name.eq_ignore_ascii_case(&placement.size));
        placement.trusted_launch = sku.and_then(|sku| trusted_launch(&image, sku));
    }
}

/// Whether image and size allow Trusted Launch: generation 2 on both sides, x64, and a size that does not forbid it.
fn trusted_launch(image: &ImageVersion, sku: &Sku) -> Option<bool> {
    let generation = image.properties.hyper_v_generation.as_deref()?;
    let generations = sku.capability("HyperVGenerations")?;
    let forbidden = sku.capability("TrustedLaunchDisabled").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let arm = image.properties.architecture.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("Arm64"));
    Some(generation == "V2" && generations.contains("V2") && !forbidden && !arm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn trusted_launch_needs_generation_two_on_both_sides() {
        let image = |generation: &str, architecture: &str| -> ImageVersion {
            serde_json::from_value(
                json!({"properties": {"hyperVGeneration": generation, "architecture": architecture}}),
            )
            .unwrap()
        };
        let sku = |generations: &str, disabled: &str| -> Sku {
            serde_json::from_value(json!({"capabilities": [
                {"name": "HyperVGenerations", "value": generations},
                {"name": "TrustedLaunchDisabled", "value": disabled}
            ]}))
            .unwrap()
        };
        assert_eq!(trusted_launch(&image("V2", "x64"), &sku("V1,V2", "False")), Some(true));
        assert_eq!(trusted_launch(&image("V1", "x64"), &sku("V1,V2", "False")), Some(false));
        assert_eq!(trusted_launch(&image("V2", "x64"), &sku("V1", "False")), Some(false));
        assert_eq!(trusted_launch(&image("V2", "x64"), &sku("V1,V2", "True")), Some(false));
        assert_eq!(trusted_launch(&image("V2", "Arm64"), &sku("V2", "False")), Some(false));
        assert_eq!(trusted_launch(&image("V2", "x64"), &Sku::default()), None);
    }
}
