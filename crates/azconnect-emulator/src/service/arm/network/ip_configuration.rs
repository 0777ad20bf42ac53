//! The IP configurations of interfaces: their references and their addresses.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::cidr::Cidr;
use super::nic::{configuration_with, configurations, require_reference};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{last, parent_id, same_id};
use crate::model::arm::kind::ResourceKind;
use crate::model::world::World;
use crate::service::arm::context::Context;
use crate::service::arm::network;
use crate::service::arm::write::Target;

/// The configurations of one interface in the making.
pub(crate) struct Configuring<'a> {
    pub(crate) world: &'a World,
    pub(crate) cx: &'a Context<'a>,
    pub(crate) target: &'a Target,
    /// The configurations that were checked and completed so far.
    pub(crate) others: &'a [Value],
}

/// An address in use, and by whom.
type Taken = (String, Ipv4Addr);

impl Configuring<'_> {
    /// Completes a configuration with what the service adds.
    pub(crate) fn complete(&self, asked: &Value) -> OrRefusal<Value> {
        let name = asked.get("name").and_then(Value::as_str).unwrap_or("ipconfig1");
        let id = format!("{}/ipConfigurations/{name}", self.target.id);
        let mut properties = asked.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let reference = |field: &str| Some(properties.get(field)?.get("id")?.as_str()?.to_owned());
        let Some(subnet) = reference("subnet") else {
            let message = format!("IP configuration {id} must have a subnet.");
            return Err(Refusal::new(400, "IPConfigurationMustHaveSubnet", message));
        };
        require_reference(self.cx, self.world, &self.target.id, &subnet)?;
        if let Some(public) = reference("publicIPAddress") {
            self.check_public(&id, &public)?;
        }
        let address = self.address(&id, &subnet, &properties)?;
        properties.insert("privateIPAddress".to_owned(), json!(address.to_string()));
        properties.entry("privateIPAllocationMethod").or_insert(json!("Dynamic"));
        properties.entry("privateIPAddressVersion").or_insert(json!("IPv4"));
        properties.insert("primary".to_owned(), json!(self.others.is_empty()));
        properties.insert("provisioningState".to_owned(), json!("Succeeded"));
        Ok(json!({
            "name": name,
            "id": id,
            "type": format!("{}/ipConfigurations", ResourceKind::Nic.full()),
            "properties": properties,
        }))
    }

    /// A public address belongs to one interface at a time.
    fn check_public(&self, id: &str, public: &str) -> OrRefusal<()> {
        require_reference(self.cx, self.world, &self.target.id, public)?;
        let user = configuration_with(self.world, "publicIPAddress", public);
        match user.filter(|user| !same_id(parent_id(user), &self.target.id)) {
            None => Ok(()),
            Some(user) => Err(Refusal::new(
                400,
                "PublicIPAddressInUse",
                format!(
                    "Resource {id} is referencing public IP address {public} that is already allocated to resource {user}."
                ),
            )),
        }
    }

    /// The address in the subnet: the one that is asked for, the own one again, or the next free one.
    fn address(&self, id: &str, subnet: &str, asked: &Map<String, Value>) -> OrRefusal<Ipv4Addr> {
        let prefix = network::embedded(self.world, subnet).and_then(network::subnet_prefix).unwrap_or_default();
        let Some(range) = Cidr::parse(prefix) else {
            let message = format!("Address prefix {prefix} of {subnet} is not valid.");
            return Err(Refusal::new(400, "InvalidAddressPrefixFormat", message));
        };
        let (own, taken) = self.taken(id, subnet);
        let text = |field: &str| asked.get(field).and_then(Value::as_str);
        let fixed = text("privateIPAllocationMethod") == Some("Static");
        if let Some(wanted) = text("privateIPAddress").and_then(|address| address.parse().ok()).filter(|_| fixed) {
            return fixed_address(id, wanted, (prefix, range), &taken);
        }
        let is_free = |address: &Ipv4Addr| !taken.iter().any(|(_, other)| other == address);
        // A later write keeps the address, as long as the subnet still has it.
        if let Some(own) = own.filter(|own| range.holds(*own) && is_free(own)) {
            return Ok(own);
        }
        range.usable().find(is_free).ok_or_else(|| {
            Refusal::new(
                400,
                "SubnetIsFull",
                format!(
                    "Subnet {} with address prefix {prefix} does not have enough capacity for 1 IP addresses.",
                    last(subnet)
                ),
            )
        })
    }

    /// The address this configuration has so far, and those of all others in its subnet.
    fn taken(&self, id: &str, subnet: &str) -> (Option<Ipv4Addr>, Vec<Taken>) {
        let address = |configuration: &Value| -> Option<Ipv4Addr> {
            configuration.pointer("/properties/privateIPAddress")?.as_str()?.parse().ok()
        };
        let (mut own, mut taken) = (None, Vec::new());
        for (configuration, of) in configurations(self.world) {
            let Some(address) = address(configuration) else { continue };
            let user = configuration.get("id").and_then(Value::as_str).unwrap_or_default();
            let uses = configuration.pointer("/properties/subnet/id").and_then(Value::as_str);
            if same_id(user, id) {
                own = Some(address);
            } else if !same_id(of, &self.target.id) && uses.is_some_and(|uses| same_id(uses, subnet)) {
                taken.push((user.to_owned(), address));
            }
        }
        // The configurations before this one in the same request are stored nowhere yet.
        taken.extend(self.others.iter().filter_map(|other| Some((id.to_owned(), address(other)?))));
        (own, taken)
    }
}

/// An address that is asked for, if it is in the range and nobody has it.
fn fixed_address(id: &str, wanted: Ipv4Addr, (prefix, range): (&str, Cidr), taken: &[Taken]) -> OrRefusal<Ipv4Addr> {
    if !range.holds(wanted) {
        return Err(Refusal::new(
            400,
            "PrivateIPAddressNotInSubnet",
            format!("Private static IP address {wanted} does not belong to the range of subnet prefix {prefix}."),
        ));
    }
    match taken.iter().find(|(_, address)| *address == wanted) {
        None => Ok(wanted),
        Some((user, _)) => Err(Refusal::new(
            400,
            "PrivateIPAddressIsAllocated",
            format!(
                "IP configuration {id} is using the private IP address {wanted} which is already allocated to resource {user}."
            ),
        )),
    }
}
