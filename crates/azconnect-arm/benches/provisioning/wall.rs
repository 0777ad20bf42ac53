//! Requests, computing and wall time of a provisioning over real TCP. The emulator computes in the same process.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use azconnect_arm::{Arm, ProvisionId, ProvisionPlan};
use azconnect_core::Clock;
use azconnect_emulator::arm::{ArmSettings, OperationKind};
use azconnect_emulator::server;
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock};

use crate::site::{ADDRESS, NETWORK, SUBSCRIPTION, Watching, emulator, machine, provisioner, sign_in};

/// Uneven, so that no poll falls on the end by chance.
const MACHINE: Duration = Duration::from_millis(6_700);

pub(crate) async fn wall() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let settings = ArmSettings::default()
        .with_duration(OperationKind::Network, NETWORK)
        .with_duration(OperationKind::PublicIp, ADDRESS)
        .with_duration(OperationKind::MachineCreate, MACHINE);
    let emulator = emulator(settings, clock.clone());
    let server = server::serve(emulator.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let cloud = server.cloud();
    let serving = tokio::spawn(server.run());
    let inner = Arc::new(ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap());
    let transport = Arc::new(Watching::new(inner, None));
    let tokens = sign_in(&cloud, &*transport, &*clock).await;
    let arm = Arm::new(Pipeline::new(transport.clone(), clock.clone()), &cloud, tokens);
    let provisioner = provisioner(&arm, clock);
    // The network's parts at once, the network interface (an operation that the service calls done at once), the machine.
    let critical = NETWORK + MACHINE;
    println!("one machine over TCP, Retry-After as measured; computing of client and emulator together");
    println!(
        "{:>10} {:>10} {:>12} {:>7} {:>10} {:>14}",
        "round", "took, s", "critical, s", "ratio", "requests", "computing, ms"
    );
    for round in 0..=3 {
        let name = format!("web{round}");
        let id = ProvisionId::new(&name).unwrap();
        let plan = ProvisionPlan::new(id, SUBSCRIPTION.parse().unwrap(), machine(&name)).unwrap();
        let (requests, computed) = (transport.requests.load(Ordering::Relaxed), computing());
        let started = Instant::now();
        provisioner.run(&plan).await.unwrap();
        let took = started.elapsed().as_secs_f64();
        // The first one pays for connections and pages that every later one finds.
        let label = if round == 0 { "(warm-up)".to_owned() } else { round.to_string() };
        println!(
            "{label:>10} {took:>10.2} {:>12.2} {:>7.3} {:>10} {:>14}",
            critical.as_secs_f64(),
            took / critical.as_secs_f64(),
            transport.requests.load(Ordering::Relaxed) - requests,
            computing().saturating_sub(computed)
        );
    }
    serving.abort();
}

/// The processor time of this process so far, in milliseconds, where the system tells. Its ticks are of 10 ms.
fn computing() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything, the 12th and 13th number are the time in the program and in the system.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| after.split_whitespace().nth(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10
}
