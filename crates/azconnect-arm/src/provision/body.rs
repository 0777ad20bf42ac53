//! The bodies of the group's and the network's writes, made of the plan alone: the same plan gives the same bytes.

use azconnect_core::Error;
use serde_json::{Map, Value, json};

use super::plan::{Placement, ProvisionPlan};
use crate::resource::OWNER_TAG;
use crate::resource::ResourceId;
use crate::spec::{NetworkChoice, Source};

/// The ids of the resources that the bodies refer to.
pub(super) struct Ids {
    pub(super) security_group: ResourceId,
    pub(super) subnet: ResourceId,
    pub(super) public_ip: Option<ResourceId>,
    pub(super) public_ipv6: Option<ResourceId>,
    pub(super) interface: ResourceId,
}

impl Ids {
    pub(super) fn of(plan: &ProvisionPlan) -> Result<Self, Error> {
        let group = ResourceId::of_group(plan.subscription, plan.spec.group.name());
        let network = |kind: &str, name: &str| group.provider(&format!("Microsoft.Network/{kind}"), name);
        Ok(Self {
            security_group: match &plan.spec.security_group {
                None => network("networkSecurityGroups", &plan.names.security_group)?,
                Some(existing) => existing.clone(),
            },
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
            public_ipv6: if plan.spec.has_public_ipv6() {
                Some(network("publicIPAddresses", &plan.names.public_ipv6)?)
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
    // Said explicitly: what the service assumes has changed.
    let mut properties = json!({"defaultOutboundAccess": outbound});
    let mut spaces = vec![space];
    match &plan.spec.ipv6 {
        None => set(&mut properties, "addressPrefix", json!(subnet)),
        Some(ipv6) => {
            spaces.push(&ipv6.space);
            set(&mut properties, "addressPrefixes", json!([subnet, ipv6.subnet]));
        }
    }
    Some(json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        "properties": {
            "addressSpace": {"addressPrefixes": spaces},
            "subnets": [{"name": "default", "properties": properties}]
        }
    }))
}

pub(super) fn public_ip(plan: &ProvisionPlan) -> Value {
    let mut body = address(plan, "IPv4");
    if let (Some(label), Some(properties)) = (&plan.spec.dns_label, body.get_mut("properties")) {
        set(properties, "dnsSettings", json!({"domainNameLabel": label}));
    }
    body
}

pub(super) fn public_ipv6(plan: &ProvisionPlan) -> Value {
    address(plan, "IPv6")
}

fn address(plan: &ProvisionPlan, version: &str) -> Value {
    // Without zones: the service puts it into all of the region, so that it fits the machine in whichever it finds room.
    json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        // The service creates no Basic address any more.
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": version}
    })
}

pub(super) fn interface(plan: &ProvisionPlan, ids: &Ids, placement: Option<&Placement>) -> Value {
    let possible = placement.and_then(|placement| placement.accelerated_networking);
    let with_public = |mut private: Value, public: Option<&ResourceId>| {
        if let Some(public) = public {
            set(&mut private, "publicIPAddress", json!({"id": public, "properties": {"deleteOption": "Delete"}}));
        }
        private
    };
    let private = json!({"subnet": {"id": ids.subnet}, "privateIPAllocationMethod": "Dynamic"});
    let mut addresses =
        vec![json!({"name": "primary", "properties": with_public(private.clone(), ids.public_ip.as_ref())})];
    if plan.spec.ipv6.is_some() {
        let mut private = private;
        set(&mut private, "privateIPAddressVersion", json!("IPv6"));
        addresses.push(json!({"name": "ipv6", "properties": with_public(private, ids.public_ipv6.as_ref())}));
        // Of several, the service wants to be told.
        if let Some(properties) = addresses.first_mut().and_then(|first| first.get_mut("properties")) {
            set(properties, "primary", json!(true));
        }
    }
    json!({
        "location": plan.spec.location,
        "tags": tags(plan),
        "properties": {
            "networkSecurityGroup": {"id": ids.security_group},
            // It depends on the size: the interface is written again where another one is fallen back to.
            "enableAcceleratedNetworking": plan.spec.accelerated_networking.is_on(possible),
            "ipConfigurations": addresses
        }
    })
}

pub(super) fn set(value: &mut Value, name: &str, member: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
}
