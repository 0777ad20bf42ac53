//! What a machine may ask of its network: rules of every protocol, a name for its address, an address that fits every zone.

use azconnect_arm::spec::{Protocol, Source};
use azconnect_arm::{Fleet, FleetPlan, FleetSpec, InboundRule, VmSpec};
use azconnect_core::ErrorKind;
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::fleet::fleet_id;
use crate::stage::{Stage, id, plan, spec, subscription_id};

/// What the emulator keeps of the one resource of a kind.
fn kept(stage: &Stage, kind: &str) -> Value {
    let kind = format!("/{kind}/");
    let id = stage.live().into_iter().find(|id| id.contains(&kind) && !id.contains("securityRules")).unwrap();
    stage.emulator.resource_manager().resource(&id).unwrap()
}

#[tokio::test(start_paused = true)]
async fn rules_of_every_protocol_are_taken_by_the_service() {
    let stage = Stage::new();
    let office = || vec![Source::Range("203.0.113.0/24".parse().unwrap())];
    let ranges = || vec!["203.0.113.0/24".parse().unwrap()];
    let spec = spec()
        .with_rule(InboundRule::ping(200, ranges()))
        .with_rule(InboundRule::portless("allow-esp", 210, Protocol::Esp, office()))
        .with_rule(InboundRule::portless("allow-ah", 220, Protocol::Ah, office()))
        .with_rule(InboundRule::portless("allow-all", 230, Protocol::Any, office()))
        .with_rule(InboundRule::tcp(
            "allow-six",
            240,
            443..=443,
            vec![Source::Range("2001:db8::/32".parse().unwrap())],
        ));
    stage.provisioner().run(&plan(spec)).await.unwrap();
    let group = kept(&stage, "networkSecurityGroups");
    let rules = group["properties"]["securityRules"].as_array().unwrap();
    let sent: Vec<_> = rules
        .iter()
        .map(|rule| (rule["properties"]["protocol"].clone(), rule["properties"]["destinationPortRange"].clone()))
        .collect();
    let wanted = [("Tcp", "22"), ("Icmp", "*"), ("Esp", "*"), ("Ah", "*"), ("*", "*"), ("Tcp", "443")];
    assert_eq!(sent, wanted.map(|(protocol, ports)| (json!(protocol), json!(ports))));
}

#[tokio::test(start_paused = true)]
async fn an_address_with_a_label_has_a_name() {
    let stage = Stage::new();
    let plan = plan(spec().with_dns_label("contoso-web"));
    assert!(plan.to_string().contains("(Standard, static, contoso-web.westeurope.…)"), "{plan}");
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan).await.unwrap();
    assert_eq!(machine.fqdn.as_deref(), Some("contoso-web.westeurope.cloudapp.azure.com"));
    let sent = kept(&stage, "publicIPAddresses");
    assert_eq!(sent["properties"]["dnsSettings"]["domainNameLabel"], "contoso-web");
    assert_eq!(provisioner.run(&plan).await.unwrap().fqdn, machine.fqdn, "again, from the journal");
}

/// A label is unique in its region, whoever has it.
#[tokio::test(start_paused = true)]
async fn a_label_that_is_taken_is_told_and_nothing_is_left() {
    let stage = Stage::new();
    let mut other = spec().with_dns_label("taken");
    other.name = "other".to_owned();
    let other = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::new("other", vec![other])).unwrap();
    Fleet::new(stage.provisioner()).run(&other).await.unwrap();
    let before = stage.live();
    let error = stage.provisioner().run(&plan(spec().with_dns_label("taken"))).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Conflict, Some("DnsRecordInUse")));
    assert!(error.advice().contains("another label"), "{}", error.advice());
    assert_eq!(stage.live(), before);
}

#[tokio::test(start_paused = true)]
async fn machines_of_a_fleet_have_labels_of_their_own() {
    let labelled = FleetSpec::of(&spec().with_dns_label("shop"), 2);
    let labels: Vec<_> = labelled.machines.iter().map(|machine| machine.dns_label.as_deref()).collect();
    assert_eq!(labels, [Some("shop-1"), Some("shop-2")]);
    let with_label = |name: &str| -> VmSpec {
        let mut machine = spec().with_dns_label("same");
        machine.name = name.to_owned();
        machine
    };
    let twice = FleetSpec::new("web", vec![with_label("one"), with_label("two")]);
    assert_eq!(twice.check().unwrap_err().field(), Some("dns_label"));
}

/// An address of one zone is refused for a machine of another; without zones, the service puts it into all of the region.
#[tokio::test(start_paused = true)]
async fn a_machine_that_falls_back_to_another_zone_has_an_address_that_fits() {
    let stage = Stage::new();
    let fault = Fault::new(FaultAction::Fail(Failure::new("ZonalAllocationFailed").in_operation()));
    stage.emulator.faults().add(fault.with_method("PUT").with_path("/virtualMachines/web?").with_count(1));
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(spec().with_zone("1").with_zone("2"))).await.unwrap();
    assert_eq!(machine.placement.zone.as_deref(), Some("2"));
    assert!(machine.address.is_some());
    assert_eq!(kept(&stage, "publicIPAddresses")["zones"], json!(["1", "2", "3"]));
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}
