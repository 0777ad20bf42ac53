//! Ranges of IP addresses in CIDR form.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

/// A range of addresses in CIDR form, such as `10.0.0.0/16`, with no bit set beyond its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The range of an address and the number of its fixed bits, such as `10.0.0.0` and 16.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a prefix that is too long, or with bits beyond it.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, Error> {
        let range = Self { address, prefix };
        if prefix > range.width() {
            return Err(wrong("has a prefix longer than its address"));
        }
        if range.bits() & range.host_mask() != 0 {
            return Err(wrong("has bits set beyond its prefix"));
        }
        Ok(range)
    }

    /// The number of fixed bits, such as 16 in `10.0.0.0/16`.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the addresses are of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether the other range lies within this one.
    pub fn contains(&self, other: &Self) -> bool {
        self.is_ipv4() == other.is_ipv4()
            && self.prefix <= other.prefix
            && (self.bits() ^ other.bits()) & !self.host_mask() & self.full_mask() == 0
    }

    /// Whether some address is in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    fn width(&self) -> u8 {
        if self.is_ipv4() { 32 } else { 128 }
    }

    fn bits(&self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        }
    }

    fn full_mask(&self) -> u128 {
        if self.is_ipv4() { u128::from(u32::MAX) } else { u128::MAX }
    }

    fn host_mask(&self) -> u128 {
        let free = u32::from(self.width().saturating_sub(self.prefix));
        // A shift by all 128 bits would overflow.
        if free >= 128 { u128::MAX } else { (1_u128 << free) - 1 }
    }
}

impl FromStr for Cidr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (address, prefix) = text.split_once('/').ok_or_else(|| wrong("has no prefix"))?;
        let address = address.parse().map_err(|_| wrong("is not an address with a prefix"))?;
        // A number would also be read from `+8`, which is no prefix.
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong("has a prefix that is no number"));
        }
        Self::new(address, prefix.parse().map_err(|_| wrong("has a prefix longer than its address"))?)
    }
}

fn wrong(message: &str) -> Error {
    Error::invalid("address_range", message).with_advice("give it in CIDR form, such as 10.0.0.0/16 or 203.0.113.7/32")
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for Cidr {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn containment_and_overlap() {
        assert!(range("10.0.0.0/16").contains(&range("10.0.255.0/24")));
        assert!(!range("10.0.0.0/16").contains(&range("10.1.0.0/24")));
        assert!(range("10.0.0.0/24").overlaps(&range("10.0.0.0/8")));
        assert!(!range("10.0.0.0/24").overlaps(&range("10.0.1.0/24")));
        assert!(range("0.0.0.0/0").contains(&range("203.0.113.7/32")));
        assert!(!range("::/0").contains(&range("10.0.0.0/8")));
    }

    #[test]
    fn impossible_ranges_are_refused() {
        for bad in
            ["", "10.0.0.0", "10.0.0.1/16", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "x/8", "10.0.0.0/8/8", "::1/64"]
        {
            assert!(bad.parse::<Cidr>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_range_survives_a_round_trip_and_holds_itself(bits in any::<u32>(), prefix in 0_u8..=32) {
            let mask = if prefix == 0 { 0 } else { u32::MAX << (32 - prefix) };
            let range = Cidr::new(IpAddr::V4((bits & mask).into()), prefix).unwrap();
            prop_assert_eq!(range.to_string().parse::<Cidr>().unwrap(), range);
            prop_assert!(range.contains(&range) && Cidr::new(IpAddr::V4(0.into()), 0).unwrap().contains(&range));
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            let _ = text.parse::<Cidr>();
        }
    }
}
