//! Which network addresses a call to a foreign host may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Into the public internet.
    Public,
    /// Into a network that only this machine, or its neighbours, can see.
    Private,
    /// To no service that anybody means: the machine's own metadata, link-local, multicast, reserved. Whoever can ask the
    /// metadata service as this machine, is this machine.
    Never,
}

/// Where Azure answers a virtual machine about itself, beside 169.254.169.254. The address looks public.
const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    if address == AZURE_PLATFORM {
        return Reach::Never;
    }
    match address.octets() {
        [10 | 127, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if second & 0xf0 == 16 => Reach::Private,
        // The network between a carrier and its customers.
        [100, second, ..] if second & 0xc0 == 64 => Reach::Private,
        // "This network", link-local, protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved.
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // An IPv4 address in other clothes. No resolver answers one, so nobody means well with it: never public.
        [0, 0, 0, 0, 0, 0xffff, high, low] => match v4(high, low) {
            Reach::Public => Reach::Never,
            other => other,
        },
        // Through a translator to IPv4 (NAT64), and IPv6 within IPv4 (6to4): as the address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        // Unique local.
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Teredo and other protocol assignments, documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Never,
        [0x2000..=0x3fff, ..] => Reach::Public,
        // Nothing else is handed out: unspecified, IPv4-compatible, discard, link-local, site-local, multicast.
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_told_where_it_leads() {
        let table = [
            (
                Reach::Public,
                "1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 169.253.0.1 192.1.0.1 223.255.255.254 \
                 2606:4700::1111 2a00:1450::1 64:ff9b::101:101 2002:101:101::1",
            ),
            (
                Reach::Private,
                "10.0.0.5 127.0.0.1 127.255.255.254 172.16.0.1 172.31.255.254 192.168.1.1 100.64.0.1 100.100.100.200 \
                 100.127.255.254 ::1 fc00::1 fdff::1 fd00:ec2::254 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::a00:1 \
                 2002:7f00:1::",
            ),
            (
                Reach::Never,
                "0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 168.63.129.16 192.0.0.1 192.0.2.1 198.18.0.1 198.19.0.1 \
                 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::7f00:1 fe80::1 febf::1 fec0::1 \
                 ff02::1 2001::1 2001:db8::1 100::1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 64:ff9b::a9fe:a9fe \
                 64:ff9b:1::1 2002:a9fe:a9fe::",
            ),
        ];
        for (expected, addresses) in table {
            for address in addresses.split_whitespace() {
                assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
