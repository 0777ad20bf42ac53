//! The bodies of the writes, made of the plan alone: the same plan gives the same bytes.

use azconnect_core::Error;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::plan::{Placement, ProvisionPlan};
use crate::resource::OWNER_TAG;
use crate::resource::ResourceId;
use crate::spec::{ImageChoice, NetworkChoice, Source};

/// The ids of the resources that the bodies refer to.
pub(super) struct Ids {
    pub(super) security_group: ResourceId,
    pub(super) subnet: ResourceId,
    pub(super) public_ip: Option<ResourceId>,
    pub(super) interface: ResourceId,
}

impl Ids {
    pub(super) fn of(plan: &ProvisionPlan) -> Result<Self, Error> {
        let group = ResourceId::of_group(plan.subscription, plan.spec.group.name());
        let network = |kind: &str, name: &str| group.provider(&format!("Microsoft.Network/{kind}"), name);
        Ok(Self {
            security_group: network("networkSecurityGroups", &plan.names.security_group)?,
            subnet: match &plan.spec.network {
                NetworkChoice::Create { .. } => {
                    network("virtualNetworks", &plan.names.network)?.child("subnets", "default")?
                }
                NetworkChoice::Existing(subnet) => subnet.clone(),
            },
            public_ip: if plan.spec.public_ip {
                Some(network("publicIPAddresses", &plan.names.public_ip)?)
            } else {
                None
            },
            interface: network("networkInterfaces", &plan.names.interface)?,
        })
    }
}

/// The tags of everything that is created: the caller's, and the one that marks it as ours.
pub(super) fn tags(plan: &ProvisionPlan) -> Value {
    let mut tags: Map<String, Value> =
        plan.spec.tags.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    // Last, so that a tag of the caller cannot say that it belongs to another provisioning.
    tags.insert(OWNER_TAG.to_owned(), Value::from(plan.id.as_str()));
    Value::Object(tags)
}

pub(super) fn group(plan: &ProvisionPlan) -> Value {
    json!({"location": plan.spec.location, "tags": tags(plan)})
}

pub(super) fn security_group(plan: &ProvisionPlan) -> Value {
    let rules: Vec<Value> = plan
        .spec
        .rules
        .iter()
        .map(|rule| {
            let sources: Vec<String> = rule.sources.iter().map(Source::prefix).collect();
            let mut properties = json!({
                "priority": rule.priority,
                "direction": "Inbound",
                "access": "Allow",
                "protocol": rule.protocol.word(),
                "sourcePortRange": "*",
                "destinationAddressPrefix": "*",
                "destinationPortRange": rule.port_range(),
            });
            // A service tag or a star is allowed in the singular only.
            match sources.as_slice() {
                [one] => set(&mut properties, "sourceAddressPrefix", json!(one)),
                several => set(&mut properties, "sourceAddressPrefixes", json!(several)),
            }
            json!({"name": rule.name, "properties": properties})
        })
        .collect();
    json!({"location": plan.spec.location, "tags": tags(plan), "properties": {"securityRules": rules}})
}

pub(super) fn network(plan: &ProvisionPlan) -> Option<Value> {
    let NetworkChoice::Create { space, subnet, outbound } = &plan.spec.network else { return None };
    Some(json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        "properties": {
            "addressSpace": {"addressPrefixes": [space]},
            "subnets": [{
                "name": "default",
                // Said explicitly: what the service assumes has changed.
                "properties": {"addressPrefix": subnet, "defaultOutboundAccess": outbound}
            }]
        }
    }))
}

pub(super) fn public_ip(plan: &ProvisionPlan) -> Value {
    json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        // The service creates no Basic address any more.
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"}
    })
}

pub(super) fn interface(plan: &ProvisionPlan, ids: &Ids) -> Value {
    let mut address = json!({"subnet": {"id": ids.subnet}, "privateIPAllocationMethod": "Dynamic"});
    if let Some(public_ip) = &ids.public_ip {
        set(&mut address, "publicIPAddress", json!({"id": public_ip, "properties": {"deleteOption": "Delete"}}));
    }
    json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        "properties": {
            "networkSecurityGroup": {"id": ids.security_group},
            "ipConfigurations": [{"name": "primary", "properties": address}]
        }
    })
}

