//! The IP configurations of interfaces: their references and their addresses.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::cidr::{Cidr, Family};
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
type Taken = (String, IpAddr);

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
        let family = Family::of_word(properties.get("privateIPAddressVersion").and_then(Value::as_str));
        self.check_family(&id, family)?;
        if let Some(public) = reference("publicIPAddress") {
            self.check_public(&id, &public, family)?;
        }
        let address = self.address(&id, (&subnet, family), &properties)?;
        properties.insert("privateIPAddress".to_owned(), json!(address.to_string()));
        properties.entry("privateIPAllocationMethod").or_insert(json!("Dynamic"));
        properties.insert("privateIPAddressVersion".to_owned(), json!(family.word()));
        properties.insert("primary".to_owned(), json!(self.others.is_empty()));
        properties.insert("provisioningState".to_owned(), json!("Succeeded"));
        Ok(json!({
            "name": name,
            "id": id,
            "type": format!("{}/ipConfigurations", ResourceKind::Nic.full()),
            "properties": properties,
        }))
    }

    /// An interface has addresses of IPv4, and of IPv6 beside them. The documentation says so; the code is not published.
    fn check_family(&self, id: &str, family: Family) -> OrRefusal<()> {
        if family == Family::V4 || !self.others.is_empty() {
            return Ok(());
        }
        let message =
            format!("IP configuration {id} is of IPv6, and the first of a network interface must be of IPv4.");
        Err(Refusal::new(400, "IPv4ConfigurationRequired", message))
    }

    /// A public address belongs to one interface at a time, and to a configuration of its own version.
    fn check_public(&self, id: &str, public: &str, family: Family) -> OrRefusal<()> {
        require_reference(self.cx, self.world, &self.target.id, public)?;
        let version = Family::of_word(
            self.world.arm.get(public).and_then(|public| public.text("properties/publicIPAddressVersion")),
        );
        if version != family {
            return Err(Refusal::new(
                400,
                "IPVersionForPublicIpAndNicIpConfigurationMustMatch",
                format!(
                    "IP version for publicIPAddress '{public}', version '{}' and network interface ipConfiguration '{id}', version '{}' must match.",
                    version.word(),
                    family.word()
                ),
            ));
        }
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
    fn address(&self, id: &str, (subnet, family): (&str, Family), asked: &Map<String, Value>) -> OrRefusal<IpAddr> {
        let prefixes = network::embedded(self.world, subnet).map(network::subnet_prefixes).unwrap_or_default();
        let mut ranges = prefixes.iter().filter_map(|prefix| Some((*prefix, Cidr::parse(prefix)?)));
        let Some((prefix, range)) = ranges.find(|(_, range)| range.family() == family) else {
            // The code of this refusal is not published.
            let message = format!("Subnet {subnet} has no {} address prefix, which {id} needs.", family.word());
            return Err(Refusal::new(400, "SubnetLacksAddressPrefixOfVersion", message));
        };
        let (own, taken) = self.taken(id, subnet);
        let text = |field: &str| asked.get(field).and_then(Value::as_str);
        let fixed = text("privateIPAllocationMethod") == Some("Static");
        if let Some(wanted) = text("privateIPAddress").and_then(|address| address.parse().ok()).filter(|_| fixed) {
            return fixed_address(id, wanted, (prefix, range), &taken);
        }
        let is_free = |address: &IpAddr| !taken.iter().any(|(_, other)| other == address);
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
    fn taken(&self, id: &str, subnet: &str) -> (Option<IpAddr>, Vec<Taken>) {
        let address = |configuration: &Value| -> Option<IpAddr> {
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
fn fixed_address(id: &str, wanted: IpAddr, (prefix, range): (&str, Cidr), taken: &[Taken]) -> OrRefusal<IpAddr> {
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
