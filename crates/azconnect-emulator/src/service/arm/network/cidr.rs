//! Ranges of IPv4 addresses.

use std::net::Ipv4Addr;

/// A range, such as 10.0.0.0/24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: u32,
    length: u8,
}

impl Cidr {
    /// Reads a range. The address has to be its first.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let first = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let length: u8 = length.parse().ok().filter(|length| *length <= 32)?;
        let range = Self { first, length };
        (first & range.host_mask() == 0).then_some(range)
    }

    fn host_mask(self) -> u32 {
        u32::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }

    fn last(self) -> u32 {
        self.first | self.host_mask()
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last() <= self.last()
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }

    pub(crate) fn holds(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last()).contains(&u32::from(address))
    }

    /// The addresses a subnet gives out: the service keeps the first four and the last.
    pub(crate) fn usable(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first.saturating_add(4)..self.last()).map(Ipv4Addr::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_strictly() {
        assert!(Cidr::parse("10.0.0.0/24").is_some());
        for wrong in ["10.0.0.1/24", "10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/24"] {
            assert!(Cidr::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Cidr::parse("0.0.0.0/0").is_some());
    }

    #[test]
    fn the_service_keeps_five_addresses() {
        let range = Cidr::parse("10.0.0.0/29").unwrap();
        let usable: Vec<String> = range.usable().map(|address| address.to_string()).collect();
        assert_eq!(usable, ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        assert!(Cidr::parse("10.0.0.0/16").unwrap().contains(range));
        assert!(!range.overlaps(Cidr::parse("10.0.0.8/29").unwrap()));
    }
}
