//! Several machines on one foundation, in virtual time, against the limit: the foundation and the slowest machine.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use azconnect_arm::{Fleet, FleetPlan, FleetSpec, ProvisionId};
use azconnect_core::Clock;
use azconnect_emulator::arm::{ArmSettings, OperationKind};
use azconnect_http::Eager;

use crate::site::{ADDRESS, NETWORK, SUBSCRIPTION, machine, virtual_site};

const MACHINE: Duration = Duration::from_millis(43_700);

pub(crate) async fn fleets() {
    println!("fleets: against the limit of the foundation and the slowest machine");
    println!("{:>8} {:>10} {:>10} {:>7} {:>10}", "machines", "took, s", "limit, s", "ratio", "requests");
    // The network's parts at once; then each machine's public address, and the machine.
    let limit = NETWORK + ADDRESS + MACHINE;
    for machines in [1, 5, 20] {
        let settings = ArmSettings::default()
            .with_duration(OperationKind::Network, NETWORK)
            .with_duration(OperationKind::PublicIp, ADDRESS)
            .with_duration(OperationKind::MachineCreate, MACHINE);
        let (provisioner, transport, clock) = virtual_site(settings, None, Arc::new(Eager::new())).await;
        let spec = FleetSpec::of(&machine("web"), machines);
        let plan = FleetPlan::new(ProvisionId::new("shop").unwrap(), SUBSCRIPTION.parse().unwrap(), spec).unwrap();
        let (started, before) = (clock.elapsed(), transport.requests.load(Ordering::Relaxed));
        let outcome = Fleet::new(provisioner).run(&plan).await.unwrap();
        let took = clock.elapsed() - started;
        let failed = outcome.failures().count();
        println!(
            "{machines:>8} {:>10.1} {:>10.1} {:>7.3} {:>10}{}",
            took.as_secs_f64(),
            limit.as_secs_f64(),
            took.as_secs_f64() / limit.as_secs_f64(),
            transport.requests.load(Ordering::Relaxed) - before,
            if failed == 0 { String::new() } else { format!("  {failed} failed: {:?}", outcome.failures().next()) }
        );
    }
}
