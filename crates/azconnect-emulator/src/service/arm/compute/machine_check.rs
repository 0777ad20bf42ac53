//! The checks of a new virtual machine, in the order of the service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::origin::Origin;
use super::{disk_check, identity, security_check, spot, windows_check, zone_check};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::{Size, image_named, region_named, size_named};
use crate::model::world::World;
use crate::service::arm::context::Context;
use crate::service::arm::usage::Need;
use crate::service::arm::write::Target;
use crate::service::arm::{names, usage};

/// The longest custom data, in base64.
const CUSTOM_DATA_LIMIT: usize = 87_380;

/// Checks all of a new machine but its interfaces: its image, and its user data.
pub(crate) fn check(
    cx: &Context<'_>,
    world: &mut World,
    target: &Target,
) -> OrRefusal<(Option<Origin>, Option<Vec<u8>>)> {
    let size = check_size(cx, world, &target.location)?;
    let image = check_image(cx, world, target, size)?;
    let user_data = check_system(cx, image.as_ref())?;
    security_check::check(cx, world, size, image.as_ref())?;
    spot::check(cx, size)?;
    identity::check(cx, world, &target.id)?;
    disk_check::check(cx, world, size)?;
    zone_check::check(cx, world, &target.id)?;
    usage::require_cores(cx, world, &Need { location: &target.location, size, machine: &target.id })?;
    Ok((image, user_data))
}

