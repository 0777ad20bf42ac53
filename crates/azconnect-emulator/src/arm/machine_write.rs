//! Creating and changing virtual machines: the checks, in the order of the service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::address::{last, same};
use super::ask::{Ask, Reply};
use super::catalog::{Image, Size, image_named, region_named, size_named};
use super::kind::Kind;
use super::machine::{Machine, Power, check_interfaces, make_disks, shown};
use super::names;
use super::operation::Work;
use super::put::{Target, Write, properties};
use super::refusal::{Granted, Refusal};
use super::settings::OperationKind;
use super::state::Room;
use super::{usage, view};

/// The longest custom data, in base64.
const CUSTOM_DATA_LIMIT: usize = 87_380;

/// Creates a machine, or changes an existing one.
pub(crate) fn put(room: &mut Room<'_>, ask: &Ask<'_>, names: &[&str]) -> Granted<Reply> {
    let target = room.prepare(ask, Kind::Machine, names)?;
    if target.same_running.is_some() {
        return Ok(room.write(ask, &target, update(Map::new())));
    }
    let size = check_size(room, ask, &target.location)?;
    if target.exists {
        return change(room, ask, &target, size);
    }
    let (image, user_data) = check(room, ask, &target)?;
    check_interfaces(room, ask, &target.id)?;
    let mut shown_properties = visible(properties(&ask.body));
    if let Some(Value::Object(storage)) = shown_properties.get_mut("storageProfile")
        && let (Some(image), Some(Value::Object(reference))) = (image, storage.get_mut("imageReference"))
        && let Some(version) = image.version(reference.get("version").and_then(Value::as_str).unwrap_or("latest"))
    {
        reference.insert("exactVersion".to_owned(), json!(version));
    }
    shown_properties.insert("vmId".to_owned(), json!(room.dice.guid()));
    shown_properties.insert("timeCreated".to_owned(), json!(shown(ask.now.wall)));
    let write = Write {
        operation: OperationKind::MachineCreate,
        work: Work::CreateMachine,
        properties: shown_properties,
        at_once: false,
    };
    let reply = room.write(ask, &target, write);
    finish_creation(room, ask, &target.id, user_data);
    let body = room.arm.get(&target.id).map_or(Value::Null, |resource| view::render(room, resource));
    Ok(Reply { body, ..reply })
}

/// Checks all of a new machine but its interfaces: its image, and its user data.
pub(crate) fn check(
    room: &mut Room<'_>,
    ask: &Ask<'_>,
    target: &Target,
) -> Granted<(Option<&'static Image>, Option<Vec<u8>>)> {
    let size = check_size(room, ask, &target.location)?;
    let image = check_image(room, ask, size)?;
    let user_data = check_system(ask, image)?;
    check_security(ask, size, image)?;
    check_disks(room, ask)?;
    usage::require_cores(room, ask, &target.location, size, &target.id)?;
    Ok((image, user_data))
}

fn update(properties: Map<String, Value>) -> Write {
    Write { operation: OperationKind::MachineUpdate, work: Work::Provision, properties, at_once: false }
}

/// Adds disks, identity and the inside to a machine that was just written.
fn finish_creation(room: &mut Room<'_>, ask: &Ask<'_>, id: &str, user_data: Option<Vec<u8>>) {
    let agent = room.arm.agent_for(last(id));
    let identity = ask.text("/identity/type").is_some_and(|kind| kind.contains("SystemAssigned"));
    let principal = room.dice.guid();
    let Some(resource) = room.arm.get_mut(id) else { return };
    resource.machine = Some(Box::new(Machine {
        power: Power::Creating,
        started: None,
        user_data,
        custom_data: ask.text("/properties/osProfile/customData").map(str::to_owned),
        agent,
        first_boot: None,
    }));
    if identity && let Some(Value::Object(map)) = resource.document.get_mut("identity") {
        map.insert("principalId".to_owned(), json!(principal));
        map.insert("tenantId".to_owned(), json!(ask.who.tenant));
    }
    let mut storage = match resource.properties().and_then(|properties| properties.remove("storageProfile")) {
        Some(Value::Object(storage)) => storage,
        _ => Map::new(),
    };
    make_disks(room, ask, id, &mut storage);
    if let Some(resource) = room.arm.get_mut(id) {
        resource.set("storageProfile", Value::Object(storage));
    }
}

