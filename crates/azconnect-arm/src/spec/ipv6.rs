//! IPv6 beside IPv4.

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::cidr::Cidr;

/// IPv6 for a machine, beside IPv4, which every machine has: a private address, and a public one if the machine gets a public
/// address at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ipv6 {
    /// The addresses of IPv6 of a network that is created. Of a network that exists, its own count.
    pub space: Cidr,
    /// The addresses of its one subnet, of length 64.
    pub subnet: Cidr,
}

impl Ipv6 {
    /// The ranges of a network that is created, such as `fd00:db8:deca::/48` and `fd00:db8:deca::/64`.
    pub fn new(space: Cidr, subnet: Cidr) -> Self {
        Self { space, subnet }
    }

    /// Ranges of private addresses, which are enough where the network is joined with no other.
    ///
    /// # Errors
    /// None in practice: the ranges are constants.
    pub fn private() -> Result<Self, Error> {
        Ok(Self::new("fd00:db8:deca::/48".parse()?, "fd00:db8:deca::/64".parse()?))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { space, subnet } = self;
        if space.is_ipv4() || subnet.is_ipv4() {
            return Err(Error::invalid("ipv6", "has a range of IPv4")
                .with_advice("give ranges of IPv6, such as fd00:db8:deca::/48 and fd00:db8:deca::/64"));
        }
        if !space.contains(subnet) {
            return Err(Error::invalid("ipv6", format!("{subnet} is not within {space}"))
                .with_advice("choose a subnet within the network's addresses"));
        }
        if subnet.prefix() != 64 {
            return Err(Error::invalid("ipv6", format!("{subnet} has not the length 64"))
                .with_advice("give a subnet of length 64: the service takes no other"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_of_length_64_and_within_its_network() {
        let of = |space: &str, subnet: &str| Ipv6::new(space.parse().unwrap(), subnet.parse().unwrap()).check();
        assert!(Ipv6::private().unwrap().check().is_ok());
        assert!(of("fd00::/64", "fd00::/64").is_ok());
        for (space, subnet) in [
            ("fd00::/48", "fd00::/65"),
            ("fd00::/48", "fd01::/64"),
            ("10.0.0.0/8", "10.0.0.0/24"),
            ("fd00::/48", "10.0.0.0/24"),
        ] {
            assert_eq!(of(space, subnet).unwrap_err().field(), Some("ipv6"), "{space} {subnet}");
        }
    }
}
