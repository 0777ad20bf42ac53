//! Ranges of addresses, of IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range, such as 10.0.0.0/24 or fd00:db8::/64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: u128,
    length: u8,
    family: Family,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// The version by the service's word for it, which is `IPv4` where none is given.
    pub(crate) fn of_word(word: Option<&str>) -> Self {
        if word.is_some_and(|word| word.eq_ignore_ascii_case("IPv6")) { Self::V6 } else { Self::V4 }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    fn width(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    fn address(self, bits: u128) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX)).into(),
            Self::V6 => Ipv6Addr::from(bits).into(),
        }
    }
}

fn bits(address: IpAddr) -> (u128, Family) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), Family::V4),
        IpAddr::V6(address) => (u128::from(address), Family::V6),
    }
}

impl Cidr {
    /// Reads a range. The address has to be its first.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (first, family) = bits(address.parse().ok()?);
        let length: u8 = length.parse().ok().filter(|length| *length <= family.width())?;
        let range = Self { first, length, family };
        (first & range.host_mask() == 0).then_some(range)
    }

    pub(crate) fn family(self) -> Family {
        self.family
    }

    pub(crate) fn length(self) -> u8 {
        self.length
    }

    fn host_mask(self) -> u128 {
        let free = u32::from(self.family.width().saturating_sub(self.length));
        u128::MAX.checked_shr(128_u32.saturating_sub(free)).unwrap_or(0)
    }

    fn last(self) -> u128 {
        self.first | self.host_mask()
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.family == other.family && self.first <= other.first && other.last() <= self.last()
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.family == other.family && self.first <= other.last() && other.first <= self.last()
    }

    pub(crate) fn holds(self, address: IpAddr) -> bool {
        let (address, family) = bits(address);
        family == self.family && (self.first..=self.last()).contains(&address)
    }

    /// The addresses a subnet gives out: the service keeps the first four and the last.
    pub(crate) fn usable(self) -> impl Iterator<Item = IpAddr> {
        (self.first.saturating_add(4)..self.last()).map(move |bits| self.family.address(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_strictly() {
        for good in ["10.0.0.0/24", "0.0.0.0/0", "fd00:db8::/64", "::/0", "10.0.0.4/32"] {
            assert!(Cidr::parse(good).is_some(), "{good}");
        }
        for wrong in ["10.0.0.1/24", "10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/24", "fd00::1/64", "fd00::/129"] {
            assert!(Cidr::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_service_keeps_five_addresses() {
        let range = Cidr::parse("10.0.0.0/29").unwrap();
        let usable: Vec<String> = range.usable().map(|address| address.to_string()).collect();
        assert_eq!(usable, ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        assert!(Cidr::parse("10.0.0.0/16").unwrap().contains(range));
        assert!(!range.overlaps(Cidr::parse("10.0.0.8/29").unwrap()));
        let range = Cidr::parse("fd00:db8::/64").unwrap();
        assert_eq!(range.usable().next().unwrap().to_string(), "fd00:db8::4");
    }

    #[test]
    fn families_have_nothing_in_common() {
        let (four, six) = (Cidr::parse("0.0.0.0/0").unwrap(), Cidr::parse("::/0").unwrap());
        assert!(!six.contains(four) && !four.contains(six) && !six.overlaps(four));
        assert!(!six.holds("10.0.0.1".parse().unwrap()) && six.holds("fd00::1".parse().unwrap()));
    }
}
