//! The body of the machine's write.

use azconnect_core::{Error, Secret};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::body::{Ids, set, tags};
use super::credential::Access;
use super::plan::{Placement, ProvisionPlan};
use crate::spec::{DataDisk, ImageChoice, ImageKind, Switch, VmSpec};

/// The facts that only the body of the machine needs.
pub(super) struct MachineInput<'a> {
    pub(super) placement: &'a Placement,
    pub(super) at: usize,
    pub(super) access: &'a Access,
    pub(super) security: Security,
}

/// The body of a machine's write. It may hold a password, which is borrowed and stands in no value beside it; this type has no
/// `Debug`, and its text is overwritten after it was sent.
pub(super) struct MachineBody<'a> {
    rest: Value,
    password: Option<&'a Secret>,
}

impl<'a> MachineBody<'a> {
    pub(super) fn new(plan: &ProvisionPlan, ids: &Ids, input: &MachineInput<'a>) -> Result<Self, Error> {
        let password = match input.access {
            Access::Password(password) => Some(password),
            Access::PublicKey(_) => None,
        };
        Ok(Self { rest: machine(plan, ids, input)?, password })
    }
}

impl Serialize for MachineBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The way to where the password belongs.
        Within { value: &self.rest, path: &["properties", "osProfile"], password: self.password }.serialize(serializer)
    }
}

/// A value that is written with a password at a place below it.
struct Within<'a> {
    value: &'a Value,
    path: &'static [&'static str],
    password: Option<&'a Secret>,
}

impl Serialize for Within<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Some(password), Some(object)) = (self.password, self.value.as_object()) else {
            return self.value.serialize(serializer);
        };
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in object {
            match self.path {
                [next, path @ ..] if next == name => {
                    map.serialize_entry(name, &Within { value, path, password: self.password })?;
                }
                _ => map.serialize_entry(name, value)?,
            }
        }
        if self.path.is_empty() {
            map.serialize_entry("adminPassword", password.expose())?;
        }
        map.end()
    }
}

/// What the body says of the machine's security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Secure boot, and a virtual TPM.
    TrustedLaunch,
    /// Neither, said explicitly. Only some subscriptions may say so.
    Standard,
    /// Nothing: the version of the API that is asked then gives neither.
    Unsaid,
}

impl Security {
    /// What a specification wants at a placement.
    pub(super) fn of(spec: &VmSpec, placement: &Placement) -> Self {
        match spec.trusted_launch {
            Switch::Off => Self::Standard,
            switch if switch.is_on(placement.trusted_launch) => Self::TrustedLaunch,
            _ => Self::Unsaid,
        }
    }
}

fn machine(plan: &ProvisionPlan, ids: &Ids, input: &MachineInput<'_>) -> Result<Value, Error> {
    let spec = &plan.spec;
    let mut properties = json!({
        "hardwareProfile": {"vmSize": input.placement.size},
        "storageProfile": storage(plan, input.at),
        "osProfile": os_profile(plan, input.access)?,
        "networkProfile": {
            // By default the service keeps interface, address and disks when it deletes a machine.
            "networkInterfaces": [{"id": ids.interface, "properties": {"primary": true, "deleteOption": "Delete"}}]
        },
        // Whoever sees a machine that does not report in time is told to look at these.
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}}
    });
    if spec.data_disks.iter().any(DataDisk::is_ultra) {
        set(&mut properties, "additionalCapabilities", json!({"ultraSSDEnabled": true}));
    }
    if let Some(profile) = security(input) {
        set(&mut properties, "securityProfile", profile);
    }
    if let Some(spot) = &spec.spot {
        set(&mut properties, "priority", json!("Spot"));
        set(&mut properties, "evictionPolicy", json!(spot.eviction.word()));
        set(&mut properties, "billingProfile", spot.billing());
    }
    let mut body = json!({"location": spec.location, "tags": tags(plan), "properties": properties});
    if let Some(zone) = &input.placement.zone {
        set(&mut body, "zones", json!([zone]));
    }
    if let Some(identity) = identity(spec) {
        set(&mut body, "identity", identity);
    }
    if let Some((name, publisher, product)) = &plan.image.plan {
        set(&mut body, "plan", json!({"name": name, "publisher": publisher, "product": product}));
    }
    Ok(body)
}

/// The security type, where one is said.
fn security(input: &MachineInput<'_>) -> Option<Value> {
    match input.security {
        Security::TrustedLaunch => {
            let settings = json!({"secureBootEnabled": true, "vTpmEnabled": true});
            Some(json!({"securityType": "TrustedLaunch", "uefiSettings": settings}))
        }
        Security::Standard => Some(json!({"securityType": "Standard"})),
        Security::Unsaid => None,
    }
}

fn identity(spec: &VmSpec) -> Option<Value> {
    let kind = match (spec.identity, spec.identities.is_empty()) {
        (false, true) => return None,
        (true, true) => "SystemAssigned",
        (false, false) => "UserAssigned",
        (true, false) => "SystemAssigned, UserAssigned",
    };
    let mut identity = json!({ "type": kind });
    if !spec.identities.is_empty() {
        let ids = spec.identities.iter().map(|id| (id.as_str().to_owned(), json!({})));
        set(&mut identity, "userAssignedIdentities", Value::Object(ids.collect()));
    }
    Some(identity)
}

fn storage(plan: &ProvisionPlan, at: usize) -> Value {
    let image = match &plan.image.choice {
        ImageChoice::Urn(urn) => {
            json!({"publisher": urn.publisher, "offer": urn.offer, "sku": urn.sku, "version": urn.version})
        }
        ImageChoice::Id(id) => json!({ (ImageKind::of(id).map_or("id", ImageKind::field)): id }),
    };
    let mut os_disk = json!({
        "name": plan.os_disk(at),
        "createOption": "FromImage",
        "deleteOption": "Delete",
        "managedDisk": {"storageAccountType": plan.spec.os_disk_kind}
    });
    if let Some(size) = plan.spec.os_disk_gib {
        set(&mut os_disk, "diskSizeGB", json!(size));
    }
    let data_disks: Vec<Value> = plan
        .spec
        .data_disks
        .iter()
        .enumerate()
        .map(|(number, disk)| {
            let mut body = json!({
                "lun": disk.lun_at(number),
                "name": plan.data_disk(at, number),
                "createOption": "Empty",
                "deleteOption": if disk.kept { "Detach" } else { "Delete" },
                "diskSizeGB": disk.size_gib,
                "managedDisk": {"storageAccountType": disk.kind}
            });
            // Left out, it is the service's choice: none for standard storage, reads for premium storage.
            if let Some(caching) = disk.caching {
                set(&mut body, "caching", json!(caching.word()));
            }
            body
        })
        .collect();
    json!({"imageReference": image, "osDisk": os_disk, "dataDisks": data_disks})
}

fn os_profile(plan: &ProvisionPlan, access: &Access) -> Result<Value, Error> {
    let admin = &plan.spec.admin;
    let mut profile = json!({"computerName": plan.spec.computer_name(), "adminUsername": admin});
    if let Some(windows) = &plan.spec.windows {
        set(&mut profile, "windowsConfiguration", windows.configuration());
    }
    if let Access::PublicKey(key) = access {
        let keys = json!([{"path": format!("/home/{admin}/.ssh/authorized_keys"), "keyData": key}]);
        let linux = json!({"disablePasswordAuthentication": true, "ssh": {"publicKeys": keys}});
        set(&mut profile, "linuxConfiguration", linux);
    }
    if let Some(data) = plan.spec.user_data()? {
        set(&mut profile, "customData", Value::from(data));
    }
    Ok(profile)
}
