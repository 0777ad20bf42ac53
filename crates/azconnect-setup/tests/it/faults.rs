//! Calls of the customer that fail once: the setup ends all the same, and nothing is doubled or left.

use azconnect_core::ErrorKind;
use azconnect_setup::{SetupId, Step};
use azconnect_testkit::conformance::setup::SetupHarness;
use azconnect_testkit::fake::{CustomerStep, Fault};

use crate::conformance::Harness;

const STEPS: [CustomerStep; 6] = [
    CustomerStep::Read,
    CustomerStep::Register,
    CustomerStep::Give(Step::Principal),
    CustomerStep::Give(Step::Group),
    CustomerStep::Give(Step::Role),
    CustomerStep::Take,
];

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_once_doubles_and_leaves_nothing() {
    let pause = std::time::Duration::from_secs(7);
    for fault in [Fault::Dropped, Fault::AnswerLost, Fault::Throttled(pause), Fault::Refused(ErrorKind::Unavailable)] {
        for step in STEPS {
            let harness = Harness::new();
            let (setup, id) = (harness.setup(), SetupId::new("contoso").unwrap());
            let plan = setup.plan(id.clone(), harness.spec("Contoso builds")).await.unwrap();
            harness.customer.faults().script(step, fault);
            let first = setup.run(&plan).await;
            let done = match first {
                Ok(done) => done,
                Err(_) => setup.resume(&id).await.unwrap(),
            };
            assert_eq!(harness.customer.applications("Contoso builds"), [done.client], "{step:?} {fault:?}");
            assert_eq!(harness.customer.keys(done.client), 1);
            let taken = match setup.undo(&id).await {
                Ok(taken) => taken,
                Err(_) => setup.undo(&id).await.unwrap(),
            };
            assert!(taken.left.is_empty(), "{step:?} {fault:?}: {taken:?}");
            assert!(harness.customer.applications("Contoso builds").is_empty() && harness.customer.parts() == 0);
        }
    }
}
