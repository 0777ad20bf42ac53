//! The rotator behind the ports that a product calls.

use std::sync::Arc;

use azconnect_core::{Clock, ErrorKind, LeaseKey};
use azconnect_credential::{Check, CheckReport};
use azconnect_rotation::{RotationHistory, RotationOperator, Rotations, Rotator, Target};
use azconnect_testkit::conformance::rotations::{RotationsHarness, Situation, all};
use azconnect_testkit::fake::{Directory, Fault, Step};

use crate::stage::{DAY, Stage, sink};

/// A rotator over a directory in memory.
struct Harness {
    rotator: Arc<Rotator>,
    directory: Directory,
    target: Target,
}

impl Harness {
    async fn new(situation: Situation) -> Self {
        let stage = Stage::new();
        let mut target = stage.target();
        match situation {
            Situation::Fresh => {
                target.adopted = vec![stage.directory.seed_key(Some("by hand"), stage.clock.now() + 80 * DAY)];
            }
            Situation::Forbidden => {
                let failed = Check::failed("automatic-creation", "connection", "no", "convert it");
                stage.directory.set_sink_checks(&sink("b"), CheckReport::from_iter([failed]));
            }
            Situation::Refusing => {
                stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
            }
            Situation::Taken => {
                let key = LeaseKey::new(format!("rotation/{}", target.subject())).unwrap();
                stage.lease.acquire(&key, "another process", DAY).await.unwrap();
            }
            _ => {}
        }
        Self { rotator: Arc::new(stage.rotator()), directory: stage.directory.clone(), target }
    }
}

impl RotationsHarness for Harness {
    fn rotations(&self) -> Arc<dyn Rotations> {
        self.rotator.clone()
    }
    fn operator(&self) -> Arc<dyn RotationOperator> {
        self.rotator.clone()
    }
    fn history(&self) -> Arc<dyn RotationHistory> {
        self.rotator.clone()
    }
    fn target(&self) -> Target {
        self.target.clone()
    }
    fn heal(&self) {
        self.directory.heal();
    }
}

#[tokio::test(start_paused = true)]
async fn the_rotator_does_what_its_ports_promise() {
    all(Harness::new).await;
}
