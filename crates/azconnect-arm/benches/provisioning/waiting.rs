//! How late the end of a provisioning is noticed, and how many polls that takes: in virtual time, over the durations that were
//! measured of real machines.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use azconnect_arm::{ProvisionId, ProvisionPlan};
use azconnect_core::Clock;
use azconnect_emulator::arm::{ArmSettings, OperationKind, RetryAfter};
use azconnect_http::{DoublingToRetryAfter, Eager, PollPolicy};

use crate::site::{ADDRESS, NETWORK, SUBSCRIPTION, machine, virtual_site};

/// Half of 20 evenly spaced quantiles of the normal distribution; the other half is their mirror.
const QUANTILES: [f64; 10] = [0.063, 0.189, 0.319, 0.454, 0.598, 0.755, 0.935, 1.150, 1.440, 1.960];

/// Median and 95th percentile of creations of Linux machines that were measured, in seconds.
const MEASURED: [(f64, f64); 2] = [(44.0, 88.0), (30.0, 65.0)];

/// The pauses that a service names: in the answer to the write, then in each status of the machine.
const NAMED: [(&str, Option<u64>); 4] =
    [("absent", None), ("10/10", Some(10)), ("10/30", Some(30)), ("10/70", Some(70))];

fn durations() -> impl Iterator<Item = Duration> {
    MEASURED.into_iter().flat_map(|(median, late)| {
        let spread = (late / median).ln() / 1.645;
        let all = QUANTILES.into_iter().flat_map(|at| [at, -at]);
        all.map(move |at| Duration::from_secs_f64(median * (spread * at).exp()))
    })
}

pub(crate) async fn waiting() {
    println!("waiting: one machine, overhead of a whole provisioning over its critical path");
    println!("{:24} {:>12} {:>10} {:>10} {:>16}", "policy", "Retry-After", "mean, s", "worst, s", "polls a machine");
    let policies: [(&str, Arc<dyn PollPolicy>); 2] =
        [("Eager (default)", Arc::new(Eager::new())), ("DoublingToRetryAfter", Arc::new(DoublingToRetryAfter))];
    for (policy, polling) in policies {
        for (named, then) in NAMED {
            let (mut late, mut worst, mut polls, mut count) = (0.0, 0.0_f64, 0, 0_u32);
            for duration in durations() {
                let (overhead, polled) = overhead(duration, then, polling.clone()).await;
                (late, worst, polls, count) = (late + overhead, worst.max(overhead), polls + polled, count + 1);
            }
            let each = f64::from(count);
            println!("{policy:24} {named:>12} {:>10.1} {worst:>10.1} {:>16.1}", late / each, polls as f64 / each);
        }
    }
}

/// How much longer than its critical path a provisioning takes, and how often the machine's status was read.
async fn overhead(duration: Duration, then: Option<u64>, polling: Arc<dyn PollPolicy>) -> (f64, u64) {
    let pauses = if then.is_some() { RetryAfter::Fixed(Duration::from_secs(10)) } else { RetryAfter::Absent };
    let settings = ArmSettings::default()
        .with_retry_after(pauses)
        .with_duration(OperationKind::Network, NETWORK)
        .with_duration(OperationKind::PublicIp, ADDRESS)
        .with_duration(OperationKind::MachineCreate, duration);
    let (provisioner, transport, clock) = virtual_site(settings, then, polling).await;
    let subscription = SUBSCRIPTION.parse().unwrap();
    let plan = ProvisionPlan::new(ProvisionId::new("web").unwrap(), subscription, machine("web")).unwrap();
    let started = clock.elapsed();
    provisioner.run(&plan).await.unwrap();
    let took = clock.elapsed() - started;
    let critical = NETWORK + duration;
    (took.as_secs_f64() - critical.as_secs_f64(), transport.polls_of_machine.load(Ordering::Relaxed))
}