/// The facts that only the body of the machine needs.
pub(super) struct MachineInput<'a> {
    pub(super) placement: &'a Placement,
    pub(super) at: usize,
    pub(super) public_key: &'a str,
}

pub(super) fn machine(plan: &ProvisionPlan, ids: &Ids, input: &MachineInput<'_>) -> Result<Value, Error> {
    let spec = &plan.spec;
    let mut properties = json!({
        "hardwareProfile": {"vmSize": input.placement.size},
        "storageProfile": storage(plan, input.at),
        "osProfile": os_profile(plan, input.public_key)?,
        "networkProfile": {
            // By default the service keeps interface, address and disks when it deletes a machine.
            "networkInterfaces": [{"id": ids.interface, "properties": {"primary": true, "deleteOption": "Delete"}}]
        },
        // Whoever sees a machine that does not report in time is told to look at these.
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}}
    });
    if input.placement.trusted_launch == Some(true) {
        let settings = json!({"secureBootEnabled": true, "vTpmEnabled": true});
        set(&mut properties, "securityProfile", json!({"securityType": "TrustedLaunch", "uefiSettings": settings}));
    }
    let mut body = json!({"location": spec.location, "tags": tags(plan), "properties": properties});
    if let Some(zone) = &input.placement.zone {
        set(&mut body, "zones", json!([zone]));
    }
    if spec.identity {
        set(&mut body, "identity", json!({"type": "SystemAssigned"}));
    }
    if let Some((name, publisher, product)) = &plan.image.plan {
        set(&mut body, "plan", json!({"name": name, "publisher": publisher, "product": product}));
    }
    Ok(body)
}

fn storage(plan: &ProvisionPlan, at: usize) -> Value {
    let image = match &plan.image.choice {
        ImageChoice::Urn(urn) => {
            json!({"publisher": urn.publisher, "offer": urn.offer, "sku": urn.sku, "version": urn.version})
        }
        ImageChoice::Id(id) => json!({ "id": id }),
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
            json!({
                "lun": number,
                "name": plan.data_disk(at, number),
                "createOption": "Empty",
                "deleteOption": "Delete",
                "diskSizeGB": disk.size_gib,
                "managedDisk": {"storageAccountType": disk.kind}
            })
        })
        .collect();
    json!({"imageReference": image, "osDisk": os_disk, "dataDisks": data_disks})
}

fn os_profile(plan: &ProvisionPlan, public_key: &str) -> Result<Value, Error> {
    let admin = &plan.spec.admin;
    let mut profile = json!({
        "computerName": plan.spec.name,
        "adminUsername": admin,
        "linuxConfiguration": {
            "disablePasswordAuthentication": true,
            "ssh": {"publicKeys": [{"path": format!("/home/{admin}/.ssh/authorized_keys"), "keyData": public_key}]}
        }
    });
    if let Some(data) = plan.spec.user_data()? {
        set(&mut profile, "customData", Value::from(data));
    }
    Ok(profile)
}

/// The body of the extension *CustomScript*. The script may hold a secret, so this type borrows it and has no `Debug`;
/// its text is overwritten after it was sent.
#[derive(Serialize)]
pub(super) struct Extension<'a> {
    location: &'a str,
    properties: ExtensionProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionProperties<'a> {
    publisher: &'static str,
    r#type: &'static str,
    type_handler_version: &'static str,
    auto_upgrade_minor_version: bool,
    settings: Settings<'a>,
    protected_settings: Settings<'a>,
}

#[derive(Default, Serialize)]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'a str>,
}

impl<'a> Extension<'a> {
    /// The body for a script in base64. The service refuses a script in both settings, so it goes into one of them.
    pub(super) fn new(plan: &'a ProvisionPlan, script: &'a str, protected: bool) -> Self {
        let (settings, protected_settings) = if protected {
            (Settings::default(), Settings { script: Some(script) })
        } else {
            (Settings { script: Some(script) }, Settings::default())
        };
        let properties = ExtensionProperties {
            publisher: "Microsoft.Azure.Extensions",
            r#type: "CustomScript",
            type_handler_version: "2.1",
            auto_upgrade_minor_version: true,
            settings,
            protected_settings,
        };
        Self { location: &plan.spec.location, properties }
    }
}

fn set(value: &mut Value, name: &str, member: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
}
