//! The checks of a new machine's security type.

use serde_json::Value;

use super::origin::Origin;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::offers::Size;
use crate::model::world::World;
use crate::service::arm::context::Context;

/// The feature that a subscription needs to say `Standard`.
const STANDARD_FEATURE: &str = "microsoft.compute/usestandardsecuritytype";

/// Refuses a security type that image, size or subscription do not allow.
pub(crate) fn check(cx: &Context<'_>, world: &mut World, size: &Size, image: Option<&Origin>) -> OrRefusal<()> {
    let profile = "/properties/securityProfile";
    let kind = cx.text(&format!("{profile}/securityType"));
    let settings = cx.at(&format!("{profile}/uefiSettings"));
    let on = |name: &str| settings.and_then(|settings| settings.get(name)) == Some(&Value::Bool(true));
    match kind {
        Some(kind) if same(kind, "TrustedLaunch") => trusted_launch(size, image),
        Some(kind)
            if same(kind, "Standard") && world.arm.account(cx.subscription).features.contains(STANDARD_FEATURE) =>
        {
            Ok(())
        }
        // Without the feature, `Standard` is a word that the service does not know.
        Some(_) => Err(Refusal::parameter(
            "securityProfile.securityType",
            "The value of parameter securityProfile.securityType is invalid.",
        )),
        None if on("secureBootEnabled") || on("vTpmEnabled") => Err(Refusal::parameter(
            "securityProfile.uefiSettings",
            "The property 'uefiSettings' can be set only where 'securityType' is 'TrustedLaunch' or 'ConfidentialVM'.",
        )),
        None => Ok(()),
    }
}

/// Trusted Launch needs an image and a size that can do it.
fn trusted_launch(size: &Size, image: Option<&Origin>) -> OrRefusal<()> {
    if image.is_some_and(|image| !image.trusted_launch) {
        return Err(Refusal::new(
            400,
            "BadRequest",
            "Use of TrustedLaunch setting is not supported for the provided image. Please select Trusted Launch Supported Gen2 OS Image. For more information, see https://aka.ms/TrustedLaunch-FAQ.",
        ));
    }
    if !size.trusted_launch {
        return Err(Refusal::new(
            400,
            "BadRequest",
            format!(
                "The VM size '{}' is not supported for creation of VMs and Virtual Machine Scale Set with '<NULL>' security type TrustedLaunch.",
                size.name
            ),
        ));
    }
    Ok(())
}
