//! The rotator behind the ports that a product calls.

use std::sync::Arc;

use azconnect_core::{Clock, Lease, LeaseKey};
use azconnect_credential::{Finding, Severity};
use azconnect_testkit::conformance::rotations::{Scene, Situation, all};
use azconnect_testkit::fake::{Fault, Step};

use crate::stage::{DAY, Stage, sink};

async fn scene(situation: Situation) -> Scene {
    let stage = Stage::new();
    let mut target = stage.target();
    match situation {
        Situation::Fresh => {
            let fresh = stage.directory.seed_key(Some("by hand"), stage.clock.now() + 80 * DAY);
            target.adopted = vec![fresh];
        }
        Situation::Forbidden => {
            let finding = Finding::new(Severity::Blocker, "automatic-creation", "no", "convert it");
            stage.directory.set_sink_findings(&sink("b"), vec![finding]);
        }
        Situation::Refusing => {
            let refusal = Fault::Refused(azconnect_core::ErrorKind::PermissionDenied);
            stage.directory.break_down(Step::Push(sink("b")), refusal);
        }
        Situation::Taken => {
            let key = LeaseKey::new(format!("rotation/{}", target.subject())).unwrap();
            stage.lease.acquire(&key, "another process", DAY).await.unwrap();
        }
        _ => {}
    }
    let directory = stage.directory.clone();
    Scene::new(Arc::new(stage.rotator()), target).with_heal(move || directory.heal())
}

#[tokio::test(start_paused = true)]
async fn the_rotator_does_what_its_ports_promise() {
    all(scene).await;
}
