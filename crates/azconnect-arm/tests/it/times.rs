//! Durations and dates at the ends of their ranges, from a specification, a setting, the service and the journal.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::{Arm, Provisioner};
use azconnect_core::{Append, Clock, Epoch, Error, Journal, Sequence, StreamId};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, ArmSettings, Failure, RetryAfter};
use azconnect_emulator::{Fault, FaultAction};
use azconnect_http::Pipeline;
use azconnect_saga::within;
use azconnect_store::MemoryJournal;
use proptest::prelude::*;
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};

use crate::stage::{CLIENT, Stage, agent, id, plan, spec, subscription_id};

/// As long as a test of hours goes on in virtual time, it costs nothing; one of years would never end.
const ENOUGH: Duration = Duration::from_secs(48 * 3600);

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::from_secs(1)),
        Just(Duration::from_secs(60)),
        Just(Duration::from_secs(i64::MAX as u64)),
        Just(Duration::from_secs(u64::MAX)),
        Just(Duration::MAX),
        any::<Duration>(),
    ]
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(Box::pin(work))
}

/// Runs until it ends, or for longer than anybody waits. Whether it failed is not asked: only that nothing panics.
async fn all_calls(stage: &Stage, provisioner: &Provisioner, install: azconnect_arm::AgentInstall) {
    let plan = plan(spec().with_agent(install));
    let id = id();
    let _ = enough(stage, || provisioner.run(&plan)).await;
    let _ = enough(stage, || provisioner.run_until(&plan, stage.clock.sleep(ENOUGH / 2))).await;
    let _ = enough(stage, || provisioner.resume(&id)).await;
    let _ = enough(stage, || provisioner.progress(&id)).await;
    let _ = enough(stage, || provisioner.private_key(&id)).await;
    let _ = enough(stage, || provisioner.forget_private_key(&id, "SHA256:any")).await;
    let _ = enough(stage, || provisioner.clean_up(&id)).await;
}

/// Each call is made here, so that the stack of the caller does not hold all of them.
async fn enough<T, W: Future<Output = Result<T, Error>>>(stage: &Stage, work: impl FnOnce() -> W) -> Result<T, Error> {
    within(&stage.clock, ENOUGH, "the call", Box::pin(work())).await?
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_duration_of_the_caller_makes_a_call_panic(
        limit in span(), pause in span(), term in span(), operation in span(), fails in any::<bool>()
    ) {
        // A renewal as often as every millisecond of hours is no panic, but takes its time.
        prop_assume!(term.is_zero() || term >= Duration::from_secs(1));
        // Nor is a look without a pause, at a machine that takes a minute.
        prop_assume!(pause >= Duration::from_secs(1));
        in_virtual_time(async {
            let stage = Stage::new();
            let outcome = if fails { AgentOutcome::Fails(1) } else { AgentOutcome::Succeeds };
            stage.emulator.resource_manager().on_machines("", AgentScript::new(outcome));
            let pipeline = Pipeline::new(stage.emulator.transport(), Arc::new(stage.clock.clone()));
            let arm = Arm::new(pipeline, &stage.emulator.cloud(), stage.sign_in()).with_operation_time_limit(operation);
            let provisioner = stage.provisioner_in(arm.subscription(subscription_id())).with_lease_term(term);
            let install = agent().with_time_limit(limit).with_probe_pause(pause);
            all_calls(&stage, &provisioner, install).await;
        });
    }

    #[test]
    fn no_pause_that_the_service_names_makes_a_call_panic(pause in span(), text in "[0-9]{1,25}|[A-Z][a-z]{2}, 31 Dec 9999 23:59:59 GMT") {
        in_virtual_time(async {
            let roles = serde_json::json!([{"principal": CLIENT, "role": "Contributor"}]);
            let settings = ArmSettings::default().with_retry_after(RetryAfter::Fixed(pause));
            let stage = Stage::with(settings, roles);
            let busy = Failure::new("TooManyRequests").with_header("retry-after", text);
            for path in ["/virtualNetworks/", "/virtualMachines/web?", "/operations/"] {
                stage.emulator.faults().add(Fault::new(FaultAction::Fail(busy.clone())).with_path(path).with_count(2));
            }
            let provisioner = stage.provisioner();
            all_calls(&stage, &provisioner, agent()).await;
        });
    }
}

#[tokio::test(start_paused = true)]
async fn no_date_in_the_journal_makes_a_call_panic() {
    let offset = |hours| UtcOffset::from_hms(hours, 59 * hours.signum(), 0).unwrap();
    let last = datetime!(9999-12-31 23:59:59 UTC).replace_offset(offset(-23));
    let first = datetime!(-9999-01-01 00:00 UTC).replace_offset(offset(23));
    for at in [first, OffsetDateTime::UNIX_EPOCH, last] {
        let mut stage = Stage::new();
        stage.provisioner().run(&plan(spec().with_agent(agent()))).await.unwrap();
        let stream = StreamId::new("provision/contoso/web").unwrap();
        let entries = stage.journal.read(&stream, Sequence::START).await.unwrap();
        let dated = |mut record: azconnect_core::Record| {
            record.at = at;
            record
        };
        for count in [1, 5, entries.len()] {
            let records = entries.iter().take(count).map(|entry| dated(entry.record.clone())).collect();
            stage.journal = MemoryJournal::new();
            stage.journal.append(Append::new(stream.clone(), Sequence::START, Epoch(1), records)).await.unwrap();
            all_calls(&stage, &stage.provisioner(), agent()).await;
        }
    }
}
