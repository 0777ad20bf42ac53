//! The plan of a fleet, as a person reads it before agreeing.

use azconnect_arm::spec::{DataDisk, Ipv6, Protocol, Source};
use azconnect_arm::{Fleet, FleetPlan, FleetSpec, InboundRule, NetworkChoice};

use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::{Stage, agent, spec, subscription_id};

#[test]
fn the_plan_shows_what_is_shared_and_what_is_each_machine_s() {
    let shown = fleet_plan(2).to_string();
    let told: Vec<String> = shown.lines().map(without_suffix).collect();
    assert_eq!(
        told,
        [
            "fleet contoso/shop: 2 machines in westeurope",
            "  subscription 20000000-0000-4000-8000-000000000001",
            "what the machines share",
            "  + resource group rg-web, unless it exists",
            "  + network security group web-nsg-*, which lets in",
            "      allow-ssh: TCP 22 from 203.0.113.7/32",
            "  + network web-vnet-* 10.0.0.0/16, subnet 10.0.0.0/24",
            "machine web-1",
            "  + public address web-1-ip-* (Standard, static)",
            "  + network interface web-1-nic-*",
            "  + virtual machine web-1: Standard_B2s",
            "machine web-2",
            "  + public address web-2-ip-* (Standard, static)",
            "  + network interface web-2-nic-*",
            "  + virtual machine web-2: Standard_B2s",
        ]
    );
}

#[test]
fn every_rule_is_told_by_protocol_port_and_source_and_fits_a_page() {
    let many: Vec<Source> = (1..=12).map(|n| Source::Range(format!("203.0.113.{n}/32").parse().unwrap())).collect();
    let mut machine = spec()
        .with_rule(InboundRule::tcp("allow-web", 200, 80..=443, vec![Source::Anyone]))
        .with_rule(InboundRule::portless("allow-ping", 210, Protocol::Icmp, many))
        .with_fallback_size("Standard_D2s_v5")
        .with_zone("1")
        .with_zone("2")
        .with_data_disk(DataDisk::new(64))
        .with_agent(agent());
    machine.name = "a-machine-whose-name-is-as-long-as-many-a-company-wants".to_owned();
    let plan = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&machine, 3)).unwrap();
    let shown = plan.to_string();
    for told in ["allow-web: TCP 80-443 from anyone", "allow-ping: ICMP from 203.0.113.1/32, 203.0.113.2/32,"] {
        assert!(shown.contains(told), "{told:?} is not in\n{shown}");
    }
    for line in shown.lines().chain(plan.machines[0].to_string().lines()) {
        // The name of an interface is one word, and may be wider by itself.
        assert!(line.chars().count() <= 80 || line.split_whitespace().count() == 1, "{line:?} is too wide in\n{shown}");
    }
}

// A subnet of others has an id of some 200 characters.
#[test]
fn what_exists_is_told_by_its_name() {
    let hub = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/hub/providers/Microsoft.Network";
    let subnet = format!("{hub}/virtualNetworks/corporate/subnets/machines").parse().unwrap();
    let mut machine = spec().with_network(NetworkChoice::Existing(subnet));
    machine.rules.clear();
    let shown = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&machine, 1)).unwrap().to_string();
    assert!(shown.contains("    subnet corporate/machines in hub (exists)"), "{shown}");
    assert!(shown.contains(": nobody is let in"), "{shown}");
    assert!(shown.starts_with("fleet contoso/shop: 1 machine in westeurope"), "{shown}");
}

// An interface of IPv6 needs a subnet that has a range of it.
#[tokio::test(start_paused = true)]
async fn what_is_shared_has_ipv6_if_the_machines_have() {
    let stage = Stage::new();
    let machine = spec().with_ipv6(Ipv6::private().unwrap());
    let plan = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&machine, 2)).unwrap();
    assert!(plan.to_string().contains("\n    and fd"), "{plan}");
    let fleet = Fleet::new(stage.provisioner());
    for machine in fleet.run(&plan).await.unwrap().machines {
        let machine = machine.outcome.unwrap();
        assert!(machine.ipv6.is_some_and(|address| address.contains(':')), "{}", machine.id);
    }
    fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// A line in which the hexadecimal end of a name is a star.
fn without_suffix(line: &str) -> String {
    let is_suffix = |word: &str| word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    line.split(' ')
        .map(|word| match word.trim_end_matches(',').rsplit_once('-') {
            Some((name, end)) if is_suffix(end) => word.replace(&format!("{name}-{end}"), &format!("{name}-*")),
            _ => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}
