//! The network that a machine is attached to.

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::rule::InboundRule;
use crate::resource::ResourceId;

/// The network that the machine is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkChoice {
    /// A network for the machine, which is created.
    Create {
        /// The addresses of the network, such as `10.0.0.0/16`.
        space: Cidr,
        /// The addresses of its one subnet, such as `10.0.0.0/24`.
        subnet: Cidr,
        /// Whether machines in it reach the internet without a public address of their own.
        outbound: bool,
    },
    /// A subnet that exists, by its id. It must be in the region of the machine.
    Existing(ResourceId),
}

impl NetworkChoice {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Create { space, subnet, .. } => {
                if !space.contains(subnet) {
                    return Err(Error::invalid("subnet", format!("{subnet} is not within {space}"))
                        .with_advice("choose a subnet within the network's addresses"));
                }
                if !space.is_ipv4() || space.prefix() < 8 || subnet.prefix() > 29 {
                    return Err(Error::invalid("subnet", "is too small, or its network too large")
                        .with_advice("use IPv4, a network of /8 or smaller, and a subnet of /29 or larger"));
                }
            }
            Self::Existing(subnet) => {
                if subnet.after("virtualNetworks").is_none() || subnet.after("subnets").is_none() {
                    return Err(Error::invalid("subnet", "is not the id of a subnet")
                        .with_advice("give an id of the form …/virtualNetworks/NAME/subnets/NAME"));
                }
            }
        }
        Ok(())
    }
}

/// Checks a security group that exists: whoever names one has written its rules.
pub(super) fn check_security_group(id: Option<&ResourceId>, rules: &[InboundRule]) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    if id.after("networkSecurityGroups") != Some(id.name()) {
        return Err(Error::invalid("security_group", "is not the id of a network security group")
            .with_advice("give an id of the form …/networkSecurityGroups/NAME"));
    }
    if !rules.is_empty() {
        return Err(Error::invalid("inbound_rule", "is given beside a security group that exists")
            .with_advice("write the rule into that group, or let the machine have a group of its own"));
    }
    Ok(())
}