/// The properties without what is never shown.
fn visible(mut properties: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(system)) = properties.get_mut("osProfile") {
        for hidden in ["customData", "adminPassword", "secrets"] {
            system.remove(hidden);
        }
        system.insert("allowExtensionOperations".to_owned(), json!(true));
        system.insert("requireGuestProvisionSignal".to_owned(), json!(true));
        system.insert("secrets".to_owned(), json!([]));
    }
    properties.remove("userData");
    properties
}

/// The size, if the subscription may have it there.
pub(crate) fn check_size(room: &mut Room<'_>, ask: &Ask<'_>, location: &str) -> Granted<&'static Size> {
    let Some(name) = ask.text("/properties/hardwareProfile/vmSize") else {
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
    let zones = ask.at("/zones").and_then(Value::as_array).cloned().unwrap_or_default();
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
    let account = room.arm.account(ask.subscription);
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
fn check_image(room: &mut Room<'_>, ask: &Ask<'_>, size: &Size) -> Granted<Option<&'static Image>> {
    let text =
        |field: &str| ask.text(&format!("/properties/storageProfile/imageReference/{field}")).unwrap_or_default();
    if let Some(id) = ask.text("/properties/storageProfile/imageReference/id") {
        let location = ask.text("/location").unwrap_or_default();
        return Err(Refusal::new(
            404,
            "ImageNotFound",
            format!("The Image '{id}' cannot be found in '{location}' region."),
        )
        .at("imageReference"));
    }
    if ask.text("/properties/storageProfile/osDisk/createOption").is_some_and(|option| same(option, "Attach")) {
        return Ok(None);
    }
    let (publisher, offer, sku, version) = (text("publisher"), text("offer"), text("sku"), text("version"));
    if publisher.is_empty() {
        return Err(Refusal::parameter("imageReference", "Required parameter 'imageReference' is missing (null)."));
    }
    let Some(image) = image_named(publisher, offer, sku).filter(|image| image.version(version).is_some()) else {
        return Err(Refusal::new(
            404,
            "PlatformImageNotFound",
            format!("The platform image '{publisher}:{offer}:{sku}:{version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile"),
        )
        .at("imageReference"));
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
    if !size.generations.contains(image.generation) {
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
    check_plan(room, ask, image)?;
    Ok(Some(image))
}

fn check_plan(room: &mut Room<'_>, ask: &Ask<'_>, image: &Image) -> Granted<()> {
    if !image.has_plan {
        return Ok(());
    }
    let plan = ["publisher", "product", "name"].map(|field| ask.text(&format!("/plan/{field}")).unwrap_or_default());
    if plan.iter().any(|text| text.is_empty()) {
        return Err(Refusal::new(
            400,
            "VMMarketplaceInvalidInput",
            format!(
                "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '{}'.",
                ask.address.rest.last().map_or("", String::as_str)
            ),
        ));
    }
    let terms = plan.join("/").to_ascii_lowercase();
    if room.arm.account(ask.subscription).terms.contains(&terms) {
        return Ok(());
    }
    let [publisher, product, name] = plan;
    Err(Refusal::new(
        400,
        "ResourcePurchaseValidationFailed",
        format!(
            "User failed validation to purchase resources. Error message: 'You have not accepted the legal terms on this subscription: '{}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Alternatively, deploying via the Azure portal provides a UI experience for reading and accepting the legal terms. Offer details: publisher='{publisher}' offer = '{product}', sku = '{name}'.'",
            ask.address.subscription
        ),
    ))
}

/// Checks the profile of the system, and returns the user data.
fn check_system(ask: &Ask<'_>, image: Option<&Image>) -> Granted<Option<Vec<u8>>> {
    let text = |field: &str| ask.text(&format!("/properties/osProfile/{field}"));
    if image.is_none() {
        return Ok(None);
    }
    let (Some(computer), Some(user)) = (text("computerName"), text("adminUsername")) else {
        return Err(Refusal::parameter("osProfile", "Required parameter 'osProfile' is missing (null)."));
    };
    if names::check(Kind::Machine, computer).is_err() {
        return Err(Refusal::parameter("computerName", format!("The computer name '{computer}' is not valid.")));
    }
    names::check_user(user)?;
    if image.is_some_and(|image| !image.windows) {
        check_access(ask, user)?;
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
fn check_access(ask: &Ask<'_>, user: &str) -> Granted<()> {
    let linux = "/properties/osProfile/linuxConfiguration";
    let keys = ask.at(&format!("{linux}/ssh/publicKeys")).and_then(Value::as_array).cloned().unwrap_or_default();
    let no_password = ask.at(&format!("{linux}/disablePasswordAuthentication")) == Some(&json!(true));
    let password = ask.text("/properties/osProfile/adminPassword").is_some();
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

/// Trusted Launch needs an image and a size that can do it.
fn check_security(ask: &Ask<'_>, size: &Size, image: Option<&Image>) -> Granted<()> {
    let trusted = ask.text("/properties/securityProfile/securityType").is_some_and(|t| same(t, "TrustedLaunch"));
    if !trusted {
        return Ok(());
    }
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

/// A disk of the same name would be overwritten.
fn check_disks(room: &Room<'_>, ask: &Ask<'_>) -> Granted<()> {
    let Some(name) = ask.text("/properties/storageProfile/osDisk/name") else { return Ok(()) };
    let group = ask.address.group.as_deref().unwrap_or_default();
    let id = super::address::resource_id(&ask.address.subscription, group, Kind::Disk, &[name]);
    if room.arm.get(&id).is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        409,
        "ConflictingUserInput",
        format!(
            "Disk {name} already exists in resource group {}. Only CreateOption.Attach is supported.",
            group.to_ascii_uppercase()
        ),
    )
    .at("/subscriptions/resourceGroups/disks"))
}

/// What may not change after the creation, as the body writes it.
const FIXED: &[&str] = &[
    "osProfile/adminUsername",
    "osProfile/computerName",
    "osProfile/customData",
    "storageProfile/imageReference/sku",
    "storageProfile/imageReference/offer",
    "storageProfile/osDisk/name",
];

fn change(room: &mut Room<'_>, ask: &Ask<'_>, target: &Target, size: &'static Size) -> Granted<Reply> {
    let Some(resource) = room.arm.get(&target.id) else {
        return Err(Refusal::new(404, "ResourceNotFound", "The machine is gone."));
    };
    for path in FIXED {
        let Some(new) = ask.text(&format!("/properties/{path}")) else { continue };
        let old = match *path {
            "osProfile/customData" => resource.machine.as_ref().and_then(|machine| machine.custom_data.as_deref()),
            path => resource.text(&format!("properties/{path}")),
        };
        if old != Some(new) {
            let name = path.replace('/', ".");
            return Err(Refusal::new(
                409,
                "PropertyChangeNotAllowed",
                format!("Changing property '{name}' is not allowed."),
            )
            .at(&name));
        }
    }
    if let (Some(new), Some(old)) = (ask.at("/zones"), resource.document.get("zones"))
        && new != old
    {
        return Err(
            Refusal::new(409, "PropertyChangeNotAllowed", "Changing property 'zones' is not allowed.").at("zones")
        );
    }
    let mut merged = resource.document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    usage::require_cores(room, ask, &target.location, size, &target.id)?;
    merge(&mut merged, &visible(properties(&ask.body)));
    Ok(room.write(ask, target, update(merged)))
}

/// Changes some fields of a machine.
pub(crate) fn patch(room: &mut Room<'_>, ask: &Ask<'_>, names: &[&str]) -> Granted<Reply> {
    let id = ask.address.group_id().unwrap_or_default();
    let id = format!("{id}/providers/Microsoft.Compute/virtualMachines/{}", names.first().copied().unwrap_or_default());
    let machine = room.require(&id)?;
    let (location, id) = (machine.location.clone(), machine.id.clone());
    if machine.operation.is_some() {
        return Err(super::put::busy(room, ask, machine));
    }
    if ask.at("/properties/hardwareProfile/vmSize").is_some() {
        let size = check_size(room, ask, &location)?;
        usage::require_cores(room, ask, &location, size, &id)?;
    }
    let machine = room.require(&id)?;
    let mut merged = machine.document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    merge(&mut merged, &visible(properties(&ask.body)));
    let target = Target { id, kind: Kind::Machine, exists: true, location, same_running: None };
    Ok(room.write(ask, &target, update(merged)))
}

/// Lays an object over another. `null` removes, lists are replaced.
fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (under.get_mut(name), value) {
            (_, Value::Null) => {
                under.remove(name);
            }
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => {
                under.insert(name.clone(), value.clone());
            }
        }
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

    #[test]
    fn merging_keeps_removes_and_replaces() {
        let mut under = json!({"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}).as_object().cloned().unwrap();
        merge(&mut under, json!({"a": {"b": 9}, "d": [3], "e": null}).as_object().unwrap());
        assert_eq!(Value::Object(under), json!({"a": {"b": 9, "c": 2}, "d": [3]}));
    }
}