/// The size, if the subscription may have it there.
pub(crate) fn check_size(cx: &Context<'_>, world: &mut World, location: &str) -> OrRefusal<&'static Size> {
    let Some(name) = cx.text("/properties/hardwareProfile/vmSize") else {
        return Err(Refusal::parameter("vmSize", "Required parameter 'hardwareProfile.vmSize' is missing (null)."));
    };
    let Some(size) = size_named(name) else {
        return Err(Refusal::parameter(
            "vmSize",
            format!(
                "The value {name} provided for the VM size is not valid. The valid sizes in the current region are listed at https://aka.ms/azure-regionservices."
            ),
        ));
    };
    let zones = cx.at("/zones").and_then(Value::as_array).cloned().unwrap_or_default();
    let zones: Vec<&str> = zones.iter().filter_map(Value::as_str).collect();
    let count = region_named(location).map_or(0, |region| region.zones);
    if let Some(wrong) = zones.iter().find(|zone| !zone.parse::<u8>().is_ok_and(|zone| (1..=count).contains(&zone))) {
        return Err(Refusal::new(
            400,
            "InvalidAvailabilityZone",
            format!(
                "The zone(s) '{wrong}' for resource 'Microsoft.Compute/virtualMachines' is not supported. The supported zones for location '{location}' are '{}'.",
                if count == 0 { "" } else { "1,2,3" }
            ),
        ));
    }
    let account = world.arm.account(cx.subscription);
    let refused = account.restriction(location, size.name).is_some_and(|restriction| {
        restriction.zones.is_empty() || zones.iter().any(|zone| restriction.zones.iter().any(|z| z == zone))
    });
    if refused {
        return Err(Refusal::new(
            409,
            "SkuNotAvailable",
            format!(
                "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: {}' is currently not available in location '{location}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.",
                size.name
            ),
        ));
    }
    Ok(size)
}

/// The image, if there is one and it fits the size.
fn check_image(cx: &Context<'_>, world: &mut World, target: &Target, size: &Size) -> OrRefusal<Option<Origin>> {
    if cx.text("/properties/storageProfile/osDisk/createOption").is_some_and(|option| same(option, "Attach")) {
        return Ok(None);
    }
    let image = match Origin::by_id(cx, world, target)? {
        Some(image) => image,
        None => platform_image(cx)?,
    };
    if image.architecture != size.architecture {
        return Err(Refusal::new(
            400,
            "BadRequest",
            format!(
                "Cannot create a VM of size '{}' because this VM size only supports a CPU Architecture of '{}', but an image or disk with CPU Architecture '{}' was given. Please check that the CPU Architecture of the image or disk is compatible with that of the VM size.",
                size.name,
                size.architecture.name(),
                image.architecture.name()
            ),
        ));
    }
    if !size.generations.contains(&image.generation) {
        return Err(Refusal::new(
            400,
            "BadRequest",
            format!(
                "The selected VM size '{}' cannot boot Hypervisor Generation '{}'. If this was a Create operation please check that the Hypervisor Generation of the Image matches the Hypervisor Generation of the selected VM Size. If this was an Update operation please select a Hypervisor Generation '{}' VM Size. For more information, see https://aka.ms/azuregen2vm",
                size.name,
                image.generation.trim_start_matches('V'),
                image.generation.trim_start_matches('V')
            ),
        ));
    }
    check_plan(cx, world, &image)?;
    Ok(Some(image))
}

/// The image of the platform that the body names.
fn platform_image(cx: &Context<'_>) -> OrRefusal<Origin> {
    let text = |field: &str| cx.text(&format!("/properties/storageProfile/imageReference/{field}")).unwrap_or_default();
    let (publisher, offer, sku, version) = (text("publisher"), text("offer"), text("sku"), text("version"));
    if publisher.is_empty() {
        return Err(Refusal::parameter("imageReference", "Required parameter 'imageReference' is missing (null)."));
    }
    let found = image_named(publisher, offer, sku).and_then(|image| Some((image, image.version(version)?)));
    found.map(|(image, version)| Origin::of_platform(image, version)).ok_or_else(|| {
        Refusal::new(
            404,
            "PlatformImageNotFound",
            format!("The platform image '{publisher}:{offer}:{sku}:{version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile"),
        )
        .at("imageReference")
    })
}

/// The plan must be that of the image, and its terms accepted.
fn check_plan(cx: &Context<'_>, world: &mut World, image: &Origin) -> OrRefusal<()> {
    let invalid = |message: String| Err(Refusal::new(400, "VMMarketplaceInvalidInput", message));
    let name = cx.address.rest.last().map_or("", String::as_str);
    let plan = ["publisher", "product", "name"].map(|field| cx.text(&format!("/plan/{field}")).unwrap_or_default());
    match (&image.plan, cx.at("/plan").is_some()) {
        (None, false) => return Ok(()),
        (None, true) => {
            return invalid(format!(
                "Creating a virtual machine from a non Marketplace image does not need Plan information in the request. Remove the Plan information in the request to create VM. VM: '{name}'."
            ));
        }
        (Some(_), _) if plan.iter().any(|text| text.is_empty()) => {
            return invalid(format!(
                "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '{name}'."
            ));
        }
        // Compared with their case.
        (Some(own), _) if *own != plan => {
            return invalid(format!(
                "Unable to deploy from the Marketplace image or a custom image sourced from Marketplace image. The part number in the purchase information for VM '{name}' is not as expected. Beware that the Plan object's properties are case-sensitive. Learn more about common virtual machine error codes."
            ));
        }
        (Some(_), _) => {}
    }
    if world.arm.account(cx.subscription).terms.contains(&plan.join("/").to_ascii_lowercase()) {
        return Ok(());
    }
    let [publisher, product, name] = plan;
    let inner = format!(
        "Offer with PublisherId: '{publisher}', OfferId: '{product}' cannot be purchased due to validation errors. For more information see details. You have not accepted the legal terms on this subscription: '{}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Offer details: publisher='{publisher}' offer = '{product}', sku = '{name}'.",
        cx.address.subscription
    );
    let message = "Marketplace purchase eligibility check returned errors. See inner errors for details. ";
    let refusal = Refusal::new(400, "MarketplacePurchaseEligibilityFailed", message);
    Err(refusal.detail(Refusal::new(400, "BadRequest", inner)))
}

/// Checks the profile of the system, and returns the user data.
fn check_system(cx: &Context<'_>, image: Option<&Origin>) -> OrRefusal<Option<Vec<u8>>> {
    let text = |field: &str| cx.text(&format!("/properties/osProfile/{field}"));
    if image.is_none() {
        return Ok(None);
    }
    let (Some(computer), Some(user)) = (text("computerName"), text("adminUsername")) else {
        return Err(Refusal::parameter("osProfile", "Required parameter 'osProfile' is missing (null)."));
    };
    if names::check(ResourceKind::Machine, computer).is_err() {
        return Err(Refusal::parameter("computerName", format!("The computer name '{computer}' is not valid.")));
    }
    names::check_user(user)?;
    let windows = image.is_some_and(|image| image.windows);
    windows_check::check_kind(cx, windows)?;
    if windows {
        windows_check::check(cx, computer, user)?;
    } else {
        check_access(cx, user)?;
    }
    let Some(data) = text("customData") else { return Ok(None) };
    let decoded = STANDARD.decode(data).ok().filter(|_| data.len() <= CUSTOM_DATA_LIMIT);
    match decoded {
        Some(decoded) => Ok(Some(decoded)),
        None => Err(Refusal::parameter(
            "customData",
            "Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.",
        )),
    }
}

/// Checks how the administrator gets in: keys, or a password.
fn check_access(cx: &Context<'_>, user: &str) -> OrRefusal<()> {
    let linux = "/properties/osProfile/linuxConfiguration";
    let keys = cx.at(&format!("{linux}/ssh/publicKeys")).and_then(Value::as_array).cloned().unwrap_or_default();
    let no_password = cx.at(&format!("{linux}/disablePasswordAuthentication")) == Some(&json!(true));
    let password = cx.text("/properties/osProfile/adminPassword").is_some();
    if keys.is_empty() && (no_password || !password) {
        return Err(Refusal::parameter(
            if no_password { "linuxConfiguration.ssh.publicKeys" } else { "adminPassword" },
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
        ));
    }
    for key in &keys {
        let path = key.get("path").and_then(Value::as_str).unwrap_or_default();
        let expected = format!("/home/{user}/.ssh/authorized_keys");
        if path != expected {
            return Err(Refusal::parameter(
                "linuxConfiguration.ssh.publicKeys.path",
                format!(
                    "Destination path for SSH public keys is currently limited to its default value {expected}  due to a known issue in Linux provisioning agent."
                ),
            ));
        }
        if !is_public_key(key.get("keyData").and_then(Value::as_str).unwrap_or_default()) {
            return Err(Refusal::parameter(
                "linuxConfiguration.ssh.publicKeys.keyData",
                "The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid.",
            ));
        }
    }
    Ok(())
}

/// Whether a text is an RSA key of 2048 bits or more, or an Ed25519 key, in OpenSSH's form.
fn is_public_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (Some(kind), Some(data)) = (words.next(), words.next()) else { return false };
    let Ok(blob) = STANDARD.decode(data) else { return false };
    let mut fields = SshFields(&blob);
    if fields.next().is_none_or(|name| name != kind.as_bytes()) {
        return false;
    }
    match kind {
        "ssh-ed25519" => fields.next().is_some_and(|key| key.len() == 32) && fields.0.is_empty(),
        // The modulus has a leading zero where its first bit is set.
        "ssh-rsa" => fields.nth(1).is_some_and(|modulus| modulus.len() >= 256),
        _ => false,
    }
}

/// The fields of a key: each a length of four bytes, and so many bytes.
struct SshFields<'a>(&'a [u8]);

impl<'a> Iterator for SshFields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_to_their_end() {
        let ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2FJdmPVbGpZFm3W8Wg2nuxZKbDmYBTrVX9ovBWZ4fG me@home";
        assert!(is_public_key(ed25519));
        let mut short = Vec::new();
        for field in [&b"ssh-rsa"[..], &[1, 0, 1], &[1; 129]] {
            short.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
            short.extend_from_slice(field);
        }
        assert!(!is_public_key(&format!("ssh-rsa {}", STANDARD.encode(short))), "1024 bits are too few");
        assert!(!is_public_key("ssh-dss AAAA"));
        assert!(!is_public_key("-----BEGIN PUBLIC KEY-----"));
    }
}
