//! The specification of several machines that share a resource group, a network and a security group.

use std::collections::BTreeSet;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::names::check_machine_name;
use super::network::NetworkChoice;
use super::vm::VmSpec;

/// The most machines of one specification. More are another fleet, or another call.
const MAX_MACHINES: usize = 100;

/// The addresses of a subnet that the service keeps for itself.
const RESERVED_ADDRESSES: u64 = 5;

/// Several machines that share a resource group, a network and a network security group.
///
/// ```
/// use azconnect_arm::{FleetSpec, GroupChoice, VmSpec};
/// use azconnect_core::ResourceGroupName;
///
/// let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
/// let machine = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?;
/// let fleet = FleetSpec::of(&machine, 3);
/// let names: Vec<&str> = fleet.machines.iter().map(|machine| machine.name.as_str()).collect();
/// assert_eq!(names, ["web-1", "web-2", "web-3"]);
/// fleet.check()?;
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetSpec {
    /// The name that the names of what is shared begin with, such as `web`.
    pub name: String,
    /// The machines. Region, group, network, rules and security group are the same in each.
    pub machines: Vec<VmSpec>,
}

impl FleetSpec {
    /// A fleet of machines that agree on what they share. What they are called, their sizes, disks and agents may differ.
    pub fn new(name: impl Into<String>, machines: Vec<VmSpec>) -> Self {
        Self { name: name.into(), machines }
    }

    /// A fleet of `count` machines that are alike but for their names: `web-1`, `web-2`, … for a machine `web`. Labels of public
    /// addresses are numbered as well.
    pub fn of(machine: &VmSpec, count: usize) -> Self {
        let numbered = (1..=count).map(|number| {
            let mut machine = machine.clone();
            machine.name = format!("{}-{number}", machine.name);
            machine.dns_label = machine.dns_label.map(|label| format!("{label}-{number}"));
            machine
        });
        Self::new(&machine.name, numbered.collect())
    }

    /// Checks everything that can be checked without asking the service.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field and its remedy, as [`VmSpec::check`]; for two
    /// machines of one name or one host name, machines that disagree on what they share, or more machines than the subnet has addresses.
    pub fn check(&self) -> Result<(), Error> {
        check_machine_name(&self.name)?;
        let count = self.machines.len();
        let Some(first) = self.machines.first().filter(|_| count <= MAX_MACHINES) else {
            return Err(Error::invalid("machines", format!("are {count}"))
                .with_advice(format!("give a fleet 1 to {MAX_MACHINES} machines")));
        };
        let mut names = BTreeSet::new();
        let mut labels = BTreeSet::new();
        let mut hosts = BTreeSet::new();
        for machine in &self.machines {
            machine.check()?;
            if !names.insert(machine.name.to_ascii_lowercase()) {
                return Err(Error::invalid("machine_name", format!("{} is given twice", machine.name))
                    .with_advice("give every machine of a fleet a name of its own"));
            }
            let host = machine.computer_name();
            if !hosts.insert(host.to_ascii_lowercase()) {
                return Err(Error::invalid("computer_name", format!("{host} is given twice"))
                    .with_advice("give every machine of a fleet a host name of its own: FleetSpec::of numbers none"));
            }
            agree(first, machine)?;
            if let Some(label) = machine.dns_label.as_ref().filter(|label| !labels.insert(*label)) {
                return Err(Error::invalid("dns_label", format!("{label} is given twice"))
                    .with_advice("give every machine of a fleet a label of its own"));
            }
        }
        self.check_room(first)
    }

    fn check_room(&self, first: &VmSpec) -> Result<(), Error> {
        let NetworkChoice::Create { subnet, .. } = &first.network else { return Ok(()) };
        let room = (1_u64 << 32_u8.saturating_sub(subnet.prefix())).saturating_sub(RESERVED_ADDRESSES);
        if (self.machines.len() as u64) <= room {
            return Ok(());
        }
        Err(Error::invalid("subnet", format!("{subnet} has room for {room} machines, not {}", self.machines.len()))
            .with_advice("choose a larger subnet"))
    }
}

/// Refuses a machine that differs from another in what both share.
fn agree(one: &VmSpec, other: &VmSpec) -> Result<(), Error> {
    let same = [
        ("location", one.location == other.location),
        ("resource_group", one.group == other.group),
        ("network", one.network == other.network),
        ("ipv6", one.ipv6 == other.ipv6),
        ("security_group", one.security_group == other.security_group),
        ("inbound_rule", one.rules == other.rules),
    ];
    match same.iter().find(|(_, agrees)| !agrees) {
        None => Ok(()),
        Some((field, _)) => {
            Err(Error::invalid(*field, format!("of {} is another than that of {}", other.name, one.name))
                .with_advice("give all machines of a fleet the same, or make them two fleets"))
        }
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ResourceGroupName;

    use super::super::{GroupChoice, InboundRule, Windows};
    use super::*;

    fn machine() -> VmSpec {
        let group = GroupChoice::Create(ResourceGroupName::new("rg").unwrap());
        VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
    }

    fn field(machines: Vec<VmSpec>) -> Option<String> {
        FleetSpec::new("web", machines).check().unwrap_err().field().map(str::to_owned)
    }

    #[test]
    fn machines_agree_on_what_they_share() {
        FleetSpec::of(&machine(), 100).check().unwrap();
        assert_eq!(field(Vec::new()).as_deref(), Some("machines"));
        assert_eq!(field(FleetSpec::of(&machine(), 101).machines).as_deref(), Some("machines"));
        assert_eq!(field(vec![machine(), machine()]).as_deref(), Some("machine_name"));
        let two = |change: fn(VmSpec) -> VmSpec| {
            let mut other = change(machine());
            other.name = "other".to_owned();
            vec![machine(), other]
        };
        assert!(FleetSpec::new("web", two(|machine| machine.with_zone("2").with_tag("a", "b"))).check().is_ok());
        let rule = |machine: VmSpec| machine.with_rule(InboundRule::ssh(vec!["203.0.113.7/32".parse().unwrap()]));
        assert_eq!(field(two(rule)).as_deref(), Some("inbound_rule"));
        let elsewhere = |machine: VmSpec| VmSpec { location: "northeurope".to_owned(), ..machine };
        assert_eq!(field(two(elsewhere)).as_deref(), Some("location"));
    }

    // Two hosts of one name on one network cannot join one domain, nor be found by their names.
    #[test]
    fn no_two_machines_have_one_host_name() {
        let windows = machine().with_windows(Windows::new().with_computer_name("host"));
        FleetSpec::of(&windows, 1).check().unwrap();
        assert_eq!(field(FleetSpec::of(&windows, 2).machines).as_deref(), Some("computer_name"));
        let mut apart = FleetSpec::of(&windows, 2).machines;
        apart[1].windows = Some(Windows::new().with_computer_name("HOST"));
        assert_eq!(field(apart.clone()).as_deref(), Some("computer_name"));
        apart[1].windows = Some(Windows::new());
        FleetSpec::new("web", apart).check().unwrap();
    }

    #[test]
    fn a_subnet_has_an_address_for_each_machine() {
        let (space, subnet) = ("10.0.0.0/16".parse().unwrap(), "10.0.0.0/29".parse().unwrap());
        let narrow = machine().with_network(NetworkChoice::Create { space, subnet, outbound: true });
        // The service keeps five of the eight for itself.
        FleetSpec::of(&narrow, 3).check().unwrap();
        assert_eq!(field(FleetSpec::of(&narrow, 4).machines).as_deref(), Some("subnet"));
    }
}
