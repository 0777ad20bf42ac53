//! Fills a plan with what can be read: the image's version, and what image and sizes allow.

use azconnect_core::Error;
use futures_util::future::join;

use super::plan::{ProvisionPlan, ResolvedImage};
use crate::client::Subscription;
use crate::resource::image::{ImageProperties, ImageVersion};
use crate::resource::sku::Sku;
use crate::spec::ImageChoice;

/// Reads the image and the sizes. What cannot be read stays open, and the service decides.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for an image of another system than the specification says.
pub(super) async fn resolve(subscription: &Subscription, plan: &mut ProvisionPlan) -> Result<(), Error> {
    let spec = &plan.spec;
    let image = async {
        match &spec.image {
            ImageChoice::Urn(urn) => subscription.image(&spec.location, urn).await.ok(),
            ImageChoice::Id(id) => subscription.image_by_id(&spec.location, id).await.ok(),
        }
    };
    let (image, sizes) = join(image, subscription.sizes(&spec.location, &spec.sizes)).await;
    if let Some(image) = &image {
        plan.spec.check_system(&image.properties)?;
    }
    fill(plan, image.as_ref(), sizes.as_deref().ok());
    Ok(())
}

/// Fills a plan with what was read.
pub(crate) fn fill(plan: &mut ProvisionPlan, image: Option<&ImageVersion>, sizes: Option<&[Sku]>) {
    if let Some(image) = image {
        let choice = match &plan.spec.image {
            ImageChoice::Urn(urn) => ImageChoice::Urn(urn.clone().with_version(&image.name)),
            own => own.clone(),
        };
        // What was made of an image that is sold is sold as well.
        plan.image = ResolvedImage::new(choice).with_plan(image.properties.plan.as_ref());
    }
    let Some(sizes) = sizes else { return };
    let image = image.map(|image| &image.properties);
    for placement in &mut plan.placements {
        let Some(sku) = sizes.iter().find(|sku| sku.name.eq_ignore_ascii_case(&placement.size)) else { continue };
        placement.trusted_launch = image.and_then(|image| trusted_launch(image, sku));
        placement.accelerated_networking = accelerated_networking(image, sku);
    }
}

/// Whether both image and size allow Trusted Launch; `None` if one of them is not known to.
fn trusted_launch(image: &ImageProperties, sku: &Sku) -> Option<bool> {
    Some(image.allows_trusted_launch()? && sku.allows_trusted_launch()?)
}

/// Whether the size accelerates networking, and the image does not say that it cannot.
fn accelerated_networking(image: Option<&ImageProperties>, sku: &Sku) -> Option<bool> {
    let image = image.and_then(ImageProperties::allows_accelerated_networking);
    Some(sku.has("AcceleratedNetworkingEnabled")? && image != Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(generation: &str, features: &[(&str, &str)]) -> ImageProperties {
        let features: Vec<_> = features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        serde_json::from_value(json!({"hyperVGeneration": generation, "features": features})).unwrap()
    }

    fn sku(capabilities: &[(&str, &str)]) -> Sku {
        let capabilities: Vec<_> =
            capabilities.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        serde_json::from_value(json!({"capabilities": capabilities})).unwrap()
    }

    #[test]
    fn trusted_launch_needs_an_image_that_says_so_and_a_size_that_does_not_forbid_it() {
        let both = [("SecurityType", "TrustedLaunchAndConfidentialVmSupported")];
        let supported = image("V2", &[("SecurityType", "TrustedLaunchSupported")]);
        let good = sku(&[("HyperVGenerations", "V1,V2")]);
        assert_eq!(trusted_launch(&supported, &good), Some(true));
        assert_eq!(trusted_launch(&image("V2", &both), &good), Some(true));
        for poor in [image("V2", &[("SecurityType", "None")]), image("V2", &[]), image("V1", &both)] {
            assert_eq!(trusted_launch(&poor, &good), Some(false));
        }
        assert_eq!(trusted_launch(&supported, &sku(&[("HyperVGenerations", "V1")])), Some(false));
        let forbidden = sku(&[("HyperVGenerations", "V2"), ("TrustedLaunchDisabled", "True")]);
        assert_eq!(trusted_launch(&supported, &forbidden), Some(false));
        assert_eq!(trusted_launch(&supported, &Sku::default()), None);
    }

    #[test]
    fn networking_is_accelerated_where_the_size_can_and_the_image_does_not_say_no() {
        let fast = sku(&[("AcceleratedNetworkingEnabled", "True")]);
        let no = image("V2", &[("IsAcceleratedNetworkSupported", "False")]);
        assert_eq!(accelerated_networking(None, &fast), Some(true));
        assert_eq!(accelerated_networking(Some(&image("V2", &[])), &fast), Some(true));
        assert_eq!(accelerated_networking(Some(&no), &fast), Some(false));
        assert_eq!(accelerated_networking(None, &sku(&[("AcceleratedNetworkingEnabled", "False")])), Some(false));
        assert_eq!(accelerated_networking(None, &Sku::default()), None);
    }
}
